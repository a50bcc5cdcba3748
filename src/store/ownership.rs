//! Whose the files of the store are. A command that root runs beside a service of another user must not
//! leave files that the service cannot write.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::{MetadataExt, OpenOptionsExt, chown},
    path::Path,
};

use nix::unistd::geteuid;

use super::{StoreError, key::parent};

/// The database's mode: findings and hashes of tokens are nobody's business but the operator's.
const DATABASE_MODE: u32 = 0o640;

/// What was made just now belongs to whom the directory around it belongs, if root made it.
pub fn belongs_to_its_directory(path: &Path) -> Result<(), StoreError> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let fail = |error| StoreError::file(path, &error);
    let around = fs::metadata(parent(path)).map_err(fail)?;
    let own = fs::metadata(path).map_err(fail)?;
    if (own.uid(), own.gid()) == (around.uid(), around.gid()) {
        return Ok(());
    }
    chown(path, Some(around.uid()), Some(around.gid())).map_err(fail)
}

/// Makes the empty file that SQLite makes a database of, and files beside it with the same mode and owner.
pub(super) fn make_database_file(path: &Path) -> Result<(), StoreError> {
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(DATABASE_MODE).open(path);
    made.map_err(|error| StoreError::file(path, &error))?;
    belongs_to_its_directory(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{SigningKey, Sqlite};

    #[test]
    fn nobody_but_owner_and_group_reads_the_database() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("zhamen.db");
        let _store = Sqlite::open(&path).unwrap();
        for name in ["zhamen.db", "zhamen.db-wal"] {
            assert_eq!(fs::metadata(dir.path().join(name)).unwrap().mode() & 0o777, DATABASE_MODE, "{name}");
        }
    }

    #[test]
    fn what_root_makes_is_its_directorys_owners() {
        if !geteuid().is_root() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        chown(dir.path(), Some(4_711), Some(4_712)).unwrap();
        let _store = Sqlite::open(&dir.path().join("zhamen.db")).unwrap();
        let evidence = dir.path().join("evidence");
        SigningKey::open(&evidence).unwrap();
        let made = fs::read_dir(dir.path()).unwrap().chain(fs::read_dir(&evidence).unwrap());
        let made: Vec<_> = made.map(|entry| entry.unwrap().path()).collect();
        assert!(made.len() >= 5, "{made:?}");
        for path in made {
            let file = fs::metadata(&path).unwrap();
            assert_eq!((file.uid(), file.gid()), (4_711, 4_712), "{}", path.display());
        }
    }
}

//! What is on disk: certificates beside those that somebody put there, the account, what failed, and what an
//! operator asked for.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process,
};

use nix::unistd::{AccessFlags, access};
use serde::{Deserialize, Serialize};

use crate::{base::Timestamp, store::belongs_to_its_directory};

/// How our own certificates begin, and nobody else's.
const MARK: &str = "# Zhamen: by ACME; replaced when it is renewed\n";
/// How their files end.
const SUFFIX: &str = ".acme.pem";
/// Bytes of a file that says what failed.
const STATE_BYTES_MAX: u64 = 64 << 10;

/// What failed for a site, the last time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// How often in a row.
    pub failures: u32,
    /// When the last time.
    pub at: Timestamp,
    /// When it is tried again.
    pub next: Timestamp,
    /// Why, and what to do.
    pub why: String,
}

/// The directory with the account and what failed (`acme.dir`).
#[derive(Clone, Debug)]
pub struct AcmeFiles {
    directory: PathBuf,
}

impl AcmeFiles {
    /// The files of a directory, which need not be there.
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// What failed, by host.
    pub fn failed(&self) -> io::Result<Vec<(String, Failed)>> {
        let mut all = Vec::new();
        for (host, path) in entries(&self.failures())? {
            let mut text = String::new();
            File::open(&path)?.take(STATE_BYTES_MAX).read_to_string(&mut text)?;
            match serde_json::from_str(&text) {
                Ok(failed) => all.push((host, failed)),
                Err(error) => {
                    tracing::warn!(%error, path = %path.display(), "this file says nothing, and is not heeded")
                }
            }
        }
        Ok(all)
    }

    /// Notes a failure, or that there is none any more.
    pub(super) fn note(&self, host: &str, failed: Option<&Failed>) -> io::Result<()> {
        let path = self.failures().join(host);
        match failed {
            None => gone(fs::remove_file(path)),
            Some(failed) => {
                self.make(&self.failures())?;
                write_private(&path, serde_json::to_string(failed).map_err(io::Error::other)?.as_bytes())
            }
        }
    }

    /// Asks for a site's certificate to be renewed now, whatever it has and whatever failed.
    pub fn ask(&self, host: &str) -> io::Result<()> {
        self.make(&self.orders())?;
        write_private(&self.orders().join(host), b"")
    }

    /// Takes the hosts that were asked for.
    pub(super) fn take_asked(&self) -> io::Result<Vec<String>> {
        let asked = entries(&self.orders())?;
        for (_, path) in &asked {
            gone(fs::remove_file(path))?;
        }
        Ok(asked.into_iter().map(|(host, _)| host).collect())
    }

    /// The account with an authority, as it was put.
    pub(super) fn account(&self, server: &str) -> io::Result<Option<String>> {
        match fs::read_to_string(self.account_path(server)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts the account with an authority, its key in it.
    pub(super) fn put_account(&self, server: &str, text: &str) -> io::Result<()> {
        self.make(&self.directory)?;
        write_private(&self.account_path(server), text.as_bytes())
    }

    /// Puts an account aside that the authority does not know any more.
    pub(super) fn retire_account(&self, server: &str) -> io::Result<()> {
        let path = self.account_path(server);
        fs::rename(&path, path.with_extension("retired"))
    }

    /// One file for each authority: a try with a test server does not cost the account with the real one.
    fn account_path(&self, server: &str) -> PathBuf {
        let print = blake3::hash(server.as_bytes()).to_hex();
        self.directory.join(format!("account-{}.json", &print[..16]))
    }

    /// Makes the directory, or one within it, as the service's own, whoever makes it.
    fn make(&self, within: &Path) -> io::Result<()> {
        for directory in [self.directory.as_path(), within] {
            match DirBuilder::new().mode(0o700).create(directory) {
                Ok(()) => belongs_to_its_directory(directory).map_err(io::Error::other)?,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn failures(&self) -> PathBuf {
        self.directory.join("failed")
    }

    fn orders(&self) -> PathBuf {
        self.directory.join("asked")
    }
}

/// Where the certificate of a host is written: beside whatever an operator put there.
fn certificate_path(directory: &Path, host: &str) -> PathBuf {
    directory.join(format!("{host}{SUFFIX}"))
}

/// Whether a host's certificate can be written: an authority is not asked for what has no place. A file that is
/// not ours stays as it is, and is an error.
pub(super) fn check_place(directory: &Path, host: &str) -> io::Result<()> {
    access(directory, AccessFlags::W_OK | AccessFlags::X_OK)
        .map_err(|error| io::Error::other(format!("{} cannot be written: {error}", directory.display())))?;
    let path = certificate_path(directory, host);
    let mut begin = vec![0; MARK.len()];
    match File::open(&path).and_then(|mut file| file.read_exact(&mut begin)) {
        Ok(()) if begin == MARK.as_bytes() => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Ok(()) | Err(_) => {
            let message = format!("{} was put there by somebody, and is not overwritten: move it away", path.display());
            Err(io::Error::other(message))
        }
    }
}

/// Writes a certificate with its key, for its owner alone to read.
pub(super) fn write_certificate(directory: &Path, host: &str, key: &str, chain: &str) -> io::Result<()> {
    check_place(directory, host)?;
    write_private(&certificate_path(directory, host), format!("{MARK}{key}{chain}").as_bytes())
}

/// Writes a file whole or not at all, and durably: aside, then in its place.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    let aside = directory.join(format!(".{}.{}", name.display(), process::id()));
    let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside);
    let placed = written.and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        belongs_to_its_directory(&aside).map_err(io::Error::other)?;
        fs::rename(&aside, path)
    });
    if placed.is_err() {
        // What is half written is nobody's.
        let _ = fs::remove_file(&aside);
    }
    placed?;
    File::open(directory)?.sync_all()
}

/// The files of a directory by name; none, where there is no directory.
fn entries(directory: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string()
            && !name.starts_with('.')
        {
            found.push((name, entry.path()));
        }
    }
    Ok(found)
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

    use nix::unistd::geteuid;

    use super::*;

    #[test]
    fn what_somebody_put_there_is_not_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = certificate_path(directory.path(), "a.cn");
        write_certificate(directory.path(), "a.cn", "key 1\n", "chain 1\n").unwrap();
        write_certificate(directory.path(), "a.cn", "key 2\n", "chain 2\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{MARK}key 2\nchain 2\n"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for theirs in ["-----BEGIN CERTIFICATE-----\nand much more, longer than the mark is\n", "short"] {
            fs::write(&path, theirs).unwrap();
            let error = write_certificate(directory.path(), "a.cn", "key 3\n", "chain 3\n").unwrap_err();
            assert!(error.to_string().contains("a.cn.acme.pem"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), theirs);
        }
        assert_eq!(entries(directory.path()).unwrap().len(), 1, "nothing is left aside");
    }

    #[test]
    fn what_root_asks_for_is_the_services_to_take() {
        if !geteuid().is_root() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        chown(directory.path(), Some(4_711), Some(4_712)).unwrap();
        let files = AcmeFiles::new(&directory.path().join("acme"));
        files.ask("a.cn").unwrap();
        for path in ["acme", "acme/asked", "acme/asked/a.cn"] {
            let made = fs::metadata(directory.path().join(path)).unwrap();
            assert_eq!((made.uid(), made.gid()), (4_711, 4_712), "{path}");
        }
    }

    #[test]
    fn what_failed_and_what_was_asked_for_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let files = AcmeFiles::new(&directory.path().join("acme"));
        assert!(files.failed().unwrap().is_empty() && files.take_asked().unwrap().is_empty());
        let failed = Failed { failures: 2, at: Timestamp(1), next: Timestamp(2), why: "the name leads nowhere".into() };
        files.note("a.cn", Some(&failed)).unwrap();
        assert_eq!(files.failed().unwrap(), [("a.cn".to_owned(), failed)]);
        files.note("a.cn", None).unwrap();
        files.note("a.cn", None).unwrap();
        assert!(files.failed().unwrap().is_empty());
        files.ask("a.cn").unwrap();
        assert_eq!((files.take_asked().unwrap(), files.take_asked().unwrap()), (vec!["a.cn".to_owned()], vec![]));
        files.put_account("https://ca/", "{}").unwrap();
        assert_eq!(
            (files.account("https://ca/").unwrap(), files.account("https://other/").unwrap()),
            (Some("{}".into()), None)
        );
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(files.account_path("https://ca/")), 0o600);
    }
}

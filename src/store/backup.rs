//! Backup while running, and restoring.
//!
//! The order makes a copy that holds together: signed heads, then the database, then what is in
//! evidence. So every head is of entries that the copy has, and every evidence that an entry names is
//! there. What a copy of a segment caught in the middle of a write is cut when it is opened.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, backup::Backup};

use super::{
    StoreError,
    evidence::{GONE, SEGMENT},
    key::{SigningKey, make_directory, numbered, parent, sync_directory},
    ownership::{belongs_to_its_directory, make_database_file},
    seal::HEADS_FILE,
};

/// The database's name in a backup.
const DATABASE: &str = "zhamen.db";
/// The store's directory in a backup.
const DIRECTORY: &str = "evidence";
/// The spool's directory in a store's.
const SPOOL: &str = "spool";
/// Pages of the database that are copied between two moments in which others may write.
const PAGES_AT_ONCE: i32 = 1_024;

/// Copies a store, which may be in use, into a directory that is empty or not there.
pub fn back_up(database: &Path, directory: &Path, to: &Path) -> Result<(), StoreError> {
    fill(to, || copy_store(database, directory, to))
}

fn copy_store(database: &Path, directory: &Path, to: &Path) -> Result<(), StoreError> {
    let target = to.join(DIRECTORY);
    make_directory(&target)?;
    for name in ["signing.key", "public.pem", HEADS_FILE] {
        copy_if_there(&directory.join(name), &target.join(name))?;
    }
    copy_database(database, &to.join(DATABASE))?;
    copy_segments(directory, &target, &[GONE, SEGMENT])?;
    let spool = directory.join(SPOOL);
    if spool.exists() {
        make_directory(&target.join(SPOOL))?;
        copy_segments(&spool, &target.join(SPOOL), &[SPOOL])?;
        sync_directory(&target.join(SPOOL))?;
    }
    sync_directory(&target)?;
    sync_directory(to)
}

/// Puts a backup where a store is to be. What is there already has to be moved away before. The backup is
/// looked at before anything is copied, and what was copied is removed again if it cannot be finished.
pub fn restore(from: &Path, database: &Path, directory: &Path) -> Result<(), StoreError> {
    let (source, evidence) = (from.join(DATABASE), from.join(DIRECTORY));
    if !source.exists() {
        return Err(StoreError::new(format!("{}: no backup: there is no {DATABASE} in it", from.display())));
    }
    if database.exists() {
        return Err(StoreError::new(format!(
            "{}: there is a database already; stop zhamen, move it away with {} and its -wal file, and try again",
            database.display(),
            directory.display()
        )));
    }
    check_database(&source)?;
    SigningKey::check(&evidence)?;
    fill(directory, || {
        copy_evidence(&evidence, directory)?;
        // Last: with the database there, the store is whole.
        copy_database(&source, database)
    })
}

fn copy_evidence(evidence: &Path, directory: &Path) -> Result<(), StoreError> {
    for name in ["signing.key", "public.pem", HEADS_FILE] {
        copy_if_there(&evidence.join(name), &directory.join(name))?;
    }
    copy_segments(evidence, directory, &[GONE, SEGMENT])?;
    if evidence.join(SPOOL).exists() {
        make_directory(&directory.join(SPOOL))?;
        copy_segments(&evidence.join(SPOOL), &directory.join(SPOOL), &[SPOOL])?;
        sync_directory(&directory.join(SPOOL))?;
    }
    sync_directory(directory)
}

/// Does work that fills a directory, which has to be empty or not there; if it fails, so it is again.
fn fill(directory: &Path, work: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
    let is_new = !directory.exists();
    empty_directory(directory)?;
    work().map_err(|error| {
        let emptied = if is_new { fs::remove_dir_all(directory) } else { remove_all_in(directory) };
        match emptied {
            Ok(()) => error,
            Err(left) => StoreError::new(format!(
                "{error}; what was copied until then could not be removed: {}: {left}",
                directory.display()
            )),
        }
    })
}

fn remove_all_in(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether a database can be read from its first page to its last. Names the file where it cannot.
fn check_database(path: &Path) -> Result<(), StoreError> {
    let damaged = |why: &dyn std::fmt::Display| {
        StoreError::new(format!("{}: the database is damaged: {why}; take another backup", path.display()))
    };
    let open = || {
        let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        database.query_row("pragma quick_check(1)", [], |row| row.get::<_, String>(0))
    };
    match open() {
        Ok(found) if found == "ok" => Ok(()),
        Ok(found) => Err(damaged(&found)),
        Err(error) => Err(damaged(&error)),
    }
}

fn empty_directory(path: &Path) -> Result<(), StoreError> {
    make_directory(path)?;
    let mut files = fs::read_dir(path).map_err(|error| StoreError::file(path, &error))?;
    if files.next().is_some() {
        return Err(StoreError::new(format!("{}: not empty; name a directory that is, or a new one", path.display())));
    }
    Ok(())
}

/// Copies a database page by page, in a state that it had at one moment.
fn copy_database(from: &Path, to: &Path) -> Result<(), StoreError> {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(|error| StoreError::new(format!("{}: {}", from.display(), StoreError::from(error))))?;
    source.busy_timeout(Duration::from_secs(10))?;
    let aside = to.with_extension("partial");
    let copied = copy_pages(&source, &aside)
        .map_err(|error| StoreError::new(format!("{} to {}: {error}", from.display(), to.display())))
        .and_then(|()| check_database(&aside))
        .and_then(|()| {
            let renamed = fs::File::open(&aside).and_then(|file| file.sync_all()).and_then(|()| fs::rename(&aside, to));
            renamed.map_err(|error| StoreError::file(to, &error))
        });
    if copied.is_err() && aside.is_file() {
        fs::remove_file(&aside).map_err(|error| StoreError::file(&aside, &error))?;
    }
    copied?;
    sync_directory(parent(to))
}

fn copy_pages(source: &Connection, to: &Path) -> Result<(), StoreError> {
    make_database_file(to)?;
    let mut target = Connection::open(to)?;
    let backup = Backup::new(source, &mut target)?;
    backup.run_to_completion(PAGES_AT_ONCE, Duration::ZERO, None)?;
    drop(backup);
    // The copy is one file, whatever the original is.
    target.pragma_update(None, "journal_mode", "delete")?;
    Ok(())
}

/// Copies numbered files. One that is removed meanwhile has left another in its place.
fn copy_segments(from: &Path, to: &Path, suffixes: &[&str]) -> Result<(), StoreError> {
    if !from.exists() {
        return Ok(());
    }
    let mut seen: Vec<PathBuf> = Vec::new();
    loop {
        let mut news = Vec::new();
        for suffix in suffixes {
            news.extend(numbered(from, suffix)?.into_iter().map(|(_, path)| path).filter(|path| !seen.contains(path)));
        }
        if news.is_empty() {
            return Ok(());
        }
        // What was the last when it was copied has an end since something follows it.
        let ended = seen.iter().max().cloned();
        for path in ended.into_iter().chain(news) {
            if let Some(name) = path.file_name() {
                copy_if_there(&path, &to.join(name))?;
            }
            if !seen.contains(&path) {
                seen.push(path);
            }
        }
    }
}

fn copy_if_there(from: &Path, to: &Path) -> Result<(), StoreError> {
    match fs::copy(from, to) {
        Ok(_) => {
            belongs_to_its_directory(to)?;
            fs::File::open(to).and_then(|file| file.sync_all()).map_err(|error| StoreError::file(to, &error))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StoreError::file(from, &error)),
    }
}

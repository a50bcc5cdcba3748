//! SQLite: one file, WAL, synchronous=FULL, one writer, as many readers as there are at a time.

mod entries;
mod findings;
mod heads;
mod idempotency;
mod line;
mod pages;
mod sites;
mod tokens;
mod unfiled;
mod webhooks;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{
    Connection, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior, params, types::ValueRef,
};

use super::{
    Meta, Store, StoreError,
    key::{parent, sync_directory},
    ownership::make_database_file,
};

/// Each brings a database from the version of its place to the next.
const MIGRATIONS: [&str; 4] = [
    include_str!("../migrations/0001.sql"),
    include_str!("../migrations/0002.sql"),
    include_str!("../migrations/0003.sql"),
    include_str!("../migrations/0004.sql"),
];

/// As long as another process may hold the file for one transaction.
const BUSY_TIME: Duration = Duration::from_secs(10);

/// Connections for reading that are kept.
const READERS_KEPT: usize = 4;

/// Statements that a connection keeps prepared.
const STATEMENTS_KEPT: usize = 64;

/// Up to this size a database is checked whole when it is opened.
const CHECKED_BYTES_MAX: u64 = 64 << 20;

/// A database in a file.
pub struct Sqlite {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    read_only: bool,
}

impl Sqlite {
    /// Opens the database, which is made if it is not there. A file that cannot be written is opened for
    /// reading: what is on the record holds, and nothing can be put on it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let fail = |error: StoreError| StoreError::new(format!("{}: {error}", path.display()));
        let is_new = !path.exists();
        if is_new {
            make_database_file(path)?;
        }
        let mut writer = Connection::open(path).map_err(|error| fail(error.into()))?;
        let read_only = writer.is_readonly("main")?;
        prepare(&mut writer, path, read_only).map_err(fail)?;
        if is_new {
            // SQLite brings the content to disk, but not the name.
            sync_directory(parent(path))?;
        }
        Ok(Self { path: path.to_owned(), writer: Mutex::new(writer), readers: Mutex::default(), read_only })
    }

    /// Does something in one transaction; when it returns, it is on disk.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut writer = self.writer();
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    /// Reads, beside whoever writes.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.read_only {
            return work(&self.writer());
        }
        let kept = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match kept {
            Some(reader) => reader,
            None => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let reader = Connection::open_with_flags(&self.path, flags)?;
                reader.busy_timeout(BUSY_TIME)?;
                reader.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
                reader
            }
        };
        let done = work(&reader);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS_KEPT {
            readers.push(reader);
        }
        done
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets a connection up, and brings the database to this version.
fn prepare(writer: &mut Connection, path: &Path, read_only: bool) -> Result<(), StoreError> {
    writer.busy_timeout(BUSY_TIME)?;
    writer.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    if !read_only {
        writer.pragma_update(None, "journal_mode", "wal")?;
        writer.pragma_update(None, "synchronous", "full")?;
        writer.pragma_update(None, "foreign_keys", true)?;
    }
    let version = version(writer)?;
    if version > MIGRATIONS.len() {
        return Err(StoreError::new(format!(
            "the database was written by a newer zhamen (its version is {version}, this one knows {}); run that one",
            MIGRATIONS.len()
        )));
    }
    if version < MIGRATIONS.len() {
        if read_only {
            return Err(StoreError::new(
                "the database cannot be written, and it has to be brought to this version; let the user that runs \
                 zhamen write the file and its directory",
            ));
        }
        migrate(writer)?;
    } else if path.metadata().is_ok_and(|file| file.len() <= CHECKED_BYTES_MAX) {
        let found: String = writer.query_row("pragma quick_check(1)", [], |row| row.get(0))?;
        if found != "ok" {
            return Err(StoreError::new(format!(
                "the database is damaged ({found}); keep the file as it is, and put a copy back with `zhamen store restore`"
            )));
        }
    }
    Ok(())
}

fn version(connection: &Connection) -> Result<usize, StoreError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

fn migrate(writer: &mut Connection) -> Result<(), StoreError> {
    let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done it meanwhile.
    for migration in MIGRATIONS.iter().skip(version(&transaction)?) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    transaction.commit()?;
    Ok(())
}

impl Meta for Sqlite {
    fn meta(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.read(|reader| meta(reader, name))
    }

    fn set_meta(&self, name: &str, value: &str) -> Result<(), StoreError> {
        self.write(|transaction| set_meta(transaction, name, value))
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn integrity(&self) -> Result<Option<String>, StoreError> {
        self.read(|reader| {
            let found: String = reader.query_row("pragma integrity_check(1)", [], |row| row.get(0))?;
            Ok((found != "ok").then_some(found))
        })
    }
}

fn meta(connection: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    let mut statement = connection.prepare_cached("select value from meta where name = ?")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

fn set_meta(connection: &Connection, name: &str, value: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("insert into meta values (?, ?) on conflict do update set value = excluded.value")?
        .execute(params![name, value])?;
    Ok(())
}

/// A column as it lies there, without a copy.
fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str, StoreError> {
    match row.get_ref(column)? {
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).map_err(|error| StoreError::new(error.to_string())),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => {
            Err(StoreError::new("the database has something else where a text should be"))
        }
    }
}

/// A limit as SQL wants it; 0 asks for the usual page.
fn page(limit: usize) -> i64 {
    if limit == 0 { 100 } else { i64::try_from(limit).unwrap_or(i64::MAX) }
}

impl Store for Sqlite {}

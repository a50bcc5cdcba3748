//! SQLite: one file, WAL, synchronous=FULL.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use rusqlite::{Connection, params};

use super::{Entries, Query, Store, StoreError};
use crate::{
    base::Timestamp,
    domain::record::{Entry, Fact},
};

/// A database in a file.
pub struct Sqlite {
    connection: Mutex<Connection>,
}

impl Sqlite {
    /// Opens the database, which is made if it is not there.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.execute_batch(
            "create table if not exists entry (
                seq integer primary key, recorded integer not null, by text not null, kind text not null, fact text not null
            ) strict",
        )?;
        Ok(Self { connection: Mutex::new(connection) })
    }
}

impl Entries for Sqlite {
    fn append(&self, by: &str, recorded: Timestamp, facts: &[Fact]) -> Result<Vec<Entry>, StoreError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction()?;
        let mut entries = Vec::new();
        for fact in facts {
            let text = serde_json::to_string(fact).map_err(|error| StoreError::new(error.to_string()))?;
            transaction.execute(
                "insert into entry (recorded, by, kind, fact) values (?, ?, ?, ?)",
                params![recorded.0, by, fact.kind(), text],
            )?;
            let seq = transaction.last_insert_rowid().unsigned_abs();
            entries.push(Entry { seq, recorded, by: by.to_owned(), fact: fact.clone() });
        }
        transaction.commit()?;
        Ok(entries)
    }

    fn entries(&self, query: &Query) -> Result<Vec<Entry>, StoreError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = connection
            .prepare_cached("select seq, recorded, by, fact from entry where seq > ? order by seq limit ?")?;
        let after = query.after.unwrap_or(0) as i64;
        let limit = if query.limit == 0 { 100 } else { query.limit } as i64;
        let rows = statement.query_map(params![after, limit], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?))
        })?;
        let mut entries = Vec::new();
        for row in rows {
            let (seq, recorded, by, fact) = row?;
            let fact = serde_json::from_str(&fact).map_err(|error| StoreError::new(error.to_string()))?;
            entries.push(Entry { seq: seq.unsigned_abs(), recorded: Timestamp(recorded), by, fact });
        }
        Ok(entries)
    }
}

impl Store for Sqlite {}

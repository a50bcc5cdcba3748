//! Answers by idempotency key.

use rusqlite::{OptionalExtension, Transaction, params};

use super::Sqlite;
use crate::{
    base::Timestamp,
    store::{Idempotency, Remembered, StoreError},
};

impl Idempotency for Sqlite {
    fn recall(&self, key: &str) -> Result<Option<Remembered>, StoreError> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached("select request, status, body, at from answer where key = ?")?;
            let found = statement.query_row([key], |row| {
                Ok(Remembered {
                    request: row.get(0)?,
                    status: row.get(1)?,
                    body: row.get(2)?,
                    at: Timestamp(row.get(3)?),
                })
            });
            Ok(found.optional()?)
        })
    }

    fn remember(&self, key: &str, answer: &Remembered) -> Result<bool, StoreError> {
        self.write(|transaction| remember(transaction, key, answer))
    }

    fn forget_answers(&self, before: Timestamp) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("delete from answer where at < ?", [before.0])?;
            Ok(())
        })
    }
}

/// `false`: there is an answer already, which stays.
pub(super) fn remember(transaction: &Transaction<'_>, key: &str, answer: &Remembered) -> Result<bool, StoreError> {
    let Remembered { request, status, body, at } = answer;
    let added = transaction
        .prepare_cached("insert or ignore into answer values (?, ?, ?, ?, ?)")?
        .execute(params![key, request, status, body, at.0])?;
    Ok(added > 0)
}

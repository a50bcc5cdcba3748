//! Tokens of the admin API.

use rusqlite::{OptionalExtension, Row, params};

use super::Sqlite;
use crate::{
    base::Timestamp,
    store::{StoreError, Token, Tokens},
};

impl Tokens for Sqlite {
    fn add_token(&self, token: &Token) -> Result<bool, StoreError> {
        let Token { name, role, hash, created, expires, revoked } = token;
        self.write(|transaction| {
            let added = transaction.execute(
                "insert or ignore into token values (?, ?, ?, ?, ?, ?)",
                params![name, role, hash, created.0, expires.map(|at| at.0), revoked.map(|at| at.0)],
            )?;
            Ok(added > 0)
        })
    }

    fn token(&self, name: &str) -> Result<Option<Token>, StoreError> {
        self.read(|reader| {
            let mut statement = reader
                .prepare_cached("select name, role, hash, created, expires, revoked from token where name = ?")?;
            Ok(statement.query_row([name], token).optional()?)
        })
    }

    fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.read(|reader| {
            let mut statement =
                reader.prepare_cached("select name, role, hash, created, expires, revoked from token order by name")?;
            Ok(statement.query_map([], token)?.collect::<Result<_, _>>()?)
        })
    }

    fn revoke_token(&self, name: &str, at: Timestamp) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let changed = transaction
                .execute("update token set revoked = ? where name = ? and revoked is null", params![at.0, name])?;
            Ok(changed > 0)
        })
    }
}

fn token(row: &Row<'_>) -> rusqlite::Result<Token> {
    Ok(Token {
        name: row.get(0)?,
        role: row.get(1)?,
        hash: row.get(2)?,
        created: Timestamp(row.get(3)?),
        expires: row.get::<_, Option<i64>>(4)?.map(Timestamp),
        revoked: row.get::<_, Option<i64>>(5)?.map(Timestamp),
    })
}

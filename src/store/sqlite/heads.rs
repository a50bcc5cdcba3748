//! The chain's end, and its signed heads.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Sqlite, line::line, page};
use crate::{
    base::Timestamp,
    store::{GENESIS, Hash, HeadRow, Heads, Line, StoreError},
};

impl Heads for Sqlite {
    fn head(&self) -> Result<(u64, Hash), StoreError> {
        self.read(head)
    }

    fn put_head(&self, head: &HeadRow) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.prepare_cached("insert or ignore into head values (?, ?, ?, ?)")?.execute(params![
                head.seq as i64,
                head.hash.0,
                head.at.0,
                head.signature
            ])?;
            Ok(())
        })
    }

    fn last_head(&self) -> Result<Option<HeadRow>, StoreError> {
        self.read(|reader| {
            let mut statement =
                reader.prepare_cached("select seq, hash, at, signature from head order by seq desc limit 1")?;
            Ok(statement.query_row([], head_row).optional()?)
        })
    }

    fn each_line(
        &self,
        from: u64,
        to: u64,
        take: &mut dyn FnMut(Line) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached(
                "select seq, recorded, by, fact, kind, unit, subject, prev, hash from entry
                 where seq >= ? and seq <= ? order by seq",
            )?;
            let mut rows = statement.query(params![number(from), number(to)])?;
            while let Some(row) = rows.next()? {
                let (seq, recorded): (i64, i64) = (row.get(0)?, row.get(1)?);
                let (by, fact): (String, String) = (row.get(2)?, row.get(3)?);
                let (seq, recorded) = (seq.unsigned_abs(), Timestamp(recorded));
                let text = line(seq, recorded, &by, &fact)?;
                let (kind, unit, subject) = (row.get(4)?, row.get(5)?, row.get(6)?);
                let (prev, hash) = (Hash(row.get(7)?), Hash(row.get(8)?));
                take(Line { seq, recorded, kind, unit, subject, fact, text, prev, hash })?;
            }
            Ok(())
        })
    }

    fn heads(&self, after: u64, limit: usize) -> Result<Vec<HeadRow>, StoreError> {
        self.read(|reader| {
            let mut statement = reader
                .prepare_cached("select seq, hash, at, signature from head where seq > ? order by seq limit ?")?;
            let rows = statement.query_map(params![number(after), page(limit)], head_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// An entry's number as SQL has it.
fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

pub(super) fn head(connection: &Connection) -> Result<(u64, Hash), StoreError> {
    let found = connection
        .prepare_cached("select seq, hash from entry order by seq desc limit 1")?
        .query_row([], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), Hash(row.get(1)?))))
        .optional()?;
    Ok(found.unwrap_or((0, GENESIS)))
}

fn head_row(row: &Row<'_>) -> rusqlite::Result<HeadRow> {
    Ok(HeadRow {
        seq: row.get::<_, i64>(0)?.unsigned_abs(),
        hash: Hash(row.get(1)?),
        at: Timestamp(row.get(2)?),
        signature: row.get(3)?,
    })
}

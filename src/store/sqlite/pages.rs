//! Pages of a table in order of its numbers: each walks along indexes that end in the number, so that a
//! page costs what is on it, however long the table is.

use rusqlite::{Connection, OptionalExtension, ToSql, params_from_iter, types::Value};

use super::page;
use crate::{base::Timestamp, store::StoreError};

/// One walk: a table, and columns that equal a value, those of the index first.
pub(super) struct Walk {
    pub(super) table: &'static str,
    pub(super) equal: Vec<(&'static str, String)>,
    /// Led by `entry_also`: what, its value, and the kinds (none: all).
    pub(super) also: Option<(&'static str, String, Vec<&'static str>)>,
}

/// Which numbers, and how many.
pub(super) struct Page {
    pub(super) least: i64,
    pub(super) most: i64,
    pub(super) after: Option<u64>,
    pub(super) descending: bool,
    pub(super) limit: usize,
}

impl Page {
    /// The numbers of all walks together, in order, each once.
    pub(super) fn walk(&self, reader: &Connection, walks: &[Walk]) -> Result<Vec<i64>, StoreError> {
        let limit = page(self.limit);
        let mut seqs = Vec::new();
        for walk in walks {
            let (sql, mut values) = walk.sql();
            let (least, most) = self.bounds();
            let order = if self.descending { "desc" } else { "asc" };
            let sql = format!("{sql} and seq >= ? and seq <= ? order by seq {order} limit ?");
            values.extend([Value::Integer(least), Value::Integer(most), Value::Integer(limit)]);
            let mut statement = reader.prepare_cached(&sql)?;
            let rows = statement
                .query_map(params_from_iter(values.iter().map(|value| value as &dyn ToSql)), |row| {
                    row.get::<_, i64>(0)
                })?;
            for seq in rows {
                seqs.push(seq?);
            }
        }
        if self.descending {
            seqs.sort_unstable_by(|a, b| b.cmp(a));
        } else {
            seqs.sort_unstable();
        }
        seqs.dedup();
        seqs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(seqs)
    }

    fn bounds(&self) -> (i64, i64) {
        let Some(after) = self.after else { return (self.least, self.most) };
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        if self.descending {
            (self.least, self.most.min(after.saturating_sub(1)))
        } else {
            (self.least.max(after.saturating_add(1)), self.most)
        }
    }
}

impl Walk {
    fn sql(&self) -> (String, Vec<Value>) {
        let mut values = Vec::new();
        let mut sql = format!("select seq from {} where true", self.table);
        if let Some((what, value, kinds)) = &self.also {
            sql = format!("select seq from entry_also join {} using (seq) where what = ? and value = ?", self.table);
            values.extend([(*what).to_owned().into(), value.clone().into()]);
            if !kinds.is_empty() {
                let marks = vec!["?"; kinds.len()].join(", ");
                sql.push_str(&format!(" and kind in ({marks})"));
                values.extend(kinds.iter().map(|&kind| Value::from(kind.to_owned())));
            }
        }
        for (column, value) in &self.equal {
            sql.push_str(&format!(" and {column} = ?"));
            values.push(value.clone().into());
        }
        (sql, values)
    }
}

/// The number of the first entry that was recorded at or after a time: times never fall along the chain.
pub(super) fn seq_at(reader: &Connection, time: Timestamp) -> Result<i64, StoreError> {
    let last: Option<i64> = reader
        .prepare_cached("select seq from entry order by seq desc limit 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let mut statement = reader.prepare_cached("select recorded from entry where seq = ?")?;
    let (mut low, mut high) = (1, last.unwrap_or(0).saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        let recorded: i64 = statement.query_row([middle], |row| row.get(0))?;
        if recorded < time.0 {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

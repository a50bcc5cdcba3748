//! Unfiled hosts seen.

use rusqlite::params;

use super::{Sqlite, page};
use crate::{
    base::Timestamp,
    store::{StoreError, UnfiledHost, UnfiledHosts, UnfiledQuery},
};

/// Rows that are kept: strangers choose the names.
const ROWS_MAX: i64 = 100_000;

impl UnfiledHosts for Sqlite {
    fn saw_unfiled(&self, seen: &[UnfiledHost]) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached(
                "insert into unfiled values (?, ?, ?, ?, ?) on conflict do update set
                 first = min(first, excluded.first), last = max(last, excluded.last), count = count + excluded.count",
            )?;
            for UnfiledHost { server_ip, host, first, last, count } in seen {
                statement.execute(params![server_ip, host, first.0, last.0, *count as i64])?;
            }
            let rows: i64 = transaction.query_row("select count(*) from unfiled", [], |row| row.get(0))?;
            if rows > ROWS_MAX {
                transaction.execute(
                    "delete from unfiled where (server_ip, host) in
                     (select server_ip, host from unfiled order by last limit ?)",
                    [rows - ROWS_MAX],
                )?;
            }
            Ok(())
        })
    }

    fn unfiled_hosts(&self, query: &UnfiledQuery) -> Result<Vec<UnfiledHost>, StoreError> {
        let (after_ip, after_host) = query.after.clone().unwrap_or_default();
        let (first_ip, last_ip) = match &query.server_ip {
            Some(ip) => (ip.as_str(), Some(ip.as_str())),
            None => ("", None),
        };
        self.read(|reader| {
            let mut statement = reader.prepare_cached(
                "select server_ip, host, first, last, count from unfiled
                 where (server_ip, host) > (?1, ?2) and server_ip >= ?3 and (?4 is null or server_ip = ?4)
                 order by server_ip, host limit ?5",
            )?;
            let values = params![after_ip, after_host, first_ip, last_ip, page(query.limit)];
            let rows = statement.query_map(values, |row| {
                Ok(UnfiledHost {
                    server_ip: row.get(0)?,
                    host: row.get(1)?,
                    first: Timestamp(row.get(2)?),
                    last: Timestamp(row.get(3)?),
                    count: row.get::<_, i64>(4)?.unsigned_abs(),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

//! Rows of the registry.

use rusqlite::{Connection, Row, params, types::ValueRef};

use super::{Sqlite, meta, set_meta};
use crate::store::{SiteRow, SiteSource, Sites, StoreError};

/// Where it is kept how often rows were changed.
const GENERATION: &str = "sites_generation";

const PUT: &str = "insert into site values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set
    origin = excluded.origin, unit = excluded.unit, service = excluded.service, kind = excluded.kind,
    icp = excluded.icp, filing = excluded.filing, server_ip = excluded.server_ip,
    interactive = excluded.interactive";

impl Sites for Sqlite {
    fn replace_sites<'a>(
        &self,
        source: SiteSource,
        rows: &mut dyn Iterator<Item = SiteRow<'a>>,
    ) -> Result<u64, StoreError> {
        self.write(|transaction| {
            transaction.execute("delete from site where source = ?", [source as i64])?;
            let mut count = 0;
            for row in rows {
                put(transaction, source, &row)?;
                count += 1;
            }
            next_generation(transaction)?;
            Ok(count)
        })
    }

    fn put_site(&self, source: SiteSource, row: &SiteRow<'_>) -> Result<(), StoreError> {
        self.write(|transaction| {
            put(transaction, source, row)?;
            next_generation(transaction)
        })
    }

    fn remove_site(&self, source: SiteSource, host: &str) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let removed =
                transaction.execute("delete from site where host = ? and source = ?", params![host, source as i64])?;
            next_generation(transaction)?;
            Ok(removed > 0)
        })
    }

    fn each_site(&self, take: &mut dyn FnMut(SiteSource, SiteRow<'_>)) -> Result<(), StoreError> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached(
                "select host, source, origin, unit, service, kind, icp, filing, server_ip, interactive
                 from site order by host, source desc",
            )?;
            let mut rows = statement.query([])?;
            let mut last = String::new();
            while let Some(row) = rows.next()? {
                let site = site_row(row)?;
                // The strongest source of a host comes first.
                if site.host == last {
                    continue;
                }
                last.clear();
                last.push_str(site.host);
                take(source(row)?, site);
            }
            Ok(())
        })
    }

    fn each_site_of(&self, source: SiteSource, take: &mut dyn FnMut(SiteRow<'_>)) -> Result<(), StoreError> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached(
                "select host, source, origin, unit, service, kind, icp, filing, server_ip, interactive
                 from site where source = ? order by host",
            )?;
            let mut rows = statement.query([source as i64])?;
            while let Some(row) = rows.next()? {
                take(site_row(row)?);
            }
            Ok(())
        })
    }

    fn sites_generation(&self) -> Result<u64, StoreError> {
        self.read(generation)
    }
}

fn put(connection: &Connection, source: SiteSource, row: &SiteRow<'_>) -> Result<(), StoreError> {
    let SiteRow { host, origin, unit, service, kind, icp, filing, server_ip, interactive } = row;
    connection.prepare_cached(PUT)?.execute(params![
        host,
        source as i64,
        origin,
        unit,
        service,
        kind,
        icp,
        filing,
        server_ip,
        interactive
    ])?;
    Ok(())
}

fn generation(connection: &Connection) -> Result<u64, StoreError> {
    Ok(meta(connection, GENERATION)?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

fn next_generation(connection: &Connection) -> Result<(), StoreError> {
    set_meta(connection, GENERATION, &(generation(connection)? + 1).to_string())
}

/// A row without copies of its texts: a million of them are read at once.
fn site_row<'r>(row: &'r Row<'_>) -> Result<SiteRow<'r>, StoreError> {
    let text = |column: usize| -> Result<&'r str, StoreError> {
        match row.get_ref(column)? {
            ValueRef::Text(bytes) => std::str::from_utf8(bytes).map_err(|error| StoreError::new(error.to_string())),
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => {
                Err(StoreError::new("a row of the registry has something else where a text should be"))
            }
        }
    };
    Ok(SiteRow {
        host: text(0)?,
        origin: text(2)?,
        unit: text(3)?,
        service: text(4)?,
        kind: text(5)?,
        icp: text(6)?,
        filing: text(7)?,
        server_ip: text(8)?,
        interactive: text(9)?,
    })
}

fn source(row: &Row<'_>) -> Result<SiteSource, StoreError> {
    let number: i64 = row.get(1)?;
    SiteSource::ALL
        .into_iter()
        .find(|&source| source as i64 == number)
        .ok_or_else(|| StoreError::new(format!("{number} is no source of the registry")))
}

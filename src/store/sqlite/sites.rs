//! Rows of the registry.

use rusqlite::{Connection, Row, Transaction, params};

use super::{Sqlite, meta, set_meta, text};
use crate::{
    base::Timestamp,
    domain::registry::{
        FilingState, Held, Interactive, OriginHttp, OriginOptions, OriginVerify, ProxyProtocol, RowChange, ServiceKind,
        SiteRow,
    },
    store::{SiteSource, Sites, StoreError},
};

/// Where it is kept how often rows were changed.
const GENERATION: &str = "sites_generation";

/// Stands in the place of a filing where a host is refused because its row could not be applied.
const BARRED: &str = "barred";

const PUT: &str = "insert or replace into site
    (host, source, changed, origin, unit, service, kind, icp, filing, filed_until, server_ip, interactive,
     origin_ca, origin_name, origin_verify, proxy_protocol, origin_http, acme)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// The columns in the order in which [`Scratch::read`] takes them.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select host, source, changed, origin, unit, service, kind, icp, filing, filed_until, server_ip, \
             interactive, origin_ca, origin_name, origin_verify, proxy_protocol, origin_http, acme from site ",
            $rest
        )
    };
}

impl Sites for Sqlite {
    fn change_sites(
        &self,
        source: SiteSource,
        at: Timestamp,
        changes: &mut dyn Iterator<Item = RowChange>,
    ) -> Result<u64, StoreError> {
        self.write(|transaction| {
            let mut put = transaction.prepare_cached(PUT)?;
            let mut remove = transaction.prepare_cached("delete from site where host = ? and source = ?")?;
            let number = source as i64;
            let mut no_longer = transaction.prepare_cached("delete from waiting_site where source = ? and host = ?")?;
            let some_wait = some_wait(transaction, source)?;
            for change in changes {
                if some_wait {
                    no_longer.execute(params![number, change.host()])?;
                }
                match change {
                    RowChange::Bar(host) => {
                        let none = "";
                        put.execute(params![
                            host, number, at.0, none, none, none, none, none, BARRED, none, none, none, none, none,
                            none, none, none, none
                        ])?;
                    }
                    RowChange::Put(row) => {
                        let SiteRow { host, origin, unit, service, icp, server_ip, .. } = &*row;
                        let until = row.filed_until.map_or_else(String::new, |day| day.to_string());
                        let (kind, filing) = (row.kind.as_str(), row.filing.as_str());
                        let interactive = row.interactive.as_str();
                        let OriginOptions { ca, name, verify, proxy_protocol, http } = &row.options;
                        put.execute(params![
                            host,
                            number,
                            at.0,
                            origin,
                            unit,
                            service,
                            kind,
                            icp,
                            filing,
                            until,
                            server_ip,
                            interactive,
                            ca,
                            name,
                            verify.as_str(),
                            proxy_protocol.as_str(),
                            http.as_str(),
                            row.acme
                        ])?;
                    }
                    RowChange::Remove(host) => {
                        remove.execute(params![host, number])?;
                    }
                }
            }
            grow(transaction)
        })
    }

    fn each_site(&self, take: &mut dyn FnMut(SiteSource, Timestamp, Held<'_>)) -> Result<(), StoreError> {
        self.read(|reader| {
            // The order of the primary key: no sorting. What holds is found among a host's few rows.
            let mut statement = reader.prepare_cached(select!("order by host, source"))?;
            let mut rows = statement.query([])?;
            let (mut best, mut next) = (Scratch::default(), Scratch::default());
            while let Some(row) = rows.next()? {
                next.read(row)?;
                if next.row.host != best.row.host {
                    best.show(take);
                } else if best.changed > next.changed {
                    continue;
                }
                std::mem::swap(&mut best, &mut next);
            }
            best.show(take);
            Ok(())
        })
    }

    fn each_site_of(&self, source: SiteSource, take: &mut dyn FnMut(Timestamp, Held<'_>)) -> Result<(), StoreError> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached(select!("where source = ? order by host"))?;
            let mut rows = statement.query([source as i64])?;
            let mut scratch = Scratch::default();
            while let Some(row) = rows.next()? {
                scratch.read(row)?;
                take(scratch.changed, scratch.held());
            }
            Ok(())
        })
    }

    fn each_site_at(
        &self,
        host: &str,
        take: &mut dyn FnMut(SiteSource, Timestamp, Held<'_>),
    ) -> Result<(), StoreError> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached(select!("where host = ? order by changed desc, source desc"))?;
            let mut rows = statement.query([host])?;
            let mut scratch = Scratch::default();
            while let Some(row) = rows.next()? {
                scratch.read(row)?;
                scratch.show(take);
            }
            Ok(())
        })
    }

    fn set_waiting_sites(
        &self,
        source: SiteSource,
        rows: &mut dyn Iterator<Item = SiteRow>,
    ) -> Result<u64, StoreError> {
        let mut rows = rows.peekable();
        if rows.peek().is_none() && !self.read(|reader| some_wait(reader, source))? {
            return self.sites_generation();
        }
        self.write(|transaction| {
            transaction.execute("delete from waiting_site where source = ?", [source as i64])?;
            let mut insert = transaction.prepare_cached("insert or replace into waiting_site values (?, ?, ?)")?;
            for row in rows {
                let text = serde_json::to_string(&row).map_err(|error| StoreError::new(error.to_string()))?;
                insert.execute(params![source as i64, row.host, text])?;
            }
            grow(transaction)
        })
    }

    fn waiting_sites(&self) -> Result<Vec<(SiteSource, SiteRow)>, StoreError> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached("select source, row from waiting_site order by source, host")?;
            let mut rows = statement.query([])?;
            let mut waiting = Vec::new();
            while let Some(row) = rows.next()? {
                let read = serde_json::from_str(text(row, 1)?);
                let read = read.map_err(|error| StoreError::new(format!("a row that waits: {error}")))?;
                waiting.push((numbered(row.get(0)?)?, read));
            }
            Ok(waiting)
        })
    }

    fn has_sites_beside(&self, source: SiteSource) -> Result<bool, StoreError> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached("select exists (select 1 from site where source <> ?)")?;
            Ok(statement.query_row([source as i64], |row| row.get(0))?)
        })
    }

    fn sites_generation(&self) -> Result<u64, StoreError> {
        self.read(generation)
    }
}

fn generation(connection: &Connection) -> Result<u64, StoreError> {
    Ok(meta(connection, GENERATION)?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

fn grow(transaction: &Transaction<'_>) -> Result<u64, StoreError> {
    let next = generation(transaction)? + 1;
    set_meta(transaction, GENERATION, &next.to_string())?;
    Ok(next)
}

fn some_wait(connection: &Connection, source: SiteSource) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached("select exists (select 1 from waiting_site where source = ?)")?;
    Ok(statement.query_row([source as i64], |row| row.get(0))?)
}

fn numbered(number: i64) -> Result<SiteSource, StoreError> {
    let found = SiteSource::ALL.into_iter().find(|&source| source as i64 == number);
    found.ok_or_else(|| StoreError::new(format!("{number} is no source of the registry")))
}

/// A row that is read into the same place again and again: a million of them are read at once.
struct Scratch {
    source: SiteSource,
    changed: Timestamp,
    is_barred: bool,
    row: SiteRow,
}

impl Default for Scratch {
    fn default() -> Self {
        let row = SiteRow {
            host: String::new(),
            origin: String::new(),
            unit: String::new(),
            service: String::new(),
            kind: ServiceKind::VirtualHost,
            icp: String::new(),
            filing: FilingState::Unfiled,
            filed_until: None,
            server_ip: String::new(),
            interactive: Interactive::Open,
            acme: String::new(),
            options: Default::default(),
        };
        Self { source: SiteSource::File, changed: Timestamp(0), is_barred: false, row }
    }
}

impl Scratch {
    fn read(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        self.source = numbered(row.get(1)?)?;
        self.changed = Timestamp(row.get(2)?);
        let site = &mut self.row;
        for (column, place) in [
            (0, &mut site.host),
            (3, &mut site.origin),
            (4, &mut site.unit),
            (5, &mut site.service),
            (7, &mut site.icp),
            (10, &mut site.server_ip),
            (12, &mut site.options.ca),
            (13, &mut site.options.name),
            (17, &mut site.acme),
        ] {
            place.clear();
            place.push_str(text(row, column)?);
        }
        let filing = text(row, 8)?;
        self.is_barred = filing == BARRED;
        if self.is_barred {
            return Ok(());
        }
        site.filing = word(filing, &FilingState::ALL.map(|state| (state.as_str(), state)))?;
        site.kind = word(text(row, 6)?, &ServiceKind::ALL.map(|kind| (kind.as_str(), kind)))?;
        site.interactive = word(text(row, 11)?, &Interactive::ALL.map(|state| (state.as_str(), state)))?;
        site.options.verify = word(text(row, 14)?, &OriginVerify::ALL.map(|it| (it.as_str(), it)))?;
        site.options.proxy_protocol = word(text(row, 15)?, &ProxyProtocol::ALL.map(|it| (it.as_str(), it)))?;
        site.options.http = word(text(row, 16)?, &OriginHttp::ALL.map(|it| (it.as_str(), it)))?;
        site.filed_until = match text(row, 9)? {
            "" => None,
            day => Some(day.parse().map_err(StoreError::new)?),
        };
        Ok(())
    }

    fn held(&self) -> Held<'_> {
        if self.is_barred { Held::Barred(&self.row.host) } else { Held::Row(&self.row) }
    }

    /// Shows the row, if one was read.
    fn show(&self, take: &mut dyn FnMut(SiteSource, Timestamp, Held<'_>)) {
        if !self.row.host.is_empty() {
            take(self.source, self.changed, self.held());
        }
    }
}

fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, StoreError> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    found.ok_or_else(|| {
        StoreError::new(format!("a row of the registry says {text:?}, which this version does not know"))
    })
}

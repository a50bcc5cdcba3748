//! The record: appending to the chain, and reading pages of it.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{
    Sqlite,
    findings::follow,
    heads::head,
    idempotency::remember,
    line::content,
    pages::{Page, Walk, seq_at},
};
use crate::{
    base::Timestamp,
    domain::record::{Entry, Fact},
    store::{Append, Entries, Link, Query, StoreError, about::About},
};

impl Entries for Sqlite {
    fn append(&self, append: &Append<'_>) -> Result<Option<Vec<Entry>>, StoreError> {
        let (by, recorded, facts) = append.parts();
        if facts.is_empty() {
            return Ok(Some(Vec::new()));
        }
        self.write(|transaction| {
            let mut appender = Appender::new(transaction, by, recorded)?;
            if !append.may_follow(appender.link.0) {
                return Ok(None);
            }
            let entries = facts.iter().map(|fact| {
                let entry = appender.append(fact)?;
                follow(transaction, &entry)?;
                Ok(entry)
            });
            let entries: Vec<Entry> = entries.collect::<Result<_, StoreError>>()?;
            if let Some((key, answer)) = append.answer(&entries) {
                remember(transaction, &key, &answer)?;
            }
            Ok(Some(entries))
        })
    }

    fn entries(&self, query: &Query) -> Result<Vec<Entry>, StoreError> {
        self.read(|reader| {
            let page = Page {
                least: match query.from {
                    Some(from) => seq_at(reader, from)?,
                    None => 0,
                },
                most: match query.to {
                    Some(to) => seq_at(reader, to)? - 1,
                    None => i64::MAX,
                },
                after: query.after,
                descending: query.descending,
                limit: query.limit,
            };
            let walks = walks(query);
            let seqs = page.walk(reader, &walks)?;
            let mut statement = reader.prepare_cached("select seq, recorded, by, fact from entry where seq = ?")?;
            seqs.into_iter().map(|seq| entry(statement.query_row([seq], Row4::read)?)).collect()
        })
    }
}

/// The indexes to walk along for a query: for each kind one, of what narrows it most.
fn walks(query: &Query) -> Vec<Walk> {
    let narrow =
        [("subject", &query.subject), ("host", &query.host), ("service", &query.service), ("unit", &query.unit)];
    let mut named = narrow.into_iter().filter_map(|(column, value)| Some((column, value.clone()?)));
    let first = named.next();
    let rest: Vec<_> = named.collect();
    let by_kind = |kind: Option<&'static str>| {
        let mut equal: Vec<(&'static str, String)> = first.iter().cloned().collect();
        equal.extend(kind.map(|kind| ("kind", kind.to_owned())));
        equal.extend(rest.iter().cloned());
        equal
    };
    let kinds: Vec<Option<&'static str>> = match (&first, query.kinds.is_empty()) {
        // One walk, in order of seq, without any kind.
        (None | Some(("subject", _)), true) => vec![None],
        (Some(_), true) => Fact::KINDS.iter().copied().map(Some).collect(),
        (_, false) => query.kinds.iter().copied().map(Some).collect(),
    };
    let mut walks: Vec<Walk> =
        kinds.iter().map(|&kind| Walk { table: "entry", equal: by_kind(kind), also: None }).collect();
    // Entries about several units or hosts stand under the first of them; the others lead there, too.
    for (column, value) in [("unit", &query.unit), ("host", &query.host)] {
        if let Some(value) = value {
            walks.extend(kinds.iter().take(1).map(|_| {
                let equal: Vec<_> = by_kind(None).into_iter().filter(|(name, _)| *name != column).collect();
                Walk { table: "entry", equal, also: Some((column, value.clone(), query.kinds.clone())) }
            }));
        }
    }
    walks
}

pub(super) struct Row4(i64, i64, String, String);

impl Row4 {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self(row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    }
}

pub(super) fn entry(row: Row4) -> Result<Entry, StoreError> {
    let Row4(seq, recorded, by, fact) = row;
    let fact = serde_json::from_str(&fact).map_err(|error| {
        StoreError::new(format!(
            "entry {seq} cannot be read ({error}); `zhamen evidence verify` says whether it was altered"
        ))
    })?;
    Ok(Entry { seq: seq.unsigned_abs(), recorded: Timestamp(recorded), by, fact })
}

/// Appends to the chain within a transaction.
pub(super) struct Appender<'t> {
    transaction: &'t Transaction<'t>,
    by: &'t str,
    recorded: Timestamp,
    link: (u64, crate::store::Hash),
}

impl<'t> Appender<'t> {
    pub(super) fn new(transaction: &'t Transaction<'t>, by: &'t str, now: Timestamp) -> Result<Self, StoreError> {
        let link = head(transaction)?;
        let last: Option<i64> = transaction
            .prepare_cached("select recorded from entry order by seq desc limit 1")?
            .query_row([], |row| row.get(0))
            .optional()?;
        // Where the clock was set back, the record's time stands still until it is reached again.
        let recorded = Timestamp(last.map_or(now.0, |last| last.max(now.0)));
        Ok(Self { transaction, by, recorded, link })
    }

    pub(super) fn append(&mut self, fact: &Fact) -> Result<Entry, StoreError> {
        let text = serde_json::to_string(fact).map_err(|error| StoreError::new(error.to_string()))?;
        let (seq, prev) = (self.link.0 + 1, self.link.1);
        let content = content(seq, self.recorded, self.by, &text)?;
        let hash = Link { prev, seq, content }.hash();
        let Resolved { units, service, hosts, subject } = Resolved::of(self.transaction, fact)?;
        self.transaction
            .prepare_cached(
                "insert into entry (seq, recorded, by, kind, fact, prev, hash, unit, service, host, subject)
                 values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                seq as i64,
                self.recorded.0,
                self.by,
                fact.kind(),
                text,
                prev.0,
                hash.0,
                units.first(),
                service,
                hosts.first(),
                subject
            ])?;
        let further = [("unit", &units), ("host", &hosts)];
        for (what, values) in further {
            for value in values.iter().skip(1) {
                self.transaction
                    .prepare_cached("insert or ignore into entry_also values (?, ?, ?)")?
                    .execute(params![what, value, seq as i64])?;
            }
        }
        self.link = (seq, hash);
        Ok(Entry { seq, recorded: self.recorded, by: self.by.to_owned(), fact: fact.clone() })
    }
}

/// What an entry is about, with what follows from the entries before it.
struct Resolved {
    units: Vec<String>,
    service: Option<String>,
    hosts: Vec<String>,
    subject: Option<String>,
}

impl Resolved {
    fn of(connection: &Connection, fact: &Fact) -> Result<Self, StoreError> {
        let about = About::of(fact);
        let own = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let mut resolved = Self {
            units: own(&about.units),
            service: about.service.map(str::to_owned),
            hosts: own(&about.hosts),
            subject: about.subject.map(str::to_owned),
        };
        if let (true, true, Some(subject)) = (resolved.units.is_empty(), resolved.service.is_none(), about.subject) {
            resolved.follow(connection, subject)?;
        }
        if let (true, Some(service)) = (resolved.units.is_empty(), &resolved.service) {
            let unit: Option<Option<String>> = connection
                .prepare_cached(
                    "select unit from entry where service = ? and kind = 'service' order by seq desc limit 1",
                )?
                .query_row([service], |row| row.get(0))
                .optional()?;
            resolved.units.extend(unit.flatten());
        }
        Ok(resolved)
    }

    /// Takes over what the first entry with this subject is about.
    fn follow(&mut self, connection: &Connection, subject: &str) -> Result<(), StoreError> {
        type Found = (i64, Option<String>, Option<String>, Option<String>);
        let found: Option<Found> = connection
            .prepare_cached("select seq, unit, service, host from entry where subject = ? order by seq limit 1")?
            .query_row([subject], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .optional()?;
        let Some((seq, unit, service, host)) = found else { return Ok(()) };
        self.units.extend(unit);
        self.service = service;
        if self.hosts.is_empty() {
            self.hosts.extend(host);
        }
        let fact: String =
            connection.prepare_cached("select fact from entry where seq = ?")?.query_row([seq], |row| row.get(0))?;
        if let Ok(Fact::IncidentOpen(open)) = serde_json::from_str(&fact) {
            self.units.extend(open.units.into_iter().skip(1));
            self.hosts.extend(open.sites.into_iter().skip(1));
        }
        Ok(())
    }
}

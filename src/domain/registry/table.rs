//! The rows in little memory.
//!
//! A row is 32 bytes of numbers. Hosts stand one behind the other in one string and are found through
//! a table of row numbers; what many rows share (units, services, origins, …) is stored once.

use std::{hash::BuildHasher, sync::Arc};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::{FilingState, Interactive, OriginOptions, ServiceKind, Upstream};
use crate::base::Date;

/// The number of a row of the table that gave it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RowId(u32);

impl RowId {
    /// Its place among the rows.
    pub(super) fn number(self) -> usize {
        self.0 as usize
    }
}

/// Rows at most, so that a number has a bit to spare.
const ROWS_MAX: usize = 1 << 31;

/// The rows, for reading.
#[derive(Default)]
pub(super) struct Table {
    hosts: String,
    rows: Vec<Row>,
    by_host: HashTable<u32>,
    upstreams: Vec<Arc<Upstream>>,
    units: Vec<Arc<str>>,
    words: Words,
    counts: [usize; FilingState::ALL.len()],
    /// The last day of each row's filing, as a number of days; [`NO_DAY`] where none is given. Shorter
    /// than the rows if none of the rest gives one: most registries give none at all.
    until: Vec<i32>,
    /// The rows that ask for certificates, in order, with the words that say for which names.
    acme: Vec<(u32, u32)>,
}

/// No last day.
const NO_DAY: i32 = i32::MAX;

struct Row {
    host_start: u32,
    line: u32,
    upstream: u32,
    unit: u32,
    service: u32,
    icp: u32,
    /// The empty word where the row gives none.
    server_ip: u32,
    host_bytes: u8,
    kind: ServiceKind,
    filing: FilingState,
    interactive: Interactive,
}

impl Table {
    /// The row of exactly this host.
    pub(super) fn find(&self, host: &str) -> Option<RowId> {
        self.by_host.find(hash(host), |&row| self.host(RowId(row)) == host).map(|&row| RowId(row))
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = RowId> + use<> {
        (0..self.rows.len() as u32).map(RowId)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn count(&self, filing: FilingState) -> usize {
        self.counts[filing as usize]
    }

    pub(super) fn host(&self, row: RowId) -> &str {
        let row = self.row(row);
        let start = row.host_start as usize;
        &self.hosts[start..start + usize::from(row.host_bytes)]
    }

    pub(super) fn upstream(&self, row: RowId) -> &Arc<Upstream> {
        &self.upstreams[self.row(row).upstream as usize]
    }

    pub(super) fn unit(&self, row: RowId) -> &Arc<str> {
        &self.units[self.row(row).unit as usize]
    }

    pub(super) fn service(&self, row: RowId) -> &str {
        self.words.text_of(self.row(row).service)
    }

    pub(super) fn kind(&self, row: RowId) -> ServiceKind {
        self.row(row).kind
    }

    pub(super) fn icp(&self, row: RowId) -> &str {
        self.words.text_of(self.row(row).icp)
    }

    pub(super) fn filing(&self, row: RowId) -> FilingState {
        self.row(row).filing
    }

    /// The last day on which the filing is in force, where the row gives one.
    pub(super) fn filed_until(&self, row: RowId) -> Option<Date> {
        let days = self.until.get(row.0 as usize).copied().filter(|&days| days != NO_DAY)?;
        Some(Date::from_days(i64::from(days)))
    }

    /// Rows that are filed, and were until a day before this one.
    pub(super) fn expired(&self, today: Date) -> impl Iterator<Item = RowId> + '_ {
        let today = today.days();
        let is_over = move |&(row, &days): &(usize, &i32)| {
            i64::from(days) < today && self.rows.get(row).is_some_and(|row| row.filing == FilingState::Filed)
        };
        self.until.iter().enumerate().filter(is_over).map(|(row, _)| RowId(row as u32))
    }

    pub(super) fn server_ip(&self, row: RowId) -> Option<&str> {
        Some(self.words.text_of(self.row(row).server_ip)).filter(|text| !text.is_empty())
    }

    pub(super) fn interactive(&self, row: RowId) -> Interactive {
        self.row(row).interactive
    }

    /// The names that a certificate is asked for; empty: none is.
    pub(super) fn acme(&self, row: RowId) -> &str {
        let found = self.acme.binary_search_by_key(&row.0, |&(row, _)| row).ok();
        found.map_or("", |at| self.words.text_of(self.acme[at].1))
    }

    /// The rows that ask for certificates.
    pub(super) fn asking(&self) -> impl Iterator<Item = RowId> + '_ {
        self.acme.iter().map(|&(row, _)| RowId(row))
    }

    pub(super) fn line(&self, row: RowId) -> u32 {
        self.row(row).line
    }

    fn row(&self, row: RowId) -> &Row {
        &self.rows[row.0 as usize]
    }
}

/// A row to be added; `upstream` is a number from [`Builder::upstream`].
pub(super) struct NewRow<'a> {
    pub(super) host: &'a str,
    pub(super) line: u32,
    pub(super) upstream: u32,
    pub(super) unit: &'a str,
    pub(super) service: &'a str,
    pub(super) kind: ServiceKind,
    pub(super) icp: &'a str,
    pub(super) filing: FilingState,
    pub(super) filed_until: Option<Date>,
    pub(super) server_ip: &'a str,
    pub(super) interactive: Interactive,
    pub(super) acme: &'a str,
}

/// Why a row was not added.
#[derive(Debug)]
pub(super) enum AddError {
    /// The row on this line has the host already.
    Duplicate(u32),
    /// The texts of the rows no longer fit into 4 GiB.
    Full,
}

/// The rows, for writing.
#[derive(Default)]
pub(super) struct Builder {
    table: Table,
    units: Interner,
    words: Interner,
    /// Origins as written, with their options, by number.
    upstreams: Interner,
}

impl Builder {
    /// The number of a list of origins, read only when it is met for the first time.
    pub(super) fn upstream(&mut self, text: &str, options: &OriginOptions) -> Result<u32, String> {
        let with_options;
        let said = match *options == OriginOptions::default() {
            true => text,
            // No field has a line feed.
            false => {
                let columns = options.columns().map(|(_, text)| text);
                with_options = format!("{text}\n{}", columns.join("\n"));
                &with_options
            }
        };
        if let Some(number) = self.upstreams.find(said) {
            return Ok(number);
        }
        self.table.upstreams.push(Arc::new(Upstream::parse(text, options.clone())?));
        Ok(self.upstreams.intern(said))
    }

    pub(super) fn add(&mut self, new: &NewRow<'_>) -> Result<(), AddError> {
        if let Some(first) = self.table.find(new.host) {
            return Err(AddError::Duplicate(self.table.line(first)));
        }
        let is_full = [self.table.hosts.len(), self.words.words.text.len(), self.units.words.text.len()]
            .iter()
            .any(|&bytes| bytes > (u32::MAX - (1 << 20)) as usize)
            || self.table.rows.len() >= ROWS_MAX;
        let (Ok(host_start), Ok(host_bytes), false) =
            (u32::try_from(self.table.hosts.len()), u8::try_from(new.host.len()), is_full)
        else {
            return Err(AddError::Full);
        };
        let table = &mut self.table;
        let row = table.rows.len() as u32;
        table.hosts.push_str(new.host);
        table.rows.push(Row {
            host_start,
            line: new.line,
            upstream: new.upstream,
            unit: self.units.intern(new.unit),
            service: self.words.intern(new.service),
            icp: self.words.intern(new.icp),
            server_ip: self.words.intern(new.server_ip),
            host_bytes,
            kind: new.kind,
            filing: new.filing,
            interactive: new.interactive,
        });
        table.counts[new.filing as usize] += 1;
        if let Some(until) = new.filed_until {
            table.until.resize(row as usize, NO_DAY);
            table.until.push(until.days() as i32);
        }
        if !new.acme.is_empty() {
            table.acme.push((row, self.words.intern(new.acme)));
        }
        let (hosts, rows) = (&table.hosts, &table.rows);
        table.by_host.insert_unique(hash(new.host), row, |&row| {
            let row = &rows[row as usize];
            let start = row.host_start as usize;
            hash(&hosts[start..start + usize::from(row.host_bytes)])
        });
        Ok(())
    }

    pub(super) fn finish(self) -> Table {
        let mut table = self.table;
        table.units =
            (0..self.units.words.ends.len() as u32).map(|unit| self.units.words.text_of(unit).into()).collect();
        table.words = self.words.words;
        table.hosts.shrink_to_fit();
        table.rows.shrink_to_fit();
        table.until.shrink_to_fit();
        table.acme.shrink_to_fit();
        table.upstreams.shrink_to_fit();
        table.words.text.shrink_to_fit();
        table.words.ends.shrink_to_fit();
        table
    }
}

/// Texts one behind the other, by number.
#[derive(Default)]
struct Words {
    text: String,
    ends: Vec<u32>,
}

impl Words {
    fn text_of(&self, number: u32) -> &str {
        let number = number as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.text[start..self.ends[number] as usize]
    }
}

/// Gives equal texts one number.
#[derive(Default)]
struct Interner {
    words: Words,
    by_text: HashTable<u32>,
}

impl Interner {
    fn find(&self, text: &str) -> Option<u32> {
        self.by_text.find(hash(text), |&number| self.words.text_of(number) == text).copied()
    }

    fn intern(&mut self, text: &str) -> u32 {
        if let Some(number) = self.find(text) {
            return number;
        }
        let number = self.words.ends.len() as u32;
        self.words.text.push_str(text);
        self.words.ends.push(self.words.text.len() as u32);
        let words = &self.words;
        self.by_text.insert_unique(hash(text), number, |&number| hash(words.text_of(number)));
        number
    }
}

/// The seed need not be secret: only rows of the operator's own file are ever put into a table, and a
/// search costs what the file made it cost.
fn hash(text: &str) -> u64 {
    FixedState::default().hash_one(text)
}

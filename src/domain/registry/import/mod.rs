//! sites.csv (shared formats) → [`Registry`]: every bad row is reported at its line and column and
//! left out, the rest is applied.

mod columns;
mod row;

use std::collections::HashSet;

use csv::StringRecord;

use self::columns::SiteColumn;
use super::{
    FilingState, Registry,
    table::{AddError, Builder},
};
use crate::{
    base::Problem,
    domain::tabular::{Columns, Complaints, Content, RawRecord, Refused, fits, help, is_good_enough, read_records},
};

/// What came of reading a registry.
pub struct Imported {
    /// The good rows; `None` if the file as a whole must not be applied (no usable header, or more
    /// bad rows than good ones).
    pub registry: Option<Registry>,
    /// Rows applied, or that would have been.
    pub rows_good: usize,
    /// Rows skipped.
    pub rows_bad: usize,
    /// What is wrong, by line and column; at most 1,000, the rest is counted in the last one.
    pub problems: Vec<Problem>,
}

/// Reads sites.csv: UTF-8 with or without BOM, or GB18030. `path` is only named in the problems.
pub fn import_csv(path: &str, bytes: &[u8]) -> Imported {
    import_sites(path, Content::Csv(bytes))
}

/// Reads the sites of a file. `path` is only named in the problems.
pub fn import_sites(path: &str, content: Content<'_>) -> Imported {
    let mut complaints = Complaints::new(path, content.is_sheet());
    let mut import = Import {
        columns: None,
        builder: Builder::default(),
        broken: HashSet::new(),
        contradicted: HashSet::new(),
        rows_good: 0,
        rows_bad: 0,
    };
    let complete = import.read(content, &mut complaints).is_ok();
    let whole = complete && is_good_enough(import.rows_good, import.rows_bad, &mut complaints);
    Imported {
        registry: whole.then(|| {
            let table = import.builder.finish();
            let mut barred = import.broken;
            barred.retain(|host| table.find(host).is_none());
            barred.extend(import.contradicted);
            Registry::new(table, barred)
        }),
        rows_good: import.rows_good,
        rows_bad: import.rows_bad,
        problems: complaints.finish(),
    }
}

/// Whether a header is that of a file of sites.
pub fn is_sites_header(header: &StringRecord) -> bool {
    fits::<SiteColumn>(header)
}

struct Import {
    columns: Option<Columns<SiteColumn>>,
    builder: Builder,
    /// Hosts of rows that were skipped.
    broken: HashSet<Box<str>>,
    /// Hosts with a second row that says they are not filed here.
    contradicted: HashSet<Box<str>>,
    rows_good: usize,
    rows_bad: usize,
}

impl Import {
    fn read(&mut self, content: Content<'_>, complaints: &mut Complaints) -> Result<(), Refused> {
        read_records(content, complaints, &mut |record, raw, complaints| match self.columns {
            None => {
                self.columns = Some(Columns::read(record, raw, complaints)?);
                Ok(())
            }
            Some(_) => self.add(record, raw, complaints),
        })?;
        if self.columns.is_none() {
            complaints.refuse(0, 0, "the file is empty", &help::<SiteColumn>());
            return Err(Refused);
        }
        if self.rows_good == 0 && self.rows_bad == 0 {
            let help = "every host counts as unfiled; is the file complete?";
            complaints.warn(0, 0, "there is no row below the header", help);
        }
        Ok(())
    }

    fn add(&mut self, record: &StringRecord, raw: &RawRecord<'_>, complaints: &mut Complaints) -> Result<(), Refused> {
        // A spreadsheet leaves rows of nothing but commas behind.
        let Some(columns) = self.columns.as_ref().filter(|_| record.iter().any(|field| !field.trim().is_empty()))
        else {
            return Ok(());
        };
        let row = match row::read(columns, record, raw, complaints, &mut self.builder) {
            Ok(row) => row,
            Err(host) => {
                // A row that cannot be used must not leave its host to a row for the domain above it.
                self.broken.extend(host.map(|host| host.as_str().into()));
                self.rows_bad += raw.lines();
                return Ok(());
            }
        };
        let new = row.to_new();
        match self.builder.add(&new) {
            Ok(()) => self.rows_good += 1,
            Err(AddError::Duplicate(first)) => {
                let (line, column) = raw.place(columns.position(SiteColumn::Host).unwrap_or_default());
                let message = format!("this host stands on line {first} already");
                let help = if new.filing == FilingState::Filed {
                    "the earlier row is applied; remove one of them"
                } else {
                    self.contradicted.insert(new.host.into());
                    "this row says that it is not filed here, so it is refused until one of them is removed"
                };
                complaints.error(line, column, &message, help);
                // One stray quotation mark makes one row of many; each of them is lost, and counts.
                self.rows_bad += raw.lines();
            }
            Err(AddError::Full) => {
                complaints.refuse(raw.line(), 0, "the registry has more than 4 GiB of text", "");
                return Err(Refused);
            }
        }
        Ok(())
    }
}

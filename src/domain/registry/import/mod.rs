//! sites.csv (shared formats) → [`Registry`]: every bad row is reported at its line and column and
//! left out, the rest is applied.

mod columns;
mod complaints;
mod encoding;
mod raw;
mod row;

use std::collections::HashSet;

use csv::{ReaderBuilder, StringRecord};

use self::{columns::Columns, complaints::Complaints, raw::RawRecord};
use super::{
    FilingState, Registry,
    table::{AddError, Builder},
};
use crate::base::Problem;

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
    let mut import = Import {
        complaints: Complaints::new(path),
        builder: Builder::default(),
        broken: HashSet::new(),
        contradicted: HashSet::new(),
        rows_good: 0,
        rows_bad: 0,
    };
    let complete = import.read(bytes).is_ok();
    let too_bad = import.rows_bad > import.rows_good;
    if complete && too_bad {
        let message = format!("{} rows are bad and only {} are good", import.rows_bad, import.rows_good);
        import.complaints.refuse(0, 0, &message, "nothing of the file is applied; correct the rows above");
    }
    Imported {
        registry: (complete && !too_bad).then(|| {
            let table = import.builder.finish();
            let mut barred = import.broken;
            barred.retain(|host| table.find(host).is_none());
            barred.extend(import.contradicted);
            Registry { table, barred, available: true }
        }),
        rows_good: import.rows_good,
        rows_bad: import.rows_bad,
        problems: import.complaints.finish(),
    }
}

/// The file cannot be applied; what is wrong has been said.
struct Refused;

struct Import {
    complaints: Complaints,
    builder: Builder,
    /// Hosts of rows that were skipped.
    broken: HashSet<Box<str>>,
    /// Hosts with a second row that says they are not filed here.
    contradicted: HashSet<Box<str>>,
    rows_good: usize,
    rows_bad: usize,
}

impl Import {
    fn read(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let text = encoding::decode(bytes, &mut self.complaints)?;
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let mut record = StringRecord::new();
        let mut columns: Option<Columns> = None;
        let mut line = 1;
        loop {
            let start = reader.position().byte() as usize;
            let more = match reader.read_record(&mut record) {
                Ok(more) => more,
                Err(error) => {
                    self.complaints.refuse(line, 0, &format!("the file cannot be read on: {error}"), "");
                    return Err(Refused);
                }
            };
            let end = reader.position().byte() as usize;
            let raw = RawRecord::new(text.get(start..end).unwrap_or_default(), line);
            if end == text.len() && raw.is_open() {
                self.complaints.refuse(
                    raw.line(),
                    0,
                    "a quotation mark is opened in this row and never closed: everything behind it is lost",
                    "close it, or write a quotation mark within a field twice",
                );
                return Err(Refused);
            }
            if !more {
                break;
            }
            line = raw.line_behind();
            match &columns {
                None => columns = Some(Columns::read(&record, &raw, &mut self.complaints)?),
                Some(columns) => self.add(columns, &record, &raw)?,
            }
        }
        if columns.is_none() {
            self.complaints.refuse(0, 0, "the file is empty", &columns::help());
            return Err(Refused);
        }
        if self.rows_good == 0 && self.rows_bad == 0 {
            let help = "every host counts as unfiled; is the file complete?";
            self.complaints.warn(0, 0, "there is no row below the header", help);
        }
        Ok(())
    }

    fn add(&mut self, columns: &Columns, record: &StringRecord, raw: &RawRecord<'_>) -> Result<(), Refused> {
        // A spreadsheet leaves rows of nothing but commas behind.
        if record.iter().all(|field| field.trim().is_empty()) {
            return Ok(());
        }
        let row = match row::read(columns, record, raw, &mut self.complaints, &mut self.builder) {
            Ok(row) => row,
            Err(host) => {
                // A row that cannot be used must not leave its host to a row for the domain above it.
                self.broken.extend(host.map(|host| host.as_str().into()));
                self.skip(raw);
                return Ok(());
            }
        };
        let new = row.to_new();
        match self.builder.add(&new) {
            Ok(()) => self.rows_good += 1,
            Err(AddError::Duplicate(first)) => {
                let (line, column) = raw.place(columns.host());
                let message = format!("this host stands on line {first} already");
                let help = if new.filing == FilingState::Filed {
                    "the earlier row is applied; remove one of them"
                } else {
                    self.contradicted.insert(new.host.into());
                    "this row says that it is not filed here, so it is refused until one of them is removed"
                };
                self.complaints.error(line, column, &message, help);
                self.skip(raw);
            }
            Err(AddError::Full) => {
                self.complaints.refuse(raw.line(), 0, "the registry has more than 4 GiB of text", "");
                return Err(Refused);
            }
        }
        Ok(())
    }

    /// Counts a bad row. One stray quotation mark makes one row of many; each of them is lost, and
    /// counts.
    fn skip(&mut self, raw: &RawRecord<'_>) {
        self.rows_bad += raw.lines();
    }
}

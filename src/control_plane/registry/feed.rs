//! What a file, a pull or an import says: bytes → rows, whether they are CSV or a workbook.

use std::{io::Cursor, sync::Arc};

use aws_lc_rs::digest;
use calamine::{Data, Reader, Xlsx};
use csv::StringRecord;

use crate::{
    base::{Date, Problem},
    domain::{
        record::{CustomerFile, ImportedCustomers, import_customers},
        registry::{Imported, Registry, import_sites, is_sites_header},
        tabular::{Complaints, Content, Sheet, read_records},
    },
};

/// How workbooks begin: they are ZIP archives.
const WORKBOOK_MAGIC: &[u8] = b"PK\x03\x04";

/// Cells of a sheet, at most: twice a million sites with all columns.
const CELLS_MAX: usize = 32_000_000;

/// The rows that a source has, all of them, and where they come from.
#[derive(Clone)]
pub struct Feed {
    /// The file or URL.
    pub name: String,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// The rows.
    pub registry: Arc<Registry>,
    /// Rows that were skipped.
    pub rows_bad: usize,
}

/// What came of reading a registry.
pub struct ReadFeed {
    /// The rows; `None` if nothing of them may be applied.
    pub feed: Option<Feed>,
    /// Rows that are good.
    pub rows_good: usize,
    /// Rows that were skipped.
    pub rows_bad: usize,
    /// What is wrong, at its place.
    pub problems: Vec<Problem>,
}

/// A kind of file about sites or customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Units, services, commitments or persons.
    Customers(CustomerFile),
    /// The registry of sites itself.
    Sites,
}

impl Feed {
    /// Reads a registry of sites.
    pub fn read(name: &str, bytes: &[u8]) -> ReadFeed {
        let read = match with_content(name, bytes, import_sites) {
            Ok(Imported { registry, rows_good, rows_bad, problems }) => (registry, rows_good, rows_bad, problems),
            Err(problem) => (None, 0, 0, vec![problem]),
        };
        let (registry, rows_good, rows_bad, problems) = read;
        let feed = registry.map(|registry| Feed {
            name: name.to_owned(),
            sha256: sha256(bytes),
            registry: Arc::new(registry),
            rows_bad,
        });
        ReadFeed { feed, rows_good, rows_bad, problems }
    }
}

/// Reads a file about customers.
pub fn read_customers(kind: CustomerFile, name: &str, bytes: &[u8]) -> ImportedCustomers {
    let failed = |problem| ImportedCustomers { facts: None, rows_good: 0, rows_bad: 0, problems: vec![problem] };
    with_content(name, bytes, |name, content| import_customers(kind, name, content)).unwrap_or_else(failed)
}

/// Which kind of file this is, by its header.
pub fn kind_of(name: &str, bytes: &[u8]) -> Option<FileKind> {
    with_content(name, bytes, |name, content| {
        let mut header = None;
        let mut complaints = Complaints::new(name, false);
        // An error ends the reading behind the header; what is wrong with it is said when it is read.
        let _ = read_records(content, &mut complaints, &mut |record, _, _| {
            header = Some(StringRecord::clone(record));
            Err(crate::domain::tabular::Refused)
        });
        let header = header?;
        if is_sites_header(&header) {
            return Some(FileKind::Sites);
        }
        CustomerFile::of_header(&header).map(FileKind::Customers)
    })
    .ok()
    .flatten()
}

/// SHA-256, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, bytes);
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Calls `read` with the name and content: of a workbook, those of its first sheet that is not empty.
fn with_content<R>(name: &str, bytes: &[u8], read: impl FnOnce(&str, Content<'_>) -> R) -> Result<R, Problem> {
    if !bytes.starts_with(WORKBOOK_MAGIC) {
        return Ok(read(name, Content::Csv(bytes)));
    }
    let (sheet_name, sheet) = read_workbook(bytes).map_err(|why| {
        Problem::error(name, 0, 0, format!("the workbook cannot be read: {why}"))
            .help("save it as .xlsx (Excel 2007 or later), or as \"CSV UTF-8\"")
    })?;
    Ok(read(&format!("{name}:{sheet_name}"), Content::Sheet(&sheet)))
}

fn read_workbook(bytes: &[u8]) -> Result<(String, Sheet), String> {
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    for name in workbook.sheet_names() {
        let range = workbook.worksheet_range(&name).map_err(|error| error.to_string())?;
        let Some((first_row, first_column)) = range.start() else { continue };
        if range.is_empty() {
            continue;
        }
        if range.get_size().0.saturating_mul(range.get_size().1) > CELLS_MAX {
            return Err(format!("the sheet {name} has more than {CELLS_MAX} cells"));
        }
        let rows = range.rows().map(|row| row.iter().map(text_of).collect()).collect();
        return Ok((name, Sheet { first_row: first_row + 1, first_column, rows }));
    }
    Err("it has no sheet with anything in it".into())
}

/// A cell as a person would write it.
fn text_of(cell: &Data) -> String {
    match cell {
        Data::Int(number) => number.to_string(),
        // Excel keeps every number as a float; ids and phone numbers are whole.
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        Data::Float(number) => number.to_string(),
        Data::String(text) => text.trim().to_owned(),
        Data::Bool(is_so) => is_so.to_string(),
        Data::DateTime(moment) => {
            let (year, month, day, ..) = moment.to_ymd_hms_milli();
            Date { year, month, day }.to_string()
        }
        Data::DateTimeIso(text) => text.get(..10).unwrap_or(text).to_owned(),
        Data::DurationIso(text) => text.clone(),
        // As Excel shows it; no column takes it.
        Data::Error(error) => error.to_string(),
        Data::Empty => String::new(),
    }
}

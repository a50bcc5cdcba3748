//! A file's records one after the other, whether it is text or a sheet of a workbook.

use csv::{ReaderBuilder, StringRecord};

use super::{Complaints, RawRecord, Refused, encoding};

/// A sheet of a workbook, its cells as text.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// 1-based number of the first row.
    pub first_row: u32,
    /// 0-based number of the first column.
    pub first_column: u32,
    /// The cells, all rows equally wide.
    pub rows: Vec<Vec<String>>,
}

/// What is read.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// A CSV file: UTF-8 with or without BOM, or GB18030.
    Csv(&'a [u8]),
    /// A sheet.
    Sheet(&'a Sheet),
}

impl Content<'_> {
    /// Whether places are cells.
    pub fn is_sheet(&self) -> bool {
        matches!(self, Self::Sheet(_))
    }
}

/// The next record, header included.
pub type Each<'e> = &'e mut dyn FnMut(&StringRecord, &RawRecord<'_>, &mut Complaints) -> Result<(), Refused>;

/// Gives every record to `each`. Fails where the file as a whole cannot be used; what is wrong has been
/// said then.
pub fn read_records(content: Content<'_>, complaints: &mut Complaints, each: Each<'_>) -> Result<(), Refused> {
    match content {
        Content::Csv(bytes) => read_csv(bytes, complaints, each),
        Content::Sheet(sheet) => {
            for (number, row) in (sheet.first_row..).zip(&sheet.rows) {
                let record = StringRecord::from_iter(row);
                if record.iter().any(|cell| !cell.is_empty()) {
                    each(&record, &RawRecord::of_sheet(number, sheet.first_column), complaints)?;
                }
            }
            Ok(())
        }
    }
}

fn read_csv(bytes: &[u8], complaints: &mut Complaints, each: Each<'_>) -> Result<(), Refused> {
    let text = encoding::decode(bytes, complaints)?;
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let mut line = 1;
    loop {
        let start = reader.position().byte() as usize;
        let more = match reader.read_record(&mut record) {
            Ok(more) => more,
            Err(error) => {
                complaints.refuse(line, 0, &format!("the file cannot be read on: {error}"), "");
                return Err(Refused);
            }
        };
        let end = reader.position().byte() as usize;
        let raw = RawRecord::new(text.get(start..end).unwrap_or_default(), line);
        if end == text.len() && raw.is_open() {
            complaints.refuse(
                raw.line(),
                0,
                "a quotation mark is opened in this row and never closed: everything behind it is lost",
                "close it, or write a quotation mark within a field twice",
            );
            return Err(Refused);
        }
        if !more {
            return Ok(());
        }
        line = raw.line_behind();
        each(&record, &raw, complaints)?;
    }
}

//! Files that consist of records under a header, as people make them with a spreadsheet: read strictly,
//! with every complaint at its line and column (in a workbook at its cell).

mod columns;
mod complaints;
mod encoding;
mod fields;
mod raw;
mod records;

pub use columns::{Column, Columns, fits, help};
pub use complaints::Complaints;
pub use fields::{Fault, Fields, read_alias, read_day, read_id, read_optional_day, read_text};
pub use raw::RawRecord;
pub use records::{Content, Each, Sheet, read_records};

/// The file cannot be applied; what is wrong has been said.
#[derive(Debug)]
pub struct Refused;

/// Whether a file may be applied, although some of its rows are bad; says why not.
pub fn is_good_enough(rows_good: usize, rows_bad: usize, complaints: &mut Complaints) -> bool {
    if rows_bad > rows_good {
        let message = format!("{rows_bad} rows are bad and only {rows_good} are good");
        complaints.refuse(0, 0, &message, "nothing of the file is applied; correct the rows above");
    }
    rows_bad <= rows_good
}

//! The header: which column stands where.

use csv::StringRecord;

use super::{Complaints, RawRecord, Refused};

/// A column of a kind of file.
pub trait Column: Copy + PartialEq + 'static {
    /// All columns, in the order in which they are written.
    const ALL: &'static [Self];

    /// Its name.
    fn as_str(self) -> &'static str;

    /// What people who work with Excel call it.
    fn aliases(self) -> &'static [&'static str];

    /// Whether a file must have it.
    fn is_required(self) -> bool;
}

/// Where the columns stand.
pub struct Columns<C> {
    by_column: Vec<(C, Option<usize>)>,
    count: usize,
}

impl<C: Column> Columns<C> {
    /// Reads the header: names in any order and case, or their Chinese names.
    pub fn read(header: &StringRecord, raw: &RawRecord<'_>, complaints: &mut Complaints) -> Result<Self, Refused> {
        let mut columns =
            Self { by_column: C::ALL.iter().map(|&column| (column, None)).collect(), count: header.len() };
        for (at, name) in header.iter().enumerate() {
            let name = name.trim();
            let (line, place) = raw.place(at);
            let Some(slot) = columns.by_column.iter_mut().find(|(column, _)| is_named(*column, name)) else {
                if !name.is_empty() {
                    let message = format!("the column {:?} is unknown and ignored", shorten(name));
                    complaints.warn(line, place, &message, &help::<C>());
                }
                continue;
            };
            if slot.1.replace(at).is_some() {
                complaints.refuse(line, place, &format!("there are two columns {name:?}"), "remove one of them");
                return Err(Refused);
            }
        }
        let missing: Vec<_> = columns
            .by_column
            .iter()
            .filter(|(column, at)| column.is_required() && at.is_none())
            .map(|(column, _)| column.as_str())
            .collect();
        if missing.is_empty() {
            return Ok(columns);
        }
        let message = format!("the first row names no column {}", missing.join(", "));
        complaints.refuse(raw.line(), 0, &message, &help::<C>());
        Err(Refused)
    }

    /// The 0-based position of a column.
    pub fn position(&self, column: C) -> Option<usize> {
        self.by_column.iter().find(|(it, _)| *it == column).and_then(|(_, at)| *at)
    }

    /// Number of columns, ignored ones included.
    pub fn count(&self) -> usize {
        self.count
    }
}

/// Whether a header has all columns that such a file needs.
pub fn fits<C: Column>(header: &StringRecord) -> bool {
    C::ALL.iter().filter(|column| column.is_required()).all(|&column| header.iter().any(|name| is_named(column, name)))
}

fn is_named<C: Column>(column: C, name: &str) -> bool {
    let name = name.trim();
    name.eq_ignore_ascii_case(column.as_str()) || column.aliases().iter().any(|alias| name.eq_ignore_ascii_case(alias))
}

/// What a header must be.
pub fn help<C: Column>() -> String {
    let (required, optional): (Vec<C>, Vec<C>) = C::ALL.iter().partition(|column| column.is_required());
    let names = |columns: &[C]| columns.iter().map(|column| column.as_str()).collect::<Vec<_>>().join(", ");
    format!(
        "the first row names the columns, separated by commas: {}, and if wanted {}",
        names(&required),
        names(&optional)
    )
}

/// A text as it is quoted in a message.
pub(super) fn shorten(text: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

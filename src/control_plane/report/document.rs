//! A printable document: what every report becomes before it is HTML or PDF, so that both say the same.

use crate::base::Timestamp;

/// A document for A4, with a place to sign on every page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// What it is.
    pub title: String,
    /// Its number; stands on every page.
    pub number: String,
    /// When it was made.
    pub made: Timestamp,
    /// What it says.
    pub blocks: Vec<Block>,
    /// What is signed, sealed and dated at the foot of every page (【备注】 of the second letter).
    pub signatures: Vec<&'static str>,
}

/// A part of a document, from top to bottom.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Labels, each with a value or with a line to write on.
    Fields(Vec<Field>),
    /// What follows is about this.
    Heading(String),
    /// A numbered item.
    Item {
        /// `1.`, `（一）`.
        mark: String,
        /// Empty: a line to write on.
        text: String,
    },
    /// A line that begins at the margin.
    Line(String),
    /// Small print.
    Note(String),
    /// A paragraph, its first line indented by two characters.
    Paragraph(String),
    /// At the end, on the right: who signs, and the day.
    Signed(Vec<String>),
    /// Rows under a head that is repeated on every page.
    Table(Table),
}

/// A label and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// With its colon left out.
    pub label: String,
    /// Empty: a line to write on.
    pub value: String,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// A column each: its head, and its share of the width.
    pub columns: Vec<Column>,
    /// The cells of each row, as many as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// What stands above it.
    pub head: &'static str,
    /// Its width beside the other columns'.
    pub width: u16,
}

impl Field {
    /// A label and its value.
    pub fn new(label: &str, value: impl Into<String>) -> Self {
        Self { label: label.to_owned(), value: value.into() }
    }
}

impl Block {
    /// A paragraph.
    pub fn paragraph(text: impl Into<String>) -> Self {
        Self::Paragraph(text.into())
    }

    /// A heading.
    pub fn heading(text: impl Into<String>) -> Self {
        Self::Heading(text.into())
    }
}

impl Table {
    /// A table without rows.
    pub fn new<const N: usize>(columns: [(&'static str, u16); N]) -> Self {
        Self { columns: columns.map(|(head, width)| Column { head, width }).to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }

    /// Adds rows to write in.
    pub fn blank_rows(&mut self, count: usize) {
        let blank = vec![String::new(); self.columns.len()];
        self.rows.extend(std::iter::repeat_n(blank, count));
    }
}

/// Text as it may be printed: what would move, hide or reorder what stands around it is shown as a sign
/// or left out. It may come from a stranger.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{ad}'))
        .map(|c| match c {
            '\n' => '\n',
            '\r' | '\t' | '\u{a0}' | '\u{2028}' | '\u{2029}' => ' ',
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

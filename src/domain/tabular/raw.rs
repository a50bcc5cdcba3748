//! A row as it stands in the file: where its fields begin.

/// The text of one record, line breaks and quotation marks included.
pub struct RawRecord<'a> {
    text: &'a str,
    line: u32,
    /// 0-based column of its first cell; `None` for text.
    sheet: Option<u32>,
}

impl<'a> RawRecord<'a> {
    /// `text` begins on `line`, maybe with the rest of a line break and with empty lines, which are no
    /// part of the record.
    pub fn new(text: &'a str, line: u32) -> Self {
        let record = text.trim_start_matches(['\r', '\n']);
        Self { text: record, line: line + count_lines(&text[..text.len() - record.len()]), sheet: None }
    }

    /// A row of a sheet, whose first cell stands in a 0-based column.
    pub fn of_sheet(line: u32, first_column: u32) -> Self {
        Self { text: "", line, sheet: Some(first_column) }
    }

    /// 1-based line on which the record begins.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The line on which what follows begins.
    pub fn line_behind(&self) -> u32 {
        self.line + count_lines(self.text)
    }

    /// The number of lines that the record takes.
    pub fn lines(&self) -> usize {
        count_lines(self.text.trim_end_matches(['\r', '\n'])) as usize + 1
    }

    /// The 1-based line and column (in characters) of a field; of the record's end if it has fewer.
    pub fn place(&self, field: usize) -> (u32, u32) {
        if let Some(first) = self.sheet {
            let column = u32::try_from(field).unwrap_or(u32::MAX).saturating_add(first).saturating_add(1);
            return (self.line, column);
        }
        let before = &self.text[..self.scan(field).0];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before[line_start..].chars().count() + 1;
        (self.line + count_lines(before), u32::try_from(column).unwrap_or(u32::MAX))
    }

    /// Whether the record ends within quotation marks.
    pub fn is_open(&self) -> bool {
        self.scan(usize::MAX).1
    }

    /// Byte offset of a field, or of the record's end; whether that is within quotation marks.
    fn scan(&self, field: usize) -> (usize, bool) {
        let end = self.text.trim_end_matches(['\r', '\n']).len();
        let mut number = 0;
        let mut state = State::Start;
        for (at, byte) in self.text.bytes().enumerate() {
            if state == State::Start && number == field {
                return (at.min(end), false);
            }
            state = match (state, byte) {
                (State::Start | State::Closed, b'"') => State::Quoted,
                (State::Quoted, b'"') => State::Closed,
                (State::Quoted, _) => State::Quoted,
                (State::Start | State::Plain | State::Closed, b',') => {
                    number += 1;
                    State::Start
                }
                (State::Start | State::Plain | State::Closed, _) => State::Plain,
            };
        }
        (end, state == State::Quoted)
    }
}

/// Where a scan stands in a field (RFC 4180).
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At its first byte.
    Start,
    /// In one without quotation marks around it, where they mean nothing.
    Plain,
    /// Within quotation marks.
    Quoted,
    /// Behind a quotation mark within them: the end, or the first of a pair that means one.
    Closed,
}

fn count_lines(text: &str) -> u32 {
    memchr::memchr_iter(b'\n', text.as_bytes()).count() as u32
}

//! The fields of one record by column: each read, every bad one reported where it stands.

use csv::StringRecord;

use super::{Column, Columns, Complaints, RawRecord, columns::shorten};
use crate::base::Date;

/// Characters of an id at most.
const ID_CHARACTERS_MAX: usize = 128;
/// Characters of a name, a number or an address at most.
const TEXT_CHARACTERS_MAX: usize = 500;

/// What is wrong with a field.
pub struct Fault {
    message: String,
    help: String,
}

impl Fault {
    /// Says what is wrong.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: String::new() }
    }

    /// Says what to do, too.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: help.into(), ..self }
    }
}

/// The fields of one record by column.
pub struct Fields<'a, 'b, C> {
    columns: &'b Columns<C>,
    record: &'a StringRecord,
    raw: &'b RawRecord<'b>,
    complaints: &'b mut Complaints,
}

impl<'a, 'b, C: Column> Fields<'a, 'b, C> {
    /// The fields of a record; `None` if it has not as many as the header, which is said.
    pub fn of(
        columns: &'b Columns<C>,
        record: &'a StringRecord,
        raw: &'b RawRecord<'b>,
        complaints: &'b mut Complaints,
    ) -> Option<Self> {
        if record.len() != columns.count() {
            let (line, column) = raw.place(record.len().min(columns.count()));
            let message = format!("the row has {} fields, the header {}", record.len(), columns.count());
            complaints.error(line, column, &message, "a field with a comma stands in quotation marks");
            return None;
        }
        Some(Self { columns, record, raw, complaints })
    }

    /// Reads a field, trimmed; empty where there is no such column. Says what is wrong with it.
    pub fn read<T>(&mut self, column: C, read: impl FnOnce(&'a str) -> Result<T, Fault>) -> Option<T> {
        let text = self.text(column);
        let result = match text.contains(|c: char| c.is_control() || c == '\u{fffd}') {
            true => Err(Fault::new("the field has control characters or bytes that are no text")
                .help("a stray quotation mark draws the following rows into one")),
            false => read(text),
        };
        result.map_err(|fault| self.complain(column, &fault)).ok()
    }

    /// Says that a field is odd, and read all the same.
    pub fn warn(&mut self, column: C, message: &str, help: &str) {
        let (line, place) = self.place(column);
        self.complaints.warn(line, place, message, help);
    }

    fn text(&self, column: C) -> &'a str {
        self.columns.position(column).and_then(|at| self.record.get(at)).unwrap_or_default().trim()
    }

    fn place(&self, column: C) -> (u32, u32) {
        self.raw.place(self.columns.position(column).unwrap_or_default())
    }

    fn complain(&mut self, column: C, fault: &Fault) {
        let (line, place) = self.place(column);
        let message = match self.text(column) {
            "" => format!("{}: {}", column.as_str(), fault.message),
            text => format!("{} {:?}: {}", column.as_str(), shorten(text), fault.message),
        };
        self.complaints.error(line, place, &message, &fault.help);
    }
}

/// The id of a unit or service.
pub fn read_id(text: &str) -> Result<&str, Fault> {
    match text.chars().count() {
        0 => Err(Fault::new("the field is empty").help("write the id that your own systems use")),
        1..=ID_CHARACTERS_MAX => Ok(text),
        _ => Err(Fault::new("the id is too long").help("an id has at most 128 characters")),
    }
}

/// A name, a number, an address; may be empty.
pub fn read_text(text: &str) -> Result<String, Fault> {
    match text.chars().nth(TEXT_CHARACTERS_MAX) {
        None => Ok(text.to_owned()),
        Some(_) => Err(Fault::new("the text is too long").help("write at most 500 characters")),
    }
}

/// One of a few words, or of those that people who work with Excel write for them.
pub fn read_alias<T: Copy>(text: &str, words: &[(&str, T)], aliases: &[(&str, T)]) -> Result<T, Fault> {
    words.iter().chain(aliases).find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        Fault::new("this word is not known here").help(format!("one of: {}", words.join(", ")))
    })
}

/// A day as people write it: `2027-06-30`, `2027/6/30`, `2027.6.30`, `2027年6月30日`, `20270630`.
pub fn read_day(text: &str) -> Result<Date, Fault> {
    let fault = || Fault::new("this is no day of the calendar").help("write it as 2027-06-30");
    let unified = text.replace(['/', '.', '年', '月'], "-").replace('日', "");
    let parts: Vec<&str> = match unified.split('-').collect::<Vec<_>>() {
        parts if parts.len() == 3 => parts,
        parts if parts.len() == 1 && unified.len() == 8 && unified.is_ascii() => {
            vec![&unified[..4], &unified[4..6], &unified[6..]]
        }
        _ => return Err(fault()),
    };
    if parts.iter().any(|part| part.is_empty() || part.len() > 4) {
        return Err(fault());
    }
    format!("{:0>4}-{:0>2}-{:0>2}", parts[0], parts[1], parts[2]).parse().map_err(|_| fault())
}

/// A day, if there is one.
pub fn read_optional_day(text: &str) -> Result<Option<Date>, Fault> {
    match text {
        "" => Ok(None),
        _ => read_day(text).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Date, read_day};

    proptest! {
        #[test]
        fn days_are_read_in_every_spelling(days in -100_000_i64..100_000) {
            let Date { year, month, day } = Date::from_days(days);
            for text in [
                format!("{year:04}-{month:02}-{day:02}"),
                format!("{year}/{month}/{day}"),
                format!("{year:04}.{month:02}.{day:02}"),
                format!("{year}年{month}月{day}日"),
                format!("{year:04}{month:02}{day:02}"),
            ] {
                prop_assert_eq!(read_day(&text).ok(), Some(Date::from_days(days)), "{}", text);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,12}|[0-9年月日./-]{0,12}") {
            let _ = read_day(&text);
        }
    }
}

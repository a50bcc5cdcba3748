//! The document as written: every value with its place, and the complaints about it.
//!
//! A [`Section`] remembers which keys were asked for; what is left when it is closed is unknown.
//! So the list of known keys cannot differ from the keys that are read, and neither can the
//! reference of them ([`super::reference`]), which is what was asked for, in which type and range.

use std::{
    cell::{Cell, RefCell},
    ops::Range,
    time::Duration,
};

use toml::de::{DeTable, DeValue};

use super::{
    nearest::nearest,
    quantity::{duration, show_duration, show_size, size},
    reference::{Asked, Kind},
};
use crate::base::Problem;

/// A value and where it stands, as byte offsets.
pub(super) type Placed<T> = (T, Range<usize>);

/// Reads values and collects problems.
pub(super) struct Reader<'a> {
    path: &'a str,
    text: &'a str,
    env: &'a dyn Fn(&str) -> Option<String>,
    problems: RefCell<Vec<Problem>>,
    asked: RefCell<Vec<Asked>>,
    is_toml: Cell<bool>,
}

/// One table of the document, or the absence of it.
pub(super) struct Section<'r, 'a> {
    reader: &'r Reader<'a>,
    name: String,
    /// The name, with `*` for what is free to choose.
    pattern: String,
    table: Option<&'r DeTable<'a>>,
    at: Range<usize>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(path: &'a str, text: &'a str, env: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { path, text, env, problems: RefCell::default(), asked: RefCell::default(), is_toml: Cell::new(true) }
    }

    /// Parses the text; syntax errors become problems, and what could be read is returned all the same.
    pub(super) fn document(&self) -> DeTable<'a> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        let first = errors.iter().min_by_key(|error| error.span().map_or(0, |at| at.start));
        if let Some(error) = first {
            let message = error.message().lines().map(str::trim).collect::<Vec<_>>().join(", ");
            let at = error.span().unwrap_or(0..0);
            match unclosed(self.text).filter(|open| *open < at.start) {
                Some(open) => {
                    let (line, _) = Problem::place(self.text, at.start);
                    let message = format!("not valid TOML: what is opened here is not closed: line {line}: {message}");
                    self.error_with_help(open..open + 1, message, "close it: ] for a list, } for a table on one line");
                }
                None => self.error(at, format!("not valid TOML: {message}")),
            }
            self.is_toml.set(false);
        }
        table.into_inner()
    }

    pub(super) fn error(&self, at: Range<usize>, message: impl Into<String>) {
        self.push(at, |line, column| Problem::error(self.path, line, column, message));
    }

    pub(super) fn error_with_help(&self, at: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.push(at, |line, column| Problem::error(self.path, line, column, message).help(help));
    }

    pub(super) fn warn(&self, at: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.push(at, |line, column| Problem::warning(self.path, line, column, message).help(help));
    }

    /// The line of a place, from 1 on.
    pub(super) fn line(&self, at: &Range<usize>) -> u32 {
        Problem::place(self.text, at.start).0
    }

    /// All problems in order of place. What is no TOML is told alone: what else seems wrong follows from it.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        if !self.is_toml.get() {
            problems.truncate(1);
        }
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems
    }

    /// What was asked for so far.
    pub(super) fn asked(self) -> Vec<Asked> {
        self.asked.into_inner()
    }

    /// Notes what a key was asked for as; the first asker says the most.
    fn ask(&self, key: String, kind: Kind) {
        let mut asked = self.asked.borrow_mut();
        match asked.iter_mut().find(|known| known.key == key) {
            Some(known) => known.kind.narrow(kind),
            None => asked.push(Asked { key, kind }),
        }
    }

    fn push(&self, at: Range<usize>, problem: impl FnOnce(u32, u32) -> Problem) {
        let (line, column) = Problem::place(self.text, at.start);
        self.problems.borrow_mut().push(problem(line, column));
    }

    /// Replaces `${NAME}` by the environment's value; `$${` stands for a literal `${`.
    fn substitute(&self, text: &str, at: &Range<usize>) -> Option<String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let (before, behind) = rest.split_at(start);
            let behind = &behind[2..];
            if let Some(before) = before.strip_suffix('$') {
                out.push_str(before);
                out.push_str("${");
                rest = behind;
                continue;
            }
            out.push_str(before);
            let Some((name, after)) = behind.split_once('}') else {
                self.error_with_help(
                    at.clone(),
                    "${ without }",
                    "write ${NAME} for an environment variable, $${ for the characters themselves",
                );
                return None;
            };
            let Some(value) = (self.env)(name) else {
                self.error_with_help(
                    at.clone(),
                    format!("the environment variable {name:?} is not set"),
                    "set it where zhamen is started, or write the value here",
                );
                return None;
            };
            out.push_str(&value);
            rest = after;
        }
        out.push_str(rest);
        Some(out)
    }
}

impl<'r, 'a> Section<'r, 'a> {
    /// The document's top level.
    pub(super) fn root(reader: &'r Reader<'a>, table: &'r DeTable<'a>) -> Self {
        let (name, pattern) = (String::new(), String::new());
        Self { reader, name, pattern, table: Some(table), at: 0..0, asked: RefCell::default() }
    }

    /// A table below this one, written `[name]` or inline.
    pub(super) fn section(&self, name: &'static str) -> Self {
        let table = self.value(name).and_then(|(value, at)| match value {
            DeValue::Table(table) => Some(table),
            other => self.wrong(name, "a table", other, at),
        });
        let at = self.value(name).map_or(0..0, |(_, at)| at);
        let (name, pattern) = (self.full(name), dotted(&self.pattern, name));
        Self { reader: self.reader, name, pattern, table, at, asked: RefCell::default() }
    }

    /// The tables below a table whose names are free to choose; `None` if it is not there.
    pub(super) fn sections(&self, name: &'static str) -> Option<Vec<(&'r str, Self)>> {
        let parent = self.section(name);
        parent.table?;
        let section = |(key, _, value, at): (&'r str, Range<usize>, &'r DeValue<'a>, Range<usize>)| {
            let DeValue::Table(table) = value else {
                self.reader.error(at, format!("{} must be a table, not {}", parent.full(key), article(value)));
                return None;
            };
            let (name, pattern) = (parent.full(key), dotted(&parent.pattern, "*"));
            Some((key, Self { reader: self.reader, name, pattern, table: Some(table), at, asked: RefCell::default() }))
        };
        Some(parent.free().filter_map(section).collect())
    }

    /// Complains about every key that was not asked for.
    pub(super) fn close(self) {
        let asked = self.asked.borrow();
        for (key, _) in self.table.into_iter().flatten() {
            let name: &str = key.get_ref();
            if asked.contains(&name) {
                continue;
            }
            let what = if self.name.is_empty() { "section" } else { "key" };
            let place = if self.name.is_empty() { String::new() } else { format!(" in [{}]", self.name) };
            let mut known = asked.clone();
            known.sort_unstable();
            let help = match nearest(name, known.iter().copied()) {
                Some(meant) => format!("did you mean {meant:?}?"),
                None => format!("known here: {}", known.join(", ")),
            };
            self.reader.error_with_help(key.span(), format!("unknown {what} {name:?}{place}"), help);
        }
    }

    /// Where the section stands.
    pub(super) fn at(&self) -> Range<usize> {
        self.at.clone()
    }

    /// Keys of the table that are free to choose: none of them is unknown.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'r str, Range<usize>, &'r DeValue<'a>, Range<usize>)> {
        self.reader.ask(self.pattern.clone(), Kind::Table);
        self.free()
    }

    fn free(&self) -> impl Iterator<Item = (&'r str, Range<usize>, &'r DeValue<'a>, Range<usize>)> {
        self.table.into_iter().flatten().map(|(key, value)| {
            let name: &'r str = key.get_ref();
            (name, key.span(), value.get_ref(), value.span())
        })
    }

    pub(super) fn string(&self, key: &'static str) -> Option<Placed<String>> {
        self.ask(key, Kind::Text);
        let (value, at) = self.value(key)?;
        match value {
            DeValue::String(text) => self.reader.substitute(text, &at).map(|text| (text, at)),
            other => self.wrong(key, "a string", other, at),
        }
    }

    /// A list of strings; a single string is a list of one.
    pub(super) fn strings(&self, key: &'static str) -> Option<Vec<Placed<String>>> {
        self.ask(key, Kind::Texts);
        let (value, at) = self.value(key)?;
        match value {
            DeValue::String(text) => self.reader.substitute(text, &at).map(|text| vec![(text, at)]),
            DeValue::Array(items) => Some(
                items
                    .iter()
                    .filter_map(|item| match item.get_ref() {
                        DeValue::String(text) => {
                            self.reader.substitute(text, &item.span()).map(|text| (text, item.span()))
                        }
                        other => self.wrong(key, "a list of strings", other, item.span()),
                    })
                    .collect(),
            ),
            other => self.wrong(key, "a list of strings", other, at),
        }
    }

    pub(super) fn boolean(&self, key: &'static str) -> Option<bool> {
        self.ask(key, Kind::Boolean);
        let (value, at) = self.value(key)?;
        match value {
            DeValue::Boolean(value) => Some(*value),
            other => self.wrong(key, "true or false", other, at),
        }
    }

    /// A whole number within `range`.
    pub(super) fn number(&self, key: &'static str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        self.ask(key, Kind::Number(range.clone()));
        let (value, at) = self.value(key)?;
        let Some(number) = integer(value) else { return self.wrong(key, "a whole number", value, at) };
        if let Some(number) = u64::try_from(number).ok().filter(|number| range.contains(number)) {
            return Some(number);
        }
        self.reader.error(at, format!("{} must be {} to {}, not {number}", self.full(key), range.start(), range.end()));
        None
    }

    /// A size in bytes within `range`: a string with a unit, or a plain number.
    pub(super) fn size(&self, key: &'static str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        self.ask(key, Kind::Size(range.clone()));
        let (value, at) = self.value(key)?;
        let bytes = match (value, integer(value)) {
            (_, Some(bytes)) => match u64::try_from(bytes) {
                Ok(bytes) => bytes,
                Err(_) => {
                    self.reader.error(at, format!("{} must not be negative", self.full(key)));
                    return None;
                }
            },
            (DeValue::String(_), None) => match size(&self.string(key)?.0) {
                Ok(bytes) => bytes,
                Err(message) => {
                    self.reader.error(at, message);
                    return None;
                }
            },
            (other, None) => return self.wrong(key, "a size such as \"64KiB\"", other, at),
        };
        if range.contains(&bytes) {
            return Some(bytes);
        }
        let (least, most) = (show_size(*range.start()), show_size(*range.end()));
        self.reader.error(at, format!("{} must be {least} to {most}, not {}", self.full(key), show_size(bytes)));
        None
    }

    /// A duration within `range`.
    pub(super) fn duration(&self, key: &'static str, range: std::ops::RangeInclusive<Duration>) -> Option<Duration> {
        self.ask(key, Kind::Duration(range.clone()));
        let (value, at) = self.value(key)?;
        let DeValue::String(_) = value else { return self.wrong(key, "a duration such as \"5s\"", value, at) };
        match duration(&self.string(key)?.0) {
            Ok(value) if range.contains(&value) => Some(value),
            Ok(value) => {
                let (least, most) = (show_duration(*range.start()), show_duration(*range.end()));
                let value = show_duration(value);
                self.reader.error(at, format!("{} must be {least} to {most}, not {value}", self.full(key)));
                None
            }
            Err(message) => {
                self.reader.error(at, message);
                None
            }
        }
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        self.ask(key, Kind::words(words));
        let (text, at) = self.string(key)?;
        self.reader.word(&self.full(key), &text, at, words)
    }

    fn value(&self, key: &'static str) -> Option<Placed<&'r DeValue<'a>>> {
        if !self.asked.borrow().contains(&key) {
            self.asked.borrow_mut().push(key);
        }
        let (_, value) = self.table?.iter().find(|(name, _)| name.get_ref() == key)?;
        Some((value.get_ref(), value.span()))
    }

    fn ask(&self, key: &str, kind: Kind) {
        self.reader.ask(dotted(&self.pattern, key), kind);
    }

    fn wrong<T>(&self, key: &str, wanted: &str, found: &DeValue<'_>, at: Range<usize>) -> Option<T> {
        self.reader.error(at, format!("{} must be {wanted}, not {}", self.full(key), article(found)));
        None
    }

    fn full(&self, key: &str) -> String {
        dotted(&self.name, key)
    }
}

fn dotted(before: &str, key: &str) -> String {
    if before.is_empty() { key.to_owned() } else { format!("{before}.{key}") }
}

impl Reader<'_> {
    /// The meaning of a word that must be one of a few.
    pub(super) fn word<T: Copy>(&self, what: &str, text: &str, at: Range<usize>, words: &[(&str, T)]) -> Option<T> {
        // A list of words is asked for as a list of strings, and each by itself.
        if let Some(known) = self.asked.borrow_mut().iter_mut().find(|known| known.key == what) {
            known.kind.narrow(Kind::words(words));
        }
        if let Some(&(_, value)) = words.iter().find(|&&(word, _)| word == text) {
            return Some(value);
        }
        let list = words.iter().map(|(word, _)| format!("{word:?}")).collect::<Vec<_>>().join(", ");
        self.error(at, format!("{what} must be one of {list}, not {text:?}"));
        None
    }
}

/// Where the first bracket or brace stands that nothing closes; strings and comments do not count.
fn unclosed(text: &str) -> Option<usize> {
    let (mut open, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let quoted = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| rest.starts_with(quote));
        let length = match (first, quoted) {
            (_, Some(quote)) => string_length(rest, quote),
            ('#', None) => rest.find('\n').unwrap_or(rest.len()),
            ('[' | '{', None) => {
                open.push(text.len() - rest.len());
                1
            }
            (']' | '}', None) => {
                open.pop();
                1
            }
            (other, None) => other.len_utf8(),
        };
        rest = &rest[length..];
    }
    open.first().copied()
}

/// The length of the string that begins a text, with its quotes; one without an end goes to its line's.
fn string_length(text: &str, quote: &str) -> usize {
    let is_literal = quote.starts_with('\'');
    let mut at = quote.len();
    while let Some(c) = text[at..].chars().next() {
        if text[at..].starts_with(quote) {
            return at + quote.len();
        }
        if c == '\n' && quote.len() == 1 {
            return at;
        }
        let escaped = if c == '\\' && !is_literal { text[at + 1..].chars().next() } else { None };
        at += c.len_utf8() + escaped.map_or(0, char::len_utf8);
    }
    text.len()
}

/// The value of a TOML integer in any radix.
pub(super) fn integer(value: &DeValue<'_>) -> Option<i128> {
    let DeValue::Integer(integer) = value else { return None };
    i128::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok()
}

fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

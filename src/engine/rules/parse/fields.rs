//! Typed access to a TOML table, with a complaint at the very value where the type or the range is
//! not what it has to be.

use std::{cell::Cell, collections::BTreeMap, sync::Arc};

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use crate::{
    base::{Date, Problem},
    engine::rules::Phrase,
};

/// A file that is being read, and what is wrong with it so far.
pub(super) struct File<'a> {
    path: Arc<str>,
    text: &'a str,
    line_starts: Vec<usize>,
    /// The last place asked for: offset and column. Values come in order, also many on one line.
    last: Cell<(usize, u32)>,
    problems: Vec<Problem>,
}

impl<'a> File<'a> {
    pub(super) fn new(path: &str, text: &'a str) -> Self {
        let text = text.trim_start_matches('\u{feff}');
        let line_starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        let line_starts = line_starts.collect();
        Self { path: path.into(), text, line_starts, last: Cell::new((0, 1)), problems: Vec::new() }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn path(&self) -> Arc<str> {
        Arc::clone(&self.path)
    }

    /// The problems, from top to bottom.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        self.problems
    }

    /// The 1-based line and column of a byte offset.
    pub(super) fn place(&self, offset: usize) -> (u32, u32) {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.line_starts.partition_point(|&start| start <= offset);
        let line_start = line.checked_sub(1).and_then(|index| self.line_starts.get(index)).copied().unwrap_or(0);
        let (last, column) = self.last.get();
        let (from, column) = if (line_start..=offset).contains(&last) { (last, column) } else { (line_start, 1) };
        let passed = self.text.get(from..offset).unwrap_or_default().chars().count();
        let column = column.saturating_add(u32::try_from(passed).unwrap_or(u32::MAX));
        self.last.set((offset, column));
        (u32::try_from(line).unwrap_or(u32::MAX), column)
    }

    /// The place as a person writes it.
    pub(super) fn cite(&self, offset: usize) -> String {
        let (line, column) = self.place(offset);
        format!("{}:{line}:{column}", self.path)
    }

    pub(super) fn error(&mut self, offset: usize, message: impl Into<String>, help: impl Into<String>) {
        let (line, column) = self.place(offset);
        self.problems.push(Problem::error(&self.path, line, column, message).help(help));
    }

    pub(super) fn problem_count(&self) -> usize {
        self.problems.len()
    }

    pub(super) fn phrase(&self, offset: usize, text: &str) -> Phrase {
        let (line, column) = self.place(offset);
        Phrase { text: text.into(), path: self.path(), line, column }
    }
}

/// One table: `what` names it for people, `at` is the place to complain at about what is missing.
pub(super) struct Fields<'t, 'i> {
    what: &'static str,
    at: usize,
    table: &'t DeTable<'i>,
}

impl<'t, 'i> Fields<'t, 'i> {
    pub(super) fn new(what: &'static str, at: usize, table: &'t DeTable<'i>) -> Self {
        Self { what, at, table }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Where a key's value begins; the table's place if there is none.
    pub(super) fn place_of(&self, key: &str) -> usize {
        self.table.get(key).map_or(self.at, |value| value.span().start)
    }

    pub(super) fn require(&self, file: &mut File<'_>, key: &str) {
        if !self.has(key) {
            file.error(self.at, format!("{} has no `{key}`", self.what), format!("add `{key} = …`"));
        }
    }

    pub(super) fn reject_unknown(&self, file: &mut File<'_>, known: &[&str]) {
        for key in self.table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref();
            let help = match nearest(name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", known.join(", ")),
            };
            file.error(key.span().start, format!("{} has no key `{name}`", self.what), help);
        }
    }

    pub(super) fn table(&self, file: &mut File<'_>, key: &str) -> Option<Fields<'t, 'i>> {
        let value = self.table.get(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Fields::new("[pack]", value.span().start, table)),
            other => {
                wrong_type(file, value, key, "a table", other, "write it as [pack] on a line of its own");
                None
            }
        }
    }

    pub(super) fn tables(&self, file: &mut File<'_>, key: &str) -> Vec<Fields<'t, 'i>> {
        let Some(value) = self.table.get(key) else { return Vec::new() };
        let help = "begin each rule with [[rule]] on a line of its own";
        let DeValue::Array(items) = value.get_ref() else {
            wrong_type(file, value, key, "an array of tables", value.get_ref(), help);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::Table(table) => tables.push(Fields::new("[[rule]]", item.span().start, table)),
                other => wrong_type(file, item, key, "an array of tables", other, help),
            }
        }
        tables
    }

    pub(super) fn text(&self, file: &mut File<'_>, key: &str) -> Option<String> {
        let value = self.table.get(key)?;
        let DeValue::String(text) = value.get_ref() else {
            wrong_type(file, value, key, "a string", value.get_ref(), "put it in quotation marks");
            return None;
        };
        if text.trim().is_empty() {
            file.error(value.span().start, format!("`{key}` is empty"), "say something, or leave the key out");
            return None;
        }
        Some(text.to_string())
    }

    /// An id of its own kind, and the place of it.
    pub(super) fn id(
        &self,
        file: &mut File<'_>,
        key: &str,
        known: &mut BTreeMap<Arc<str>, String>,
        kind: &str,
    ) -> Option<(Arc<str>, usize)> {
        let at = self.place_of(key);
        let id: Arc<str> = self.text(file, key)?.into();
        if !id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-')) {
            let help = "use only a to z, 0 to 9, `.` and `-`";
            file.error(at, format!("{id:?} cannot be an id"), help);
            return None;
        }
        if let Some(first) = known.get(&id) {
            let message = format!("two {kind} have the id `{id}`; the other one is at {first}");
            file.error(at, message, "rename or remove one of them");
            return None;
        }
        known.insert(Arc::clone(&id), file.cite(at));
        Some((id, at))
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, file: &mut File<'_>, key: &str, words: &[(&str, T)]) -> Option<T> {
        one_of(file, self.table.get(key)?, key, words)
    }

    /// An array of some of a few words; `None` if there is none or it is wrong.
    pub(super) fn words<T: Copy>(&self, file: &mut File<'_>, key: &str, words: &[(&str, T)]) -> Option<Vec<T>> {
        let items = self.items(file, key)?;
        if items.is_empty() {
            file.error(self.place_of(key), format!("`{key}` is empty"), "name at least one, or leave the key out");
            return None;
        }
        let found: Vec<_> = items.iter().map(|item| one_of(file, item, key, words)).collect();
        found.into_iter().collect()
    }

    /// An array of strings, none of them empty.
    pub(super) fn phrases(&self, file: &mut File<'_>, key: &str) -> Vec<Phrase> {
        let mut phrases = Vec::new();
        for item in self.items(file, key).unwrap_or_default() {
            match item.get_ref() {
                DeValue::String(text) if text.trim().is_empty() => {
                    file.error(item.span().start, format!("an empty phrase in `{key}`"), "remove it");
                }
                DeValue::String(text) => phrases.push(file.phrase(item.span().start, text)),
                other => wrong_type(file, item, key, "an array of strings", other, "put it in quotation marks"),
            }
        }
        phrases
    }

    /// An integer within bounds.
    pub(super) fn integer<T: TryFrom<i64>>(&self, file: &mut File<'_>, key: &str, min: i64, max: i64) -> Option<T> {
        let value = self.table.get(key)?;
        let DeValue::Integer(digits) = value.get_ref() else {
            let help = format!("write a number from {min} to {max} without quotation marks");
            wrong_type(file, value, key, "an integer", value.get_ref(), &help);
            return None;
        };
        let number = i64::from_str_radix(digits.as_str(), digits.radix()).ok();
        let number = number.filter(|number| (min..=max).contains(number)).and_then(|number| T::try_from(number).ok());
        if number.is_none() {
            file.error(value.span().start, format!("`{key}` is out of range"), format!("it goes from {min} to {max}"));
        }
        number
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, file: &mut File<'_>, key: &str) -> Option<bool> {
        let value = self.table.get(key)?;
        let DeValue::Boolean(flag) = value.get_ref() else {
            let help = "write true or false without quotation marks";
            wrong_type(file, value, key, "true or false", value.get_ref(), help);
            return None;
        };
        Some(*flag)
    }

    /// A day, as a TOML date or as a string.
    pub(super) fn date(&self, file: &mut File<'_>, key: &str) -> Option<Date> {
        let value = self.table.get(key)?;
        let help = "write a day as YYYY-MM-DD";
        let text = match value.get_ref() {
            DeValue::Datetime(moment) => moment.to_string(),
            DeValue::String(text) => text.to_string(),
            other => {
                wrong_type(file, value, key, "a date", other, help);
                return None;
            }
        };
        match text.parse() {
            Ok(date) => Some(date),
            Err(_) => {
                file.error(value.span().start, format!("`{key}`: {text:?} is not a day"), help);
                None
            }
        }
    }

    fn items(&self, file: &mut File<'_>, key: &str) -> Option<&'t [Spanned<DeValue<'i>>]> {
        let value = self.table.get(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            wrong_type(file, value, key, "an array of strings", value.get_ref(), "put it in [brackets]");
            return None;
        };
        Some(items)
    }
}

fn one_of<T: Copy>(file: &mut File<'_>, value: &Spanned<DeValue<'_>>, key: &str, words: &[(&str, T)]) -> Option<T> {
    let known: Vec<_> = words.iter().map(|&(word, _)| word).collect();
    let DeValue::String(text) = value.get_ref() else {
        let help = format!("one of: {}", known.join(", "));
        wrong_type(file, value, key, "a string", value.get_ref(), &help);
        return None;
    };
    let found = words.iter().find(|&&(word, _)| word == text.as_ref());
    if found.is_none() {
        let help = match nearest(text, &known) {
            Some(near) => format!("did you mean \"{near}\"? One of: {}", known.join(", ")),
            None => format!("one of: {}", known.join(", ")),
        };
        file.error(value.span().start, format!("`{key}` does not know {text:?}"), help);
    }
    found.map(|&(_, meaning)| meaning)
}

fn wrong_type(
    file: &mut File<'_>,
    value: &Spanned<DeValue<'_>>,
    key: &str,
    wanted: &str,
    found: &DeValue<'_>,
    help: &str,
) {
    let message = format!("`{key}` has to be {wanted}; this is of the type {}", found.type_str());
    file.error(value.span().start, message, help);
}

/// The known word that a slip of the finger or two away is the given one.
fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let slips_max = (word.chars().count() / 2).clamp(1, 2);
    let near = known.iter().map(|&candidate| (edit_distance(word, candidate), candidate)).min()?;
    (near.0 <= slips_max).then_some(near.1)
}

/// Levenshtein's distance, where a long word counts as far from everything.
fn edit_distance(a: &str, b: &str) -> usize {
    if a.len() > 64 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut behind = i + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(&b) {
            let substituted = diagonal + usize::from(left != *right);
            diagonal = *cell;
            *cell = substituted.min(diagonal + 1).min(behind + 1);
            behind = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

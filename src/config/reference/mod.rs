//! The reference of zhamen.toml: every key with its type, range, default, effect, and whether a change
//! of it takes effect without a restart.
//!
//! Nothing of it is written twice. Types and ranges are noted where the keys are read
//! ([`super::raw`]), defaults and effects stand in `reference.toml`, what needs a restart is what
//! [`Config::keys_needing_restart`] compares.

mod manual;
mod schema;

use std::{ops::RangeInclusive, path::Path, time::Duration};

use super::{
    Config, build,
    quantity::{show_duration, show_size},
};

const TEXT: &str = include_str!("../reference.toml");

/// A key as it was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    /// Dotted, with `*` for names that are free to choose.
    pub(super) key: String,
    pub(super) kind: Kind,
}

/// What a key takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A string such as `"5s"`.
    Duration(RangeInclusive<Duration>),
    /// A whole number.
    Number(RangeInclusive<u64>),
    /// A string such as `"64KiB"`, or a number of bytes.
    Size(RangeInclusive<u64>),
    /// A table whose keys are free to choose.
    Table,
    /// A string.
    Text,
    /// A list of strings.
    Texts,
    /// One of a few words.
    Word(Vec<String>),
    /// A list of these.
    Words(Vec<String>),
}

/// A key of zhamen.toml.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Dotted, with `*` for names that are free to choose.
    pub name: String,
    /// As TOML.
    pub default: String,
    /// What it does, in a phrase.
    pub effect: String,
    /// Whether a change takes effect without a restart.
    pub reloadable: bool,
    kind: Kind,
}

/// Every key, in the order of `reference.toml`.
#[derive(Clone, Debug)]
pub struct Reference {
    keys: Vec<Key>,
    /// What `reference.toml` says of a section as a whole.
    sections: Vec<(String, String)>,
}

impl Reference {
    /// The reference of this version.
    pub fn new() -> Self {
        let lines = lines(TEXT);
        let document: toml::Table = TEXT.parse().unwrap_or_default();
        let restart = needing_restart();
        let key = |asked: Asked| {
            let (name, default) = default_of(&document, &asked.key)?;
            // A key within an inline table is told of at the table's line.
            // A table of free keys may be a section; any other key stands on a line, perhaps within a table.
            let at_line =
                |line: &Line| name == line.name || (!line.is_section && name.starts_with(&format!("{}.", line.name)));
            let place = lines.iter().position(at_line)?;
            let reloadable = !restart.iter().any(|key| asked.key == *key || asked.key.starts_with(&format!("{key}.")));
            let effect = lines[place].comment.clone();
            Some((place, Key { name: asked.key, default, effect, reloadable, kind: asked.kind }))
        };
        let mut keys: Vec<(usize, Key)> = build::asked(TEXT).into_iter().filter_map(key).collect();
        keys.sort_by_key(|(place, _)| *place);
        let sections = lines.into_iter().filter(|line| line.is_section).map(|line| (line.name, line.comment)).collect();
        Self { keys: keys.into_iter().map(|(_, key)| key).collect(), sections }
    }

    /// Every key.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }
}

impl Default for Reference {
    fn default() -> Self {
        Self::new()
    }
}

impl Key {
    /// What it takes, for a person: the type with its range.
    pub fn takes(&self) -> String {
        let list = |words: &[String]| words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        match &self.kind {
            Kind::Boolean => "true or false".to_owned(),
            Kind::Duration(range) => {
                format!("time, {} to {}", show_duration(*range.start()), show_duration(*range.end()))
            }
            Kind::Number(range) => format!("number, {} to {}", range.start(), range.end()),
            Kind::Size(range) => format!("size, {} to {}", show_size(*range.start()), show_size(*range.end())),
            Kind::Table => "table".to_owned(),
            Kind::Text => "string".to_owned(),
            Kind::Texts => "list of strings".to_owned(),
            Kind::Word(words) => format!("one of {}", list(words)),
            Kind::Words(words) => format!("list of {}", list(words)),
        }
    }
}

impl Kind {
    pub(super) fn words<T>(words: &[(&str, T)]) -> Self {
        Self::Word(words.iter().map(|(word, _)| (*word).to_owned()).collect())
    }

    /// Takes up what another asker knows more of the same key.
    pub(super) fn narrow(&mut self, other: Self) {
        match (&*self, other) {
            (Self::Text, Self::Word(words)) => *self = Self::Word(words),
            (Self::Texts, Self::Word(words)) => *self = Self::Words(words),
            _ => {}
        }
    }
}

/// A section or key of `reference.toml` with what is said behind it.
struct Line {
    name: String,
    comment: String,
    is_section: bool,
}

fn lines(text: &str) -> Vec<Line> {
    let (mut section, mut lines) = (String::new(), Vec::new());
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (code, comment) = line.split_once(" # ").unwrap_or((line, ""));
        let comment = comment.trim().to_owned();
        if let Some(name) = code.trim().strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            section = name.to_owned();
            lines.push(Line { name: section.clone(), comment, is_section: true });
        } else if let Some((key, _)) = code.split_once('=') {
            lines.push(Line { name: format!("{section}.{}", key.trim()), comment, is_section: false });
        }
    }
    lines
}

/// The name of a key in the reference's document, where free names are chosen, and its value there.
fn default_of(document: &toml::Table, key: &str) -> Option<(String, String)> {
    let mut names = Vec::new();
    let mut table = Some(document);
    let mut found: Option<&toml::Value> = None;
    for part in key.split('.') {
        let (name, value) = match part {
            "*" => table?.iter().next()?,
            part => table?.get_key_value(part)?,
        };
        names.push(name.as_str());
        (table, found) = (value.as_table(), Some(value));
    }
    let value = match found? {
        toml::Value::Table(table) => {
            let entries: Vec<String> = table.iter().map(|(key, value)| format!("{key} = {value}")).collect();
            if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
        }
        value => value.to_string(),
    };
    Some((names.join("."), value))
}

/// The keys and sections that wait for a restart.
fn needing_restart() -> Vec<&'static str> {
    let parsed = Config::parse(Path::new("zhamen.toml"), TEXT, &|_| None);
    let Some(config) = parsed.config else { return Vec::new() };
    config.after_restart(&config).into_iter().map(|(key, _)| key).collect()
}

#[cfg(test)]
mod tests;

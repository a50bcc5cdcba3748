//! Plain word lists: one phrase a line.
//!
//! White space around a phrase does not count, nor does a byte order mark; a `#` at the beginning of
//! a line or behind white space begins a comment.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use crate::engine::rules::Phrase;

use super::Lists;

/// Reads each list once, however many rules name it.
pub(super) struct ListCache<'l> {
    lists: &'l dyn Lists,
    read: BTreeMap<String, Result<Vec<Phrase>, String>>,
}

impl<'l> ListCache<'l> {
    pub(super) fn new(lists: &'l dyn Lists) -> Self {
        Self { lists, read: BTreeMap::new() }
    }

    /// The phrases of a list that a pack names.
    pub(super) fn phrases(&mut self, pack_path: &str, name: &str) -> Result<Vec<Phrase>, String> {
        let path = match pack_path.rfind('/') {
            Some(at) => format!("{}{name}", &pack_path[..=at]),
            None => name.to_owned(),
        };
        match self.read.entry(path) {
            Entry::Occupied(entry) => entry.get().clone(),
            Entry::Vacant(entry) => {
                let phrases = self.lists.read(name).map(|text| phrases(entry.key(), &text));
                entry.insert(phrases).clone()
            }
        }
    }
}

/// Whether a name stays below the directory of the rules: a relative path with no way up.
pub(super) fn is_contained(name: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part != ".." && part != "." && !part.contains(['\\', ':', '\0']);
    name.split('/').all(plain)
}

fn phrases(path: &str, text: &str) -> Vec<Phrase> {
    let path: Arc<str> = path.into();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut phrases = Vec::new();
    for (line, whole) in (1u32..).zip(text.lines()) {
        let phrase = without_comment(whole).trim();
        if phrase.is_empty() {
            continue;
        }
        let indent = whole.chars().take_while(|character| character.is_whitespace()).count();
        let column = u32::try_from(indent).unwrap_or(u32::MAX).saturating_add(1);
        phrases.push(Phrase { text: phrase.into(), path: Arc::clone(&path), line, column });
    }
    phrases
}

fn without_comment(line: &str) -> &str {
    let begins = |&(at, _): &(usize, &str)| line[..at].chars().next_back().is_none_or(char::is_whitespace);
    let comment = line.match_indices('#').find(begins);
    comment.map_or(line, |(at, _)| &line[..at])
}

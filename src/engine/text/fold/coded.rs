//! A folding whose ideographs carry the dense codes of one rule set, made for speed: a character of
//! the basic plane costs one load from a flat table of 16-bit entries.

use std::sync::Arc;

use super::{
    Folded, Folding,
    syllables::Syllables,
    table::{Entry, IDEOGRAPHS_END, Table},
};

/// A [`Folding`] whose ideographs carry the codes of one rule set; see [`Folding::with_codes`].
#[derive(Debug)]
pub struct CodedFolding {
    /// By code unit: a code below [`ENTRY_LETTERS`], or one of the entries from there on.
    basic: Box<[u16]>,
    /// For what stands behind an escape, and beyond the basic plane.
    table: Arc<Table>,
    several: Vec<Box<[Coded]>>,
    /// The ideographs that phrases have, in order.
    codes: Vec<(char, u32)>,
    syllables: Option<Arc<Syllables>>,
}

/// What one character is to a rule set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coded {
    /// As [`Folded::Free`].
    Free,
    /// As [`Folded::Space`].
    Space,
    /// As [`Folded::Noise`].
    Noise,
    /// As [`Folded::Letter`].
    Letter(char),
    /// An ideograph's code; 0 is "in no phrase".
    Ideograph(u32),
    /// Several, by index into [`CodedFolding::several`].
    Several(u32),
}

/// A part of a word that is more than a word to a [`Reading`](super::Reading).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordPart {
    /// The ideograph's code; 0 is "in no phrase".
    pub code: u32,
    /// Letters of the folded word that it was written with.
    pub letters: usize,
}

/// Entries below this are an ideograph's code (0 is "in no phrase"); from here on come the ASCII
/// letters and digits, then the kinds.
const ENTRY_LETTERS: u16 = 0xFF00;
const ENTRY_FREE: u16 = 0xFF80;
const ENTRY_SPACE: u16 = 0xFF81;
const ENTRY_NOISE: u16 = 0xFF82;
/// What is not a single one of these: look into the table.
const ENTRY_RARE: u16 = 0xFFFF;

impl Folding {
    /// The same table with each ideograph replaced by its code; 0 for one that no phrase has.
    pub fn with_codes(&self, code: impl Fn(char) -> u32) -> CodedFolding {
        let one = |part: Folded| match part {
            Folded::Free => Coded::Free,
            Folded::Space => Coded::Space,
            Folded::Noise => Coded::Noise,
            Folded::Letter(c) => Coded::Letter(c),
            Folded::Ideograph(c) => Coded::Ideograph(code(c)),
        };
        let entry = |c: char| match self.table.find(c) {
            Entry::One(part) => entry_of(one(part)),
            Entry::Several(..) => ENTRY_RARE,
        };
        let every = (0..IDEOGRAPHS_END).filter_map(char::from_u32);
        CodedFolding {
            basic: (0..0x1_0000).map(|unit| char::from_u32(unit).map_or(ENTRY_NOISE, entry)).collect(),
            table: Arc::clone(&self.table),
            several: self.table.several().iter().map(|parts| parts.iter().map(|&part| one(part)).collect()).collect(),
            codes: every.map(|c| (c, code(c))).filter(|&(_, code)| code != 0).collect(),
            syllables: self.syllables.clone(),
        }
    }
}

fn entry_of(coded: Coded) -> u16 {
    match coded {
        Coded::Free => ENTRY_FREE,
        Coded::Space => ENTRY_SPACE,
        Coded::Noise => ENTRY_NOISE,
        Coded::Letter(letter) if letter.is_ascii() => ENTRY_LETTERS + letter as u16,
        Coded::Ideograph(code) if code < u32::from(ENTRY_LETTERS) => code as u16,
        Coded::Letter(_) | Coded::Ideograph(_) | Coded::Several(_) => ENTRY_RARE,
    }
}

impl CodedFolding {
    /// What a character is to the rule set.
    #[inline]
    pub fn fold(&self, c: char) -> Coded {
        match self.basic.get(c as usize) {
            Some(&code) if code < ENTRY_LETTERS => Coded::Ideograph(u32::from(code)),
            Some(&entry) if entry < ENTRY_FREE => Coded::Letter(char::from((entry - ENTRY_LETTERS) as u8)),
            Some(&ENTRY_FREE) => Coded::Free,
            Some(&ENTRY_SPACE) => Coded::Space,
            Some(&ENTRY_NOISE) => Coded::Noise,
            Some(_) | None => self.rare(c),
        }
    }

    #[cold]
    fn rare(&self, c: char) -> Coded {
        match self.table.find(c) {
            Entry::One(Folded::Free) => Coded::Free,
            Entry::One(Folded::Space) => Coded::Space,
            Entry::One(Folded::Noise) => Coded::Noise,
            Entry::One(Folded::Letter(letter)) => Coded::Letter(letter),
            Entry::One(Folded::Ideograph(ideograph)) => Coded::Ideograph(self.code(ideograph)),
            Entry::Several(index, _) => Coded::Several(index),
        }
    }

    fn code(&self, ideograph: char) -> u32 {
        self.codes.binary_search_by_key(&ideograph, |&(of, _)| of).map_or(0, |at| self.codes[at].1)
    }

    /// The parts of a [`Coded::Several`].
    pub fn several(&self, index: u32) -> &[Coded] {
        self.several.get(index as usize).map_or(&[], |parts| parts)
    }

    /// As [`Folding::word`]: whether a whole folded word is more than a word. Its parts are put into
    /// `parts`, which is emptied first; together they have all its letters.
    #[inline]
    pub fn word(&self, word: &str, parts: &mut Vec<WordPart>) -> bool {
        parts.clear();
        let Some(syllables) = self.syllables.as_ref().filter(|_| Syllables::concern(word)) else { return false };
        syllables.split(word, |c, letters| parts.push(WordPart { code: self.code(c), letters }))
    }
}

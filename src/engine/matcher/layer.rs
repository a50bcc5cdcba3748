//! The phrases as one reading of the text has them, compiled.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::{
    anchors::{Anchor, Anchored, Anchors},
    ascii::{Beginnings, SPELLED_MIN},
    plane::{NOISE, Plane, SPECIAL},
    prefixes::Prefixes,
};
use crate::engine::text::fold::{Coded, CodedFolding, Folding, Reading, Token, WordPart};

type Map<K, V> = HashMap<K, V, FixedState>;

/// Codes from here on are of words; several words may share one.
pub(super) const WORD: u16 = 0x8000;
/// An ideograph that got no code of its own is found as a word of one character.
const IDEOGRAPHS_MAX: usize = WORD as usize - 1;
/// [`Coded::Ideograph`] from here on: a word's number.
pub(super) const RARE: u32 = 1 << 16;

/// An equal character may stand so many times more in the text than in the phrase, inside of it.
pub(super) const REPEATS_MAX: usize = 7;

/// Bytes of the longest word that is tried as pinyin.
const SPLIT_BYTES_MAX: usize = 48;

/// No pattern.
pub(super) const NONE: u32 = u32::MAX;

/// One reading of all phrases that want it.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) folding: CodedFolding,
    plane: Plane,
    words: Words,
    /// Words may be more than words, and any that begins may.
    splits_words: bool,
    plain_ascii: bool,
    /// All phrases' runs, one behind the other.
    runs: Vec<Run>,
    /// Phrase p has `runs[starts[p]..starts[p + 1]]`.
    starts: Vec<u32>,
    /// What each phrase is reported as, and the noise it allows.
    pub(super) patterns: Vec<Pattern>,
    pub(super) anchors: Anchors,
    /// Phrases of one single ideograph, by code.
    singles: Map<u16, u32>,
    pub(super) prefixes: Prefixes,
    /// Runs of the longest phrase.
    pub(super) runs_max: usize,
    /// Tokens of the longest row of one ideograph that a run of a phrase can match.
    pub(super) row_max: usize,
    /// Tokens of the longest text that a phrase can match.
    pub(super) tokens_max: usize,
    /// Tokens of the longest text behind an anchor.
    pub(super) behind_anchor_max: usize,
    /// The widest noise that any phrase allows.
    pub(super) gap_max: u8,
}

/// A symbol of a phrase, and how often in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// A code, or [`RARE`] and a word's number.
    pub(super) symbol: u32,
    pub(super) code: u16,
    pub(super) count: u16,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Pattern {
    pub(super) number: u32,
    pub(super) gap: u8,
}

/// The words of the phrases.
#[derive(Debug)]
struct Words {
    numbers: Map<Box<str>, u32>,
    /// Phrases of one single word, by the word's number.
    singles: Vec<u32>,
    /// With one letter for each row of equal ones, in order, for the question whether one begins so.
    bare: Vec<Box<str>>,
    /// Symbols of words of one ASCII character; [`NONE`] if no phrase has it.
    short: [u32; 128],
    /// Which of them, in either case, stand in a phrase in a shorter row of such words than [`SPELLED_MIN`].
    lone: [bool; 128],
    bytes_max: usize,
    /// Letters of the longest row of equal ones that makes a difference.
    row_max: usize,
    /// By first byte, in either case: a bit for each length, the last one for all that are longer.
    lengths: [u32; 128],
    any: bool,
    beginnings: Beginnings,
    filter: Vec<u64>,
    filter_shift: u32,
}

/// A phrase that is still to be compiled: its tokens, its pattern's number and noise.
pub(super) type Phrase = (Vec<Token>, Pattern);

impl Layer {
    /// Compiles phrases.
    pub(super) fn new(reading: Reading, folding: &Folding, phrases: &[Phrase]) -> Self {
        let symbols = Symbols::new(phrases);
        let coded = folding.with_codes(|c| symbols.ideograph(c));
        let words = Words::new(&symbols, reading, &lone_letters(phrases));
        let mut layer = Self {
            plane: Plane::empty(),
            folding: coded,
            splits_words: reading == Reading::Sounds,
            words,
            plain_ascii: false,
            runs: Vec::new(),
            starts: vec![0],
            patterns: Vec::with_capacity(phrases.len()),
            anchors: Anchors::new(Vec::new()),
            singles: Map::default(),
            prefixes: Prefixes::of(phrases.len()),
            runs_max: 0,
            row_max: 0,
            tokens_max: 0,
            behind_anchor_max: 0,
            gap_max: 1,
        };
        for (tokens, pattern) in phrases {
            layer.push_runs(tokens, &symbols);
            let runs = &layer.runs[layer.starts[layer.starts.len() - 1] as usize..];
            layer.runs_max = layer.runs_max.max(runs.len());
            let row = runs.iter().map(|run| usize::from(run.count) + REPEATS_MAX).max();
            layer.row_max = layer.row_max.max(row.unwrap_or(0));
            layer.prefixes.add(runs);
            layer.starts.push(layer.runs.len() as u32);
            layer.patterns.push(*pattern);
            layer.gap_max = layer.gap_max.max(pattern.gap);
        }
        layer.index();
        layer.plain_ascii = !layer.splits_words && (0..0x80).all(|byte| is_plain(byte, layer.fold(char::from(byte))));
        layer.plane = Plane::new(|c| layer.on_plane(c));
        layer
    }

    fn push_runs(&mut self, tokens: &[Token], symbols: &Symbols) {
        let first = self.runs.len();
        for token in tokens {
            let symbol = symbols.of(token);
            let code = code_of(symbol);
            match self.runs[first..].last_mut() {
                // A word is never one of a run: between two of them stands what makes them two.
                Some(last) if last.symbol == symbol && code < WORD && last.count < u16::MAX => last.count += 1,
                _ => self.runs.push(Run { symbol, code, count: 1 }),
            }
        }
    }

    fn on_plane(&self, c: char) -> u16 {
        match self.fold(c) {
            Coded::Noise => NOISE,
            Coded::Ideograph(code) if code < RARE && !self.singles.contains_key(&(code as u16)) => code as u16,
            Coded::Free | Coded::Ideograph(_) | Coded::Letter(_) | Coded::Several(_) | Coded::Space => SPECIAL,
        }
    }

    /// Chooses the anchors and fills the tables.
    fn index(&mut self) {
        let mut frequency: Map<u16, u64> = Map::default();
        for run in &self.runs {
            *frequency.entry(run.code).or_default() += 1;
        }
        let of = |run: &Run| frequency.get(&run.code).copied().unwrap_or(0);
        let mut anchors = Vec::with_capacity(self.patterns.len());
        let (mut tokens_max, mut behind_anchor_max) = (0, 0);
        for pattern in 0..self.patterns.len() as u32 {
            let runs = self.runs(pattern);
            let tokens = |runs: &[Run]| runs.iter().map(|run| usize::from(run.count) + REPEATS_MAX).sum::<usize>();
            tokens_max = tokens_max.max(tokens(runs));
            // What is rare in the phrases is rare in the text, near enough.
            let (anchor, run) = match runs {
                [] => continue,
                [one] if one.count > 1 => (Anchor::Pair(one.code, one.code), 0),
                [one] => {
                    match one.symbol.checked_sub(RARE) {
                        Some(word) => self.words.singles[word as usize] = pattern,
                        None => {
                            self.singles.insert(one.code, pattern);
                        }
                    }
                    continue;
                }
                [left, right] => (Anchor::Pair(left.code, right.code), 0),
                _ => {
                    let rare = |three: &[Run]| three.iter().map(of).fold(1_u64, u64::saturating_mul);
                    let windows = runs.windows(3).enumerate();
                    let Some((run, three)) = windows.min_by_key(|(_, three)| rare(three)) else { continue };
                    (Anchor::Triple(three[0].code, three[1].code, three[2].code), run as u32)
                }
            };
            let behind = tokens(&runs[run as usize..]);
            behind_anchor_max = behind_anchor_max.max(behind);
            anchors.push((anchor, Anchored { pattern, run }));
        }
        (self.tokens_max, self.behind_anchor_max) = (tokens_max, behind_anchor_max);
        self.anchors = Anchors::new(anchors);
    }

    /// What one character is; several that are all noise are [`Coded::Noise`].
    #[inline]
    pub(super) fn fold(&self, c: char) -> Coded {
        match self.folding.fold(c) {
            Coded::Several(index) if !self.folding.several(index).iter().any(|&part| is_symbol(part)) => Coded::Noise,
            folded => folded,
        }
    }

    /// Whether a character is neither seen nor counted.
    pub(super) fn is_free(&self, c: char) -> bool {
        self.folding.fold(c) == Coded::Free
    }

    /// What a character is to a word.
    pub(super) fn shape(&self, c: char) -> Shape {
        let folded = self.fold(c);
        let one = [folded];
        let parts = match folded {
            Coded::Several(index) => self.folding.several(index),
            _ => &one,
        };
        let mut symbols = parts.iter().filter(|&&part| is_symbol(part));
        let is_letter = |part: &Coded| matches!(part, Coded::Letter(_));
        Shape {
            is_free: folded == Coded::Free,
            begins_with_letter: symbols.clone().next().is_some_and(is_letter),
            is_word: symbols.clone().next().is_some() && symbols.all(is_letter),
        }
    }

    /// The characters of three bytes.
    #[inline(always)]
    pub(super) fn plane(&self) -> &Plane {
        &self.plane
    }

    /// The runs of a phrase.
    #[inline]
    pub(super) fn runs(&self, pattern: u32) -> &[Run] {
        let pattern = pattern as usize;
        &self.runs[self.starts[pattern] as usize..self.starts[pattern + 1] as usize]
    }

    /// The phrase that an ideograph is by itself; [`NONE`] if none.
    pub(super) fn single(&self, code: u16) -> u32 {
        self.singles.get(&code).copied().unwrap_or(NONE)
    }

    /// The phrase that a word is by itself; [`NONE`] if none.
    pub(super) fn single_word(&self, number: u32) -> u32 {
        self.words.singles.get(number as usize).copied().unwrap_or(NONE)
    }

    /// Whether any word may be a phrase's.
    #[inline]
    pub(super) fn has_words(&self) -> bool {
        self.words.any
    }

    /// Bytes of the longest word that may be a phrase's, with no row of letters longer than
    /// [`Layer::letter_row_max`].
    pub(super) fn word_bytes_max(&self) -> usize {
        DRAWN_OUT * self.words.bytes_max
    }

    /// Of more equal letters in a row all behind so many make no difference.
    pub(super) fn letter_row_max(&self) -> usize {
        self.words.row_max
    }

    /// How the words of phrases begin.
    #[inline(always)]
    pub(super) fn beginnings(&self) -> &Beginnings {
        &self.words.beginnings
    }

    /// Whether a word that begins with this byte and has this length may be one of the phrases'.
    #[inline(always)]
    pub(super) fn word_may_begin_with(&self, first: u8, length: usize) -> bool {
        self.words.lengths[usize::from(first & 0x7F)] >> length.min(31) & 1 != 0
    }

    /// Whether a word that begins with these bytes (in lower case; the rest zero) and has this length
    /// may be one of the phrases'.
    #[inline(always)]
    pub(super) fn word_may_be(&self, first_bytes: u64, length: usize) -> bool {
        let hash = word_hash(first_bytes, length) >> self.words.filter_shift;
        self.words.filter[(hash / 64) as usize] >> (hash % 64) & 1 != 0
    }

    /// The symbol of a word of one ASCII letter or digit; [`NONE`] if no phrase has it.
    #[inline(always)]
    pub(super) fn letter(&self, letter: u8) -> u32 {
        self.words.short[usize::from(letter.to_ascii_lowercase() & 0x7F)]
    }

    /// Which of some places in ASCII hold a letter or digit that is a phrase's word by itself, and not
    /// only one of a word that is spelled.
    #[inline(always)]
    pub(super) fn lone_letters(&self, ascii: &[u8], mut places: u64) -> u64 {
        let mut lone = 0;
        while places != 0 {
            let at = places.trailing_zeros();
            let known = ascii.get(at as usize).is_some_and(|letter| self.words.lone[usize::from(letter & 0x7F)]);
            lone |= u64::from(known) << at;
            places &= places - 1;
        }
        lone
    }

    /// Hands on what a whole folded word is to the phrases, if it is anything; `parts` is room.
    pub(super) fn word_symbols(&self, word: &str, parts: &mut Vec<WordPart>, mut symbol: impl FnMut(u32)) {
        if word.len() <= self.words.bytes_max && self.folding.word(word, parts) {
            parts.iter().for_each(|part| symbol(part.code));
        } else if let Some(number) = self.words.number(word) {
            symbol(RARE + number);
        }
    }

    /// Whether ASCII letters and digits fold to their lower case, and all else in ASCII is none.
    #[inline(always)]
    pub(super) fn plain_ascii(&self) -> bool {
        self.plain_ascii
    }

    /// Whether some phrase has a word that begins so.
    pub(super) fn word_may_begin(&self, prefix: &str) -> bool {
        let prefix = bare(prefix);
        let at = self.words.bare.partition_point(|word| **word < *prefix);
        let known = self.words.bare.get(at).is_some_and(|word| word.starts_with(&*prefix));
        known || self.splits_words
    }
}

fn is_plain(byte: u8, folded: Coded) -> bool {
    match folded {
        Coded::Letter(letter) => byte.is_ascii_alphanumeric() && letter == char::from(byte.to_ascii_lowercase()),
        Coded::Ideograph(_) | Coded::Several(_) => false,
        Coded::Free | Coded::Space | Coded::Noise => !byte.is_ascii_alphanumeric(),
    }
}

/// What a character is to a word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) is_free: bool,
    /// It may go on a word.
    pub(super) begins_with_letter: bool,
    /// All of it is letters: the word may go on behind it.
    pub(super) is_word: bool,
}

/// Whether a part of a character is more than noise.
fn is_symbol(part: Coded) -> bool {
    matches!(part, Coded::Letter(_) | Coded::Ideograph(_))
}

/// The code of a symbol.
pub(super) fn code_of(symbol: u32) -> u16 {
    match symbol.checked_sub(RARE) {
        None => symbol as u16,
        Some(word) => WORD | (word & 0x7FFF) as u16,
    }
}

#[inline(always)]
fn word_hash(first_bytes: u64, length: usize) -> u64 {
    (first_bytes ^ length as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

/// The first eight bytes of a word; the rest zero.
pub(super) fn first_bytes(word: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = word.len().min(8);
    bytes[..length].copy_from_slice(&word[..length]);
    u64::from_le_bytes(bytes)
}

/// Numbers for all that the phrases consist of, in order of first use, so that builds repeat.
#[derive(Default)]
struct Symbols {
    ideographs: Map<char, u32>,
    words: Map<Box<str>, u32>,
}

impl Symbols {
    fn new(phrases: &[Phrase]) -> Self {
        let mut symbols = Self::default();
        for token in phrases.iter().flat_map(|phrase| &phrase.0) {
            match token {
                Token::Ideograph(c) if symbols.ideographs.len() < IDEOGRAPHS_MAX => {
                    let next = symbols.ideographs.len() as u32 + 1;
                    symbols.ideographs.entry(*c).or_insert(next);
                }
                Token::Ideograph(c) if symbols.ideographs.contains_key(c) => {}
                Token::Ideograph(c) => {
                    let number = symbols.number(&c.to_string());
                    symbols.ideographs.insert(*c, RARE + number);
                }
                Token::Word(word) => {
                    symbols.number(word);
                }
            }
        }
        symbols
    }

    fn number(&mut self, word: &str) -> u32 {
        let next = self.words.len() as u32;
        *self.words.entry(word.into()).or_insert(next)
    }

    fn ideograph(&self, c: char) -> u32 {
        self.ideographs.get(&c).copied().unwrap_or(0)
    }

    fn of(&self, token: &Token) -> u32 {
        match token {
            Token::Ideograph(c) => self.ideograph(*c),
            Token::Word(word) => RARE + self.words.get(word).copied().unwrap_or(0),
        }
    }
}

/// The letters and digits that are words of a phrase by themselves, and not of a word that is spelled.
fn lone_letters(phrases: &[Phrase]) -> [bool; 128] {
    let letter = |token: &Token| match token {
        Token::Word(word) => <[u8; 1]>::try_from(word.as_bytes()).ok().map(|[letter]| letter),
        Token::Ideograph(_) => None,
    };
    let mut lone = [false; 128];
    for (tokens, _) in phrases {
        let rows = tokens.chunk_by(|one, other| letter(one).is_some() == letter(other).is_some());
        let short = rows.filter(|row| row.len() < SPELLED_MIN as usize);
        for letter in short.flatten().filter_map(letter).filter(u8::is_ascii) {
            lone[usize::from(letter)] = true;
            lone[usize::from(letter.to_ascii_uppercase())] = true;
        }
    }
    lone
}

/// A letter so many times in a row stands for fewer of it: no word has as many.
pub(super) const DRAWN_OUT: usize = 3;

/// What a drawn-out word stands for has so many letters at least.
const DRAWN_OUT_LETTERS_MIN: usize = 3;

/// A word without its drawn-out rows of letters: so many of each are kept. `None` if it has none.
fn squeezed(word: &str, kept: usize) -> Option<String> {
    if longest_row(word) < DRAWN_OUT {
        return None;
    }
    let letters: Vec<char> = word.chars().collect();
    let rows = letters.chunk_by(|one, other| one == other);
    let squeezed = rows.flat_map(|row| {
        let drawn_out = row.len() >= DRAWN_OUT && row[0].is_alphabetic();
        row.iter().take(if drawn_out { kept } else { row.len() })
    });
    let squeezed: String = squeezed.collect();
    (squeezed.chars().count() >= DRAWN_OUT_LETTERS_MIN).then_some(squeezed)
}

/// A word with one letter for each row of equal ones.
fn bare(word: &str) -> String {
    let mut before = None;
    word.chars().filter(|&c| before.replace(c) != Some(c) || !c.is_alphabetic()).collect()
}

/// How many equal letters stand in a row, at most.
fn longest_row(word: &str) -> usize {
    let (mut longest, mut row, mut before) = (0, 0, None);
    for c in word.chars() {
        row = if before == Some(c) { row + 1 } else { 1 };
        before = Some(c);
        if c.is_alphabetic() {
            longest = longest.max(row);
        }
    }
    longest
}

impl Words {
    /// The number of a word as it stands, or of the one that it is with its letters drawn out:
    /// casssino is casino, and coooool is cool.
    fn number(&self, word: &str) -> Option<u32> {
        let known = |word: &str| self.numbers.get(word).copied();
        known(word).or_else(|| [2, 1].into_iter().find_map(|kept| known(&squeezed(word, kept)?)))
    }

    fn new(symbols: &Symbols, reading: Reading, lone: &[bool; 128]) -> Self {
        let mut sorted: Vec<Box<str>> = symbols.words.keys().cloned().collect();
        sorted.sort_unstable();
        let mut bare: Vec<Box<str>> = sorted.iter().map(|word| bare(word).into()).collect();
        bare.sort_unstable();
        let bits = (sorted.len() * 64).next_power_of_two().clamp(1 << 12, 1 << 20);
        let mut words = Self {
            numbers: symbols.words.clone(),
            singles: vec![NONE; sorted.len()],
            bytes_max: match reading {
                Reading::Sounds => SPLIT_BYTES_MAX,
                Reading::Looks | Reading::Leet => sorted.iter().map(|word| word.len()).max().unwrap_or(1),
            },
            row_max: sorted.iter().map(|word| longest_row(word) + 1).max().unwrap_or(0).max(DRAWN_OUT),
            any: reading == Reading::Sounds,
            beginnings: Beginnings::new(&sorted),
            filter: vec![0; bits / 64],
            filter_shift: 64 - bits.trailing_zeros(),
            lengths: [0; 128],
            short: std::array::from_fn(|byte| {
                let word = char::from(byte as u8).to_string();
                symbols.words.get(word.as_str()).map_or(NONE, |number| RARE + number)
            }),
            bare,
            lone: *lone,
        };
        for word in &sorted {
            let hash = word_hash(first_bytes(word.as_bytes()), word.len()) >> words.filter_shift;
            words.filter[(hash / 64) as usize] |= 1 << (hash % 64);
            if let Some(&first @ 0..0x80) = word.as_bytes().first() {
                for first in [first, first.to_ascii_uppercase()] {
                    words.lengths[usize::from(first)] |= 1 << word.len().min(31);
                }
            }
            words.any = true;
        }
        words
    }
}

//! The text of one lane as the codes of one layer: what the anchors are looked for in.
//!
//! Only ideographs and the words of phrases become tokens. Everything else between two tokens is
//! looked at when it is asked how wide the noise between them is: for the few places where a phrase
//! may stand.

use super::{
    ascii,
    lane_text::{END, LaneText, decode},
    layer::{DRAWN_OUT, Layer, NONE, RARE, WORD, code_of, first_bytes},
    plane::NOISE,
    vector::Vector,
};
use crate::{
    base::{Work, run_wide},
    engine::text::{
        Edge,
        fold::{Coded, WordPart},
    },
};

/// A gap that no phrase bridges.
pub(super) const BROKEN: u8 = u8::MAX;

/// A gap that has not been measured. No phrase allows so much noise.
const UNKNOWN: u8 = u8::MAX - 1;

/// Room for so many codes is needed behind the last.
const VECTOR: usize = 8;

/// Tokens of one lane.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// Codes, the first `len` of them; the rest is room for more.
    codes: Vec<u16>,
    /// Where in the text each token begins.
    ats: Vec<u32>,
    len: usize,
    /// The noise before each token, as far as it was measured.
    gaps: Vec<u8>,
    /// Which tokens are words, and which.
    words: Vec<(u32, u32)>,
    /// Room for places where a phrase may stand.
    pub(super) candidates: Vec<u32>,
    /// Phrases of one token that were found since the last look, with the token.
    pub(super) singles: Vec<(u32, u32)>,
    word: Word,
    /// The text before this index has been read.
    read: u32,
    /// Comparisons with a phrase.
    #[cfg(any(test, feature = "oracle"))]
    pub(super) compared: std::cell::Cell<u64>,
    /// Tokens before this one have been searched.
    pub(super) fresh: usize,
}

/// A word that is being read.
#[derive(Debug, Default)]
struct Word {
    active: bool,
    /// Index of its first character.
    at: u32,
    /// As it folds; not longer than any word of a phrase.
    text: String,
    too_long: bool,
    /// Room for what it is more than a word.
    parts: Vec<WordPart>,
}

impl Tokens {
    /// Begins afresh, in the same buffers.
    pub(super) fn restart(&mut self) {
        let Self { codes, ats, mut gaps, mut words, mut candidates, mut singles, mut word, .. } = std::mem::take(self);
        gaps.clear();
        words.clear();
        candidates.clear();
        singles.clear();
        word.active = false;
        *self = Self { codes, ats, gaps, words, candidates, singles, word, ..Self::default() };
    }

    /// Gives back the room for more.
    pub(super) fn give_back(&mut self) {
        self.codes.truncate(self.len);
        self.ats.truncate(self.len);
        self.codes.shrink_to_fit();
        self.ats.shrink_to_fit();
        self.gaps.shrink_to_fit();
        self.words.shrink_to_fit();
        self.candidates = Vec::new();
        self.singles.shrink_to_fit();
    }

    /// Reads what has come since the last call.
    pub(super) fn read(&mut self, layer: &Layer, text: &mut LaneText) {
        run_wide(Read { tokens: self, layer, text });
    }

    /// Room for so many tokens more, and one.
    #[inline(always)]
    fn make_room(&mut self, tokens: usize) {
        let wanted = self.len + tokens + 1;
        if self.codes.len() < wanted {
            self.codes.resize(wanted, 0);
            self.ats.resize(wanted, 0);
        }
    }

    /// Characters of three bytes, up to one that has to be looked at closely.
    #[inline(always)]
    fn wide(&mut self, layer: &Layer, bytes: &[u8], mut at: usize, vector: Option<Vector>) -> usize {
        self.make_room((bytes.len() - at) / 3 + VECTOR);
        let plane = layer.plane();
        if let Some(vector) = vector {
            let (codes, ats) = (&mut self.codes[self.len..], &mut self.ats[self.len..]);
            let (read, count) = vector.wide(plane, &bytes[at..], at as u32, codes, ats);
            at += read;
            self.len += count;
        }
        while let Some(&[first, second, third]) = bytes.get(at..).and_then(|rest| rest.first_chunk())
            && first & 0xF0 == 0xE0
        {
            let code_point = u16::from(first) << 12 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F);
            let code = plane.code(code_point);
            if code > NOISE {
                break;
            }
            self.codes[self.len] = code;
            self.ats[self.len] = at as u32;
            self.len += usize::from(code < NOISE);
            at += 3;
        }
        at
    }

    /// ASCII, up to what is not.
    #[inline(always)]
    fn ascii(&mut self, layer: &Layer, bytes: &[u8], mut at: usize, vector: Option<Vector>) -> usize {
        if !layer.has_words() {
            return at + bytes[at..].iter().position(|byte| !byte.is_ascii()).unwrap_or(bytes.len() - at);
        }
        if !self.word.active {
            // Mostly a stretch is white space or a sign or two.
            at += ascii::signs(&bytes[at..]);
            if bytes.get(at).is_none_or(|byte| !byte.is_ascii()) {
                return at;
            }
        }
        // Words of one letter in a row before the block: before the first, as many as may be.
        let mut before = ascii::SPELLED_MIN - 1;
        loop {
            let block = ascii::Block::new(&bytes[at..], layer.beginnings(), vector);
            let (stop, mut letters) = (block.ascii, block.letters);
            if self.word.active {
                let more = (letters.trailing_ones() as usize).min(stop);
                self.push_letters(layer, &bytes[at..at + more]);
                letters &= !ascii::first(more);
                before = if more > 0 { 0 } else { before };
                if more < stop {
                    self.end_word(layer);
                }
            }
            // A word that touches the stop may go on behind it.
            let open = if self.word.active { 0 } else { open_letters(letters, stop) };
            letters &= ascii::first(stop - open);
            let starts = letters & !(letters << 1);
            let drawn_out = ascii::starts_of(block.rows & letters, starts);
            let singles = starts & !(letters >> 1);
            let spelled = ascii::spelled(singles, starts & !singles, &mut before);
            let lone = layer.lone_letters(&bytes[at..], singles & !spelled);
            let mut starts = starts & block.beginnings & !singles | drawn_out | spelled | lone;
            while starts != 0 {
                let start = starts.trailing_zeros() as usize;
                starts &= starts - 1;
                let length = (!(letters >> start)).trailing_zeros() as usize;
                // Of so short a word, such as www, nothing would be left.
                if drawn_out >> start & 1 != 0 && length > DRAWN_OUT {
                    self.known_word(layer, &bytes[at + start..at + start + length], at + start);
                } else if length == 1 {
                    let symbol = layer.letter(bytes[at + start]);
                    if symbol != NONE {
                        self.push(layer, symbol, (at + start) as u32);
                    }
                } else if layer.word_may_begin_with(bytes[at + start], length)
                    && layer.word_may_be(lower_case_key(bytes, at + start, length), length)
                {
                    self.known_word(layer, &bytes[at + start..at + start + length], at + start);
                }
            }
            let whole_block = stop == ascii::BLOCK_BYTES;
            if whole_block && open > 0 && open < stop {
                // The next block shall have it whole.
                at += stop - open;
                continue;
            }
            if open > 0 {
                self.begin_word(at + stop - open);
                self.push_letters(layer, &bytes[at + stop - open..at + stop]);
            }
            at += stop;
            if !whole_block {
                return at;
            }
        }
    }

    #[cold]
    fn known_word(&mut self, layer: &Layer, word: &[u8], at: usize) {
        self.begin_word(at);
        self.push_letters(layer, word);
        self.end_word(layer);
    }

    #[inline(never)]
    fn begin_word(&mut self, at: usize) {
        self.word.active = true;
        self.word.at = at as u32;
        self.word.text.clear();
        self.word.too_long = false;
    }

    /// ASCII letters and digits.
    fn push_letters(&mut self, layer: &Layer, letters: &[u8]) {
        letters.iter().for_each(|letter| self.push_letter(layer, letter.to_ascii_lowercase().into()));
    }

    fn letter(&mut self, layer: &Layer, letter: char, at: usize) {
        if !self.word.active {
            self.begin_word(at);
        }
        self.push_letter(layer, letter);
    }

    fn push_letter(&mut self, layer: &Layer, letter: char) {
        let Word { text, too_long, .. } = &mut self.word;
        if *too_long {
            return;
        }
        let row = text.chars().rev().take(layer.letter_row_max()).take_while(|&before| before == letter).count();
        if row == layer.letter_row_max() && letter.is_alphabetic() {
            return;
        }
        *too_long = text.len() + letter.len_utf8() > layer.word_bytes_max();
        text.push(letter);
    }

    fn end_word(&mut self, layer: &Layer) {
        if !std::mem::take(&mut self.word.active) || self.word.too_long {
            return;
        }
        let (text, mut parts) = (std::mem::take(&mut self.word.text), std::mem::take(&mut self.word.parts));
        layer.word_symbols(&text, &mut parts, |symbol| self.push(layer, symbol, self.word.at));
        (self.word.text, self.word.parts) = (text, parts);
    }

    /// Looks at one character closely.
    #[inline(never)]
    fn close(&mut self, layer: &Layer, text: &mut LaneText, at: usize) -> usize {
        let Some((c, length)) = decode(&text.bytes()[at..]) else { return text.bytes().len() };
        if c == char::from(END) {
            self.end_word(layer);
            return at + 1;
        }
        match layer.fold(c) {
            Coded::Free => {
                if length > 1 {
                    text.note_unseen(at as u32);
                }
            }
            Coded::Several(index) => {
                for &part in layer.folding.several(index) {
                    self.part(layer, part, at);
                }
            }
            Coded::Noise | Coded::Space => self.end_word(layer),
            part => self.part(layer, part, at),
        }
        at + length as usize
    }

    /// A part of what a character stands for; noise there is none.
    fn part(&mut self, layer: &Layer, part: Coded, at: usize) {
        match part {
            Coded::Letter(letter) => self.letter(layer, letter, at),
            Coded::Ideograph(symbol) => {
                self.end_word(layer);
                self.push(layer, symbol, at as u32);
            }
            Coded::Free | Coded::Space | Coded::Noise | Coded::Several(_) => {}
        }
    }

    fn push(&mut self, layer: &Layer, symbol: u32, at: u32) {
        let token = self.len as u32;
        let code = code_of(symbol);
        let single = match symbol.checked_sub(RARE) {
            None => layer.single(code),
            Some(word) => {
                self.words.push((token, word));
                layer.single_word(word)
            }
        };
        if single != NONE {
            self.singles.push((single, token));
        }
        if self.codes.len() == self.len {
            self.make_room(64);
        }
        self.codes[self.len] = code;
        self.ats[self.len] = at;
        self.len += 1;
    }

    /// The codes so far.
    #[inline]
    pub(super) fn codes(&self) -> &[u16] {
        &self.codes[..self.len]
    }

    /// Whether a token is the word or the rare ideograph with a number.
    pub(super) fn is_word(&self, token: usize, number: u32) -> bool {
        let known = self.words.binary_search_by_key(&(token as u32), |word| word.0);
        known.is_ok_and(|at| self.words[at].1 == number)
    }

    /// The symbol of a token.
    pub(super) fn symbol(&self, token: usize) -> u32 {
        let code = self.codes[token];
        if code < WORD {
            return u32::from(code);
        }
        let known = self.words.binary_search_by_key(&(token as u32), |word| word.0);
        known.map_or(0, |at| RARE + self.words[at].1)
    }

    /// Index of a token's first character.
    pub(super) fn at(&self, token: usize) -> u32 {
        self.ats[token]
    }

    /// Index behind a token's last character.
    pub(super) fn end(&self, layer: &Layer, text: &LaneText, token: usize) -> u32 {
        extent(layer, text, self.ats[token]).end
    }

    /// What the body had to be read up to, to be certain of a token.
    pub(super) fn seen(&self, layer: &Layer, text: &LaneText, token: usize) -> u64 {
        extent(layer, text, self.ats[token]).seen(text)
    }

    /// The noise between a token and the one before it, in characters; [`BROKEN`] if something else
    /// stands there.
    pub(super) fn gap(&mut self, layer: &Layer, text: &LaneText, token: usize) -> u8 {
        if self.gaps.len() < self.len {
            self.gaps.resize(self.len, UNKNOWN);
        }
        if self.gaps[token] == UNKNOWN {
            self.gaps[token] = self.measure(layer, text, token);
        }
        self.gaps[token]
    }

    fn measure(&self, layer: &Layer, text: &LaneText, token: usize) -> u8 {
        let (before, at) = (self.ats[token - 1], self.ats[token]);
        if before == at {
            return 0;
        }
        let gap = noise(layer, text, self.end(layer, text, token - 1), at);
        let words = self.codes[token - 1] >= WORD && self.codes[token] >= WORD;
        // Between two words one character of it is what makes them two.
        if words && gap == 1 { 0 } else { gap }
    }

    /// The noise behind the last token; [`BROKEN`] if something else stands there. A word that is
    /// being read is left out.
    fn gap_behind(&self, layer: &Layer, text: &LaneText) -> u8 {
        let Some(last) = self.len.checked_sub(1) else { return 0 };
        let end = if self.word.active { self.word.at } else { self.read };
        noise(layer, text, self.end(layer, text, last), end)
    }

    /// Index of the first character from which the text up to its end may still become a phrase.
    pub(super) fn open_from(&mut self, layer: &Layer, text: &LaneText) -> Option<u32> {
        let word = &self.word;
        let word_at = word.active.then_some(word.at);
        let known = word.active && !word.too_long && layer.word_may_begin(&word.text);
        let tokens = match word_at {
            // While a foreign word is being read, nothing before it can go on.
            Some(_) if !known => return None,
            _ if self.len == 0 || self.gap_behind(layer, text) > layer.gap_max => None,
            _ => self.open_tokens(layer, text),
        };
        tokens.map(|token| self.ats[token]).or(word_at)
    }

    fn open_tokens(&mut self, layer: &Layer, text: &LaneText) -> Option<usize> {
        // The symbols from a token to the last, backwards, each row of equal ones once.
        let mut backwards = Vec::with_capacity(layer.runs_max);
        let mut open = None;
        for token in (self.len.saturating_sub(layer.tokens_max)..self.len).rev() {
            let symbol = self.symbol(token);
            if symbol == 0 {
                break;
            }
            if backwards.last() != Some(&symbol) || symbol >= RARE {
                backwards.push(symbol);
            }
            if backwards.len() > layer.runs_max {
                break;
            }
            if layer.prefixes.goes_on(&backwards) {
                open = Some(token);
            }
            if token == 0 || self.gap(layer, text, token) > layer.gap_max {
                break;
            }
        }
        open
    }

    /// Forgets the tokens that no later match can have, and those of text that is no more; `gone` is
    /// how much of it.
    pub(super) fn forget(&mut self, layer: &Layer, gone: u32) {
        let old = self.ats[..self.len].partition_point(|&at| at < gone);
        let old = old.max(self.len.saturating_sub(layer.tokens_max + 1));
        if old > 0 {
            self.codes.copy_within(old..self.len, 0);
            self.ats.copy_within(old..self.len, 0);
            self.gaps.drain(..old.min(self.gaps.len()));
            self.words.drain(..self.words.partition_point(|word| (word.0 as usize) < old));
            self.words.iter_mut().for_each(|word| word.0 -= old as u32);
            self.len -= old;
            self.fresh = self.fresh.saturating_sub(old);
        }
        if gone > 0 {
            self.ats[..self.len].iter_mut().for_each(|at| *at -= gone);
            self.read -= gone;
            // So long a word is none of a phrase's, whatever is invisible in it.
            self.word.too_long |= self.word.at < gone;
            self.word.at = self.word.at.saturating_sub(gone);
        }
    }
}

struct Read<'r> {
    tokens: &'r mut Tokens,
    layer: &'r Layer,
    text: &'r mut LaneText,
}

impl Work for Read<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { tokens, layer, text } = self;
        let mut at = tokens.read as usize;
        let vector = Vector::of_this_processor();
        while let Some(&byte) = text.bytes().get(at) {
            at = match byte {
                0..0x80 if layer.plain_ascii() => tokens.ascii(layer, text.bytes(), at, vector),
                0xE0..0xF0 if !tokens.word.active => {
                    let stop = tokens.wide(layer, text.bytes(), at, vector);
                    if stop > at { stop } else { tokens.close(layer, text, at) }
                }
                _ => tokens.close(layer, text, at),
            };
        }
        tokens.read = at as u32;
    }
}

/// Where a token ends, and what shows it.
struct Extent {
    /// Index behind its last character.
    end: u32,
    /// The character that it takes to be certain, from one index to another; the second is `None` if
    /// it is any end at the first.
    certain: (u32, Option<u32>),
}

impl Extent {
    fn seen(&self, text: &LaneText) -> u64 {
        match self.certain {
            (at, Some(end)) => text.seen(at, end),
            (at, None) => text.seen_end(at),
        }
    }
}

/// The extent of the token that begins at an index: a character, or a word up to the next character
/// that is not part of it.
fn extent(layer: &Layer, text: &LaneText, at: u32) -> Extent {
    let mut extent = Extent { end: at, certain: (at, None) };
    let mut next = at;
    while let Some((c, behind)) = text.character_at(next) {
        if next > at && text.edge_between(next, next).is_some() {
            break;
        }
        let shape = layer.shape(c);
        if !shape.is_free {
            if next > at && !shape.begins_with_letter {
                break;
            }
            extent.end = behind;
            if !shape.is_word {
                // Something of this very character ends the word, or it is no word.
                return Extent { end: behind, certain: (next, Some(behind)) };
            }
        }
        next = behind;
    }
    Extent { certain: (next, None), ..extent }
}

/// The noise between two indices, in characters.
fn noise(layer: &Layer, text: &LaneText, from: u32, to: u32) -> u8 {
    if text.edge_between(from, to).is_some_and(|edge| edge.edge == Edge::Hard) {
        return BROKEN;
    }
    let (mut gap, mut in_space, mut at) = (0, false, from);
    while at < to
        && gap <= layer.gap_max
        && let Some((c, next)) = text.character_at(at)
    {
        match layer.fold(c) {
            Coded::Free => {}
            Coded::Space => {
                gap += u8::from(!in_space);
                in_space = true;
            }
            Coded::Noise => {
                gap += 1;
                in_space = false;
            }
            Coded::Letter(_) | Coded::Ideograph(_) | Coded::Several(_) => return BROKEN,
        }
        at = next;
    }
    gap
}

/// How many letters there are in a row before the stop.
#[inline(always)]
fn open_letters(letters: u64, stop: usize) -> usize {
    if stop == 0 { 0 } else { (letters << (64 - stop)).leading_ones() as usize }
}

/// The first bytes of the word at a place, in lower case.
#[inline(always)]
fn lower_case_key(bytes: &[u8], at: usize, length: usize) -> u64 {
    let word = match bytes[at..].first_chunk() {
        Some(word) => u64::from_le_bytes(*word) & ascii::first(8 * length.min(8)),
        None => first_bytes(&bytes[at..at + length]),
    };
    // Digits have this bit already.
    word | 0x2020_2020_2020_2020 & ascii::first(8 * length.min(8))
}

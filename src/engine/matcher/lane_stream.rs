//! One lane of a document as tokens, with their places.

use crate::{
    base::ByteSpan,
    engine::{
        matcher::{Found, PatternSet},
        text::{Edge, fold::Coded},
    },
};

/// Where a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenPlace {
    /// In the decoded body. A word may have markup inside it.
    pub span: ByteSpan,
    /// The offset up to which the body had been read when the token became certain.
    pub seen: u64,
    /// Index of its first character in the lane.
    pub character: u32,
    /// Index behind its last character.
    pub character_end: u32,
}

/// A gap that no pattern bridges.
const HARD: u8 = u8::MAX;

/// A run of tokens that no phrase has is kept as one, up to this many characters: enough to break
/// phrases, and few enough to tell places.
const OTHER_RUN: u32 = 32;

/// Characters kept behind the scan, for excerpts and confirmation.
const RECENT_CHARACTERS: usize = 1024;

/// Turns the characters of one lane into tokens and scans them, chunk by chunk.
#[derive(Debug, Default)]
pub struct LaneStream {
    codes: Vec<u32>,
    gaps: Vec<u8>,
    places: Vec<TokenPlace>,
    /// Tokens before this index have been scanned.
    fresh: usize,
    /// Noise since the last token (or since the word being read began).
    gap: u8,
    in_space: bool,
    characters: u32,
    word: Word,
    /// The places of the letters of words that have markup or free characters inside, by first byte.
    torn_words: Vec<(u64, Box<[ByteSpan]>)>,
    /// Characters as they were written, each with how far the body had been read.
    recent: Vec<(char, u64)>,
    /// Index in the lane of `recent[0]`.
    recent_from: u32,
}

/// A word that is being read.
#[derive(Debug, Default)]
struct Word {
    text: String,
    too_long: bool,
    gap: u8,
    character: u32,
    pieces: Vec<ByteSpan>,
}

impl LaneStream {
    /// Takes one character that stands at `span`; the body has been read up to `seen`.
    #[inline]
    pub fn character(&mut self, set: &PatternSet, c: char, span: ByteSpan, seen: u64) {
        let coded = set.folding().fold(c);
        match coded {
            Coded::Ideograph(code) => {
                self.end_word(set, seen);
                self.ideograph(code, span, seen);
            }
            Coded::Letter(letter) => self.letter(set, letter, span),
            Coded::Space => {
                self.end_word(set, seen);
                if self.in_space {
                    return;
                }
                self.widen();
                self.in_space = true;
                self.characters += 1;
                self.recent.push((' ', seen));
                return;
            }
            Coded::Noise => {
                self.end_word(set, seen);
                self.widen();
            }
            Coded::Several(index) => self.several(set, index, span, seen),
            Coded::Free => return,
        }
        self.in_space = false;
        self.characters += 1;
        self.recent.push((c, seen));
    }

    /// A character that stands for several: ㈠ is (一).
    #[cold]
    fn several(&mut self, set: &PatternSet, index: u32, span: ByteSpan, seen: u64) {
        for &part in set.folding().several(index) {
            match part {
                Coded::Letter(letter) => self.letter(set, letter, span),
                Coded::Ideograph(code) => {
                    self.end_word(set, seen);
                    self.ideograph(code, span, seen);
                }
                Coded::Space | Coded::Noise => {
                    self.end_word(set, seen);
                    self.widen();
                }
                Coded::Free | Coded::Several(_) => {}
            }
        }
    }

    #[inline]
    fn ideograph(&mut self, code: u32, span: ByteSpan, seen: u64) {
        let place = TokenPlace { span, seen, character: self.characters, character_end: self.characters + 1 };
        self.token(code, self.gap, place);
        self.gap = 0;
    }

    #[inline]
    fn widen(&mut self) {
        if self.gap < HARD - 1 {
            self.gap += 1;
        }
    }

    #[inline]
    fn letter(&mut self, set: &PatternSet, letter: char, span: ByteSpan) {
        let word = &mut self.word;
        if word.pieces.is_empty() {
            word.gap = self.gap;
            word.character = self.characters;
            word.too_long = false;
            word.text.clear();
        }
        if word.text.len() < set.word_bytes_max() {
            word.text.push(letter);
        } else {
            word.too_long = true;
        }
        match word.pieces.last_mut() {
            Some(last) if last.end >= span.start => last.end = last.end.max(span.end),
            // A word that is longer than any of ours, in a thousand pieces, needs no more of them.
            Some(last) if word.too_long => last.end = span.end,
            _ => word.pieces.push(span),
        }
    }

    #[inline]
    fn end_word(&mut self, set: &PatternSet, seen: u64) {
        if !self.word.pieces.is_empty() {
            self.word_ended(set, seen);
        }
    }

    fn word_ended(&mut self, set: &PatternSet, seen: u64) {
        let (Some(first), Some(last)) = (self.word.pieces.first(), self.word.pieces.last()) else { return };
        let span = ByteSpan { start: first.start, end: last.end };
        let code = if self.word.too_long { 0 } else { set.word(&self.word.text) };
        if code != 0 && self.word.pieces.len() > 1 {
            self.torn_words.push((span.start, self.word.pieces.as_slice().into()));
        }
        let place = TokenPlace { span, seen, character: self.word.character, character_end: self.characters };
        self.token(code, self.word.gap, place);
        self.word.pieces.clear();
        self.gap = 0;
    }

    #[inline]
    fn token(&mut self, code: u32, gap: u8, place: TokenPlace) {
        if code == 0
            && self.codes.last() == Some(&0)
            && self.places.last().is_some_and(|last| place.character - last.character < OTHER_RUN)
        {
            return;
        }
        self.codes.push(code);
        self.gaps.push(gap);
        self.places.push(place);
    }

    /// The markup says that something ends here.
    pub fn edge(&mut self, set: &PatternSet, edge: Edge, seen: u64) {
        self.end_word(set, seen);
        if edge == Edge::Hard {
            self.gap = HARD;
        }
    }

    /// Scans what came since the last call. Call [`LaneStream::forget`] when the findings have been used.
    pub fn scan(&mut self, set: &PatternSet, found: impl FnMut(Found)) {
        set.scan(&self.codes, &self.gaps, self.fresh, found);
        self.fresh = self.codes.len();
    }

    /// Drops what no later match can need.
    pub fn forget(&mut self, set: &PatternSet) {
        let kept = set.tokens_max().max(1);
        if self.codes.len() > kept {
            let gone = self.codes.len() - kept;
            self.codes.drain(..gone);
            self.gaps.drain(..gone);
            self.places.drain(..gone);
            self.fresh = self.fresh.saturating_sub(gone);
            let from = self.places.first().map_or(0, |place| place.span.start);
            self.torn_words.retain(|word| word.0 >= from);
        }
        if self.recent.len() > 4 * RECENT_CHARACTERS {
            let gone = self.recent.len() - RECENT_CHARACTERS;
            self.recent.drain(..gone);
            self.recent_from += gone as u32;
        }
    }

    /// Where a token of the last scan stands.
    pub fn place(&self, token: usize) -> TokenPlace {
        self.places[token]
    }

    /// The exact places of a token's characters: one span, or more if markup stands between them.
    pub fn pieces(&self, token: usize) -> impl Iterator<Item = ByteSpan> + '_ {
        let span = self.places[token].span;
        let torn = self.torn_words.iter().find(|word| word.0 == span.start).map(|word| &word.1[..]);
        let whole = torn.is_none().then_some(span);
        whole.into_iter().chain(torn.unwrap_or(&[]).iter().copied())
    }

    /// Offset of the first byte that may still become part of a match with what follows.
    pub fn open_from(&self, set: &PatternSet) -> Option<u64> {
        let word = self.word.pieces.first().filter(|_| !self.word.too_long && set.word_begins(&self.word.text));
        // While a foreign word is being read, nothing before it can go on.
        let foreign = !self.word.pieces.is_empty() && word.is_none();
        let gap = if self.word.pieces.is_empty() { self.gap } else { self.word.gap };
        let open = if foreign { None } else { set.open_from(&self.codes, &self.gaps, gap) };
        open.map(|token| self.places[token].span.start).or(word.map(|piece| piece.start))
    }

    /// Number of characters so far.
    pub fn characters(&self) -> u32 {
        self.characters
    }

    /// What the body had been read up to when the lane first went beyond a character; `None` if it
    /// has not yet.
    pub fn seen_beyond(&self, character: u32) -> Option<u64> {
        let at = (character + 1).checked_sub(self.recent_from)? as usize;
        self.recent.get(at).map(|item| item.1)
    }

    /// The characters from `from` to `to` (indices in the lane) that had been read at `seen`, as far
    /// as they are kept.
    pub fn characters_between(&self, from: u32, to: u32, seen: u64) -> String {
        let low = from.saturating_sub(self.recent_from) as usize;
        let high = (to.saturating_sub(self.recent_from) as usize).min(self.recent.len());
        if low >= high {
            return String::new();
        }
        let known = self.recent[low..high].partition_point(|item| item.1 <= seen);
        self.recent[low..low + known].iter().map(|item| item.0).collect()
    }
}

//! Where the bytes stand that markup is made of.
//!
//! All of a stretch are marked before any is read. A tag whose parts were looked for one behind the other
//! would cost the time of as many loads, comparisons and counts in a row as it has parts; from one mark to
//! the next it is two instructions, and what is between can be read meanwhile.

use wide::u8x16;

use crate::base::{Work, run_wide};

/// Bytes that a word of marks tells of.
const WORD: usize = 64;

/// Words that are made at once.
const WORDS: usize = 16;

/// The places of `"`, `&`, `'`, `<`, `=` and `>` in a piece of text, one after the other.
#[derive(Debug, Default)]
pub(super) struct Structural {
    /// A bit for each byte of `bytes`, from `from` on.
    words: [u64; WORDS],
    from: usize,
    /// How many of the words are made.
    made: usize,
    /// The word that is being read, and what is left of it.
    word: usize,
    rest: u64,
    /// Index of the first byte that has not been passed.
    behind: usize,
}

impl Structural {
    /// Index of the next one; the length, if there is none. `bytes` is the same in each call.
    #[inline(always)]
    pub(super) fn next(&mut self, bytes: &[u8]) -> usize {
        while self.rest == 0 {
            self.word += 1;
            match self.words[..self.made].get(self.word) {
                Some(&word) => self.rest = word,
                None if self.from + self.made * WORD >= bytes.len() => {
                    self.behind = bytes.len();
                    return bytes.len();
                }
                None => self.mark(bytes, self.from + self.made * WORD),
            }
        }
        let at = self.from + self.word * WORD + self.rest.trailing_zeros() as usize;
        self.rest &= self.rest - 1;
        self.behind = at + 1;
        at
    }

    /// Index of the next one, if it is before an index; otherwise it stays the next. However far away it is:
    /// what is asked for often may not look farther than it goes on.
    #[inline(always)]
    pub(super) fn next_before(&mut self, bytes: &[u8], end: usize) -> Option<usize> {
        while self.rest == 0 {
            let next = self.from + (self.word + 1).min(self.made) * WORD;
            if next >= end.min(bytes.len()) {
                return None;
            }
            match self.words[..self.made].get(self.word + 1) {
                Some(&word) => (self.word, self.rest) = (self.word + 1, word),
                None => self.mark(bytes, next),
            }
        }
        let at = self.from + self.word * WORD + self.rest.trailing_zeros() as usize;
        if at >= end {
            return None;
        }
        self.rest &= self.rest - 1;
        self.behind = at + 1;
        Some(at)
    }

    /// Passes the one at an index, and all before it.
    #[inline(always)]
    pub(super) fn pass(&mut self, bytes: &[u8], at: usize) {
        while self.behind <= at {
            self.next(bytes);
        }
    }

    /// Goes on at an index.
    #[inline]
    pub(super) fn seek(&mut self, bytes: &[u8], at: usize) {
        if at != self.behind || self.made == 0 {
            self.seek_elsewhere(bytes, at);
        }
    }

    #[inline(never)]
    fn seek_elsewhere(&mut self, bytes: &[u8], at: usize) {
        let marked = self.from..self.from + self.made * WORD;
        if marked.contains(&at) {
            self.word = (at - self.from) / WORD;
            self.rest = self.words[self.word] & u64::MAX << ((at - self.from) % WORD);
        } else {
            self.mark(bytes, at);
        }
        self.behind = at;
    }

    #[inline(never)]
    fn mark(&mut self, bytes: &[u8], from: usize) {
        let stretch = bytes.get(from..).unwrap_or_default();
        let stretch = &stretch[..stretch.len().min(WORDS * WORD)];
        run_wide(Marks { stretch, words: &mut self.words });
        self.made = stretch.len().div_ceil(WORD);
        (self.from, self.word, self.rest) = (from, 0, if self.made == 0 { 0 } else { self.words[0] });
    }
}

struct Marks<'m> {
    stretch: &'m [u8],
    words: &'m mut [u64; WORDS],
}

impl Work for Marks<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (blocks, rest) = self.stretch.as_chunks::<WORD>();
        let mut words = self.words.iter_mut();
        for (block, word) in blocks.iter().zip(&mut words) {
            *word = marks(block);
        }
        if let Some(word) = words.next()
            && !rest.is_empty()
        {
            let mut block = [0; WORD];
            block[..rest.len()].copy_from_slice(rest);
            *word = marks(&block);
        }
    }
}

#[inline(always)]
fn marks(block: &[u8; WORD]) -> u64 {
    let (quarters, _) = block.as_chunks::<16>();
    let mut marks = 0;
    for (number, quarter) in quarters.iter().enumerate() {
        let bytes = u8x16::new(*quarter);
        let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
        // Between `&` and `'` there is one bit, and so between `<`, `=` and `>`.
        let found = (bytes | u8x16::splat(1)).simd_eq(u8x16::splat(b'\'')) | is(b'"') | is(b'<') | is(b'=') | is(b'>');
        marks |= u64::from(found.to_bitmask()) << (16 * number);
    }
    marks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_structural(byte: u8) -> bool {
        matches!(byte, b'"' | b'&' | b'\'' | b'<' | b'=' | b'>')
    }

    proptest! {
        #[test]
        fn all_are_found_in_order_from_anywhere(
            bytes in proptest::collection::vec(prop_oneof![4 => 0x20..0x40_u8, 40 => any::<u8>()], 0..2500),
            starts in proptest::collection::vec((any::<prop::sample::Index>(), 0..40_usize, 0..200_usize), 1..6),
        ) {
            let mut structural = Structural::default();
            for (start, count, ahead) in starts {
                let start = if bytes.is_empty() { 0 } else { start.index(bytes.len()) };
                let mut expected = (start..bytes.len()).filter(|&at| is_structural(bytes[at])).peekable();
                structural.seek(&bytes, start);
                for _ in 0..count {
                    let near = expected.next_if(|&at| at < start + ahead);
                    prop_assert_eq!(structural.next_before(&bytes, start + ahead), near);
                    prop_assert_eq!(structural.next(&bytes), expected.next().unwrap_or(bytes.len()));
                }
            }
        }

        #[test]
        fn what_is_far_is_not_looked_for(names in 100..2000_usize) {
            let bytes = [&b"a ".repeat(names)[..], b">"].concat();
            let mut structural = Structural::default();
            for at in (0..bytes.len() - 32).step_by(2) {
                structural.seek(&bytes, at);
                prop_assert_eq!(structural.next_before(&bytes, at + 16), None);
                prop_assert!(structural.from + structural.word * WORD <= at + 16);
            }
        }

        #[test]
        fn every_byte_is_marked_or_not(block in proptest::collection::vec(any::<u8>(), WORD)) {
            let block: [u8; WORD] = block.as_slice().try_into().expect("as many");
            let expected = block.iter().rev().fold(0_u64, |marks, &byte| marks << 1 | u64::from(is_structural(byte)));
            prop_assert_eq!(marks(&block), expected);
        }
    }
}

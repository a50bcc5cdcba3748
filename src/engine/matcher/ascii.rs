//! Sixty-four bytes at a time: which are ASCII, which of those are letters or digits, and where words
//! begin that may be a phrase's. Of almost all words of a text three letters tell that they are not.

use wide::u8x16;

use super::vector::Vector;

/// Bytes of a block.
pub(super) const BLOCK_BYTES: usize = 64;

/// What is known of a block's bytes, a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Number of ASCII bytes at its beginning.
    pub(super) ascii: usize,
    /// Letters and digits among those.
    pub(super) letters: u64,
    /// Where a word of a phrase that has more than one letter may begin, if a word begins and ends in
    /// the block.
    pub(super) beginnings: u64,
    /// Where a letter stands three times in a row.
    pub(super) rows: u64,
}

/// What is known of any bytes, a bit each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Masks {
    /// No ASCII.
    pub(super) other: u64,
    /// Letters and digits.
    pub(super) letters: u64,
    /// Here and in the two bytes behind may stand the first bytes of a word.
    pub(super) beginnings: u64,
    /// Here and in the two bytes behind stands one letter, in either case.
    pub(super) rows: u64,
}

/// The first three bytes of words, in eight groups of words that are near each other in order.
#[derive(Debug, Default)]
pub(super) struct Beginnings {
    /// For the first byte, the second, the third: a bit for each group that has such a one there, by
    /// its lower half and by its upper half.
    pub(super) by_place: [[[u8; 16]; 2]; 3],
}

impl Beginnings {
    /// Collects the beginnings of words in lower case, which come in order. Words of one letter are left
    /// out: many a phrase has them, for the case that it is spelled.
    pub(super) fn new(words: &[Box<str>]) -> Self {
        let mut beginnings = Self::default();
        for (number, word) in words.iter().enumerate().filter(|word| word.1.len() > 1) {
            let group = 1 << (8 * number / words.len());
            for (place, [low, high]) in beginnings.by_place.iter_mut().enumerate() {
                match word.as_bytes().get(place) {
                    Some(byte @ 0..0x80) => {
                        low[usize::from(byte & 0xF)] |= group;
                        high[usize::from(byte >> 4)] |= group;
                    }
                    // Whatever stands there.
                    Some(_) | None => low.iter_mut().chain(high).for_each(|groups| *groups |= group),
                }
            }
        }
        beginnings
    }
}

impl Block {
    /// Looks at the first [`BLOCK_BYTES`] bytes, or fewer.
    #[inline(always)]
    pub(super) fn new(bytes: &[u8], beginnings: &Beginnings, vector: Option<Vector>) -> Self {
        match bytes.first_chunk() {
            Some(block) => Self::of(block, BLOCK_BYTES, beginnings, vector),
            None => {
                let mut block = [0; BLOCK_BYTES];
                block[..bytes.len()].copy_from_slice(bytes);
                Self::of(&block, bytes.len(), beginnings, vector)
            }
        }
    }

    #[inline(always)]
    fn of(block: &[u8; BLOCK_BYTES], length: usize, beginnings: &Beginnings, vector: Option<Vector>) -> Self {
        let masks = match vector {
            Some(vector) => vector.masks(block, beginnings),
            None => masks(block),
        };
        let ascii = (masks.other.trailing_zeros() as usize).min(length);
        Self { ascii, letters: masks.letters & first(ascii), beginnings: masks.beginnings, rows: masks.rows }
    }
}

/// Number of ASCII bytes at the beginning that are neither letter nor digit.
#[inline(always)]
pub(super) fn signs(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|&&byte| IS_SIGN[usize::from(byte)]).count()
}

const IS_SIGN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = !(byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

/// Where the words begin in which any of some places is, of all places where one begins.
#[inline(always)]
pub(super) fn starts_of(mut places: u64, starts: u64) -> u64 {
    let mut found = 0;
    while places != 0 {
        let before = starts & (places ^ (places - 1));
        found |= before & 1_u64.unbounded_shl(before.checked_ilog2().unwrap_or(u64::BITS));
        places &= places - 1;
    }
    found
}

/// A word that is spelled has so many letters at least, each a word.
pub(super) const SPELLED_MIN: u32 = 4;

/// Which of the words of one letter, `singles`, stand in a row with as many others as a word has that is
/// spelled, or may with what is before and behind. `others` is where other words begin. `before` is how
/// many stand in a row before all of these, and becomes what they are to the next.
#[inline(always)]
pub(super) fn spelled(singles: u64, others: u64, before: &mut u32) -> u64 {
    if singles == 0 {
        *before = if others == 0 { *before } else { 0 };
        return 0;
    }
    let (mut spelled, mut row, mut count) = (0, 0, *before);
    let (mut rest, mut passed) = (singles, 0);
    while rest != 0 {
        let up_to = rest ^ (rest - 1);
        if others & up_to & !passed != 0 {
            spelled |= if count >= SPELLED_MIN { row } else { 0 };
            (row, count) = (0, 0);
        }
        row |= rest & up_to;
        count += 1;
        passed = up_to;
        rest &= rest - 1;
    }
    let goes_on = others & !passed == 0;
    *before = if goes_on { count.min(SPELLED_MIN) } else { 0 };
    spelled | if goes_on || count >= SPELLED_MIN { row } else { 0 }
}

/// The lowest `count` bits.
#[inline(always)]
pub(super) fn first(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

/// What is known of each byte; any word may be a phrase's.
#[inline(always)]
pub(super) fn masks(block: &[u8; BLOCK_BYTES]) -> Masks {
    let (mut other, mut letters) = (0, 0);
    let rows = block.windows(3).enumerate().fold(0, |rows, (at, three)| {
        let alike = three.iter().all(|byte| byte.is_ascii_alphabetic() && byte.eq_ignore_ascii_case(&three[0]));
        rows | u64::from(alike) << at
    });
    let (quarters, _) = block.as_chunks::<16>();
    for (number, quarter) in quarters.iter().enumerate() {
        let bytes = u8x16::new(*quarter);
        // So far behind the first of a range, and no farther than its last: that is in the range.
        let within = |bytes: u8x16, from: u8, last: u8| {
            let offset = bytes - u8x16::splat(from);
            offset.min(u8x16::splat(last)).simd_eq(offset)
        };
        let letter = within(bytes | u8x16::splat(0x20), b'a', 25) | within(bytes, b'0', 9);
        other |= u64::from(bytes.to_bitmask()) << (16 * number);
        letters |= u64::from(letter.to_bitmask()) << (16 * number);
    }
    Masks { other, letters, beginnings: u64::MAX, rows }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_fast_way_and_the_plain_one_agree(bytes in proptest::collection::vec(any::<u8>(), 64)) {
            let block: [u8; BLOCK_BYTES] = bytes.as_slice().try_into().expect("64 of them");
            let bits = |of: fn(&u8) -> bool| bytes.iter().rev().fold(0_u64, |bits, byte| bits << 1 | u64::from(of(byte)));
            let Masks { other, letters, .. } = masks(&block);
            prop_assert_eq!((other, letters), (bits(|byte| !byte.is_ascii()), bits(u8::is_ascii_alphanumeric)));
        }

        #[test]
        fn a_short_block_ends_where_it_ends(bytes in proptest::collection::vec(any::<u8>(), 0..70)) {
            let block = Block::new(&bytes, &Beginnings::default(), Vector::of_this_processor());
            let ascii = bytes.iter().take(BLOCK_BYTES).take_while(|byte| byte.is_ascii()).count();
            prop_assert_eq!(block.ascii, ascii);
            for (at, byte) in bytes.iter().take(ascii).enumerate() {
                prop_assert_eq!(block.letters >> at & 1 != 0, byte.is_ascii_alphanumeric());
            }
        }

        #[test]
        fn no_letter_of_a_word_that_is_spelled_is_passed_over(
            words in proptest::collection::vec(any::<Option<bool>>(), 0..200),
            before in 0..=3_u32,
        ) {
            // A place a word, or none; 64 of them at a time.
            let mut kept = Vec::new();
            let mut state = before;
            for block in words.chunks(64) {
                let bits = |of: Option<bool>| block.iter().rev().fold(0_u64, |all, &word| all << 1 | u64::from(word == of));
                let found = spelled(bits(Some(true)), bits(Some(false)), &mut state);
                kept.extend((0..block.len()).map(|at| found >> at & 1 != 0));
            }
            for (at, _) in words.iter().enumerate().filter(|word| *word.1 == Some(true)) {
                let row = |other: &&Option<bool>| **other != Some(false);
                let singles = |words: &mut dyn Iterator<Item = &Option<bool>>| words.filter(|word| **word == Some(true)).count();
                let ahead = singles(&mut words[at..].iter().take_while(row));
                let behind = singles(&mut words[..at].iter().rev().take_while(row));
                let to_the_start = words[..at].iter().all(|word| *word != Some(false));
                let in_all = ahead + behind + if to_the_start { before as usize } else { 0 };
                prop_assert!(kept[at] || in_all < SPELLED_MIN as usize, "{at}");
            }
        }

        #[test]
        fn no_word_of_a_phrase_is_passed_over(
            mut words in proptest::collection::vec("[a-d0-3é]{2,5}", 1..30),
            text in "[a-dA-D0-3 .]{0,70}",
        ) {
            words.sort_unstable();
            let words: Vec<Box<str>> = words.into_iter().map(Box::from).collect();
            let block = Block::new(text.as_bytes(), &Beginnings::new(&words), Vector::of_this_processor());
            let text = &text[..block.ascii];
            let mut from = 0;
            for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
                let known = words.iter().any(|other| **other == *word.to_ascii_lowercase());
                let ends_here = from + word.len() < block.ascii;
                prop_assert!(!known || !ends_here || block.beginnings >> from & 1 != 0, "{word}");
                let drawn_out = word.as_bytes().windows(3).any(|three| {
                    three.iter().all(|byte| byte.is_ascii_alphabetic() && byte.eq_ignore_ascii_case(&three[0]))
                });
                let starts = starts_of(block.rows & block.letters, block.letters & !(block.letters << 1));
                let begins = ends_here && starts >> from & 1 != 0;
                prop_assert!(!ends_here || word.is_empty() || drawn_out == begins, "{word}");
                from += word.len() + 1;
            }
        }
    }
}

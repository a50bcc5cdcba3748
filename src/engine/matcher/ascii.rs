//! Sixty-four bytes at a time: which are ASCII, and which of those are letters or digits.

use wide::u8x16;

#[cfg(target_arch = "x86_64")]
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
}

impl Block {
    /// Looks at the first [`BLOCK_BYTES`] bytes, or fewer.
    #[inline(always)]
    pub(super) fn new(bytes: &[u8]) -> Self {
        match bytes.first_chunk() {
            Some(block) => Self::of(block, BLOCK_BYTES),
            None => {
                let mut block = [0; BLOCK_BYTES];
                block[..bytes.len()].copy_from_slice(bytes);
                Self::of(&block, bytes.len())
            }
        }
    }

    #[inline(always)]
    fn of(block: &[u8; BLOCK_BYTES], length: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        let (other, letters) = Vector::of_this_processor().map_or_else(|| masks(block), |vector| vector.masks(block));
        #[cfg(not(target_arch = "x86_64"))]
        let (other, letters) = masks(block);
        let ascii = (other.trailing_zeros() as usize).min(length);
        Self { ascii, letters: letters & first(ascii) }
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

/// The lowest `count` bits.
#[inline(always)]
pub(super) fn first(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

/// Bytes that are not ASCII, and letters and digits.
#[inline(always)]
pub(super) fn masks(block: &[u8; BLOCK_BYTES]) -> (u64, u64) {
    let (mut other, mut letters) = (0, 0);
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
    (other, letters)
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
            prop_assert_eq!(masks(&block), (bits(|byte| !byte.is_ascii()), bits(u8::is_ascii_alphanumeric)));
        }

        #[test]
        fn a_short_block_ends_where_it_ends(bytes in proptest::collection::vec(any::<u8>(), 0..70)) {
            let block = Block::new(&bytes);
            let ascii = bytes.iter().take(BLOCK_BYTES).take_while(|byte| byte.is_ascii()).count();
            prop_assert_eq!(block.ascii, ascii);
            for (at, byte) in bytes.iter().take(ascii).enumerate() {
                prop_assert_eq!(block.letters >> at & 1 != 0, byte.is_ascii_alphanumeric());
            }
        }
    }
}

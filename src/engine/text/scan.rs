//! Where the next of a few bytes stands.
//!
//! Sixteen bytes at a time and in line: most runs in markup, style sheets and scripts are shorter
//! than what a call of `memchr` costs.

use wide::u8x16;

const LANES: usize = 16;

/// Index of the first byte that is one of `wanted`; the length, if there is none.
#[inline(always)]
pub(super) fn find_any<const N: usize>(bytes: &[u8], wanted: [u8; N]) -> usize {
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<LANES>()) {
        let chunk = u8x16::new(*chunk);
        let hits = wanted.iter().fold(u8x16::ZERO, |hits, &byte| hits | chunk.simd_eq(u8x16::splat(byte)));
        let hits = hits.to_bitmask();
        if hits != 0 {
            return at + hits.trailing_zeros() as usize;
        }
        at += LANES;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| wanted.contains(byte)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::find_any;

    proptest! {
        #[test]
        fn it_is_the_first_of_all(bytes in proptest::collection::vec(0_u8..40, 0..70), wanted in any::<[u8; 3]>()) {
            let wanted = wanted.map(|byte| byte % 80);
            let first = bytes.iter().position(|byte| wanted.contains(byte)).unwrap_or(bytes.len());
            prop_assert_eq!(find_any(&bytes, wanted), first);
        }
    }
}

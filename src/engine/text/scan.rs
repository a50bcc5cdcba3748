//! Where the next of a few bytes stands.
//!
//! Sixteen bytes at a time and in line: most runs in markup, style sheets and scripts are shorter
//! than what a call of `memchr` costs.

use memchr::memchr2;
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

/// The same for runs that are often long, such as the text between tags.
#[inline]
pub(super) fn find_far(bytes: &[u8], [one, other]: [u8; 2]) -> usize {
    /// As far as a call does not pay.
    const NEAR: usize = 64;
    let Some((near, far)) = bytes.split_at_checked(NEAR) else { return find_any(bytes, [one, other]) };
    match find_any(near, [one, other]) {
        NEAR => NEAR + memchr2(one, other, far).unwrap_or(far.len()),
        at => at,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{find_any, find_far};

    proptest! {
        #[test]
        fn it_is_the_first_of_all(bytes in proptest::collection::vec(0_u8..40, 0..70), wanted in any::<[u8; 3]>()) {
            let wanted = wanted.map(|byte| byte % 80);
            let first = bytes.iter().position(|byte| wanted.contains(byte)).unwrap_or(bytes.len());
            prop_assert_eq!(find_any(&bytes, wanted), first);
        }

        #[test]
        fn far_or_near(bytes in proptest::collection::vec(0_u8..200, 0..200), wanted in any::<[u8; 2]>()) {
            prop_assert_eq!(find_far(&bytes, wanted), find_any(&bytes, wanted));
        }
    }
}

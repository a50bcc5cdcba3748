//! The loops that every character of a text goes through, eight at a time, for processors with
//! AVX2; [`Tokens`](super::tokens::Tokens) and [`Anchors`](super::anchors::Anchors) have them for the others.

use std::arch::x86_64::*;

use bytemuck::cast;

use super::{
    anchors::{LANES, PAIR_MULTIPLIER},
    ascii::BLOCK_BYTES,
    plane::{Plane, SPECIAL},
};

/// A processor that has what the code below is compiled for; there is no other way to have one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vector(());

impl Vector {
    /// This processor, if it is one.
    #[inline(always)]
    pub(super) fn of_this_processor() -> Option<Self> {
        let has = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt");
        (has && !cfg!(miri)).then_some(Self(()))
    }

    /// Turns characters of three bytes into codes, up to one that is none or has to be looked at
    /// closely; the bytes read and the codes written. `at` is the place of the first, for `ats`; there is
    /// room for as many codes as characters, and eight.
    #[inline(always)]
    pub(super) fn wide(
        self,
        plane: &Plane,
        bytes: &[u8],
        at: u32,
        codes: &mut [u16],
        ats: &mut [u32],
    ) -> (usize, usize) {
        #[expect(unsafe_code, reason = "the only way to call code for a processor that has been asked what it is")]
        // SAFETY: a `Vector` exists only where the processor has said that it has the features that the
        // function is compiled for. What it does is safe code.
        unsafe {
            wide(plane, bytes, at, codes, ats)
        }
    }

    /// Bytes that are not ASCII, and letters and digits.
    #[inline(always)]
    pub(super) fn masks(self, block: &[u8; BLOCK_BYTES]) -> (u64, u64) {
        #[expect(unsafe_code, reason = "the only way to call code for a processor that has been asked what it is")]
        // SAFETY: as above.
        unsafe {
            masks(block)
        }
    }

    /// A bit for each of eight places that the words let through.
    #[inline(always)]
    pub(super) fn test<const WORDS: usize>(self, words: &[u32; WORDS], window: &[u16; LANES + 2]) -> u32 {
        #[expect(unsafe_code, reason = "the only way to call code for a processor that has been asked what it is")]
        // SAFETY: as above.
        unsafe {
            test(words, window)
        }
    }
}

/// Bytes that are looked at for eight characters.
const WINDOW: usize = 32;

/// How to move those of eight 16-bit numbers together whose bits are set.
static TOGETHER: [[u8; 16]; 256] = {
    let mut table = [[0x80; 16]; 256];
    let mut bits = 0;
    while bits < 256 {
        let (mut lane, mut to) = (0, 0);
        while lane < 8 {
            if bits >> lane & 1 != 0 {
                table[bits][2 * to] = 2 * lane as u8;
                table[bits][2 * to + 1] = 2 * lane as u8 + 1;
                to += 1;
            }
            lane += 1;
        }
        bits += 1;
    }
    table
};

#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn wide(plane: &Plane, bytes: &[u8], at: u32, codes: &mut [u16], ats: &mut [u32]) -> (usize, usize) {
    // Bytes 0 to 11 into the lower half, 12 to 23 into the upper, and each character into 32 bits.
    let halves = _mm256_setr_epi32(0, 1, 2, 2, 3, 4, 5, 5);
    const NONE: i8 = -1;
    let each = _mm256_setr_epi8(
        2, 1, 0, NONE, 5, 4, 3, NONE, 8, 7, 6, NONE, 11, 10, 9, NONE, 2, 1, 0, NONE, 5, 4, 3, NONE, 8, 7, 6, NONE, 11,
        10, 9, NONE,
    );
    let places = _mm_setr_epi16(0, 3, 6, 9, 12, 15, 18, 21);
    let (mut from, mut count) = (0, 0);
    while let (Some(window), Some(codes), Some(ats)) = (
        bytes.get(from..).and_then(|rest| rest.first_chunk::<WINDOW>()),
        codes.get_mut(count..).and_then(|room| room.first_chunk_mut::<8>()),
        ats.get_mut(count..).and_then(|room| room.first_chunk_mut::<8>()),
    ) {
        let window = _mm256_permutevar8x32_epi32(cast(*window), halves);
        let characters = _mm256_shuffle_epi8(window, each);
        let lead = _mm256_and_si256(characters, _mm256_set1_epi32(0xF0_0000));
        let lead = _mm256_cmpeq_epi32(lead, _mm256_set1_epi32(0xE0_0000));
        let lead = _mm256_movemask_ps(_mm256_castsi256_ps(lead)) as u32;
        // The bits that the three bytes carry, put together.
        let bits = _mm256_and_si256(characters, _mm256_set1_epi32(0x0F_3F3F));
        let bits = _mm256_maddubs_epi16(bits, _mm256_set1_epi32(0x01_4001));
        let code_points: [u32; 8] = cast(_mm256_madd_epi16(bits, _mm256_set1_epi32(0x1000_0001)));
        let code = |lane: usize| plane.code(code_points[lane] as u16) as i16;
        let eight = _mm_setr_epi16(code(0), code(1), code(2), code(3), code(4), code(5), code(6), code(7));
        let special = _mm_cmpeq_epi16(eight, _mm_set1_epi16(SPECIAL as i16));
        let special = _mm_movemask_epi8(_mm_packs_epi16(special, special)) as u32 & 0xFF;
        let noise = _mm_movemask_epi8(_mm_packs_epi16(eight, eight)) as u32 & 0xFF;
        // Up to the first that is not for here, all that are no noise.
        let read = (special | !lead).trailing_zeros().min(8);
        let kept = !noise & ((1 << read) - 1);
        let together = cast(TOGETHER[(kept & 0xFF) as usize]);
        *codes = cast(_mm_shuffle_epi8(eight, together));
        let places = _mm256_cvtepu16_epi32(_mm_shuffle_epi8(places, together));
        *ats = cast(_mm256_add_epi32(places, _mm256_set1_epi32((at + from as u32) as i32)));
        count += kept.count_ones() as usize;
        from += 3 * read as usize;
        if read < 8 {
            break;
        }
    }
    (from, count)
}

#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn masks(block: &[u8; BLOCK_BYTES]) -> (u64, u64) {
    // So far behind the first of a range, and no farther than its last: that is in the range.
    let within = |bytes: __m256i, from: u8, last: u8| {
        let offset = _mm256_sub_epi8(bytes, _mm256_set1_epi8(from as i8));
        _mm256_cmpeq_epi8(_mm256_min_epu8(offset, _mm256_set1_epi8(last as i8)), offset)
    };
    let [low, high] = cast::<[u8; BLOCK_BYTES], [__m256i; 2]>(*block).map(|bytes| {
        let letter = within(_mm256_or_si256(bytes, _mm256_set1_epi8(0x20)), b'a', 25);
        let letter = _mm256_or_si256(letter, within(bytes, b'0', 9));
        (_mm256_movemask_epi8(bytes) as u32, _mm256_movemask_epi8(letter) as u32)
    });
    let both = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    (both(low.0, high.0), both(low.1, high.1))
}

#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn test<const WORDS: usize>(words: &[u32; WORDS], window: &[u16; LANES + 2]) -> u32 {
    let from = |first: usize| {
        let eight: [u16; LANES] = std::array::from_fn(|lane| window[first + lane]);
        _mm256_cvtepu16_epi32(cast(eight))
    };
    let (left, right, third) = (from(0), from(1), from(2));
    let pair = _mm256_or_si256(left, _mm256_slli_epi32(right, 16));
    let hash = _mm256_mullo_epi32(pair, _mm256_set1_epi32(PAIR_MULTIPLIER as i32));
    let places = _mm256_srl_epi32(hash, _mm_cvtsi32_si128(32 - WORDS.trailing_zeros() as i32));
    let places: [u32; LANES] = cast(places);
    let word = |lane: usize| words[places[lane] as usize & (WORDS - 1)] as i32;
    let words = _mm256_setr_epi32(word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7));
    let low = _mm256_set1_epi32(31);
    let pair = _mm256_and_si256(_mm256_srli_epi32(hash, 9), low);
    let triple = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi32(hash, 4), third), _mm256_srli_epi32(third, 5));
    let triple = _mm256_and_si256(triple, low);
    let hits = _mm256_or_si256(_mm256_srlv_epi32(words, pair), _mm256_srlv_epi32(words, triple));
    // Of a small set most characters have no code, and one false alarm would be most places.
    let zero = _mm256_setzero_si256();
    let unknown = _mm256_or_si256(_mm256_cmpeq_epi32(left, zero), _mm256_cmpeq_epi32(right, zero));
    let hits = _mm256_slli_epi32(_mm256_andnot_si256(unknown, hits), 31);
    _mm256_movemask_ps(_mm256_castsi256_ps(hits)) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::matcher::{anchors, ascii};

    proptest! {
        #[test]
        fn eight_characters_at_once_are_as_one_by_one(
            text in "[一-三、a\u{1}é\u{10000}]{0,60}",
            noise in 0x4E00_u32..0x4E10,
            special in 0x4E00_u32..0x4E10,
        ) {
            let Some(vector) = Vector::of_this_processor() else { return Ok(()) };
            let plane = Plane::new(|c| match c as u32 {
                c if c == noise => super::super::plane::NOISE,
                c if c == special => SPECIAL,
                c => (c & 0x7FFF) as u16,
            });
            let (mut codes, mut ats) = (vec![0; text.len() + 8], vec![0; text.len() + 8]);
            let (read, count) = vector.wide(&plane, text.as_bytes(), 7, &mut codes, &mut ats);
            let mut expected = Vec::new();
            for (at, c) in text[..read].char_indices() {
                let code = plane.code(c as u16);
                prop_assert!(c.len_utf8() == 3 && code != SPECIAL);
                if code < super::super::plane::NOISE {
                    expected.push((code, at as u32 + 7));
                }
            }
            let written: Vec<(u16, u32)> = codes.into_iter().zip(ats).take(count).collect();
            prop_assert_eq!(written, expected);
            // It stops at a character that is not for it, or where a whole window is not left.
            let next = text[read..].chars().next();
            let stops = next.is_none_or(|c| c.len_utf8() != 3 || plane.code(c as u16) == SPECIAL);
            prop_assert!(stops || text.len() - read < WINDOW);
        }

        #[test]
        fn sixty_four_bytes_at_once_are_as_sixteen(bytes in proptest::collection::vec(any::<u8>(), BLOCK_BYTES)) {
            let Some(vector) = Vector::of_this_processor() else { return Ok(()) };
            let block = bytes.first_chunk().expect("as many");
            prop_assert_eq!(vector.masks(block), ascii::masks(block));
        }

        #[test]
        fn eight_places_at_once_are_as_one_by_one(
            words in proptest::collection::vec(any::<u32>(), 0x400),
            window in any::<[u16; LANES + 2]>(),
            zero in 0..LANES + 2,
        ) {
            let Some(vector) = Vector::of_this_processor() else { return Ok(()) };
            let words: &[u32; 0x400] = words.first_chunk().expect("as many");
            let mut window = window;
            window[zero] = 0;
            prop_assert_eq!(vector.test(words, &window), anchors::test(words, &window));
        }
    }
}

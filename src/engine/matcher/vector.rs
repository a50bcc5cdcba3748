//! The loops that every character of a text goes through, eight at a time, for processors with
//! AVX2; [`Tokens`](super::tokens::Tokens) and [`Anchors`](super::anchors::Anchors) have them for the others.

use std::arch::x86_64::*;

use bytemuck::cast;

use super::{
    anchors::{LANES, PAIR_MULTIPLIER, push_hits},
    ascii::{BLOCK_BYTES, Beginnings, Masks},
    lane_text::{END, shown},
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

    /// What is known of each byte.
    #[inline(always)]
    pub(super) fn masks(self, block: &[u8; BLOCK_BYTES], beginnings: &Beginnings) -> Masks {
        #[expect(unsafe_code, reason = "the only way to call code for a processor that has been asked what it is")]
        // SAFETY: as above.
        unsafe {
            masks(block, beginnings)
        }
    }

    /// Characters in a piece of text behind a byte, as [`shown`] counts them.
    pub(super) fn shown(self, before: u8, bytes: &[u8]) -> u32 {
        #[expect(unsafe_code, reason = "the only way to call code for a processor that has been asked what it is")]
        // SAFETY: as above.
        unsafe {
            shown_by_blocks(before, bytes)
        }
    }

    /// Collects the places that the words let through.
    #[inline(always)]
    pub(super) fn candidates<const WORDS: usize>(self, words: &[u32; WORDS], codes: &[u16], places: &mut Vec<u32>) {
        #[expect(unsafe_code, reason = "the only way to call code for a processor that has been asked what it is")]
        // SAFETY: as above.
        unsafe {
            candidates(words, codes, places)
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

// Not in line: where it is called, there is no register left.
#[inline(never)]
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
        if read < 8 {
            from += 3 * read as usize;
            break;
        }
        // Not by what was read: the next characters would wait for the codes of these.
        from += 24;
    }
    (from, count)
}

// No closures are handed on below: what takes one is compiled for any processor, and cannot be put in line.

#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn masks(block: &[u8; BLOCK_BYTES], beginnings: &Beginnings) -> Masks {
    let [low, high] = cast::<[u8; BLOCK_BYTES], [__m256i; 2]>(*block);
    // What follows each byte is what begins in the next half.
    let (low_places, high_places) = (places_in_words(low, beginnings), places_in_words(high, beginnings));
    let none = [_mm256_setzero_si256(); 3];
    let both = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    Masks {
        other: both(_mm256_movemask_epi8(low) as u32, _mm256_movemask_epi8(high) as u32),
        letters: both(letters(low), letters(high)),
        beginnings: both(beginnings_at(low_places, high_places), beginnings_at(high_places, none)),
        rows: both(rows(low, high), rows(high, none[0])),
    }
}

/// Where one letter stands three times in a row, in either case.
#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn rows(bytes: __m256i, next: __m256i) -> u32 {
    let lower = _mm256_set1_epi8(0x20);
    let (bytes, next) = (_mm256_or_si256(bytes, lower), _mm256_or_si256(next, lower));
    let across = _mm256_permute2x128_si256(bytes, next, 0x21);
    let second = _mm256_cmpeq_epi8(bytes, _mm256_alignr_epi8(across, bytes, 1));
    let third = _mm256_cmpeq_epi8(bytes, _mm256_alignr_epi8(across, bytes, 2));
    let alike = _mm256_and_si256(_mm256_and_si256(second, third), within(bytes, b'a', 25));
    _mm256_movemask_epi8(alike) as u32
}

#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn letters(bytes: __m256i) -> u32 {
    let letters = within(_mm256_or_si256(bytes, _mm256_set1_epi8(0x20)), b'a', 25);
    _mm256_movemask_epi8(_mm256_or_si256(letters, within(bytes, b'0', 9))) as u32
}

/// So far behind the first of a range, and no farther than its last: that is in the range.
#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn within(bytes: __m256i, from: u8, last: u8) -> __m256i {
    let offset = _mm256_sub_epi8(bytes, _mm256_set1_epi8(from as i8));
    _mm256_cmpeq_epi8(_mm256_min_epu8(offset, _mm256_set1_epi8(last as i8)), offset)
}

/// The groups of words that have each byte as their first, as their second, as their third.
#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn places_in_words(bytes: __m256i, beginnings: &Beginnings) -> [__m256i; 3] {
    let bytes = _mm256_or_si256(bytes, _mm256_set1_epi8(0x20));
    let high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0xF));
    let [first, second, third] = &beginnings.by_place;
    [groups(bytes, high, first), groups(bytes, high, second), groups(bytes, high, third)]
}

#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn groups(bytes: __m256i, high: __m256i, [of_low, of_high]: &[[u8; 16]; 2]) -> __m256i {
    let of_low = _mm256_broadcastsi128_si256(cast(*of_low));
    let of_high = _mm256_broadcastsi128_si256(cast(*of_high));
    _mm256_and_si256(_mm256_shuffle_epi8(of_low, bytes), _mm256_shuffle_epi8(of_high, high))
}

/// Where the first, the second and the third byte of some group stand in a row.
#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn beginnings_at([first, second, third]: [__m256i; 3], [_, next_second, next_third]: [__m256i; 3]) -> u32 {
    let second = _mm256_alignr_epi8(_mm256_permute2x128_si256(second, next_second, 0x21), second, 1);
    let third = _mm256_alignr_epi8(_mm256_permute2x128_si256(third, next_third, 0x21), third, 2);
    let none = _mm256_cmpeq_epi8(_mm256_and_si256(_mm256_and_si256(first, second), third), _mm256_setzero_si256());
    !(_mm256_movemask_epi8(none) as u32)
}

#[target_feature(enable = "avx2,popcnt")]
fn shown_by_blocks(before: u8, bytes: &[u8]) -> u32 {
    const BLOCK: usize = 32;
    let Some((&first, _)) = bytes.split_first() else { return 0 };
    let mut total = shown(before, &[first]);
    // Each block, and the byte before it.
    let mut rest = bytes;
    while let Some(behind) = rest.get(1..)
        && let (Some(befores), Some(block)) = (rest.first_chunk::<BLOCK>(), behind.first_chunk::<BLOCK>())
    {
        let (befores, block): (__m256i, __m256i) = (cast(*befores), cast(*block));
        // What goes on a character is below all others, as a signed number.
        let goes_on = _mm256_cmpgt_epi8(_mm256_set1_epi8(0xC0_u8 as i8), block);
        let end = _mm256_cmpeq_epi8(block, _mm256_set1_epi8(END as i8));
        let in_space = _mm256_and_si256(spaces(befores), spaces(block));
        let not_shown = _mm256_or_si256(_mm256_or_si256(goes_on, end), in_space);
        total += BLOCK as u32 - (_mm256_movemask_epi8(not_shown) as u32).count_ones();
        rest = &rest[BLOCK..];
    }
    match rest.split_first() {
        Some((&before, rest)) => total + shown(before, rest),
        None => total,
    }
}

/// White space: what is no greater, but for [`END`].
#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn spaces(bytes: __m256i) -> __m256i {
    let low = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(b' ' as i8)), bytes);
    _mm256_andnot_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(END as i8)), low)
}

#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn candidates<const WORDS: usize>(words: &[u32; WORDS], codes: &[u16], places: &mut Vec<u32>) {
    let (mut rest, mut from) = (codes, 0);
    // Eight places, and two codes behind the last.
    while let Some(window) = rest.first_chunk::<{ LANES + 2 }>() {
        push_hits(test(words, window), from, places);
        rest = &rest[LANES..];
        from += LANES as u32;
    }
    // Nine at most: behind the end there is no code.
    let mut window = [0; LANES + 2];
    window[..rest.len()].copy_from_slice(rest);
    push_hits(test(words, &window), from, places);
}

/// A bit for each of eight places that the words let through.
#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn test<const WORDS: usize>(words: &[u32; WORDS], window: &[u16; LANES + 2]) -> u32 {
    let (Some(left), Some(right), Some(third)) =
        (window.first_chunk::<LANES>(), window[1..].first_chunk::<LANES>(), window[2..].first_chunk::<LANES>())
    else {
        return 0;
    };
    let left = _mm256_cvtepu16_epi32(cast(*left));
    let right = _mm256_cvtepu16_epi32(cast(*right));
    let third = _mm256_cvtepu16_epi32(cast(*third));
    let pair = _mm256_or_si256(left, _mm256_slli_epi32(right, 16));
    let hash = _mm256_mullo_epi32(pair, _mm256_set1_epi32(PAIR_MULTIPLIER as i32));
    let places = _mm256_srl_epi32(hash, _mm_cvtsi32_si128(32 - WORDS.trailing_zeros() as i32));
    let [a, b, c, d, e, f, g, h]: [u32; LANES] = cast(places);
    let words = _mm256_setr_epi32(
        words[a as usize & (WORDS - 1)] as i32,
        words[b as usize & (WORDS - 1)] as i32,
        words[c as usize & (WORDS - 1)] as i32,
        words[d as usize & (WORDS - 1)] as i32,
        words[e as usize & (WORDS - 1)] as i32,
        words[f as usize & (WORDS - 1)] as i32,
        words[g as usize & (WORDS - 1)] as i32,
        words[h as usize & (WORDS - 1)] as i32,
    );
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
            let (fast, plain) = (vector.masks(block, &Beginnings::default()), ascii::masks(block));
            prop_assert_eq!((fast.other, fast.letters, fast.beginnings), (plain.other, plain.letters, 0));
            prop_assert_eq!(fast.rows, plain.rows);
        }

        #[test]
        fn characters_of_many_bytes_at_once_are_as_one_by_one(before in any::<u8>(), text in "[a一é \\n\u{1}\u{10000}]{0,60}") {
            let Some(vector) = Vector::of_this_processor() else { return Ok(()) };
            prop_assert_eq!(vector.shown(before, text.as_bytes()), shown(before, text.as_bytes()));
        }

        #[test]
        fn eight_places_at_once_are_as_one_by_one(
            words in proptest::collection::vec(any::<u32>(), 0x400),
            codes in proptest::collection::vec(prop_oneof![Just(0), any::<u16>()], 0..40),
        ) {
            let Some(vector) = Vector::of_this_processor() else { return Ok(()) };
            let words: &[u32; 0x400] = words.first_chunk().expect("as many");
            let (mut fast, mut plain) = (Vec::new(), Vec::new());
            vector.candidates(words, &codes, &mut fast);
            anchors::collect_plainly(words, &codes, &mut plain);
            prop_assert_eq!(fast, plain);
        }
    }
}

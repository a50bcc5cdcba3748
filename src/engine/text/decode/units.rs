//! UTF-16 → UTF-8, eight units at a time; the units may also come of a table.

use wide::u16x8;

use super::decoded::Decoded;
use crate::base::{Work, run_wide};

/// Units that are looked at together.
pub(super) const UNITS: usize = 8;

const REPLACEMENT: &str = "\u{FFFD}";

/// Which of eight units are of a kind, a bit each from the lowest on.
pub(super) struct Kinds {
    /// ASCII.
    pub(super) ascii: u32,
    /// Three bytes in UTF-8.
    pub(super) three: u32,
}

/// What eight units are.
#[inline(always)]
pub(super) fn kinds(units: [u16; UNITS]) -> Kinds {
    let units = u16x8::new(units);
    let high = units & u16x8::splat(0xF800);
    let short = high.simd_eq(u16x8::ZERO) | high.simd_eq(u16x8::splat(0xD800));
    let ascii = (units & u16x8::splat(0xFF80)).simd_eq(u16x8::ZERO);
    Kinds { ascii: ascii.to_bitmask() & 0xFF, three: !short.to_bitmask() & 0xFF }
}

/// Eight units as three bytes of UTF-8 each; four bytes behind them are written over.
#[inline(always)]
pub(super) fn put_three(units: [u16; UNITS], room: &mut [u8; 4 * UNITS]) {
    let packed = units.map(|unit| {
        let unit = u32::from(unit);
        0x80_80E0 | unit >> 12 | (unit << 2 & 0x3F00) | (unit << 16 & 0x3F_0000)
    });
    for (at, packed) in packed.iter().enumerate() {
        if let Some(place) = room.get_mut(3 * at..).and_then(|room| room.first_chunk_mut::<4>()) {
            *place = packed.to_le_bytes();
        }
    }
}

/// Decodes UTF-16 up to a character that is not whole; the bytes read.
pub(super) fn decode(big_endian: bool, source: &[u8], last: bool, decoded: &mut Decoded) -> usize {
    let mut at = 0;
    loop {
        at += if big_endian {
            run_wide(Run { source: &source[at..], unit: u16::from_be_bytes, decoded })
        } else {
            run_wide(Run { source: &source[at..], unit: u16::from_le_bytes, decoded })
        };
        let unit = |at: usize| {
            let pair = source.get(at..)?.first_chunk::<2>()?;
            Some(if big_endian { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) })
        };
        let left = source.len() - at;
        let (c, bytes) = match (unit(at), unit(at + 2)) {
            (None, _) | (Some(0xD800..=0xDBFF), None) if left == 0 || !last => return at,
            // All that is left of a body is one character that is not whole.
            (None, _) | (Some(0xD800..=0xDBFF), None) => (None, left),
            (Some(high @ 0xD800..=0xDBFF), Some(low @ 0xDC00..=0xDFFF)) => {
                let c = 0x1_0000 + (u32::from(high - 0xD800) << 10) + u32::from(low - 0xDC00);
                (char::from_u32(c), 4)
            }
            (Some(unit), _) => (char::from_u32(unit.into()), 2),
        };
        match c {
            Some(c) => decoded.push(c.encode_utf8(&mut [0; 4])),
            None => decoded.push_sized(REPLACEMENT, bytes, 2),
        }
        at += bytes;
    }
}

/// Decodes ASCII and characters of three bytes; the bytes read.
struct Run<'d, 's, U> {
    source: &'s [u8],
    unit: U,
    decoded: &'d mut Decoded,
}

impl<U: Fn([u8; 2]) -> u16> Work for Run<'_, '_, U> {
    type Output = usize;

    #[inline(always)]
    fn run(self) -> usize {
        let Self { source, unit, decoded } = self;
        let room = decoded.room();
        let (mut at, mut to) = (0, 0);
        while let Some(window) = source.get(at..).and_then(|rest| rest.first_chunk::<{ 2 * UNITS }>())
            && let Some(room) = room.get_mut(to..).and_then(|room| room.first_chunk_mut::<{ 4 * UNITS }>())
        {
            let pairs: [[u8; 2]; UNITS] = bytemuck::cast(*window);
            let units = pairs.map(&unit);
            let kinds = kinds(units);
            if kinds.ascii & 1 != 0 {
                for (place, unit) in room.iter_mut().zip(units) {
                    *place = unit as u8;
                }
                let ascii = kinds.ascii.trailing_ones() as usize;
                if ascii == UNITS {
                    // Not by what was counted: the next units would wait for it.
                    (at, to) = (at + 2 * UNITS, to + UNITS);
                } else {
                    (at, to) = (at + 2 * ascii, to + ascii);
                }
            } else if kinds.three & 1 != 0 {
                put_three(units, room);
                let three = kinds.three.trailing_ones() as usize;
                if three == UNITS {
                    (at, to) = (at + 2 * UNITS, to + 3 * UNITS);
                } else {
                    (at, to) = (at + 2 * three, to + 3 * three);
                }
            } else {
                break;
            }
        }
        decoded.filled(to);
        at
    }
}

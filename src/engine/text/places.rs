//! Where the characters of decoded text stand in the body.
//!
//! Nothing is written down a byte: in every charset nearly all characters take as many bytes as their
//! UTF-8 says ([`Width`]), so a place is worked out when somebody asks for it. The few that are
//! otherwise ([`Odd`]) stand in a list.

use wide::u8x16;

use crate::base::{Work, run_wide};

/// How many bytes of the body a character takes, by how it is written in UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// As many as in UTF-8.
    Same,
    /// One.
    One,
    /// One if it is ASCII, otherwise two.
    OneOrTwo,
    /// Two, and four where UTF-8 has four: UTF-16.
    TwoOrFour,
}

/// A character that takes another number of bytes than its [`Width`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Odd {
    /// Index behind it in the text.
    pub(super) end: u32,
    /// Bytes by which what is behind it stands later than the widths say, in all.
    pub(super) shift: i32,
}

/// Text that a mark is about.
const STRIDE: usize = 64;

/// Text that is looked at together.
const LANES: usize = 16;

/// What is known of [`STRIDE`] bytes of a text, so that a place in them is a matter of counting bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// What the characters that begin before them take.
    before: u32,
    /// Bytes that begin a character.
    begins: u64,
    /// Those of them whose character takes as much again.
    more: u64,
}

/// The places of a block's characters.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    width: Width,
    /// One for each [`STRIDE`] bytes of the text, and one for its end.
    marks: &'a [Mark],
    odd: &'a [Odd],
}

impl<'a> Places<'a> {
    /// The places of a text whose characters are of a width, but for some. `marks` are of
    /// [`mark`] for the same text.
    pub(super) fn new(width: Width, marks: &'a [Mark], odd: &'a [Odd]) -> Self {
        Self { width, marks, odd }
    }

    /// How wide most characters are.
    pub fn width(&self) -> Width {
        self.width
    }

    /// The bytes before the character at an index of the text.
    pub(super) fn offset(&self, text: &[u8], at: usize) -> u64 {
        let at = at.min(text.len());
        let regular = match self.width {
            Width::Same => at as u64,
            Width::One | Width::OneOrTwo | Width::TwoOrFour => self.marks.get(at / STRIDE).map_or(0, |mark| {
                let before = (1 << (at % STRIDE)) - 1;
                let count = (mark.begins & before).count_ones() + (mark.more & before).count_ones();
                u64::from(mark.before + self.width.unit() * count)
            }),
        };
        regular.saturating_add_signed(self.shift(at).into())
    }

    fn shift(&self, at: usize) -> i32 {
        if self.odd.is_empty() {
            return 0;
        }
        let behind = self.odd.partition_point(|odd| odd.end as usize <= at);
        behind.checked_sub(1).and_then(|last| self.odd.get(last)).map_or(0, |last| last.shift)
    }

    /// Whether the character that ends at an index of the text is odd.
    pub fn is_odd(&self, end: usize) -> bool {
        !self.odd.is_empty() && self.odd.binary_search_by_key(&(end as u32), |odd| odd.end).is_ok()
    }

    /// Where the odd characters between two indices of the text end.
    pub fn odd_between(&self, from: usize, to: usize) -> impl Iterator<Item = usize> + use<'a> {
        let first = match self.odd {
            [] => 0,
            odd => odd.partition_point(|odd| odd.end as usize <= from),
        };
        let ends = self.odd.get(first..).unwrap_or_default().iter().map(|odd| odd.end as usize);
        ends.take_while(move |&end| end <= to)
    }
}

/// Writes down the marks of a text.
pub(super) fn mark(width: Width, text: &[u8], marks: &mut Vec<Mark>) {
    marks.clear();
    if width != Width::Same {
        run_wide(Marks { width, text, marks });
    }
}

struct Marks<'t> {
    width: Width,
    text: &'t [u8],
    marks: &'t mut Vec<Mark>,
}

impl Work for Marks<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { width, text, marks } = self;
        let mut before = 0;
        let mut push = |piece: &[u8; STRIDE]| {
            let (mut begins, mut more) = (0, 0);
            for (at, lanes) in piece.chunks_exact(LANES).enumerate() {
                let Some(lanes) = lanes.first_chunk::<LANES>() else { continue };
                let lanes = u8x16::new(*lanes);
                let goes_on = (lanes & u8x16::splat(0xC0)).simd_eq(u8x16::splat(0x80));
                let wide = lanes.max(u8x16::splat(width.more_from())).simd_eq(lanes);
                begins |= u64::from(!goes_on.to_bitmask() & 0xFFFF) << (LANES * at);
                more |= u64::from(wide.to_bitmask() & 0xFFFF) << (LANES * at);
            }
            if width == Width::One {
                more = 0;
            }
            marks.push(Mark { before, begins, more });
            before += width.unit() * (begins.count_ones() + more.count_ones());
        };
        let mut pieces = text.chunks_exact(STRIDE);
        pieces.by_ref().filter_map(|piece| piece.first_chunk()).for_each(&mut push);
        let mut last = [0; STRIDE];
        last.iter_mut().zip(pieces.remainder()).for_each(|(to, from)| *to = *from);
        push(&last);
    }
}

impl Width {
    /// What a character takes that takes least.
    #[inline(always)]
    fn unit(self) -> u32 {
        match self {
            Self::Same | Self::One | Self::OneOrTwo => 1,
            Self::TwoOrFour => 2,
        }
    }

    /// From this first byte on a character takes twice as much.
    #[inline(always)]
    fn more_from(self) -> u8 {
        match self {
            Self::Same | Self::One | Self::OneOrTwo => 0xC0,
            Self::TwoOrFour => 0xF0,
        }
    }

    /// The bytes that a text takes, if none of its characters is odd.
    pub fn of(self, text: &[u8]) -> u64 {
        match self {
            Self::Same => text.len() as u64,
            Self::One | Self::OneOrTwo | Self::TwoOrFour => run_wide(Sum { width: self, text }),
        }
    }
}

struct Sum<'t> {
    width: Width,
    text: &'t [u8],
}

impl Work for Sum<'_> {
    type Output = u64;

    #[inline(always)]
    fn run(self) -> u64 {
        self.text.chunks(STRIDE).map(|piece| u64::from(sum(self.width, piece))).sum()
    }
}

/// The same, of a text so short that the sum fits into a byte.
#[inline(always)]
fn sum(width: Width, text: &[u8]) -> u32 {
    // What a byte counts for: continuations for nothing.
    let begins = |byte: u8| u8::from(byte & 0xC0 != 0x80);
    let more = |byte: u8, from: u8| u8::from(byte >= from);
    u32::from(match width {
        Width::Same | Width::One => text.iter().map(|&byte| begins(byte)).sum::<u8>(),
        Width::OneOrTwo => text.iter().map(|&byte| begins(byte) + more(byte, 0xC0)).sum::<u8>(),
        Width::TwoOrFour => text.iter().map(|&byte| 2 * (begins(byte) + more(byte, 0xF0))).sum::<u8>(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_is_what_stands_before_it(
            text in "[a-zé€一-龥😀]{0,200}",
            width in prop_oneof![
                Just(Width::Same), Just(Width::One), Just(Width::OneOrTwo), Just(Width::TwoOrFour),
            ],
            which in proptest::collection::vec(any::<bool>(), 200),
        ) {
            let wide = |c: char| match width {
                Width::Same => c.len_utf8(),
                Width::One => 1,
                Width::OneOrTwo => 1 + usize::from(!c.is_ascii()),
                Width::TwoOrFour => 2 * c.len_utf16(),
            };
            let (mut marks, mut odd) = (Vec::new(), Vec::new());
            mark(width, text.as_bytes(), &mut marks);
            let mut expected = vec![(0, 0)];
            let (mut offset, mut shift) = (0, 0);
            for ((at, c), is_odd) in text.char_indices().zip(which) {
                if is_odd {
                    shift += 1;
                    odd.push(Odd { end: (at + c.len_utf8()) as u32, shift });
                }
                offset += wide(c) + usize::from(is_odd);
                expected.push((at + c.len_utf8(), offset as u64));
            }
            let places = Places::new(width, &marks, &odd);
            for (at, offset) in expected {
                prop_assert_eq!(places.offset(text.as_bytes(), at), offset);
            }
            prop_assert_eq!(places.odd_between(0, text.len()).count(), odd.len());
        }
    }
}

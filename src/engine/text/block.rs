//! A piece of decoded text that knows where each byte came from, and what lanes are made of it.

use wide::u8x32;

use super::{Stream, places::Places};
use crate::base::{ByteSpan, Work, run_wide};

/// Decoded characters, and where they stand in the body.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// The characters.
    pub text: &'a str,
    /// Offset of the block in the body (after Content-Encoding is undone).
    pub base: u64,
    /// Where each character stands, relative to `base`; `None` where the body is valid UTF-8 itself
    /// and every byte stands for itself.
    pub places: Option<Places<'a>>,
    /// Whether the text has controls that are not white space.
    pub controls: bool,
    /// Whether it may have bidirectional controls.
    pub bidi: bool,
}

impl<'a> Block<'a> {
    /// A block of these parts.
    #[inline]
    pub fn new(text: &'a str, base: u64, places: Option<Places<'a>>) -> Self {
        let (controls, bidi) = run_wide(Controls(text.as_bytes()));
        Self { text, base, places, controls, bidi }
    }
}

/// Whether any byte is a control, and whether any begins a bidirectional one.
struct Controls<'t>(&'t [u8]);

impl Work for Controls<'_> {
    type Output = (bool, bool);

    #[inline(always)]
    fn run(self) -> (bool, bool) {
        /// The first byte of all of them in UTF-8.
        const BIDI: u8 = 0xE2;
        let (blocks, rest) = self.0.as_chunks::<32>();
        // Without a branch, and all that is found is looked at once.
        let mut found = [u8x32::splat(0); 2];
        for block in blocks {
            let bytes = u8x32::new(*block);
            // White space is as far behind a tab as four, and what is no control as far behind NUL as 32.
            let space = bytes - u8x32::splat(0x09);
            let space = space.min(u8x32::splat(4)).simd_eq(space);
            let low = bytes.min(u8x32::splat(0x1F)).simd_eq(bytes);
            found[0] |= (low ^ space) | bytes.simd_eq(u8x32::splat(0x7F));
            found[1] |= bytes.simd_eq(u8x32::splat(BIDI));
        }
        let [controls, bidi] = found.map(|found| found.to_bitmask() != 0);
        (controls | rest.iter().any(|&byte| is_control(byte)), bidi | rest.contains(&BIDI))
    }
}

/// Whether a byte is a control that is not white space.
#[inline(always)]
pub fn is_control(byte: u8) -> bool {
    (byte < 0x20) & (byte.wrapping_sub(0x09) > 0x04) | (byte == 0x7F)
}

impl Block<'_> {
    /// The offset in the body of the character at an index of `text`; at its end, the block's end.
    #[inline]
    pub fn offset(&self, at: usize) -> u64 {
        self.base
            + match &self.places {
                None => at as u64,
                Some(places) => places.offset(self.text.as_bytes(), at),
            }
    }

    /// The place in the body of the text between two indices.
    #[inline]
    pub fn span(&self, from: usize, to: usize) -> ByteSpan {
        ByteSpan { start: self.offset(from), end: self.offset(to) }
    }
}

/// What the markup says about the text on both sides of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Words end here, phrases may go on: `</td><td>`.
    Soft,
    /// Nothing goes on: the end of an attribute value, of a comment, of a script.
    Hard,
}

/// Takes what a document consists of.
pub trait Sink {
    /// Whether anybody reads this stream.
    fn wants(&self, stream: Stream) -> bool;

    /// A run of characters that stand for themselves.
    fn run(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize);

    /// The same, of characters that are only known to be text when the body has been read up to `seen`.
    fn run_later(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize, seen: u64) {
        for (at, c) in block.text[from..to].char_indices() {
            self.character(stream, c, block.span(from + at, from + at + c.len_utf8()), seen);
        }
    }

    /// A run of characters that stand for themselves, and then a hard edge: the body has been read up
    /// to `seen`. The run may be empty.
    fn alone(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize, seen: u64) {
        if from < to {
            self.run(stream, block, from, to);
        }
        self.edge(stream, Edge::Hard, seen);
    }

    /// A character that was written in another way, at `span`; the body has been read up to `seen`.
    fn character(&mut self, stream: Stream, c: char, span: ByteSpan, seen: u64);

    /// Something ends; the body has been read up to `seen`.
    fn edge(&mut self, stream: Stream, edge: Edge, seen: u64);
}

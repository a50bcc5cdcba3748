//! What has been decoded of a piece of the body.

use super::super::{
    block::Block,
    places::{Mark, Odd, Places, Width, mark},
};

/// UTF-8 bytes for each byte of the body, at most: a malformed byte becomes U+FFFD.
const GROWTH_MAX: usize = 3;

/// Room behind the text, so that whole pieces can be stored where only their beginning counts.
const SLACK: usize = 64;

/// Decoded characters, and which of them take another number of bytes than most. Its buffers are
/// used again for the next piece.
#[derive(Default)]
pub(super) struct Decoded {
    /// The first `len` bytes, and room.
    bytes: Vec<u8>,
    len: usize,
    marks: Vec<Mark>,
    odd: Vec<Odd>,
}

impl Decoded {
    /// Begins afresh, with room for what so many bytes decode to.
    pub(super) fn begin(&mut self, source_bytes: usize) {
        let wanted = source_bytes * GROWTH_MAX + SLACK;
        if source_bytes > 0 && self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
        self.len = 0;
        self.odd.clear();
    }

    /// The room behind the text.
    #[inline(always)]
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.len..).unwrap_or_default()
    }

    /// Says that so many bytes of the room have become text.
    #[inline(always)]
    pub(super) fn filled(&mut self, bytes: usize) {
        self.len += bytes;
    }

    /// Appends characters that take as many bytes as most.
    pub(super) fn push(&mut self, text: &str) {
        if self.bytes.len() < self.len + text.len() + SLACK {
            self.bytes.resize(self.len + text.len() + SLACK, 0);
        }
        if let Some(room) = self.room().get_mut(..text.len()) {
            room.copy_from_slice(text.as_bytes());
            self.len += text.len();
        }
    }

    /// Appends a character that takes `bytes`, where most such take `usual`.
    pub(super) fn push_sized(&mut self, text: &str, bytes: usize, usual: u64) {
        self.push(text);
        let more = bytes as i32 - usual as i32;
        if more != 0 {
            let shift = self.odd.last().map_or(0, |last| last.shift);
            self.odd.push(Odd { end: self.len as u32, shift: shift + more });
        }
    }

    /// The text as a block from an offset on; `None` if there is none.
    pub(super) fn block(&mut self, width: Width, base: u64) -> Option<Block<'_>> {
        let text = self.bytes.get(..self.len).unwrap_or_default();
        let text = simdutf8::basic::from_utf8(text).unwrap_or_default();
        debug_assert_eq!(text.len(), self.len, "what is decoded is UTF-8");
        mark(width, text.as_bytes(), &mut self.marks);
        let places = Places::new(width, &self.marks, &self.odd);
        (!text.is_empty()).then(|| Block::new(text, base, Some(places)))
    }

    /// The same, of a text that stands elsewhere.
    pub(super) fn block_of<'t>(&'t mut self, text: &'t str, width: Width, base: u64) -> Block<'t> {
        mark(width, text.as_bytes(), &mut self.marks);
        Block::new(text, base, Some(Places::new(width, &self.marks, &self.odd)))
    }
}

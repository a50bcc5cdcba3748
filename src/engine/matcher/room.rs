//! Bytes with room behind them.
//!
//! Most runs of a page are a few characters long: to copy a piece of fixed length, and to forget
//! what of it is too much, costs a fraction of a copy of just the right length.

use std::ops::Deref;

/// What is at most so long is copied in one piece.
const PIECE: usize = 64;

/// Room is made for so many bytes at least.
const ROOM_MIN: usize = 4 << 10;

/// Bytes to which others are appended.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// The first `len` bytes, and room.
    bytes: Vec<u8>,
    len: usize,
}

impl Room {
    /// Appends what stands between two indices of a text.
    #[inline(always)]
    pub(super) fn extend(&mut self, text: &[u8], from: usize, to: usize) {
        let length = to - from;
        if self.bytes.len() - self.len < length.max(PIECE) {
            self.grow(length);
        }
        match (self.bytes[self.len..].first_chunk_mut::<PIECE>(), text[from..].first_chunk::<PIECE>()) {
            (Some(room), Some(piece)) if length <= PIECE => *room = *piece,
            _ => self.bytes[self.len..self.len + length].copy_from_slice(&text[from..to]),
        }
        self.len += length;
    }

    /// Appends one byte.
    #[inline]
    pub(super) fn push(&mut self, byte: u8) {
        if self.bytes.len() == self.len {
            self.grow(1);
        }
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    /// Drops all bytes, and keeps the room.
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Gives back the room.
    pub(super) fn give_back(&mut self) {
        self.bytes.truncate(self.len);
        self.bytes.shrink_to_fit();
    }

    /// Drops the first bytes.
    pub(super) fn drop_front(&mut self, gone: usize) {
        self.bytes.copy_within(gone..self.len, 0);
        self.len -= gone;
    }

    #[cold]
    fn grow(&mut self, length: usize) {
        let wanted = self.len + length.max(PIECE);
        self.bytes.resize(wanted.next_power_of_two().max(ROOM_MIN), 0);
    }
}

impl Deref for Room {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

//! The text of one lane as far as it is still needed, and where each character of it came from.
//!
//! Runs are copied as they are; places in the body, character counts and excerpts are worked out on
//! demand, because few of the characters that pass are ever asked about.

use std::cell::Cell;

use super::{room::Room, vector::Vector};
use crate::{
    base::ByteSpan,
    engine::text::{Block, Edge, Places, Width, is_control},
};

/// Stands in the text where something ends that a word may not go beyond. Nothing else is stored as
/// this byte; what a body has of such characters is stored as [`INVISIBLE`].
pub(super) const END: u8 = 1;

/// What controls are stored as: like them, it is neither seen nor counted.
const INVISIBLE: char = '\u{2060}';

/// Text of so many bytes is kept behind the scan: for matches (see [`MATCH_BYTES_MAX`]), excerpts and
/// confirmation.
const KEPT_BYTES: usize = 24 << 10;

/// Text is dropped when so much of it has come together.
const DROP_BYTES: usize = 64 << 10;

/// A match that spans more text than this is none: without a bound, invisible characters could make
/// it as long as the body.
pub(super) const MATCH_BYTES_MAX: u32 = 16 << 10;

/// Text of a piece of a body that is not UTF-8, at most.
const WIDE_BYTES_MAX: usize = 1 << 10;

/// Room for so many pieces and edges is made at first.
const PIECES_FIRST: usize = 256;

/// The text of one lane.
#[derive(Debug, Default)]
pub(super) struct LaneText {
    /// UTF-8. The indices of this file are into it.
    bytes: Room,
    pieces: Vec<Piece>,
    edges: Vec<EdgeAt>,
    /// Characters of several bytes that are not shown, by index.
    unseen: Vec<u32>,
    /// Characters before `bytes`.
    dropped: u32,
    /// The last byte before `bytes`.
    before: u8,
    /// Some of it is displayed in another order than it is written in.
    pub(super) turned: bool,
    /// An index, and the number of characters before it: counting goes on from here.
    counted: Cell<(u32, u32)>,
    /// Characters looked at, but for the first time.
    #[cfg(any(test, feature = "oracle"))]
    pub(super) work: Cell<u64>,
}

/// Text that came in one piece.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Index of its first byte.
    at: u32,
    written: Written,
    /// Offset of its first byte in the body.
    start: u64,
}

/// How a piece is written in the body.
#[derive(Clone, Copy, Debug)]
enum Written {
    /// Byte for byte.
    Plainly,
    /// The same, but the body had to be read up to here to know it.
    Later(u64),
    /// In another charset: its characters take as many bytes as this says.
    Wide(Width),
    /// One character in another way, up to `end`; the body had to be read up to `seen` to know it.
    Otherwise { end: u64, seen: u64 },
}

/// Something ends in front of the character at an index.
#[derive(Clone, Copy, Debug)]
pub(super) struct EdgeAt {
    at: u32,
    /// Behind the byte [`END`], if there is one.
    end: u32,
    pub(super) edge: Edge,
    /// The body had been read up to here.
    seen: u64,
}

impl LaneText {
    /// Begins afresh, in the same buffers.
    pub(super) fn restart(&mut self) {
        let Self { mut bytes, mut pieces, mut edges, mut unseen, .. } = std::mem::take(self);
        bytes.clear();
        pieces.clear();
        edges.clear();
        unseen.clear();
        *self = Self { bytes, pieces, edges, unseen, ..Self::default() };
    }

    /// Appends characters that stand for themselves. It is not put in line, nor is what follows: the
    /// loops that call it would have no register left to themselves.
    #[inline(never)]
    pub(super) fn run(&mut self, block: &Block<'_>, from: usize, to: usize) {
        if block.controls {
            self.run_with_controls(block, from, to);
        } else {
            self.plain_run(block, from, to);
        }
    }

    /// Appends characters that stand for themselves, and then a hard edge; the body has been read up
    /// to `seen`.
    #[inline(never)]
    pub(super) fn alone(&mut self, block: &Block<'_>, from: usize, to: usize, seen: u64) {
        let text = block.text.as_bytes();
        let plain = !block.controls && block.places.is_none();
        if !plain || from == to || text[to - 1] <= b' ' {
            if from < to {
                self.run(block, from, to);
            }
            return self.edge(Edge::Hard, seen);
        }
        let at = self.bytes.len() as u32;
        self.bytes.extend(text, from, to);
        self.bytes.push(END);
        self.push_piece(Piece { at, written: Written::Plainly, start: block.base + from as u64 });
        let end = at + (to - from) as u32;
        self.push_edge(EdgeAt { at: end, end: end + 1, edge: Edge::Hard, seen });
    }

    #[cold]
    fn run_with_controls(&mut self, block: &Block<'_>, mut from: usize, to: usize) {
        while let Some(plain) = block.text.as_bytes()[from..to].iter().position(|&byte| is_control(byte)) {
            let at = from + plain;
            self.plain_run(block, from, at);
            let span = block.span(at, at + 1);
            self.character(INVISIBLE, span, span.end);
            from = at + 1;
        }
        self.plain_run(block, from, to);
    }

    #[inline(always)]
    fn plain_run(&mut self, block: &Block<'_>, from: usize, to: usize) {
        if let Some(places) = &block.places {
            return self.run_of_places(block, places, from, to);
        }
        let at = self.bytes.len() as u32;
        let start = block.base + from as u64;
        let goes_on = self.pieces.last().is_some_and(|last| {
            matches!(last.written, Written::Plainly) && last.start + u64::from(at - last.at) == start
        });
        if !goes_on {
            self.push_piece(Piece { at, written: Written::Plainly, start });
        }
        self.bytes.extend(block.text.as_bytes(), from, to);
    }

    /// The same, of a body that is not UTF-8. The pieces are short: a place in one is found by counting
    /// from its beginning.
    fn run_of_places(&mut self, block: &Block<'_>, places: &Places<'_>, mut from: usize, to: usize) {
        let text = block.text.as_bytes();
        for end in places.odd_between(from, to).chain([to]) {
            if from == end {
                break;
            }
            let is_odd = places.is_odd(end);
            let odd = if is_odd { boundary(text, end as u32 - 1) as usize } else { end };
            while from < odd {
                let next = boundary(text, odd.min(from + WIDE_BYTES_MAX) as u32) as usize;
                let at = self.bytes.len() as u32;
                self.push_piece(Piece { at, written: Written::Wide(places.width()), start: block.offset(from) });
                self.bytes.extend(text, from, next);
                from = next;
            }
            if let Some(c) = block.text.get(odd..end).and_then(|odd| odd.chars().next()) {
                let span = block.span(odd, end);
                self.character(c, span, span.end);
            }
            from = end;
        }
    }

    /// Appends characters that stand for themselves, but had to be read up to `seen` to be known.
    pub(super) fn run_later(&mut self, block: &Block<'_>, from: usize, to: usize, seen: u64) {
        if block.controls || block.places.is_some() {
            for (at, c) in block.text[from..to].char_indices() {
                self.character(c, block.span(from + at, from + at + c.len_utf8()), seen);
            }
        } else if from < to {
            let start = block.base + from as u64;
            self.turned |= self.pieces.last().is_some_and(|last| last.start > start);
            self.push_piece(Piece { at: self.bytes.len() as u32, written: Written::Later(seen), start });
            self.bytes.extend(block.text.as_bytes(), from, to);
        }
    }

    /// Appends one character that stands at `span`; the body has been read up to `seen`.
    pub(super) fn character(&mut self, c: char, span: ByteSpan, seen: u64) {
        let c = if u8::try_from(c).is_ok_and(is_control) { INVISIBLE } else { c };
        let at = self.bytes.len() as u32;
        self.turned |= self.pieces.last().is_some_and(|last| last.start > span.start);
        self.push_piece(Piece { at, written: Written::Otherwise { end: span.end, seen }, start: span.start });
        if let Ok(byte @ 0..0x80) = u8::try_from(c) {
            return self.bytes.push(byte);
        }
        let mut encoded = [0; 4];
        let length = c.encode_utf8(&mut encoded).len();
        self.bytes.extend(&encoded, 0, length);
    }

    #[inline]
    fn push_piece(&mut self, piece: Piece) {
        if self.pieces.len() == self.pieces.capacity() {
            // Growing from one to hundreds would cost a page of usual size more than what it is for.
            self.pieces.reserve(PIECES_FIRST.max(self.pieces.len()));
        }
        self.pieces.push(piece);
    }

    /// Something ends here.
    #[inline(never)]
    pub(super) fn edge(&mut self, edge: Edge, seen: u64) {
        let at = self.bytes.len() as u32;
        if self.bytes.last().is_some_and(|&last| last > b' ') {
            // It has no place of its own in the body: it goes on from what is before it.
            self.bytes.push(END);
        } else {
            // No word ends here, and that is all that a soft edge says.
            let known = self.edges.last().is_some_and(|last| last.end == at && last.edge == Edge::Hard);
            if known || edge == Edge::Soft {
                return;
            }
        }
        self.push_edge(EdgeAt { at, end: self.bytes.len() as u32, edge, seen });
    }

    #[inline]
    fn push_edge(&mut self, edge: EdgeAt) {
        if self.edges.len() == self.edges.capacity() {
            self.edges.reserve(PIECES_FIRST.max(self.edges.len()));
        }
        self.edges.push(edge);
    }

    /// Whether nothing has come.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The text.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The first edge at `from` or behind it and not behind `to`; a hard one, if there is any.
    pub(super) fn edge_between(&self, from: u32, to: u32) -> Option<EdgeAt> {
        let first = self.edges.partition_point(|edge| edge.at < from);
        let between = self.edges[first..].iter().take_while(|edge| edge.at <= to);
        between.copied().reduce(|known, next| if known.edge == Edge::Hard { known } else { next_if_hard(known, next) })
    }

    /// Notes that the character at an index is not shown.
    pub(super) fn note_unseen(&mut self, at: u32) {
        if self.unseen.last().is_none_or(|&last| last < at) {
            self.unseen.push(at);
        }
    }

    /// The character at an index, and the index behind it.
    #[inline]
    pub(super) fn character_at(&self, at: u32) -> Option<(char, u32)> {
        #[cfg(any(test, feature = "oracle"))]
        self.work.set(self.work.get() + 1);
        let (c, length) = decode(self.bytes.get(at as usize..)?)?;
        Some((c, at + length))
    }

    fn piece(&self, at: u32) -> Option<&Piece> {
        let behind = self.pieces.partition_point(|piece| piece.at <= at);
        self.pieces.get(behind.checked_sub(1)?)
    }

    /// Where the character between two indices stands in the body.
    pub(super) fn span(&self, at: u32, end: u32) -> ByteSpan {
        let Some(piece) = self.piece(at) else { return ByteSpan::default() };
        let (from, to) = (at - piece.at, end - piece.at);
        match piece.written {
            Written::Plainly | Written::Later(_) => {
                ByteSpan { start: piece.start + u64::from(from), end: piece.start + u64::from(to) }
            }
            Written::Wide(width) => {
                let width =
                    |from: u32, to: u32| width.of(self.bytes.get(from as usize..to as usize).unwrap_or_default());
                let start = piece.start + width(piece.at, at);
                ByteSpan { start, end: start + width(at, end) }
            }
            Written::Otherwise { end, .. } => ByteSpan { start: piece.start, end },
        }
    }

    /// Offset of the first byte of what begins at an index: characters may stand in another order
    /// than that of display.
    pub(super) fn start_of_rest(&self, at: u32) -> Option<u64> {
        let (_, end) = self.character_at(at)?;
        if !self.turned {
            return Some(self.span(at, end).start);
        }
        let behind = self.pieces.partition_point(|piece| piece.at <= at);
        let starts = self.pieces[behind..].iter().map(|piece| piece.start);
        Some(starts.fold(self.span(at, end).start, u64::min))
    }

    /// What the body had to be read up to, to know the character between two indices.
    pub(super) fn seen(&self, at: u32, end: u32) -> u64 {
        match self.piece(at).map(|piece| piece.written) {
            Some(Written::Later(seen) | Written::Otherwise { seen, .. }) => seen,
            Some(Written::Plainly | Written::Wide(_)) | None => self.span(at, end).end,
        }
    }

    /// What the body had to be read up to, to know that something ends at an index: by the edge there,
    /// or else by the character there.
    pub(super) fn seen_end(&self, at: u32) -> u64 {
        let first = self.edges.partition_point(|edge| edge.at < at);
        if let Some(edge) = self.edges.get(first).filter(|edge| edge.at == at) {
            return edge.seen;
        }
        self.character_at(at).map_or(0, |(_, end)| self.seen(at, end))
    }

    /// Number of characters before an index. White space in a row counts as one, what is not shown
    /// does not count.
    pub(super) fn count(&self, at: u32) -> u32 {
        let at = at.min(self.bytes.len() as u32);
        let (from, known) = self.counted.get();
        let count =
            if at >= from { known + self.count_between(from, at) } else { known - self.count_between(at, from) };
        self.counted.set((at, count));
        count
    }

    fn count_between(&self, from: u32, to: u32) -> u32 {
        let (from, to) = (from as usize, to as usize);
        if from >= to {
            return 0;
        }
        // A block of so many bytes costs about what a character costs.
        #[cfg(any(test, feature = "oracle"))]
        self.work.set(self.work.get() + 1 + (to - from) as u64 / 64);
        let before = if from == 0 { self.before } else { self.bytes[from - 1] };
        let bytes = &self.bytes[from..to];
        let unseen = self.unseen.partition_point(|&at| (at as usize) < to)
            - self.unseen.partition_point(|&at| (at as usize) < from);
        if let Some(vector) = Vector::of_this_processor() {
            return vector.shown(before, bytes) - unseen as u32;
        }
        shown(before, bytes) - unseen as u32
    }

    /// Number of characters so far.
    pub(super) fn characters(&self) -> u32 {
        self.count(self.bytes.len() as u32)
    }

    /// Index of the character with a number, as far as it is kept; the end, if it has not come.
    fn index_of(&self, character: u32) -> u32 {
        const STRIDE: u32 = 256;
        let end = self.bytes.len() as u32;
        let (known, count) = self.counted.get();
        let mut at = if count <= character { known } else { 0 };
        while at + STRIDE < end && self.count(at + STRIDE) <= character {
            at += STRIDE;
        }
        // Behind the last character that is before it.
        while let Some((_, next)) = self.character_at(boundary(&self.bytes, at)) {
            if self.count(next) > character {
                return boundary(&self.bytes, at);
            }
            at = next;
        }
        end
    }

    /// What the body had been read up to when the text first had a character with this number;
    /// `None` if it has not come, or is not kept.
    pub(super) fn seen_of(&self, character: u32) -> Option<u64> {
        if character < self.dropped || character >= self.characters() {
            return None;
        }
        let at = self.index_of(character);
        let (_, end) = self.character_at(at)?;
        Some(self.seen(at, end))
    }

    /// The characters from one number to another that were known when the body had been read up to
    /// `seen`, as far as they are kept: white space as one space, without what is not shown.
    pub(super) fn excerpt(&self, from: u32, to: u32, seen: u64) -> String {
        let mut text = String::new();
        let mut at = self.index_of(from.max(self.dropped));
        let end = self.index_of(to.max(self.dropped));
        while at < end
            && let Some((c, next)) = self.character_at(at)
            && (c == char::from(END) || self.seen(at, next) <= seen)
        {
            if c == char::from(END) {
                // Nothing that is shown.
            } else if c.is_whitespace() {
                if !text.ends_with(' ') {
                    text.push(' ');
                }
            } else if self.unseen.binary_search(&at).is_err() {
                text.push(c);
            }
            at = next;
        }
        text
    }

    /// Drops old text, if much has come together: how many bytes of it. Every index is less by that.
    pub(super) fn drop_old(&mut self) -> u32 {
        if self.bytes.len() <= DROP_BYTES { 0 } else { self.drop_all_old() }
    }

    /// Drops all that is not needed, and gives back the room; returns by how much indices become smaller.
    pub(super) fn give_back(&mut self) -> u32 {
        let gone = self.drop_all_old();
        self.bytes.give_back();
        self.pieces.shrink_to_fit();
        self.edges.shrink_to_fit();
        self.unseen.shrink_to_fit();
        gone
    }

    fn drop_all_old(&mut self) -> u32 {
        if self.bytes.len() <= KEPT_BYTES {
            return 0;
        }
        let mut gone = self.bytes.len() - KEPT_BYTES;
        while !is_boundary(self.bytes[gone]) {
            gone -= 1;
        }
        if gone == 0 {
            return 0;
        }
        let dropped = self.count(gone as u32);
        self.before = self.bytes[gone - 1];
        self.dropped = dropped;
        self.drop_pieces(gone as u32);
        self.bytes.drop_front(gone);
        let gone = gone as u32;
        self.counted.set((0, dropped));
        self.edges.drain(..self.edges.partition_point(|edge| edge.at < gone));
        for edge in &mut self.edges {
            edge.at -= gone;
            edge.end -= gone;
        }
        self.unseen.drain(..self.unseen.partition_point(|&at| at < gone));
        self.unseen.iter_mut().for_each(|at| *at -= gone);
        gone
    }

    /// Forgets where the first bytes came from.
    fn drop_pieces(&mut self, gone: u32) {
        let first = self.pieces.partition_point(|piece| piece.at <= gone).saturating_sub(1);
        self.pieces.drain(..first);
        if let Some(piece) = self.pieces.first_mut()
            && piece.at < gone
        {
            match piece.written {
                Written::Plainly | Written::Later(_) => piece.start += u64::from(gone - piece.at),
                Written::Wide(width) => {
                    let cut = self.bytes.get(piece.at as usize..gone as usize);
                    piece.start += width.of(cut.unwrap_or_default());
                }
                Written::Otherwise { .. } => {}
            }
            piece.at = gone;
        }
        self.pieces.iter_mut().for_each(|piece| piece.at -= gone);
    }
}

fn next_if_hard(known: EdgeAt, next: EdgeAt) -> EdgeAt {
    if next.edge == Edge::Hard { next } else { known }
}

#[inline(always)]
fn is_space(byte: u8) -> bool {
    (byte <= b' ') & (byte != END)
}

#[inline(always)]
fn is_boundary(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

/// The beginning of the character that an index is in, or behind.
fn boundary(bytes: &[u8], at: u32) -> u32 {
    let mut at = at as usize;
    while at > 0 && bytes.get(at).is_some_and(|&byte| !is_boundary(byte)) {
        at -= 1;
    }
    at as u32
}

/// Characters in a piece of text: those that white space precedes are not counted if they are white
/// space themselves.
pub(super) fn shown(mut before: u8, bytes: &[u8]) -> u32 {
    let mut total = 0;
    for &byte in bytes {
        total += u32::from(is_boundary(byte) & (byte != END) & !(is_space(byte) & is_space(before)));
        before = byte;
    }
    total
}

/// The first character of UTF-8 that is known to be valid, and its length.
#[inline]
pub(super) fn decode(bytes: &[u8]) -> Option<(char, u32)> {
    let tail = |at: usize| bytes.get(at).map_or(0, |&byte| u32::from(byte & 0x3F));
    let first = u32::from(*bytes.first()?);
    let (code_point, length) = match first {
        0..0x80 => (first, 1),
        0x80..0xE0 => ((first & 0x1F) << 6 | tail(1), 2),
        0xE0..0xF0 => ((first & 0xF) << 12 | tail(1) << 6 | tail(2), 3),
        _ => ((first & 7) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4),
    };
    Some((char::from_u32(code_point).unwrap_or(char::REPLACEMENT_CHARACTER), length))
}

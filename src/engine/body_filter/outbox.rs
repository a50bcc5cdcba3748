//! Bytes that wait to go out.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

use crate::base::ByteSpan;

/// What becomes of the head of a response that is sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// The body goes out as it was received, or with characters replaced by as many bytes: its
    /// length and coding stand.
    Original,
    /// The body goes out decoded: Content-Encoding and Content-Length go, a strong ETag becomes weak.
    Decoded,
}

/// A queue of bytes, released up to an offset in the decoded body.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pieces: VecDeque<Bytes>,
    /// Offset of the first byte in the queue, in bytes that go out.
    start: u64,
    /// Bytes in the queue.
    len: usize,
    /// For a body that goes out coded: from so many bytes out come so many decoded.
    marks: Option<VecDeque<(u64, u64)>>,
    /// What to replace, in order of place.
    masks: VecDeque<Mask>,
    fill: Fill,
}

/// A span to replace, and whether its first byte was found to be a wide character's.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Mask {
    span: ByteSpan,
    wide: Option<bool>,
}

/// What a masked character is replaced by, in its own charset and length.
#[derive(Debug)]
struct Fill {
    /// `*`, or its UTF-16 unit.
    narrow: Vec<u8>,
    /// `＊`, if the charset has it.
    wide: Vec<u8>,
}

impl Outbox {
    /// An empty queue; `coded` if what goes out is not what is scanned.
    pub(super) fn new(coded: bool) -> Self {
        Self { marks: coded.then(VecDeque::new), ..Self::default() }
    }

    /// Bytes in the queue.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Appends bytes.
    pub(super) fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.len += bytes.len();
            self.pieces.push_back(bytes);
        }
    }

    /// Says that the first `sent` bytes out decode to the first `decoded` bytes exactly.
    pub(super) fn mark(&mut self, sent: u64, decoded: u64) {
        if let Some(marks) = &mut self.marks {
            match marks.back_mut() {
                Some(last) if last.1 == decoded => last.0 = sent,
                _ => marks.push_back((sent, decoded)),
            }
        }
    }

    /// Replaces spans of the body, in its charset. Only for bodies that go out as they are scanned.
    pub(super) fn mask(&mut self, spans: impl IntoIterator<Item = ByteSpan>, encoding: Option<&'static Encoding>) {
        self.masks.extend(spans.into_iter().map(|span| Mask { span, wide: None }));
        self.masks.make_contiguous().sort_unstable();
        if let Some(encoding) = encoding {
            self.fill = Fill::of(encoding);
        }
    }

    /// Lets out everything before an offset of the decoded body.
    pub(super) fn release(&mut self, decoded: u64, out: &mut Vec<Bytes>) {
        let mut limit = decoded;
        if let Some(marks) = &mut self.marks {
            limit = self.start;
            while let Some(mark) = marks.front().copied().filter(|mark| mark.1 <= decoded) {
                limit = mark.0;
                marks.pop_front();
            }
        }
        while self.start < limit {
            let wanted = limit - self.start;
            let Some(piece) = self.pieces.front_mut() else { return };
            let piece =
                if piece.len() as u64 <= wanted { std::mem::take(piece) } else { piece.split_to(wanted as usize) };
            if self.pieces.front().is_some_and(Bytes::is_empty) {
                self.pieces.pop_front();
            }
            let start = self.start;
            self.start += piece.len() as u64;
            self.len -= piece.len();
            out.push(self.masked(start, piece));
        }
    }

    /// Lets out everything.
    pub(super) fn release_all(&mut self, out: &mut Vec<Bytes>) {
        if let Some(marks) = &mut self.marks {
            marks.clear();
            marks.push_back((u64::MAX, 0));
        }
        self.release(u64::MAX, out);
        if let Some(marks) = &mut self.marks {
            marks.clear();
        }
    }

    fn masked(&mut self, start: u64, piece: Bytes) -> Bytes {
        let end = start + piece.len() as u64;
        while self.masks.front().is_some_and(|mask| mask.span.end <= start) {
            self.masks.pop_front();
        }
        if self.masks.front().is_none_or(|mask| mask.span.start >= end) {
            return piece;
        }
        let mut bytes = BytesMut::from(piece);
        for mask in self.masks.iter_mut().take_while(|mask| mask.span.start < end) {
            let from = mask.span.start.max(start);
            let to = mask.span.end.min(end);
            if from < to {
                let target = &mut bytes[(from - start) as usize..(to - start) as usize];
                let wide = *mask.wide.get_or_insert_with(|| self.fill.is_wide(mask.span, target));
                self.fill.apply(wide, (from - mask.span.start) as usize, target);
            }
        }
        bytes.freeze()
    }
}

impl Default for Fill {
    fn default() -> Self {
        Self { narrow: b"*".to_vec(), wide: Vec::new() }
    }
}

impl Fill {
    fn of(encoding: &'static Encoding) -> Self {
        if encoding == UTF_16LE || encoding == UTF_16BE {
            let narrow = if encoding == UTF_16LE { b"*\0" } else { b"\0*" };
            return Self { narrow: narrow.to_vec(), wide: Vec::new() };
        }
        // Most charsets of East Asia have a full-width asterisk: one for one, the page keeps its look.
        let (wide, _, unmappable) = encoding.encode("＊");
        let wide = if unmappable || !encoding.is_ascii_compatible() { Vec::new() } else { wide.into_owned() };
        Self { narrow: b"*".to_vec(), wide }
    }

    /// Whether a span is of characters as wide as the wide fill; `first` are its first bytes.
    fn is_wide(&self, span: ByteSpan, first: &[u8]) -> bool {
        !self.wide.is_empty()
            && span.len().is_multiple_of(self.wide.len() as u64)
            && first.first().is_some_and(|byte| !byte.is_ascii())
    }

    /// Fills part of a masked span, `skipped` bytes behind its beginning.
    fn apply(&self, wide: bool, skipped: usize, target: &mut [u8]) {
        let fill = if wide { &self.wide } else { &self.narrow };
        for (byte, &with) in target.iter_mut().zip(fill.iter().cycle().skip(skipped % fill.len())) {
            *byte = with;
        }
    }
}

//! Plain text, and posted forms.

use memchr::memchr3;

use super::{
    block::{Block, Edge, Sink},
    string::StringText,
};
use crate::engine::text::Stream;

/// Reads plain text.
#[derive(Debug)]
pub(super) struct Plain;

impl Plain {
    /// Takes the next characters.
    pub(super) fn feed(&self, block: &Block<'_>, sink: &mut impl Sink) {
        sink.run(Stream::Text, block, 0, block.text.len());
    }

    /// The document ends.
    pub(super) fn finish(&self, at: u64, sink: &mut impl Sink) {
        sink.edge(Stream::Text, Edge::Hard, at);
    }
}

/// Reads `application/x-www-form-urlencoded` (URL, section 5.1). Names and values stand apart.
#[derive(Debug)]
pub(super) struct Form {
    text: StringText,
}

impl Form {
    /// A reader at the beginning of a form.
    pub(super) fn new() -> Self {
        Self { text: StringText::new(Stream::Text) }
    }

    /// Offset of the first character that has not been handed on.
    pub(super) fn open_from(&self) -> Option<u64> {
        self.text.open_from()
    }

    /// Takes the next characters.
    pub(super) fn feed(&mut self, block: &Block<'_>, sink: &mut impl Sink) {
        let bytes = block.text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let stop = at + memchr3(b'&', b'=', b'+', &bytes[at..]).unwrap_or(bytes.len() - at);
            if stop > at {
                self.text.run(block, at, stop, sink);
            }
            at = stop + 1;
            if stop == bytes.len() {
                break;
            }
            let span = block.span(stop, at);
            if bytes[stop] == b'+' {
                self.text.character(' ', span, span.end, sink);
            } else {
                self.finish(span.end, sink);
            }
        }
    }

    /// The form, or a field of it, ends.
    pub(super) fn finish(&mut self, at: u64, sink: &mut impl Sink) {
        self.text.end(at, sink);
        sink.edge(Stream::Text, Edge::Hard, at);
    }
}

//! Plain text, and event streams.

use memchr::memchr2;

use super::block::{Block, Edge, Sink};
use crate::engine::text::Stream;

/// Reads plain text; of an event stream, the lines without their field name `data:`.
#[derive(Debug)]
pub(super) struct Plain {
    /// Characters of `data:` (and one space) that the line began with; `None` in plain text and
    /// behind the field name.
    field: Option<usize>,
    event_stream: bool,
}

const FIELD: &str = "data: ";

impl Plain {
    pub(super) fn new(event_stream: bool) -> Self {
        Self { field: event_stream.then_some(0), event_stream }
    }

    pub(super) fn feed(&mut self, block: &Block<'_>, sink: &mut impl Sink) {
        let bytes = block.text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if let Some(matched) = self.field {
                // What goes before the colon is the field's name, and the reader never sees it. Any
                // other field is read as it stands: the part of `data: ` that it shares is lost to
                // the scan, and no phrase begins in there.
                if FIELD.as_bytes().get(matched) == Some(&bytes[at]) {
                    at += 1;
                    self.field = Some(matched + 1).filter(|&matched| matched < FIELD.len());
                    continue;
                }
                self.field = None;
            }
            let stop = if self.event_stream { memchr2(b'\n', b'\r', &bytes[at..]) } else { None };
            let stop = stop.map_or(bytes.len(), |found| at + found + 1);
            sink.run(Stream::Text, block, at, stop);
            if self.event_stream && bytes[at..stop].last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
                self.field = Some(0);
            }
            at = stop;
        }
    }

    pub(super) fn finish(&mut self, at: u64, sink: &mut impl Sink) {
        sink.edge(Stream::Text, Edge::Hard, at);
    }
}

//! Documents without markup: scripts, JSON, plain text, event streams.

use memchr::{memchr, memchr2};

use super::{
    block::{Block, Edge, Sink},
    unescape::Unescape,
};
use crate::engine::text::Stream;

/// Reads a script, a style sheet, or JSON: everything is in the script lane, escapes resolved. In
/// JSON nothing goes on from one string to the next.
#[derive(Debug)]
pub(super) struct Script {
    json: bool,
    escape: Unescape,
}

impl Script {
    pub(super) fn new(json: bool) -> Self {
        Self { json, escape: Unescape::default() }
    }

    pub(super) fn open_from(&self) -> Option<u64> {
        self.escape.open_from()
    }

    pub(super) fn feed(&mut self, block: &Block<'_>, sink: &mut impl Sink) {
        let bytes = block.text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if self.escape.open_from().is_none() {
                let rest = &bytes[at..];
                let stop = if self.json { memchr2(b'\\', b'"', rest) } else { memchr(b'\\', rest) };
                let stop = at + stop.unwrap_or(rest.len());
                if stop > at {
                    sink.run(Stream::Script, block, at, stop);
                    at = stop;
                    continue;
                }
            }
            let Some(c) = block.text[at..].chars().next() else { break };
            let next = at + c.len_utf8();
            let span = block.span(at, next);
            at = next;
            if self.escape.active() && self.escape.push(Stream::Script, c, span, sink) {
                continue;
            }
            if c == '\\' {
                self.escape.begin(span);
                continue;
            }
            self.escape.drop_high(Stream::Script, span.end, sink);
            if self.json && c == '"' {
                sink.edge(Stream::Script, Edge::Hard, span.end);
            } else {
                sink.character(Stream::Script, c, span, span.end);
            }
        }
    }

    pub(super) fn finish(&mut self, at: u64, sink: &mut impl Sink) {
        self.escape.finish(Stream::Script, at, sink);
        sink.edge(Stream::Script, Edge::Hard, at);
    }
}

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

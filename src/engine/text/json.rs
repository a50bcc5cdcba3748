//! JSON, JSON lines and JSON-like things: strings with their escapes resolved.

use memchr::memchr;

use super::{
    block::{Block, Edge, Sink},
    scan::find_any,
    string::{StringText, Target},
    unescape::{self, Unescape},
};
use crate::{base::ByteSpan, engine::text::Stream};

/// Reads JSON. No phrase goes on from one string to the next; what stands between strings is read as
/// it stands.
#[derive(Debug)]
pub(super) struct Json {
    stream: Stream,
    /// Strings stand in quotes; otherwise everything is one string.
    quoted: bool,
    in_string: bool,
    escape: Unescape,
    text: StringText,
}

impl Json {
    /// A reader whose strings belong to `stream`.
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, quoted: true, in_string: false, escape: Unescape::default(), text: StringText::new(stream) }
    }

    /// A reader of what may be the inside of such a string.
    pub(super) fn loose(stream: Stream) -> Self {
        Self { quoted: false, in_string: true, ..Self::new(stream) }
    }

    /// Offset of the first character that has not been handed on.
    pub(super) fn open_from(&self) -> Option<u64> {
        self.text.open_from().into_iter().chain(self.escape.open_from()).min()
    }

    /// Takes the characters of a block between two indices.
    pub(super) fn feed_between(&mut self, block: &Block<'_>, from: usize, to: usize, sink: &mut impl Sink) {
        let bytes = &block.text.as_bytes()[..to];
        let mut at = from;
        while at < to {
            if self.escape.open_from().is_none() {
                let next = self.plain(block, at, &bytes[at..], sink);
                if next > at {
                    at = next;
                    continue;
                }
            }
            let Some(c) = block.text[at..].chars().next() else { break };
            let next = at + c.len_utf8();
            let span = block.span(at, next);
            self.character(c, span, span.end, sink);
            at = next;
        }
    }

    /// Takes what stands for itself at the beginning of `rest`, at `from`, and the quote or the simple
    /// escape behind it; where that ends.
    #[inline]
    fn plain(&mut self, block: &Block<'_>, from: usize, rest: &[u8], sink: &mut impl Sink) -> usize {
        let mut at = 0;
        if !self.in_string {
            at = find_any(rest, [b'\\', b'"']);
            if at > 0 {
                sink.run(self.stream, block, from, from + at);
            }
        } else {
            if self.text.is_plain() {
                at = if self.quoted {
                    find_any(rest, [b'\\', b'%', b'<', b'&', b'"', b'\n'])
                } else {
                    find_any(rest, [b'\\', b'%', b'<', b'&'])
                };
                if at > 0 {
                    sink.run(self.stream, block, from, from + at);
                }
            }
            let behind = rest.get(at..).unwrap_or_default();
            let coded = if self.quoted {
                find_any(behind, [b'\\', b'"', b'\n'])
            } else {
                memchr(b'\\', behind).unwrap_or(behind.len())
            };
            if coded > 0 {
                self.text.run(block, from + at, from + at + coded, sink);
                at += coded;
            }
        }
        match rest.get(at) {
            Some(b'"') if self.quoted => {
                self.quote(block.offset(from + at + 1), sink);
                at += 1;
            }
            Some(b'\\') if self.in_string => {
                if let Some((c, length)) = unescape::simple(&rest[at..]) {
                    let span = block.span(from + at, from + at + length);
                    self.text.character(c, span, span.end, sink);
                    at += length;
                }
            }
            _ => {}
        }
        from + at
    }

    #[inline]
    fn quote(&mut self, seen: u64, sink: &mut impl Sink) {
        self.text.end(seen, sink);
        self.in_string = !self.in_string;
        sink.edge(self.stream, Edge::Hard, seen);
    }

    /// Takes one character that was read up to `seen`.
    pub(super) fn character(&mut self, c: char, span: ByteSpan, seen: u64, sink: &mut impl Sink) {
        let mut target = Target::On { text: self.in_string.then_some(&mut self.text), seen, sink };
        if self.escape.active() && self.escape.push(self.stream, c, span, &mut target) {
            return;
        }
        if c == '\\' {
            return self.escape.begin(span);
        }
        self.escape.drop_high(self.stream, seen, &mut target);
        match (c, self.in_string) {
            ('"', _) if self.quoted => self.quote(seen, sink),
            // No string goes on behind the end of a line: what follows a broken one is read again.
            ('\n', true) if self.quoted => {
                self.text.end(seen, sink);
                self.in_string = false;
                sink.edge(self.stream, Edge::Hard, seen);
            }
            (_, true) => self.text.character(c, span, seen, sink),
            (_, false) => sink.character(self.stream, c, span, seen),
        }
    }

    /// The document ends.
    pub(super) fn finish(&mut self, at: u64, sink: &mut impl Sink) {
        let mut target = Target::On { text: self.in_string.then_some(&mut self.text), seen: at, sink };
        self.escape.finish(self.stream, at, &mut target);
        self.text.end(at, sink);
        if self.quoted {
            self.in_string = false;
            sink.edge(self.stream, Edge::Hard, at);
        }
    }
}

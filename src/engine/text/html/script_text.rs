//! The text of a script element: escapes of its strings resolved.

use memchr::memchr;

use crate::{
    base::ByteSpan,
    engine::text::{
        Stream,
        block::{Block, Sink},
        unescape::Unescape,
    },
};

/// Reads scripts.
#[derive(Debug, Default)]
pub(super) struct ScriptText {
    escape: Unescape,
}

impl ScriptText {
    /// Offset of an escape that is being read.
    pub(super) fn open_from(&self) -> Option<u64> {
        self.escape.open_from()
    }

    /// Takes the characters of a block between two indices.
    pub(super) fn feed_between(&mut self, block: &Block<'_>, from: usize, to: usize, sink: &mut impl Sink) {
        let bytes = &block.text.as_bytes()[..to];
        let mut at = from;
        while at < to {
            if self.escape.open_from().is_none() {
                let stop = memchr(b'\\', &bytes[at..]).map_or(to, |found| at + found);
                if stop > at {
                    sink.run(Stream::Script, block, at, stop);
                    at = stop;
                    continue;
                }
            }
            let Some(c) = block.text[at..].chars().next() else { break };
            let span = block.span(at, at + c.len_utf8());
            self.character(c, span, span.end, sink);
            at += c.len_utf8();
        }
    }

    /// Takes one character.
    pub(super) fn character(&mut self, c: char, span: ByteSpan, seen: u64, sink: &mut impl Sink) {
        if self.escape.active() && self.escape.push(Stream::Script, c, span, sink) {
            return;
        }
        if c == '\\' {
            return self.escape.begin(span);
        }
        self.escape.drop_high(Stream::Script, seen, sink);
        sink.character(Stream::Script, c, span, seen);
    }

    /// The script ends.
    pub(super) fn finish(&mut self, seen: u64, sink: &mut impl Sink) {
        self.escape.finish(Stream::Script, seen, sink);
    }
}

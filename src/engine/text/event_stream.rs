//! Server-sent events (HTML, section 9.2): the lines without their field name `data:`, and what they
//! carry read as what it is.

use memchr::memchr2;

use super::{
    block::{Block, Edge, Sink},
    html::Html,
    json::Json,
};
use crate::{base::ByteSpan, engine::text::Stream};

/// Reads an event stream. Everything is text that the page shows.
#[derive(Debug)]
pub(super) struct EventStream {
    line: Line,
    /// The last character was a carriage return.
    carriage_return: bool,
    payload: Payload,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Line {
    /// So many characters of `data: ` were read.
    Field(usize),
    Data,
    /// Another field, or a comment.
    Other,
}

/// What an event carries, by its first character.
#[derive(Debug)]
enum Payload {
    None,
    Html(Box<Html>),
    Json(Box<Json>),
}

const FIELD: &[u8] = b"data: ";

impl EventStream {
    /// A reader at the beginning of a stream.
    pub(super) fn new() -> Self {
        Self { line: Line::Field(0), carriage_return: false, payload: Payload::None }
    }

    /// Offset of the first character that has not been handed on.
    pub(super) fn open_from(&self) -> Option<u64> {
        match &self.payload {
            Payload::None => None,
            Payload::Html(html) => html.open_from(),
            Payload::Json(json) => json.open_from(),
        }
    }

    /// Takes the next characters.
    pub(super) fn feed(&mut self, block: &Block<'_>, sink: &mut impl Sink) {
        let bytes = block.text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if matches!(bytes[at], b'\n' | b'\r') {
                self.end_line(bytes[at], block.span(at, at + 1), sink);
                at += 1;
                continue;
            }
            self.carriage_return = false;
            if let Line::Field(matched) = self.line {
                // What goes before the colon is the field's name, and the reader never sees it. Any
                // other field is read as it stands: the part of `data: ` that it shares is lost to
                // the scan, and no phrase begins in there.
                if FIELD.get(matched) == Some(&bytes[at]) {
                    at += 1;
                    self.line = if matched + 1 < FIELD.len() { Line::Field(matched + 1) } else { Line::Data };
                    continue;
                }
                self.line = if matched + 1 == FIELD.len() { Line::Data } else { Line::Other };
            }
            let stop = at + memchr2(b'\n', b'\r', &bytes[at..]).unwrap_or(bytes.len() - at);
            if self.line == Line::Data {
                self.data(block, at, stop, sink);
            } else {
                sink.run(Stream::Text, block, at, stop);
            }
            at = stop;
        }
    }

    /// The stream ends.
    pub(super) fn finish(&mut self, at: u64, sink: &mut impl Sink) {
        self.end_event(at, sink);
        sink.edge(Stream::Text, Edge::Hard, at);
    }

    fn data(&mut self, block: &Block<'_>, from: usize, to: usize, sink: &mut impl Sink) {
        let bytes = &block.text.as_bytes()[..to];
        let mut at = from;
        if matches!(self.payload, Payload::None) {
            at += bytes[at..].iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(to - at);
            self.payload = match bytes.get(at) {
                None => Payload::None,
                Some(b'{' | b'[' | b'"') => Payload::Json(Box::new(Json::new(Stream::Text))),
                Some(b'<') => Payload::Html(Box::new(Html::nested(Stream::Text))),
                Some(_) => Payload::Json(Box::new(Json::loose(Stream::Text))),
            };
        }
        match &mut self.payload {
            Payload::None => {}
            Payload::Html(html) => html.feed_between(block, at, to, sink),
            Payload::Json(json) => json.feed_between(block, at, to, sink),
        }
    }

    fn end_line(&mut self, byte: u8, span: ByteSpan, sink: &mut impl Sink) {
        let continues = std::mem::replace(&mut self.carriage_return, byte == b'\r') && byte == b'\n';
        if !continues && self.line == Line::Field(0) {
            self.end_event(span.end, sink);
        }
        self.line = Line::Field(0);
        match &mut self.payload {
            Payload::None => sink.character(Stream::Text, '\n', span, span.end),
            Payload::Html(html) => html.character('\n', span, span.end, sink),
            Payload::Json(json) => json.character('\n', span, span.end, sink),
        }
    }

    /// The next event is of its own kind. Plain text may go on in it: that is how answers are typed.
    fn end_event(&mut self, seen: u64, sink: &mut impl Sink) {
        match std::mem::replace(&mut self.payload, Payload::None) {
            Payload::None => {}
            Payload::Html(mut html) => html.settle(seen, sink),
            Payload::Json(mut json) => json.finish(seen, sink),
        }
    }
}

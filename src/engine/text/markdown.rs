//! Markdown (CommonMark): HTML between signs that show nothing.

use super::{
    block::{Block, Edge, Sink},
    html::Html,
};
use crate::{base::ByteSpan, engine::text::Stream};

/// Reads Markdown: emphasis disappears, a link is its text, its target an attribute.
#[derive(Debug)]
pub(super) struct Markdown {
    html: Box<Html>,
    state: State,
    /// What came before is an ASCII letter or digit: an underscore is part of a name.
    in_word: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Text,
    /// A backslash was read.
    Escape(ByteSpan),
    /// One tilde was read.
    Tilde(ByteSpan),
    /// `]` was read.
    LinkText,
    /// The target of a link, up to this character; so many parentheses are open.
    Target {
        end: char,
        open: u32,
    },
}

impl Markdown {
    /// A reader at the beginning of a document.
    pub(super) fn new() -> Self {
        Self { html: Box::new(Html::nested(Stream::Text)), state: State::Text, in_word: false }
    }

    /// Offset of the first character that has not been handed on.
    pub(super) fn open_from(&self) -> Option<u64> {
        let held = if let State::Escape(span) | State::Tilde(span) = self.state { Some(span.start) } else { None };
        held.into_iter().chain(self.html.open_from()).min()
    }

    /// Takes the next characters.
    pub(super) fn feed(&mut self, block: &Block<'_>, sink: &mut impl Sink) {
        let bytes = block.text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if self.state == State::Text {
                let sign = |byte: &u8| matches!(byte, b'*' | b'_' | b'`' | b'~' | b'\\' | b'[' | b']');
                let stop = at + bytes[at..].iter().position(sign).unwrap_or(bytes.len() - at);
                if stop > at {
                    self.html.feed_between(block, at, stop, sink);
                    self.in_word = bytes[stop - 1].is_ascii_alphanumeric();
                    at = stop;
                    continue;
                }
            }
            let Some(c) = block.text[at..].chars().next() else { break };
            let span = block.span(at, at + c.len_utf8());
            at += c.len_utf8();
            while !self.step(c, span, sink) {}
        }
    }

    /// The document ends.
    pub(super) fn finish(&mut self, at: u64, sink: &mut impl Sink) {
        self.let_go(at, sink);
        self.html.settle(at, sink);
        for stream in [Stream::Text, Stream::Attribute] {
            sink.edge(stream, Edge::Hard, at);
        }
    }

    /// Takes a character, or says `false`: it is to be looked at again.
    fn step(&mut self, c: char, span: ByteSpan, sink: &mut impl Sink) -> bool {
        match (self.state, c) {
            (State::Text, '*' | '`' | '[') => {}
            (State::Text, '_') if !self.in_word => {}
            (State::Text, '~') => self.state = State::Tilde(span),
            (State::Text, '\\') => self.state = State::Escape(span),
            (State::Text, ']') => self.state = State::LinkText,
            (State::Text, _) => self.html.character(c, span, span.end, sink),
            (State::Escape(_), c) if c.is_ascii_punctuation() => {
                self.state = State::Text;
                // Not the beginning of a tag.
                sink.character(Stream::Text, c, span, span.end);
            }
            (State::Tilde(_), '~') => self.state = State::Text,
            (State::Escape(_) | State::Tilde(_), _) => {
                self.let_go(span.end, sink);
                return false;
            }
            (State::LinkText, '(') => self.state = State::Target { end: ')', open: 0 },
            (State::LinkText, '[') => self.state = State::Target { end: ']', open: 0 },
            (State::LinkText, _) => {
                self.state = State::Text;
                return false;
            }
            (State::Target { end, open: 0 }, c) if c == end => self.end_target(span.end, sink),
            (State::Target { .. }, '\n') => {
                self.end_target(span.end, sink);
                return false;
            }
            (State::Target { end, open }, c) => {
                let open = open + u32::from(c == '(') - u32::from(c == ')' && open > 0);
                self.state = State::Target { end, open };
                sink.character(Stream::Attribute, c, span, span.end);
            }
        }
        self.in_word = c.is_ascii_alphanumeric();
        true
    }

    fn end_target(&mut self, seen: u64, sink: &mut impl Sink) {
        self.state = State::Text;
        sink.edge(Stream::Attribute, Edge::Hard, seen);
    }

    /// A sign that was held back stands for itself.
    fn let_go(&mut self, seen: u64, sink: &mut impl Sink) {
        match std::mem::replace(&mut self.state, State::Text) {
            State::Escape(span) => self.html.character('\\', span, seen, sink),
            State::Tilde(span) => self.html.character('~', span, seen, sink),
            State::Text | State::LinkText | State::Target { .. } => {}
        }
    }
}

//! What a string in a script or in JSON says, behind its quotes and escapes: percent-encoding and
//! Base64 undone, markup in it read as the markup that it will become.

use memchr::{memchr, memchr2};

use super::{
    base64::Base64,
    block::{Block, Edge, Sink},
    html::Html,
    percent::Percent,
};
use crate::{base::ByteSpan, engine::text::Stream};

/// How the characters of a string are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Coding {
    /// As they stand, or percent-encoded.
    Percent,
    /// In Base64: the argument of `atob`.
    Base64,
}

/// Reads the characters of strings.
#[derive(Debug)]
pub(super) struct StringText {
    coding: Coding,
    percent: Percent,
    base64: Base64,
    markup: Markup,
}

/// Markup in a string: nothing as long as no `<` or `&` comes, then a document of its own.
#[derive(Debug)]
struct Markup {
    stream: Stream,
    html: Option<Box<Html>>,
    /// The string has markup.
    engaged: bool,
}

impl StringText {
    /// For strings whose text belongs to `stream`.
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            coding: Coding::Percent,
            percent: Percent::default(),
            base64: Base64::default(),
            markup: Markup { stream, html: None, engaged: false },
        }
    }

    /// Says how what follows is written.
    pub(super) fn begin(&mut self, coding: Coding) {
        self.coding = coding;
        if coding == Coding::Base64 {
            self.base64 = Base64::default();
        }
    }

    /// Whether characters other than `%`, `<` and `&` are nothing but themselves.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.coding == Coding::Percent && !self.markup.engaged && self.percent.is_idle()
    }

    /// Offset of the first character that has not been handed on.
    pub(super) fn open_from(&self) -> Option<u64> {
        let html = self.markup.html.as_ref().filter(|_| self.markup.engaged).and_then(|html| html.open_from());
        html.into_iter().chain(self.percent.open_from()).chain(self.base64.open_from()).min()
    }

    /// Takes characters that stand for themselves.
    pub(super) fn run(&mut self, block: &Block<'_>, from: usize, to: usize, sink: &mut impl Sink) {
        let mut at = from;
        while at < to {
            let rest = &block.text[at..to];
            let mut stop = at;
            if self.coding == Coding::Percent && self.percent.is_idle() {
                stop = at + memchr(b'%', rest.as_bytes()).unwrap_or(rest.len());
                self.markup.run(block, at, stop, sink);
            }
            if stop < to
                && let Some(c) = block.text[stop..].chars().next()
            {
                let span = block.span(stop, stop + c.len_utf8());
                self.character(c, span, span.end, sink);
                stop += c.len_utf8();
            }
            at = stop;
        }
    }

    /// Takes a character that was written in another way.
    pub(super) fn character(&mut self, c: char, span: ByteSpan, seen: u64, sink: &mut impl Sink) {
        let markup = &mut self.markup;
        let mut out = |c, span, seen| markup.character(c, span, seen, sink);
        match self.coding {
            Coding::Percent if c != '%' && self.percent.is_idle() => out(c, span, seen),
            Coding::Percent => self.percent.push(c, span, seen, &mut out),
            Coding::Base64 => self.base64.push(c, span, seen, &mut out),
        }
    }

    /// What follows is written in another way: the argument of a call ends here.
    pub(super) fn end_coding(&mut self, seen: u64, sink: &mut impl Sink) {
        let markup = &mut self.markup;
        let mut out = |c, span, seen| markup.character(c, span, seen, sink);
        self.percent.finish(seen, &mut out);
        self.base64.finish(seen, &mut out);
        self.coding = Coding::Percent;
    }

    /// The text ends here.
    #[inline]
    pub(super) fn end(&mut self, seen: u64, sink: &mut impl Sink) {
        if !self.is_plain() {
            self.end_coding(seen, sink);
            self.markup.end(seen, sink);
        }
    }
}

impl Markup {
    fn run(&mut self, block: &Block<'_>, from: usize, to: usize, sink: &mut impl Sink) {
        let mut at = from;
        if !self.engaged {
            let text = &block.text.as_bytes()[from..to];
            at += memchr2(b'<', b'&', text).unwrap_or(text.len());
            if at > from {
                sink.run(self.stream, block, from, at);
            }
        }
        if at < to {
            self.html().feed_between(block, at, to, &mut Within(sink));
        }
    }

    fn character(&mut self, c: char, span: ByteSpan, seen: u64, sink: &mut impl Sink) {
        if self.engaged || c == '<' || c == '&' {
            self.html().character(c, span, seen, &mut Within(sink));
        } else {
            sink.character(self.stream, c, span, seen);
        }
    }

    fn html(&mut self) -> &mut Html {
        self.engaged = true;
        self.html.get_or_insert_with(|| Box::new(Html::nested(self.stream)))
    }

    fn end(&mut self, seen: u64, sink: &mut impl Sink) {
        if std::mem::take(&mut self.engaged)
            && let Some(html) = &mut self.html
        {
            html.settle(seen, &mut Within(sink));
        }
    }
}

/// The sink of a document within a string. One type for all depths: a script in markup in a string of
/// a script must not be a type of its own.
struct Within<'s>(&'s mut dyn Sink);

impl Sink for Within<'_> {
    fn wants(&self, stream: Stream) -> bool {
        self.0.wants(stream)
    }

    fn run(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize) {
        self.0.run(stream, block, from, to);
    }

    fn run_later(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize, seen: u64) {
        self.0.run_later(stream, block, from, to, seen);
    }

    fn character(&mut self, stream: Stream, c: char, span: ByteSpan, seen: u64) {
        self.0.character(stream, c, span, seen);
    }

    fn edge(&mut self, stream: Stream, edge: Edge, seen: u64) {
        self.0.edge(stream, edge, seen);
    }
}

/// Where resolved escapes go.
pub(super) enum Target<'t, S> {
    /// Into a list, to be looked at first.
    Held { resolved: &'t mut Vec<(char, ByteSpan)>, sink: &'t mut S },
    /// Into the string that is being read, or straight on if none is; the body has been read up to
    /// `seen`.
    On { text: Option<&'t mut StringText>, seen: u64, sink: &'t mut S },
}

impl<S: Sink> Target<'_, S> {
    fn sink(&mut self) -> &mut S {
        match self {
            Self::Held { sink, .. } | Self::On { sink, .. } => sink,
        }
    }
}

impl<S: Sink> Sink for Target<'_, S> {
    fn wants(&self, stream: Stream) -> bool {
        match self {
            Self::Held { sink, .. } | Self::On { sink, .. } => sink.wants(stream),
        }
    }

    fn run(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize) {
        self.sink().run(stream, block, from, to);
    }

    fn character(&mut self, stream: Stream, c: char, span: ByteSpan, known: u64) {
        match self {
            Self::Held { resolved, .. } => resolved.push((c, span)),
            Self::On { text: Some(text), seen, sink } => text.character(c, span, known.max(*seen), *sink),
            Self::On { text: None, seen, sink } => sink.character(stream, c, span, known.max(*seen)),
        }
    }

    fn edge(&mut self, stream: Stream, edge: Edge, seen: u64) {
        self.sink().edge(stream, edge, seen);
    }
}

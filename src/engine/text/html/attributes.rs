//! Attributes: what they say of their element, and what their values are read as.

use super::{
    name::{Key, Name},
    page::{Kind, Page},
    tokenizer::Part,
    url_text::{Meaning, UrlText},
};
use crate::{
    base::ByteSpan,
    engine::text::{
        Stream,
        block::{Block, Edge, Sink},
        scan::find_any,
    },
};

/// Attributes that mean something here.
#[derive(Clone, Copy, Debug)]
enum Known {
    Class,
    Direction,
    Hidden,
    Id,
    Open,
    Srcdoc,
    Style,
    Url,
}

const KNOWN: [(Known, &[&str]); 8] = [
    (Known::Class, &["class"]),
    (Known::Direction, &["dir"]),
    (Known::Hidden, &["hidden"]),
    (Known::Id, &["id"]),
    (Known::Open, &["open"]),
    (Known::Srcdoc, &["srcdoc"]),
    (Known::Style, &["style"]),
    (
        Known::Url,
        &[
            "action",
            "background",
            "cite",
            "data",
            "data-href",
            "data-src",
            "data-url",
            "formaction",
            "href",
            "poster",
            "src",
            "xlink:href",
        ],
    ),
];

const TABLE_BITS: u32 = 6;

/// Open addressing, less than a third full.
static TABLE: [Option<(Key, Known)>; 1 << TABLE_BITS] = table();

const fn table() -> [Option<(Key, Known)>; 1 << TABLE_BITS] {
    let mut table = [None; 1 << TABLE_BITS];
    let mut group = 0;
    while group < KNOWN.len() {
        let (known, names) = KNOWN[group];
        let mut index = 0;
        while index < names.len() {
            let key = Key::of(names[index]);
            let mut at = key.place(TABLE_BITS);
            while table[at].is_some() {
                at = (at + 1) % table.len();
            }
            table[at] = Some((key, known));
            index += 1;
        }
        group += 1;
    }
    table
}

#[inline]
fn known(name: Key) -> Option<Known> {
    let mut at = name.place(TABLE_BITS);
    loop {
        let (key, known) = TABLE[at]?;
        if key == name {
            return Some(known);
        }
        at = (at + 1) % TABLE.len();
    }
}

/// Bytes of an attribute's value that decide how an element looks.
const VALUE_BYTES_MAX: usize = 2048;

/// What the value of the current attribute is read as.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Attribute {
    Plain,
    Class,
    Direction,
    Id,
    Style,
    /// `srcdoc`.
    Document,
    /// `onclick` and its like.
    Handler,
    Url,
}

/// What the attributes of the current tag say.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Anything was found that has to be forgotten.
    pub(super) any: bool,
    pub(super) hidden: bool,
    pub(super) open: bool,
    pub(super) document: bool,
    pub(super) style: Value,
    pub(super) class: Value,
    pub(super) direction: Value,
    pub(super) id: Value,
}

/// The value of an attribute that decides how the element looks.
#[derive(Debug, Default)]
pub(super) struct Value {
    /// The tag has such an attribute.
    given: bool,
    text: Vec<u8>,
}

impl Found {
    /// Begins afresh, with the same buffers.
    #[inline]
    pub(super) fn clear(&mut self) {
        if !self.any {
            return;
        }
        (self.any, self.hidden, self.open, self.document) = (false, false, false, false);
        for value in [&mut self.style, &mut self.class, &mut self.direction, &mut self.id] {
            value.given = false;
            value.text.clear();
        }
    }
}

impl Value {
    /// The value's characters in UTF-8; nothing if there is no such attribute.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Takes an attribute of that name; `false` if there was one already, for the first counts.
    fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.given, true)
    }
}

impl Page {
    /// A start tag has an attribute of this name.
    #[inline]
    pub(super) fn begin_attribute(&mut self, name: &Name) {
        let found = &mut self.found;
        // Of two attributes of one name the first counts.
        self.attribute = match known(name.key()) {
            None if name.key().begins_with_on() => return self.attribute = Attribute::Handler,
            None => return self.attribute = Attribute::Plain,
            // It does not decide how the element looks.
            Some(Known::Url) => return self.attribute = Attribute::Url,
            Some(Known::Class | Known::Id) if self.sheets.is_empty() => return self.attribute = Attribute::Plain,
            Some(Known::Class) if found.class.begin() => Attribute::Class,
            Some(Known::Direction) if found.direction.begin() => Attribute::Direction,
            Some(Known::Id) if found.id.begin() => Attribute::Id,
            Some(Known::Style) if found.style.begin() => Attribute::Style,
            Some(Known::Srcdoc) if !found.document && matches!(self.kind, Kind::Html | Kind::Xhtml) => {
                found.document = true;
                Attribute::Document
            }
            Some(Known::Hidden) => {
                found.hidden = true;
                Attribute::Plain
            }
            Some(Known::Open) => {
                found.open = true;
                Attribute::Plain
            }
            Some(Known::Class | Known::Direction | Known::Id | Known::Srcdoc | Known::Style) => Attribute::Plain,
        };
        found.any = true;
    }

    /// A run of characters of the value.
    pub(super) fn value_run(&mut self, block: &Block<'_>, from: usize, to: usize, sink: &mut impl Sink) {
        match self.attribute {
            Attribute::Style => self.style_text.feed_between(block, from, to, sink),
            Attribute::Url => return self.url_run(block, from, to, sink),
            Attribute::Handler => {
                sink.run(Stream::Attribute, block, from, to);
                if let Some(js) = &mut self.script {
                    js.run(block, from, to, sink);
                }
            }
            Attribute::Plain | Attribute::Class | Attribute::Direction | Attribute::Id | Attribute::Document => {
                sink.run(Stream::Attribute, block, from, to);
            }
        }
        self.remember(&block.text[from..to]);
    }

    /// One character of the value.
    pub(super) fn value_character(&mut self, c: char, span: ByteSpan, seen: u64, sink: &mut impl Sink) {
        match self.attribute {
            Attribute::Style => self.style_text.character(c, span, seen, sink),
            Attribute::Url => return self.url_character(c, span, seen, sink),
            Attribute::Handler => {
                sink.character(Stream::Attribute, c, span, seen);
                if let Some(js) = &mut self.script {
                    js.character(c, span, seen, sink);
                }
            }
            Attribute::Plain | Attribute::Class | Attribute::Direction | Attribute::Id | Attribute::Document => {
                sink.character(Stream::Attribute, c, span, seen);
            }
        }
        self.remember(c.encode_utf8(&mut [0; 4]));
    }

    /// The value is complete.
    pub(super) fn end_value(&mut self, seen: u64, sink: &mut impl Sink) {
        match self.attribute {
            Attribute::Style => self.style_text.finish(seen, sink),
            Attribute::Handler => self.end_script(seen, sink),
            Attribute::Url => self.end_url(seen, sink),
            Attribute::Plain | Attribute::Class | Attribute::Direction | Attribute::Id | Attribute::Document => {}
        }
        if std::mem::take(&mut self.document_begun) {
            self.settle_inner(seen, sink);
            sink.edge(self.stream(), Edge::Hard, seen);
        }
        sink.edge(Stream::Attribute, Edge::Hard, seen);
        self.attribute = Attribute::Plain;
    }

    fn url_run(&mut self, block: &Block<'_>, from: usize, to: usize, sink: &mut impl Sink) {
        let mut at = from;
        self.url.begin(block.text.as_bytes()[from]);
        while at < to && !self.url.is_binary() {
            let rest = &block.text[at..to];
            if self.url.is_plain() {
                let stop = at + find_any(rest.as_bytes(), [b'%']);
                if stop > at {
                    sink.run(Stream::Attribute, block, at, stop);
                    at = stop;
                    continue;
                }
            }
            at = self.with_url(sink, |url, mut out| {
                for (index, c) in rest.char_indices() {
                    let span = block.span(at + index, at + index + c.len_utf8());
                    url.character(c, span, span.end, &mut out);
                    if url.is_plain() || url.is_binary() {
                        return at + index + c.len_utf8();
                    }
                }
                to
            });
        }
    }

    fn url_character(&mut self, c: char, span: ByteSpan, seen: u64, sink: &mut impl Sink) {
        self.with_url(sink, |url, mut out| url.character(c, span, seen, &mut out));
    }

    fn end_url(&mut self, seen: u64, sink: &mut impl Sink) {
        if self.url.is_plain() {
            return self.url.end_plain();
        }
        let script = self.url.is_script();
        self.with_url(sink, |url, mut out| url.finish(seen, &mut out));
        if script {
            self.end_script(seen, sink);
        }
    }

    /// Gives what a URL consists of to whoever reads it. Within strings all is text.
    fn with_url<S: Sink, R>(
        &mut self,
        sink: &mut S,
        act: impl FnOnce(&mut UrlText, &mut dyn FnMut(Meaning, char, ByteSpan, u64)) -> R,
    ) -> R {
        let mut url = std::mem::take(&mut self.url);
        let done = act(&mut url, &mut |meaning, c, span, seen| match (meaning, &mut self.script) {
            (Meaning::Script, Some(js)) => js.character(c, span, seen, sink),
            (Meaning::Script, None) => {}
            (Meaning::Document, Some(_)) => self.inner(Part::Value, seen, sink).character(c, span, seen, sink),
            (Meaning::Text | Meaning::Document, _) => sink.character(Stream::Attribute, c, span, seen),
        });
        self.url = url;
        done
    }

    fn value(&mut self) -> Option<&mut Vec<u8>> {
        match self.attribute {
            Attribute::Style => Some(&mut self.found.style.text),
            Attribute::Class => Some(&mut self.found.class.text),
            Attribute::Direction => Some(&mut self.found.direction.text),
            Attribute::Id => Some(&mut self.found.id.text),
            Attribute::Plain | Attribute::Document | Attribute::Handler | Attribute::Url => None,
        }
    }

    fn remember(&mut self, text: &str) {
        if let Some(value) = self.value() {
            let left = VALUE_BYTES_MAX.saturating_sub(value.len());
            value.extend_from_slice(&text.as_bytes()[..text.len().min(left)]);
        }
    }
}

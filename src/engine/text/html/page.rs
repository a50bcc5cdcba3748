//! What the tokenizer's findings mean: which stream the text belongs to, what is hidden, which
//! element's text is raw, and what is a document of its own.

use super::{
    Html,
    attributes::{Attribute, Found},
    elements::Facts,
    look::{self, INHERITED, Look},
    name::{Key, Name},
    open_elements::{Hides, OpenElements},
    style_sheet::{Element, StyleSheets},
    tokenizer::{Content, Part, ScriptEscape, Tag, Tokens},
    url_text::UrlText,
};
use crate::{
    base::ByteSpan,
    engine::text::{
        Stream,
        block::{Block, Edge, Sink},
        css::{self, CssText},
        js::Js,
    },
};

/// The page so far.
#[derive(Debug)]
pub(super) struct Page {
    /// What kind of document it is.
    pub(super) kind: Kind,
    /// The stream of what is shown.
    pub(super) shown: Stream,
    pub(super) reading: Reading,
    /// `svg` or `math`, if one is open: within, no element's text is raw, and CDATA is text.
    pub(super) foreign: Option<Key>,
    /// An element in there whose content is HTML again ("integration point").
    pub(super) integration: Option<Key>,
    pub(super) open: OpenElements,
    /// What is shown is being displayed from right to left.
    turned: bool,
    /// The last tag ended what was shown before it.
    broke: bool,
    pub(super) sheets: StyleSheets,
    pub(super) attribute: Attribute,
    pub(super) found: Found,
    /// The current attribute's value has begun a document of its own.
    pub(super) document_begun: bool,
    pub(super) url: UrlText,
    pub(super) sheet_text: CssText,
    pub(super) style_text: CssText,
    /// Reads scripts; `None` within strings, where they are read as they stand.
    pub(super) script: Option<Box<Js>>,
    /// Reads documents within this one; within those there are none.
    pub(super) inner: Option<Box<Html>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Html,
    /// HTML within a string or another document.
    Nested,
    /// XML before its root element.
    Xml,
    Xhtml,
    /// XML whose texts may be HTML, as in feeds.
    Feed,
}

/// How the text of the current element is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reading {
    /// As text of the page.
    Plain,
    /// As HTML that is not shown: `<noscript>`.
    Inner,
    Script,
    Style,
}

const BDO: Key = Key::of("bdo");
const DIALOG: Key = Key::of("dialog");
const HTML: Key = Key::of("html");
const MATH: Key = Key::of("math");
const RP: Key = Key::of("rp");
const RT: Key = Key::of("rt");
const RUBY: Key = Key::of("ruby");
const SCRIPT: Key = Key::of("script");
const STYLE: Key = Key::of("style");
const SVG: Key = Key::of("svg");

const INTEGRATION_POINTS: [Key; 8] = [
    Key::of("annotation-xml"),
    Key::of("desc"),
    Key::of("foreignobject"),
    Key::of("mi"),
    Key::of("mn"),
    Key::of("mo"),
    Key::of("mtext"),
    Key::of("title"),
];

impl Page {
    pub(super) fn new(xml: bool) -> Self {
        Self::of(if xml { Kind::Xml } else { Kind::Html }, Stream::Text)
    }

    pub(super) fn nested(shown: Stream) -> Self {
        Self::of(Kind::Nested, shown)
    }

    fn of(kind: Kind, shown: Stream) -> Self {
        Self {
            kind,
            shown,
            reading: Reading::Plain,
            foreign: None,
            integration: None,
            open: OpenElements::default(),
            turned: false,
            broke: false,
            sheets: StyleSheets::default(),
            attribute: Attribute::Plain,
            found: Found::default(),
            document_begun: false,
            url: UrlText::default(),
            sheet_text: CssText::sheet(),
            style_text: CssText::attribute(),
            script: (kind != Kind::Nested).then(|| Box::new(Js::new())),
            inner: None,
        }
    }

    /// Offset of characters that have been read but not passed on.
    pub(super) fn open_from(&self) -> Option<u64> {
        let inner = self.inner.as_ref().and_then(|inner| inner.open_from());
        let css = self.sheet_text.open_from().into_iter().chain(self.style_text.open_from());
        inner
            .into_iter()
            .chain(self.script.as_ref().and_then(|js| js.open_from()))
            .chain(self.url.open_from())
            .chain(css)
            .min()
    }

    /// The page ends.
    pub(super) fn finish(&mut self, seen: u64, sink: &mut impl Sink) {
        self.end_reading(seen, sink);
        self.settle_inner(seen, sink);
        self.style_text.finish(seen, sink);
    }

    /// Where what is shown goes.
    pub(super) fn show_in(&mut self, shown: Stream) {
        self.shown = shown;
    }

    /// Begins afresh.
    pub(super) fn restart(&mut self) {
        self.foreign = None;
        self.integration = None;
        self.open.clear();
        (self.turned, self.broke) = (false, false);
        self.found.clear();
        self.attribute = Attribute::Plain;
        if !self.sheets.is_empty() {
            self.sheets = StyleSheets::default();
        }
    }

    /// The stream of text that stands here.
    #[inline]
    pub(super) fn stream(&self) -> Stream {
        if self.open.hidden() { Stream::Hidden } else { self.shown }
    }

    /// Whether what is read now goes to the inner reader.
    #[inline]
    fn is_inner(&self, part: Part) -> bool {
        match part {
            Part::Text | Part::Cdata => self.reading == Reading::Inner || self.kind == Kind::Feed,
            Part::Value => self.attribute == Attribute::Document,
            Part::Comment | Part::Name => false,
        }
    }

    /// The reader of a document within this one, which has been read up to `seen`.
    pub(super) fn inner(&mut self, part: Part, seen: u64, sink: &mut impl Sink) -> &mut Html {
        if part == Part::Value && !self.document_begun {
            self.document_begun = true;
            sink.edge(self.stream(), Edge::Hard, seen);
        }
        let hidden = self.reading == Reading::Inner || part == Part::Value && self.open.hidden();
        let shown = if hidden { Stream::Hidden } else { self.shown };
        let inner = self.inner.get_or_insert_with(|| Box::new(Html::nested(shown)));
        inner.show_in(shown);
        inner
    }

    pub(super) fn settle_inner(&mut self, seen: u64, sink: &mut impl Sink) {
        if let Some(inner) = &mut self.inner {
            inner.settle(seen, sink);
        }
    }

    /// The element whose text is read in a way of its own ends.
    fn end_reading(&mut self, seen: u64, sink: &mut impl Sink) {
        match self.reading {
            Reading::Plain => return,
            Reading::Inner => {
                self.settle_inner(seen, sink);
                sink.edge(Stream::Hidden, Edge::Soft, seen);
            }
            Reading::Script => self.end_script(seen, sink),
            Reading::Style => {
                self.sheet_text.finish(seen, sink);
                self.sheets.finish_sheet();
                sink.edge(Stream::Script, Edge::Hard, seen);
            }
        }
        self.reading = Reading::Plain;
    }

    pub(super) fn end_script(&mut self, seen: u64, sink: &mut impl Sink) {
        match &mut self.script {
            Some(js) => js.finish(seen, sink),
            None => sink.edge(Stream::Script, Edge::Hard, seen),
        }
    }

    fn start_tag(&mut self, tag: &Tag, seen: u64, sink: &mut impl Sink) -> Content {
        let name = tag.name.key();
        let foreign = self.enters_foreign(name, tag.self_closing);
        let facts = if foreign { Facts::default() } else { Facts::of(name) };
        let hides = self.hides(tag, facts);
        let was_hidden = self.open.hidden();
        let acts = if !foreign {
            self.open.start(name, facts, hides)
        } else if !tag.self_closing {
            self.open.start_foreign(name, hides);
            true
        } else {
            true
        };
        let breaks = facts.has(Facts::BREAKS) || foreign && (name == SVG || name == MATH);
        if hides.firmly && !was_hidden {
            sink.edge(Stream::Hidden, Edge::Soft, seen);
        }
        // What is not displayed has no box that would end a word.
        if breaks && acts && (!hides.firmly || facts.has(Facts::UNRENDERED)) {
            let around = if was_hidden && self.open.hidden() { Stream::Hidden } else { self.shown };
            sink.edge(around, Edge::Soft, seen);
            self.broke = true;
        }
        if foreign || !facts.has(Facts::RAW) { Content::Normal } else { self.raw_content(name, seen, sink) }
    }

    fn end_tag(&mut self, tag: &Tag, seen: u64, sink: &mut impl Sink) {
        let name = tag.name.key();
        self.end_reading(seen, sink);
        if self.foreign == Some(name)
            || self.in_foreign() && (name == const { Key::of("p") } || name == const { Key::of("br") })
        {
            self.leave_foreign();
            return sink.edge(self.stream(), Edge::Soft, seen);
        }
        if self.integration == Some(name) {
            self.integration = None;
        }
        let foreign = self.in_foreign();
        let facts = if foreign { Facts::default() } else { Facts::of(name) };
        let was_hidden = self.open.hidden();
        let ends = self.open.end(name, facts);
        let hidden = self.open.hidden();
        if was_hidden && !hidden {
            sink.edge(Stream::Hidden, Edge::Soft, seen);
        }
        if ends && facts.has(Facts::BREAKS) {
            sink.edge(self.stream(), Edge::Soft, seen);
            self.broke = true;
        }
    }

    /// Says where text begins and ends that is displayed from right to left, as bidirectional controls
    /// do. A block or a line ends it, and it begins again behind.
    fn turn(&mut self, seen: u64, sink: &mut impl Sink) {
        let turned = self.open.turned();
        let broke = std::mem::take(&mut self.broke);
        if turned == self.turned && !(turned && broke) {
            return;
        }
        let here = ByteSpan { start: seen, end: seen };
        if self.turned {
            sink.character(self.stream(), '\u{202C}', here, seen);
        }
        if turned {
            sink.character(self.stream(), '\u{202E}', here, seen);
        }
        self.turned = turned;
    }

    /// Whether tags are those of `<svg>` or `<math>` here.
    fn in_foreign(&self) -> bool {
        self.foreign.is_some() && self.integration.is_none()
    }

    /// Keeps track of `<svg>` and `<math>`; whether the start tag stands within, or is one.
    fn enters_foreign(&mut self, name: Key, self_closing: bool) -> bool {
        if !self.in_foreign() {
            let root = name == SVG || name == MATH;
            if root && !self_closing {
                self.foreign = Some(name);
                self.integration = None;
            }
            return root;
        }
        if Facts::of(name).has(Facts::LEAVES_FOREIGN) {
            self.leave_foreign();
            return false;
        }
        if INTEGRATION_POINTS.contains(&name) && !self_closing {
            self.integration = Some(name);
        }
        true
    }

    fn leave_foreign(&mut self) {
        if let Some(root) = self.foreign.take() {
            self.open.leave_foreign(root);
        }
        self.integration = None;
    }

    fn raw_content(&mut self, name: Key, seen: u64, sink: &mut impl Sink) -> Content {
        match name {
            _ if name == SCRIPT || name == STYLE => {
                self.reading = if name == SCRIPT { Reading::Script } else { Reading::Style };
                sink.edge(Stream::Script, Edge::Hard, seen);
                if name == SCRIPT { Content::Script(ScriptEscape::None) } else { Content::Raw }
            }
            _ if name == const { Key::of("title") } || name == const { Key::of("textarea") } => Content::Rcdata,
            _ if name == const { Key::of("plaintext") } => Content::Plaintext,
            _ if name == const { Key::of("xmp") } => Content::Raw,
            _ => {
                self.settle_inner(seen, sink);
                sink.edge(Stream::Hidden, Edge::Soft, seen);
                self.reading = if self.kind == Kind::Nested { Reading::Plain } else { Reading::Inner };
                Content::Raw
            }
        }
    }

    /// A tag of XML. A self-closing one is two.
    fn xml_tag(&mut self, tag: &Tag, seen: u64, sink: &mut impl Sink) {
        let name = tag.name.key();
        if self.kind == Kind::Xml {
            self.kind = if name == HTML { Kind::Xhtml } else { Kind::Feed };
        }
        if self.kind == Kind::Feed {
            self.settle_inner(seen, sink);
            return sink.edge(self.shown, Edge::Soft, seen);
        }
        let facts = Facts::of(name);
        if tag.end && (self.reading == Reading::Plain || name == SCRIPT || name == STYLE) {
            self.end_reading(seen, sink);
            self.open.end(name, Facts::default());
        } else if !tag.end && !tag.self_closing {
            let hides = self.hides(tag, facts);
            self.open.start_foreign(name, hides);
            if self.reading == Reading::Plain && (name == SCRIPT || name == STYLE) {
                self.raw_content(name, seen, sink);
            }
        }
        if facts.has(Facts::BREAKS) {
            sink.edge(self.stream(), Edge::Soft, seen);
        }
    }

    /// How the element of a start tag hides what stands in it.
    #[inline]
    fn hides(&mut self, tag: &Tag, facts: Facts) -> Hides {
        let name = tag.name.key();
        if !self.found.any && self.sheets.is_empty() && !facts.has(Facts::UNRENDERED) && name != DIALOG {
            return Hides::default();
        }
        self.hides_by_style(tag, facts)
    }

    fn hides_by_style(&mut self, tag: &Tag, facts: Facts) -> Hides {
        let found = &self.found;
        let (mut look, mut marks) = (Look::default(), 0);
        if !self.sheets.is_empty() {
            let element = Element { tag: &tag.name, classes: found.class.text(), id: found.id.text() };
            (look, marks) = self.sheets.look_and_marks(element, self.open.around());
        }
        if !found.style.text().is_empty() {
            look = look.then(look::look(&css::lossy(found.style.text())));
        }
        if !facts.has(Facts::BREAKS) {
            look.hides &= !look.of_boxes;
        }
        let name = tag.name.key();
        let unrendered = match name {
            _ if name == DIALOG => !found.open,
            // Annotations stand above the line.
            _ if name == RT || name == RP => self.open.is_open(RUBY),
            _ => facts.has(Facts::UNRENDERED),
        };
        let from_right = look.from_right || found.direction.text().trim_ascii().eq_ignore_ascii_case(b"rtl");
        Hides {
            marks,
            turns: from_right && (look.overrides || name == BDO),
            firmly: look.hides & !INHERITED != 0 || (found.hidden || unrendered) && !look.displays(),
            inherited: (look.hides & INHERITED) as u8,
            shows: (look.shows & INHERITED) as u8,
        }
    }

    /// A run of characters that is more than plain text.
    fn run(&mut self, part: Part, block: &Block<'_>, from: usize, to: usize, sink: &mut impl Sink) {
        let page = self;
        if page.is_inner(part) {
            let first = block.text[from..to].chars().next().map_or(0, char::len_utf8);
            let seen = block.offset(from + first);
            return page.inner(part, seen, sink).feed_between(block, from, to, sink);
        }
        match part {
            Part::Text | Part::Cdata => match page.reading {
                Reading::Plain | Reading::Inner => sink.run(page.stream(), block, from, to),
                Reading::Script => match &mut page.script {
                    Some(js) => js.run(block, from, to, sink),
                    None => sink.run(Stream::Script, block, from, to),
                },
                Reading::Style => {
                    page.sheets.feed(&block.text.as_bytes()[from..to]);
                    page.sheet_text.feed_between(block, from, to, sink);
                }
            },
            Part::Value => page.value_run(block, from, to, sink),
            Part::Comment => sink.run(Stream::Comment, block, from, to),
            Part::Name => {}
        }
    }
}

/// The page, and where its text goes.
pub(super) struct PageTokens<'p, S> {
    pub(super) page: &'p mut Page,
    pub(super) sink: &'p mut S,
}

impl<S: Sink> Tokens for PageTokens<'_, S> {
    #[inline(always)]
    fn run(&mut self, part: Part, block: &Block<'_>, from: usize, to: usize) {
        let page = &mut *self.page;
        match part {
            Part::Text if page.reading == Reading::Plain && page.kind != Kind::Feed => {
                self.sink.run(page.stream(), block, from, to);
            }
            Part::Value if page.attribute == Attribute::Plain => self.sink.run(Stream::Attribute, block, from, to),
            Part::Cdata | Part::Comment | Part::Name | Part::Text | Part::Value => {
                page.run(part, block, from, to, self.sink);
            }
        }
    }

    fn character(&mut self, part: Part, c: char, span: ByteSpan, seen: u64) {
        let (page, sink) = (&mut *self.page, &mut *self.sink);
        if page.is_inner(part) {
            return page.inner(part, seen, sink).character(c, span, seen, sink);
        }
        match part {
            Part::Text | Part::Cdata => match page.reading {
                Reading::Plain | Reading::Inner => sink.character(page.stream(), c, span, seen),
                Reading::Script => match &mut page.script {
                    Some(js) => js.character(c, span, seen, sink),
                    None => sink.character(Stream::Script, c, span, seen),
                },
                Reading::Style => {
                    page.sheets.feed(c.encode_utf8(&mut [0; 4]).as_bytes());
                    page.sheet_text.character(c, span, seen, sink);
                }
            },
            Part::Value => page.value_character(c, span, seen, sink),
            Part::Comment => sink.character(Stream::Comment, c, span, seen),
            // Names of attributes are ASCII; what is not may be text behind a `<` that was no tag.
            Part::Name if !c.is_ascii() => sink.character(page.shown, c, span, seen),
            Part::Name => {}
        }
    }

    #[inline]
    fn attribute(&mut self, name: &Name) {
        self.page.begin_attribute(name);
    }

    #[inline(always)]
    fn end_value(&mut self, seen: u64) {
        if self.page.attribute == Attribute::Plain && !self.page.document_begun {
            return self.sink.edge(Stream::Attribute, Edge::Hard, seen);
        }
        self.page.end_value(seen, self.sink);
    }

    fn whole_value(&mut self, block: &Block<'_>, from: usize, to: usize) {
        let (page, seen) = (&mut *self.page, block.offset(to + 1));
        let plain = match page.attribute {
            Attribute::Plain => true,
            Attribute::Url => UrlText::is_itself(&block.text.as_bytes()[from..to]),
            Attribute::Class
            | Attribute::Direction
            | Attribute::Document
            | Attribute::Handler
            | Attribute::Id
            | Attribute::Style => false,
        };
        if plain {
            page.attribute = Attribute::Plain;
            return self.sink.alone(Stream::Attribute, block, from, to, seen);
        }
        if from < to {
            page.run(Part::Value, block, from, to, self.sink);
        }
        page.end_value(seen, self.sink);
    }

    #[inline]
    fn tag(&mut self, tag: &Tag, seen: u64) -> Content {
        let (page, sink) = (&mut *self.page, &mut *self.sink);
        let content = match page.kind {
            Kind::Xml | Kind::Xhtml | Kind::Feed => {
                page.xml_tag(tag, seen, sink);
                Content::Normal
            }
            Kind::Html | Kind::Nested if tag.end => {
                page.end_tag(tag, seen, sink);
                Content::Normal
            }
            Kind::Html | Kind::Nested => page.start_tag(tag, seen, sink),
        };
        if page.open.turned() | page.turned {
            page.turn(seen, sink);
        }
        page.found.clear();
        content
    }

    fn end_comment(&mut self, seen: u64) {
        self.sink.edge(Stream::Comment, Edge::Hard, seen);
    }

    fn knows_cdata(&self) -> bool {
        self.page.in_foreign() || !matches!(self.page.kind, Kind::Html | Kind::Nested)
    }
}

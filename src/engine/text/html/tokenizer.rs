//! The tokenizer's states (HTML, section 13.2.5), streaming: what is text, what is an attribute's
//! value, what is a comment, and where tags are. What all this means is for [`Tokens`] to say.
//!
//! Whatever stands for itself is passed on in runs. Tags are read byte by byte in one loop
//! ([`Tokenizer::tag`]) as long as they are plain; anything else, and tags that are cut by the end
//! of a block, go character by character through [`Tokenizer::character`], state by state.

use memchr::{memchr, memchr3};

use super::{
    char_ref::{self, CharRef, Within},
    dtd::Entities,
    markup::CommentStep,
    name::{Key, Name},
    raw::RawStep,
    structural::Structural,
    tags::ends_unquoted,
};
use crate::{
    base::ByteSpan,
    engine::text::{block::Block, scan::find_any},
};

/// Takes what the tokenizer finds, in order.
pub(super) trait Tokens {
    /// A run of characters that stand for themselves.
    fn run(&mut self, part: Part, block: &Block<'_>, from: usize, to: usize);

    /// One character, at `span`; the body has been read up to `seen`.
    fn character(&mut self, part: Part, c: char, span: ByteSpan, seen: u64);

    /// A start tag has an attribute of this name; its value, if it has one, follows.
    fn attribute(&mut self, name: &Name);

    /// The value of the attribute is complete.
    fn end_value(&mut self, seen: u64);

    /// The value of the attribute is what stands between two indices, in quotes.
    fn whole_value(&mut self, block: &Block<'_>, from: usize, to: usize) {
        if from < to {
            self.run(Part::Value, block, from, to);
        }
        self.end_value(block.offset(to + 1));
    }

    /// A tag is complete: how is what follows to be read?
    fn tag(&mut self, tag: &Tag, seen: u64) -> Content;

    /// A comment is complete.
    fn end_comment(&mut self, seen: u64);

    /// Whether `<![CDATA[` begins a section here.
    fn knows_cdata(&self) -> bool;
}

/// What a character belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Cdata,
    Comment,
    /// Names within a tag, in strings: who puts a string into a page as text shows them.
    Name,
    Text,
    Value,
}

/// A tag.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tag {
    pub(super) name: Name,
    pub(super) end: bool,
    pub(super) self_closing: bool,
}

/// How text is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Content {
    /// With markup and character references.
    Normal,
    /// `<title>`, `<textarea>`: character references, no tags but its own end.
    Rcdata,
    /// `<style>`, `<xmp>`, …: no tags but its own end.
    Raw,
    Script(ScriptEscape),
    Plaintext,
}

/// "Script data escaped" and "double escaped".
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ScriptEscape {
    None,
    Single,
    Double,
}

/// The tokenizer.
#[derive(Debug)]
pub(super) struct Tokenizer {
    pub(super) state: State,
    pub(super) content: Content,
    reference: CharRef,
    /// The tag being read.
    pub(super) tag: Tag,
    /// The attribute being read.
    pub(super) attribute: Name,
    /// The raw-text element that is open.
    pub(super) raw_name: Key,
    /// Characters that may be text, or may be markup.
    pub(super) held: Vec<(char, ByteSpan)>,
    /// Quote of the value being read.
    pub(super) quote: char,
    /// Dashes read in a row, in scripts.
    pub(super) dashes: u8,
    pub(super) comment: CommentStep,
    /// A bogus comment is a processing instruction of XML: it ends at `?>`, and this tells whether
    /// `?` was read.
    pub(super) instruction: Option<bool>,
    /// In XML: what the document declares.
    entities: Option<Box<Entities>>,
    /// Whether names are passed on as [`Part::Name`].
    names: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum State {
    Text,
    /// `<` was read, and is held.
    TagOpen,
    /// `</` was read, and is held.
    EndTagOpen,
    TagName,
    BeforeAttributeName,
    AttributeName,
    AfterAttributeName,
    BeforeValue,
    QuotedValue,
    UnquotedValue,
    /// `/` was read in a tag.
    SelfClosing,
    /// `<!` was read, and what follows is held.
    Markup,
    Comment,
    /// `<?…>`, `</%…>`: up to the next `>`.
    BogusComment,
    Doctype,
    /// CDATA section, up to `]]>`; brackets are held.
    Cdata,
    /// `<` in raw text was read, and is held with what follows.
    Raw(RawStep),
}

impl Tokenizer {
    /// A tokenizer at the beginning of a document.
    pub(super) fn new(xml: bool, names: bool) -> Self {
        Self {
            state: State::Text,
            content: Content::Normal,
            reference: CharRef::default(),
            tag: Tag::default(),
            attribute: Name::default(),
            raw_name: Key::default(),
            held: Vec::new(),
            quote: '"',
            dashes: 0,
            comment: CommentStep::Start,
            instruction: None,
            entities: xml.then(Box::default),
            names,
        }
    }

    /// Begins afresh, with the same buffers.
    pub(super) fn restart(&mut self) {
        self.state = State::Text;
        self.content = Content::Normal;
        self.held.clear();
        self.dashes = 0;
    }

    /// Offset of characters that have been read but not passed on.
    pub(super) fn open_from(&self) -> Option<u64> {
        let held = match self.state {
            State::Text | State::BogusComment | State::Doctype => None,
            State::TagOpen | State::EndTagOpen | State::Cdata | State::Raw(_) => self.held.first(),
            State::Comment | State::Markup => self.held.first(),
            State::TagName | State::BeforeAttributeName | State::AttributeName | State::AfterAttributeName => None,
            State::BeforeValue | State::QuotedValue | State::UnquotedValue | State::SelfClosing => None,
        };
        held.map(|item| item.1.start).into_iter().chain(self.reference.open_from()).min()
    }

    /// Takes the characters of a block between two indices.
    pub(super) fn feed(&mut self, block: &Block<'_>, from: usize, to: usize, tokens: &mut impl Tokens) {
        let bytes = &block.text.as_bytes()[..to];
        let mut structural = Structural::default();
        let mut at = from;
        while at < to {
            // Most of a page: text up to a tag, and the tag.
            if self.state == State::Text && self.content == Content::Normal && !self.names && !self.reference.active() {
                structural.seek(bytes, at);
                let mut stop = structural.next(bytes);
                while bytes.get(stop).is_some_and(|byte| !matches!(byte, b'<' | b'&')) {
                    stop = structural.next(bytes);
                }
                if stop > at {
                    tokens.run(Part::Text, block, at, stop);
                    self.dashes = 0;
                }
                at = stop;
                if bytes.get(at) == Some(&b'<') {
                    at = self.tag(block, bytes, at, &mut structural, tokens);
                    continue;
                }
                if at == to {
                    break;
                }
                if !self.declares_entities()
                    && let Some((first, second, length)) = char_ref::whole(&bytes[at..])
                {
                    let span = block.span(at, at + length);
                    for c in [Some(first), second].into_iter().flatten() {
                        tokens.character(Part::Text, c, span, span.end);
                    }
                    self.dashes = 0;
                    at += length;
                    continue;
                }
            }
            let stop = at + self.run_length(&bytes[at..]);
            if stop > at {
                if let Some(part) = self.part() {
                    tokens.run(part, block, at, stop);
                    self.dashes = 0;
                }
                at = stop;
                continue;
            }
            if self.state == State::BeforeAttributeName && !self.reference.active() && !self.names {
                structural.seek(bytes, at);
                at = self.attributes(block, bytes, at, &mut structural, tokens);
                continue;
            }
            let Some(c) = block.text[at..].chars().next() else { break };
            let next = at + c.len_utf8();
            let span = block.span(at, next);
            self.character(c, span, span.end, tokens);
            at = next;
        }
    }

    /// The text ends.
    pub(super) fn finish(&mut self, seen: u64, tokens: &mut impl Tokens) {
        if let Some(part) = self.part() {
            self.reference.finish(within(part, &self.entities), &mut |c, span| tokens.character(part, c, span, seen));
        }
        match self.state {
            State::TagOpen | State::EndTagOpen | State::Raw(_) => self.release(Part::Text, seen, tokens),
            State::Cdata => self.release(Part::Cdata, seen, tokens),
            State::Markup => {
                self.release(Part::Comment, seen, tokens);
                tokens.end_comment(seen);
            }
            State::Comment | State::BogusComment => tokens.end_comment(seen),
            State::QuotedValue | State::UnquotedValue => self.end_value(seen, tokens),
            State::Text | State::TagName | State::BeforeAttributeName | State::AttributeName => {}
            State::AfterAttributeName | State::BeforeValue | State::SelfClosing | State::Doctype => {}
        }
        self.held.clear();
        self.state = State::Text;
    }

    /// What the characters of a run belong to, in this state.
    fn part(&self) -> Option<Part> {
        match self.state {
            State::Text => Some(Part::Text),
            State::QuotedValue | State::UnquotedValue if !self.tag.end => Some(Part::Value),
            State::Comment | State::BogusComment => Some(Part::Comment),
            State::Cdata => Some(Part::Cdata),
            _ => None,
        }
    }

    /// Length of the run of bytes at the beginning that no state change can come from.
    #[inline]
    fn run_length(&self, rest: &[u8]) -> usize {
        if self.reference.active() || rest.is_empty() {
            return 0;
        }
        let end = match self.state {
            State::Text => match self.content {
                Content::Normal | Content::Rcdata => return find_any(rest, [b'<', b'&']),
                Content::Raw | Content::Script(ScriptEscape::None) => memchr(b'<', rest),
                Content::Script(_) => memchr3(b'<', b'-', b'>', rest),
                Content::Plaintext => None,
            },
            State::QuotedValue => return find_any(rest, [self.quote as u8, b'&']),
            State::UnquotedValue => rest.iter().position(|&byte| ends_unquoted(byte)),
            State::Comment if self.comment == CommentStep::Inside => memchr(b'-', rest),
            State::BogusComment if self.instruction.is_some() => Some(0),
            State::BogusComment => memchr(b'>', rest),
            State::Cdata if self.held.is_empty() => memchr(b']', rest),
            State::Doctype if self.entities.is_none() => memchr(b'>', rest),
            _ => Some(0),
        };
        end.unwrap_or(rest.len())
    }

    /// Takes one character, at `span`; the body has been read up to `seen`.
    pub(super) fn character(&mut self, c: char, span: ByteSpan, seen: u64, tokens: &mut impl Tokens) {
        if self.reference.active() {
            let part = if self.state == State::Text { Part::Text } else { Part::Value };
            let dropped = part == Part::Value && self.tag.end;
            let mut emit = |c, span| {
                if !dropped {
                    tokens.character(part, c, span, seen);
                }
            };
            if self.reference.push(within(part, &self.entities), c, span, &mut emit) {
                return;
            }
        }
        match self.state {
            State::Text => self.text(c, span, seen, tokens),
            State::TagOpen => match c {
                '/' => {
                    self.held.push((c, span));
                    self.state = State::EndTagOpen;
                }
                '!' => {
                    self.held.clear();
                    self.state = State::Markup;
                }
                '?' => self.begin_bogus(c, span, seen, tokens),
                c if self.begins_name(c) => {
                    self.begin_tag(false);
                    self.tag.name.push_character(c);
                }
                _ => self.not_markup(c, span, seen, tokens),
            },
            State::EndTagOpen => match c {
                '>' => self.state = State::Text,
                c if self.begins_name(c) => {
                    self.begin_tag(true);
                    self.tag.name.push_character(c);
                }
                _ => self.begin_bogus(c, span, seen, tokens),
            },
            State::TagName => match c {
                '>' => self.end_tag(seen, tokens),
                '/' => self.state = State::SelfClosing,
                c if c.is_ascii_whitespace() => self.state = State::BeforeAttributeName,
                c => {
                    self.tag.name.push_character(c);
                    self.name(c, span, seen, tokens);
                }
            },
            State::SelfClosing if c == '>' => {
                self.tag.self_closing = true;
                self.end_tag(seen, tokens);
            }
            State::BeforeAttributeName | State::AfterAttributeName | State::SelfClosing => match c {
                '>' => self.end_tag(seen, tokens),
                '=' if self.state == State::AfterAttributeName => self.state = State::BeforeValue,
                '/' => self.state = State::SelfClosing,
                c if c.is_ascii_whitespace() => {
                    if self.state == State::SelfClosing {
                        self.state = State::BeforeAttributeName;
                    }
                }
                c => {
                    self.attribute.clear();
                    self.attribute.push_character(c);
                    self.state = State::AttributeName;
                    self.name(c, span, seen, tokens);
                }
            },
            State::AttributeName => match c {
                '>' | '/' | '=' => {
                    self.end_attribute_name(tokens);
                    self.state = State::AfterAttributeName;
                    self.character(c, span, seen, tokens);
                }
                c if c.is_ascii_whitespace() => {
                    self.end_attribute_name(tokens);
                    self.state = State::AfterAttributeName;
                }
                c => {
                    self.attribute.push_character(c);
                    self.name(c, span, seen, tokens);
                }
            },
            State::BeforeValue => match c {
                '"' | '\'' => {
                    self.quote = c;
                    self.state = State::QuotedValue;
                }
                '>' => self.end_tag(seen, tokens),
                c if c.is_ascii_whitespace() => {}
                _ => {
                    self.state = State::UnquotedValue;
                    self.value(c, span, seen, tokens);
                }
            },
            State::QuotedValue if c == self.quote => {
                self.end_value(seen, tokens);
                self.state = State::BeforeAttributeName;
            }
            State::UnquotedValue if c == '>' || c.is_ascii_whitespace() => {
                self.end_value(seen, tokens);
                self.state = State::BeforeAttributeName;
                self.character(c, span, seen, tokens);
            }
            State::QuotedValue | State::UnquotedValue => self.value(c, span, seen, tokens),
            State::Markup => self.markup(c, span, seen, tokens),
            State::Comment => self.comment(c, span, seen, tokens),
            State::BogusComment => match c {
                '>' if self.instruction != Some(false) => self.end_comment(seen, tokens),
                _ => {
                    self.instruction = self.instruction.map(|_| c == '?');
                    tokens.character(Part::Comment, c, span, seen);
                }
            },
            State::Doctype => {
                let ends = self.entities.as_mut().map_or(c == '>', |entities| entities.doctype(c));
                if ends {
                    self.state = State::Text;
                }
            }
            State::Cdata => self.cdata(c, span, seen, tokens),
            State::Raw(step) => self.raw(step, c, span, seen, tokens),
        }
    }

    /// Whether the document may say itself what references stand for.
    pub(super) fn declares_entities(&self) -> bool {
        self.entities.is_some()
    }

    fn begins_name(&self, c: char) -> bool {
        c.is_ascii_alphabetic() || self.entities.is_some() && (c.is_alphabetic() || matches!(c, '_' | ':'))
    }

    fn text(&mut self, c: char, span: ByteSpan, seen: u64, tokens: &mut impl Tokens) {
        match (c, self.content) {
            ('&', Content::Normal | Content::Rcdata) => return self.reference.begin(span),
            ('<', Content::Normal | Content::Rcdata | Content::Raw | Content::Script(_)) => {
                self.held.clear();
                self.held.push((c, span));
                self.state = if self.content == Content::Normal { State::TagOpen } else { State::Raw(RawStep::Less) };
                return;
            }
            ('-', Content::Script(_)) => self.dashes = (self.dashes + 1).min(2),
            ('>', Content::Script(_)) if self.dashes >= 2 => {
                self.content = Content::Script(ScriptEscape::None);
                self.dashes = 0;
            }
            _ => self.dashes = 0,
        }
        tokens.character(Part::Text, c, span, seen);
    }

    /// What is held was no markup, and neither is the character behind it, by itself.
    pub(super) fn not_markup(&mut self, c: char, span: ByteSpan, seen: u64, tokens: &mut impl Tokens) {
        self.release(Part::Text, seen, tokens);
        self.dashes = 0;
        self.state = State::Text;
        self.text(c, span, seen, tokens);
    }

    fn name(&self, c: char, span: ByteSpan, seen: u64, tokens: &mut impl Tokens) {
        if self.names {
            tokens.character(Part::Name, c, span, seen);
        }
    }

    pub(super) fn begin_tag(&mut self, end: bool) {
        self.tag = Tag { end, ..Tag::default() };
        self.state = State::TagName;
    }

    fn begin_bogus(&mut self, c: char, span: ByteSpan, seen: u64, tokens: &mut impl Tokens) {
        self.state = State::BogusComment;
        self.instruction = (self.entities.is_some() && c == '?').then_some(false);
        tokens.character(Part::Comment, c, span, seen);
    }

    #[inline]
    pub(super) fn end_attribute_name(&self, tokens: &mut impl Tokens) {
        if !self.tag.end {
            tokens.attribute(&self.attribute);
        }
    }

    #[inline]
    pub(super) fn end_value(&self, seen: u64, tokens: &mut impl Tokens) {
        if !self.tag.end {
            tokens.end_value(seen);
        }
    }

    /// `>` of a tag.
    #[inline]
    pub(super) fn end_tag(&mut self, seen: u64, tokens: &mut impl Tokens) {
        self.state = State::Text;
        self.content = tokens.tag(&self.tag, seen);
        self.dashes = 0;
        if !self.tag.end {
            self.raw_name = self.tag.name.key();
        }
    }

    fn value(&mut self, c: char, span: ByteSpan, seen: u64, tokens: &mut impl Tokens) {
        if c == '&' {
            self.reference.begin(span);
        } else if !self.tag.end {
            tokens.character(Part::Value, c, span, seen);
        }
    }

    /// What was held back stands for itself.
    pub(super) fn release(&mut self, part: Part, seen: u64, tokens: &mut impl Tokens) {
        for (c, span) in self.held.drain(..) {
            tokens.character(part, c, span, seen);
        }
    }
}

fn within(part: Part, entities: &Option<Box<Entities>>) -> Within<'_> {
    Within { attribute: part == Part::Value, entities: entities.as_deref() }
}

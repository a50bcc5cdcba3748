//! HTML and XML by the tokenizer's states, as far as they decide which characters belong to which
//! lane (HTML, section 13.2.5; script data with its escapes; character references).
//!
//! A tokenizer, and of the tree builder no more than what switches the tokenizer: foreign content
//! (`<svg>`, `<math>`, where no element's text is raw), and `<noscript>` with scripting on.

mod char_ref;
mod elements;

use char_ref::CharRef;
use memchr::{memchr, memchr2};

use super::{
    block::{Block, Edge, Sink},
    unescape::Unescape,
};
use crate::{base::ByteSpan, engine::text::Stream};

/// Longest name of an element that matters here.
const NAME_BYTES_MAX: usize = 16;

/// The tokenizer.
#[derive(Debug)]
pub(super) struct Html {
    xml: bool,
    state: State,
    content: Content,
    reference: CharRef,
    escape: Unescape,
    /// Name of the tag being read, in lower case, cut at [`NAME_BYTES_MAX`].
    name: String,
    end_tag: bool,
    /// The raw-text element that is open.
    raw_name: String,
    /// What was read since a `<` in raw text that may be an end tag.
    held: Vec<(char, ByteSpan)>,
    /// Whether the attribute value being read is wanted, and its quote.
    quote: char,
    /// Dashes (or brackets) read in a row, where they matter.
    dashes: u8,
    /// `svg` or `math`, if one is open: within, no element's text is raw, and CDATA is text.
    foreign: Option<&'static str>,
    /// The bogus comment is a processing instruction of XML: it ends at `?>`.
    instruction: bool,
    /// The stream of what is shown.
    shown: Stream,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Text,
    /// `<` was read.
    TagOpen,
    /// `</` was read.
    EndTagOpen,
    TagName,
    BeforeAttributeName,
    AttributeName,
    AfterAttributeName,
    BeforeValue,
    QuotedValue,
    UnquotedValue,
    /// `<!` was read, and what follows is kept in `held`.
    Markup,
    Comment,
    /// `<?…>`, `<!DOCTYPE…>`, `</%…>`: up to the next `>`.
    BogusComment,
    /// CDATA section, up to `]]>`.
    Cdata,
    /// `<` in raw text was read; `held` has what follows.
    RawTag,
}

/// How text is read.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Content {
    Normal,
    /// `<title>`, `<textarea>`: character references, no tags but its own end.
    Rcdata,
    /// `<style>`, `<xmp>`, …
    Raw(Stream),
    Script(ScriptEscape),
    Plaintext,
}

/// "Script data escaped" and "double escaped".
#[derive(Clone, Copy, Debug, PartialEq)]
enum ScriptEscape {
    None,
    Single,
    Double,
}

impl Content {
    fn stream(self) -> Stream {
        match self {
            Self::Raw(stream) => stream,
            Self::Script(_) => Stream::Script,
            Self::Normal | Self::Rcdata | Self::Plaintext => Stream::Text,
        }
    }

    fn references(self) -> bool {
        matches!(self, Self::Normal | Self::Rcdata)
    }
}

impl Html {
    /// A tokenizer at the beginning of a document.
    pub(super) fn new(xml: bool) -> Self {
        Self {
            xml,
            state: State::Text,
            content: Content::Normal,
            reference: CharRef::default(),
            escape: Unescape::default(),
            name: String::new(),
            end_tag: false,
            raw_name: String::new(),
            held: Vec::new(),
            quote: '"',
            dashes: 0,
            foreign: None,
            instruction: false,
            shown: Stream::Text,
        }
    }

    /// A tokenizer of HTML within a string of another language. What a browser would show of it goes
    /// to `shown`; attributes and comments to their own streams.
    pub(super) fn nested(shown: Stream) -> Self {
        Self { shown, ..Self::new(false) }
    }

    /// Takes one character that is written in another way; the body has been read up to `seen`.
    pub(super) fn character(&mut self, c: char, span: ByteSpan, _seen: u64, sink: &mut impl Sink) {
        self.step(c, span, sink);
    }

    /// Takes the characters of a block between two indices.
    pub(super) fn feed_between(&mut self, block: &Block<'_>, from: usize, to: usize, sink: &mut impl Sink) {
        for (at, c) in block.text[from..to].char_indices() {
            self.step(c, block.span(from + at, from + at + c.len_utf8()), sink);
        }
    }

    /// The string ends: what is pending is settled, and the next begins afresh. Edges around strings
    /// are the caller's.
    pub(super) fn settle(&mut self, at: u64, sink: &mut impl Sink) {
        let stream = self.stream().unwrap_or(Stream::Text);
        self.reference.finish(stream, at, sink);
        self.escape.finish(stream, at, sink);
        if self.state == State::RawTag {
            self.release_held(at, sink);
        }
        *self = Self::nested(self.shown);
    }

    /// Offset of characters that have been read but not given to the sink.
    pub(super) fn open_from(&self) -> Option<u64> {
        let held = if self.state == State::RawTag { self.held.first().map(|item| item.1.start) } else { None };
        [held, self.reference.open_from(), self.escape.open_from()].into_iter().flatten().min()
    }

    /// Takes the next characters.
    pub(super) fn feed(&mut self, block: &Block<'_>, sink: &mut impl Sink) {
        let text = block.text;
        let mut at = 0;
        while at < text.len() {
            let stop = at + self.run(&text.as_bytes()[at..]);
            if stop > at {
                if let Some(stream) = self.stream()
                    && sink.wants(stream)
                {
                    sink.run(stream, block, at, stop);
                }
                self.dashes = 0;
                at = stop;
                continue;
            }
            let Some(c) = text[at..].chars().next() else { break };
            let next = at + c.len_utf8();
            self.step(c, block.span(at, next), sink);
            at = next;
        }
    }

    /// The document ends.
    pub(super) fn finish(&mut self, at: u64, sink: &mut impl Sink) {
        let stream = self.stream().unwrap_or(Stream::Text);
        self.reference.finish(stream, at, sink);
        self.escape.finish(stream, at, sink);
        if self.state == State::RawTag {
            self.release_held(at, sink);
        }
        for stream in Stream::ALL {
            sink.edge(stream, Edge::Hard, at);
        }
    }

    /// The lane of characters that stand for themselves in this state.
    fn stream(&self) -> Option<Stream> {
        match self.state {
            State::Text | State::RawTag => Some(self.content.stream()),
            State::QuotedValue | State::UnquotedValue => Some(Stream::Attribute),
            State::Comment | State::BogusComment => Some(Stream::Comment),
            State::Cdata => Some(Stream::Text),
            _ => None,
        }
    }

    /// Length of the run of bytes at the beginning that no state change can come from.
    fn run(&self, rest: &[u8]) -> usize {
        if self.reference.active() || self.escape.active() || self.escape.open_from().is_some() {
            return 0;
        }
        let end = match self.state {
            State::Text => match self.content {
                Content::Normal | Content::Rcdata => memchr2(b'<', b'&', rest),
                Content::Raw(Stream::Script) => memchr2(b'<', b'\\', rest),
                Content::Raw(_) => memchr(b'<', rest),
                Content::Script(ScriptEscape::None) => memchr2(b'<', b'\\', rest),
                Content::Script(_) => rest.iter().position(|byte| matches!(byte, b'<' | b'\\' | b'-' | b'>')),
                Content::Plaintext => None,
            },
            State::QuotedValue => memchr2(self.quote as u8, b'&', rest),
            State::Comment => rest.iter().position(|byte| matches!(byte, b'-' | b'>' | b'!')),
            State::BogusComment if self.instruction => memchr2(b'>', b'?', rest),
            State::BogusComment => memchr(b'>', rest),
            State::Cdata => rest.iter().position(|byte| matches!(byte, b']' | b'>')),
            State::AttributeName => {
                rest.iter().position(|byte| matches!(byte, b'=' | b'>' | b'/' | b' ' | b'\t' | b'\n' | b'\r' | 0x0C))
            }
            _ => Some(0),
        };
        end.unwrap_or(rest.len())
    }

    /// Takes one character that may change the state.
    fn step(&mut self, c: char, span: ByteSpan, sink: &mut impl Sink) {
        if self.reference.active() {
            let stream = self.stream().unwrap_or(Stream::Text);
            if self.reference.push(stream, c, span, sink) {
                return;
            }
        }
        if self.escape.active() && self.escape.push(Stream::Script, c, span, sink) {
            return;
        }
        match self.state {
            State::Text => self.text(c, span, sink),
            State::TagOpen => self.tag_open(c, span, sink),
            State::EndTagOpen => match c {
                c if c.is_ascii_alphabetic() => self.begin_tag(true, c),
                '>' => self.state = State::Text,
                _ => self.begin_bogus(c, span, sink),
            },
            State::TagName => match c {
                '>' => self.end_tag_name(span.end, true, sink),
                '/' => self.end_tag_name(span.end, false, sink),
                c if c.is_ascii_whitespace() => self.end_tag_name(span.end, false, sink),
                c if self.name.len() < NAME_BYTES_MAX => self.name.push(c.to_ascii_lowercase()),
                // Too long a name is none of ours; one more character keeps it from being cut to one.
                _ => {}
            },
            State::BeforeAttributeName | State::AfterAttributeName => match c {
                '>' => self.end_markup(span.end, sink),
                '=' if self.state == State::AfterAttributeName => self.state = State::BeforeValue,
                '/' => self.state = State::BeforeAttributeName,
                c if c.is_ascii_whitespace() => {}
                _ => self.state = State::AttributeName,
            },
            State::AttributeName => match c {
                '>' => self.end_markup(span.end, sink),
                '=' => self.state = State::BeforeValue,
                '/' => self.state = State::BeforeAttributeName,
                c if c.is_ascii_whitespace() => self.state = State::AfterAttributeName,
                _ => {}
            },
            State::BeforeValue => match c {
                '"' | '\'' => {
                    self.quote = c;
                    self.state = State::QuotedValue;
                }
                '>' => self.end_markup(span.end, sink),
                c if c.is_ascii_whitespace() => {}
                _ => {
                    self.state = State::UnquotedValue;
                    self.unquoted(c, span, sink);
                }
            },
            State::QuotedValue if c == self.quote => {
                sink.edge(Stream::Attribute, Edge::Hard, span.end);
                self.state = State::BeforeAttributeName;
            }
            State::QuotedValue => self.value(c, span, sink),
            State::UnquotedValue => self.unquoted(c, span, sink),
            State::Markup => self.markup(c, span, sink),
            State::Comment => match c {
                '>' if self.dashes >= 2 => self.end_comment(span.end, sink),
                '-' => self.dashes = (self.dashes + 1).min(2),
                // `--!>` ends a comment as well.
                '!' if self.dashes >= 2 => {}
                _ => {
                    self.dashes = 0;
                    sink.character(Stream::Comment, c, span, span.end);
                }
            },
            State::BogusComment => match c {
                '>' if !self.instruction || self.dashes > 0 => self.end_comment(span.end, sink),
                _ => {
                    self.dashes = u8::from(c == '?');
                    sink.character(Stream::Comment, c, span, span.end);
                }
            },
            State::Cdata => match c {
                '>' if self.dashes >= 2 => self.state = State::Text,
                ']' => self.dashes = (self.dashes + 1).min(2),
                _ => {
                    self.dashes = 0;
                    sink.character(Stream::Text, c, span, span.end);
                }
            },
            State::RawTag => self.raw_tag(c, span, sink),
        }
    }

    fn text(&mut self, c: char, span: ByteSpan, sink: &mut impl Sink) {
        let stream = self.content.stream();
        match (c, self.content) {
            ('&', content) if content.references() => return self.reference.begin(span),
            ('<', Content::Normal) => return self.state = State::TagOpen,
            ('<', Content::Rcdata | Content::Raw(_) | Content::Script(_)) => {
                self.escape.drop_high(stream, span.end, sink);
                self.held.clear();
                self.held.push((c, span));
                return self.state = State::RawTag;
            }
            ('\\', Content::Script(_) | Content::Raw(Stream::Script)) => return self.escape.begin(span),
            ('-', Content::Script(_)) => self.dashes = (self.dashes + 1).min(2),
            ('>', Content::Script(_)) if self.dashes >= 2 => {
                self.content = Content::Script(ScriptEscape::None);
                self.dashes = 0;
            }
            _ => self.dashes = 0,
        }
        self.escape.drop_high(stream, span.end, sink);
        sink.character(stream, c, span, span.end);
    }

    fn tag_open(&mut self, c: char, span: ByteSpan, sink: &mut impl Sink) {
        match c {
            '/' => self.state = State::EndTagOpen,
            '!' => {
                self.held.clear();
                self.state = State::Markup;
            }
            '?' => self.begin_bogus(c, span, sink),
            c if c.is_ascii_alphabetic() || (self.xml && (c.is_alphabetic() || c == '_')) => self.begin_tag(false, c),
            _ => {
                // A lone `<` is text.
                let before = ByteSpan { start: span.start.saturating_sub(span.len()), end: span.start };
                sink.character(Stream::Text, '<', before, span.end);
                self.state = State::Text;
                self.text(c, span, sink);
            }
        }
    }

    fn begin_tag(&mut self, end_tag: bool, first: char) {
        self.end_tag = end_tag;
        self.name.clear();
        self.name.push(first.to_ascii_lowercase());
        self.state = State::TagName;
    }

    fn begin_bogus(&mut self, c: char, span: ByteSpan, sink: &mut impl Sink) {
        self.state = State::BogusComment;
        self.instruction = self.xml && c == '?';
        self.dashes = 0;
        sink.character(Stream::Comment, c, span, span.end);
    }

    /// The name of a tag is complete: what it does to the text around it.
    fn end_tag_name(&mut self, seen: u64, tag_ends: bool, sink: &mut impl Sink) {
        if elements::breaks_words(&self.name) || self.xml {
            sink.edge(Stream::Text, Edge::Soft, seen);
        }
        self.state = State::BeforeAttributeName;
        if tag_ends {
            self.end_markup(seen, sink);
        }
    }

    /// `>` of a tag.
    fn end_markup(&mut self, seen: u64, sink: &mut impl Sink) {
        sink.edge(Stream::Attribute, Edge::Hard, seen);
        self.state = State::Text;
        if self.xml || self.in_foreign_content() || self.end_tag {
            return;
        }
        self.content = match self.name.as_str() {
            "title" | "textarea" => Content::Rcdata,
            "script" => Content::Script(ScriptEscape::None),
            "style" => Content::Raw(Stream::Script),
            "xmp" | "iframe" | "noembed" | "noframes" | "noscript" => Content::Raw(Stream::Text),
            "plaintext" => Content::Plaintext,
            _ => return,
        };
        self.dashes = 0;
        self.raw_name.clone_from(&self.name);
        if self.content.stream() == Stream::Script {
            sink.edge(Stream::Script, Edge::Hard, seen);
        }
    }

    /// Keeps track of `<svg>` and `<math>` by the tag that has just ended; whether it stood within.
    fn in_foreign_content(&mut self) -> bool {
        match (self.foreign, self.name.as_str(), self.end_tag) {
            (None, "svg", false) => self.foreign = Some("svg"),
            (None, "math", false) => self.foreign = Some("math"),
            (None, ..) => return false,
            (Some(open), name, true) if open == name => self.foreign = None,
            (Some(_), name, false) if elements::leaves_foreign_content(name) => {
                self.foreign = None;
                return false;
            }
            (Some(_), ..) => {}
        }
        true
    }

    fn value(&mut self, c: char, span: ByteSpan, sink: &mut impl Sink) {
        if c == '&' {
            self.reference.begin(span);
        } else {
            sink.character(Stream::Attribute, c, span, span.end);
        }
    }

    fn unquoted(&mut self, c: char, span: ByteSpan, sink: &mut impl Sink) {
        match c {
            '>' => self.end_markup(span.end, sink),
            c if c.is_ascii_whitespace() => {
                sink.edge(Stream::Attribute, Edge::Hard, span.end);
                self.state = State::BeforeAttributeName;
            }
            _ => self.value(c, span, sink),
        }
    }

    /// Behind `<!`: a comment, a CDATA section, or anything up to `>`.
    fn markup(&mut self, c: char, span: ByteSpan, sink: &mut impl Sink) {
        self.held.push((c, span));
        let read: String = self.held.iter().map(|item| item.0).collect();
        if read == "--" {
            self.state = State::Comment;
            // `<!-->` and `<!--->` are comments: the dashes that open may close.
            self.dashes = 2;
        } else if (self.xml || self.foreign.is_some()) && read == "[CDATA[" {
            self.state = State::Cdata;
            self.dashes = 0;
        } else if !("--".starts_with(&read) || (self.xml || self.foreign.is_some()) && "[CDATA[".starts_with(&read)) {
            self.state = State::BogusComment;
            self.instruction = false;
            for (c, span) in std::mem::take(&mut self.held) {
                if c == '>' {
                    return self.end_comment(span.end, sink);
                }
                sink.character(Stream::Comment, c, span, span.end);
            }
        }
    }

    fn end_comment(&mut self, seen: u64, sink: &mut impl Sink) {
        sink.edge(Stream::Comment, Edge::Hard, seen);
        self.dashes = 0;
        self.state = State::Text;
    }

    /// In raw text, behind `<`: its own end tag, a script's escape, or just text.
    fn raw_tag(&mut self, c: char, span: ByteSpan, sink: &mut impl Sink) {
        let read: String = self.held[1..].iter().map(|item| item.0.to_ascii_lowercase()).collect();
        let escape = if let Content::Script(escape) = self.content { Some(escape) } else { None };
        let ends_name = c == '>' || c == '/' || c.is_ascii_whitespace();
        if ends_name && read.strip_prefix('/') == Some(&self.raw_name) && escape != Some(ScriptEscape::Double) {
            return self.end_raw(c, span, sink);
        }
        match escape {
            Some(ScriptEscape::Double) if ends_name && read == "/script" => {
                self.content = Content::Script(ScriptEscape::Single);
            }
            Some(ScriptEscape::Single) if ends_name && read == "script" => {
                self.content = Content::Script(ScriptEscape::Double);
            }
            Some(ScriptEscape::None) if c == '-' && read == "!-" => {
                self.content = Content::Script(ScriptEscape::Single);
                self.release_held(span.end, sink);
                self.dashes = 1;
                return self.text(c, span, sink);
            }
            _ => {}
        }
        let longer = format!("{read}{}", c.to_ascii_lowercase());
        let may_go_on = format!("/{}", self.raw_name).starts_with(&longer)
            || (escape.is_some()
                && ("!--".starts_with(&longer) || "script".starts_with(&longer) || "/script".starts_with(&longer)));
        if may_go_on {
            self.held.push((c, span));
            return;
        }
        self.release_held(span.end, sink);
        self.dashes = 0;
        self.step(c, span, sink);
    }

    fn end_raw(&mut self, c: char, span: ByteSpan, sink: &mut impl Sink) {
        let stream = self.content.stream();
        self.held.clear();
        sink.edge(stream, if stream == Stream::Script { Edge::Hard } else { Edge::Soft }, span.end);
        self.content = Content::Normal;
        self.end_tag = true;
        self.name.clone_from(&self.raw_name);
        self.state = State::BeforeAttributeName;
        if c == '>' {
            self.end_markup(span.end, sink);
        }
    }

    /// What was held back is text after all.
    fn release_held(&mut self, seen: u64, sink: &mut impl Sink) {
        let stream = self.content.stream();
        for (c, span) in std::mem::take(&mut self.held) {
            sink.character(stream, c, span, seen);
        }
        self.state = State::Text;
    }
}

//! Style sheets as text: escapes resolved (CSS Syntax, section 4.3.7), and the strings of
//! `content:`, which browsers show.

use std::borrow::Cow;

use memchr::{memchr, memmem};

use super::{
    Stream,
    block::{Block, Edge, Sink},
    scan::find_any,
};
use crate::base::ByteSpan;

/// Bytes kept before a string, to know the property that it belongs to.
const TAIL_BYTES: usize = 48;

/// Reads a style sheet, or the declarations of a style attribute. All goes to one stream; strings of
/// `content` to [`Stream::Text`] too.
#[derive(Debug)]
pub(super) struct CssText {
    stream: Stream,
    /// Whether strings of `content` are shown.
    sheet: bool,
    escape: Escape,
    /// Where the backslash stands.
    start: u64,
    /// The last bytes outside of strings, in lower case.
    tail: Vec<u8>,
    quote: Option<char>,
    shown: bool,
}

/// An escape that is being read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Escape {
    #[default]
    None,
    Backslash,
    /// Up to six hexadecimal digits, and where they end.
    Hex {
        digits: u8,
        value: u32,
        end: u64,
    },
    /// A line break has been skipped; after a carriage return comes a line feed.
    CarriageReturn,
}

impl CssText {
    /// A reader of a style sheet.
    pub(super) fn sheet() -> Self {
        Self::new(Stream::Script, true)
    }

    /// A reader of a style attribute.
    pub(super) fn attribute() -> Self {
        Self::new(Stream::Attribute, false)
    }

    fn new(stream: Stream, sheet: bool) -> Self {
        Self { stream, sheet, escape: Escape::None, start: 0, tail: Vec::new(), quote: None, shown: false }
    }

    /// Offset of an escape that is being read.
    pub(super) fn open_from(&self) -> Option<u64> {
        matches!(self.escape, Escape::Backslash | Escape::Hex { .. }).then_some(self.start)
    }

    /// Takes the characters of a block between two indices.
    pub(super) fn feed_between(&mut self, block: &Block<'_>, from: usize, to: usize, sink: &mut impl Sink) {
        let bytes = block.text.as_bytes();
        let mut at = from;
        while at < to {
            if self.escape == Escape::None {
                let stop = at + find_any(&bytes[at..to], [b'\\', b'"', b'\'']);
                if stop > at {
                    sink.run(self.stream, block, at, stop);
                    if self.quote.is_none() && self.sheet {
                        self.remember(&bytes[at..stop]);
                    } else if self.shown {
                        sink.run(Stream::Text, block, at, stop);
                    }
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
        match self.escape {
            Escape::None => {}
            Escape::CarriageReturn => {
                self.escape = Escape::None;
                if c == '\n' {
                    return;
                }
            }
            Escape::Backslash => {
                self.escape = match (c, c.to_digit(16)) {
                    (_, Some(value)) => Escape::Hex { digits: 1, value, end: span.end },
                    // In a string a line break behind a backslash is nothing.
                    ('\r', _) => Escape::CarriageReturn,
                    ('\n' | '\u{C}', _) => Escape::None,
                    _ => {
                        self.emit(c, ByteSpan { start: self.start, end: span.end }, seen, sink);
                        Escape::None
                    }
                };
                return;
            }
            Escape::Hex { digits, value, end } => match c.to_digit(16) {
                Some(digit) if digits < 6 => {
                    self.escape = Escape::Hex { digits: digits + 1, value: value * 16 + digit, end: span.end };
                    return;
                }
                _ => {
                    self.end_escape(value, end, seen, sink);
                    // One white space belongs to the escape.
                    if c.is_ascii_whitespace() {
                        return;
                    }
                }
            },
        }
        match (c, self.quote) {
            ('\\', _) => {
                self.start = span.start;
                self.escape = Escape::Backslash;
            }
            ('"' | '\'', None) => {
                if self.sheet
                    && let Some(shown) = begins_declaration(&self.tail)
                {
                    if shown || self.shown {
                        sink.edge(Stream::Text, Edge::Hard, seen);
                    }
                    self.shown = shown;
                }
                self.quote = Some(c);
                self.tail.clear();
                sink.character(self.stream, c, span, seen);
            }
            // A string ends at its line's end, if its quote is missing.
            (c, Some(quote)) if c == quote || c == '\n' => {
                self.quote = None;
                if self.shown {
                    sink.edge(Stream::Text, Edge::Soft, seen);
                }
                sink.character(self.stream, c, span, seen);
            }
            _ => self.emit(c, span, seen, sink),
        }
    }

    /// The style sheet ends.
    pub(super) fn finish(&mut self, seen: u64, sink: &mut impl Sink) {
        if let Escape::Hex { value, end, .. } = self.escape {
            self.end_escape(value, end, seen, sink);
        }
        if self.shown {
            sink.edge(Stream::Text, Edge::Hard, seen);
        }
        self.tail.clear();
        *self = Self { tail: std::mem::take(&mut self.tail), ..Self::new(self.stream, self.sheet) };
    }

    fn end_escape(&mut self, value: u32, end: u64, seen: u64, sink: &mut impl Sink) {
        self.escape = Escape::None;
        self.emit(code_point(value), ByteSpan { start: self.start, end }, seen, sink);
    }

    fn emit(&mut self, c: char, span: ByteSpan, seen: u64, sink: &mut impl Sink) {
        sink.character(self.stream, c, span, seen);
        if self.quote.is_none() && self.sheet {
            self.remember(c.encode_utf8(&mut [0; 4]).as_bytes());
        } else if self.shown {
            sink.character(Stream::Text, c, span, seen);
        }
    }

    fn remember(&mut self, bytes: &[u8]) {
        let kept = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
        let gone = (self.tail.len() + kept.len()).saturating_sub(TAIL_BYTES);
        self.tail.drain(..gone.min(self.tail.len()));
        self.tail.extend(kept.iter().map(u8::to_ascii_lowercase));
    }
}

/// Whether a string behind this text is a value of `content`; `None` if it stands in the same
/// declaration as the string before it.
fn begins_declaration(tail: &[u8]) -> Option<bool> {
    let at = tail.iter().rposition(|byte| matches!(byte, b';' | b'{' | b'}' | b':'))?;
    let front = tail[..at].trim_ascii_end();
    let is_content =
        |front: &[u8]| !front.last().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    Some(tail[at] == b':' && front.strip_suffix(b"content").is_some_and(is_content))
}

fn code_point(value: u32) -> char {
    char::from_u32(value).filter(|&c| c != '\0').unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Kept bytes as text; they may be cut within a character.
pub(super) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    // Faster than what `from_utf8_lossy` does for what is valid.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Names and values as a browser reads them: escapes resolved, comments gone, lower case.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let is_plain = || memchr(b'\\', bytes).is_none() && memmem::find(bytes, b"/*").is_none();
    if find_any(bytes, [b'\\', b'*']) == bytes.len() || is_plain() {
        // Without a branch, so that many bytes are looked at at once.
        let capitals = text.bytes().fold(false, |any, byte| any | byte.is_ascii_uppercase());
        return if capitals { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) };
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, behind)| behind);
            continue;
        }
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            plain.push(c.to_ascii_lowercase());
            continue;
        }
        let digits = rest.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
        if digits > 0 {
            plain.push(code_point(u32::from_str_radix(&rest[..digits], 16).unwrap_or(0)).to_ascii_lowercase());
            rest = &rest[digits..];
            rest = rest.strip_prefix(|c: char| c.is_ascii_whitespace()).unwrap_or(rest);
        } else if let Some(next) = rest.chars().next() {
            if next != '\n' {
                plain.push(next.to_ascii_lowercase());
            }
            rest = &rest[next.len_utf8()..];
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CssText, plain};
    use crate::{
        base::ByteSpan,
        engine::text::{Block, Edge, Sink, Stream},
    };

    #[derive(Debug, Default, PartialEq)]
    struct Read {
        all: String,
        shown: String,
    }

    impl Sink for Read {
        fn wants(&self, _: Stream) -> bool {
            true
        }

        fn run(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize) {
            for c in block.text[from..to].chars() {
                self.character(stream, c, ByteSpan { start: 0, end: 0 }, 0);
            }
        }

        fn character(&mut self, stream: Stream, c: char, _: ByteSpan, _: u64) {
            if stream == Stream::Text { self.shown.push(c) } else { self.all.push(c) }
        }

        fn edge(&mut self, _: Stream, edge: Edge, _: u64) {
            if edge == Edge::Hard {
                self.shown.push('|');
            }
        }
    }

    fn read(text: &str, cuts: &[usize]) -> Read {
        let (mut css, mut sink) = (CssText::sheet(), Read::default());
        let mut ends: Vec<usize> = cuts.iter().map(|cut| text.floor_char_boundary(cut % (text.len() + 1))).collect();
        ends.sort_unstable();
        ends.push(text.len());
        let mut from = 0;
        for to in ends {
            let block = Block::new(&text[from..to], from as u64, None);
            css.feed_between(&block, 0, to - from, &mut sink);
            from = to;
        }
        css.finish(text.len() as u64, &mut sink);
        sink
    }

    #[test]
    fn strings_of_content_are_shown() {
        for (sheet, shown) in [
            (r#".a::before{content:"赌""博"}"#, "|赌博|"),
            (r".a::before{ CONTENT : '\8d4c\535A ' attr(x) '啊';color:red}", "|赌博啊|"),
            (r#".a{font-family:"赌博"} .b{justify-content:"x"}"#, ""),
            (
                r#".a{co\6e tent:"赌\
博"}"#,
                "|赌博|",
            ),
            (r#".a{content:"赌"}.b{content:"博"}"#, "|赌|博|"),
        ] {
            assert_eq!(read(sheet, &[]).shown.replace("|||", "||"), shown, "{sheet}");
        }
    }

    #[test]
    fn escapes_are_resolved_as_browsers_do() {
        assert_eq!(read(r"a\8d4c\00535a b\26 B\,c", &[]).all, "a赌博b&B,c");
        assert_eq!(plain(r"DIS\70 lay/* x */: N\6FNE"), "display: none");
    }

    proptest! {
        #[test]
        fn cuts_never_matter(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("\\"), Just("8d4c"), Just(" "), Just("\""), Just("'"), Just("content:"), Just("content"),
                    Just(";"), Just("{"), Just("}"), Just("\r\n"), Just("赌"), Just(":"), Just("x")
                ],
                0..16
            ),
            cuts in proptest::collection::vec(any::<usize>(), 0..6),
        ) {
            let text = parts.concat();
            prop_assert_eq!(read(&text, &[]), read(&text, &cuts));
        }
    }
}

//! Character references (HTML, "character reference state"), streaming.

use crate::{
    base::ByteSpan,
    engine::text::{Stream, block::Sink},
};

/// Longest name in the table, with its semicolon (`&CounterClockwiseContourIntegral;`).
const NAME_BYTES_MAX: usize = 32;

/// A character reference that is being read.
#[derive(Debug, Default)]
pub(super) struct CharRef {
    active: bool,
    /// Place of the ampersand.
    start: ByteSpan,
    /// What followed it, all ASCII, with the offset behind each.
    read: Vec<(u8, u64)>,
}

impl CharRef {
    /// Begins at an ampersand.
    pub(super) fn begin(&mut self, span: ByteSpan) {
        self.active = true;
        self.start = span;
        self.read.clear();
    }

    pub(super) fn active(&self) -> bool {
        self.active
    }

    /// Offset of the ampersand of a reference that is being read.
    pub(super) fn open_from(&self) -> Option<u64> {
        self.active.then_some(self.start.start)
    }

    /// Takes the next character; `false` if the reference ended before it (and has been emitted).
    pub(super) fn push(&mut self, stream: Stream, c: char, span: ByteSpan, sink: &mut impl Sink) -> bool {
        let numeric = self.read.first().is_some_and(|first| first.0 == b'#');
        let hexadecimal = numeric && self.read.get(1).is_some_and(|second| matches!(second.0, b'x' | b'X'));
        let goes_on = match self.read.len() {
            0 => c == '#' || c.is_ascii_alphanumeric(),
            1 if numeric => c.is_ascii_digit() || matches!(c, 'x' | 'X'),
            _ if hexadecimal => c.is_ascii_hexdigit(),
            _ if numeric => c.is_ascii_digit(),
            length => c.is_ascii_alphanumeric() && length < NAME_BYTES_MAX,
        };
        if goes_on {
            // Leading zeros and endless digits change nothing beyond what is kept.
            if self.read.len() < 2 * NAME_BYTES_MAX {
                self.read.push((c as u8, span.end));
            } else if let Some(last) = self.read.last_mut() {
                *last = (c as u8, span.end);
            }
            return true;
        }
        let semicolon = c == ';' && !self.read.is_empty();
        if semicolon {
            self.read.push((b';', span.end));
        }
        let next = if semicolon { None } else { Some(c) };
        self.resolve(stream, next, span.end, sink);
        semicolon
    }

    /// The text ends in the middle of a reference.
    pub(super) fn finish(&mut self, stream: Stream, at: u64, sink: &mut impl Sink) {
        if self.active {
            self.resolve(stream, None, at, sink);
        }
    }

    fn resolve(&mut self, stream: Stream, next: Option<char>, seen: u64, sink: &mut impl Sink) {
        self.active = false;
        let used = if self.read.first().is_some_and(|first| first.0 == b'#') {
            self.numeric(stream, seen, sink)
        } else {
            self.named(stream, next, seen, sink)
        };
        if used == 0 {
            sink.character(stream, '&', self.start, seen);
        }
        // What is not part of the reference stands for itself.
        let mut start = if used == 0 { self.start.end } else { self.read[used - 1].1 };
        for &(byte, end) in &self.read[used..] {
            sink.character(stream, byte as char, ByteSpan { start, end }, seen);
            start = end;
        }
    }

    /// Emits a numeric reference; how much of `read` it used.
    fn numeric(&self, stream: Stream, seen: u64, sink: &mut impl Sink) -> usize {
        let hexadecimal = self.read.get(1).is_some_and(|second| matches!(second.0, b'x' | b'X'));
        let (radix, from) = if hexadecimal { (16, 2) } else { (10, 1) };
        let digits = self.read[from.min(self.read.len())..].iter().take_while(|item| item.0 != b';');
        let mut value = 0_u32;
        let mut count = 0;
        for digit in digits.filter_map(|item| (item.0 as char).to_digit(radix)) {
            value = value.saturating_mul(radix).saturating_add(digit);
            count += 1;
        }
        if count == 0 {
            return 0;
        }
        let used = self.read.len();
        let span = ByteSpan { start: self.start.start, end: self.read[used - 1].1 };
        sink.character(stream, numeric_character(value), span, seen);
        used
    }

    /// Emits the longest name in the table that `read` begins with; how much of `read` it used.
    fn named(&self, stream: Stream, next: Option<char>, seen: u64, sink: &mut impl Sink) -> usize {
        let mut key = vec![b'&'];
        key.extend(self.read.iter().map(|item| item.0));
        while key.len() > 1 {
            if let Some(value) = htmlize::ENTITIES.get(key.as_slice()) {
                let used = key.len() - 1;
                let bare = key.last() != Some(&b';');
                let following = self.read.get(used).map(|item| item.0 as char).or(next);
                // For historical reasons, `?a=b&copy=c` in an attribute is not a reference.
                if bare
                    && stream == Stream::Attribute
                    && following.is_some_and(|c| c == '=' || c.is_ascii_alphanumeric())
                {
                    return 0;
                }
                let span = ByteSpan { start: self.start.start, end: self.read[used - 1].1 };
                for c in std::str::from_utf8(value).unwrap_or_default().chars() {
                    sink.character(stream, c, span, seen);
                }
                return used;
            }
            key.pop();
        }
        0
    }
}

/// "Numeric character reference end state".
fn numeric_character(value: u32) -> char {
    const WINDOWS_1252: [u16; 32] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,
        0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
        0x0153, 0x9D, 0x017E, 0x0178,
    ];
    let value = match value {
        0 => 0xFFFD,
        0x80..=0x9F => u32::from(WINDOWS_1252[(value - 0x80) as usize]),
        _ => value,
    };
    char::from_u32(value).unwrap_or('\u{FFFD}')
}

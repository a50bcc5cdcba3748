//! Escapes of JavaScript and JSON strings: `\uXXXX`, `\u{…}`, `\xXX`, octal, and the rest.

use super::block::Sink;
use crate::{base::ByteSpan, engine::text::Stream};

/// Resolves escapes, a character at a time.
#[derive(Debug, Default)]
pub(super) struct Unescape {
    state: State,
    /// Where the backslash stands.
    start: u64,
    /// A high surrogate that waits for its low one, and its place.
    high: Option<(u32, ByteSpan)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum State {
    #[default]
    Idle,
    Backslash,
    /// A line continuation's carriage return was read: a line feed belongs to it.
    Return,
    /// `\u` was read: four digits, or a brace.
    Unicode,
    /// `\u{` was read.
    Braced {
        value: u32,
    },
    /// Hexadecimal digits that are still to come.
    Hex {
        left: u8,
        value: u32,
    },
    /// Up to three octal digits.
    Octal {
        digits: u8,
        value: u32,
    },
}

/// The character that a whole and simple escape at the beginning stands for, and how many bytes it
/// takes; `None` for halves of pairs, and whatever else [`Unescape`] has to look at.
#[inline]
pub(super) fn simple(text: &[u8]) -> Option<(char, usize)> {
    match *text {
        [b'\\', b'u', a, b, c, d, ..] => {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let value = digit(a)? << 12 | digit(b)? << 8 | digit(c)? << 4 | digit(d)?;
            char::from_u32(value).map(|c| (c, 6))
        }
        [b'\\', b'n' | b't' | b'r' | b'b' | b'f' | b'v', ..] => Some((' ', 2)),
        [b'\\', b'u' | b'x' | b'0'..=b'7' | b'\n' | b'\r' | b'<', ..] => None,
        [b'\\', byte, ..] if byte.is_ascii() => Some((char::from(byte), 2)),
        _ => None,
    }
}

impl Unescape {
    /// Whether an escape is being read.
    #[inline]
    pub(super) fn active(&self) -> bool {
        self.state != State::Idle
    }

    /// Offset of an escape that is being read, or of half a surrogate pair.
    #[inline]
    pub(super) fn open_from(&self) -> Option<u64> {
        self.high.map(|(_, span)| span.start).or(self.active().then_some(self.start))
    }

    /// Begins an escape at a backslash.
    pub(super) fn begin(&mut self, span: ByteSpan) {
        self.start = span.start;
        self.state = State::Backslash;
    }

    /// Takes the next character of the escape; `false` if it is not part of it.
    pub(super) fn push(&mut self, stream: Stream, c: char, span: ByteSpan, sink: &mut impl Sink) -> bool {
        match self.state {
            State::Idle => return false,
            State::Backslash => match c {
                'u' => self.state = State::Unicode,
                'x' => self.state = State::Hex { left: 2, value: 0 },
                '0'..='7' => self.state = State::Octal { digits: 1, value: c as u32 - '0' as u32 },
                // A line continuation shows nothing.
                '\n' => self.state = State::Idle,
                '\r' => self.state = State::Return,
                'n' | 't' | 'r' | 'b' | 'f' | 'v' => self.emit(stream, ' ' as u32, span.end, span.end, sink),
                '<' => {
                    // Markup knows no backslash: `\</script>` ends the script.
                    self.emit(stream, '\\' as u32, span.start, span.end, sink);
                    return false;
                }
                _ => self.emit(stream, c as u32, span.end, span.end, sink),
            },
            State::Return => {
                self.state = State::Idle;
                return c == '\n';
            }
            State::Unicode => match c.to_digit(16) {
                Some(value) => self.state = State::Hex { left: 3, value },
                None if c == '{' => self.state = State::Braced { value: 0 },
                None => return self.broken(stream, span, sink),
            },
            State::Braced { value } => match c.to_digit(16) {
                Some(digit) if value <= 0x10_FFFF => self.state = State::Braced { value: value * 16 + digit },
                None if c == '}' => self.emit(stream, value, span.end, span.end, sink),
                _ => return self.broken(stream, span, sink),
            },
            State::Hex { left, value } => match c.to_digit(16) {
                Some(digit) if left == 1 => self.emit(stream, value * 16 + digit, span.end, span.end, sink),
                Some(digit) => self.state = State::Hex { left: left - 1, value: value * 16 + digit },
                None => return self.broken(stream, span, sink),
            },
            State::Octal { digits, value } => match c.to_digit(8) {
                Some(digit) if digits < 3 && value * 8 + digit < 256 => {
                    self.state = State::Octal { digits: digits + 1, value: value * 8 + digit };
                }
                _ => {
                    self.emit(stream, value, span.start, span.end, sink);
                    return false;
                }
            },
        }
        true
    }

    /// The escape ends in the middle.
    pub(super) fn finish(&mut self, stream: Stream, at: u64, sink: &mut impl Sink) {
        let here = ByteSpan { start: at, end: at };
        match self.state {
            State::Idle => {}
            State::Return => self.state = State::Idle,
            State::Octal { value, .. } => self.emit(stream, value, at, at, sink),
            _ => {
                self.broken(stream, here, sink);
            }
        }
        self.drop_high(stream, at, sink);
    }

    fn broken(&mut self, stream: Stream, next: ByteSpan, sink: &mut impl Sink) -> bool {
        self.emit(stream, '\u{FFFD}' as u32, next.start, next.end, sink);
        false
    }

    /// Half a pair that no other half followed.
    pub(super) fn drop_high(&mut self, stream: Stream, seen: u64, sink: &mut impl Sink) {
        if let Some((_, span)) = self.high.take() {
            sink.character(stream, '\u{FFFD}', span, seen);
        }
    }

    fn emit(&mut self, stream: Stream, value: u32, end: u64, seen: u64, sink: &mut impl Sink) {
        self.state = State::Idle;
        let span = ByteSpan { start: self.start, end };
        match (value, self.high) {
            (0xD800..=0xDBFF, _) => {
                self.drop_high(stream, seen, sink);
                self.high = Some((value, span));
            }
            (0xDC00..=0xDFFF, Some((high, first))) if first.end == span.start => {
                self.high = None;
                let c = char::from_u32(0x10000 + ((high - 0xD800) << 10) + (value - 0xDC00));
                let both = ByteSpan { start: first.start, end };
                sink.character(stream, c.unwrap_or('\u{FFFD}'), both, seen);
            }
            _ => {
                self.drop_high(stream, seen, sink);
                sink.character(stream, char::from_u32(value).unwrap_or('\u{FFFD}'), span, seen);
            }
        }
    }
}

//! Percent-encoding: `%E8%B5%8C`, and `%u8d4c` as JavaScript's `escape` writes it.

use super::octets::Octets;
use crate::base::ByteSpan;

/// Resolves percent-escapes, a character at a time. What is none stays as it is.
#[derive(Debug, Default)]
pub(super) struct Percent {
    /// An escape that is being read: `%`, `u` and digits.
    held: Vec<(char, ByteSpan)>,
    octets: Octets,
    /// A high surrogate that waits for its low one.
    high: Option<(u32, ByteSpan)>,
}

impl Percent {
    /// Whether the next character can be read on its own, unless it is `%`.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.open_from().is_none()
    }

    /// Offset of the first character that has not been handed on.
    #[inline]
    pub(super) fn open_from(&self) -> Option<u64> {
        let high = self.high.map(|(_, span)| span.start);
        high.or(self.octets.open_from()).or(self.held.first().map(|item| item.1.start))
    }

    /// Takes the next character.
    pub(super) fn push(&mut self, c: char, span: ByteSpan, seen: u64, out: &mut impl FnMut(char, ByteSpan, u64)) {
        let fits = match (self.held.len(), self.is_wide()) {
            (0, _) => c == '%',
            (1, _) => c == 'u' || c == 'U' || c.is_ascii_hexdigit(),
            (_, _) => c.is_ascii_hexdigit(),
        };
        if fits {
            self.held.push((c, span));
            if self.held.len() == if self.is_wide() { 6 } else { 3 } {
                self.escape_ended(seen, out);
            }
            return;
        }
        self.break_off(seen, out);
        if c == '%' {
            self.held.push((c, span));
        } else if let Some(byte) = u8::try_from(c).ok().filter(|&byte| self.octets.wants(byte)) {
            self.octets.push(byte, span, seen, out);
        } else {
            self.finish(seen, out);
            out(c, span, seen);
        }
    }

    /// The text ends here.
    pub(super) fn finish(&mut self, seen: u64, out: &mut impl FnMut(char, ByteSpan, u64)) {
        self.break_off(seen, out);
        self.octets.finish(seen, out);
        self.drop_high(seen, out);
    }

    fn is_wide(&self) -> bool {
        self.held.get(1).is_some_and(|item| matches!(item.0, 'u' | 'U'))
    }

    fn escape_ended(&mut self, seen: u64, out: &mut impl FnMut(char, ByteSpan, u64)) {
        let digits = if self.is_wide() { 2 } else { 1 };
        let value =
            self.held[digits..].iter().filter_map(|item| item.0.to_digit(16)).fold(0, |sum, digit| sum * 16 + digit);
        let (Some(first), Some(last)) = (self.held.first(), self.held.last()) else { return };
        let span = ByteSpan { start: first.1.start, end: last.1.end };
        self.held.clear();
        if digits == 1 {
            self.drop_high(seen, out);
            return self.octets.push(value as u8, span, seen, out);
        }
        self.octets.finish(seen, out);
        match (value, self.high) {
            (0xD800..=0xDBFF, _) => {
                self.drop_high(seen, out);
                self.high = Some((value, span));
            }
            (0xDC00..=0xDFFF, Some((high, first))) => {
                self.high = None;
                let c = char::from_u32(0x10000 + ((high - 0xD800) << 10) + (value - 0xDC00));
                out(c.unwrap_or('\u{FFFD}'), ByteSpan { start: first.start, end: span.end }, seen);
            }
            _ => {
                self.drop_high(seen, out);
                out(char::from_u32(value).unwrap_or('\u{FFFD}'), span, seen);
            }
        }
    }

    /// What is held is no escape.
    fn break_off(&mut self, seen: u64, out: &mut impl FnMut(char, ByteSpan, u64)) {
        if self.held.is_empty() {
            return;
        }
        self.octets.finish(seen, out);
        self.drop_high(seen, out);
        for (c, span) in self.held.drain(..) {
            out(c, span, seen);
        }
    }

    fn drop_high(&mut self, seen: u64, out: &mut impl FnMut(char, ByteSpan, u64)) {
        if let Some((_, span)) = self.high.take() {
            out('\u{FFFD}', span, seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::GBK;
    use proptest::prelude::*;

    use super::Percent;
    use crate::base::ByteSpan;

    /// Characters with their places, and what was said of them last.
    fn read(text: &str) -> (String, Vec<ByteSpan>) {
        let (mut percent, mut read, mut spans) = (Percent::default(), String::new(), Vec::new());
        let mut out = |c, span: ByteSpan, seen| {
            assert!(span.end <= seen);
            read.push(c);
            spans.push(span);
        };
        for (at, c) in text.char_indices() {
            let span = ByteSpan { start: at as u64, end: (at + c.len_utf8()) as u64 };
            percent.push(c, span, span.end, &mut out);
        }
        percent.finish(text.len() as u64, &mut out);
        assert!(percent.is_idle());
        (read, spans)
    }

    fn escaped(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("%{byte:02x}")).collect()
    }

    proptest! {
        #[test]
        fn what_was_escaped_comes_back(text in "[a-z %一-龥😀é]{0,60}") {
            let (utf8, spans) = read(&escaped(text.as_bytes()));
            prop_assert_eq!(&utf8, &text);
            prop_assert!(spans.windows(2).all(|pair| pair[0].end == pair[1].start));
            let units: String = text.encode_utf16().map(|unit| format!("%u{unit:04X}")).collect();
            prop_assert_eq!(read(&units).0, text);
        }

        #[test]
        fn what_is_no_escape_stays(text in "[a-f0-9%uxyz赌 ]{0,24}") {
            let (read, spans) = read(&text);
            let covered: String = spans.iter().map(|span| &text[span.start as usize..span.end as usize]).collect();
            prop_assert_eq!(covered, text.clone());
            prop_assert!(text.contains('%') || read == text);
        }
    }

    #[test]
    fn gbk_is_read_where_it_is_not_utf8() {
        let text = "百家乐彩票网赌博平台开户送钱";
        assert_eq!(read(&escaped(&GBK.encode(text).0)).0, text);
        // A second byte that is a letter needs no escape.
        assert_eq!(read("%81A%B6%C4x").0, "丄赌x".replace('丄', GBK.decode(b"\x81A").0.as_ref()));
        assert_eq!(read("100%25 %").0, "100% %");
        assert_eq!(read("%u8d4c%u535a%3Cb%3E").0, "赌博<b>");
    }
}

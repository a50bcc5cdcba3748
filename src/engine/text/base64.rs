//! Base64 that a script or a URL decodes to text.

use super::octets::Octets;
use crate::base::ByteSpan;

/// Digits → bytes.
#[derive(Debug, Default)]
pub(super) struct Digits {
    bits: u32,
    count: u32,
    /// The digits that the next byte is made of.
    span: Option<ByteSpan>,
}

/// Decodes Base64 to characters, as long as it is text: nothing more comes once a byte shows that it
/// is not.
#[derive(Debug, Default)]
pub(super) struct Base64 {
    digits: Digits,
    octets: Octets,
    ended: bool,
}

impl Digits {
    /// Offset of the first digit that is not part of a byte yet.
    pub(super) fn open_from(&self) -> Option<u64> {
        self.span.map(|span| span.start)
    }

    /// The value of a digit of either alphabet.
    pub(super) fn value(c: char) -> Option<u32> {
        match c {
            'A'..='Z' => Some(c as u32 - 'A' as u32),
            'a'..='z' => Some(c as u32 - 'a' as u32 + 26),
            '0'..='9' => Some(c as u32 - '0' as u32 + 52),
            '+' | '-' => Some(62),
            '/' | '_' => Some(63),
            _ => None,
        }
    }

    /// Takes the value of the next digit; the byte that it completes.
    pub(super) fn push(&mut self, value: u32, span: ByteSpan) -> Option<(u8, ByteSpan)> {
        let start = self.span.map_or(span.start, |begun| begun.start);
        self.bits = self.bits << 6 | value;
        self.count += 6;
        if self.count < 8 {
            self.span = Some(ByteSpan { start, end: span.end });
            return None;
        }
        self.count -= 8;
        let byte = (self.bits >> self.count) as u8;
        self.bits &= (1 << self.count) - 1;
        // The digit at the border belongs to the byte before it.
        self.span = (self.count > 0).then_some(ByteSpan { start: span.end, end: span.end });
        Some((byte, ByteSpan { start, end: span.end }))
    }
}

impl Base64 {
    /// Offset of the first digit that has not become a character.
    pub(super) fn open_from(&self) -> Option<u64> {
        self.octets.open_from().or(self.digits.open_from())
    }

    /// Takes the next digit; white space is skipped.
    pub(super) fn push(&mut self, c: char, span: ByteSpan, seen: u64, out: &mut impl FnMut(char, ByteSpan, u64)) {
        if self.ended || c.is_ascii_whitespace() {
            return;
        }
        let Some(value) = Digits::value(c) else { return self.finish(seen, out) };
        match self.digits.push(value, span) {
            None => {}
            Some((0..=8 | 0x0E..=0x1A | 0x1C..=0x1F, _)) => self.finish(seen, out),
            Some((byte, span)) => self.octets.push(byte, span, seen, out),
        }
    }

    /// The text ends here; whatever comes behind a padding is not read.
    pub(super) fn finish(&mut self, seen: u64, out: &mut impl FnMut(char, ByteSpan, u64)) {
        self.octets.finish(seen, out);
        self.digits = Digits::default();
        self.ended = true;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Base64;
    use crate::base::ByteSpan;

    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    fn encoded(bytes: &[u8]) -> String {
        let digit = |value: u32| DIGITS[(value & 63) as usize] as char;
        let mut text = String::new();
        for group in bytes.chunks(3) {
            let value = group.iter().fold(0_u32, |sum, &byte| sum << 8 | u32::from(byte)) << (8 * (3 - group.len()));
            for index in 0..4 {
                text.push(if index <= group.len() { digit(value >> (18 - 6 * index)) } else { '=' });
            }
        }
        text
    }

    fn read(text: &str) -> String {
        let (mut base64, mut read, mut last) = (Base64::default(), String::new(), 0);
        let mut out = |c, span: ByteSpan, seen| {
            assert!(last <= span.start && span.start < span.end && span.end <= seen);
            last = span.end;
            read.push(c);
        };
        for (at, c) in text.char_indices() {
            let span = ByteSpan { start: at as u64, end: (at + c.len_utf8()) as u64 };
            base64.push(c, span, span.end, &mut out);
        }
        base64.finish(text.len() as u64, &mut out);
        assert_eq!(base64.open_from(), None);
        read
    }

    proptest! {
        #[test]
        fn text_comes_back(text in "[a-z<>/ 一-龥😀]{0,80}") {
            prop_assert_eq!(read(&encoded(text.as_bytes())), text);
        }

        #[test]
        fn anything_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            read(&encoded(&bytes));
        }
    }

    #[test]
    fn what_is_not_text_ends() {
        assert_eq!(read("6LWM5Y2a"), "赌博");
        assert_eq!(read("6LWM\n5Y2a=6LWM"), "赌博");
        assert_eq!(read(&encoded(b"GIF89a\x01\x00abc")), "GIF89a");
    }
}

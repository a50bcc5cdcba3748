//! Character references (HTML, "character reference state"), streaming.

use super::dtd::Entities;
use crate::base::ByteSpan;

/// Longest name in the table, with its semicolon (`&CounterClockwiseContourIntegral;`).
const NAME_CHARACTERS_MAX: usize = 32;

/// A character reference that is being read.
#[derive(Debug, Default)]
pub(super) struct CharRef {
    active: bool,
    /// Place of the ampersand.
    start: ByteSpan,
    /// What followed it (of numbers, all but the digits), with the offset behind each.
    read: Vec<(char, u64)>,
    number: Option<Number>,
}

#[derive(Debug)]
struct Number {
    value: u32,
    end: u64,
}

impl CharRef {
    /// Begins at an ampersand.
    pub(super) fn begin(&mut self, span: ByteSpan) {
        self.active = true;
        self.start = span;
        self.read.clear();
        self.number = None;
    }

    #[inline]
    pub(super) fn active(&self) -> bool {
        self.active
    }

    /// Offset of the ampersand of a reference that is being read.
    pub(super) fn open_from(&self) -> Option<u64> {
        self.active.then_some(self.start.start)
    }

    /// Takes the next character; `false` if the reference ended before it. What it stands for is
    /// given to `emit` with its place.
    pub(super) fn push(
        &mut self,
        within: Within<'_>,
        c: char,
        span: ByteSpan,
        emit: &mut impl FnMut(char, ByteSpan),
    ) -> bool {
        let numeric = self.read.first().is_some_and(|first| first.0 == '#');
        let radix = if matches!(self.read.get(1), Some(('x' | 'X', _))) { 16 } else { 10 };
        if numeric && let Some(digit) = c.to_digit(radix) {
            let value = self.number.as_ref().map_or(0, |number| number.value);
            self.number = Some(Number { value: value.saturating_mul(radix).saturating_add(digit), end: span.end });
            return true;
        }
        let goes_on = match self.read.len() {
            0 => c == '#' || within.goes_on(c),
            1 if numeric => matches!(c, 'x' | 'X') && self.number.is_none(),
            _ if numeric => false,
            length => length < NAME_CHARACTERS_MAX && within.goes_on(c),
        };
        if goes_on {
            self.read.push((c, span.end));
            return true;
        }
        let semicolon = c == ';' && !self.read.is_empty();
        if semicolon {
            self.read.push((';', span.end));
        }
        self.resolve(within, if semicolon { None } else { Some(c) }, emit);
        semicolon
    }

    /// The text ends in the middle of a reference.
    pub(super) fn finish(&mut self, within: Within<'_>, emit: &mut impl FnMut(char, ByteSpan)) {
        if self.active {
            self.resolve(within, None, emit);
        }
    }

    fn resolve(&mut self, within: Within<'_>, next: Option<char>, emit: &mut impl FnMut(char, ByteSpan)) {
        self.active = false;
        if let Some(Number { value, end }) = self.number.take() {
            let end = self.read.last().map_or(end, |last| last.1.max(end));
            return emit(numeric_character(value), ByteSpan { start: self.start.start, end });
        }
        let used = self.named(within, next, emit);
        if used == 0 {
            emit('&', self.start);
        }
        // What is not part of the reference stands for itself.
        let mut start = if used == 0 { self.start.end } else { self.read[used - 1].1 };
        for &(c, end) in &self.read[used..] {
            emit(c, ByteSpan { start, end });
            start = end;
        }
    }

    /// Emits the longest name in the table that `read` begins with; how much of `read` it used.
    fn named(&self, within: Within<'_>, next: Option<char>, emit: &mut impl FnMut(char, ByteSpan)) -> usize {
        if self.read.len() < 2 || self.read[0].0 == '#' {
            return 0;
        }
        if let Some(((';', end), name)) = self.read.split_last()
            && let Some(value) = within.entities.and_then(|entities| entities.value(name.iter().map(|item| item.0)))
        {
            value.chars().for_each(|c| emit(c, ByteSpan { start: self.start.start, end: *end }));
            return self.read.len();
        }
        let mut key = [b'&'; NAME_CHARACTERS_MAX + 2];
        let mut length = 1;
        for (slot, &(c, _)) in key[1..].iter_mut().zip(self.read.iter().take_while(|item| item.0.is_ascii())) {
            *slot = c as u8;
            length += 1;
        }
        for used in (2..length).rev() {
            let Some(value) = htmlize::ENTITIES.get(&key[..=used]) else { continue };
            let following = self.read.get(used).map(|item| item.0).or(next);
            // For historical reasons, `?a=b&copy=c` in an attribute is not a reference.
            if within.attribute && key[used] != b';' && following.is_some_and(|c| c == '=' || c.is_ascii_alphanumeric())
            {
                return 0;
            }
            let span = ByteSpan { start: self.start.start, end: self.read[used - 1].1 };
            std::str::from_utf8(value).unwrap_or_default().chars().for_each(|c| emit(c, span));
            return used;
        }
        0
    }
}

/// Digits of the largest code point, and a few zeros.
const DIGITS_MAX: usize = 8;

/// What a reference stands for that a text begins with, if it is all there, with its semicolon, as
/// most are: a character, or two, and the length of the reference. `None` if it has to be read
/// character by character.
pub(super) fn whole(text: &[u8]) -> Option<(char, Option<char>, usize)> {
    let name = text.get(..text.len().min(NAME_CHARACTERS_MAX + 2))?;
    let end = name.iter().position(|&byte| byte == b';')?;
    let (radix, digits) = match name.get(1..end)? {
        [b'#', b'x' | b'X', digits @ ..] => (16, digits),
        [b'#', digits @ ..] => (10, digits),
        name if name.iter().all(u8::is_ascii_alphanumeric) => {
            let value = htmlize::ENTITIES.get(text.get(..=end)?)?;
            let mut characters = str::from_utf8(value).ok()?.chars();
            return Some((characters.next()?, characters.next(), end + 1));
        }
        _ => return None,
    };
    if digits.is_empty() || digits.len() > DIGITS_MAX {
        return None;
    }
    let value = digits
        .iter()
        .try_fold(0_u32, |value, &digit| value.checked_mul(radix)?.checked_add(char::from(digit).to_digit(radix)?))?;
    Some((numeric_character(value), None, end + 1))
}

/// Length of the beginning of a text that looks like a reference and is none because it stands in the value
/// of an attribute, and `=` follows (`&copy=`): that of the ampersand and of the name. `None` if it has to be
/// read character by character.
pub(super) fn none_in_value(text: &[u8]) -> Option<usize> {
    let name = text.get(1..text.len().min(NAME_CHARACTERS_MAX))?;
    let end = name.iter().position(|byte| !byte.is_ascii_alphanumeric())?;
    (name[end] == b'=').then_some(1 + end)
}

/// Where a reference stands.
#[derive(Clone, Copy)]
pub(super) struct Within<'e> {
    pub(super) attribute: bool,
    /// What the document itself declares; only in XML.
    pub(super) entities: Option<&'e Entities>,
}

impl Within<'_> {
    /// Whether a name may go on with a character.
    fn goes_on(self, c: char) -> bool {
        c.is_ascii_alphanumeric() || self.entities.is_some_and(|entities| entities.names_have(c))
    }
}

/// "Numeric character reference end state".
pub(super) fn numeric_character(value: u32) -> char {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a reference is, read character by character; `None` if the text has another, or none.
    fn by_character(text: &str) -> Option<(String, usize)> {
        let within = Within { attribute: false, entities: None };
        let (mut reference, mut read) = (CharRef::default(), String::new());
        reference.begin(ByteSpan { start: 0, end: 1 });
        for (at, c) in text.char_indices().skip(1) {
            let span = ByteSpan { start: at as u64, end: (at + c.len_utf8()) as u64 };
            let mut ends = 0;
            reference.push(within, c, span, &mut |c, span| {
                read.push(c);
                ends = span.end;
            });
            if !reference.active() {
                return (c == ';' && ends == span.end).then_some((read, at + 1));
            }
        }
        None
    }

    proptest! {
        #[test]
        fn the_fast_way_and_the_plain_one_agree(
            text in "&(#x?[0-9a-fA-F]{0,9}|amp|nbsp|copy|bne|notit|[a-z]{1,4}|)[;= a]?[;a]?",
        ) {
            if let Some((first, second, length)) = whole(text.as_bytes()) {
                let value: String = [Some(first), second].into_iter().flatten().collect();
                prop_assert_eq!(Some((value, length)), by_character(&text));
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_none_is_read_as_it_stands(text in "&(amp|copy|not|notit|[a-z0-9]{0,40})=") {
            let within = Within { attribute: true, entities: None };
            let (mut reference, mut read) = (CharRef::default(), String::new());
            reference.begin(ByteSpan { start: 0, end: 1 });
            for (at, c) in text.char_indices().skip(1) {
                let span = ByteSpan { start: at as u64, end: at as u64 + 1 };
                reference.push(within, c, span, &mut |c, _| read.push(c));
            }
            if let Some(length) = none_in_value(text.as_bytes()) {
                prop_assert_eq!((read.as_str(), length), (&text[..length], text.len() - 1));
            }
        }
    }

    #[test]
    fn what_is_whole_is_read_at_once() {
        assert_eq!(whole("&nbsp;x".as_bytes()), Some(('\u{A0}', None, 6)));
        assert_eq!(whole("&#30334;家".as_bytes()), Some(('百', None, 8)));
        assert_eq!(whole("&#x767E;".as_bytes()), Some(('百', None, 8)));
        assert_eq!(whole("&bne;".as_bytes()), Some(('=', Some('\u{20E5}'), 5)));
        for odd in ["&nbsp", "&#;", "&#99999999999;", "& ;", "&;", "&none;", "&#x;", "&#+1;"] {
            assert_eq!(whole(odd.as_bytes()), None, "{odd}");
        }
    }
}

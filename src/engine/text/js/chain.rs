//! What stands between two strings of a script, and whether they are one.

use super::State;
use crate::{
    base::ByteSpan,
    engine::text::{scan::find_any, string::Coding},
};

/// A character that is held back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) c: char,
    pub(super) span: ByteSpan,
    pub(super) kind: Kind,
}

/// What a character that is held back is part of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Code,
    Comment,
    /// A digit of a character's code.
    Digit,
    /// A string.
    Text,
}

/// What a character behind a string says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Call {
    /// `.join("")` of the array is complete.
    Joined { reversed: bool },
    /// Nothing is clear yet.
    Hold(Kind),
    /// A comma of an array: the strings are one only if the array is joined.
    Separate,
    /// The next string of an array begins.
    Element,
    /// A string begins that continues the last one; how it is written, if not like that one.
    String { coding: Option<Coding> },
    /// The template literal goes on.
    Template,
    /// Character codes begin that continue the string.
    Codes,
    /// Nothing continues the string.
    Nothing,
}

/// Characters of a word or a chain of calls that are kept.
const WORD_BYTES_MAX: usize = 32;

/// Ways to put an array's strings together.
const JOINS: [(&[u8], bool); 2] = [(b".join(\"\")", false), (b".reverse().join(\"\")", true)];

/// What was read behind a string.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Between {
    /// Where in what is held it begins.
    mark: usize,
    comment: Comment,
    place: Place,
    /// A word, or a chain of calls, without white space.
    word: [u8; WORD_BYTES_MAX],
    length: usize,
    /// How the next string is written, if not like the last one.
    coding: Option<Coding>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comment {
    None,
    Slash,
    Line,
    Block { star: bool },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// Just behind a string.
    String,
    /// Behind `+`: an operand is to come.
    Operator,
    /// Behind a comma of an array.
    Comma,
    /// Behind `]`.
    Array,
}

/// Characters behind a string that are looked at in advance.
const AHEAD_BYTES_MAX: usize = 24;

/// Where code behind a string, from `at` on, says that nothing continues it, as [`Between`] would find
/// it; `None` if that is not clear at once. The string is none of an array.
#[inline]
pub(super) fn nothing_joins(bytes: &[u8], at: usize, in_template: bool) -> Option<usize> {
    for (ahead, &byte) in bytes.get(at..)?.iter().take(AHEAD_BYTES_MAX).enumerate() {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0C | b')' => {}
            b'+' | b'/' | 0x80.. => return None,
            b'}' if in_template => return None,
            b'.' => return not_concat(bytes, at + ahead + 1),
            _ => return Some(at + ahead),
        }
    }
    None
}

/// Characters of an array's strings that are looked at in advance.
const ARRAY_BYTES_MAX: usize = 256;

/// The same for the strings of an array, the first of which begins at `at`: where code says that
/// nothing puts them together. Strings that are more than plain text are left to [`Between`].
pub(super) fn nothing_joins_array(bytes: &[u8], at: usize, quote: u8) -> Option<usize> {
    let ahead = &bytes[at..bytes.len().min(at + ARRAY_BYTES_MAX)];
    let behind_space = |from: usize| {
        let space = ahead.get(from..)?.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        Some((from + space, *ahead.get(from + space)?))
    };
    let (mut from, mut quote) = (0, quote);
    loop {
        if quote == b'`' {
            return None;
        }
        let end = from + find_any(ahead.get(from..)?, [quote, b'\\', b'\n', b'\r', b'%', b'<', b'&']);
        if *ahead.get(end)? != quote {
            return None;
        }
        let (next, byte) = behind_space(end + 1)?;
        match byte {
            b',' => match behind_space(next + 1)? {
                (_, b']' | b'/') => return None,
                (next, byte @ (b'"' | b'\'')) => (from, quote) = (next + 1, byte),
                (next, 0..0x80) => return Some(at + next),
                _ => return None,
            },
            b']' => {
                return match behind_space(next + 1)? {
                    (_, b'.' | b'/' | 0x80..) => None,
                    (next, _) => Some(at + next),
                };
            }
            b'+' | b')' | b'.' | b'/' | b'}' | 0x80.. => return None,
            _ => return Some(at + next),
        }
    }
}

/// The same, behind a dot.
fn not_concat(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let length = rest.iter().take(AHEAD_BYTES_MAX).take_while(|byte| byte.is_ascii_alphabetic()).count();
    match *rest.get(length)? {
        b' ' | b'\t' | b'\n' | b'\r' | 0x0C | b'/' | 0x80.. => None,
        b'(' if &rest[..length] == b"concat" => None,
        byte if byte.is_ascii_alphabetic() => None,
        _ => Some(at + length),
    }
}

impl Between {
    /// Behind a string's quote, which is held at `mark`.
    pub(super) fn behind_string(mark: usize) -> Self {
        Self { mark, comment: Comment::None, place: Place::String, word: [0; WORD_BYTES_MAX], length: 0, coding: None }
    }

    /// Behind something like `+`.
    pub(super) fn behind_operator(mark: usize) -> Self {
        Self { place: Place::Operator, ..Self::behind_string(mark) }
    }

    /// Where in what is held it begins.
    pub(super) fn mark(&self) -> usize {
        self.mark
    }

    /// How code goes on if a comment is open.
    pub(super) fn open_comment(&self) -> State {
        match self.comment {
            Comment::None | Comment::Slash => State::Code,
            Comment::Line => State::LineComment,
            Comment::Block { star } => State::BlockComment { star },
        }
    }

    /// Takes the next character.
    pub(super) fn push(&mut self, c: char, array: bool, in_template: bool) -> Call {
        match (self.comment, c) {
            (Comment::Slash, '/') => self.comment = Comment::Line,
            (Comment::Slash, '*') => self.comment = Comment::Block { star: false },
            (Comment::Slash, _) => return Call::Nothing,
            (Comment::Line, '\n' | '\r') | (Comment::Block { star: true }, '/') => self.comment = Comment::None,
            (Comment::Line, _) => {}
            (Comment::Block { .. }, _) => self.comment = Comment::Block { star: c == '*' },
            (Comment::None, '/') => self.comment = Comment::Slash,
            (Comment::None, _) if c.is_ascii_whitespace() => return Call::Hold(Kind::Code),
            (Comment::None, _) => return self.push_code(c, array, in_template),
        }
        Call::Hold(Kind::Comment)
    }

    fn push_code(&mut self, c: char, array: bool, in_template: bool) -> Call {
        match self.place {
            Place::Array => return self.push_join(c),
            Place::String => match c {
                '+' if self.length == 0 => self.place = Place::Operator,
                ')' if self.length == 0 => self.coding = Some(Coding::Percent),
                ',' if self.length == 0 && array => self.place = Place::Comma,
                ']' if self.length == 0 && array => self.place = Place::Array,
                '}' if self.length == 0 && in_template => return Call::Template,
                '.' if self.length == 0 => return self.keep(c),
                '(' if self.word() == b".concat" => {
                    self.place = Place::Operator;
                    self.length = 0;
                }
                c if self.length > 0 && c.is_ascii_alphabetic() => return self.keep(c),
                _ => return Call::Nothing,
            },
            Place::Comma => match c {
                '"' | '\'' => return Call::Element,
                ']' => self.place = Place::Array,
                _ => return Call::Nothing,
            },
            Place::Operator => match c {
                '"' | '\'' | '`' if self.length == 0 => return Call::String { coding: self.coding },
                '(' => {
                    let call = self.word().rsplit(|&byte| byte == b'.').next().unwrap_or_default();
                    match call {
                        b"fromCharCode" | b"fromCodePoint" => return Call::Codes,
                        b"" => {}
                        b"unescape" | b"decodeURI" | b"decodeURIComponent" | b"escape" | b"String" => {
                            self.coding = Some(Coding::Percent);
                        }
                        b"atob" => self.coding = Some(Coding::Base64),
                        _ => return Call::Nothing,
                    }
                    self.length = 0;
                }
                '}' if self.length == 0 && in_template => return Call::Template,
                '+' if self.length == 0 => {}
                c if c.is_ascii_alphabetic() || c == '.' => return self.keep(c),
                _ => return Call::Nothing,
            },
        }
        if self.place == Place::Comma { Call::Separate } else { Call::Hold(Kind::Code) }
    }

    /// Behind an array.
    fn push_join(&mut self, c: char) -> Call {
        let held = self.keep(if matches!(c, '\'' | '`') { '"' } else { c });
        match JOINS.iter().find(|join| join.0.starts_with(self.word())) {
            Some((join, reversed)) if join.len() == self.length => Call::Joined { reversed: *reversed },
            Some(_) => held,
            None => Call::Nothing,
        }
    }

    fn word(&self) -> &[u8] {
        &self.word[..self.length]
    }

    fn keep(&mut self, c: char) -> Call {
        match (u8::try_from(c), self.word.get_mut(self.length)) {
            (Ok(byte), Some(place)) => {
                *place = byte;
                self.length += 1;
                Call::Hold(Kind::Code)
            }
            _ => Call::Nothing,
        }
    }
}

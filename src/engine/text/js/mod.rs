//! JavaScript, as far as it takes to tell strings from code (ECMA-262, section 12): a light lexer
//! that reads as one phrase what the script puts together.
//!
//! The code itself, comments included, is read as it stands. Strings are read with their escapes
//! resolved and their contents decoded ([`StringText`]), and joined where nothing but `+` stands
//! between them ([`chain`]). A wrong guess (a quote in a regular expression) is over at the end of
//! the line.

mod chain;
mod code;
mod plain;

use chain::{Between, Call, Held, Kind};
use code::Tail;

use super::{
    block::{Block, Edge, Sink},
    string::{Coding, StringText, Target},
    unescape::Unescape,
};
use crate::{base::ByteSpan, engine::text::Stream};

/// Characters that are held back, at most, until it is clear whether strings are put together.
const HELD_MAX: usize = 512;

/// Template literals within expressions of template literals, at most.
const TEMPLATES_MAX: usize = 16;

/// Reads one script after another.
#[derive(Debug)]
pub(super) struct Js {
    state: State,
    escape: Unescape,
    text: StringText,
    /// What is held back until it is clear what it belongs to.
    held: Vec<Held>,
    /// Strings that are put together in an array are held back as well.
    array: bool,
    /// Open braces in each `${` that is open.
    templates: Vec<u32>,
    tail: Tail,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Code,
    /// `/` was read; whether a regular expression may begin there.
    Slash {
        regex: bool,
    },
    LineComment,
    BlockComment {
        star: bool,
    },
    Regex {
        class: bool,
    },
    String {
        quote: u8,
    },
    /// `$` in a template literal.
    Dollar,
    /// Behind a string: everything is held until it is clear whether another one joins it.
    Between(Between),
    /// `fromC` was read, and this is to come; then whatever leads to the first argument.
    Callee {
        left: &'static [u8],
    },
    /// Character codes, separated by commas; digits are held.
    Codes,
}

/// Whether a character was taken, or is to be looked at again in another state.
#[derive(PartialEq)]
enum Lexed {
    Taken,
    Again,
}

impl Js {
    /// A reader at the beginning of a script.
    pub(super) fn new() -> Self {
        Self {
            state: State::Code,
            escape: Unescape::default(),
            text: StringText::new(Stream::Script),
            held: Vec::new(),
            array: false,
            templates: Vec::new(),
            tail: Tail::default(),
        }
    }

    /// Offset of the first character that has not been handed on.
    pub(super) fn open_from(&self) -> Option<u64> {
        let held = self.held.first().map(|held| held.span.start);
        held.into_iter().chain(self.escape.open_from()).chain(self.text.open_from()).min()
    }

    /// Takes the characters of a block between two indices.
    pub(super) fn run(&mut self, block: &Block<'_>, from: usize, to: usize, sink: &mut impl Sink) {
        let bytes = &block.text.as_bytes()[..to];
        let mut at = from;
        while at < to {
            if self.escape.open_from().is_none() {
                let next = self.plain(block, from, at, to, sink);
                if next > at {
                    at = next;
                    continue;
                }
            }
            let Some(c) = block.text[at..to].chars().next() else { break };
            let next = at + c.len_utf8();
            let span = block.span(at, next);
            self.lex(c, span, span.end, &bytes[from..at], sink);
            at = next;
        }
        self.tail.push(&bytes[from..]);
    }

    /// Takes one character that is written in another way; the body has been read up to `seen`.
    pub(super) fn character(&mut self, c: char, span: ByteSpan, seen: u64, sink: &mut impl Sink) {
        self.lex(c, span, seen, &[], sink);
        self.tail.push(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// The script ends; another may follow.
    pub(super) fn finish(&mut self, at: u64, sink: &mut impl Sink) {
        self.with_escape(at, sink, |escape, target| escape.finish(Stream::Script, at, target));
        self.release(at, sink);
        self.text.end(at, sink);
        sink.edge(Stream::Script, Edge::Hard, at);
        self.state = State::Code;
        self.templates.clear();
        self.tail = Tail::default();
    }

    /// Takes one character; `done` is what came just before it.
    fn lex(&mut self, c: char, span: ByteSpan, seen: u64, done: &[u8], sink: &mut impl Sink) {
        if self.escape.active() {
            let taken = self.with_escape(seen, sink, |escape, target| escape.push(Stream::Script, c, span, target));
            if taken {
                return;
            }
        }
        let mut lexed = Lexed::Again;
        while lexed == Lexed::Again {
            if c == '\\' && matches!(self.state, State::Code | State::String { .. } | State::Regex { .. }) {
                return self.escape.begin(span);
            }
            self.with_escape(seen, sink, |escape, target| escape.drop_high(Stream::Script, seen, target));
            lexed = self.step(c, span, seen, done, sink);
        }
    }

    /// Lets escapes go where the characters of this state go.
    fn with_escape<S: Sink, R>(
        &mut self,
        seen: u64,
        sink: &mut S,
        act: impl FnOnce(&mut Unescape, &mut Target<'_, S>) -> R,
    ) -> R {
        if self.array && matches!(self.state, State::String { .. }) {
            let mut resolved = Vec::new();
            let done = act(&mut self.escape, &mut Target::Held { resolved: &mut resolved, sink });
            for (c, span) in resolved {
                self.string_character(c, span, seen, sink);
            }
            return done;
        }
        let in_string = matches!(self.state, State::String { .. });
        act(&mut self.escape, &mut Target::On { text: in_string.then_some(&mut self.text), seen, sink })
    }

    fn step(&mut self, c: char, span: ByteSpan, seen: u64, done: &[u8], sink: &mut impl Sink) -> Lexed {
        match self.state {
            State::Code => self.code(c, done),
            State::Slash { regex } => {
                self.state = match c {
                    '/' => State::LineComment,
                    '*' => State::BlockComment { star: false },
                    _ if regex => State::Regex { class: false },
                    _ => State::Code,
                };
                if !matches!(c, '/' | '*') {
                    return Lexed::Again;
                }
            }
            State::LineComment if matches!(c, '\n' | '\r') => self.state = State::Code,
            State::LineComment => {}
            State::BlockComment { star: true } if c == '/' => self.state = State::Code,
            State::BlockComment { .. } => self.state = State::BlockComment { star: c == '*' },
            State::Regex { class } => match c {
                '[' => self.state = State::Regex { class: true },
                ']' => self.state = State::Regex { class: false },
                '/' if !class => self.state = State::Code,
                '\n' | '\r' => self.state = State::Code,
                _ => {}
            },
            State::String { quote } => return self.in_string(quote, c, span, seen, sink),
            State::Dollar => {
                if c == '{' && self.templates.len() < TEMPLATES_MAX {
                    self.templates.push(0);
                    self.hold(c, span, Kind::Code);
                    self.state = State::Between(Between::behind_operator(self.held.len() - 2));
                    return Lexed::Taken;
                }
                let dollar = self.held.pop();
                self.state = State::String { quote: b'`' };
                if let Some(dollar) = dollar {
                    self.string_character('$', dollar.span, seen, sink);
                }
                return Lexed::Again;
            }
            State::Between(between) => return self.between(between, c, span, seen, sink),
            State::Callee { left } => match left.split_first() {
                Some((&first, left)) if c as u32 == u32::from(first) => self.state = State::Callee { left },
                Some((b'h', _)) if c == 'o' => self.state = State::Callee { left: b"dePoint" },
                None if c == '(' || c == '[' => {
                    self.state = State::Codes;
                    self.text.begin(Coding::Percent);
                }
                None if c.is_ascii_alphabetic() || matches!(c, '.' | ' ') => {}
                Some(_) | None => {
                    self.state = State::Code;
                    return Lexed::Again;
                }
            },
            State::Codes => return self.code_point(c, span, seen, sink),
        }
        sink.character(Stream::Script, c, span, seen);
        Lexed::Taken
    }

    /// One character of code that may begin something else.
    fn code(&mut self, c: char, done: &[u8]) {
        match c {
            '"' | '\'' | '`' => self.open_string(c as u8, done),
            '/' => self.state = State::Slash { regex: self.tail.then(done).allows_regex() },
            'C' if self.tail.then(done).ends_with(b"from") => self.state = State::Callee { left: b"harCode" },
            '{' => {
                if let Some(open) = self.templates.last_mut() {
                    *open += 1;
                }
            }
            '}' => match self.templates.last_mut() {
                Some(0) => {
                    self.templates.pop();
                    self.state = State::String { quote: b'`' };
                }
                Some(open) => *open -= 1,
                None => {}
            },
            _ => {}
        }
    }

    fn open_string(&mut self, quote: u8, done: &[u8]) {
        self.state = State::String { quote };
        // Only `[` and `atob(` are of interest.
        let other = match done {
            [.., before, b'('] => *before != b'b',
            [.., last] => !matches!(last, b'[' | b'(') && !last.is_ascii_whitespace(),
            [] => false,
        };
        if other {
            self.array = false;
            return self.text.begin(Coding::Percent);
        }
        let before = self.tail.then(done);
        self.array = before.begins_array();
        self.text.begin(if before.ends_with(b"atob(") { Coding::Base64 } else { Coding::Percent });
    }

    fn in_string(&mut self, quote: u8, c: char, span: ByteSpan, seen: u64, sink: &mut impl Sink) -> Lexed {
        if c as u32 == u32::from(quote) {
            let mark = self.held.len();
            self.hold(c, span, Kind::Code);
            self.state = State::Between(Between::behind_string(mark));
        } else if quote == b'`' && c == '$' && !self.array {
            self.hold(c, span, Kind::Code);
            self.state = State::Dollar;
        } else if quote != b'`' && matches!(c, '\n' | '\r') {
            self.release(seen, sink);
            self.text.end(seen, sink);
            self.state = State::Code;
            return Lexed::Again;
        } else {
            self.string_character(c, span, seen, sink);
        }
        Lexed::Taken
    }

    fn string_character(&mut self, c: char, span: ByteSpan, seen: u64, sink: &mut impl Sink) {
        if !self.array {
            return self.text.character(c, span, seen, sink);
        }
        self.hold(c, span, Kind::Text);
        if self.held.len() > HELD_MAX {
            self.release(seen, sink);
        }
    }

    fn hold(&mut self, c: char, span: ByteSpan, kind: Kind) {
        self.held.push(Held { c, span, kind });
    }

    /// Behind a string.
    fn between(&mut self, mut between: Between, c: char, span: ByteSpan, seen: u64, sink: &mut impl Sink) -> Lexed {
        let in_template = self.templates.last() == Some(&0);
        let call = between.push(c, self.array, in_template);
        match call {
            Call::Hold(kind) if self.held.len() < HELD_MAX => {
                self.hold(c, span, kind);
                self.state = State::Between(between);
            }
            Call::Separate if self.held.len() < HELD_MAX => {
                self.hold(c, span, Kind::Code);
                self.state = State::Between(between);
            }
            Call::Element => {
                self.hold(c, span, Kind::Code);
                self.state = State::String { quote: c as u8 };
            }
            Call::String { coding } => {
                self.join(between.mark(), seen, sink);
                if let Some(coding) = coding {
                    self.text.end_coding(seen, sink);
                    self.text.begin(coding);
                }
                self.state = State::String { quote: c as u8 };
            }
            Call::Template => {
                self.join(between.mark(), seen, sink);
                self.text.end_coding(seen, sink);
                self.templates.pop();
                self.state = State::String { quote: b'`' };
            }
            Call::Codes => {
                self.join(between.mark(), seen, sink);
                self.text.end_coding(seen, sink);
                self.state = State::Codes;
            }
            Call::Joined { reversed } => {
                self.join_array(reversed, seen, sink);
                self.hold(c, span, Kind::Code);
                self.state = State::Between(Between::behind_string(0));
            }
            Call::Hold(_) | Call::Separate | Call::Nothing => {
                let comment = between.open_comment();
                self.release(seen, sink);
                self.text.end(seen, sink);
                self.state = comment;
                return Lexed::Again;
            }
        }
        Lexed::Taken
    }

    /// What is held since the last string stands between two that are one; comments remain comments.
    fn join(&mut self, mark: usize, seen: u64, sink: &mut impl Sink) {
        let mut commented = false;
        for held in self.held.drain(mark.min(self.held.len())..).filter(|held| held.kind == Kind::Comment) {
            sink.character(Stream::Comment, held.c, held.span, seen);
            commented = true;
        }
        if commented {
            sink.edge(Stream::Comment, Edge::Hard, seen);
        }
    }

    /// An array's strings are one.
    fn join_array(&mut self, reversed: bool, seen: u64, sink: &mut impl Sink) {
        let mut held = std::mem::take(&mut self.held);
        held.retain(|held| held.kind == Kind::Text);
        if reversed {
            held.reverse();
        }
        self.array = false;
        for held in held.drain(..) {
            self.text.character(held.c, held.span, seen, sink);
        }
        self.held = held;
    }

    /// What is held was just code, or strings that nothing puts together.
    fn release(&mut self, seen: u64, sink: &mut impl Sink) {
        self.array = false;
        let mut before = Kind::Text;
        let mut held = std::mem::take(&mut self.held);
        for held in held.drain(..) {
            if held.kind == Kind::Text {
                self.text.character(held.c, held.span, seen, sink);
            } else {
                if before == Kind::Text {
                    self.text.end(seen, sink);
                }
                sink.character(Stream::Script, held.c, held.span, seen);
            }
            before = held.kind;
        }
        self.held = held;
    }

    /// One character of the arguments of `fromCharCode`.
    fn code_point(&mut self, c: char, span: ByteSpan, seen: u64, sink: &mut impl Sink) -> Lexed {
        let mark = self.held.iter().rposition(|held| held.kind != Kind::Digit).map_or(0, |at| at + 1);
        let digits = self.held.len() - mark;
        if c.is_ascii_digit() || (digits > 0 && (c.is_ascii_hexdigit() || matches!(c, 'x' | 'X'))) {
            if digits < 10 {
                self.hold(c, span, Kind::Digit);
                return Lexed::Taken;
            }
        } else if digits == 0 && c.is_ascii_alphabetic() {
            // The first argument of `apply`.
            sink.character(Stream::Script, c, span, seen);
            return Lexed::Taken;
        } else if matches!(c, ',' | ')' | ']' | '[' | '.') || c.is_ascii_whitespace() {
            if digits > 0 {
                let number: String = self.held[mark..].iter().map(|held| held.c.to_ascii_lowercase()).collect();
                let place =
                    ByteSpan { start: self.held[mark].span.start, end: self.held[self.held.len() - 1].span.end };
                self.held.truncate(mark);
                let value = match number.strip_prefix("0x") {
                    Some(digits) => u32::from_str_radix(digits, 16),
                    None => number.parse(),
                };
                self.string_character(value.ok().and_then(char::from_u32).unwrap_or('\u{FFFD}'), place, seen, sink);
            }
            if c == ')' {
                let mark = self.held.len();
                self.hold(c, span, Kind::Code);
                self.state = State::Between(Between::behind_string(mark));
            }
            return Lexed::Taken;
        }
        self.release(seen, sink);
        self.text.end(seen, sink);
        self.state = State::Code;
        Lexed::Again
    }
}

//! Raw text: its own end tag, and the escapes of script data (HTML, sections 13.2.5.9 to 13.2.5.31).

use super::{
    name::Key,
    tokenizer::{Content, Part, ScriptEscape, State, Tokenizer, Tokens},
};
use crate::base::ByteSpan;

/// What was read since a `<` in raw text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum RawStep {
    /// `<`.
    Less,
    /// `</` and the name so far.
    EndName,
    /// `<!` in a script.
    Bang,
    /// `<!-` in a script.
    BangDash,
    /// `<` and a name, in an escaped script; all passed on.
    DoubleStart,
    /// `</` and a name, in a doubly escaped script; all passed on.
    DoubleEnd,
}

const SCRIPT: Key = Key::of("script");

impl Tokenizer {
    pub(super) fn raw(&mut self, step: RawStep, c: char, span: ByteSpan, seen: u64, tokens: &mut impl Tokens) {
        match (step, c, self.content) {
            (RawStep::Less, '/', Content::Script(ScriptEscape::Double)) => {
                self.pass(RawStep::DoubleEnd, c, span, seen, tokens);
            }
            (RawStep::Less, '/', _) => {
                self.tag.name.clear();
                self.hold(RawStep::EndName, c, span);
            }
            (RawStep::Less, '!', Content::Script(ScriptEscape::None)) => self.hold(RawStep::Bang, c, span),
            (RawStep::Less, c, Content::Script(ScriptEscape::Single)) if c.is_ascii_alphabetic() => {
                self.pass(RawStep::DoubleStart, c, span, seen, tokens);
                self.tag.name.push_character(c);
            }
            (RawStep::Bang, '-', _) => self.hold(RawStep::BangDash, c, span),
            (RawStep::BangDash, '-', _) => {
                self.release(Part::Text, seen, tokens);
                tokens.character(Part::Text, c, span, seen);
                self.content = Content::Script(ScriptEscape::Single);
                self.dashes = 2;
                self.state = State::Text;
            }
            (RawStep::EndName, c, _) if c.is_ascii_alphabetic() && !self.tag.name.is_full() => {
                self.tag.name.push_character(c);
                self.hold(RawStep::EndName, c, span);
            }
            (RawStep::EndName, '>' | '/' | ' ' | '\t' | '\n' | '\r' | '\u{C}', _)
                if self.tag.name.key() == self.raw_name && !self.raw_name.is_empty() =>
            {
                self.held.clear();
                self.tag.end = true;
                self.tag.self_closing = false;
                match c {
                    '>' => self.end_tag(seen, tokens),
                    '/' => self.state = State::SelfClosing,
                    _ => self.state = State::BeforeAttributeName,
                }
            }
            (RawStep::DoubleStart | RawStep::DoubleEnd, c, _) if c.is_ascii_alphabetic() => {
                self.tag.name.push_character(c);
                tokens.character(Part::Text, c, span, seen);
            }
            (RawStep::DoubleStart | RawStep::DoubleEnd, '>' | '/' | ' ' | '\t' | '\n' | '\r' | '\u{C}', _) => {
                if self.tag.name.key() == SCRIPT {
                    let start = step == RawStep::DoubleStart;
                    self.content = Content::Script(if start { ScriptEscape::Double } else { ScriptEscape::Single });
                }
                tokens.character(Part::Text, c, span, seen);
                self.dashes = 0;
                self.state = State::Text;
            }
            _ => self.not_markup(c, span, seen, tokens),
        }
    }

    fn hold(&mut self, step: RawStep, c: char, span: ByteSpan) {
        self.held.push((c, span));
        self.state = State::Raw(step);
    }

    fn pass(&mut self, step: RawStep, c: char, span: ByteSpan, seen: u64, tokens: &mut impl Tokens) {
        self.release(Part::Text, seen, tokens);
        tokens.character(Part::Text, c, span, seen);
        self.tag.name.clear();
        self.state = State::Raw(step);
    }
}

//! What begins with `<!`: comments, document types, CDATA sections (HTML, sections 13.2.5.42 to
//! 13.2.5.71).

use super::tokenizer::{Part, State, Tokenizer, Tokens};
use crate::base::ByteSpan;

/// Where in a comment; dashes (and `!`) that may be its end are held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum CommentStep {
    Start,
    StartDash,
    Inside,
    Dash,
    End,
    EndBang,
}

impl Tokenizer {
    /// Behind `<!`: a comment, a document type, a CDATA section, or anything up to `>`.
    pub(super) fn markup(&mut self, c: char, span: ByteSpan, seen: u64, tokens: &mut impl Tokens) {
        const DOCTYPE: &str = "doctype";
        const CDATA: &str = "[CDATA[";
        let at = self.held.len();
        let alike = |other: &str, held: &[(char, ByteSpan)]| {
            let same = |(one, two): (&(char, ByteSpan), char)| {
                one.0 == two || other == DOCTYPE && one.0.eq_ignore_ascii_case(&two)
            };
            held.iter().zip(other.chars()).all(same)
                && other
                    .chars()
                    .nth(at)
                    .is_some_and(|next| next == c || other == DOCTYPE && next.eq_ignore_ascii_case(&c))
        };
        let begun = ["--", DOCTYPE, CDATA].into_iter().find(|other| alike(other, &self.held));
        match begun.filter(|&begun| begun != CDATA || tokens.knows_cdata()) {
            Some(begun) if begun.len() == at + 1 => {
                self.held.clear();
                self.comment = CommentStep::Start;
                self.state = match begun {
                    CDATA => State::Cdata,
                    DOCTYPE => State::Doctype,
                    _ => State::Comment,
                };
            }
            Some(_) => self.held.push((c, span)),
            None => {
                self.release(Part::Comment, seen, tokens);
                self.state = State::BogusComment;
                self.instruction = None;
                self.character(c, span, seen, tokens);
            }
        }
    }

    pub(super) fn comment(&mut self, c: char, span: ByteSpan, seen: u64, tokens: &mut impl Tokens) {
        let step = match (self.comment, c) {
            (CommentStep::Start | CommentStep::StartDash | CommentStep::End | CommentStep::EndBang, '>') => {
                return self.end_comment(seen, tokens);
            }
            (CommentStep::Start, '-') => CommentStep::StartDash,
            (CommentStep::Inside, '-') => CommentStep::Dash,
            (CommentStep::StartDash | CommentStep::Dash, '-') => CommentStep::End,
            (CommentStep::End, '!') => CommentStep::EndBang,
            (CommentStep::End, '-') => {
                let (first, place) = self.held.remove(0);
                tokens.character(Part::Comment, first, place, seen);
                CommentStep::End
            }
            (CommentStep::EndBang, '-') => {
                self.release(Part::Comment, seen, tokens);
                CommentStep::Dash
            }
            _ => {
                self.release(Part::Comment, seen, tokens);
                tokens.character(Part::Comment, c, span, seen);
                self.comment = CommentStep::Inside;
                return;
            }
        };
        self.held.push((c, span));
        self.comment = step;
    }

    pub(super) fn cdata(&mut self, c: char, span: ByteSpan, seen: u64, tokens: &mut impl Tokens) {
        match (c, self.held.len()) {
            (']', 2) => {
                let (first, place) = self.held.remove(0);
                tokens.character(Part::Cdata, first, place, seen);
                self.held.push((c, span));
            }
            (']', _) => self.held.push((c, span)),
            ('>', 2) => {
                self.held.clear();
                self.state = State::Text;
            }
            _ => {
                self.release(Part::Cdata, seen, tokens);
                tokens.character(Part::Cdata, c, span, seen);
            }
        }
    }

    pub(super) fn end_comment(&mut self, seen: u64, tokens: &mut impl Tokens) {
        tokens.end_comment(seen);
        self.held.clear();
        self.state = State::Text;
    }
}

//! Tags read byte by byte, as long as they are plain; the states of what is left go character by
//! character.

use memchr::memchr2;

use super::tokenizer::{Part, State, Tokenizer, Tokens};
use crate::engine::text::block::Block;

impl Tokenizer {
    /// Reads a tag from its `<` on as far as it is plain; how far that is.
    #[inline]
    pub(super) fn tag(&mut self, block: &Block<'_>, bytes: &[u8], start: usize, tokens: &mut impl Tokens) -> usize {
        self.held.clear();
        let mut at = start + 1;
        let end = bytes.get(at) == Some(&b'/');
        let name_at = if end { at + 1 } else { at };
        if !bytes.get(name_at).is_some_and(u8::is_ascii_alphabetic) {
            self.held.push(('<', block.span(start, at)));
            self.state = State::TagOpen;
            return at;
        }
        self.begin_tag(end);
        at = name_at;
        while let Some(&byte) = bytes.get(at) {
            if ends_name(byte) {
                return self.attributes(block, bytes, at, tokens);
            }
            self.tag.name.push(byte);
            at += 1;
        }
        self.state = State::TagName;
        at
    }

    /// Reads attributes, from the end of the tag's name or of a value on, up to the end of the tag, as
    /// far as they are plain; how far that is.
    pub(super) fn attributes(
        &mut self,
        block: &Block<'_>,
        bytes: &[u8],
        mut at: usize,
        tokens: &mut impl Tokens,
    ) -> usize {
        loop {
            self.state = State::BeforeAttributeName;
            at = skip_space(bytes, at);
            match bytes.get(at) {
                None => return at,
                Some(b'>') => {
                    self.end_tag(block.offset(at + 1), tokens);
                    return at + 1;
                }
                Some(b'/') => {
                    self.state = State::SelfClosing;
                    return at + 1;
                }
                Some(_) => {}
            }
            self.attribute.clear();
            // The first character belongs to the name, even if it is `=`.
            let name_at = at;
            self.state = State::AttributeName;
            loop {
                match bytes.get(at) {
                    None => return at,
                    Some(&byte) if ends_name(byte) || byte == b'=' && at > name_at => break,
                    Some(&byte) => self.attribute.push(byte),
                }
                at += 1;
            }
            self.end_attribute_name(tokens);
            self.state = State::AfterAttributeName;
            at = skip_space(bytes, at);
            match bytes.get(at) {
                None => return at,
                Some(b'=') => {}
                Some(_) => continue,
            }
            self.state = State::BeforeValue;
            at = skip_space(bytes, at + 1);
            let stop = match bytes.get(at) {
                None => return at,
                Some(b'>') => continue,
                Some(&quote @ (b'"' | b'\'')) => {
                    at += 1;
                    self.quote = quote as char;
                    self.state = State::QuotedValue;
                    memchr2(quote, b'&', &bytes[at..])
                }
                Some(_) => {
                    self.state = State::UnquotedValue;
                    bytes[at..].iter().position(|&byte| ends_unquoted(byte))
                }
            };
            let stop = stop.map_or(bytes.len(), |found| at + found);
            if stop > at && !self.tag.end {
                tokens.run(Part::Value, block, at, stop);
            }
            at = stop;
            match bytes.get(at) {
                None | Some(b'&') => return at,
                // The quote, or what ends an unquoted value, has been read.
                Some(_) => self.end_value(block.offset(at + 1), tokens),
            }
            at += usize::from(self.state == State::QuotedValue);
        }
    }
}

#[inline]
fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

#[inline]
fn ends_name(byte: u8) -> bool {
    matches!(byte, b'>' | b'/') || byte.is_ascii_whitespace()
}

#[inline]
pub(super) fn ends_unquoted(byte: u8) -> bool {
    matches!(byte, b'>' | b'&') || byte.is_ascii_whitespace()
}

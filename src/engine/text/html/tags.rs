//! Tags that are plain, read at once; the states of what is left go character by character.
//!
//! What finds a name or a value calls nothing, and what hands it on looks for nothing: a loop that does
//! both has no register left for either.

use std::ops::ControlFlow;

use super::{
    char_ref,
    name::Name,
    structural::Structural,
    tokenizer::{Part, State, Tokenizer, Tokens},
};
use crate::engine::text::{block::Block, scan::find_any};

impl Tokenizer {
    /// Reads a tag from its `<` on, which `structural` has just passed, as far as it is plain; how far
    /// that is.
    #[inline(never)]
    pub(super) fn tag(
        &mut self,
        block: &Block<'_>,
        bytes: &[u8],
        start: usize,
        structural: &mut Structural,
        tokens: &mut impl Tokens,
    ) -> usize {
        self.held.clear();
        let at = start + 1;
        let end = bytes.get(at) == Some(&b'/');
        let name_at = if end { at + 1 } else { at };
        if !bytes.get(name_at).is_some_and(u8::is_ascii_alphabetic) {
            self.held.push(('<', block.span(start, at)));
            self.state = State::TagOpen;
            return at;
        }
        self.begin_tag(end);
        if let Some((name, length)) = Name::read::<false>(&bytes[name_at..], &ENDS_NAME) {
            self.tag.name = name;
            let at = name_at + length;
            if bytes[at] == b'>' {
                structural.pass(bytes, at);
                self.end_tag(block.offset(at + 1), tokens);
                return at + 1;
            }
            return self.attributes(block, bytes, at, structural, tokens);
        }
        match push_name(&mut self.tag.name, &bytes[name_at..], &ENDS_NAME) {
            Some(length) => self.attributes(block, bytes, name_at + length, structural, tokens),
            None => {
                self.state = State::TagName;
                bytes.len()
            }
        }
    }

    /// Reads attributes, from the end of the tag's name or of a value on, up to the end of the tag, as
    /// far as they are plain; how far that is.
    pub(super) fn attributes(
        &mut self,
        block: &Block<'_>,
        bytes: &[u8],
        mut at: usize,
        structural: &mut Structural,
        tokens: &mut impl Tokens,
    ) -> usize {
        loop {
            self.state = State::BeforeAttributeName;
            at = skip_space(bytes, at);
            match bytes.get(at) {
                None => return at,
                Some(b'>') => {
                    structural.pass(bytes, at);
                    self.end_tag(block.offset(at + 1), tokens);
                    return at + 1;
                }
                Some(b'/') => {
                    self.state = State::SelfClosing;
                    return at + 1;
                }
                Some(_) => {}
            }
            at = match quoted_attribute(bytes, at, structural) {
                Some(Quoted { name, from, to }) => {
                    if !self.tag.end {
                        tokens.attribute(&name);
                        tokens.whole_value(block, from, to);
                    }
                    to + 1
                }
                None => match self.attribute(block, bytes, at, tokens) {
                    ControlFlow::Continue(next) => {
                        structural.seek(bytes, next);
                        next
                    }
                    ControlFlow::Break(left) => return left,
                },
            };
        }
    }

    /// Reads an attribute of any other form. It breaks where the states go on, and continues behind
    /// the attribute.
    #[inline(never)]
    fn attribute(
        &mut self,
        block: &Block<'_>,
        bytes: &[u8],
        mut at: usize,
        tokens: &mut impl Tokens,
    ) -> ControlFlow<usize, usize> {
        // The first character belongs to the name, even if it is `=`.
        if let Some((name, length)) = Name::read::<true>(&bytes[at..], &ENDS_ATTRIBUTE_NAME) {
            self.attribute = name;
            at += length;
        } else {
            self.attribute.clear();
            self.attribute.push(bytes[at]);
            self.state = State::AttributeName;
            match push_name(&mut self.attribute, &bytes[at + 1..], &ENDS_ATTRIBUTE_NAME) {
                Some(length) => at += 1 + length,
                None => return ControlFlow::Break(bytes.len()),
            }
        }
        self.end_attribute_name(tokens);
        self.state = State::AfterAttributeName;
        at = skip_space(bytes, at);
        match bytes.get(at) {
            None => return ControlFlow::Break(at),
            Some(b'=') => {}
            Some(_) => return ControlFlow::Continue(at),
        }
        self.state = State::BeforeValue;
        at = skip_space(bytes, at + 1);
        match bytes.get(at) {
            None => return ControlFlow::Break(at),
            Some(b'>') => return ControlFlow::Continue(at),
            Some(&quote @ (b'"' | b'\'')) => {
                at += 1;
                self.quote = quote as char;
                self.state = State::QuotedValue;
            }
            Some(_) => self.state = State::UnquotedValue,
        }
        let stop = loop {
            let stop = at
                + match self.state {
                    State::QuotedValue => find_any(&bytes[at..], [self.quote as u8, b'&']),
                    _ => find_any(&bytes[at..], [b'>', b'&', b' ', b'\t', b'\n', b'\r', b'\x0C']),
                };
            if stop > at && !self.tag.end {
                tokens.run(Part::Value, block, at, stop);
            }
            match bytes.get(stop) {
                Some(b'&') => at = self.reference_in_value(block, bytes, stop, tokens),
                _ => break stop,
            }
            if at == stop {
                return ControlFlow::Break(stop);
            }
        };
        if stop == bytes.len() {
            return ControlFlow::Break(stop);
        }
        // The quote, or what ends an unquoted value, has been read.
        self.end_value(block.offset(stop + 1), tokens);
        ControlFlow::Continue(stop + usize::from(self.state == State::QuotedValue))
    }

    /// Reads what begins with an ampersand in a value, if it is a whole reference, or is none, as in
    /// `?a=b&c=d`; where that ends.
    fn reference_in_value(&self, block: &Block<'_>, bytes: &[u8], at: usize, tokens: &mut impl Tokens) -> usize {
        let dropped = self.tag.end;
        if self.declares_entities() {
            return at;
        }
        if let Some((first, second, length)) = char_ref::whole(&bytes[at..]) {
            let span = block.span(at, at + length);
            for c in [Some(first), second].into_iter().flatten().filter(|_| !dropped) {
                tokens.character(Part::Value, c, span, span.end);
            }
            return at + length;
        }
        let Some(length) = char_ref::none_in_value(&bytes[at..]) else { return at };
        let end = at + length;
        for index in (at..end).filter(|_| !dropped) {
            // What follows has to be read to know it.
            tokens.character(Part::Value, bytes[index].into(), block.span(index, index + 1), block.offset(end + 1));
        }
        end
    }
}

/// An attribute as almost all are written: `name="value"`, and where the value stands.
struct Quoted {
    name: Name,
    from: usize,
    to: usize,
}

/// The attribute that begins at an index, if it is one, and all of it is there, without a reference.
#[inline(always)]
fn quoted_attribute(bytes: &[u8], at: usize, structural: &mut Structural) -> Option<Quoted> {
    let equals = structural.next_before(bytes, at + Name::BYTES_MAX)?;
    let name = Name::of_attribute(bytes.get(at..)?, equals.checked_sub(at)?)?;
    let Some(&[b'=', quote @ (b'"' | b'\'')]) = bytes.get(equals..equals + 2) else { return None };
    structural.next(bytes);
    let mut end = structural.next(bytes);
    while bytes.get(end).is_some_and(|&byte| byte != quote && byte != b'&') {
        end = structural.next(bytes);
    }
    (bytes.get(end) == Some(&quote)).then_some(Quoted { name, from: equals + 2, to: end })
}

#[inline]
fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at)
        && byte.is_ascii_whitespace()
    {
        at += 1;
    }
    at
}

/// Reads a name byte by byte; its length, or `None` if it goes on behind the block.
#[cold]
fn push_name(name: &mut Name, rest: &[u8], ends: &[bool; 256]) -> Option<usize> {
    for (at, &byte) in rest.iter().enumerate() {
        if byte != 0 && ends[usize::from(byte)] {
            return Some(at);
        }
        name.push(byte);
    }
    None
}

/// Bytes that end the name of a tag; NUL is not read here.
static ENDS_NAME: [bool; 256] = table(b"\t\n\x0C\r />\0");
static ENDS_ATTRIBUTE_NAME: [bool; 256] = table(b"\t\n\x0C\r />=\0");

const fn table(bytes: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
}

#[inline]
pub(super) fn ends_unquoted(byte: u8) -> bool {
    matches!(byte, b'>' | b'&') || byte.is_ascii_whitespace()
}

//! Charset → characters, streaming, with the place of each.
//!
//! Charsets of two bytes a character and UTF-16 are what pages in Chinese are written in besides
//! UTF-8: those are decoded here, by tables ([`pairs`]) and in blocks ([`units`]). All else, and
//! whatever is not as usual, `encoding_rs` decodes. What is malformed becomes U+FFFD over exactly the
//! bytes that the Encoding Standard says, so offsets never drift.

mod by_byte;
mod decoded;
mod pairs;
#[cfg(test)]
mod tests;
mod units;

use encoding_rs::{Decoder, Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};

use self::{by_byte::ByByte, decoded::Decoded, pairs::Pairs};
use super::{
    block::Block,
    places::{Odd, Places, Width},
};

/// Decodes one body.
pub(super) struct CharsetDecoder {
    encoding: &'static Encoding,
    way: Way,
    /// Offset in the body of the first byte of `pending`.
    base: u64,
    /// Bytes that are not a whole character yet.
    pending: Vec<u8>,
    decoded: Decoded,
}

/// How a charset is decoded.
enum Way {
    Utf8,
    Utf16 {
        big_endian: bool,
    },
    /// Two bytes a character, most of them.
    Pairs(Pairs),
    /// One byte a character.
    Single {
        decoder: Decoder,
        text: String,
    },
    Stateful(ByByte),
}

impl CharsetDecoder {
    /// A decoder of a body from an offset on. A byte order mark is decoded like any character: it is
    /// zero-width.
    pub(super) fn new(encoding: &'static Encoding, base: u64) -> Self {
        let way = if encoding == UTF_8 {
            Way::Utf8
        } else if encoding == UTF_16LE || encoding == UTF_16BE {
            Way::Utf16 { big_endian: encoding == UTF_16BE }
        } else if encoding == ISO_2022_JP {
            Way::Stateful(ByByte::new())
        } else if let Some(pairs) = Pairs::of(encoding) {
            Way::Pairs(pairs)
        } else {
            Way::Single { decoder: encoding.new_decoder_without_bom_handling(), text: String::new() }
        };
        Self { encoding, way, base, pending: Vec::new(), decoded: Decoded::default() }
    }

    /// The charset.
    pub(super) fn encoding(&self) -> &'static Encoding {
        self.encoding
    }

    /// Offset of a character that has begun but not ended.
    pub(super) fn open_from(&self) -> Option<u64> {
        (!self.pending.is_empty()).then_some(self.base)
    }

    /// Decodes the next bytes; `last` says that the body ends behind them.
    pub(super) fn decode(&mut self, bytes: &[u8], last: bool, mut each: impl FnMut(Block<'_>)) {
        if let Way::Single { decoder, text } = &mut self.way {
            text.clear();
            text.reserve(decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(0));
            let _ = decoder.decode_to_string(bytes, text, last);
            self.decoded.begin(0);
            if !text.is_empty() {
                each(self.decoded.block_of(text, Width::One, self.base));
            }
            self.base += bytes.len() as u64;
            return;
        }
        if self.pending.is_empty() {
            return self.decode_whole(bytes, last, &mut each);
        }
        if matches!(self.way, Way::Utf8)
            && let Some(rest) = self.join_character(bytes, &mut each)
        {
            return self.decode_utf8(rest, last, &mut each);
        }
        let mut joined = std::mem::take(&mut self.pending);
        joined.extend_from_slice(bytes);
        self.decode_whole(&joined, last, &mut each);
    }

    /// Decodes bytes that begin with a character.
    fn decode_whole(&mut self, bytes: &[u8], last: bool, each: &mut impl FnMut(Block<'_>)) {
        let decoded = &mut self.decoded;
        let (read, width) = match &mut self.way {
            Way::Utf8 => return self.decode_utf8(bytes, last, each),
            Way::Single { .. } => return,
            Way::Utf16 { big_endian } => {
                decoded.begin(bytes.len());
                (units::decode(*big_endian, bytes, last, decoded), Width::TwoOrFour)
            }
            Way::Pairs(pairs) => {
                decoded.begin(bytes.len());
                (pairs.decode(bytes, last, decoded), Width::OneOrTwo)
            }
            Way::Stateful(by_byte) => {
                decoded.begin(bytes.len());
                (by_byte.decode(bytes, last, decoded), Width::OneOrTwo)
            }
        };
        if let Some(block) = decoded.block(width, self.base) {
            each(block);
        }
        self.base += read as u64;
        self.pending.extend_from_slice(bytes.get(read..).unwrap_or_default());
    }

    /// Puts a character of UTF-8 together that has begun before, so that the rest need not be copied;
    /// that rest. `None` if it is no character, or still not whole.
    fn join_character<'b>(&mut self, bytes: &'b [u8], each: &mut impl FnMut(Block<'_>)) -> Option<&'b [u8]> {
        let length = match self.pending.first()? {
            0xC2..0xE0 => 2,
            0xE0..0xF0 => 3,
            0xF0..0xF5 => 4,
            _ => return None,
        };
        let (tail, rest) = bytes.split_at_checked(length - self.pending.len().min(length))?;
        let mut whole = [0; 4];
        let whole = whole.get_mut(..length)?;
        let (begun, missing) = whole.split_at_mut_checked(self.pending.len())?;
        begun.copy_from_slice(&self.pending);
        missing.copy_from_slice(tail);
        let character = str::from_utf8(whole).ok()?;
        self.pending.clear();
        each(Block::new(character, self.base, None));
        self.base += length as u64;
        Some(rest)
    }

    fn decode_utf8(&mut self, bytes: &[u8], last: bool, each: &mut impl FnMut(Block<'_>)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (valid, malformed) = match simdutf8::compat::from_utf8(rest) {
                Ok(text) => (text, None),
                Err(error) => {
                    let (valid, _) = rest.split_at(error.valid_up_to());
                    (simdutf8::compat::from_utf8(valid).unwrap_or_default(), Some(error.error_len()))
                }
            };
            if !valid.is_empty() {
                each(Block::new(valid, self.base, None));
                self.base += valid.len() as u64;
                rest = &rest[valid.len()..];
            }
            match malformed {
                None => {}
                Some(None) if !last => {
                    self.pending.extend_from_slice(rest);
                    return;
                }
                Some(length) => {
                    const REPLACEMENT: &str = "\u{FFFD}";
                    let length = length.unwrap_or(rest.len()).min(rest.len());
                    let odd = [Odd { end: 3, shift: length as i32 - 3 }];
                    each(Block::new(REPLACEMENT, self.base, Some(Places::new(Width::Same, &[], &odd))));
                    self.base += length as u64;
                    rest = &rest[length..];
                }
            }
        }
    }
}

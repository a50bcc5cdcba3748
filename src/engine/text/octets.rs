//! Bytes that were written as text (`%E8%B5%8C`, Base64) → characters.
//!
//! Nothing says which charset the bytes are in: what is valid UTF-8 is UTF-8, what is not is read as
//! GBK, as pages of that charset write it.

use encoding_rs::GBK;

use crate::base::ByteSpan;

/// Bytes that are looked at together before their charset is decided.
const OCTETS_MAX: usize = 96;

/// Collects bytes until they are characters.
#[derive(Debug, Default)]
pub(super) struct Octets {
    held: Vec<(u8, ByteSpan)>,
}

impl Octets {
    /// Offset of the first byte that is not a character yet.
    pub(super) fn open_from(&self) -> Option<u64> {
        self.held.first().map(|item| item.1.start)
    }

    /// Takes a byte that was written at `span`.
    pub(super) fn push(&mut self, byte: u8, span: ByteSpan, seen: u64, out: &mut impl FnMut(char, ByteSpan, u64)) {
        if !byte.is_ascii() {
            self.held.push((byte, span));
            if self.held.len() >= OCTETS_MAX {
                self.decode(false, seen, out);
            }
        } else if self.wants(byte) {
            self.held.push((byte, span));
        } else {
            self.finish(seen, out);
            out(byte as char, span, seen);
        }
    }

    /// Whether an ASCII byte is the second one of a GBK character, as forms of GBK pages write them
    /// (`%8Da`).
    pub(super) fn wants(&self, byte: u8) -> bool {
        matches!(byte, 0x40..=0x7E) && {
            let bytes: Vec<u8> = self.held.iter().map(|item| item.0).collect();
            std::str::from_utf8(&bytes).is_err() && ends_with_lead(&bytes)
        }
    }

    /// The bytes end here.
    pub(super) fn finish(&mut self, seen: u64, out: &mut impl FnMut(char, ByteSpan, u64)) {
        if !self.held.is_empty() {
            self.decode(true, seen, out);
        }
    }

    /// Decodes what is held; if not `last`, a character that is not whole stays.
    fn decode(&mut self, last: bool, seen: u64, out: &mut impl FnMut(char, ByteSpan, u64)) {
        let bytes: Vec<u8> = self.held.iter().map(|item| item.0).collect();
        let valid = match std::str::from_utf8(&bytes) {
            Ok(text) => Some(text),
            Err(error) if !last && error.error_len().is_none() => {
                std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        let mut at = 0;
        if let Some(text) = valid {
            for c in text.chars() {
                out(c, self.span(at, at + c.len_utf8()), seen);
                at += c.len_utf8();
            }
        } else {
            while at < bytes.len() {
                let pair = &bytes[at..bytes.len().min(at + 2)];
                if pair.len() < 2 && !last {
                    break;
                }
                let (c, length) = match GBK.decode_without_bom_handling_and_without_replacement(pair) {
                    Some(text) if pair.len() == 2 && !pair[0].is_ascii() => (text.chars().next(), 2),
                    _ if pair[0].is_ascii() => (Some(pair[0] as char), 1),
                    _ => (None, 1),
                };
                out(c.unwrap_or('\u{FFFD}'), self.span(at, at + length), seen);
                at += length;
            }
        }
        self.held.drain(..at);
    }

    fn span(&self, from: usize, to: usize) -> ByteSpan {
        ByteSpan { start: self.held[from].1.start, end: self.held[to - 1].1.end }
    }
}

/// Whether bytes that are paired as GBK does leave one that waits for its second half.
fn ends_with_lead(bytes: &[u8]) -> bool {
    let mut lead = false;
    for byte in bytes {
        lead = !lead && matches!(byte, 0x81..=0xFE);
    }
    lead
}

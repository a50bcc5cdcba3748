//! ISO-2022-JP: it has escapes that no character shows, so it is decoded a byte at a time.

use encoding_rs::{CoderResult, Decoder, ISO_2022_JP};

use super::{super::places::Width, decoded::Decoded};

/// Stands for an escape.
const ESCAPE: char = '\u{200B}';

/// The state between two pieces.
pub(super) struct ByByte {
    decoder: Decoder,
    /// Bytes that the decoder has read of those that no character stands for yet.
    carried: usize,
}

impl ByByte {
    /// At the beginning of a body.
    pub(super) fn new() -> Self {
        Self { decoder: ISO_2022_JP.new_decoder_without_bom_handling(), carried: 0 }
    }

    /// Decodes up to a character that is not whole; the bytes read. `source` begins with what was not
    /// read of the last one. The bytes of an escape stand as a zero-width character, so that no
    /// neighbour's place takes them in.
    pub(super) fn decode(&mut self, source: &[u8], last: bool, decoded: &mut Decoded) -> usize {
        let mut text = String::new();
        // Where each character of `text` begins.
        let mut starts = Vec::new();
        let mut begun = 0;
        let mut escape = self.carried > 0 && source.first() == Some(&0x1B);
        for position in self.carried..=source.len() {
            let input = source.get(position..=position).unwrap_or_default();
            let flush = position == source.len() && last;
            if input.is_empty() && !flush {
                break;
            }
            if input == [0x1B] && !escape {
                escape = true;
            }
            let known = text.len();
            text.reserve(16);
            let (result, _, replaced) = self.decoder.decode_to_string(input, &mut text, flush);
            debug_assert!(result == CoderResult::InputEmpty || replaced);
            let broken = escape && text[known..].starts_with('\u{FFFD}');
            let is_whole = matches!(
                source.get(begun..=position),
                Some([0x1B, b'(', b'B' | b'J' | b'I'] | [0x1B, b'$', b'@' | b'B'])
            );
            if broken && is_whole {
                // It is well formed, but stands directly behind another, which is an error.
                starts.push(begun);
                begun = position + 1;
                escape = false;
            } else if broken {
                // The escape byte alone is malformed; what followed it is read again.
                let mut rest = text[known..].chars();
                rest.next();
                starts.push(begun);
                begun = (begun + 1).min(position + input.len());
                // Two bytes that give one character are a pair, unless the second begins an escape.
                let alone = rest.clone().count() == 1;
                let is_pair = alone && position + input.len() - begun == 2 && input != [0x1B];
                for _ in rest {
                    starts.push(begun);
                    begun = (begun + if is_pair { 2 } else { 1 }).min(position + input.len());
                }
                // What broke the one may begin another.
                escape = input == [0x1B] && begun == position;
            } else if text.len() > known {
                starts.extend(text[known..].chars().map(|_| begun));
                begun = position + input.len();
                escape = false;
            } else if escape && matches!(input, [b'B' | b'J' | b'I' | b'@']) && position + 1 >= begun + 3 {
                text.push(ESCAPE);
                starts.push(begun);
                begun = position + 1;
                escape = false;
            }
        }
        let end = if last { source.len() } else { begun };
        self.carried = source.len() - end;
        let ends = starts.iter().skip(1).copied().chain([end]);
        for ((c, &start), end) in text.chars().zip(&starts).zip(ends) {
            let mut buffer = [0; 4];
            let c: &str = c.encode_utf8(&mut buffer);
            decoded.push_sized(c, end - start, Width::OneOrTwo.of(c.as_bytes()));
        }
        end
    }
}

//! Charset → characters, streaming, with the place of each.
//!
//! `encoding_rs` decodes; this file walks the decoded characters and the bytes they came from in
//! step, because a valid sequence tells its own length. What is malformed becomes U+FFFD over
//! exactly the bytes that the Encoding Standard says, so offsets never drift.

use encoding_rs::{
    BIG5, CoderResult, Decoder, DecoderResult, EUC_JP, Encoding, GB18030, GBK, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16BE,
    UTF_16LE,
};

use super::block::Block;

/// Decodes one body.
pub(super) struct CharsetDecoder {
    encoding: &'static Encoding,
    decoder: Decoder,
    /// Offset in the body of the first byte of `pending`.
    base: u64,
    /// Bytes that are not a whole character yet.
    pending: Vec<u8>,
    text: String,
    map: Vec<u32>,
}

impl CharsetDecoder {
    /// A decoder of a body from an offset on. A byte order mark is decoded like any character: it is
    /// zero-width.
    pub(super) fn new(encoding: &'static Encoding, base: u64) -> Self {
        Self {
            encoding,
            decoder: encoding.new_decoder_without_bom_handling(),
            base,
            pending: Vec::new(),
            text: String::new(),
            map: Vec::new(),
        }
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
        if self.encoding == UTF_8 {
            self.decode_utf8(bytes, last, &mut each);
        } else if self.encoding == ISO_2022_JP {
            self.decode_by_byte(bytes, last, &mut each);
        } else {
            self.decode_in_step(bytes, last, &mut each);
        }
    }

    fn decode_utf8(&mut self, bytes: &[u8], last: bool, each: &mut impl FnMut(Block<'_>)) {
        if !self.pending.is_empty() {
            let mut joined = std::mem::take(&mut self.pending);
            joined.extend_from_slice(bytes);
            return self.decode_utf8(&joined, last, each);
        }
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
                    let length = length.unwrap_or(rest.len()).min(rest.len());
                    each(Block::new("\u{FFFD}", self.base, Some(&[0, 0, 0, length as u32])));
                    self.base += length as u64;
                    rest = &rest[length..];
                }
            }
        }
    }

    /// All encodings in which a valid sequence tells its own length.
    fn decode_in_step(&mut self, bytes: &[u8], last: bool, each: &mut impl FnMut(Block<'_>)) {
        let mut source = std::mem::take(&mut self.pending);
        let mut fed = source.len();
        source.extend_from_slice(bytes);
        // `at`: how far the decoded characters account for `source`.
        let mut at = 0;
        self.text.clear();
        self.map.clear();
        loop {
            let known = self.text.len();
            self.text
                .reserve(self.decoder.max_utf8_buffer_length_without_replacement(source.len() - fed).unwrap_or(64));
            let (result, read) =
                self.decoder.decode_to_string_without_replacement(&source[fed..], &mut self.text, last);
            fed += read;
            at = self.account(&source, at, known);
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(length, _) => {
                    self.text.push('\u{FFFD}');
                    self.map.extend([at as u32; 3]);
                    at = (at + usize::from(length)).min(source.len());
                }
            }
        }
        if last {
            at = source.len();
        }
        self.map.push(at as u32);
        if !self.text.is_empty() {
            each(Block::new(&self.text, self.base, Some(&self.map)));
        }
        self.base += at as u64;
        source.drain(..at);
        self.pending = source;
    }

    /// Walks the characters decoded since `known` and the bytes from `at` in step.
    fn account(&mut self, source: &[u8], at: usize, known: usize) -> usize {
        self.map.resize(self.text.len(), 0);
        let (text, map) = (&self.text.as_bytes()[known..], &mut self.map[known..]);
        let at = if self.encoding == UTF_16LE || self.encoding == UTF_16BE {
            in_step_utf16(text, map, at)
        } else if self.encoding.is_single_byte() {
            in_step(text, map, source, at, |_| false, |_| 1)
        } else if self.encoding == GBK || self.encoding == GB18030 {
            let pair = |pair: &[u8]| !matches!(pair, [0x80 | 0xFF, _] | [_, 0x30..=0x39]);
            in_step(text, map, source, at, pair, |rest| match rest {
                [0x80 | 0xFF, ..] => 1,
                [_, 0x30..=0x39, ..] => 4,
                _ => 2,
            })
        } else if self.encoding == SHIFT_JIS {
            let pair = |pair: &[u8]| !matches!(pair, [0x80 | 0xA1..=0xDF, _]);
            in_step(text, map, source, at, pair, |rest| if let [0x80 | 0xA1..=0xDF, ..] = rest { 1 } else { 2 })
        } else if self.encoding == EUC_JP {
            in_step(text, map, source, at, |pair| pair[0] != 0x8F, |rest| if let [0x8F, ..] = rest { 3 } else { 2 })
        } else if self.encoding == BIG5 {
            // What is a letter and a mark is not of three bytes.
            in_step(
                text,
                map,
                source,
                at,
                |_| true,
                |rest| match rest {
                    // Four sequences are a letter and a combining mark: the mark has no bytes of its own.
                    [0x88, 0x62 | 0x64 | 0xA3 | 0xA5, ..] => 0,
                    _ => 2,
                },
            )
        } else {
            in_step(text, map, source, at, |_| true, |_| 2)
        };
        at.min(source.len())
    }

    /// ISO-2022-JP has escapes that no character shows: a byte at a time. The bytes of an escape
    /// stand as a zero-width character, so that no neighbour's place takes them in.
    fn decode_by_byte(&mut self, bytes: &[u8], last: bool, each: &mut impl FnMut(Block<'_>)) {
        self.text.clear();
        self.map.clear();
        let carried = self.pending.len();
        let mut begun = 0;
        let mut escape = self.pending.first() == Some(&0x1B);
        for index in 0..=bytes.len() {
            let position = carried + index;
            let (input, flush) = (bytes.get(index..=index).unwrap_or_default(), index == bytes.len() && last);
            if input.is_empty() && !flush {
                break;
            }
            if input == [0x1B] && !escape {
                escape = true;
            }
            let known = self.text.len();
            self.text.reserve(16);
            let (result, _, replaced) = self.decoder.decode_to_string(input, &mut self.text, flush);
            debug_assert!(result == CoderResult::InputEmpty || replaced);
            let written = self.text.len() - known;
            let broken = escape && self.text[known..].starts_with('\u{FFFD}');
            if broken {
                // The escape byte alone is malformed; what followed it is read again, byte by byte.
                for c in self.text[known..].chars() {
                    self.map.resize(self.map.len() + c.len_utf8(), begun as u32);
                    begun = (begun + 1).min(position + input.len());
                }
                // What broke the one may begin another.
                escape = input == [0x1B] && begun == position;
            } else if written > 0 {
                self.map.resize(self.map.len() + written, begun as u32);
                begun = position + input.len();
                escape = false;
            } else if escape && matches!(input, [b'B' | b'J' | b'I' | b'@']) && position + 1 >= begun + 3 {
                self.text.push('\u{200B}');
                self.map.extend([begun as u32; 3]);
                begun = position + 1;
                escape = false;
            }
        }
        let end = if last { carried + bytes.len() } else { begun };
        self.map.push(end as u32);
        if !self.text.is_empty() {
            each(Block::new(&self.text, self.base, Some(&self.map)));
        }
        let mut source = std::mem::take(&mut self.pending);
        source.extend_from_slice(bytes);
        self.base += end as u64;
        source.drain(..end.min(source.len()));
        self.pending = source;
    }
}

/// Writes down where each character of `text` stands in `source`, from `at` on; where the last one
/// ends. ASCII stands for itself; `length` tells of any other sequence how many bytes it has. If it
/// says none, the sequence is two characters, and two bytes. `pair` tells of two bytes that are known
/// to begin a character of three bytes in UTF-8 whether they are all of it.
#[inline]
fn in_step(
    text: &[u8],
    map: &mut [u32],
    source: &[u8],
    mut at: usize,
    pair: impl Fn(&[u8]) -> bool,
    length: impl Fn(&[u8]) -> usize,
) -> usize {
    let mut index = 0;
    while let Some(&lead) = text.get(index) {
        if lead < 0x80 {
            let ascii = Encoding::ascii_valid_up_to(&text[index..]);
            for (place, offset) in map[index..index + ascii].iter_mut().zip(at as u32..) {
                *place = offset;
            }
            index += ascii;
            at += ascii;
            continue;
        }
        // Most text that is not ASCII is made of characters of three bytes, in pairs of bytes.
        let pairs = source.get(at..).unwrap_or_default().chunks_exact(2);
        let run = text[index..].chunks_exact(3).zip(pairs);
        let run = run.take_while(|(c, bytes)| c[0] & 0xF0 == 0xE0 && pair(bytes)).count();
        if run > 0 {
            (index, at) = places_of_run(map, index, run, at);
            continue;
        }
        index = one_place(map, index, lead, at);
        let bytes = length(source.get(at..).unwrap_or_default());
        if bytes == 0
            && let Some(&mark) = text.get(index)
        {
            index = one_place(map, index, mark, at);
        }
        at += if bytes == 0 { 2 } else { bytes };
    }
    at
}

/// The same for UTF-16: the character alone tells.
fn in_step_utf16(text: &[u8], map: &mut [u32], mut at: usize) -> usize {
    let mut index = 0;
    while let Some(&lead) = text.get(index) {
        if lead < 0x80 {
            let ascii = Encoding::ascii_valid_up_to(&text[index..]);
            for (place, offset) in map[index..index + ascii].iter_mut().zip((at as u32..).step_by(2)) {
                *place = offset;
            }
            index += ascii;
            at += 2 * ascii;
            continue;
        }
        let run = text[index..].chunks_exact(3).take_while(|c| c[0] & 0xF0 == 0xE0).count();
        if run > 0 {
            (index, at) = places_of_run(map, index, run, at);
        } else {
            index = one_place(map, index, lead, at);
            at += if lead >= 0xF0 { 4 } else { 2 };
        }
    }
    at
}

/// Writes down the places of characters of three bytes each that come from two bytes each; the indices
/// behind them.
fn places_of_run(map: &mut [u32], index: usize, run: usize, at: usize) -> (usize, usize) {
    let places = map.get_mut(index..index + 3 * run).unwrap_or_default();
    for (places, offset) in places.chunks_exact_mut(3).zip((at as u32..).step_by(2)) {
        places.copy_from_slice(&[offset; 3]);
    }
    (index + 3 * run, at + 2 * run)
}

/// Writes down the place of the character that begins with `lead`; the index behind it.
#[inline]
fn one_place(map: &mut [u32], index: usize, lead: u8, at: usize) -> usize {
    let end = index
        + match lead {
            0x00..=0x7F => 1,
            0x80..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xFF => 4,
        };
    if let Some(places) = map.get_mut(index..end) {
        places.fill(at as u32);
    }
    end
}

#[cfg(test)]
mod tests {
    use encoding_rs::{
        BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252,
    };
    use proptest::prelude::*;

    use super::CharsetDecoder;

    const ENCODINGS: [&Encoding; 11] =
        [UTF_8, GBK, GB18030, BIG5, EUC_KR, EUC_JP, SHIFT_JIS, ISO_2022_JP, UTF_16LE, UTF_16BE, WINDOWS_1252];

    /// Characters with their places.
    fn decoded(encoding: &'static Encoding, bytes: &[u8], cuts: &[usize]) -> Vec<(char, u64, u64)> {
        let mut decoder = CharsetDecoder::new(encoding, 0);
        let mut all = Vec::new();
        let mut from = 0;
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        ends.sort_unstable();
        ends.push(bytes.len());
        for (index, &to) in ends.iter().enumerate() {
            decoder.decode(&bytes[from..to], index + 1 == ends.len(), |block| {
                for (at, c) in block.text.char_indices() {
                    let span = block.span(at, at + c.len_utf8());
                    all.push((c, span.start, span.end));
                }
            });
            from = to;
        }
        all
    }

    proptest! {
        #[test]
        fn places_do_not_depend_on_cuts(
            which in 0..ENCODINGS.len(),
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), 0x80_u8..0xFF, 0x1B_u8..0x7F], 0..60),
            cuts in proptest::collection::vec(any::<usize>(), 0..6),
        ) {
            let whole = decoded(ENCODINGS[which], &bytes, &[]);
            prop_assert_eq!(&whole, &decoded(ENCODINGS[which], &bytes, &cuts));
            let text: String = whole.iter().map(|item| item.0).filter(|&c| c != '\u{200B}').collect();
            let expected = ENCODINGS[which].decode_without_bom_handling(&bytes).0;
            prop_assert_eq!(text, expected.replace('\u{200B}', ""));
            prop_assert!(whole.windows(2).all(|pair| pair[0].2 <= pair[1].2 && pair[0].1 <= pair[1].1));
        }

        #[test]
        fn a_character_stands_where_its_bytes_are(which in 0..ENCODINGS.len(), text in "[a-z一-龥ぁ-ん가-힣é€]{0,20}") {
            let encoding = ENCODINGS[which];
            let bytes = match encoding.name() {
                "UTF-16LE" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                "UTF-16BE" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
                _ => encoding.encode(&text).0.into_owned(),
            };
            for (c, start, end) in decoded(encoding, &bytes, &[]) {
                if encoding == ISO_2022_JP { continue }
                let (alone, _) = encoding.decode_without_bom_handling(&bytes[start as usize..end as usize]);
                prop_assert!(alone.starts_with(c));
            }
        }
    }
}

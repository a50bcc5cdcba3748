//! Charsets that write most characters in two bytes: GBK and GB18030, Big5, EUC-KR, EUC-JP, Shift_JIS.
//!
//! A table a charset tells what two bytes stand for: a UTF-16 unit a pair, from lead 0x80 on, little
//! endian; 0 where the two are no single character of the basic plane, which is for `encoding_rs` to
//! say. The tests prove every entry against `encoding_rs`, which the tables were made of.

use encoding_rs::{BIG5, DecoderResult, EUC_JP, EUC_KR, Encoding, GB18030, GBK, SHIFT_JIS};

use super::{
    decoded::Decoded,
    units::{UNITS, kinds, put_three},
};
use crate::base::{Work, run_wide};

const TABLE_BYTES: usize = 1 << 16;

type Table = [u8; TABLE_BYTES];

const TABLE_BIG5: &Table = include_bytes!("tables/big5.bin");
const TABLE_EUC_JP: &Table = include_bytes!("tables/euc_jp.bin");
const TABLE_EUC_KR: &Table = include_bytes!("tables/euc_kr.bin");
const TABLE_GBK: &Table = include_bytes!("tables/gbk.bin");
const TABLE_SHIFT_JIS: &Table = include_bytes!("tables/shift_jis.bin");

/// The longest sequence of all these charsets: GB18030.
const SEQUENCE_BYTES_MAX: usize = 4;

/// ASCII that is copied at once.
const ASCII: usize = 16;

/// A charset of pairs.
#[derive(Clone, Copy)]
pub(super) struct Pairs {
    encoding: &'static Encoding,
    pub(super) table: &'static Table,
}

impl Pairs {
    /// A charset, if it is one of these.
    pub(super) fn of(encoding: &'static Encoding) -> Option<Self> {
        let table = if encoding == GBK || encoding == GB18030 {
            TABLE_GBK
        } else if encoding == BIG5 {
            TABLE_BIG5
        } else if encoding == EUC_KR {
            TABLE_EUC_KR
        } else if encoding == EUC_JP {
            TABLE_EUC_JP
        } else if encoding == SHIFT_JIS {
            TABLE_SHIFT_JIS
        } else {
            return None;
        };
        Some(Self { encoding, table })
    }

    /// Decodes up to a character that is not whole; the bytes read.
    pub(super) fn decode(self, source: &[u8], last: bool, decoded: &mut Decoded) -> usize {
        let mut at = 0;
        loop {
            at += run_wide(Run { table: self.table, source: &source[at..], decoded });
            let Some(&first) = source.get(at) else { return at };
            let pair = source.get(at..).and_then(|rest| rest.first_chunk::<2>());
            if first < 0x80 {
                decoded.push(char::from(first).encode_utf8(&mut [0; 4]));
                at += 1;
            } else if let Some(c) = pair.and_then(|pair| char::from_u32(unit(self.table, *pair).into()))
                && c != '\0'
            {
                decoded.push(c.encode_utf8(&mut [0; 4]));
                at += 2;
            } else {
                match self.sequence(&source[at..], last, decoded) {
                    Some(bytes) => at += bytes,
                    None => return at,
                }
            }
        }
    }

    /// Decodes one sequence that is not in the table; its bytes, `None` if it is not whole.
    #[cold]
    fn sequence(self, source: &[u8], last: bool, decoded: &mut Decoded) -> Option<usize> {
        let mut decoder = self.encoding.new_decoder_without_bom_handling();
        let mut text = [0; 16];
        let source = source.get(..SEQUENCE_BYTES_MAX).unwrap_or(source);
        for read in 1..=source.len() {
            let byte = source.get(read - 1..read).unwrap_or_default();
            let (result, _, written) = decoder.decode_to_utf8_without_replacement(byte, &mut text, false);
            match (result, written) {
                (DecoderResult::Malformed(bytes, _), _) => {
                    let bytes = usize::from(bytes).clamp(1, read);
                    decoded.push_sized("\u{FFFD}", bytes, 2);
                    return Some(bytes);
                }
                (DecoderResult::InputEmpty | DecoderResult::OutputFull, 0) => {}
                (DecoderResult::InputEmpty | DecoderResult::OutputFull, _) => {
                    let text = text.get(..written).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
                    // A letter and a mark that two bytes stand for: the letter has none of its own.
                    let behind = text.chars().next().map_or(0, char::len_utf8);
                    let (before, text) = if text.chars().count() > 1 { text.split_at(behind) } else { ("", text) };
                    if !before.is_empty() {
                        decoded.push_sized(before, 0, 2);
                    }
                    decoded.push_sized(text, read, 2);
                    return Some(read);
                }
            }
        }
        if last {
            // All that is left of a body is one character that is not whole.
            decoded.push_sized("\u{FFFD}", source.len(), 2);
        }
        last.then_some(source.len())
    }
}

/// What a pair stands for; 0 if the table does not know.
#[inline(always)]
pub(super) fn unit(table: &Table, [lead, trail]: [u8; 2]) -> u16 {
    let at = 2 * (usize::from(lead & 0x7F) << 8 | usize::from(trail));
    u16::from_le_bytes([table[at], table[at + 1]])
}

/// Decodes ASCII and pairs that are three bytes in UTF-8, as most are; the bytes read.
struct Run<'d, 's> {
    table: &'static Table,
    source: &'s [u8],
    decoded: &'d mut Decoded,
}

impl Work for Run<'_, '_> {
    type Output = usize;

    #[inline(always)]
    fn run(self) -> usize {
        let Self { table, source, decoded } = self;
        let room = decoded.room();
        let (mut at, mut to) = (0, 0);
        while let Some(window) = source.get(at..).and_then(|rest| rest.first_chunk::<ASCII>())
            && let Some(room) = room.get_mut(to..).and_then(|room| room.first_chunk_mut::<{ 4 * UNITS }>())
        {
            let high = u128::from_le_bytes(*window) & 0x8080_8080_8080_8080_8080_8080_8080_8080;
            let ascii = high.trailing_zeros() as usize / 8;
            if ascii > 0 {
                for (place, &byte) in room.iter_mut().zip(window) {
                    *place = byte;
                }
                if high == 0 {
                    // Not by what was counted: the next bytes would wait for it.
                    (at, to) = (at + ASCII, to + ASCII);
                } else {
                    (at, to) = (at + ascii, to + ascii);
                }
                continue;
            }
            let pairs: [[u8; 2]; UNITS] = bytemuck::cast(*window);
            let units = pairs.map(|pair| unit(table, pair));
            // A lead in every even place, as far as the pairs go.
            let leads = !(high as u64 & 0x0080_0080_0080_0080) & 0x0080_0080_0080_0080;
            let leads_behind = !((high >> 64) as u64) & 0x0080_0080_0080_0080;
            let pairs = match leads {
                0 => 4 + leads_behind.trailing_zeros() / 16,
                _ => leads.trailing_zeros() / 16,
            };
            let pairs = pairs as usize;
            let three = kinds(units).three.trailing_ones() as usize;
            put_three(units, room);
            if three < pairs {
                if three == 0 {
                    break;
                }
                (at, to) = (at + 2 * three, to + 3 * three);
            } else if pairs == UNITS {
                // What comes next does not depend on what the table says.
                (at, to) = (at + 2 * UNITS, to + 3 * UNITS);
            } else {
                (at, to) = (at + 2 * pairs, to + 3 * pairs);
            }
        }
        decoded.filled(to);
        at
    }
}

//! Every sequence is what the Encoding Standard says, and stands where its bytes are.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252,
};
use proptest::prelude::*;

use super::{CharsetDecoder, Pairs, pairs};

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

/// Bytes of which charsets of several bytes a character are made, and what breaks them.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let digit_or_lead = prop_oneof![0x30_u8..0x3A, 0x81_u8..0xFF, Just(0x80), Just(0xFF), Just(0x8E), Just(0x8F)];
    let wide = proptest::collection::vec((0xB0_u8..0xD7, 0xA1_u8..0xFF), 0..24)
        .prop_map(|pairs| pairs.into_iter().flat_map(|(lead, trail)| [lead, trail]).collect::<Vec<u8>>());
    let narrow = "[a-z<>=\" ]{0,40}".prop_map(String::into_bytes);
    let odd = proptest::collection::vec(
        prop_oneof![any::<u8>(), 0x80_u8..0xFF, 0x1B_u8..0x7F, digit_or_lead, Just(0xD8), Just(0xDC)],
        0..12,
    );
    let units =
        "[a-z一-龥é😀]{0,20}".prop_map(|text| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    proptest::collection::vec(prop_oneof![wide, narrow, odd, units], 0..6).prop_map(|parts| parts.concat())
}

#[test]
fn every_pair_is_what_the_standard_says() {
    for encoding in [GBK, GB18030, BIG5, EUC_KR, EUC_JP, SHIFT_JIS] {
        let table = Pairs::of(encoding).unwrap();
        for pair in 0..=u16::MAX {
            let bytes = pair.to_be_bytes();
            let text = encoding.decode_without_bom_handling(&bytes).0;
            let found: String = decoded(encoding, &bytes, &[]).into_iter().map(|item| item.0).collect();
            assert_eq!(found, text, "{} {bytes:02X?}", encoding.name());
            if bytes[0] >= 0x80 {
                let mut characters = text.chars();
                let single = match (characters.next(), characters.next()) {
                    (Some(c), None) if c != '\u{FFFD}' => u16::try_from(c as u32).unwrap_or(0),
                    _ => 0,
                };
                assert_eq!(pairs::unit(table.table, bytes), single, "{} {bytes:02X?}", encoding.name());
            }
        }
    }
}

#[test]
fn every_sequence_of_four_bytes_is_what_the_standard_says() {
    let bytes = |pointer: u32| {
        [0x81 + pointer / 12600, 0x30 + pointer / 1260 % 10, 0x81 + pointer / 10 % 126, 0x30 + pointer % 10]
            .map(|byte| byte as u8)
    };
    let mut text = Vec::new();
    // The basic plane, the beginning of what is beyond it, its end, and what is nothing.
    for pointer in (0..39_500).chain(188_990..189_100).chain(1_237_500..1_237_600) {
        text.extend(bytes(pointer));
    }
    let found = decoded(GB18030, &text, &[]);
    let expected = GB18030.decode_without_bom_handling(&text).0;
    assert!(found.iter().map(|item| item.0).eq(expected.chars()));
    assert!(found.iter().zip((0..).step_by(4)).all(|(item, at)| (item.1, item.2) == (at, at + 4)));
}

proptest! {
    #[test]
    fn places_do_not_depend_on_cuts(
        which in 0..ENCODINGS.len(),
        bytes in bytes(),
        cuts in proptest::collection::vec(any::<usize>(), 0..6),
    ) {
        let whole = decoded(ENCODINGS[which], &bytes, &[]);
        prop_assert_eq!(&whole, &decoded(ENCODINGS[which], &bytes, &cuts));
        let text: String = whole.iter().map(|item| item.0).filter(|&c| c != '\u{200B}').collect();
        let expected = ENCODINGS[which].decode_without_bom_handling(&bytes).0;
        prop_assert_eq!(text, expected.replace('\u{200B}', ""));
        // All bytes are of one character, and one follows the other.
        prop_assert!(whole.windows(2).all(|pair| pair[0].2 == pair[1].1 && pair[0].1 <= pair[0].2));
        prop_assert_eq!(whole.first().map_or(0, |first| first.1), 0);
        prop_assert_eq!(whole.last().map_or(0, |last| last.2), bytes.len() as u64);
        for (c, start, end) in whole {
            // What is malformed is so alone as well, over as many bytes.
            if start == end || ENCODINGS[which] == ISO_2022_JP { continue }
            let (alone, _) = ENCODINGS[which].decode_without_bom_handling(&bytes[start as usize..end as usize]);
            prop_assert!(alone.ends_with(c) && alone.chars().count() <= 2);
        }
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

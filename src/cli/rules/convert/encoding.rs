//! Which encoding a list is in: a byte order mark says it, UTF-8 proves itself, the rest is guessed. Lists of
//! other filters hold several, one below the other, because those filters compare bytes: each part is
//! guessed by itself.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

/// The text of a list, and the names of its encodings. `named`: the one that the operator says it is in;
/// `country`: the top-level domain of where it comes from.
pub(super) fn decode(bytes: &[u8], named: Option<&'static Encoding>, country: Option<&[u8]>) -> (String, String) {
    let whole = match (named, Encoding::for_bom(bytes)) {
        (Some(encoding), _) | (None, Some((encoding, _))) => Some(encoding),
        (None, None) if std::str::from_utf8(bytes).is_ok() => Some(UTF_8),
        (None, None) if lines(bytes).any(is_utf8) => None,
        (None, None) => Some(guess(bytes, country)),
    };
    match whole {
        Some(encoding) => (encoding.decode(bytes).0.into_owned(), encoding.name().to_owned()),
        None => decode_mixed(bytes, country),
    }
}

/// A list of which some lines are UTF-8 and some are not.
fn decode_mixed(bytes: &[u8], country: Option<&[u8]>) -> (String, String) {
    let (mut text, mut names, mut part) = (String::new(), Vec::new(), Vec::new());
    let mut part_is_utf8 = true;
    let mut take = |part: &mut Vec<u8>, is_utf8: bool| {
        let encoding = if is_utf8 { UTF_8 } else { guess(part, country) };
        if !part.is_ascii() && !names.contains(&encoding.name()) {
            names.push(encoding.name());
        }
        text.push_str(&encoding.decode_without_bom_handling(part).0);
        part.clear();
    };
    for line in lines(bytes) {
        // What is ASCII alone belongs to what stands before it.
        if !line.is_ascii() && is_utf8(line) != part_is_utf8 {
            take(&mut part, part_is_utf8);
            part_is_utf8 = !part_is_utf8;
        }
        part.extend_from_slice(line);
    }
    take(&mut part, part_is_utf8);
    (text, names.join(", "))
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|&byte| byte == b'\n')
}

/// Whether a line says something, and in UTF-8.
fn is_utf8(line: &[u8]) -> bool {
    !line.is_ascii() && std::str::from_utf8(line).is_ok()
}

/// Where a list comes from tips the scales: a few accents of French look like Chinese, too.
fn guess(bytes: &[u8], country: Option<&[u8]>) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    // Big5 is Chinese, too, and a hint of the mainland would hide it.
    match detector.guess(None, Utf8Detection::Deny) {
        chinese if [encoding_rs::BIG5, encoding_rs::GBK].contains(&chinese) && country.is_some() => chinese,
        _ => detector.guess(country, Utf8Detection::Deny),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_lists_are_read_in_whatever_they_are_written() {
        let text = "# 赌博\n百家乐\n在线赌场\n时时彩平台\n代开发票，联系电话\n";
        for encoding in [encoding_rs::UTF_8, encoding_rs::GBK, encoding_rs::BIG5] {
            let text = if encoding == encoding_rs::BIG5 {
                "# 賭博\n百家樂\n線上賭場\n時時彩平台\n代開發票，聯絡電話\n"
            } else {
                text
            };
            let (bytes, ..) = encoding.encode(text);
            assert_eq!(decode(&bytes, None, Some(b"cn")), (text.to_owned(), encoding.name().to_owned()));
        }
        let utf16: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&utf16, None, None), (text.to_owned(), "UTF-16LE".to_owned()));
        assert_eq!(decode(b"\xef\xbb\xbfa\n", None, None), ("a\n".to_owned(), "UTF-8".to_owned()));
    }

    #[test]
    fn each_part_of_a_list_is_read_in_its_own_encoding() {
        let text = "<女><10> #woman\n\n<オンラインカジノ><50>\n<無料><5>\n<賭博サイト><40> #gambling\n# next\n";
        let encodings = [encoding_rs::SHIFT_JIS, encoding_rs::UTF_8, encoding_rs::EUC_JP];
        let bytes: Vec<u8> = encodings.iter().flat_map(|encoding| encoding.encode(text).0.into_owned()).collect();
        assert_eq!(decode(&bytes, None, None), (text.repeat(3), "Shift_JIS, UTF-8, EUC-JP".to_owned()));
    }

    #[test]
    fn what_the_operator_says_is_not_guessed() {
        let (bytes, ..) = encoding_rs::SHIFT_JIS.encode("<女><10>\n");
        let (text, name) = decode(&bytes, Some(encoding_rs::SHIFT_JIS), None);
        assert_eq!((text.as_str(), name.as_str()), ("<女><10>\n", "Shift_JIS"));
    }
}

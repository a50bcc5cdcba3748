//! Which encoding a list is in: a byte order mark says it, UTF-8 proves itself, the rest is guessed.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

/// The text of a list, and the name of its encoding. `country`: the top-level domain of where it comes from.
pub(super) fn decode(bytes: &[u8], country: Option<&[u8]>) -> (String, &'static str) {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None if std::str::from_utf8(bytes).is_ok() => encoding_rs::UTF_8,
        None => guess(bytes, country),
    };
    let (text, ..) = encoding.decode(bytes);
    (text.into_owned(), encoding.name())
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
            assert_eq!(decode(&bytes, Some(b"cn")), (text.to_owned(), encoding.name()));
        }
        let utf16: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&utf16, None), (text.to_owned(), "UTF-16LE"));
        assert_eq!(decode(b"\xef\xbb\xbfa\n", None), ("a\n".to_owned(), "UTF-8"));
    }
}

//! Which charset: byte order mark, Content-Type, `<meta>`, and at last a guess.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};

use super::{media::Media, prescan};

/// Bytes in which a `<meta>` may name the charset (HTML, "determining the character encoding").
const PRESCAN_BYTES: usize = 1024;

/// The guess wants so many bytes behind the first one that is not ASCII …
const GUESS_BYTES: usize = 1024;

/// … but waits no longer than this for them.
const WAIT_BYTES: usize = 16 << 10;

/// Decides on the charset from the beginning of a body; `None` if it takes more bytes. The answer
/// depends on `head` only as far as the bytes that were needed, not on how they came.
pub(super) fn charset(
    head: &[u8],
    ended: bool,
    media: Media,
    declared: Option<&'static Encoding>,
) -> Option<&'static Encoding> {
    if head.len() < 3 && !ended {
        return None;
    }
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Some(encoding);
    }
    if let Some(encoding) = declared {
        return Some(encoding);
    }
    if matches!(media, Media::Json | Media::EventStream) {
        return Some(UTF_8);
    }
    let window = &head[..head.len().min(PRESCAN_BYTES)];
    if window.len() < PRESCAN_BYTES && !ended {
        return None;
    }
    let named = match media {
        Media::Html | Media::Unknown => prescan::meta(window).or_else(|| prescan::xml(window)),
        Media::Xml => prescan::xml(window),
        _ => None,
    };
    if let Some(encoding) = named {
        return Some(match encoding {
            // A prescan that could be read as ASCII cannot have been UTF-16.
            _ if encoding == UTF_16LE || encoding == UTF_16BE => UTF_8,
            _ if encoding == X_USER_DEFINED => WINDOWS_1252,
            _ => encoding,
        });
    }
    if media == Media::Xml {
        return Some(UTF_8);
    }
    guess(head, ended)
}

fn guess(head: &[u8], ended: bool) -> Option<&'static Encoding> {
    let first = head.iter().position(|byte| !byte.is_ascii());
    let wanted = first.map_or(WAIT_BYTES, |first| (first + GUESS_BYTES).min(WAIT_BYTES));
    if head.len() < wanted && !ended {
        return None;
    }
    let head = &head[..head.len().min(wanted)];
    if let Some(encoding) = utf16_by_zeros(head) {
        return Some(encoding);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    // The window may end within a character: only the end of the body is an end.
    detector.feed(head, ended && head.len() < wanted);
    Some(detector.guess(Some(b"cn"), Utf8Detection::Allow))
}

/// chardetng never says UTF-16: text in it has a zero in every second byte wherever it is ASCII.
fn utf16_by_zeros(head: &[u8]) -> Option<&'static Encoding> {
    let zeros = |parity: usize| head.iter().skip(parity).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let many = head.len() / 8;
    match () {
        () if head.len() >= 4 && odd > many && even == 0 => Some(UTF_16LE),
        () if head.len() >= 4 && even > many && odd == 0 => Some(UTF_16BE),
        () => None,
    }
}

/// Whether a body without a useful Content-Type is not text: it has bytes in its first 512 that no
/// text has (MIME Sniffing, "binary data byte"), and no byte order mark.
pub(super) fn looks_binary(head: &[u8]) -> bool {
    let window = &head[..head.len().min(512)];
    Encoding::for_bom(window).is_none()
        && utf16_by_zeros(window).is_none()
        && window.iter().any(|byte| matches!(byte, 0x00..=0x08 | 0x0B | 0x0E..=0x1A | 0x1C..=0x1F))
}

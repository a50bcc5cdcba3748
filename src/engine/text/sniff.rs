//! Which charset: byte order mark, Content-Type, `<meta>`, and at last a guess.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};

use super::{media::Media, prescan};

/// Bytes in which a `<meta>` is looked for at first (HTML, "determining the character encoding").
const PRESCAN_BYTES: usize = 1024;

/// The guess wants so many bytes behind the first one that is not ASCII.
const GUESS_BYTES: usize = 1024;

/// A `<meta>` that comes later is found as well, up to here: browsers read the page again when they
/// meet it.
const LATE_META_BYTES: usize = 16 << 10;

/// Whether a body is binary is told by so many bytes (MIME Sniffing, "resource header").
pub(super) const BINARY_BYTES: usize = 512;

/// What the beginning of a body says about its charset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sniffed {
    /// Nothing yet, and everything is ASCII so far: read it, and ask again at the first byte that is not.
    Ascii,
    /// This is it.
    Charset(&'static Encoding),
    /// It takes more bytes.
    Wait,
}

/// Decides on the charset from the first bytes of a body that have not been decoded (`start` is their
/// offset). The answer depends on `head` only as far as the bytes that were needed, not on how they
/// came.
pub(super) fn charset(
    head: &[u8],
    start: u64,
    ended: bool,
    media: Media,
    declared: Option<&'static Encoding>,
) -> Sniffed {
    if start > 0 {
        return guess(head, ended);
    }
    if head.len() < 3 && !ended {
        return Sniffed::Wait;
    }
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Sniffed::Charset(encoding);
    }
    if let Some(encoding) = declared {
        return Sniffed::Charset(encoding);
    }
    if matches!(media, Media::Json | Media::EventStream) {
        return Sniffed::Charset(UTF_8);
    }
    if head.len() < PRESCAN_BYTES && !ended {
        return Sniffed::Wait;
    }
    if let Some(encoding) = named(&head[..head.len().min(PRESCAN_BYTES)], media) {
        return Sniffed::Charset(encoding);
    }
    if media == Media::Xml {
        return Sniffed::Charset(UTF_8);
    }
    let looked_at = &head[..head.len().min(LATE_META_BYTES)];
    let first = looked_at.iter().position(|byte| !byte.is_ascii());
    let late_meta = matches!(media, Media::Html | Media::Unknown);
    let wanted = match first {
        Some(first) if !late_meta => first + GUESS_BYTES,
        Some(first) => LATE_META_BYTES.max(first + GUESS_BYTES),
        None => LATE_META_BYTES,
    };
    if head.len() < wanted && !ended {
        return Sniffed::Wait;
    }
    match named(&looked_at[..looked_at.len().min(wanted)], media) {
        Some(encoding) => Sniffed::Charset(encoding),
        // The guess is about what follows the first 16 KiB, if those are ASCII.
        None if first.is_none() && !ended => Sniffed::Ascii,
        None => guess(head, ended),
    }
}

/// The charset that these bytes name.
pub(super) fn named(window: &[u8], media: Media) -> Option<&'static Encoding> {
    let named = match media {
        Media::Html | Media::Unknown => prescan::meta(window).or_else(|| prescan::xml(window)),
        Media::Xml => prescan::xml(window),
        Media::Css => prescan::css(window),
        _ => None,
    };
    named.map(|encoding| match encoding {
        // A prescan that could be read as ASCII cannot have been UTF-16.
        _ if encoding == UTF_16LE || encoding == UTF_16BE => UTF_8,
        _ if encoding == X_USER_DEFINED => WINDOWS_1252,
        _ => encoding,
    })
}

fn guess(head: &[u8], ended: bool) -> Sniffed {
    let first = head.iter().position(|byte| !byte.is_ascii()).unwrap_or(head.len());
    let wanted = first + GUESS_BYTES;
    if head.len() < wanted && !ended {
        return Sniffed::Wait;
    }
    let window = &head[..head.len().min(wanted)];
    if let Some(encoding) = utf16_by_zeros(window) {
        return Sniffed::Charset(encoding);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    // The window may end within a character: only the end of the body is an end.
    detector.feed(window, ended && head.len() < wanted);
    // No hint by the domain: it would take Big5 for GBK.
    Sniffed::Charset(detector.guess(None, Utf8Detection::Allow))
}

/// chardetng never says UTF-16: text in it has a zero in every second byte wherever it is ASCII.
fn utf16_by_zeros(head: &[u8]) -> Option<&'static Encoding> {
    let zeros = |parity: usize| head.iter().skip(parity).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let many = head.len() / 8;
    match () {
        () if head.len() >= 16 && odd > many && even == 0 => Some(UTF_16LE),
        () if head.len() >= 16 && even > many && odd == 0 => Some(UTF_16BE),
        () => None,
    }
}

/// Whether a body without a useful Content-Type is not text: it has bytes in its first 512 that no
/// text has (MIME Sniffing, "binary data byte"), and no byte order mark.
pub(super) fn looks_binary(head: &[u8]) -> bool {
    let window = &head[..head.len().min(BINARY_BYTES)];
    Encoding::for_bom(window).is_none()
        && utf16_by_zeros(window).is_none()
        && window.iter().any(|byte| matches!(byte, 0x00..=0x08 | 0x0B | 0x0E..=0x1A | 0x1C..=0x1F))
}

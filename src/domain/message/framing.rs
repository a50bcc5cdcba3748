//! Where the body ends: one reading, or none.

use super::{Fault, Framing, Version, fields::Fields};
use crate::domain::policy::Reason;

/// Reads Content-Length and Transfer-Encoding (RFC 9112 section 6.3), stricter than the RFC: what it
/// lets a server repair (equal lengths given twice, a length beside a coding) is refused, because who
/// sends it is either broken or smuggling.
pub(super) fn read(version: Version, fields: Fields<'_>) -> Result<Framing, Fault> {
    let ambiguous = |what| Err((Reason::AmbiguousFraming, what));
    let mut lengths = fields.values(b"content-length");
    let mut codings = fields.values(b"transfer-encoding");
    let (length, coding) = (lengths.next(), codings.next());
    if lengths.next().is_some() {
        return ambiguous("there is more than one Content-Length");
    }
    if codings.next().is_some() {
        return ambiguous("there is more than one Transfer-Encoding");
    }
    match (length, coding) {
        (Some(_), Some(_)) => ambiguous("Content-Length and Transfer-Encoding contradict each other"),
        (None, Some(_)) if version != Version::Http11 => ambiguous("only HTTP/1.1 has Transfer-Encoding"),
        (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
        (None, Some(_)) => ambiguous("the Transfer-Encoding is not exactly \"chunked\""),
        (Some(length), None) => match parse_length(length) {
            Some(length) => Ok(Framing::Length(length)),
            None => ambiguous("the Content-Length is not one decimal number"),
        },
        (None, None) => Ok(match version {
            Version::Http10 | Version::Http11 => Framing::None,
            Version::H2 => Framing::Chunked,
        }),
    }
}

fn parse_length(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

//! The request target: which host it names, and which path.

use super::Fault;
use crate::{base::HostName, domain::policy::Reason};

/// A request target, taken apart.
pub(super) struct Target {
    /// The authority of an absolute-form.
    pub(super) authority: Option<Authority>,
    /// What stays for the origin: origin-form or `*`.
    pub(super) path_and_query: String,
}

/// The host of an absolute-form.
pub(super) struct Authority {
    pub(super) host: HostName,
    /// The port that was written.
    pub(super) port: Option<u16>,
    /// The port of the scheme.
    pub(super) default_port: u16,
}

impl Authority {
    /// The port that is meant.
    pub(super) fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(self.default_port)
    }
}

/// Reads origin-form, absolute-form of http and https, and `*` for OPTIONS (RFC 9112 section 3.2).
pub(super) fn read(method: &[u8], target: &[u8]) -> Result<Target, Fault> {
    let malformed = |what| Err((Reason::MalformedRequest, what));
    // Without an early end, so that many bytes are looked at at once.
    if target.iter().fold(false, |bad, &byte| bad | (byte <= b' ') | (byte == 0x7f)) {
        return malformed("the request target has spaces or control characters");
    }
    if target.iter().fold(false, |bad, &byte| bad | (byte == b'#')) {
        return malformed("the request target has a fragment");
    }
    let is_options = method == b"OPTIONS";
    match target {
        [b'/', ..] => Ok(Target { authority: None, path_and_query: percent_encode(target) }),
        b"*" if is_options => Ok(Target { authority: None, path_and_query: "*".into() }),
        _ => {
            let (default_port, rest) = match (strip_scheme(target, b"http://"), strip_scheme(target, b"https://")) {
                (Some(rest), _) => (80, rest),
                (None, Some(rest)) => (443, rest),
                (None, None) => return malformed("the request target is neither a path nor an http URI"),
            };
            let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            let authority = std::str::from_utf8(authority)
                .map_err(|_| (Reason::BadHost, "the authority of the request target is not text"))?;
            let (host, port) = HostName::parse_authority(authority).map_err(|error| (Reason::BadHost, error.0))?;
            let path_and_query = match path {
                [b'/', ..] => percent_encode(path),
                // RFC 9112 section 3.2.4: OPTIONS without a path asks for the server as a whole.
                [] if is_options => "*".into(),
                _ => format!("/{}", percent_encode(path)),
            };
            Ok(Target { authority: Some(Authority { host, port, default_port }), path_and_query })
        }
    }
}

fn strip_scheme<'a>(target: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = target.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// Encodes what may not stand in a target: bytes beyond ASCII, and the few delimiters that browsers
/// never send raw. Links in GBK reach us as raw bytes from old clients; encoded they mean the same to
/// every origin, are valid in what we send, and are text in the log and the lock table. What clients do
/// send although RFC 3986 has no place for it (`|`, `[`, `{`) stays: origins sign targets as they are.
fn percent_encode(bytes: &[u8]) -> String {
    const HEX: [u8; 16] = *b"0123456789ABCDEF";
    let is_odd = |byte: u8| !byte.is_ascii() || matches!(byte, b'"' | b'<' | b'>' | b'`');
    let any_odd = bytes.iter().fold(false, |any, &byte| any | is_odd(byte));
    if let (false, Ok(text)) = (any_odd, std::str::from_utf8(bytes)) {
        return text.to_owned();
    }
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if is_odd(byte) {
            text.extend(['%', HEX[usize::from(byte >> 4)] as char, HEX[usize::from(byte & 15)] as char]);
        } else {
            text.push(byte as char);
        }
    }
    text
}

//! What concerns one hop only: Connection, Upgrade, keep-alive.

use super::{
    Fault, Framing, NameSet, Version,
    fields::{self, Fields},
};
use crate::domain::policy::Reason;

/// Fields for one hop only, in lower case. `Trailer` is not among them: it announces to the recipient
/// of the content.
const HOP_BY_HOP: [&[u8]; 9] = [
    b"connection",
    b"http2-settings",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"transfer-encoding",
    b"upgrade",
];

/// The same, roughly.
pub const HOP_BY_HOP_NAMES: NameSet = NameSet::of(&HOP_BY_HOP);

/// What the Connection field asks for.
pub(super) struct Options {
    pub(super) keep_alive: bool,
    pub(super) upgrade: Option<String>,
    /// Names to be removed, in lower case, beyond the hop-by-hop fields.
    pub(super) listed: Vec<String>,
}

/// Whether a field is for one hop only and never forwarded (RFC 9110 section 7.6.1, plus the
/// unofficial ones). `name` in lower case.
pub fn is_hop_by_hop(name: &[u8]) -> bool {
    HOP_BY_HOP.contains(&name)
}

/// Reads Connection and Upgrade (RFC 9110 sections 7.6.1 and 7.8, RFC 9112 section 9.3).
pub(super) fn read(version: Version, fields: Fields<'_>, framing: Framing) -> Result<Options, Fault> {
    let (mut close, mut keep_alive, mut upgrade) = (false, false, false);
    let mut listed = Vec::new();
    for option in fields.members(b"connection") {
        if !fields::is_token(option) {
            return Err((Reason::MalformedRequest, "a Connection option is not a token"));
        }
        if version == Version::H2 {
            return Err((Reason::MalformedRequest, "HTTP/2 has no Connection field"));
        }
        let is = |name: &[u8]| option.eq_ignore_ascii_case(name);
        if is(b"close") {
            close = true;
        } else if is(b"keep-alive") {
            keep_alive = true;
        } else if is(b"upgrade") {
            upgrade = true;
        } else if fields::is_sensitive(option) && !HOP_BY_HOP.iter().any(|name| is(name)) {
            // A client that has these removed wants the origin to believe something else.
            return Err((Reason::MalformedRequest, "Connection lists a field that is not for one hop"));
        } else if !HOP_BY_HOP.iter().any(|name| is(name)) {
            listed.extend(std::str::from_utf8(option).map(str::to_ascii_lowercase));
        }
    }
    Ok(Options {
        keep_alive: match version {
            Version::Http10 => keep_alive && !close,
            Version::Http11 => !close,
            Version::H2 => true,
        },
        upgrade: if upgrade { read_upgrade(version, fields, framing) } else { None },
        listed,
    })
}

/// The one Upgrade value, if a tunnel may come of it.
fn read_upgrade(version: Version, fields: Fields<'_>, framing: Framing) -> Option<String> {
    if version != Version::Http11 || super::has_body(framing) {
        return None;
    }
    let mut values = fields.values(b"upgrade");
    let (value, more) = (values.next()?, values.next());
    if more.is_some() || value.is_empty() || fields.members(b"upgrade").any(carries_requests) {
        return None;
    }
    std::str::from_utf8(value).ok().filter(|value| value.is_ascii()).map(str::to_owned)
}

/// Whether a protocol is one whose requests we would have to read: in a tunnel they would reach an
/// origin past the gate.
fn carries_requests(protocol: &[u8]) -> bool {
    let name = protocol.split(|&byte| byte == b'/').next().unwrap_or(protocol).trim_ascii();
    [b"h2".as_slice(), b"h2c", b"h3", b"http", b"https", b"tls"].iter().any(|other| name.eq_ignore_ascii_case(other))
}

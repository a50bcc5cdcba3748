//! Field lines: valid, unaliased, found by name in any case.

use super::{Fault, NameSet};
use crate::domain::policy::Reason;

/// Fields that decide about framing, routing or whom the origin believes; in lower case.
const SENSITIVE: [&[u8]; 7] =
    [b"host", b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"forwarded", b"x-real-ip"];
/// All fields that begin so are [`SENSITIVE`] too.
const SENSITIVE_PREFIX: &[u8] = b"x-forwarded-";

/// By byte: whether it may stand in a token.
const IS_OF_TOKEN: [bool; 256] = {
    let (mut table, others) = ([false; 256], b"!#$%&'*+-.^_`|~");
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};

/// Field lines whose names and values have been checked.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    lines: &'a [(&'a [u8], &'a [u8])],
    names: NameSet,
}

/// Checks names and values of all field lines (RFC 9110 section 5).
pub(super) fn check<'a>(lines: &'a [(&'a [u8], &'a [u8])]) -> Result<Fields<'a>, Fault> {
    let mut names = NameSet::default();
    for (name, value) in lines {
        names.insert(name);
        if !is_token(name) {
            return Err((Reason::MalformedRequest, "a field name is not a token"));
        }
        if is_alias(name) {
            return Err((Reason::MalformedRequest, "a field name imitates another one with underscores or dots"));
        }
        // Without an early end, so that many bytes are looked at at once.
        if value.iter().fold(false, |bad, &byte| bad | ((byte < b' ') & (byte != b'\t')) | (byte == 0x7f)) {
            return Err((Reason::MalformedRequest, "a field value has control characters"));
        }
    }
    Ok(Fields { lines, names })
}

impl<'a> Fields<'a> {
    /// The values of all field lines of a name (given in lower case), without white space around them.
    pub(super) fn values(self, name: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
        let lines = if self.names.may_have(name) { self.lines } else { &[] };
        lines.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim_ascii())
    }

    /// The members of a list of all field lines of a name, without white space and empty members (RFC 9110
    /// section 5.6.1). Not for fields whose members are quoted.
    pub(super) fn members(self, name: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.values(name)
            .flat_map(|value| value.split(|&byte| byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|member| !member.is_empty())
    }
}

/// RFC 9110 section 5.6.2.
pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().fold(true, |good, &byte| good & IS_OF_TOKEN[usize::from(byte)])
}

/// Whether an end-to-end field is one of those that a client must not have removed on the way or slip
/// in by another name. `name` in any case.
pub(super) fn is_sensitive(name: &[u8]) -> bool {
    is_like(name, u8::eq_ignore_ascii_case)
}

/// The same, and whatever imitates one of them with underscores or dots.
pub fn is_sensitive_or_alike(name: &[u8]) -> bool {
    is_sensitive(name) || is_alias(name)
}

/// CGI and what descends from it turn `-`, `_` and `.` into one character: to such an origin
/// `Content_Length` is Content-Length, and here it would be a field like any other.
fn is_alias(name: &[u8]) -> bool {
    name.iter().fold(false, |any, &byte| any | (byte == b'_') | (byte == b'.'))
        && is_like(name, |&byte, &model| match byte {
            b'_' | b'.' => model == b'-',
            _ => byte.eq_ignore_ascii_case(&model),
        })
}

fn is_like(name: &[u8], same: impl Fn(&u8, &u8) -> bool) -> bool {
    let begins = |model: &[u8]| name.len() >= model.len() && name.iter().zip(model).all(|(a, b)| same(a, b));
    SENSITIVE.iter().any(|model| name.len() == model.len() && begins(model)) || begins(SENSITIVE_PREFIX)
}

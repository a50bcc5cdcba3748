//! The response's head towards the client, built afresh, and how bodies are delimited on the way.

use super::{
    head_writer::{HeadWriter, Received},
    http1::{Framing, ResponseHead, http_date},
    request::{VIA, lower},
};
use crate::{
    base::Clock,
    domain::{
        message::{HOP_BY_HOP_NAMES, NameSet, Version, is_hop_by_hop},
        policy::Reason,
    },
    engine::body_filter::Output,
};

/// The fields that may not go out as they came, roughly: most are not among them, and are told so at a glance.
const NOT_AS_IT_IS: NameSet =
    HOP_BY_HOP_NAMES.or(NameSet::of(&[b"content-length", b"sec-websocket-accept", b"transfer-encoding"]));

/// The same where the body goes out decoded.
const NOT_AS_IT_IS_DECODED: NameSet = NOT_AS_IT_IS.or(NameSet::of(&[
    b"accept-ranges",
    b"content-digest",
    b"content-encoding",
    b"content-md5",
    b"digest",
    b"etag",
]));

/// So many digits are a number of 64 bits, whichever they are.
const DIGITS_SURE: usize = 19;

/// How a response body is delimited towards the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutFraming {
    /// In chunks: HTTP/1.1, length unknown.
    Chunked,
    /// Until the connection closes: HTTP/1.0, length unknown.
    Close,
    /// In frames: HTTP/2, length unknown.
    Frames,
    /// Exactly so many bytes.
    Length(u64),
    /// No body, whatever the head says: HEAD, 204, 304.
    None,
}

/// What is known beside the origin's head.
pub(super) struct Context<'a> {
    /// What the engine does to the body.
    pub(super) output: Output,
    /// How the body is delimited.
    pub(super) framing: OutFraming,
    /// What the client speaks.
    pub(super) version: Version,
    /// The connection ends with this response.
    pub(super) close: bool,
    /// Asked only where an origin did not say when it answered.
    pub(super) clock: &'a dyn Clock,
}

/// How the body of an origin's response is delimited (RFC 9112 section 6.3). Transfer-Encoding wins
/// over Content-Length; whatever can be read in two ways is `origin_protocol`.
pub(super) fn framing(reply: &ResponseHead, is_head: bool) -> Result<Framing, (Reason, &'static str)> {
    let fault = |what| Err((Reason::OriginProtocol, what));
    if is_head || reply.status < 200 || matches!(reply.status, 204 | 304) {
        return Ok(Framing::None);
    }
    if reply.fields.all("transfer-encoding").next().is_some() {
        let mut codings = reply.fields.list("transfer-encoding");
        let is_chunked = codings.next().is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
        if !is_chunked || codings.next().is_some() {
            return fault("the origin used a Transfer-Encoding other than chunked");
        }
        return Ok(Framing::Chunked);
    }
    match content_length(reply) {
        Ok(Some(length)) => Ok(Framing::Length(length)),
        Ok(None) => Ok(Framing::UntilClose),
        Err(()) => fault("the origin's Content-Length is not one number"),
    }
}

/// Whether the origin keeps the connection for another request.
pub(super) fn origin_keeps(reply: &ResponseHead) -> bool {
    let both = reply.fields.all("transfer-encoding").next().is_some()
        && (reply.fields.all("content-length").next().is_some() || reply.version == Version::Http10);
    let alone = connection_option(reply);
    let says = |option: &[u8]| match alone {
        Some(alone) => alone.eq_ignore_ascii_case(option),
        None => reply.fields.list("connection").any(|said| said.eq_ignore_ascii_case(option)),
    };
    !both && !says(b"close") && (reply.version != Version::Http10 || says(b"keep-alive"))
}

/// What Connection says, where that is one of the two words that it says most often, and nothing else.
fn connection_option(reply: &ResponseHead) -> Option<&[u8]> {
    let mut values = reply.fields.all("connection");
    let (value, more) = (values.next()?, values.next());
    let is_usual = value.eq_ignore_ascii_case(b"keep-alive") || value.eq_ignore_ascii_case(b"close");
    (is_usual && more.is_none()).then_some(value)
}

/// Writes the head of a final response.
pub(super) fn put_head(out: &mut HeadWriter, reply: &ResponseHead, context: &Context<'_>) {
    put_status_and_fields(out, reply, context.output);
    if reply.fields.all("date").next().is_none() {
        out.line(b"Date", http_date(context.clock.now()).as_bytes());
    }
    let via = match reply.version {
        Version::Http10 => &b"1.0 zhamen"[..],
        Version::Http11 => VIA,
        Version::H2 => b"2.0 zhamen",
    };
    out.line(b"Via", via);
    match context.framing {
        OutFraming::Chunked => out.line(b"Transfer-Encoding", b"chunked"),
        OutFraming::Length(length) => out.length(length),
        OutFraming::Close | OutFraming::Frames => {}
        // The length of the body that GET would have had.
        OutFraming::None => match content_length(reply) {
            Ok(Some(length)) if reply.status != 204 => out.length(length),
            Ok(Some(_) | None) | Err(()) => {}
        },
    }
    put_connection(out, context.version, context.close);
    out.end();
}

/// Writes the head of an interim response (1xx), or of a switch of protocols.
pub(super) fn put_interim(out: &mut HeadWriter, reply: &ResponseHead) {
    put_status_and_fields(out, reply, Output::Original);
    if reply.status == 101 {
        out.line(b"Connection", b"upgrade");
        let protocols = reply.fields.all("upgrade").collect::<Vec<_>>().join(&b", "[..]);
        out.line(b"Upgrade", &protocols);
    }
    out.end();
}

/// Writes what a 101 of an origin is to a stream of HTTP/2 (RFC 8441 section 5).
pub(super) fn put_tunnel(out: &mut HeadWriter, reply: &ResponseHead) {
    out.status(200, b"");
    put_fields(out, reply, Output::Original);
    out.end();
}

/// Writes `Connection` where the version's default is not what happens.
pub(super) fn put_connection(out: &mut HeadWriter, version: Version, close: bool) {
    match (version, close) {
        (Version::Http11, true) => out.line(b"Connection", b"close"),
        (Version::Http10, false) => out.line(b"Connection", b"keep-alive"),
        (Version::Http11, false) | (Version::Http10, true) | (Version::H2, _) => {}
    }
}

/// The one number that Content-Length says; identical repetitions count as one.
fn content_length(reply: &ResponseHead) -> Result<Option<u64>, ()> {
    let mut values = reply.fields.all("content-length");
    if let (Some(digits @ [b'0'..=b'9', ..]), None) = (values.next(), values.next())
        && digits.len() <= DIGITS_SURE
        && digits.iter().all(u8::is_ascii_digit)
    {
        return Ok(Some(digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))));
    }
    let mut length = None;
    for value in reply.fields.all("content-length").flat_map(|value| value.split(|&byte| byte == b',')) {
        let digits = value.trim_ascii();
        let number = digits.iter().try_fold(0_u64, |number, &digit| match digit {
            b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
            _ => None,
        });
        let number = number.filter(|_| !digits.is_empty()).ok_or(())?;
        if length.replace(number).is_some_and(|before| before != number) {
            return Err(());
        }
    }
    Ok(length)
}

/// The status line and every end-to-end field but the length, and but those that no longer hold of
/// a body that goes out decoded.
fn put_status_and_fields(out: &mut HeadWriter, reply: &ResponseHead, output: Output) {
    out.status(reply.status, reply.phrase());
    put_fields(out, reply, output);
}

fn put_fields(out: &mut HeadWriter, reply: &ResponseHead, output: Output) {
    let listed: Vec<&[u8]> = match connection_option(reply) {
        Some(_) => Vec::new(),
        None => reply
            .fields
            .list("connection")
            .filter(|name| !is_hop_by_hop(name) && !name.eq_ignore_ascii_case(b"close"))
            .collect(),
    };
    let is_tunnel = reply.status == 101 && out.is_http2();
    let not_as_it_is = match output {
        Output::Original => NOT_AS_IT_IS,
        Output::Decoded => NOT_AS_IT_IS_DECODED,
    };
    let mut received = Received::of(&reply.fields);
    for line in reply.fields.iter_whole() {
        let (name, value) = (line.name, line.value);
        if listed.is_empty() && !not_as_it_is.may_have(name) {
            received.pass(out, line);
            continue;
        }
        received.write(out);
        let mut room = [0; 64];
        let lower = lower(name, &mut room);
        let is_listed = || listed.iter().any(|listed| listed.eq_ignore_ascii_case(lower));
        let is_framing = matches!(lower, b"transfer-encoding" | b"content-length");
        if is_framing || is_hop_by_hop(lower) || is_listed() || (is_tunnel && lower == b"sec-websocket-accept") {
            continue;
        }
        match (output, lower) {
            (
                Output::Decoded,
                b"content-encoding" | b"content-md5" | b"digest" | b"content-digest" | b"accept-ranges",
            ) => {}
            (Output::Decoded, b"etag") if !value.starts_with(b"W/") => out.line(name, &[b"W/", value].concat()),
            (Output::Decoded | Output::Original, _) => out.line(name, value),
        }
    }
    received.write(out);
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Framing, ResponseHead, framing, origin_keeps};
    use crate::data_plane::http1::HeadLimits;

    fn reply(fields: &str) -> ResponseHead {
        let head = Bytes::from(format!("HTTP/1.1 200 OK\r\n{fields}\r\n"));
        ResponseHead::parse(head, HeadLimits { bytes: 4096, fields: 16 }).unwrap()
    }

    #[test]
    fn transfer_encoding_wins_and_ends_the_connection() {
        let both = reply("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n");
        assert_eq!(framing(&both, false), Ok(Framing::Chunked));
        assert!(!origin_keeps(&both));
        assert!(origin_keeps(&reply("Transfer-Encoding: chunked\r\n")));
    }

    #[test]
    fn one_length_or_none() {
        assert_eq!(framing(&reply("Content-Length: 5, 5\r\nContent-Length: 5\r\n"), false), Ok(Framing::Length(5)));
        assert_eq!(framing(&reply(""), false), Ok(Framing::UntilClose));
        assert_eq!(framing(&reply("Content-Length: x\r\n"), true), Ok(Framing::None), "HEAD has no body");
        for bad in ["5, 6", "+5", "-1", "", "5 6", "0x5", "99999999999999999999999"] {
            assert!(framing(&reply(&format!("Content-Length: {bad}\r\n")), false).is_err(), "{bad}");
        }
        for bad in ["gzip, chunked", "chunked, chunked", "identity", "xchunked", ""] {
            assert!(framing(&reply(&format!("Transfer-Encoding: {bad}\r\n")), false).is_err(), "{bad}");
        }
    }
}

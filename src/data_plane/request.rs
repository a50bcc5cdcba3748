//! The request's head towards the origin, built afresh.

use std::net::IpAddr;

use super::{
    forwarding,
    head_writer::{Gathered, HeadWriter, Received},
    http1::{Fields, RequestHead},
    websocket::{self, Handshake},
};
use crate::domain::message::{Facts, Framing, HOP_BY_HOP_NAMES, NameSet, is_hop_by_hop, is_sensitive_or_alike};

/// What `Via` says of a message that came by HTTP/1.1.
pub(super) const VIA: &[u8] = b"1.1 zhamen";

/// Longest field name that is looked at; the known ones are shorter.
const NAME_BYTES_MAX: usize = 64;

/// Extensions of paths whose answers are text more often than not. A range of text cannot be
/// read as what the browser will show, so that `Range` is not forwarded for them.
const TEXT_EXTENSIONS: [&str; 27] = [
    "asp", "aspx", "cgi", "css", "csv", "do", "htm", "html", "js", "json", "jsp", "jsx", "log", "md", "mjs", "php",
    "php3", "php5", "phtml", "rss", "shtml", "svg", "txt", "vtt", "xhtml", "xml", "xsl",
];

/// The fields that may not go on as they came, roughly, but for those that begin with `X-Forwarded-`.
const NOT_AS_IT_IS: NameSet = HOP_BY_HOP_NAMES.or(NameSet::of(&[
    b"accept-encoding",
    b"content-length",
    b"expect",
    b"forwarded",
    b"host",
    b"if-match",
    b"if-modified-since",
    b"if-none-match",
    b"if-range",
    b"if-unmodified-since",
    b"range",
    b"sec-websocket-key",
    b"te",
    b"x-real-ip",
]));

/// What is known beside the head itself.
pub(super) struct Context<'a> {
    /// What the head claims.
    pub(super) facts: &'a Facts,
    /// The client's address, as it is known to us.
    pub(super) client: IpAddr,
    /// Who sent the request to us: the client, or a proxy.
    pub(super) peer: IpAddr,
    /// The peer is a proxy that is trusted.
    pub(super) is_trusted: bool,
    /// Whether the client came over TLS.
    pub(super) tls: bool,
    /// The answer has to be whole: no ranges, no conditions.
    pub(super) whole: bool,
    /// Bodies are scanned: no ranges of text.
    pub(super) scanned: bool,
    /// A stream of HTTP/2 is to become a WebSocket.
    pub(super) websocket: Option<&'a Handshake>,
}

/// The head as text, with room for more, and for HTTP/2 where that is wanted.
pub(super) fn heads(head: &RequestHead, context: &Context<'_>, has_http2: bool) -> (Vec<u8>, Option<Box<Gathered>>) {
    let mut text = HeadWriter::http1();
    text.make_room(head.fields.bytes());
    put_head(&mut text, head, context);
    let fields = has_http2.then(|| {
        let mut fields = HeadWriter::http2();
        put_head(&mut fields, head, context);
        fields
    });
    match (text, fields) {
        (HeadWriter::Http1(text), Some(HeadWriter::Http2(fields))) => (text, Some(fields)),
        (HeadWriter::Http1(text), Some(HeadWriter::Http1(_)) | None) => (text, None),
        (HeadWriter::Http2(fields), _) => (Vec::new(), Some(fields)),
    }
}

/// Writes the head.
///
/// No `Via`: RFC 9110 section 7.6.3 asks a gateway for it, and a stock nginx stops compressing for
/// whoever sends it (`gzip_proxied off`). The hosted sites' visitors would pay for that.
fn put_head(out: &mut HeadWriter, head: &RequestHead, context: &Context<'_>) {
    let facts = context.facts;
    match context.websocket {
        Some(Handshake::Stream { .. }) if out.is_http2() => {
            out.connect(websocket::PROTOCOL, &facts.target, &facts.authority);
        }
        Some(_) => out.request(b"GET", &facts.target, &facts.authority),
        None => out.request(head.method(), &facts.target, &facts.authority),
    }
    let mut received = Received::of(&head.fields);
    for line in head.fields.iter_whole() {
        let (name, value) = (line.name, line.value);
        let begins_like_forwarded = matches!(name, [b'x' | b'X', b'-', b'f' | b'F', ..]);
        if facts.connection_listed.is_empty() && !begins_like_forwarded && !NOT_AS_IT_IS.may_have(name) {
            received.pass(out, line);
            continue;
        }
        received.write(out);
        let mut room = [0; NAME_BYTES_MAX];
        let lower = lower(name, &mut room);
        match lower {
            b"sec-websocket-key" if context.websocket.is_some() => {}
            b"host" | b"content-length" | b"te" | b"accept-encoding" | b"expect" => {}
            b"forwarded" | b"x-real-ip" | b"x-forwarded-for" | b"x-forwarded-proto" | b"x-forwarded-host" => {}
            b"range" | b"if-range" if !range_passes(head, context) => {}
            b"if-none-match" | b"if-modified-since" | b"if-match" | b"if-unmodified-since" if context.whole => {}
            _ if lower.starts_with(b"x-forwarded-") && !context.is_trusted => {}
            _ if is_hop_by_hop(lower) || facts.connection_listed.iter().any(|listed| listed.as_bytes() == lower) => {}
            _ => out.line(name, value),
        }
    }
    received.write(out);
    put_accept_encoding(out, &head.fields);
    forwarding::put(out, &head.fields, context);
    match (&facts.upgrade, head.fields.lists("te", "trailers")) {
        // HTTP/2 upgrades nothing, and each of its hops is told of trailers by itself.
        (Some(_), _) | (None, false) if out.is_http2() => {}
        (None, true) if out.is_http2() => out.line(b"TE", b"trailers"),
        (Some(protocol), _) => {
            out.line(b"Connection", b"upgrade");
            out.line(b"Upgrade", protocol.as_bytes());
            if let Some(key) = context.websocket.and_then(Handshake::key) {
                out.line(b"Sec-WebSocket-Key", key.as_bytes());
            }
        }
        // What the origin leaves unread of the body may not become a request.
        (None, _) if facts.stray_body => out.line(b"Connection", b"close"),
        (None, true) => {
            out.line(b"TE", b"trailers");
            out.line(b"Connection", b"TE, keep-alive");
        }
        (None, false) => out.line(b"Connection", b"keep-alive"),
    }
    match facts.framing {
        Framing::None if matches!(head.method(), b"POST" | b"PUT" | b"PATCH") => out.length(0),
        Framing::None => {}
        Framing::Length(length) => out.length(length),
        Framing::Chunked if out.is_http2() => {}
        Framing::Chunked => out.line(b"Transfer-Encoding", b"chunked"),
    }
    if facts.expects_continue && facts.framing != Framing::None {
        out.line(b"Expect", b"100-continue");
    }
    out.end();
}

/// The trailers that may follow a body: none that frames, routes, authorises or says who asks, because there is
/// software that takes trailers for fields of the head.
pub(super) fn passing_trailers(trailers: &Fields) -> impl Iterator<Item = (&[u8], &[u8])> {
    trailers.iter().filter(|(name, _)| {
        let mut room = [0; NAME_BYTES_MAX];
        let lower = lower(name, &mut room);
        let frames_or_routes = matches!(
            lower,
            b"content-encoding"
                | b"content-type"
                | b"content-range"
                | b"expect"
                | b"authorization"
                | b"set-cookie"
                | b"cookie"
                | b"cache-control"
                | b"trailer"
        );
        !frames_or_routes && !is_hop_by_hop(lower) && !is_sensitive_or_alike(name)
    })
}

/// Appends a field line.
pub(super) fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// A number in decimal digits.
pub(super) fn decimal(number: u64, room: &mut [u8; 20]) -> &[u8] {
    let (mut at, mut left) = (room.len(), number);
    loop {
        at -= 1;
        room[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            return &room[at..];
        }
    }
}

/// A name in lower case; one that is longer than every name that means something here, as it is.
pub(super) fn lower<'a>(name: &'a [u8], room: &'a mut [u8; NAME_BYTES_MAX]) -> &'a [u8] {
    match room.get_mut(..name.len()) {
        Some(room) => {
            room.copy_from_slice(name);
            room.make_ascii_lowercase();
            room
        }
        None => name,
    }
}

/// Only codings that can be undone are asked for.
fn put_accept_encoding(out: &mut HeadWriter, fields: &Fields) {
    if fields.all("accept-encoding").next().is_none() {
        return;
    }
    out.begin_line(b"Accept-Encoding");
    let mut is_first = true;
    for member in fields.list("accept-encoding") {
        let coding = member.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        if ["gzip", "deflate", "br", "zstd", "identity"]
            .iter()
            .any(|known| coding.eq_ignore_ascii_case(known.as_bytes()))
        {
            if !is_first {
                out.piece(b", ");
            }
            out.piece(member);
            is_first = false;
        }
    }
    if is_first {
        out.piece(b"identity");
    }
    out.end_line();
}

/// One range at a time, and none of what looks like text by its path: several ranges come back as
/// a media type that is not read.
fn range_passes(head: &RequestHead, context: &Context<'_>) -> bool {
    let several = head.fields.all("range").any(|value| value.contains(&b','));
    if context.whole || (context.scanned && several) {
        return false;
    }
    !context.scanned || !looks_like_text(&context.facts.target)
}

fn looks_like_text(target: &str) -> bool {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    // A path parameter behind the extension does not hide it.
    let name = name.split(';').next().unwrap_or_default();
    match name.rsplit_once('.') {
        None => true,
        Some((_, extension)) => {
            extension.contains('%') || TEXT_EXTENSIONS.iter().any(|text| extension.eq_ignore_ascii_case(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Context, HeadWriter, looks_like_text, put_head};
    use crate::{
        data_plane::http1::{HeadLimits, RequestHead},
        domain::message::{ConnectionFacts, RawHead, normalise},
    };

    fn towards_origin(head: &str, whole: bool) -> String {
        from_peer(head, whole, false)
    }

    fn from_peer(head: &str, whole: bool, is_trusted: bool) -> String {
        let head = Bytes::from(head.replace('\n', "\r\n"));
        let head = RequestHead::parse(head, HeadLimits { bytes: 4096, fields: 32 }).unwrap();
        let headers: Vec<_> = head.fields.iter().collect();
        let raw = RawHead { method: head.method(), target: head.target(), version: head.version, headers: &headers };
        let facts = normalise(raw, ConnectionFacts::default()).unwrap();
        let (client, peer) = ("192.0.2.1".parse().unwrap(), if is_trusted { "10.0.0.1" } else { "192.0.2.1" });
        let peer = peer.parse().unwrap();
        let mut out = HeadWriter::http1();
        put_head(
            &mut out,
            &head,
            &Context { facts: &facts, client, peer, is_trusted, tls: false, whole, scanned: true, websocket: None },
        );
        let HeadWriter::Http1(out) = out else { unreachable!("it was one for HTTP/1.1") };
        String::from_utf8(out).unwrap().replace("\r\n", "\n")
    }

    #[test]
    fn the_head_is_built_afresh() {
        let out = towards_origin(
            "GET http://A.cn:80/x HTTP/1.1\nHost: a.cn:80\nX-Forwarded-For: 10.0.0.1\nX-Real-IP: 10.0.0.1\n\
             Forwarded: for=10.0.0.1\nConnection: X-Hop, keep-alive\nX-Hop: 1\nKeep-Alive: 5\nProxy-Connection: x\n\
             Cookie: a=b\nTE: trailers, deflate\nAccept-Encoding: sdch, GZIP;q=0.5, *\nRange: bytes=0-5\n\n",
            false,
        );
        assert_eq!(
            out,
            "GET /x HTTP/1.1\nHost: a.cn:80\nCookie: a=b\nAccept-Encoding: GZIP;q=0.5\nX-Forwarded-For: 192.0.2.1\n\
             X-Forwarded-Proto: http\nX-Forwarded-Host: a.cn:80\nX-Real-IP: 192.0.2.1\n\
             Forwarded: for=192.0.2.1;host=\"a.cn:80\";proto=http\nTE: trailers\n\
             Connection: TE, keep-alive\n\n"
        );
    }

    #[test]
    fn what_a_trusted_proxy_says_is_kept_and_added_to() {
        let out = from_peer(
            "GET /x HTTP/1.1\nHost: a.cn\nX-Forwarded-For: 203.0.113.9, 192.0.2.1\nX-Forwarded-Proto: HTTPS\n\
             X-Forwarded-Host: www.a.cn\nX-Forwarded-Port: 443\nForwarded: for=192.0.2.1;proto=https\n\
             X-Real-IP: 10.9.9.9\n\n",
            false,
            true,
        );
        assert_eq!(
            out,
            "GET /x HTTP/1.1\nHost: a.cn\nX-Forwarded-Port: 443\nX-Forwarded-For: 203.0.113.9, 192.0.2.1, 10.0.0.1\n\
             X-Forwarded-Proto: HTTPS\nX-Forwarded-Host: www.a.cn\nX-Real-IP: 192.0.2.1\n\
             Forwarded: for=192.0.2.1;proto=https, for=10.0.0.1;host=\"a.cn\";proto=http\nConnection: keep-alive\n\n"
        );
    }

    #[test]
    fn ranges_pass_one_by_one_and_not_of_text() {
        let passes = |target: &str, range: &str, whole| {
            let head = format!("GET {target} HTTP/1.1\nHost: a.cn\nRange: {range}\nIf-None-Match: x\n\n");
            towards_origin(&head, whole).contains("Range:")
        };
        assert!(passes("/a.mp4", "bytes=0-5", false));
        assert!(!passes("/a.mp4", "bytes=0-5,7-9", false), "several come back as a type that is not read");
        assert!(!passes("/a.html", "bytes=0-5", false));
        assert!(!passes("/a.mp4", "bytes=0-5", true), "a locked page is read whole");
    }

    #[test]
    fn a_body_is_framed_once() {
        let out = towards_origin("POST /x HTTP/1.1\nHost: a.cn\nContent-Length: 5\nExpect: 100-continue\n\n", false);
        assert!(out.ends_with("Content-Length: 5\nExpect: 100-continue\n\n"));
        assert!(towards_origin("POST /x HTTP/1.1\nHost: a.cn\n\n", false).ends_with("Content-Length: 0\n\n"));
    }

    #[test]
    fn text_is_known_by_its_path() {
        for text in ["/", "/a", "/a/b.html?x=1.mp4", "/A.PHP", "/a.php;jsessionid=1", "/v1.2/list", "/a.%70hp"] {
            assert!(looks_like_text(text), "{text}");
        }
        for other in ["/a.mp4", "/b/c.zip?x=.html", "/a.b/c.PNG"] {
            assert!(!looks_like_text(other), "{other}");
        }
    }
}

//! What a request claims: Host, SNI, URI, framing. Strict before routing.
//!
//! A proxy and its origin that read one head in two ways are the door for request smuggling and for
//! ways around the gate. So a head that can be read in two ways is not repaired but refused, and what
//! goes on to the origin is built afresh from [`Facts`].

mod accept;
mod connection;
mod fields;
mod framing;
mod name_set;
mod target;

use self::fields::Fields;
use crate::{base::HostName, domain::policy::Reason};

pub use connection::{HOP_BY_HOP_NAMES, is_hop_by_hop};
pub use fields::is_sensitive_or_alike;
pub use name_set::NameSet;

/// The protocol a head was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2; `:authority` stands in [`RawHead::target`] as in absolute-form.
    H2,
}

/// A request head as received: nothing merged, nothing dropped.
#[derive(Clone, Copy, Debug)]
pub struct RawHead<'a> {
    /// Method, as received.
    pub method: &'a [u8],
    /// Request target, as received: origin-form, absolute-form, `*`; authority-form for CONNECT.
    pub target: &'a [u8],
    /// Protocol version.
    pub version: Version,
    /// Field lines in order, names as received.
    pub headers: &'a [(&'a [u8], &'a [u8])],
}

/// What the connection itself says.
#[derive(Clone, Copy, Default)]
pub struct ConnectionFacts<'a> {
    /// Whether the connection is TLS.
    pub tls: bool,
    /// Whether the certificate that the handshake chose covers a host; `None` where there is none.
    /// The certificate decides, not the server name: a client may well use one connection for all the
    /// hosts of one certificate (RFC 9110 section 7.4).
    pub certificate_covers: Option<&'a dyn Fn(&HostName) -> bool>,
    /// What an HTTP/2 stream says.
    pub stream: StreamFacts<'a>,
}

/// What an HTTP/2 stream says beside the head. Of HTTP/1.1: the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct StreamFacts<'a> {
    /// The stream ended with the head: there is no body.
    pub ends: bool,
    /// `:protocol` of an extended CONNECT (RFC 8441).
    pub protocol: Option<&'a [u8]>,
}

/// How the request's body is delimited (RFC 9112 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// No body.
    None,
    /// Exactly so many bytes.
    Length(u64),
    /// Chunked, with possible trailers. In HTTP/2: up to END_STREAM, which may come with the head.
    Chunked,
}

/// What a request claims, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The host asked for.
    pub host: HostName,
    /// What is sent to the origin as Host: the host in canonical form, with the port that was received.
    pub authority: String,
    /// Path and query; begins with `/` (or is `*` for OPTIONS). Bytes that may not stand in a target
    /// (GBK in old links, `<`, `"`) are percent-encoded; nothing else is changed.
    pub target: String,
    /// How the body is delimited.
    pub framing: Framing,
    /// The client waits for 100 (Continue) before it sends the body.
    pub expects_continue: bool,
    /// The client wishes to keep the connection.
    pub keep_alive: bool,
    /// `Upgrade` value, if `Connection` names it, the version is 1.1 and there is no body. An upgrade to
    /// another HTTP or to TLS is ignored, as RFC 9110 section 7.8 allows: its requests would pass unseen.
    /// In HTTP/2: `websocket`, of an extended CONNECT.
    pub upgrade: Option<String>,
    /// The method changes state: anything but GET, HEAD, OPTIONS, TRACE, PROPFIND, REPORT, SEARCH, QUERY.
    pub state_changing: bool,
    /// There is a body although the method is one of those that give it no meaning (RFC 9110 section 9.3). Many a
    /// server leaves it unread, and takes it for the next request.
    pub stray_body: bool,
    /// The client prefers JSON to HTML.
    pub wants_json: bool,
    /// Lower-case names that `Connection` lists, beyond the fixed hop-by-hop fields.
    pub connection_listed: Vec<String>,
}

/// The one protocol that an extended CONNECT may ask for.
const WEBSOCKET: &str = "websocket";

/// Why a head is refused: the reason, and what was wrong, for the log and the refusal page.
type Fault = (Reason, &'static str);

/// Checks a head. The [`Reason`] is one of `malformed_request`, `ambiguous_framing`, `bad_host`,
/// `misdirected`; the text says what was wrong, for the log and the refusal page.
pub fn normalise(head: RawHead<'_>, connection: ConnectionFacts<'_>) -> Result<Facts, (Reason, &'static str)> {
    let is_tunnel = check_method(head.method, connection.stream.protocol)?;
    let fields = fields::check(head.headers)?;
    let target = target::read(head.method, head.target)?;
    let (host, port) = read_host(head.version, fields, target.authority)?;
    if connection.tls
        && let Some(covers) = connection.certificate_covers
        && !covers(&host)
    {
        return Err((Reason::Misdirected, "the certificate of this connection does not cover the Host"));
    }
    let framing = match framing::read(head.version, fields)? {
        _ if connection.stream.ends || is_tunnel => Framing::None,
        framing => framing,
    };
    let options = connection::read(head.version, fields, framing)?;
    Ok(Facts {
        authority: authority_of(&host, port),
        host,
        target: target.path_and_query,
        framing,
        expects_continue: expects_continue(head.version, fields, framing),
        keep_alive: options.keep_alive,
        upgrade: if is_tunnel { Some(WEBSOCKET.into()) } else { options.upgrade },
        state_changing: !is_tunnel
            && !matches!(
                head.method,
                b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE" | b"PROPFIND" | b"REPORT" | b"SEARCH" | b"QUERY"
            ),
        stray_body: has_body(framing) && matches!(head.method, b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE" | b"DELETE"),
        wants_json: accept::wants_json(fields),
        connection_listed: options.listed,
    })
}

/// Written for every request, so without the machinery of formatting where that is easy.
fn authority_of(host: &HostName, port: Option<u16>) -> String {
    let host = host.bracketed();
    let Some(port) = port else { return host.into_owned() };
    let (mut digits, mut at, mut left) = ([0; 5], 5, port);
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    let mut authority = String::with_capacity(host.len() + 6);
    authority.push_str(&host);
    authority.push(':');
    authority.extend(digits[at..].iter().map(|&digit| char::from(digit)));
    authority
}

/// Whether it is an extended CONNECT for a WebSocket; that is the one CONNECT that is served.
fn check_method(method: &[u8], protocol: Option<&[u8]>) -> Result<bool, Fault> {
    if !fields::is_token(method) {
        return Err((Reason::MalformedRequest, "the method is not a token"));
    }
    match protocol {
        Some(protocol) if method == b"CONNECT" && protocol.eq_ignore_ascii_case(WEBSOCKET.as_bytes()) => Ok(true),
        Some(_) => Err((Reason::MalformedRequest, "no :protocol but websocket is served")),
        None if method == b"CONNECT" => {
            Err((Reason::MalformedRequest, "this is not a forward proxy: CONNECT is not served"))
        }
        None => Ok(false),
    }
}

/// Exactly one host: that of Host, which must be that of the target's authority where there is one
/// (RFC 9112 section 3.2).
fn read_host(
    version: Version,
    fields: Fields<'_>,
    authority: Option<target::Authority>,
) -> Result<(HostName, Option<u16>), Fault> {
    let mut hosts = fields.values(b"host");
    let (host, more) = (hosts.next(), hosts.next());
    if more.is_some() {
        return Err((Reason::BadHost, "there is more than one Host field"));
    }
    match (host, authority) {
        (None, Some(authority)) if version == Version::H2 => Ok((authority.host, authority.port)),
        (None, _) => Err((Reason::BadHost, "there is no Host field")),
        (Some(value), authority) => {
            let value = std::str::from_utf8(value).map_err(|_| (Reason::BadHost, "the Host field is not text"))?;
            let (host, port) = HostName::parse_authority(value).map_err(|error| (Reason::BadHost, error.0))?;
            if let Some(authority) = authority
                && (authority.host != host || authority.port_or_default() != port.unwrap_or(authority.default_port))
            {
                return Err((Reason::BadHost, "the Host field and the target name different hosts"));
            }
            Ok((host, port))
        }
    }
}

/// Only `100-continue` is an expectation that anyone has; HTTP/1.0 clients cannot have it, and without
/// a body there is nothing to wait with (RFC 9110 section 10.1.1).
fn expects_continue(version: Version, fields: Fields<'_>, framing: Framing) -> bool {
    has_body(framing)
        && version != Version::Http10
        && fields.values(b"expect").any(|value| value.eq_ignore_ascii_case(b"100-continue"))
}

fn has_body(framing: Framing) -> bool {
    match framing {
        Framing::None | Framing::Length(0) => false,
        Framing::Length(_) | Framing::Chunked => true,
    }
}

#[cfg(test)]
mod tests;

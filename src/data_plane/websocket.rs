//! WebSockets where client and origin begin them differently: in HTTP/1.1 by an Upgrade with a key (RFC 6455), in
//! HTTP/2 by a stream of its own (RFC 8441).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    http1::{Gathering, RequestHead, ResponseHead},
    random,
};

/// What `Upgrade` and `:protocol` name.
pub(super) const PROTOCOL: &str = "websocket";
const ACCEPT: &[u8] = b"sec-websocket-accept";
/// RFC 6455 section 1.3.
const SUFFIX: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// How an origin is asked for a WebSocket, where the client has asked in another way.
pub(super) enum Handshake {
    /// In HTTP/1.1, with a key of ours.
    Upgrade { key: String },
    /// By a stream; what the client's own key wants for an answer, if it has one.
    Stream { accept: Option<String> },
}

impl Handshake {
    /// In HTTP/1.1, with a key that was not used before.
    pub(super) fn upgrade() -> std::io::Result<Self> {
        Ok(Self::Upgrade { key: STANDARD.encode(random::<16>()?) })
    }

    /// By a stream, for a client's stream.
    pub(super) fn stream() -> Self {
        Self::Stream { accept: None }
    }

    /// By a stream, for a client of HTTP/1.1. `None`: it has not asked for a WebSocket as it should.
    pub(super) fn stream_for(head: &RequestHead, upgrade: &str) -> Option<Self> {
        let mut keys = head.fields.all("sec-websocket-key");
        let key = std::str::from_utf8(keys.next()?).ok()?;
        let is_one = keys.next().is_none() && upgrade.eq_ignore_ascii_case(PROTOCOL) && head.method() == b"GET";
        is_one.then(|| Self::Stream { accept: Some(accept(key)) })
    }

    /// The key for an origin of HTTP/1.1.
    pub(super) fn key(&self) -> Option<&str> {
        match self {
            Self::Upgrade { key } => Some(key),
            Self::Stream { .. } => None,
        }
    }

    /// Whether an origin's 101 is one to this key: who answers with anything else has not understood.
    pub(super) fn is_answered_by(&self, reply: &ResponseHead) -> bool {
        let Self::Upgrade { key } = self else { return false };
        let expected = accept(key);
        let mut values = reply.fields.all("sec-websocket-accept");
        values.next() == Some(expected.as_bytes()) && values.next().is_none()
    }

    /// What a stream's answer is to the client, if the tunnel begins with it.
    pub(super) fn switched(&self, reply: &ResponseHead) -> Option<ResponseHead> {
        let Self::Stream { accept } = self else { return None };
        if !(200..300).contains(&reply.status) {
            return None;
        }
        let mut head = Gathering::with_capacity(256, 8);
        let is_ours = |name: &[u8]| name.eq_ignore_ascii_case(ACCEPT) || name.eq_ignore_ascii_case(b"upgrade");
        reply.fields.iter().filter(|(name, _)| !is_ours(name)).for_each(|(name, value)| head.line(name, value));
        head.line(b"upgrade", PROTOCOL.as_bytes());
        if let Some(accept) = accept {
            head.line(ACCEPT, accept.as_bytes());
        }
        Some(head.response(101))
    }
}

fn accept(key: &str) -> String {
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{SUFFIX}").as_bytes()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_of_the_rfc() {
        assert_eq!(super::accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}

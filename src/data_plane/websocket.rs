//! A WebSocket over a stream of HTTP/2 (RFC 8441) to an origin that speaks HTTP/1.1 (RFC 6455): the key
//! that the origin wants, and whether it understood.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{http1::ResponseHead, random};

/// RFC 6455 section 1.3.
const SUFFIX: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A handshake with an origin.
pub(super) struct Handshake {
    key: String,
}

impl Handshake {
    /// With a key that was not used before.
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self { key: STANDARD.encode(random::<16>()?) })
    }

    /// `Sec-WebSocket-Key`.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Whether the answer is one to this key: who answers with anything else has not understood.
    pub(super) fn is_answered_by(&self, reply: &ResponseHead) -> bool {
        let expected = accept(&self.key);
        let mut values = reply.fields.all("sec-websocket-accept");
        values.next() == Some(expected.as_bytes()) && values.next().is_none()
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

//! What an origin of `https://` speaks. It is asked by ALPN when it is first used, and what it chose is kept: a
//! request is made ready for the one protocol or the other before a connection is chosen.

use std::{
    rc::Rc,
    sync::atomic::{AtomicU8, Ordering},
};

use super::{connect::connect, endpoint::Endpoint, http2};
use crate::{
    config::Edge,
    data_plane::{
        socket::{Counted, Side, Socket, Stream},
        worker::Worker,
    },
    domain::{
        policy::Permit,
        registry::{Protocol, ProxyProtocol},
    },
};

/// What a handshake of TLS offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Offer {
    /// Both, HTTP/2 first.
    Either,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

impl Offer {
    /// What is said in ALPN.
    pub(super) fn alpn(self) -> Vec<Vec<u8>> {
        let (http1, http2) = (b"http/1.1".to_vec(), b"h2".to_vec());
        match self {
            Self::Either => vec![http2, http1],
            Self::Http1 => vec![http1],
            Self::Http2 => vec![http2],
        }
    }
}

/// What is known of one origin. All workers share it.
pub(super) struct Spoken(AtomicU8);

const UNKNOWN: u8 = 0;
/// Somebody asks now, or did and was not answered: HTTP/1.1 until it can be reached.
const ASKED: u8 = 1;
const HTTP1: u8 = 2;
const HTTP2: u8 = 3;
/// Over TCP alone there is nothing to ask with, and who names a protocol in the row has decided.
const ALWAYS_HTTP1: u8 = 4;
const ALWAYS_HTTP2: u8 = 5;

impl Spoken {
    /// What the row says.
    pub(super) fn of(protocol: Protocol, proxy_protocol: ProxyProtocol) -> Self {
        Self(AtomicU8::new(match (protocol, proxy_protocol) {
            (Protocol::H2 | Protocol::H2s, _) => ALWAYS_HTTP2,
            // There each connection is one client's.
            (Protocol::Http, _) | (Protocol::Https, ProxyProtocol::V2) => ALWAYS_HTTP1,
            (Protocol::Https, ProxyProtocol::Off) => UNKNOWN,
        }))
    }

    fn is_http2(&self) -> bool {
        matches!(self.0.load(Ordering::Relaxed), HTTP2 | ALWAYS_HTTP2)
    }

    /// Whether the caller is the one who asks.
    fn is_to_ask(&self) -> bool {
        self.0.load(Ordering::Relaxed) == UNKNOWN && self.change(UNKNOWN, ASKED)
    }

    fn answered(&self, is_http2: bool) {
        self.change(ASKED, if is_http2 { HTTP2 } else { HTTP1 });
    }

    /// A connection was made over HTTP/1.1: who was not answered before would be now.
    pub(super) fn was_reached(&self) {
        self.change(ASKED, UNKNOWN);
    }

    /// It does not speak HTTP/2 any more, or cannot be reached.
    pub(super) fn forget(&self) {
        self.change(HTTP2, UNKNOWN);
    }

    fn change(&self, from: u8, to: u8) -> bool {
        self.0.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// Whether a request goes to its site's origins over HTTP/2: all of them have to speak it. For `upgrade`s
/// HTTP/1.1 is spoken where there is a choice.
pub(in crate::data_plane) async fn speaks_http2(
    permit: &Permit,
    is_upgrade: bool,
    (worker, edge): (&Worker, &Edge),
) -> bool {
    let upstream = permit.site().upstream();
    let has_choice = upstream.origins().iter().any(|origin| origin.protocol == Protocol::Https);
    if !has_choice {
        return upstream.origins().iter().any(|origin| origin.protocol.is_http2());
    }
    if is_upgrade {
        return false;
    }
    for index in 0..upstream.keys().len() {
        let Some(endpoint) = worker.pool.endpoint(upstream, index) else { return false };
        if endpoint.state.spoken.is_to_ask() {
            // In a box: it is asked once.
            Box::pin(ask(&endpoint, (worker, edge))).await;
        }
        if !endpoint.state.spoken.is_http2() {
            return false;
        }
    }
    true
}

/// Connects; the connection is kept for the request that follows.
async fn ask(endpoint: &Rc<Endpoint>, (worker, edge): (&Worker, &Edge)) {
    let Ok(stream) = connect(&worker.pool.origins, &endpoint.state, None, edge, Offer::Either).await else { return };
    let is_http2 = matches!(&stream, Stream::Tls(tls) if tls.get_ref().1.alpn_protocol() == Some(b"h2"));
    if !is_http2 {
        let counted = Counted::new(&worker.shared.live, Side::Origin);
        worker.pool.put(endpoint, Socket::new(stream, counted), edge);
    } else if http2::adopt(endpoint, stream, (worker, edge)).await.is_err() {
        return;
    }
    endpoint.state.spoken.answered(is_http2);
}

#[cfg(test)]
mod tests {
    use super::{Protocol, ProxyProtocol, Spoken};

    #[test]
    fn one_asks_and_what_was_answered_stays_until_it_fails() {
        let spoken = Spoken::of(Protocol::Https, ProxyProtocol::Off);
        assert!(spoken.is_to_ask() && !spoken.is_to_ask() && !spoken.is_http2());
        spoken.answered(true);
        assert!(spoken.is_http2() && !spoken.is_to_ask());
        spoken.forget();
        assert!(!spoken.is_http2() && spoken.is_to_ask());
        // It was not answered; once a connection is made it is asked again.
        spoken.was_reached();
        assert!(spoken.is_to_ask());
        spoken.answered(false);
        spoken.was_reached();
        assert!(!spoken.is_http2() && !spoken.is_to_ask());
    }

    #[test]
    fn what_the_row_says_is_not_asked() {
        for (protocol, is_http2) in [(Protocol::Http, false), (Protocol::H2, true), (Protocol::H2s, true)] {
            let spoken = Spoken::of(protocol, ProxyProtocol::Off);
            spoken.forget();
            assert_eq!((spoken.is_to_ask(), spoken.is_http2()), (false, is_http2));
        }
        assert!(!Spoken::of(Protocol::Https, ProxyProtocol::V2).is_to_ask());
    }
}

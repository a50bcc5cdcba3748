//! Numbers that go up and down while requests run; everything else is counted from events.

use std::sync::atomic::{AtomicI64, AtomicU64};

/// Live counts, shared by the data plane (which writes them) and the metrics (which read them).
#[derive(Debug, Default)]
pub struct Live {
    /// Open client connections without TLS.
    pub client_plain: AtomicI64,
    /// Open client connections that speak HTTP/2.
    pub client_http2: AtomicI64,
    /// Open client connections with TLS.
    pub client_tls: AtomicI64,
    /// Open connections to origins, busy or idle.
    pub origin: AtomicI64,
    /// Connections that were turned away at a limit, or failed before a request was read.
    pub client_rejected: AtomicU64,
    /// Connections of HTTP/2 that have ended, by [`Http2End`].
    pub http2_ended: [AtomicU64; Http2End::ALL.len()],
    /// Tasks that panicked and were caught.
    pub panics: AtomicU64,
}

/// Why a client's connection of HTTP/2 ended. Alphabetical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http2End {
    /// The client left, or its connection was lost.
    Client,
    /// It asked more of us than a connection may (GOAWAY with ENHANCE_YOUR_CALM).
    Flood,
    /// It was idle for too long.
    Idle,
    /// It broke the protocol, or did not speak it.
    Protocol,
    /// We stopped.
    Stop,
}

impl Http2End {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Client, Self::Flood, Self::Idle, Self::Protocol, Self::Stop];

    /// The label `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Flood => "flood",
            Self::Idle => "idle",
            Self::Protocol => "protocol",
            Self::Stop => "stop",
        }
    }
}

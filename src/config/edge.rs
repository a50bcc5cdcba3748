//! The part of the configuration that the data plane works by.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::{Http2, Pressure, Upstreams};
use crate::base::Network;

/// Listeners, limits and timeouts of the data plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Plain listeners.
    pub http: Vec<SocketAddr>,
    /// TLS listeners.
    pub https: Vec<SocketAddr>,
    /// Directory of certificates; needed where `https` is not empty.
    pub certificates: Option<PathBuf>,
    /// Clients must have a certificate of one of these authorities, PEM.
    pub client_ca: Option<PathBuf>,
    /// Worker threads, each with its own runtime, listeners and upstream pool. 0: one a core.
    pub workers: usize,
    /// Received bytes of a body are held at most this long before its head is sent.
    pub hold_time: Duration,
    /// Withheld bytes that may begin a match go out after this long.
    pub tail_flush: Duration,
    /// What visitors post is read in passing, to tell what was planted.
    pub posts: bool,
    /// For how long it is remembered that a text was posted.
    pub posted_for: Duration,
    /// A locked page is read again after this long.
    pub lock_recheck: Duration,
    /// Received bytes held of a locked page that is read again.
    pub lock_hold_bytes: usize,
    /// Verdicts remembered, per worker.
    pub verdict_cache_entries: usize,
    /// HTTP/2 with clients.
    pub http2: Http2,
    /// Limits.
    pub limits: Limits,
    /// Timeouts.
    pub timeouts: Timeouts,
    /// How origins are reached.
    pub upstream: Upstreams,
    /// Who connects from here must begin with a header of the PROXY protocol, and is believed.
    pub proxy_protocol_from: Vec<Network>,
    /// What requests from here say of the client before them (`X-Forwarded-*`, `Forwarded`) is believed.
    pub trusted_proxies: Vec<Network>,
    /// What is done under pressure.
    pub pressure: Pressure,
}

/// Bounds on what a client or an origin can make us keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request or response head, request line included.
    pub head_bytes: usize,
    /// Field lines of a head.
    pub headers: usize,
    /// Client connections, all listeners together.
    pub connections: usize,
    /// Idle connections kept per origin and worker.
    pub origin_idle: usize,
    /// All bytes held for a verdict, all responses together.
    pub held_bytes: usize,
    /// Pages locked at the same time; beyond it the oldest lock goes.
    pub locks: usize,
    /// Bytes of an unread request body that are drained after our own answer.
    pub drain_bytes: u64,
    /// Events waiting for telemetry.
    pub event_queue: usize,
}

/// How long to wait at each wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Client: from the first byte of a head to its last; also for the TLS handshake.
    pub request_head: Duration,
    /// Client: between two requests on a connection.
    pub keep_alive: Duration,
    /// Client: between two reads of a request body, and between two writes of a response.
    pub client_idle: Duration,
    /// Origin: connecting, TLS included.
    pub connect: Duration,
    /// Origin: from the request sent to the response's head.
    pub origin_head: Duration,
    /// Origin: between two reads of a response body.
    pub origin_idle: Duration,
    /// Origin: an unused connection is closed after this; shorter than origins' own (5 s is common).
    pub origin_keep_alive: Duration,
    /// A tunnel without a byte in either direction.
    pub tunnel_idle: Duration,
    /// From the signal to stop to the last connection cut.
    pub drain: Duration,
}

impl Default for Edge {
    fn default() -> Self {
        Self {
            http: Vec::new(),
            https: Vec::new(),
            certificates: None,
            client_ca: None,
            workers: 0,
            hold_time: Duration::from_millis(300),
            tail_flush: Duration::from_millis(200),
            posts: true,
            posted_for: Duration::from_secs(86_400),
            lock_recheck: Duration::from_secs(600),
            lock_hold_bytes: 4 << 20,
            verdict_cache_entries: 16_384,
            http2: Http2::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            upstream: Upstreams::default(),
            proxy_protocol_from: Vec::new(),
            trusted_proxies: Vec::new(),
            pressure: Pressure::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 64 << 10,
            headers: 128,
            connections: 65_536,
            origin_idle: 64,
            held_bytes: 256 << 20,
            locks: 100_000,
            drain_bytes: 256 << 10,
            event_queue: 16_384,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            request_head: seconds(15),
            keep_alive: seconds(60),
            client_idle: seconds(60),
            connect: seconds(5),
            origin_head: seconds(60),
            origin_idle: seconds(60),
            origin_keep_alive: seconds(4),
            tunnel_idle: seconds(600),
            drain: seconds(30),
        }
    }
}

//! Everything that happened. Events go up from the data plane through one bounded queue; nothing
//! in the data plane waits for who reads them.

use std::{borrow::Cow, sync::Arc};

use crate::{
    base::Timestamp,
    domain::{policy::Reason, standing::PageKey},
    engine::body_filter::Judgement,
};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A request came to its end, whatever the end was.
    Exchange(Box<Exchange>),
    /// A page was locked, because something was found after its head had been sent, or found again.
    PageLocked {
        /// The page.
        page: PageKey,
        /// The rules that did it.
        rules: Vec<Arc<str>>,
        /// When.
        at: Timestamp,
    },
    /// A locked page was read again and found clean.
    PageUnlocked {
        /// The page.
        page: PageKey,
        /// When.
        at: Timestamp,
    },
}

/// One request and what became of it: a line of the access log.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The number shown on refusals (`Zhamen-Request`), there in 16 hexadecimal digits.
    pub id: u64,
    /// When the head had been read.
    pub at: Timestamp,
    /// `http/1.1`, `http/1.0`, `h2`.
    pub protocol: &'static str,
    /// Whether it came over TLS.
    pub tls: bool,
    /// The peer's address, for the access log only (domain.md section 8).
    pub client: Option<std::net::IpAddr>,
    /// Our own address that was connected to.
    pub server: Option<std::net::IpAddr>,
    /// The method as received; empty if the head could not be read.
    pub method: Cow<'static, str>,
    /// The normalised host; empty if there was none.
    pub host: Arc<str>,
    /// Path and query as received, cut at 2048 bytes.
    pub target: String,
    /// The status sent; 0 if none was.
    pub status: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// What more there is to say of a refusal: what was wrong with the head, why the origin could not
    /// be reached; empty otherwise.
    pub detail: String,
    /// Unit of the site.
    pub unit: Option<Arc<str>>,
    /// The generation of the snapshot that decided.
    pub generation: u64,
    /// What the engine says of the response body; `None` where no response body passed.
    pub judgement: Option<Judgement>,
    /// Body bytes from the client.
    pub request_bytes: u64,
    /// Body bytes to the client.
    pub response_bytes: u64,
    /// From the head read to the last byte sent, microseconds.
    pub total_micros: u64,
    /// From the request sent to the origin's head read, microseconds; `None` if no origin was asked.
    pub origin_micros: Option<u64>,
    /// Time spent in the engine, microseconds.
    pub scan_micros: u64,
    /// Whether the connection to the origin was new, reused or not made.
    pub origin_connection: OriginConnection,
}

/// How a request ended. The metric label `outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The response was cut off after its head had been sent, because of what was found in it.
    Aborted,
    /// The client went away first.
    ClientGone,
    /// Answered by the origin, to the end.
    Forwarded,
    /// The origin broke off in the middle of its body.
    OriginBroke,
    /// Answered by us: the proof that an authority of certificates asked for.
    Proved,
    /// Answered by us.
    Refused(Reason),
    /// Became a tunnel.
    Tunnelled,
}

/// How the origin was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginConnection {
    /// Tried, and failed.
    Failed,
    /// A new connection.
    New,
    /// The origin was not asked.
    None,
    /// One from the pool.
    Reused,
}

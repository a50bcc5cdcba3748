//! What is written down of one request. Dropped once, sent up once, however the request ends.

use std::{
    borrow::Cow,
    mem,
    net::IpAddr,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use super::client::Peer;
use crate::{
    base::Timestamp,
    domain::event::{Event, Exchange, OriginConnection, Outcome},
    engine::body_filter::Judgement,
    telemetry::EventSender,
};

/// Bytes of the target that are kept.
const TARGET_BYTES_MAX: usize = 2048;

/// The usual methods.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];

/// An [`Exchange`] in the making; its drop is its end.
pub(super) struct Record {
    /// Number of the request; shown on refusals.
    pub(super) id: u64,
    /// When the head had been read.
    pub(super) at: Timestamp,
    pub(super) protocol: &'static str,
    pub(super) tls: bool,
    pub(super) client: IpAddr,
    server: Option<IpAddr>,
    pub(super) method: Cow<'static, str>,
    pub(super) host: Option<Arc<str>>,
    target: String,
    /// The status sent; 0 until the head of the final response is on its way.
    pub(super) status: u16,
    /// How it ends; until something else is known, by the client's going away.
    pub(super) outcome: Outcome,
    /// What more there is to say of a refusal.
    pub(super) detail: String,
    pub(super) unit: Option<Arc<str>>,
    pub(super) generation: u64,
    pub(super) judgement: Option<Judgement>,
    pub(super) request_bytes: u64,
    pub(super) response_bytes: u64,
    /// From the request sent to the origin's head read.
    pub(super) origin_time: Option<Duration>,
    /// Spent in the engine.
    pub(super) scan_time: Duration,
    pub(super) origin_connection: OriginConnection,
    started: Instant,
    events: Rc<EventSender>,
}

impl Record {
    /// Begins the record of a request whose head has just been read, or could not be.
    pub(super) fn new(
        id: u64,
        at: Timestamp,
        (protocol, peer): (&'static str, &Peer),
        events: Rc<EventSender>,
    ) -> Self {
        Self {
            id,
            at,
            protocol,
            tls: peer.tls,
            client: peer.address.ip(),
            server: peer.server.map(|server| server.ip().to_canonical()),
            method: Cow::Borrowed(""),
            host: None,
            target: String::new(),
            status: 0,
            outcome: Outcome::ClientGone,
            detail: String::new(),
            unit: None,
            generation: 0,
            judgement: None,
            request_bytes: 0,
            response_bytes: 0,
            origin_time: None,
            scan_time: Duration::ZERO,
            origin_connection: OriginConnection::None,
            started: Instant::now(),
            events,
        }
    }

    /// When it began, by the clock that does not jump.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Notes the method as received. The usual ones need no memory.
    pub(super) fn set_method(&mut self, method: &[u8]) {
        self.method = match METHODS.iter().find(|usual| usual.as_bytes() == method) {
            Some(usual) => Cow::Borrowed(usual),
            None => Cow::Owned(String::from_utf8_lossy(method).into_owned()),
        };
    }

    /// Notes the target as received, cut where it is too long.
    pub(super) fn set_target(&mut self, target: &[u8]) {
        let kept = &target[..target.len().min(TARGET_BYTES_MAX)];
        self.target = String::from_utf8_lossy(kept).into_owned();
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.events.send(Event::Exchange(Box::new(Exchange {
            id: self.id,
            at: self.at,
            protocol: self.protocol,
            tls: self.tls,
            client: Some(self.client),
            server: self.server,
            method: mem::take(&mut self.method),
            host: self.host.take().unwrap_or_default(),
            target: mem::take(&mut self.target),
            status: self.status,
            outcome: self.outcome,
            detail: mem::take(&mut self.detail),
            unit: self.unit.take(),
            generation: self.generation,
            judgement: self.judgement.take(),
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            total_micros: micros(self.started.elapsed()),
            origin_micros: self.origin_time.map(micros),
            scan_micros: micros(self.scan_time),
            origin_connection: self.origin_connection,
        })));
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

//! The way to the origin. [`send`] takes a [`Permit`], and only the gate makes one.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `balance` | which of several origins is asked next |
//! | `health` | whether an origin is well, by what became of requests and checks |
//! | `origins` | what all workers know of origins together |
//! | `endpoint`, `pool` | what one worker knows: connections in use, requests that wait, unused connections |
//! | `reach` | from a permitted request to a connection |
//! | `connect`, `names`, `name_servers`, `trust` | new connections: addresses, TLS |
//! | `keeper` | what is done for origins beside requests |

mod balance;
mod connect;
mod endpoint;
mod health;
mod keeper;
mod name_servers;
mod names;
mod origins;
mod pool;
mod reach;
mod trust;

use std::{
    cell::{Cell, RefCell},
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    time::Instant,
};

use bytes::BytesMut;
use tokio::time::timeout_at;

pub(super) use origins::Origins;
pub(super) use pool::Pool;
pub use trust::check_trust;

use self::{
    endpoint::Lease,
    pool::Places,
    reach::{Connection, Reach, failed, reach, refused},
};
use super::{
    client::Client,
    http1::{HeadLimits, HeadScan, ResponseHead, take_repaired},
    record::Record,
    socket::{ANSWER_BYTES, Counted, Side, Socket},
    stop::Stop,
    upload::{Progress, Upload},
    worker::Worker,
};
use crate::{
    config::Edge,
    domain::{
        event::OriginConnection,
        policy::{Permit, Reason},
        registry::{OriginHttp, ProxyProtocol},
    },
};

/// A request to be sent.
pub(super) struct Request {
    /// The head as it goes over the wire, and what of the body goes with it.
    pub(super) bytes: Vec<u8>,
    /// Sending it twice does no more than sending it once, and none of it is missing.
    pub(super) replayable: bool,
    pub(super) addresses: Addresses,
}

/// Whose connection it is that a request came over, for origins that want to be told below HTTP.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) client: SocketAddr,
    pub(super) server: Option<SocketAddr>,
}

impl Addresses {
    /// Those of a request: proxies may have named another client than the one that is connected.
    pub(super) fn of(named: IpAddr, client: &Client) -> Self {
        let is_peer = named == client.peer.address.ip().to_canonical();
        Self {
            client: SocketAddr::new(named, if is_peer { client.peer.address.port() } else { 0 }),
            server: client.peer.server,
        }
    }
}

/// A request on its way: the connection, and what it takes to send it again.
pub(super) struct Link {
    /// The connection to the origin.
    pub(super) socket: Socket,
    /// The right to it; none only while the request is sent again.
    lease: RefCell<Option<Lease>>,
    request: Request,
    /// The connection has carried an exchange before.
    reused: Cell<bool>,
    /// If it comes to nothing, the request may be sent once more.
    repeatable: Cell<bool>,
    sent_at: Instant,
}

impl Link {
    /// Keeps the connection for another request.
    pub(super) fn keep(self, worker: &Worker, edge: &Edge) {
        if let Some(lease) = self.lease.into_inner() {
            match lease.endpoint().state.options.proxy_protocol {
                ProxyProtocol::Off => worker.pool.put(lease.endpoint(), self.socket, edge),
                // The origin takes all that comes over it for one client's.
                ProxyProtocol::V2 => {}
            }
        }
    }
}

/// Sends a request's head, and what of its body is already here, to an origin that was permitted.
pub(super) async fn send(
    permit: &Permit,
    request: Request,
    (worker, edge): (&Worker, &Edge),
    record: &mut Record,
) -> Result<Link, Stop> {
    let idle = edge.timeouts.origin_idle;
    let Request { replayable, addresses, .. } = request;
    let mut want = if replayable { Reach::Any } else { Reach::Fresh };
    loop {
        let (lease, connection) = reach(permit, (want, Places::default()), addresses, (worker, edge), record).await?;
        let (socket, reused) = match connection {
            Connection::New(stream) => (Socket::new(stream, Counted::new(&worker.shared.live, Side::Origin)), false),
            Connection::Kept(socket) => (socket, true),
        };
        let written = socket.write(&request.bytes, &[], &[], idle).await;
        match written {
            // An origin may answer and close before it has read all: what it said is read first.
            Err(_) if !reused => {}
            Err(fault) if fault.written == 0 || replayable => {
                lease.endpoint().was_surprised();
                want = Reach::New;
                continue;
            }
            Err(_) => {
                record.origin_connection = OriginConnection::Failed;
                return Err(refused(permit, Reason::OriginUnreachable, "the origin closed the connection"));
            }
            Ok(()) => {}
        }
        // One that origins keep closing is a matter of chance; a new one that comes to nothing is the origin's
        // fault, and another may do better.
        let has_others = permit.site().upstream().origins().len() > 1;
        let repeatable = Cell::new(replayable && (reused || has_others));
        let (lease, reused) = (RefCell::new(Some(lease)), Cell::new(reused));
        return Ok(Link { socket, lease, request, reused, repeatable, sent_at: Instant::now() });
    }
}

/// Reads the next head that the origin sends: an interim response, or the final one.
pub(super) async fn reply(
    link: &Link,
    permit: &Permit,
    inbox: &mut BytesMut,
    (upload, progress): (&mut Upload<'_>, &Progress),
    (worker, edge): (&Worker, &Edge),
    record: &mut Record,
) -> Result<ResponseHead, Stop> {
    let limits = HeadLimits { bytes: edge.limits.head_bytes, fields: edge.limits.headers };
    let stop = |reason, what: &'static str| {
        if let Some(lease) = &*link.lease.borrow() {
            failed(lease, permit, (worker, edge));
        }
        refused(permit, reason, what)
    };
    let protocol = |what| stop(Reason::OriginProtocol, what);
    let strictness = permit.site().upstream().options().http;
    let mut scan = HeadScan::default();
    loop {
        if !ResponseHead::may_begin_with(inbox) {
            return Err(protocol("the origin's answer is not HTTP/1.x"));
        }
        let head = match strictness {
            OriginHttp::Strict => scan.end(inbox, limits).map(|end| end.map(|end| inbox.split_to(end).freeze())),
            OriginHttp::Tolerant => take_repaired(inbox, limits),
        };
        if let Some(head) = head.map_err(|fault| protocol(fault.as_str()))? {
            let head = ResponseHead::parse(head, limits).map_err(|fault| protocol(fault.as_str()))?;
            link.repeatable.set(false);
            if let Some(lease) = &*link.lease.borrow() {
                lease.succeeded();
            }
            record.origin_time = Some(link.sent_at.elapsed());
            return Ok(head);
        }
        let read = upload.race(pin!(read_before_deadline(&link.socket, inbox, edge, progress))).await?;
        match read {
            Some(Ok(count)) if count > 0 => {}
            Some(Ok(_) | Err(_)) if inbox.is_empty() && link.repeatable.replace(false) => {
                let mut tried = Places::default();
                // Given back before another is asked for: where one is all that may be used, it is this.
                match link.lease.take() {
                    Some(lease) if link.reused.get() => lease.endpoint().was_surprised(),
                    Some(lease) => {
                        failed(&lease, permit, (worker, edge));
                        tried.insert(lease.index());
                    }
                    None => {}
                }
                let want = (Reach::New, tried);
                // In a box: most answers come on the first connection.
                let reaching = reach(permit, want, link.request.addresses, (worker, edge), record);
                let (lease, connection) = upload.race(pin!(Box::pin(reaching))).await??;
                if let Connection::New(stream) = connection {
                    link.socket.replace(stream);
                }
                link.lease.replace(Some(lease));
                let _ = upload
                    .race(pin!(link.socket.write(&link.request.bytes, &[], &[], edge.timeouts.origin_idle)))
                    .await?;
            }
            Some(Ok(_) | Err(_)) => return Err(protocol("the origin closed the connection without an answer")),
            None => return Err(stop(Reason::OriginTimeout, "the origin did not answer in time")),
        }
    }
}

/// Reads once. The time that the origin has begins anew as long as the request's body moves.
async fn read_before_deadline(
    socket: &Socket,
    inbox: &mut BytesMut,
    edge: &Edge,
    progress: &Progress,
) -> Option<io::Result<usize>> {
    loop {
        let moved_at = progress.moved_at.get();
        let deadline = (moved_at + edge.timeouts.origin_head).into();
        match timeout_at(deadline, socket.read(inbox, ANSWER_BYTES)).await {
            Ok(read) => return Some(read),
            Err(_) if progress.moved_at.get() > moved_at => {}
            Err(_) => return None,
        }
    }
}

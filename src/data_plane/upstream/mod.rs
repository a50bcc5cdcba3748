//! The way to the origin. [`send`] takes a [`Permit`], and only the gate makes one.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `balance` | which of several origins is asked next |
//! | `health` | whether an origin is well, by what became of requests and checks |
//! | `origins` | what all workers know of origins together |
//! | `endpoint`, `pool` | what one worker knows: connections in use, requests that wait, unused connections |
//! | `reach` | from a permitted request to a connection |
//! | `spoken` | whether an origin with TLS speaks HTTP/2: it is asked once |
//! | `http2` | connections of HTTP/2, which all requests of a worker to an origin share |
//! | `connect`, `names`, `name_servers`, `trust` | new connections: addresses, TLS |
//! | `keeper` | what is done for origins beside requests |

mod balance;
mod connect;
mod endpoint;
mod health;
mod http2;
mod keeper;
mod name_servers;
mod names;
mod origins;
mod pool;
mod reach;
mod spoken;
mod trust;

use std::{
    cell::{Cell, RefCell},
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    time::Instant,
};

use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use tokio::time::timeout_at;

pub(super) use http2::Exchange;
pub(super) use origins::Origins;
pub(super) use pool::Pool;
pub(super) use spoken::speaks_http2;
pub use trust::check_trust;

use self::{
    endpoint::Lease,
    http2::{Fault, Shared},
    pool::Places,
    reach::{Connection, Reach, failed, reach, refused},
};
use super::{
    client::{Client, Outlet},
    head_writer::Gathered,
    http1::{HeadLimits, HeadScan, ResponseHead, split_head, take_repaired},
    record::Record,
    socket::{Counted, Side, Socket},
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

/// How often a request is sent again that an origin has not looked at.
const UNPROCESSED_MAX: u32 = 2;

/// A request to be sent.
pub(super) struct Request {
    /// The head as it goes over a wire of HTTP/1.1, and what of the body goes with it.
    pub(super) bytes: Vec<u8>,
    /// The head for HTTP/2, where one of the site's origins speaks it; then none of the body is with either.
    pub(super) head: Option<Box<Gathered>>,
    /// There is no body.
    pub(super) is_bodiless: bool,
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
    wire: Wire,
    /// The right to it; none only while the request is sent again.
    lease: RefCell<Option<Lease>>,
    request: Request,
    /// The connection has carried an exchange before.
    reused: Cell<bool>,
    /// If it comes to nothing, the request may be sent once more.
    repeatable: Cell<bool>,
    sent_at: Instant,
}

/// What a request is on its way over.
enum Wire {
    /// A connection of its own.
    Http1(Socket),
    /// A stream of one that is shared.
    Http2(Exchange),
}

/// The same, for who sends a body or reads an answer.
#[derive(Clone, Copy)]
pub(super) enum Way<'a> {
    /// A connection of its own.
    Http1(&'a Socket),
    /// A stream of one that is shared.
    Http2(&'a Exchange),
}

impl Link {
    /// What the request is on its way over.
    pub(super) fn way(&self) -> Way<'_> {
        match &self.wire {
            Wire::Http1(socket) => Way::Http1(socket),
            Wire::Http2(exchange) => Way::Http2(exchange),
        }
    }

    /// Keeps the connection for another request.
    pub(super) fn keep(self, worker: &Worker, edge: &Edge) {
        let (Some(lease), Wire::Http1(socket)) = (self.lease.into_inner(), self.wire) else { return };
        match lease.endpoint().state.options.proxy_protocol {
            ProxyProtocol::Off => worker.pool.put(lease.endpoint(), socket, edge),
            // The origin takes all that comes over it for one client's.
            ProxyProtocol::V2 => {}
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
        let (lease, connection) =
            reach(permit, (want, Places::default(), request.head.is_some()), addresses, (worker, edge), record).await?;
        let has_others = permit.site().upstream().origins().len() > 1;
        let (socket, reused) = match connection {
            Connection::New(stream) => (Socket::new(stream, Counted::new(&worker.shared.live, Side::Origin)), false),
            Connection::Kept(socket) => (socket, true),
            Connection::Stream(sender, was_there) => {
                let is_tunnel = request.head.as_ref().is_some_and(|head| head.protocol.is_some());
                if is_tunnel && !Shared::takes_websockets(lease.endpoint(), &sender, edge.timeouts.connect).await {
                    return Err(refused(permit, Reason::OriginProtocol, "the origin takes no WebSockets"));
                }
                let Ok(exchange) = begin(sender, &lease, &request) else {
                    return Err(refused(permit, Reason::OriginUnreachable, "the origin takes no streams"));
                };
                return Ok(Link {
                    wire: Wire::Http2(exchange),
                    lease: RefCell::new(Some(lease)),
                    request,
                    reused: Cell::new(was_there),
                    repeatable: Cell::new(replayable && (was_there || has_others)),
                    sent_at: Instant::now(),
                });
            }
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
        let repeatable = Cell::new(replayable && (reused || has_others));
        let (lease, reused) = (RefCell::new(Some(lease)), Cell::new(reused));
        // What is not sent again need not be kept.
        let bytes = if repeatable.get() { request.bytes } else { Vec::new() };
        let request = Request { bytes, ..request };
        return Ok(Link { wire: Wire::Http1(socket), lease, request, reused, repeatable, sent_at: Instant::now() });
    }
}

/// Reads the next head that the origin sends: an interim response, or the final one.
pub(super) async fn reply(
    link: &Link,
    permit: &Permit,
    inbox: &mut BytesMut,
    (upload, progress, outlet): (&mut Upload<'_>, &Progress, (Outlet<'_>, bool)),
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
    let socket = match &link.wire {
        Wire::Http1(socket) => socket,
        Wire::Http2(exchange) => {
            // In a box: those of HTTP/1.1 do not own the room for it.
            let reply = reply_on_stream(link, exchange, permit, (upload, progress), (worker, edge), record);
            return match Box::pin(reply).await? {
                Some(Ok(head)) => Ok(head),
                Some(Err(_)) => Err(protocol("the origin reset the stream, or broke HTTP/2")),
                None => Err(stop(Reason::OriginTimeout, "the origin did not answer in time")),
            };
        }
    };
    let strictness = permit.site().upstream().options().http;
    let mut scan = HeadScan::default();
    loop {
        if !ResponseHead::may_begin_with(inbox) {
            return Err(protocol("the origin's answer is not HTTP/1.x"));
        }
        let head = match strictness {
            OriginHttp::Strict => scan.end(inbox, limits).map(|end| end.map(|end| split_head(inbox, end))),
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
        let read = read_before_deadline(edge, progress, outlet, socket, inbox);
        let read = upload.race(pin!(read)).await?;
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
                let want = (Reach::New, tried, false);
                // In a box: most answers come on the first connection.
                let reaching = reach(permit, want, link.request.addresses, (worker, edge), record);
                let (lease, connection) = upload.race(Box::pin(reaching).as_mut()).await??;
                match connection {
                    Connection::New(stream) => socket.replace(stream),
                    Connection::Kept(_) => {}
                    // The exchange goes on as it began.
                    Connection::Stream(..) => {
                        return Err(protocol("the origin closed the connection without an answer"));
                    }
                }
                link.lease.replace(Some(lease));
                let _ =
                    upload.race(pin!(socket.write(&link.request.bytes, &[], &[], edge.timeouts.origin_idle))).await?;
            }
            Some(Ok(_) | Err(_)) => return Err(protocol("the origin closed the connection without an answer")),
            None => return Err(stop(Reason::OriginTimeout, "the origin did not answer in time")),
        }
    }
}

/// The next head on a stream. A request that the origin has not looked at is sent again, and so is one that
/// does no more when it is sent twice.
async fn reply_on_stream(
    link: &Link,
    exchange: &Exchange,
    permit: &Permit,
    (upload, progress): (&mut Upload<'_>, &Progress),
    (worker, edge): (&Worker, &Edge),
    record: &mut Record,
) -> Result<Option<Result<ResponseHead, Fault>>, Stop> {
    for again in 0..=UNPROCESSED_MAX {
        let head = upload.race(pin!(before_deadline(edge, progress, async || exchange.head().await))).await?;
        let Some(Err(fault)) = head else {
            if head.is_some() {
                link.repeatable.set(false);
                if let Some(lease) = &*link.lease.borrow() {
                    lease.succeeded();
                }
                record.origin_time = Some(link.sent_at.elapsed());
            }
            return Ok(head);
        };
        let is_unsent = fault == Fault::Unprocessed && progress.bytes.get() == 0 && again < UNPROCESSED_MAX;
        if !is_unsent && !link.repeatable.replace(false) {
            return Ok(head);
        }
        link.lease.take();
        // A stream that was refused says nothing of the connection; anything else ends it.
        let want = if fault == Fault::Unprocessed { Reach::Any } else { Reach::New };
        let reaching = reach(permit, (want, Places::default(), true), link.request.addresses, (worker, edge), record);
        let (lease, connection) = upload.race(Box::pin(reaching).as_mut()).await??;
        let Connection::Stream(sender, _) = connection else { return Ok(head) };
        match begin(sender, &lease, &link.request) {
            Ok(other) => exchange.replace(other),
            Err(fault) => return Ok(Some(Err(fault))),
        }
        link.lease.replace(Some(lease));
    }
    Ok(Some(Err(Fault::Unprocessed)))
}

/// Begins a request's stream.
fn begin(sender: SendRequest<Bytes>, lease: &Lease, request: &Request) -> Result<Exchange, Fault> {
    let is_tls = lease.endpoint().state.origin.protocol.is_tls();
    match &request.head {
        Some(head) => Exchange::begin(sender, head, is_tls, request.is_bodiless),
        None => Err(Fault::Broken),
    }
}

/// Reads what the origin says. The time that it has begins anew as long as the request's body moves.
async fn read_before_deadline(
    edge: &Edge,
    progress: &Progress,
    (outlet, is_kept): (Outlet<'_>, bool),
    socket: &Socket,
    inbox: &mut BytesMut,
) -> Option<io::Result<usize>> {
    loop {
        let moved_at = progress.moved_at.get();
        let deadline = (moved_at + edge.timeouts.origin_head).into();
        let read = socket.until(deadline, socket.read_as_wanted(inbox, || outlet.answer_bytes(is_kept))).await;
        if read.is_some() || progress.moved_at.get() == moved_at {
            return read;
        }
    }
}

/// The same of a step on a stream.
async fn before_deadline<T>(edge: &Edge, progress: &Progress, mut step: impl AsyncFnMut() -> T) -> Option<T> {
    loop {
        let moved_at = progress.moved_at.get();
        let deadline = (moved_at + edge.timeouts.origin_head).into();
        match timeout_at(deadline, step()).await {
            Ok(done) => return Some(done),
            Err(_) if progress.moved_at.get() > moved_at => {}
            Err(_) => return None,
        }
    }
}

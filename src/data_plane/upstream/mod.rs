//! The way to the origin. [`send`] takes a [`Permit`], and only the gate makes one.

mod connect;
mod pool;

use std::{
    cell::Cell,
    io,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use tokio::time::{timeout, timeout_at};

pub(super) use connect::client_config;
pub(super) use pool::Pool;

use super::{
    http1::{HeadLimits, HeadScan, ResponseHead},
    record::Record,
    socket::{ANSWER_BYTES, Counted, Side, Socket, Stream},
    stop::Stop,
    upload::{Progress, Upload},
    worker::Worker,
};
use crate::{
    config::Edge,
    domain::{
        event::OriginConnection,
        policy::{Permit, Reason},
    },
};

/// A request on its way: the connection, and what it takes to send it again.
pub(super) struct Link {
    /// The connection to the origin.
    pub(super) socket: Socket,
    /// The head as sent, and whatever of the body went with it.
    request: Vec<u8>,
    /// The connection has carried an exchange before.
    reused: Cell<bool>,
    /// Sending it twice does no more than sending it once, and none of it is missing here.
    replayable: bool,
    sent_at: Instant,
}

/// Sends a request's head, and what of its body is already here, to the origin that was permitted.
pub(super) async fn send(
    permit: &Permit,
    request: Vec<u8>,
    replayable: bool,
    (worker, edge): (&Worker, &Edge),
    record: &mut Record,
) -> Result<Link, Stop> {
    let idle = edge.timeouts.origin_idle;
    let origin = permit.site().origin();
    if let Some(socket) = worker.pool.take(origin, edge.timeouts.origin_keep_alive, replayable) {
        match socket.write(&request, &[], &[], idle).await {
            Ok(()) => {
                record.origin_connection = OriginConnection::Reused;
                let reused = Cell::new(true);
                return Ok(Link { socket, request, reused, replayable, sent_at: Instant::now() });
            }
            Err(fault) if fault.written == 0 || replayable => {}
            Err(_) => {
                record.origin_connection = OriginConnection::Failed;
                return Err(refused(permit, Reason::OriginUnreachable, "the origin closed the connection"));
            }
        }
    }
    let stream = open(permit, worker, edge, record).await?;
    let socket = Socket::new(stream, Counted::new(&worker.shared.live, Side::Origin));
    // An origin may answer and close before it has read all: what it said is read first.
    let _ = socket.write(&request, &[], &[], idle).await;
    Ok(Link { socket, request, reused: Cell::new(false), replayable, sent_at: Instant::now() })
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
    let protocol = |what: &'static str| refused(permit, Reason::OriginProtocol, what);
    let mut scan = HeadScan::default();
    loop {
        if !ResponseHead::may_begin_with(inbox) {
            return Err(protocol("the origin's answer is not HTTP/1.x"));
        }
        if let Some(end) = scan.end(inbox, limits).map_err(|fault| protocol(fault.as_str()))? {
            let head = inbox.split_to(end).freeze();
            let head = ResponseHead::parse(head, limits).map_err(|fault| protocol(fault.as_str()))?;
            link.reused.set(false);
            record.origin_time = Some(link.sent_at.elapsed());
            return Ok(head);
        }
        let read = upload.race(read_before_deadline(&link.socket, inbox, edge, progress)).await?;
        match read {
            Some(Ok(count)) if count > 0 => {}
            Some(Ok(_) | Err(_)) if inbox.is_empty() && link.replayable && link.reused.replace(false) => {
                let stream = upload.race(open(permit, worker, edge, record)).await??;
                link.socket.replace(stream);
                let _ = upload.race(link.socket.write(&link.request, &[], &[], edge.timeouts.origin_idle)).await?;
            }
            Some(Ok(_) | Err(_)) => return Err(protocol("the origin closed the connection without an answer")),
            None => return Err(refused(permit, Reason::OriginTimeout, "the origin did not answer in time")),
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

async fn open(permit: &Permit, worker: &Worker, edge: &Edge, record: &mut Record) -> Result<Stream, Stop> {
    let origin = permit.site().origin();
    let wait: Duration = edge.timeouts.connect;
    match timeout(wait, connect::connect(origin, &worker.origin_tls)).await {
        Ok(Ok(stream)) => {
            record.origin_connection = OriginConnection::New;
            Ok(stream)
        }
        Ok(Err(error)) => {
            record.origin_connection = OriginConnection::Failed;
            Err(refused(permit, Reason::OriginUnreachable, error.to_string()))
        }
        Err(_) => {
            record.origin_connection = OriginConnection::Failed;
            Err(refused(permit, Reason::OriginUnreachable, "the connection was not made in time"))
        }
    }
}

fn refused(permit: &Permit, reason: Reason, detail: impl Into<String>) -> Stop {
    let site = Some(permit.site().clone());
    Stop::Refused(crate::domain::policy::Refusal { reason, detail: detail.into(), site })
}

//! One connection: its streams' sessions run side by side in the connection's own task, until the client
//! leaves, asks too much, or we want to stop.

use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    task::Poll,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesUnordered};
use h2::{
    Reason, RecvStream,
    server::{Builder, Connection, SendResponse},
};
use http::Request;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{
    frames::PREFACE,
    head,
    opening::{self, Opened},
    stream::Stream,
    transport::{Link, Transport},
};
use crate::{
    config::Edge,
    data_plane::{
        client::{Client, Http1, Peer, Wire},
        connection::{After, LINGER, linger},
        http1::HeadLimits,
        limits::Pace,
        record::Record,
        session,
        socket::{READ_BYTES, Side},
        worker::Worker,
    },
    domain::{event::Outcome, policy::Reason as Why},
    telemetry::Http2End,
};

/// Bytes of a stream's response that `h2` keeps for the client's window.
const SEND_BUFFER_BYTES: usize = 64 << 10;
/// Streams whose late frames are still known; more are remembered only as numbers.
const RESET_STREAMS_MAX: usize = 128;
/// Errors of a client's streams that a connection survives, in all.
const STREAM_ERRORS_MAX: usize = 100;
/// Bytes of a head that are read, in heads of the size that is served: what is somewhat too long is refused as
/// any other request is, by name and in the log.
const HEADS: usize = 2;
/// Bytes of the heads of all requests that are served at a time, in heads: compressed they cost next to nothing
/// to send.
const HEADS_AT_A_TIME: usize = 8;
/// Requests on their way to their origins, and no more of their heads than may be in one: others are not looked at
/// before. To begin costs most.
const STARTING_MAX: usize = 8;
/// Requests under way of a client that takes nothing: beyond them no other is looked at.
const NARROW_MAX: usize = 64;
/// No stream that is known.
const NEXT_STREAM: u32 = u32::MAX;
/// A connection's window, in windows of a stream.
const STREAM_WINDOWS: u32 = 4;
/// SETTINGS, and GOAWAY with PROTOCOL_ERROR, for whoever does not speak HTTP/2.
const NOT_HTTP2: [u8; 26] = [
    0, 0, 0, 4, 0, 0, 0, 0, 0, //
    0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
];

/// What a connection begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data_plane) enum Arrival {
    /// Nothing: it ended, or took too long.
    Gone,
    /// HTTP/2's preface.
    Http2,
    /// Something else.
    Other,
}

type Accepted = Option<Result<(Request<RecvStream>, SendResponse<Bytes>), h2::Error>>;

#[expect(clippy::large_enum_variant, reason = "there is one at a time, taken apart at once: a box would cost more")]
enum Event {
    Accepted(Accepted),
    Broken,
    Excess,
    Quiet,
    /// Requests are taken again.
    Room,
    Stop,
    TurnEnded,
}

impl Arrival {
    /// Reads until it is known; what was read stays in the inbox.
    pub(in crate::data_plane) async fn read(http1: &mut Http1, edge: &Edge) -> Self {
        let deadline = Instant::now() + edge.timeouts.request_head;
        loop {
            let here = http1.inbox.len().min(PREFACE.len());
            if http1.inbox[..here] != PREFACE[..here] {
                return Self::Other;
            }
            if here == PREFACE.len() {
                return Self::Http2;
            }
            match timeout_at(deadline, http1.socket.read_late(&mut http1.inbox, READ_BYTES)).await {
                Ok(Ok(count)) if count > 0 => {}
                Ok(Ok(_) | Err(_)) | Err(_) => return Self::Gone,
            }
        }
    }
}

/// Serves a connection to its end.
pub(in crate::data_plane) async fn serve(worker: &Worker, edge: Arc<Edge>, client: Client, arrival: Arrival) {
    let Client { wire: Wire::Http1(Http1 { mut socket, mut inbox }), peer } = client else { return };
    socket.count_as(Side::ClientHttp2);
    let socket = Rc::new(socket);
    let end = match arrival {
        Arrival::Gone => Http2End::Client,
        Arrival::Other => {
            let _ = Box::pin(socket.write(&NOT_HTTP2, &[], &[], LINGER)).await;
            Http2End::Protocol
        }
        Arrival::Http2 => match Box::pin(opening::wait(worker, &edge, &socket, &mut inbox)).await {
            Opened::Asked(said) => {
                let link = Rc::new(Link::new(Rc::clone(&socket), &edge.http2));
                let transport = Transport::new((inbox, said), Rc::clone(&link));
                // In a box, so that a connection does not own the room for it before it is asked for anything.
                Box::pin(converse(worker, edge, (&peer, &link), transport)).await
            }
            Opened::Gone => Http2End::Client,
            Opened::Idle => Http2End::Idle,
        },
    };
    // In boxes, as what is said at the end: the connection does not own the room for it before.
    worker.shared.live.http2_ended[end as usize].fetch_add(1, Ordering::Relaxed);
    match end {
        Http2End::Client | Http2End::Idle => {}
        // The last word was ours, and a close with unread bytes would take it back.
        Http2End::Flood | Http2End::Protocol | Http2End::Stop => Box::pin(linger(&socket)).await,
    }
}

/// From the first request on.
async fn converse(
    worker: &Worker,
    edge: Arc<Edge>,
    (peer, link): (&Peer, &Rc<Link>),
    transport: Transport,
) -> Http2End {
    // In boxes: what is handed on by value stands in memory twice, for as long as the connection lives.
    let handshake = Box::pin(timeout(edge.timeouts.request_head, builder(&edge).handshake(transport)));
    let Ok(Ok(connection)) = handshake.await else { return Http2End::Client };
    let (end, rejected) = run(worker, edge, (peer, link), Box::new(connection)).await;
    if rejected > 0 {
        worker.shared.live.http2_rejected.fetch_add(rejected, Ordering::Relaxed);
        note_rejected(worker, peer, rejected);
    }
    end
}

/// One line for all requests of a connection that `h2` has answered for us, with 431 or RST_STREAM: nobody else has
/// seen their heads.
fn note_rejected(worker: &Worker, peer: &Peer, count: u64) {
    let now = worker.shared.clock.now();
    let mut record = Record::new(worker.request_id(), now, ("h2", peer), Rc::clone(&worker.events));
    record.outcome = Outcome::Refused(Why::MalformedRequest);
    record.detail = format!("requests that broke HTTP/2, or whose heads were far too long: {count}");
}

fn builder(edge: &Edge) -> Builder {
    let limits = &edge.http2;
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(limits.streams)
        .initial_window_size(limits.window_bytes)
        .initial_connection_window_size(limits.window_bytes.saturating_mul(STREAM_WINDOWS).min(i32::MAX as u32))
        .max_header_list_size(head_list_bytes(edge))
        .max_send_buffer_size(SEND_BUFFER_BYTES)
        .max_concurrent_reset_streams(RESET_STREAMS_MAX)
        // Those that wait are taken back as a matter of course; taking back is counted in `frames`.
        .max_pending_accept_reset_streams(limits.streams as usize)
        .max_local_error_reset_streams(Some(STREAM_ERRORS_MAX))
        .enable_connect_protocol();
    builder
}

/// The SETTINGS that a connection made by [`builder`] begins with.
pub(super) fn settings(edge: &Edge) -> Vec<u8> {
    // MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE, ENABLE_CONNECT_PROTOCOL.
    let values = [(3_u16, edge.http2.streams), (4, edge.http2.window_bytes), (6, head_list_bytes(edge)), (8, 1)];
    let mut frame = vec![0, 0, 6 * values.len() as u8, 4, 0, 0, 0, 0, 0];
    for (name, value) in values {
        frame.extend_from_slice(&name.to_be_bytes());
        frame.extend_from_slice(&value.to_be_bytes());
    }
    frame
}

fn head_list_bytes(edge: &Edge) -> u32 {
    u32::try_from(edge.limits.head_bytes.saturating_mul(HEADS)).unwrap_or(u32::MAX)
}

/// Runs requests until the connection ends; says why it did, and how many requests `h2` did not let through.
async fn run(
    worker: &Worker,
    edge: Arc<Edge>,
    (peer, link): (&Peer, &Rc<Link>),
    mut connection: Box<Connection<Transport, Bytes>>,
) -> (Http2End, u64) {
    let mut turns = FuturesUnordered::new();
    let mut stop = pin!(worker.stop.cancelled());
    let mut quiet = pin!(sleep(edge.timeouts.keep_alive));
    let (mut ending, mut accepted, mut rejected) = (None, 0, 0);
    loop {
        let event = poll_fn(|context| {
            let is_accepting = may_start(link, &edge, turns.len());
            let next = match is_accepting {
                true => connection.poll_accept(context),
                false => connection.poll_closed(context).map(|closed| closed.err().map(Err)),
            };
            if is_accepting && !matches!(next, Poll::Ready(Some(Ok(_)))) {
                // All that came has been looked at.
                rejected = link.frames.opened().saturating_sub(accepted);
            }
            if let Poll::Ready(next) = next {
                return Poll::Ready(Event::Accepted(next));
            }
            if let Poll::Ready(Err(_)) = link.poll_flush(context) {
                return Poll::Ready(Event::Broken);
            }
            if ending != Some(Http2End::Flood) && link.frames.has_excess() {
                return Poll::Ready(Event::Excess);
            }
            // All that can go on do: what they have to say is then written together.
            let mut has_ended = false;
            while let Poll::Ready(Some(())) = turns.poll_next_unpin(context) {
                has_ended = true;
            }
            if has_ended {
                return Poll::Ready(Event::TurnEnded);
            }
            if ending.is_none() && stop.as_mut().poll(context).is_ready() {
                return Poll::Ready(Event::Stop);
            }
            if turns.is_empty() && quiet.as_mut().poll(context).is_ready() {
                return Poll::Ready(Event::Quiet);
            }
            if !is_accepting && may_start(link, &edge, turns.len()) {
                return Poll::Ready(Event::Room);
            }
            Poll::Pending
        })
        .await;
        match event {
            Event::Accepted(Some(Ok((request, answer)))) => {
                accepted += 1;
                turns.extend(turn(worker, (peer, link), request, answer));
            }
            Event::Accepted(Some(Err(error))) => return (end_of(&error), rejected),
            Event::Accepted(None) | Event::Broken => return (ending.unwrap_or(Http2End::Client), rejected),
            Event::TurnEnded if turns.is_empty() => {
                let wait = if ending.is_some() { LINGER } else { edge.timeouts.keep_alive };
                quiet.as_mut().reset(Instant::now() + wait);
            }
            Event::TurnEnded | Event::Room => {}
            Event::Excess => {
                ending = Some(Http2End::Flood);
                connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
                turns.clear();
                quiet.as_mut().reset(Instant::now() + LINGER);
            }
            Event::Stop => {
                ending = Some(Http2End::Stop);
                connection.graceful_shutdown();
                quiet.as_mut().reset(Instant::now() + LINGER);
            }
            Event::Quiet => match ending {
                Some(end) => return (end, rejected),
                None => {
                    ending = Some(Http2End::Idle);
                    connection.graceful_shutdown();
                    quiet.as_mut().reset(Instant::now() + LINGER);
                }
            },
        }
    }
}

/// Whether another request may be looked at.
fn may_start(link: &Link, edge: &Edge, under_way: usize) -> bool {
    let (requests, bytes) = link.starting.get();
    let may_start = requests < STARTING_MAX && bytes < edge.limits.head_bytes;
    may_start && (under_way < NARROW_MAX || !(link.pressure.is_full() || link.is_narrow(NEXT_STREAM)))
}

/// A request's session, in a box of its own; none for a request that is one too many, which may come again.
fn turn<'a>(
    worker: &'a Worker,
    (peer, link): (&Peer, &Rc<Link>),
    request: Request<RecvStream>,
    mut answer: SendResponse<Bytes>,
) -> Option<Pin<Box<dyn Future<Output = ()> + 'a>>> {
    let (parts, body) = request.into_parts();
    let edge = worker.shared.edge.load_full();
    let limits = HeadLimits { bytes: edge.limits.head_bytes, fields: edge.limits.headers };
    let held = Held::of(head::bytes(&parts), link);
    if held.all() > limits.bytes.saturating_mul(HEADS_AT_A_TIME) {
        answer.send_reset(Reason::REFUSED_STREAM);
        return None;
    }
    let head = head::request(&parts, body.is_end_stream(), limits);
    let pace = Pace::new(edge.pressure.min_rate, edge.pressure.slow);
    let stream = Stream::new((body, answer), (Rc::clone(link), held.bytes), pace, Arc::clone(&worker.shared.live));
    let mut client = Client { wire: Wire::Http2(stream), peer: peer.clone() };
    Some(Box::pin(async move {
        let _held = held;
        let drain_bytes = edge.limits.drain_bytes;
        // What becomes of a stream is said by its drop.
        match (session::turn(worker, edge, &mut client, &head).await, &client.wire) {
            (After::Close | After::KeepAlive | After::Linger, Wire::Http2(stream)) => stream.linger(drain_bytes).await,
            (After::Cut, _) | (_, Wire::Http1(_)) => {}
        }
    }))
}

/// The bytes of a head, counted with those of the others until it is dropped.
struct Held {
    bytes: usize,
    link: Rc<Link>,
}

impl Held {
    fn of(bytes: usize, link: &Rc<Link>) -> Self {
        link.head_bytes.set(link.head_bytes.get() + bytes);
        Self { bytes, link: Rc::clone(link) }
    }

    fn all(&self) -> usize {
        self.link.head_bytes.get()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.link.head_bytes.set(self.link.head_bytes.get() - self.bytes);
    }
}

fn end_of(error: &h2::Error) -> Http2End {
    if error.is_io() || error.is_remote() || error.get_io().map(io::Error::kind).is_some() {
        return Http2End::Client;
    }
    match error.reason() {
        Some(Reason::ENHANCE_YOUR_CALM) => Http2End::Flood,
        Some(_) => Http2End::Protocol,
        None => Http2End::Client,
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use bytes::Bytes;
    use tokio::io::AsyncReadExt;

    use super::{builder, settings};
    use crate::config::Edge;

    #[tokio::test]
    async fn what_is_said_before_is_what_would_be_said() {
        let edge = Edge::default();
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let mut handshake = pin!(builder(&edge).handshake::<_, Bytes>(ours));
        let mut said = vec![0; settings(&edge).len()];
        tokio::select! {
            _ = handshake.as_mut() => panic!("nothing was answered"),
            read = theirs.read_exact(&mut said) => drop(read.unwrap()),
        }
        assert_eq!(said, settings(&edge));
    }
}

//! HTTP/2 with origins: a worker has one connection to each, and a stream of it for each request. What a
//! stream needs to know of the connection goes through `h2`; the connection has a task of its own.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use h2::{
    Ping, PingPong, Reason, RecvStream, SendStream,
    client::{Builder, ResponseFuture, SendRequest},
    ext::Protocol,
};
use http::{HeaderMap, Request, Uri};
use tokio::{sync::Notify, task::spawn_local, time::timeout};

use super::{Addresses, connect::connect, endpoint::Endpoint, spoken::Offer};
use crate::{
    config::Edge,
    data_plane::{
        head_writer::Gathered,
        http1::{Fields, Gathering, Piece, ResponseHead},
        request::passing_trailers,
        socket::{Counted, Side, Stream, WriteFault},
        worker::Worker,
    },
};

/// Bytes of an answer's body that an origin may send ahead of its client.
const WINDOW_BYTES: u32 = 256 << 10;
/// The same, of all answers of a connection.
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// Bytes of a request's body that are kept for the origin's window.
const SEND_BUFFER_BYTES: usize = 64 << 10;

/// The connection to an origin, while there is one.
#[derive(Default)]
pub(super) struct Shared {
    open: RefCell<Option<SendRequest<Bytes>>>,
    used_at: Cell<Option<Instant>>,
    /// Somebody is making one.
    is_opening: Cell<bool>,
    opened: Notify,
    /// Nobody has asked yet what the origin's SETTINGS are.
    ping: RefCell<Option<PingPong>>,
    /// They are here.
    is_settled: Cell<bool>,
    settled: Notify,
}

/// One request on its stream, and its answer.
pub(in crate::data_plane) struct Exchange(RefCell<Parts>);

struct Parts {
    answer: ResponseFuture,
    to: SendStream<Bytes>,
    from: Option<RecvStream>,
    /// Bytes that were given out; asking for more says that they went on.
    taken_bytes: usize,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The stream or the connection broke.
    Broken,
    /// The origin has not looked at the request, and says so (RFC 9113 section 8.7).
    Unprocessed,
}

/// Being the one who opens, until dropped.
struct Opening<'s>(&'s Shared);

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.is_opening.set(false);
        self.0.opened.notify_waiters();
    }
}

impl Shared {
    /// Forgets a connection that was not used for so long.
    pub(super) fn sweep(&self, age_max: Duration) {
        if self.used_at.get().is_some_and(|at| at.elapsed() >= age_max) {
            self.open.replace(None);
            self.used_at.set(None);
        }
    }

    /// Whether there is no connection.
    pub(super) fn is_closed(&self) -> bool {
        self.open.borrow().is_none()
    }

    /// Whether the origin takes WebSockets: it says so in its SETTINGS, and they are here once a ping has come back.
    pub(super) async fn takes_websockets(endpoint: &Rc<Endpoint>, sender: &SendRequest<Bytes>, wait: Duration) -> bool {
        let shared = &endpoint.http2;
        let settled = shared.settled.notified();
        if sender.is_extended_connect_protocol_enabled() || shared.is_settled.get() {
            return sender.is_extended_connect_protocol_enabled();
        }
        if let Some(mut ping) = shared.ping.take() {
            let endpoint = Rc::clone(endpoint);
            spawn_local(async move {
                let _ = ping.ping(Ping::opaque()).await;
                endpoint.http2.is_settled.set(true);
                endpoint.http2.settled.notify_waiters();
            });
        }
        let _ = timeout(wait, settled).await;
        sender.is_extended_connect_protocol_enabled()
    }

    fn current(&self) -> Option<SendRequest<Bytes>> {
        self.used_at.set(Some(Instant::now()));
        self.open.borrow().clone()
    }
}

/// The sender of requests to an origin, and whether its connection was there before. One that `is_stale`
/// is not asked. The error says what failed.
pub(super) async fn sender(
    endpoint: &Rc<Endpoint>,
    addresses: Addresses,
    (worker, edge): (&Worker, &Edge),
    is_stale: bool,
) -> Result<(SendRequest<Bytes>, bool), String> {
    let shared = &endpoint.http2;
    if is_stale {
        shared.open.replace(None);
    }
    loop {
        if let Some(sender) = shared.current() {
            // Waits for a free stream, where the origin allows few.
            match timeout(edge.timeouts.connect, sender.ready()).await {
                Ok(Ok(sender)) => return Ok((sender, true)),
                Ok(Err(_)) => drop(shared.open.replace(None)),
                Err(_) => return Err("the origin allows no more streams".to_owned()),
            }
        }
        let opened = shared.opened.notified();
        if shared.is_opening.replace(true) {
            opened.await;
            continue;
        }
        let _opening = Opening(shared);
        let stream = connect(&worker.pool.origins, &endpoint.state, Some(addresses), edge, Offer::Http2).await?;
        let sender = adopt(endpoint, stream, (worker, edge)).await?;
        let sender = sender.ready().await.map_err(|error| format!("HTTP/2: {error}"))?;
        return Ok((sender, false));
    }
}

/// Begins HTTP/2 on a new connection, which all requests share from now on.
pub(super) async fn adopt(
    endpoint: &Rc<Endpoint>,
    stream: Stream,
    (worker, edge): (&Worker, &Edge),
) -> Result<SendRequest<Bytes>, String> {
    let counted = Counted::new(&worker.shared.live, Side::Origin);
    let sender = timeout(edge.timeouts.connect, shake_hands(stream, counted, edge)).await;
    let (sender, ping) = sender.map_err(|_| "the origin did not begin HTTP/2 in time".to_owned())??;
    endpoint.http2.ping.replace(ping);
    endpoint.http2.is_settled.set(false);
    endpoint.http2.open.replace(Some(sender.clone()));
    endpoint.http2.used_at.set(Some(Instant::now()));
    Ok(sender)
}

async fn shake_hands(
    stream: Stream,
    counted: Counted,
    edge: &Edge,
) -> Result<(SendRequest<Bytes>, Option<PingPong>), String> {
    if let Stream::Tls(tls) = &stream
        && tls.get_ref().1.alpn_protocol() != Some(b"h2")
    {
        return Err("the origin does not speak HTTP/2".to_owned());
    }
    let mut builder = Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(u32::try_from(edge.limits.head_bytes).unwrap_or(u32::MAX))
        .max_send_buffer_size(SEND_BUFFER_BYTES);
    let (sender, mut connection) = builder.handshake(stream).await.map_err(|error| format!("HTTP/2: {error}"))?;
    let ping = connection.ping_pong();
    spawn_local(async move {
        let _counted = counted;
        // How it ends is told to its streams.
        let _ = connection.await;
    });
    Ok((sender, ping))
}

impl Exchange {
    /// Sends a request's head; `ends`: there is no body.
    pub(super) fn begin(
        mut sender: SendRequest<Bytes>,
        head: &Gathered,
        is_tls: bool,
        ends: bool,
    ) -> Result<Self, Fault> {
        let (authority, path) = &head.target;
        let uri = Uri::builder().scheme(if is_tls { "https" } else { "http" }).authority(authority.as_str());
        let uri = uri.path_and_query(path.as_str()).build().map_err(|_| Fault::Broken)?;
        let mut request = Request::new(());
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = head.fields.clone();
        // Its stream goes on.
        let ends = ends && head.protocol.is_none();
        if let Some(protocol) = head.protocol {
            request.extensions_mut().insert(Protocol::from_static(protocol));
        }
        let (answer, to) = sender.send_request(request, ends).map_err(|error| fault(&error))?;
        Ok(Self(RefCell::new(Parts { answer, to, from: None, taken_bytes: 0 })))
    }

    /// Puts another in the place of one that came to nothing.
    pub(super) fn replace(&self, other: Self) {
        self.0.replace(other.0.into_inner());
    }

    /// The next head that the origin sends.
    pub(super) async fn head(&self) -> Result<ResponseHead, Fault> {
        poll_fn(|context| {
            let mut parts = self.0.borrow_mut();
            if let Poll::Ready(Some(Ok(interim))) = parts.answer.poll_informational(context) {
                return Poll::Ready(Ok(head_of(interim.status().as_u16(), interim.headers())));
            }
            match Pin::new(&mut parts.answer).poll(context) {
                Poll::Ready(Ok(answer)) => {
                    let (head, body) = answer.into_parts();
                    parts.from = Some(body);
                    Poll::Ready(Ok(head_of(head.status.as_u16(), &head.headers)))
                }
                Poll::Ready(Err(error)) => Poll::Ready(Err(fault(&error))),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Sends some of the request's body. `idle` bounds each wait.
    pub(in crate::data_plane) async fn data(&self, mut piece: Bytes, idle: Duration) -> Result<(), WriteFault> {
        while !piece.is_empty() {
            let room = poll_fn(|context| self.poll_room(context, piece.len()));
            let room = timeout(idle, room).await.map_err(|_| WriteFault { written: 0 })??;
            let part = piece.split_to(room.min(piece.len()));
            self.0.borrow_mut().to.send_data(part, false).map_err(|_| WriteFault { written: 0 })?;
        }
        Ok(())
    }

    /// Ends the request's body.
    pub(in crate::data_plane) fn end(&self, trailers: &Fields) -> Result<(), WriteFault> {
        let mut fields = Gathered::default();
        passing_trailers(trailers).for_each(|(name, value)| fields.line(name, value));
        let to = &mut self.0.borrow_mut().to;
        let ended =
            if fields.fields.is_empty() { to.send_data(Bytes::new(), true) } else { to.send_trailers(fields.fields) };
        ended.map_err(|_| WriteFault { written: 0 })
    }

    /// What of the answer's body is here.
    pub(in crate::data_plane) fn ready(&self) -> Option<Piece> {
        match self.poll_piece(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(piece)) => Some(piece),
            // What broke is told to who waits.
            Poll::Ready(None) | Poll::Pending => None,
        }
    }

    /// The next of the answer's body, or its end; `None` if it broke off.
    pub(in crate::data_plane) async fn next(&self) -> Option<Piece> {
        poll_fn(|context| self.poll_piece(context)).await
    }

    /// The fields behind the answer's body, once it has ended.
    pub(in crate::data_plane) fn trailers(&self) -> Fields {
        let mut parts = self.0.borrow_mut();
        let Some(from) = &mut parts.from else { return Fields::default() };
        match from.poll_trailers(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(Some(trailers))) => gather(&trailers).fields(),
            Poll::Ready(Ok(None) | Err(_)) | Poll::Pending => Fields::default(),
        }
    }

    fn poll_room(&self, context: &mut Context<'_>, wanted: usize) -> Poll<Result<usize, WriteFault>> {
        let to = &mut self.0.borrow_mut().to;
        to.reserve_capacity(wanted);
        loop {
            if to.capacity() > 0 {
                return Poll::Ready(Ok(to.capacity()));
            }
            match to.poll_capacity(context) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(Err(WriteFault { written: 0 })),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn poll_piece(&self, context: &mut Context<'_>) -> Poll<Option<Piece>> {
        let mut parts = self.0.borrow_mut();
        let taken = std::mem::take(&mut parts.taken_bytes);
        let Some(from) = &mut parts.from else { return Poll::Ready(None) };
        if taken > 0 {
            // A stream that is gone has no window to open.
            let _ = from.flow_control().release_capacity(taken);
        }
        loop {
            match from.poll_data(context) {
                // An empty frame says nothing.
                Poll::Ready(Some(Ok(piece))) if piece.is_empty() => {}
                Poll::Ready(Some(Ok(piece))) => {
                    parts.taken_bytes = piece.len();
                    return Poll::Ready(Some(Piece::Data(piece)));
                }
                Poll::Ready(Some(Err(_))) => return Poll::Ready(None),
                Poll::Ready(None) => return Poll::Ready(Some(Piece::End)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

fn head_of(status: u16, fields: &HeaderMap) -> ResponseHead {
    gather(fields).response(status)
}

fn gather(fields: &HeaderMap) -> Gathering {
    let bytes = fields.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let mut gathering = Gathering::with_capacity(bytes, fields.len());
    for (name, value) in fields {
        gathering.line(name.as_str().as_bytes(), value.as_bytes());
    }
    gathering
}

fn fault(error: &h2::Error) -> Fault {
    let is_unprocessed = error.reason() == Some(Reason::REFUSED_STREAM) || (error.is_go_away() && error.is_remote());
    if is_unprocessed { Fault::Unprocessed } else { Fault::Broken }
}

//! The client's half of an exchange: its body flows to the origin, and its presence is watched,
//! while the other half waits, reads and writes.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};

use super::{
    client::Inlet,
    http1::{BodyFault, BodyReader, Fields, Framing as WireFraming, Piece, put_chunk_size},
    http2::Reset,
    request::{line, passing_trailers},
    socket::{READ_BYTES, Socket, WriteFault},
    stop::Stop,
    upstream::Way,
};
use crate::{
    config::Edge,
    domain::{message::Framing, policy::Reason},
};

/// Bytes of a body that go out together with the head, at most.
const WITH_HEAD_BYTES_MAX: usize = 32 << 10;

/// A piece that is smaller is joined with what follows it, up to so many bytes.
const SMALL_BYTES: usize = 1 << 10;
const JOINED_BYTES: usize = 16 << 10;

/// The body of a request, as it comes off the wire.
pub(super) struct RequestBody {
    /// Of HTTP/1.1; the streams of HTTP/2 say themselves what is body.
    reader: BodyReader,
    is_ended: bool,
    trailers: Fields,
    /// Read before and put back.
    ahead: Option<Bytes>,
    /// Goes to the origin in chunks.
    is_chunked: bool,
}

/// What can be wrong with it.
#[derive(Debug)]
pub(super) enum Fault {
    /// Its framing.
    Body(BodyFault),
    /// The stream was reset, for what the client wants or for what it sent.
    Gone,
}

/// How far the body has come; both halves see it.
pub(super) struct Progress {
    /// All of the body has been read and passed on.
    pub(super) done: Cell<bool>,
    /// Bytes of it that were read.
    pub(super) bytes: Cell<u64>,
    /// When the last of them were passed on.
    pub(super) moved_at: Cell<Instant>,
    /// What has passed of it, if somebody wants to read it.
    copy: RefCell<Copy>,
}

/// What has passed of a body, as long as it is short enough. In one piece: a client may cut it into bytes.
#[derive(Default)]
struct Copy {
    bytes_max: usize,
    bytes: Vec<u8>,
}

/// The client's half, running. It ends only where it stops the exchange.
pub(super) struct Upload<'a>(pub(super) Pin<&'a mut dyn Future<Output = Stop>>);

impl Upload<'_> {
    /// Runs the other half's next step, and this half beside it. The step stays where the caller pinned it:
    /// a future that is handed on by value stands in memory twice.
    pub(super) async fn race<T>(&mut self, mut step: Pin<&mut impl Future<Output = T>>) -> Result<T, Stop> {
        poll_fn(|context| match step.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(Ok(result)),
            Poll::Pending => self.0.as_mut().poll(context).map(Err),
        })
        .await
    }
}

impl RequestBody {
    /// A body of which nothing has been read.
    pub(super) fn new(framing: Framing) -> Self {
        let wire = match framing {
            Framing::None => WireFraming::None,
            Framing::Length(length) => WireFraming::Length(length),
            Framing::Chunked => WireFraming::Chunked,
        };
        let reader = BodyReader::new(wire);
        let is_ended = reader.is_ended();
        let is_chunked = framing == Framing::Chunked;
        Self { reader, is_ended, trailers: Fields::default(), ahead: None, is_chunked }
    }

    /// What of the body is here. Asking says that what was given before has been passed on, or kept.
    pub(super) fn ready(&mut self, inlet: &mut Inlet<'_>) -> Result<Piece, Fault> {
        if let Some(piece) = self.ahead.take() {
            return Ok(Piece::Data(piece));
        }
        if self.is_ended {
            return Ok(Piece::End);
        }
        let piece = match inlet {
            Inlet::Http1(_, inbox) => self.reader.next(inbox).map_err(Fault::Body)?,
            Inlet::Http2(stream) => stream.ready().map_err(|Reset| Fault::Gone)?,
        };
        self.note(inlet, piece)
    }

    /// The next of the body, or its end. `idle` bounds the wait.
    pub(super) async fn next(&mut self, inlet: &mut Inlet<'_>, idle: Duration) -> Result<Piece, Stop> {
        loop {
            let piece = self.ready(inlet)?;
            if piece != Piece::NeedInput {
                return Ok(piece);
            }
            match inlet {
                Inlet::Http1(socket, inbox) => match socket.read_body(inbox, READ_BYTES, idle).await {
                    Ok(count) if count > 0 => {}
                    Ok(_) => return Err(Stop::ClientGone),
                    Err(error) => return Err(Stop::slow(&error)),
                },
                Inlet::Http2(stream) => {
                    let piece = stream.next(idle).await.map_err(|error| Stop::slow(&error))?;
                    return Ok(self.note(inlet, piece)?);
                }
            }
        }
    }

    /// Puts back what was taken, before anything else is.
    pub(super) fn put_back(&mut self, taken: Bytes) {
        if !taken.is_empty() {
            self.ahead = Some(taken);
        }
    }

    /// A small piece with what is here behind it: a client may cut a body into bytes, and each would be a write.
    fn join(&mut self, inlet: &mut Inlet<'_>, piece: &[u8]) -> Result<Bytes, Fault> {
        let mut joined = BytesMut::from(piece);
        while joined.len() < JOINED_BYTES
            && let Piece::Data(piece) = self.ready(inlet)?
        {
            joined.extend_from_slice(&piece);
        }
        Ok(joined.freeze())
    }

    /// Appends to `out` what of the body is already here, as it goes to the origin.
    pub(super) fn put_ready(
        &mut self,
        inlet: &mut Inlet<'_>,
        out: &mut Vec<u8>,
        progress: &Progress,
    ) -> Result<(), Fault> {
        while out.len() < WITH_HEAD_BYTES_MAX && !progress.done.get() {
            match self.ready(inlet)? {
                Piece::Data(piece) => {
                    progress.add(piece.len());
                    progress.copy(&piece);
                    if self.is_chunked {
                        put_chunk_size(out, piece.len());
                    }
                    out.extend_from_slice(&piece);
                    if self.is_chunked {
                        out.extend_from_slice(b"\r\n");
                    }
                }
                Piece::End => {
                    self.put_end(out);
                    progress.done.set(true);
                }
                Piece::NeedInput => break,
            }
        }
        Ok(())
    }

    /// Reads the rest and throws it away. `false`: it is not to be had within these bounds.
    pub(super) async fn drain(&mut self, inlet: &mut Inlet<'_>, idle: Duration, bytes_max: u64) -> bool {
        let mut bytes = 0;
        self.ahead = None;
        loop {
            match self.next(inlet, idle).await {
                Ok(Piece::Data(piece)) => bytes += piece.len() as u64,
                Ok(Piece::End) => return true,
                Ok(Piece::NeedInput) | Err(_) => return false,
            }
            if bytes > bytes_max {
                return false;
            }
        }
    }

    /// Whether all of it has been read.
    pub(super) fn is_ended(&self) -> bool {
        self.is_ended
    }

    fn note(&mut self, inlet: &Inlet<'_>, piece: Piece) -> Result<Piece, Fault> {
        if piece == Piece::End {
            self.is_ended = true;
            self.trailers = match inlet {
                Inlet::Http1(..) => self.reader.take_trailers(),
                Inlet::Http2(stream) => stream.trailers().map_err(|Reset| Fault::Gone)?,
            };
        }
        Ok(piece)
    }

    /// Writes a piece to an origin that speaks HTTP/1.1; an empty one is the end.
    async fn write(
        &self,
        piece: Bytes,
        origin: &Socket,
        frame: &mut Vec<u8>,
        idle: Duration,
    ) -> Result<(), WriteFault> {
        frame.clear();
        let mut tail: &[u8] = b"";
        if piece.is_empty() {
            self.put_end(frame);
        } else if self.is_chunked {
            put_chunk_size(frame, piece.len());
            tail = b"\r\n";
        }
        origin.write(frame, &[piece], tail, idle).await
    }

    fn put_end(&self, out: &mut Vec<u8>) {
        if self.is_chunked {
            out.extend_from_slice(b"0\r\n");
            for (name, value) in passing_trailers(&self.trailers) {
                line(out, name, value);
            }
            out.extend_from_slice(b"\r\n");
        }
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Body(fault) => Self::refused(Reason::MalformedRequest, fault.as_str()),
            Fault::Gone => Self::ClientGone,
        }
    }
}

impl Progress {
    /// Nothing yet.
    pub(super) fn new(now: Instant) -> Self {
        Self { done: Cell::new(false), bytes: Cell::new(0), moved_at: Cell::new(now), copy: RefCell::default() }
    }

    /// Keeps a copy of what passes, up to so many bytes.
    pub(super) fn copy_up_to(&self, bytes_max: usize) {
        self.copy.borrow_mut().bytes_max = bytes_max;
    }

    /// What was copied so far; nothing more is.
    pub(super) fn take_copy(&self) -> Vec<u8> {
        std::mem::take(&mut *self.copy.borrow_mut()).bytes
    }

    fn copy(&self, piece: &[u8]) {
        let mut copy = self.copy.borrow_mut();
        if copy.bytes.len() < copy.bytes_max {
            copy.bytes.extend_from_slice(piece);
        }
    }

    fn add(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes as u64);
        self.moved_at.set(Instant::now());
    }
}

/// Passes the rest of the body on, then watches the client. Backpressure is that nothing is read
/// before what was read is written.
pub(super) async fn run(
    mut inlet: Inlet<'_>,
    body: &mut RequestBody,
    origin: Way<'_>,
    progress: &Progress,
    edge: &Edge,
) -> Stop {
    if !progress.done.get() {
        // In a box: most requests have nothing more to bring, and do not own the room for it.
        let passed = Box::pin(pass(&mut inlet, body, origin, progress, edge)).await;
        if let Err(stop) = passed {
            return stop;
        }
    }
    inlet.gone(progress.done.get()).await;
    Stop::ClientGone
}

/// Passes the rest of the body on, as far as the origin takes it.
async fn pass(
    inlet: &mut Inlet<'_>,
    body: &mut RequestBody,
    origin: Way<'_>,
    progress: &Progress,
    edge: &Edge,
) -> Result<(), Stop> {
    let mut frame = Vec::new();
    while !progress.done.get() {
        let piece = match body.next(inlet, edge.timeouts.client_idle).await {
            Ok(Piece::Data(piece)) if piece.len() < SMALL_BYTES => match body.join(inlet, &piece) {
                Ok(joined) => joined,
                Err(fault) => return Err(fault.into()),
            },
            Ok(Piece::Data(piece)) => piece,
            Ok(Piece::End | Piece::NeedInput) => Bytes::new(),
            Err(stop) => return Err(stop),
        };
        let length = piece.len();
        let is_last = piece.is_empty();
        progress.copy(&piece);
        let idle = edge.timeouts.origin_idle;
        let written = match origin {
            Way::Http1(socket) => body.write(piece, socket, &mut frame, idle).await,
            Way::Http2(exchange) if is_last => exchange.end(&body.trailers),
            Way::Http2(exchange) => exchange.data(piece, idle).await,
        };
        if written.is_err() {
            // The origin reads no more of it; it may have answered all the same.
            break;
        }
        progress.add(length);
        progress.done.set(is_last);
    }
    Ok(())
}

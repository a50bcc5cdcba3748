//! The client's half of an exchange: its body flows to the origin, and its presence is watched,
//! while the other half waits, reads and writes.

use std::{
    cell::{Cell, RefCell},
    future::{Future, pending, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Instant,
};

use bytes::{Bytes, BytesMut};

use super::{
    http1::{BodyFault, BodyReader, Framing as WireFraming, Piece, put_chunk_size},
    request::put_trailers,
    socket::{READ_BYTES, Socket},
    stop::Stop,
};
use crate::{
    config::Edge,
    domain::{message::Framing, policy::Reason},
};

/// Bytes that may pile up behind a request while its response is on the way.
const AHEAD_BYTES_MAX: usize = 16 << 10;
/// Bytes of a body that go out together with the head, at most.
const WITH_HEAD_BYTES_MAX: usize = 32 << 10;

/// The body of a request, as it comes off the wire.
pub(super) struct RequestBody {
    reader: BodyReader,
    chunked: bool,
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

/// What has passed of a body, as long as it is short enough.
#[derive(Default)]
struct Copy {
    bytes_max: usize,
    bytes: usize,
    pieces: Vec<Bytes>,
}

/// The client's half, running. It ends only where it stops the exchange.
pub(super) struct Upload<'a>(pub(super) Pin<&'a mut dyn Future<Output = Stop>>);

impl Upload<'_> {
    /// Runs the other half's next step, and this half beside it.
    pub(super) async fn race<T>(&mut self, step: impl Future<Output = T>) -> Result<T, Stop> {
        let mut step = pin!(step);
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
        Self { reader: BodyReader::new(wire), chunked: framing == Framing::Chunked }
    }

    /// Appends to `out` what of the body is already here, as it goes to the origin.
    pub(super) fn put_ready(
        &mut self,
        inbox: &mut BytesMut,
        out: &mut Vec<u8>,
        progress: &Progress,
    ) -> Result<(), BodyFault> {
        while out.len() < WITH_HEAD_BYTES_MAX && !progress.done.get() {
            match self.reader.next(inbox)? {
                Piece::Data(piece) => {
                    progress.add(piece.len());
                    progress.copy(&piece);
                    if self.chunked {
                        put_chunk_size(out, piece.len());
                    }
                    out.extend_from_slice(&piece);
                    if self.chunked {
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
    pub(super) async fn drain(&mut self, socket: &Socket, inbox: &mut BytesMut, bytes_max: u64) -> bool {
        let mut bytes = 0;
        loop {
            match self.reader.next(inbox) {
                Ok(Piece::Data(piece)) => bytes += piece.len() as u64,
                Ok(Piece::End) => return true,
                Ok(Piece::NeedInput) => match socket.read(inbox, READ_BYTES).await {
                    Ok(count) if count > 0 => {}
                    Ok(_) | Err(_) => return false,
                },
                Err(_) => return false,
            }
            if bytes > bytes_max {
                return false;
            }
        }
    }

    /// Whether all of it has been read.
    pub(super) fn is_ended(&self) -> bool {
        self.reader.is_ended()
    }

    fn put_end(&self, out: &mut Vec<u8>) {
        if self.chunked {
            out.extend_from_slice(b"0\r\n");
            put_trailers(out, self.reader.trailers());
        }
    }
}

impl Progress {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self {
            done: Cell::new(false),
            bytes: Cell::new(0),
            moved_at: Cell::new(Instant::now()),
            copy: RefCell::default(),
        }
    }

    /// Keeps a copy of what passes, up to so many bytes.
    pub(super) fn copy_up_to(&self, bytes_max: usize) {
        self.copy.borrow_mut().bytes_max = bytes_max;
    }

    /// What was copied so far; nothing more is.
    pub(super) fn take_copy(&self) -> Vec<Bytes> {
        std::mem::take(&mut *self.copy.borrow_mut()).pieces
    }

    fn copy(&self, piece: &Bytes) {
        let mut copy = self.copy.borrow_mut();
        if copy.bytes < copy.bytes_max {
            copy.bytes += piece.len();
            copy.pieces.push(piece.clone());
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
    (client, inbox): (&Socket, &mut BytesMut),
    body: &mut RequestBody,
    origin: &Socket,
    progress: &Progress,
    edge: &Edge,
) -> Stop {
    let mut frame = Vec::new();
    while !progress.done.get() {
        let piece = match body.reader.next(inbox) {
            Ok(Piece::Data(piece)) => {
                if body.chunked {
                    put_chunk_size(&mut frame, piece.len());
                }
                piece
            }
            Ok(Piece::End) => {
                body.put_end(&mut frame);
                Bytes::new()
            }
            Ok(Piece::NeedInput) => match client.read_body(inbox, READ_BYTES, edge.timeouts.client_idle).await {
                Ok(count) if count > 0 => continue,
                Ok(_) => return Stop::ClientGone,
                Err(error) => return Stop::slow(&error),
            },
            Err(fault) => return Stop::refused(Reason::MalformedRequest, fault.as_str()),
        };
        let tail: &[u8] = if body.chunked && !piece.is_empty() { b"\r\n" } else { b"" };
        let length = piece.len();
        let is_last = piece.is_empty();
        progress.copy(&piece);
        let written = origin.write(&frame, &[piece], tail, edge.timeouts.origin_idle).await;
        if written.is_err() {
            // The origin reads no more of it; it may have answered all the same.
            return pending().await;
        }
        frame.clear();
        progress.add(length);
        progress.done.set(is_last);
    }
    loop {
        if inbox.len() >= AHEAD_BYTES_MAX {
            return pending().await;
        }
        match client.read(inbox, READ_BYTES).await {
            Ok(count) if count > 0 => {}
            Ok(_) | Err(_) => return Stop::ClientGone,
        }
    }
}

//! The response on its way to the client: a head that waits for the first bytes of the body, so
//! that both leave in one write, and the framing of what follows.

use std::{pin::pin, time::Duration};

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::{
    client::Outlet,
    head_writer::{Gathered, HeadWriter},
    http1::{Fields, ResponseHead, put_chunk_size},
    http2::{self, TextTurn},
    record::Record,
    request::{line, passing_trailers},
    response::{self, OutFraming},
    socket::{Socket, WriteFault},
    stop::Stop,
    upload::Upload,
};
use crate::domain::event::Outcome;

/// What is longer may fill what the kernel has for a client.
const LONG_BYTES: usize = 64 << 10;

/// What is shorter is copied behind its head: for the kernel one buffer is less than two.
const WITH_HEAD_BYTES_MAX: u64 = 1 << 10;

/// The client's end of a response.
pub(super) struct Downstream<'a> {
    outlet: Outlet<'a>,
    /// The client's own half of the exchange, which goes on meanwhile.
    pub(super) upload: Upload<'a>,
    /// Between two writes.
    idle: Duration,
    framing: OutFraming,
    /// Bytes of the body that were sent.
    sent_bytes: usize,
    /// Bytes of a body of known length that are still to come.
    left: u64,
    /// What goes out before the next piece.
    out: HeadWriter,
    /// There is a head in it.
    has_head: bool,
}

/// How a body goes on after some pieces.
#[derive(Clone, Copy)]
enum Then<'a> {
    Ends(&'a Fields),
    GoesOn,
}

impl<'a> Downstream<'a> {
    /// Nothing has been sent.
    pub(super) fn new(outlet: Outlet<'a>, upload: Upload<'a>, idle: Duration) -> Self {
        Self {
            outlet,
            upload,
            idle,
            framing: OutFraming::None,
            sent_bytes: 0,
            left: 0,
            out: outlet.head(),
            has_head: false,
        }
    }

    /// Sends an interim response.
    pub(super) async fn interim(&mut self, reply: &ResponseHead) -> Result<(), Stop> {
        response::put_interim(&mut self.out, reply);
        match (self.outlet, &mut self.out) {
            (Outlet::Http2(stream), HeadWriter::Http2(head)) => {
                stream.interim(std::mem::take(&mut **head)).map_err(|WriteFault { .. }| Stop::ClientGone)
            }
            (Outlet::Http1(_) | Outlet::Http2(_), _) => self.send(&mut Vec::new(), Then::GoesOn).await,
        }
    }

    /// Says that the origin has switched protocols; returns the status that says it.
    pub(super) async fn switch(&mut self, reply: &ResponseHead) -> Result<u16, Stop> {
        match self.outlet {
            Outlet::Http1(_) => {
                self.interim(reply).await?;
                Ok(reply.status)
            }
            Outlet::Http2(_) => {
                response::put_tunnel(&mut self.out, reply);
                self.has_head = true;
                self.send(&mut Vec::new(), Then::GoesOn).await?;
                Ok(200)
            }
        }
    }

    /// Makes the head ready; it goes out with the first write.
    pub(super) fn begin(&mut self, reply: &ResponseHead, context: &response::Context<'_>, record: &mut Record) {
        self.framing = context.framing;
        self.left = if let OutFraming::Length(length) = context.framing { length } else { 0 };
        self.has_head = true;
        record.status = reply.status;
        let with_head = if self.left <= WITH_HEAD_BYTES_MAX { self.left as usize } else { 0 };
        self.out.make_room(reply.fields.bytes() + with_head);
        response::put_head(&mut self.out, reply, context);
    }

    /// Where it goes.
    pub(super) fn outlet(&self) -> Outlet<'a> {
        self.outlet
    }

    /// Whether what the kernel has for a client may be full.
    pub(super) fn has_sent_much(&self) -> bool {
        self.sent_bytes >= LONG_BYTES
    }

    /// Whether the client takes no more now. A connection is asked for long bodies only: what is short fits anyway.
    pub(super) fn is_full(&self) -> bool {
        match self.outlet {
            Outlet::Http1(socket) => self.has_sent_much() && !socket.has_room(),
            Outlet::Http2(stream) => !stream.has_room(),
        }
    }

    /// Waits until a text may be read for the client.
    pub(super) async fn text_turn<'w>(&mut self, narrow: &'w Semaphore) -> Result<TextTurn<'w>, Stop> {
        match self.outlet {
            Outlet::Http1(_) => Ok(TextTurn::alone()),
            // In a box: texts over HTTP/1.1 do not own the room for it.
            Outlet::Http2(stream) => {
                let mut turn = Box::pin(stream.text_turn(narrow, self.idle));
                self.upload.race(turn.as_mut()).await?.map_err(|_| Stop::ClientGone)
            }
        }
    }

    /// Waits until the client takes more.
    pub(super) async fn room(&mut self) -> Result<(), Stop> {
        let room = self.outlet.room(self.idle);
        self.upload.race(pin!(room)).await?.map_err(|_| Stop::ClientGone)
    }

    /// Sends these pieces, and empties the list.
    pub(super) async fn write(&mut self, pieces: &mut Vec<Bytes>, record: &mut Record) -> Result<(), Stop> {
        self.put(pieces, Then::GoesOn, record).await
    }

    /// Sends the last pieces and ends the body.
    pub(super) async fn finish(
        &mut self,
        pieces: &mut Vec<Bytes>,
        trailers: &Fields,
        record: &mut Record,
    ) -> Result<(), Stop> {
        let length: usize = pieces.iter().map(Bytes::len).sum();
        if self.framing != OutFraming::None && self.left > length as u64 {
            // What is missing must not look whole.
            self.put(pieces, Then::GoesOn, record).await?;
            return Err(Stop::Cut(Outcome::OriginBroke));
        }
        self.put(pieces, Then::Ends(trailers), record).await
    }

    async fn put(&mut self, pieces: &mut Vec<Bytes>, then: Then<'_>, record: &mut Record) -> Result<(), Stop> {
        let length: usize = pieces.iter().map(Bytes::len).sum();
        match self.framing {
            OutFraming::Length(_) => {
                self.left = self.left.checked_sub(length as u64).ok_or(Stop::Cut(Outcome::OriginBroke))?;
            }
            OutFraming::None => pieces.clear(),
            OutFraming::Chunked | OutFraming::Close | OutFraming::Frames => {}
        }
        self.send(pieces, then).await?;
        self.sent_bytes += length;
        if self.framing != OutFraming::None {
            record.response_bytes += length as u64;
        }
        pieces.clear();
        Ok(())
    }

    async fn send(&mut self, pieces: &mut Vec<Bytes>, then: Then<'_>) -> Result<(), Stop> {
        let has_head = std::mem::take(&mut self.has_head);
        let written = match (self.outlet, &mut self.out) {
            (Outlet::Http1(socket), HeadWriter::Http1(frame)) => {
                let write = write_text((socket, frame), self.framing, pieces, then, self.idle);
                self.upload.race(pin!(write)).await?
            }
            (Outlet::Http2(stream), HeadWriter::Http2(head)) => {
                let head = has_head.then(|| std::mem::take(head));
                let write = write_frames((stream, head), pieces, then, self.idle);
                self.upload.race(pin!(write)).await?
            }
            (Outlet::Http1(_), HeadWriter::Http2(_)) | (Outlet::Http2(_), HeadWriter::Http1(_)) => {
                Err(WriteFault { written: 0 })
            }
        };
        written.map_err(|_| Stop::ClientGone)
    }
}

/// As bytes: what stands in `frame`, a chunk where there are chunks, and what ends the body.
async fn write_text(
    (socket, frame): (&Socket, &mut Vec<u8>),
    framing: OutFraming,
    pieces: &[Bytes],
    then: Then<'_>,
    idle: Duration,
) -> Result<(), WriteFault> {
    let length: usize = pieces.iter().map(Bytes::len).sum();
    let mut last = Vec::new();
    let mut tail: &[u8] = b"";
    if framing == OutFraming::Chunked {
        if length > 0 {
            put_chunk_size(frame, length);
            tail = b"\r\n";
        }
        if let Then::Ends(trailers) = then {
            last.extend_from_slice(tail);
            last.extend_from_slice(b"0\r\n");
            passing_trailers(trailers).for_each(|(name, value)| line(&mut last, name, value));
            last.extend_from_slice(b"\r\n");
            tail = &last;
        }
    }
    if frame.is_empty() && pieces.is_empty() && tail.is_empty() {
        return Ok(());
    }
    let mut pieces = pieces;
    if !frame.is_empty() && length <= frame.capacity() - frame.len() && tail.is_empty() {
        pieces.iter().for_each(|piece| frame.extend_from_slice(piece));
        pieces = &[];
    }
    socket.write(frame, pieces, tail, idle).await?;
    frame.clear();
    Ok(())
}

/// As frames: the head if there is one, the pieces, and what ends the stream.
async fn write_frames(
    (stream, head): (&http2::Stream, Option<Box<Gathered>>),
    pieces: &mut Vec<Bytes>,
    then: Then<'_>,
    idle: Duration,
) -> Result<(), WriteFault> {
    let (ends, trailers) = match then {
        Then::Ends(fields) => (passing_trailers(fields).next().is_none(), Some(fields)),
        Then::GoesOn => (false, None),
    };
    pieces.retain(|piece| !piece.is_empty());
    let ends_with_head = ends && pieces.is_empty() && head.is_some();
    if let Some(head) = head {
        stream.respond(*head, ends_with_head)?;
    }
    if ends_with_head {
        return Ok(());
    }
    let count = pieces.len();
    for (index, piece) in pieces.drain(..).enumerate() {
        stream.data(piece, ends && index + 1 == count, idle).await?;
    }
    match trailers {
        Some(_) if ends && count > 0 => Ok(()),
        Some(_) if ends => stream.data(Bytes::new(), true, idle).await,
        Some(fields) => {
            let mut trailers = Gathered::default();
            passing_trailers(fields).for_each(|(name, value)| trailers.line(name, value));
            stream.end_with(trailers.fields)
        }
        None => Ok(()),
    }
}

//! The body of an origin's response, as it comes off the wire.

use std::{pin::pin, time::Instant};

use bytes::{Bytes, BytesMut};
use tokio::time::timeout_at;

use super::{
    http1::{BodyFault, BodyReader, Fields, Framing, Piece},
    socket::{KEPT_BYTES, KEPT_BYTES_MAX, ROOM_BYTES, Socket},
    stop::Stop,
    upload::Upload,
    upstream::{Exchange, Way},
};
use crate::{config::Edge, domain::policy::Reason};

/// The body.
pub(super) struct Source<'a> {
    from: From<'a>,
    edge: &'a Edge,
    trailers: Fields,
    is_ended: bool,
    is_kept: bool,
    /// Bytes that are wanted.
    wanted_bytes: usize,
    /// Bytes that were read to be passed on.
    passed_bytes: usize,
}

/// So much the kernel takes for any client, whether that reads it or not: up to here reads are large. Behind it
/// what a client does not take is here, and a read is no larger than that may be.
const TAKEN_BYTES: usize = 192 << 10;

/// Bytes that a read makes room for at least.
const WANTED_BYTES_LEAST: usize = 2 << 10;
/// The same for a client that has been waited for: what is in hand then waits with it.
const SLOW_BYTES: usize = 16 << 10;

/// Where it comes from.
enum From<'a> {
    Http1 { socket: &'a Socket, inbox: &'a mut BytesMut, reader: BodyReader, read_bytes: usize },
    Http2(&'a Exchange),
}

/// What came.
#[derive(Debug)]
pub(super) enum Next {
    /// The connection closed, was silent for too long, or broke the framing, in the middle: the
    /// reason to give where there is still an answer to give, and what happened.
    Broken(Reason, &'static str),
    /// Some of the body.
    Data(Bytes),
    /// Its end.
    End,
    /// Nothing until the moment that the caller set.
    Late,
}

impl<'a> Source<'a> {
    /// A body that begins in `inbox`, or on its stream.
    pub(super) fn new(way: Way<'a>, inbox: &'a mut BytesMut, framing: Framing, edge: &'a Edge) -> Self {
        let from = match way {
            Way::Http1(socket) => {
                let read_bytes = match framing {
                    Framing::Length(length) if length > KEPT_BYTES as u64 => KEPT_BYTES_MAX,
                    Framing::None | Framing::Length(_) | Framing::Chunked | Framing::UntilClose => KEPT_BYTES,
                };
                From::Http1 { socket, inbox, reader: BodyReader::new(framing), read_bytes }
            }
            Way::Http2(exchange) => From::Http2(exchange),
        };
        Self {
            from,
            edge,
            trailers: Fields::default(),
            is_ended: framing == Framing::None,
            is_kept: false,
            wanted_bytes: usize::MAX,
            passed_bytes: 0,
        }
    }

    /// Says that pieces will be kept for a while: they are to share their memory, however small they are, instead
    /// of being on their way in the worker's.
    pub(super) fn keep(&mut self) {
        self.is_kept = true;
        if let From::Http1 { inbox, .. } = &mut self.from
            && inbox.len() <= KEPT_BYTES
        {
            **inbox = BytesMut::from(&inbox[..]);
        }
    }

    /// Says how much is wanted of what is kept: for more no room is made.
    pub(super) fn want(&mut self, bytes: usize) {
        self.wanted_bytes = bytes.max(WANTED_BYTES_LEAST);
    }

    /// What is here already, without waiting.
    pub(super) fn ready(&mut self) -> Option<Next> {
        if self.is_ended {
            return Some(Next::End);
        }
        let piece = match &mut self.from {
            From::Http1 { inbox, reader, .. } => match reader.next(inbox) {
                Ok(piece) => piece,
                Err(fault) => return Some(Next::Broken(Reason::OriginProtocol, fault.as_str())),
            },
            From::Http2(exchange) => exchange.ready()?,
        };
        match piece {
            Piece::Data(piece) => Some(Next::Data(piece)),
            Piece::End => Some(self.end()),
            Piece::NeedInput => None,
        }
    }

    /// The next of the body; [`Next::Late`] if it has not come until `until`.
    pub(super) async fn next(&mut self, upload: &mut Upload<'_>, until: Option<Instant>) -> Result<Next, Stop> {
        let idle_until = Instant::now() + self.edge.timeouts.origin_idle;
        let deadline = until.map_or(idle_until, |until| until.min(idle_until));
        loop {
            if let Some(next) = self.ready() {
                return Ok(next);
            }
            match &mut self.from {
                From::Http1 { socket, inbox, reader, read_bytes } => {
                    let room_bytes = if self.passed_bytes < TAKEN_BYTES { ROOM_BYTES } else { KEPT_BYTES_MAX };
                    let kept_bytes = (*read_bytes).min(self.wanted_bytes);
                    let read = async {
                        match self.is_kept {
                            true => socket.read_sparing(inbox, kept_bytes).await,
                            false => socket.read_late(inbox, room_bytes).await,
                        }
                    };
                    let read = upload.race(pin!(socket.until(deadline.into(), read))).await?;
                    match read {
                        Some(Ok(count)) if count > 0 => {
                            self.passed_bytes += count;
                            if count >= *read_bytes {
                                *read_bytes = KEPT_BYTES_MAX;
                            }
                            continue;
                        }
                        // A reset is no end, not even of a body that ends with the connection.
                        Some(Ok(_)) => {
                            let broken = |fault: BodyFault| Next::Broken(Reason::OriginProtocol, fault.as_str());
                            return Ok(match reader.closed() {
                                Ok(()) => self.end(),
                                Err(fault) => broken(fault),
                            });
                        }
                        Some(Err(_)) => {
                            return Ok(Next::Broken(Reason::OriginProtocol, "the origin reset the connection"));
                        }
                        None => {}
                    }
                }
                From::Http2(exchange) => match upload.race(pin!(timeout_at(deadline.into(), exchange.next()))).await? {
                    Ok(Some(Piece::Data(piece))) => return Ok(Next::Data(piece)),
                    Ok(Some(Piece::End)) => return Ok(self.end()),
                    Ok(Some(Piece::NeedInput)) => continue,
                    Ok(None) => return Ok(Next::Broken(Reason::OriginProtocol, "the origin reset the stream")),
                    Err(_) => {}
                },
            }
            return Ok(match deadline < idle_until {
                true => Next::Late,
                false => Next::Broken(Reason::OriginTimeout, "the origin sent nothing for too long"),
            });
        }
    }

    /// Gives back the room for more: nothing is read for a while.
    pub(super) fn give_back(&mut self) {
        self.wanted_bytes = SLOW_BYTES;
        if let From::Http1 { inbox, .. } = &mut self.from
            && inbox.is_empty()
        {
            **inbox = BytesMut::new();
        }
    }

    /// The body has ended, and no byte follows it.
    pub(super) fn is_clean_end(&self) -> bool {
        match &self.from {
            From::Http1 { inbox, reader, .. } => reader.is_ended() && inbox.is_empty(),
            From::Http2(_) => self.is_ended,
        }
    }

    /// The fields behind the body.
    pub(super) fn trailers(&self) -> &Fields {
        &self.trailers
    }

    fn end(&mut self) -> Next {
        self.is_ended = true;
        self.trailers = match &mut self.from {
            From::Http1 { reader, .. } => reader.take_trailers(),
            From::Http2(exchange) => exchange.trailers(),
        };
        Next::End
    }
}

//! The body of an origin's response, as it comes off the wire.

use std::{pin::pin, time::Instant};

use bytes::{Bytes, BytesMut};
use tokio::time::timeout_at;

use super::{
    http1::{BodyFault, BodyReader, Fields, Framing, Piece},
    socket::{ANSWER_BYTES, READ_BYTES_MAX, Socket},
    stop::Stop,
    upload::Upload,
};
use crate::{config::Edge, domain::policy::Reason};

/// The body.
pub(super) struct Source<'a> {
    socket: &'a Socket,
    inbox: &'a mut BytesMut,
    reader: BodyReader,
    read_bytes: usize,
    edge: &'a Edge,
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
    /// A body that begins in `inbox`.
    pub(super) fn new(socket: &'a Socket, inbox: &'a mut BytesMut, framing: Framing, edge: &'a Edge) -> Self {
        let read_bytes = match framing {
            Framing::Length(length) if length > ANSWER_BYTES as u64 => READ_BYTES_MAX,
            Framing::None | Framing::Length(_) | Framing::Chunked | Framing::UntilClose => ANSWER_BYTES,
        };
        Self { socket, inbox, reader: BodyReader::new(framing), read_bytes, edge }
    }

    /// What is here already, without waiting.
    pub(super) fn ready(&mut self) -> Option<Next> {
        match self.reader.next(self.inbox) {
            Ok(Piece::Data(piece)) => Some(Next::Data(piece)),
            Ok(Piece::End) => Some(Next::End),
            Ok(Piece::NeedInput) => None,
            Err(fault) => Some(Next::Broken(Reason::OriginProtocol, fault.as_str())),
        }
    }

    /// The next of the body; [`Next::Late`] if it has not come until `until`.
    pub(super) async fn next(&mut self, upload: &mut Upload<'_>, until: Option<Instant>) -> Result<Next, Stop> {
        let idle_until = Instant::now() + self.edge.timeouts.origin_idle;
        loop {
            if let Some(next) = self.ready() {
                return Ok(next);
            }
            let deadline = until.map_or(idle_until, |until| until.min(idle_until));
            let read = timeout_at(deadline.into(), self.socket.read(self.inbox, self.read_bytes));
            match upload.race(pin!(read)).await? {
                Ok(Ok(count)) if count > 0 => {
                    if count >= self.read_bytes {
                        self.read_bytes = READ_BYTES_MAX;
                    }
                }
                // A reset is no end, not even of a body that ends with the connection.
                Ok(Ok(_)) => {
                    let broken = |fault: BodyFault| Next::Broken(Reason::OriginProtocol, fault.as_str());
                    return Ok(self.reader.closed().map_or_else(broken, |()| Next::End));
                }
                Ok(Err(_)) => {
                    return Ok(Next::Broken(Reason::OriginProtocol, "the origin reset the connection"));
                }
                Err(_) if deadline < idle_until => return Ok(Next::Late),
                Err(_) => return Ok(Next::Broken(Reason::OriginTimeout, "the origin sent nothing for too long")),
            }
        }
    }

    /// The body has ended, and no byte follows it.
    pub(super) fn is_clean_end(&self) -> bool {
        self.reader.is_ended() && self.inbox.is_empty()
    }

    /// The fields behind the body.
    pub(super) fn trailers(&self) -> &Fields {
        self.reader.trailers()
    }
}

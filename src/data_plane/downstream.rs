//! The response on its way to the client: a head that waits for the first bytes of the body, so
//! that both leave in one write, and the framing of what follows.

use std::time::Duration;

use bytes::Bytes;

use super::{
    http1::{Fields, ResponseHead, put_chunk_size},
    record::Record,
    request::put_trailers,
    response::{self, OutFraming},
    socket::Socket,
    stop::Stop,
    upload::Upload,
};
use crate::domain::event::Outcome;

/// The client's end of a response.
pub(super) struct Downstream<'a> {
    /// The client.
    pub(super) socket: &'a Socket,
    /// Its own half of the exchange, which goes on meanwhile.
    pub(super) upload: Upload<'a>,
    /// Between two writes.
    pub(super) idle: Duration,
    framing: OutFraming,
    /// Bytes of a body of known length that are still to come.
    left: u64,
    frame: Vec<u8>,
}

impl<'a> Downstream<'a> {
    /// Nothing has been sent.
    pub(super) fn new(socket: &'a Socket, upload: Upload<'a>, idle: Duration) -> Self {
        Self { socket, upload, idle, framing: OutFraming::None, left: 0, frame: Vec::new() }
    }

    /// Sends an interim response.
    pub(super) async fn interim(&mut self, reply: &ResponseHead) -> Result<(), Stop> {
        response::put_interim(&mut self.frame, reply);
        self.send(&[], &[]).await
    }

    /// Makes the head ready; it goes out with the first write.
    pub(super) fn begin(&mut self, reply: &ResponseHead, context: &response::Context, record: &mut Record) {
        self.framing = context.framing;
        self.left = if let OutFraming::Length(length) = context.framing { length } else { 0 };
        record.status = reply.status;
        response::put_head(&mut self.frame, reply, context);
    }

    /// Sends these pieces, and empties the list.
    pub(super) async fn write(&mut self, pieces: &mut Vec<Bytes>, record: &mut Record) -> Result<(), Stop> {
        let length: usize = pieces.iter().map(Bytes::len).sum();
        let tail: &[u8] = match self.framing {
            OutFraming::Chunked if length > 0 => {
                put_chunk_size(&mut self.frame, length);
                b"\r\n"
            }
            OutFraming::Length(_) => {
                self.left = self.left.checked_sub(length as u64).ok_or(Stop::Cut(Outcome::OriginBroke))?;
                b""
            }
            OutFraming::Chunked | OutFraming::Close => b"",
            OutFraming::None => {
                pieces.clear();
                b""
            }
        };
        self.send(pieces, tail).await?;
        if self.framing != OutFraming::None {
            record.response_bytes += length as u64;
        }
        pieces.clear();
        Ok(())
    }

    /// Sends the last pieces and ends the body.
    pub(super) async fn finish(
        &mut self,
        pieces: &mut Vec<Bytes>,
        trailers: &Fields,
        record: &mut Record,
    ) -> Result<(), Stop> {
        let length: usize = pieces.iter().map(Bytes::len).sum();
        match self.framing {
            OutFraming::Chunked => {
                let mut tail = Vec::new();
                if length > 0 {
                    put_chunk_size(&mut self.frame, length);
                    tail.extend_from_slice(b"\r\n");
                }
                tail.extend_from_slice(b"0\r\n");
                put_trailers(&mut tail, trailers);
                self.send(pieces, &tail).await?;
                record.response_bytes += length as u64;
                pieces.clear();
                Ok(())
            }
            OutFraming::Close | OutFraming::Length(_) | OutFraming::None => {
                self.write(pieces, record).await?;
                if self.left == 0 { Ok(()) } else { Err(Stop::Cut(Outcome::OriginBroke)) }
            }
        }
    }

    async fn send(&mut self, pieces: &[Bytes], tail: &[u8]) -> Result<(), Stop> {
        if self.frame.is_empty() && pieces.is_empty() && tail.is_empty() {
            return Ok(());
        }
        let write = self.socket.write(&self.frame, pieces, tail, self.idle);
        let written = self.upload.race(write).await?;
        self.frame.clear();
        written.map_err(|_| Stop::ClientGone)
    }
}

//! The client's side of an exchange: a connection of HTTP/1.1, or a stream of HTTP/2. The session sees
//! where a body comes from ([`Inlet`]) and where an answer goes ([`Outlet`]), and not what is below.

use std::{future::pending, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::time::timeout;

use super::{
    head_writer::HeadWriter,
    http2,
    socket::{KEPT_BYTES, READ_BYTES, ROOM_BYTES, Socket, WriteFault},
    tls::Certificate,
};

/// Bytes that may pile up behind a request while its response is on the way.
const AHEAD_BYTES_MAX: usize = 16 << 10;
/// Bytes of an answer that are read while its client takes nothing: most heads.
const LITTLE_BYTES: usize = 1 << 10;

/// A client, for one exchange.
pub(super) struct Client {
    pub(super) wire: Wire,
    pub(super) peer: Peer,
}

/// Who is at the other end.
#[derive(Clone)]
pub(super) struct Peer {
    /// Where it comes from.
    pub(super) address: SocketAddr,
    /// Our own address that was connected to.
    pub(super) server: Option<SocketAddr>,
    pub(super) tls: bool,
    /// The certificate that the handshake chose.
    pub(super) certificate: Option<Arc<Certificate>>,
}

/// What lies below.
pub(super) enum Wire {
    /// A connection.
    Http1(Http1),
    /// One of a connection's streams.
    Http2(http2::Stream),
}

/// A connection of HTTP/1.1, and what it has brought beyond the request at hand.
pub(super) struct Http1 {
    pub(super) socket: Socket,
    pub(super) inbox: BytesMut,
}

/// Where bytes come from.
pub(super) enum Inlet<'a> {
    /// A connection, and what has been read of it.
    Http1(&'a Socket, &'a mut BytesMut),
    /// A stream.
    Http2(&'a http2::Stream),
}

/// Where bytes go.
#[derive(Clone, Copy)]
pub(super) enum Outlet<'a> {
    /// A connection.
    Http1(&'a Socket),
    /// A stream.
    Http2(&'a http2::Stream),
}

impl Client {
    /// A client that has just connected.
    pub(super) fn new(
        socket: Socket,
        address: SocketAddr,
        server: Option<SocketAddr>,
        tls: bool,
        certificate: Option<Arc<Certificate>>,
    ) -> Self {
        let peer = Peer { address, server, tls, certificate };
        Self { wire: Wire::Http1(Http1 { socket, inbox: BytesMut::new() }), peer }
    }

    /// Both directions, to be used side by side.
    pub(super) fn halves(&mut self) -> (Inlet<'_>, Outlet<'_>) {
        match &mut self.wire {
            Wire::Http1(Http1 { socket, inbox }) => (Inlet::Http1(socket, inbox), Outlet::Http1(socket)),
            Wire::Http2(stream) => (Inlet::Http2(stream), Outlet::Http2(stream)),
        }
    }

    /// Where the answer goes.
    pub(super) fn outlet(&self) -> Outlet<'_> {
        match &self.wire {
            Wire::Http1(Http1 { socket, .. }) => Outlet::Http1(socket),
            Wire::Http2(stream) => Outlet::Http2(stream),
        }
    }

    /// Says that its request is with an origin, or that there is a body to be read before.
    pub(super) fn is_under_way(&self) {
        match &self.wire {
            Wire::Http1(_) => {}
            Wire::Http2(stream) => stream.is_under_way(),
        }
    }

    /// Whether nothing of another request has been read.
    pub(super) fn is_quiet(&self) -> bool {
        match &self.wire {
            Wire::Http1(Http1 { inbox, .. }) => inbox.is_empty(),
            Wire::Http2(_) => true,
        }
    }
}

impl Inlet<'_> {
    /// Waits until the client is gone. To know it of HTTP/1.1 takes reading: what it sends piles up,
    /// within bounds; and as long as a body stands before it, nothing is read.
    pub(super) async fn gone(&mut self, is_behind_body: bool) {
        match self {
            Self::Http1(socket, inbox) => loop {
                if !is_behind_body || inbox.len() >= AHEAD_BYTES_MAX {
                    return pending().await;
                }
                match socket.read_late(inbox, READ_BYTES).await {
                    Ok(count) if count > 0 => {}
                    Ok(_) | Err(_) => return,
                }
            },
            Self::Http2(stream) => stream.gone().await,
        }
    }

    /// The next bytes, whatever they are; `None` at their end.
    pub(super) async fn bytes(&mut self) -> io::Result<Option<Bytes>> {
        match self {
            Self::Http1(socket, inbox) => {
                if inbox.is_empty() && socket.read_late(inbox, READ_BYTES).await? == 0 {
                    return Ok(None);
                }
                Ok(Some(inbox.split().freeze()))
            }
            Self::Http2(stream) => stream.bytes().await,
        }
    }
}

impl Outlet<'_> {
    /// An empty head.
    pub(super) fn head(self) -> HeadWriter {
        match self {
            Self::Http1(_) => HeadWriter::http1(),
            Self::Http2(_) => HeadWriter::http2(),
        }
    }

    /// Sends a whole answer. `idle` bounds the wait between two steps.
    pub(super) async fn answer(self, head: HeadWriter, body: Bytes, idle: Duration) -> Result<(), WriteFault> {
        match (self, head) {
            (Self::Http1(socket), HeadWriter::Http1(head)) => socket.write(&head, &[body], &[], idle).await,
            (Self::Http2(stream), HeadWriter::Http2(head)) => {
                stream.respond(*head, body.is_empty())?;
                if body.is_empty() { Ok(()) } else { stream.data(body, true, idle).await }
            }
            (Self::Http1(_), HeadWriter::Http2(_)) | (Self::Http2(_), HeadWriter::Http1(_)) => {
                Err(WriteFault { written: 0 })
            }
        }
    }

    /// Says that the body may come (100).
    pub(super) async fn invite(self, idle: Duration) -> Result<(), WriteFault> {
        match self {
            Self::Http1(socket) => socket.write(b"HTTP/1.1 100 Continue\r\n\r\n", &[], &[], idle).await,
            Self::Http2(stream) => {
                let mut head = HeadWriter::http2();
                head.status(100, b"");
                let HeadWriter::Http2(head) = head else { return Ok(()) };
                stream.interim(*head)
            }
        }
    }

    /// Sends bytes, whatever they are.
    pub(super) async fn pass(self, piece: Bytes, idle: Duration) -> Result<(), WriteFault> {
        match self {
            Self::Http1(socket) => socket.write(&[], &[piece], &[], idle).await,
            Self::Http2(stream) => stream.data(piece, false, idle).await,
        }
    }

    /// How much of an answer is read at first: where more would only wait for the client, little.
    /// What is not kept fills the worker's room, and is in one piece as far as it can be.
    pub(super) fn answer_bytes(self, is_kept: bool) -> usize {
        match self {
            Self::Http2(stream) if !stream.has_room() || stream.is_narrow() => LITTLE_BYTES,
            Self::Http1(_) if !is_kept => ROOM_BYTES,
            Self::Http1(_) | Self::Http2(_) => KEPT_BYTES,
        }
    }

    /// Waits until more would be taken.
    pub(super) async fn room(self, idle: Duration) -> Result<(), WriteFault> {
        match self {
            Self::Http1(socket) => socket.room(idle).await,
            Self::Http2(stream) => stream.room(idle).await,
        }
    }

    /// Says that nothing more will be sent.
    pub(super) async fn end(self, idle: Duration) -> Result<(), WriteFault> {
        let fault = WriteFault { written: 0 };
        match self {
            Self::Http1(socket) => match timeout(idle, socket.shutdown()).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(fault),
            },
            Self::Http2(stream) => stream.data(Bytes::new(), true, idle).await,
        }
    }
}

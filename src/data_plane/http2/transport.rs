//! What `h2` reads from and writes to: the connection, with what had been read of it before, and with
//! everything counted that passes.

use std::{
    cell::Cell,
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{frames::Frames, pressure::Pressure};
use crate::data_plane::socket::Socket;

/// What a connection's transport and its streams tell each other.
pub(super) struct Link {
    pub(super) frames: Frames,
    pub(super) pressure: Rc<Pressure>,
    /// Of the heads of all requests that are served.
    pub(super) head_bytes: Rc<Cell<usize>>,
}

/// The connection.
pub(super) struct Transport {
    socket: Rc<Socket>,
    /// Read before.
    inbox: BytesMut,
    link: Rc<Link>,
}

impl Transport {
    pub(super) fn new(socket: Rc<Socket>, inbox: BytesMut, link: Rc<Link>) -> Self {
        Self { socket, inbox, link }
    }

    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = written {
            self.link.pressure.written(count);
            self.link.frames.sent(count);
        }
        written
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.link.frames.has_excess() {
            // Nothing more is read; whoever drives the connection sees why, and ends it.
            return Poll::Pending;
        }
        let before = into.filled().len();
        if this.inbox.is_empty() {
            let read = this.socket.poll(|stream| stream.poll_read(context, into));
            if !matches!(read, Poll::Ready(Ok(()))) {
                return read;
            }
        } else {
            let count = this.inbox.len().min(into.remaining());
            into.put_slice(&this.inbox[..count]);
            this.inbox.advance(count);
            if this.inbox.is_empty() {
                this.inbox = BytesMut::new();
            }
        }
        this.link.frames.received(&into.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.wrote(self.socket.poll(|stream| stream.poll_write(context, bytes)))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.wrote(self.socket.poll(|stream| stream.poll_write_vectored(context, slices)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.socket.poll(|stream| stream.poll_flush(context));
        if flushed.is_ready() {
            // `h2` flushes once it has written all that may be sent.
            self.link.pressure.clear();
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll(|stream| stream.poll_shutdown(context))
    }
}

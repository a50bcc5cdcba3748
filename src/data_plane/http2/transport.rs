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

use super::{
    frames::Frames,
    opening::{Echo, Said},
    pressure::Pressure,
    windows::{WORTH_BYTES, Windows},
};
use crate::{config::Http2, data_plane::socket::Socket};

/// What a connection's transport and its streams tell each other.
pub(super) struct Link {
    socket: Rc<Socket>,
    pub(super) frames: Frames,
    pub(super) windows: Windows,
    pub(super) pressure: Pressure,
    /// Requests that are on their way to their origins, and bytes of their heads.
    pub(super) starting: Cell<(usize, usize)>,
    /// Of the heads of all requests that are served.
    pub(super) head_bytes: Cell<usize>,
}

/// The connection.
pub(super) struct Transport {
    /// Read before.
    inbox: BytesMut,
    /// Of what was said before.
    echo: Option<Echo>,
    link: Rc<Link>,
}

impl Link {
    pub(super) fn new(socket: Rc<Socket>, limits: &Http2) -> Self {
        Self {
            socket,
            frames: Frames::new(limits),
            windows: Windows::new(),
            pressure: Pressure::default(),
            starting: Cell::default(),
            head_bytes: Cell::default(),
        }
    }
}

impl Link {
    /// Whether so little would go out of an answer on this stream that reading much of it is not worth it.
    pub(super) fn is_narrow(&self, stream: u32) -> bool {
        self.windows.left(stream).saturating_sub(self.pressure.unsent_bytes() as u64) < WORTH_BYTES
    }

    /// Writes what `h2` has said.
    pub(super) fn poll_flush(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.socket.poll(|stream| stream.poll_flush(context));
        if flushed.is_ready() {
            // It is asked for once `h2` has said all that may be sent.
            self.pressure.clear();
        }
        flushed
    }
}

impl Transport {
    /// Reads first what is in `inbox`; what was said is not said again.
    pub(super) fn new((inbox, said): (BytesMut, Said), link: Rc<Link>) -> Self {
        Self { inbox, echo: Echo::of(said), link }
    }

    /// Writes what is to be written of the next frame, while some of it may have been said.
    fn write_anew(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(echo) = &mut self.echo else { return Poll::Ready(Ok(0)) };
        let (length, is_said) = echo.next(bytes);
        let part = bytes.get(..length).unwrap_or_default();
        let written = match is_said {
            true => Poll::Ready(Ok(length)),
            false => self.put(context, &[IoSlice::new(part)]),
        };
        if let (Poll::Ready(Ok(count)), Some(echo)) = (&written, &mut self.echo)
            && !echo.passed(*count)
        {
            self.echo = None;
        }
        if is_said { written } else { self.wrote(written, &[IoSlice::new(part)]) }
    }

    fn put(&self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.link.socket.poll(|stream| stream.get_mut().poll_put(context, slices))
    }

    /// Counts what was written of these.
    fn wrote(&self, written: Poll<io::Result<usize>>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = written {
            let mut left = count;
            for slice in slices {
                let part = slice.get(..left).unwrap_or(slice);
                self.link.windows.sent(part);
                left -= part.len();
            }
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
            let read = this.link.socket.poll(|stream| stream.poll_read(context, into));
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
        this.link.frames.received(&into.filled()[before..], &this.link.windows);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.echo.is_some() {
            return self.write_anew(context, bytes);
        }
        let slices = [IoSlice::new(bytes)];
        self.wrote(self.put(context, &slices), &slices)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.echo.is_some() {
            let first = slices.iter().find(|slice| !slice.is_empty());
            return self.write_anew(context, first.map_or(&[][..], |slice| slice));
        }
        self.wrote(self.put(context, slices), slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // `h2` asks behind every frame. Who drives the connection writes them together: [`Link::poll_flush`].
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link.socket.poll(|stream| stream.poll_shutdown(context))
    }
}

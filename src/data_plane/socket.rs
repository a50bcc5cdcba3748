//! One TCP connection, with or without TLS, that both halves of an exchange share.
//!
//! The stream stands in a `RefCell` that is borrowed for the length of one poll only, so that one
//! task can read from a connection in one future and write to it in another, without a lock.

use std::{
    cell::RefCell,
    future::poll_fn,
    io::{self, IoSlice, Write},
    mem::MaybeUninit,
    os::fd::AsFd,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::{BufMut, Bytes, BytesMut};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
    time::Instant,
};
use tokio_rustls::TlsStream;

use super::{limits::Pace, tls::Below, watchdog::Watchdog};
use crate::telemetry::Live;

/// Bytes of a read, at most.
pub(super) const READ_BYTES: usize = 16 << 10;
/// Bytes that a read of an origin's answer makes room for where it is kept for a while, at first: most pages are
/// whole in it.
pub(super) const KEPT_BYTES: usize = 32 << 10;
/// The same once a body has shown that it is large.
pub(super) const KEPT_BYTES_MAX: usize = 64 << 10;
/// Bytes of the worker's room, and of a read of an origin's answer into it: the fewer reads and writes the better,
/// as long as the processor's own cache holds what stands between them.
pub(super) const ROOM_BYTES: usize = 128 << 10;
/// What is left of the room as long as somebody has the rest will do for a read down to so many bytes.
const ROOM_BYTES_LEAST: usize = 32 << 10;
/// What was read is copied out of the worker's room up to so many bytes: what is kept of them costs no more than
/// they are. Beyond it they are handed on as they stand.
const COPIED_BYTES_MAX: usize = 4 << 10;
/// Slices handed to the kernel in one write.
const SLICES: usize = 16;

thread_local! {
    /// What a worker's connections are read into, one at a time.
    static ROOM: RefCell<BytesMut> = RefCell::default();
}

/// The transport below HTTP.
pub(super) enum Stream {
    /// TCP alone.
    Plain(TcpStream),
    /// TLS over TCP, in either role.
    Tls(Box<TlsStream<Below>>),
}

/// Which count of [`Live`] a connection belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    /// A client's, without TLS.
    ClientPlain,
    /// A client's that speaks HTTP/2.
    ClientHttp2,
    /// A client's, with TLS.
    ClientTls,
    /// To an origin.
    Origin,
}

/// One more in a count of [`Live`] until it is dropped.
pub(super) struct Counted {
    live: Arc<Live>,
    side: Side,
}

/// A connection. Dropping it closes it.
pub(super) struct Socket {
    stream: RefCell<Stream>,
    /// How slow the peer may be.
    pace: Option<Pace>,
    watchdog: Watchdog,
    counted: Counted,
}

/// A write that came to nothing.
#[derive(Debug)]
pub(super) struct WriteFault {
    /// Bytes that had been handed to the kernel before.
    pub(super) written: usize,
}

impl Socket {
    /// Takes a stream into use.
    pub(super) fn new(stream: Stream, counted: Counted) -> Self {
        Self::paced(stream, counted, None)
    }

    /// The same, with a bound on how slow the peer may be with bodies and responses.
    pub(super) fn paced(stream: Stream, counted: Counted, pace: Option<Pace>) -> Self {
        Self { stream: RefCell::new(stream), pace, watchdog: Watchdog::default(), counted }
    }

    /// Puts a fresh stream in the place of one that died.
    pub(super) fn replace(&self, stream: Stream) {
        self.stream.replace(stream);
    }

    /// Counts the connection elsewhere.
    pub(super) fn count_as(&mut self, side: Side) {
        self.counted = Counted::new(&self.counted.live, side);
    }

    /// One step of something that the stream itself can do.
    pub(super) fn poll<T>(&self, step: impl FnOnce(Pin<&mut Stream>) -> T) -> T {
        step(Pin::new(&mut *self.stream.borrow_mut()))
    }

    /// Reads what is there, behind what `buffer` already holds; 0 is the end. Makes room for `want`
    /// bytes where there is little.
    pub(super) async fn read(&self, buffer: &mut BytesMut, want: usize) -> io::Result<usize> {
        if buffer.capacity() - buffer.len() < want.min(2048) {
            buffer.reserve(want);
        }
        poll_fn(|context| {
            let mut stream = self.stream.borrow_mut();
            pin!(stream.read_buf(buffer)).poll(context)
        })
        .await
    }

    /// Reads as [`Socket::read`] does, but owns no room while there is nothing to read, and nothing is kept.
    pub(super) async fn read_sparing(&self, buffer: &mut BytesMut, want: usize) -> io::Result<usize> {
        poll_fn(|context| {
            if buffer.capacity() - buffer.len() < want.min(2048) {
                // What grows takes more than was asked for.
                match buffer.is_empty() && !buffer.try_reclaim(want) {
                    true => *buffer = BytesMut::with_capacity(want),
                    false => buffer.reserve(want),
                }
            }
            let mut stream = self.stream.borrow_mut();
            let read = pin!(stream.read_buf(buffer)).poll(context);
            if read.is_pending() && buffer.is_empty() {
                *buffer = BytesMut::new();
            }
            read
        })
        .await
    }

    /// Reads what is there, behind what `buffer` already holds and at most `want` bytes; 0 is the end. Reads into
    /// the worker's room: who is waited for owns no memory meanwhile, and then what has come.
    pub(super) async fn read_late(&self, buffer: &mut BytesMut, want: usize) -> io::Result<usize> {
        self.read_as_wanted(buffer, || want).await
    }

    /// The same; how much room to make is asked once there is something to read.
    pub(super) async fn read_as_wanted(&self, buffer: &mut BytesMut, want: impl Fn() -> usize) -> io::Result<usize> {
        if buffer.is_empty() {
            *buffer = BytesMut::new();
        }
        poll_fn(|context| ROOM.with_borrow_mut(|room| self.poll_read(context, room, buffer, want()))).await
    }

    fn poll_read(
        &self,
        context: &mut Context<'_>,
        room: &mut BytesMut,
        buffer: &mut BytesMut,
        want: usize,
    ) -> Poll<io::Result<usize>> {
        if !room.try_reclaim(ROOM_BYTES) && room.capacity() < ROOM_BYTES_LEAST {
            *room = BytesMut::with_capacity(ROOM_BYTES);
        }
        let mut stream = self.stream.borrow_mut();
        let count = ready!(pin!(stream.read_buf(&mut (&mut *room).limit(want))).poll(context))?;
        if count > COPIED_BYTES_MAX && buffer.is_empty() {
            *buffer = room.split();
        } else {
            buffer.extend_from_slice(room);
            room.clear();
        }
        Poll::Ready(Ok(count))
    }

    /// Reads of a body what is there, as [`Socket::read_late`] does, and waits at most `idle` for it, and no
    /// longer than a peer may be slow: that is an error of the kind `TimedOut`.
    pub(super) async fn read_body(&self, buffer: &mut BytesMut, want: usize, idle: Duration) -> io::Result<usize> {
        match self.wait(idle, self.read_late(buffer, want)).await {
            Some(Ok(count)) => {
                self.moved(count);
                Ok(count)
            }
            Some(Err(error)) => Err(error),
            None => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Writes `head`, all of `body` and `tail`, as few system calls as it takes. `idle` bounds the
    /// wait between two of them.
    pub(super) async fn write(
        &self,
        head: &[u8],
        body: &[Bytes],
        tail: &[u8],
        idle: Duration,
    ) -> Result<(), WriteFault> {
        let piece = |index: usize| match index {
            0 => Some(head),
            _ if index <= body.len() => Some(&body[index - 1][..]),
            _ if index == body.len() + 1 => Some(tail),
            _ => None,
        };
        let (mut index, mut offset, mut written) = (0, 0, 0);
        loop {
            while piece(index).is_some_and(|piece| offset >= piece.len()) {
                offset -= piece(index).map_or(0, <[u8]>::len);
                index += 1;
            }
            if piece(index).is_none() {
                break;
            }
            let write = poll_fn(|context| {
                // Here, not beside the wait: who waits does not own the room for it.
                let mut slices = [IoSlice::new(&[]); SLICES];
                let (mut used, mut next, mut skip) = (0, index, offset);
                while let (true, Some(piece)) = (used < SLICES, piece(next)) {
                    if piece.len() > skip {
                        slices[used] = IoSlice::new(&piece[skip..]);
                        used += 1;
                    }
                    skip = 0;
                    next += 1;
                }
                let stream = &mut *self.stream.borrow_mut();
                match &slices[..used] {
                    [alone] => Pin::new(stream).poll_write(context, alone),
                    several => Pin::new(stream).poll_write_vectored(context, several),
                }
            });
            match self.wait(idle, write).await {
                Some(Ok(count)) if count > 0 => {
                    self.moved(count);
                    written += count;
                    offset += count;
                }
                Some(Ok(_) | Err(_)) | None => return Err(WriteFault { written }),
            }
        }
        if let Stream::Plain(_) = &*self.stream.borrow() {
            return Ok(());
        }
        match self.flush(idle).await {
            Ok(()) => Ok(()),
            Err(_) => Err(WriteFault { written }),
        }
    }

    /// Writes what waits. `idle` bounds the wait.
    pub(super) async fn flush(&self, idle: Duration) -> Result<(), WriteFault> {
        let flush = poll_fn(|context| Pin::new(&mut *self.stream.borrow_mut()).poll_flush(context));
        match self.wait(idle, flush).await {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(WriteFault { written: 0 }),
        }
    }

    /// Whether what the handshake ended with waits for what is said first.
    pub(super) fn has_waiting(&self) -> bool {
        match &*self.stream.borrow() {
            Stream::Plain(_) => false,
            Stream::Tls(tls) => tls.get_ref().0.has_waiting(),
        }
    }

    /// Whether the kernel takes more now. It is asked, because the runtime knows no more than what became of the
    /// last write.
    pub(super) fn has_room(&self) -> bool {
        let stream = self.stream.borrow();
        let tcp = stream.tcp();
        let ask = || {
            let mut asked = [PollFd::new(tcp.as_fd(), PollFlags::POLLOUT)];
            // An error is for the next write to report.
            match poll(&mut asked, PollTimeout::ZERO) {
                Ok(0) => Err(io::ErrorKind::WouldBlock.into()),
                Ok(_) | Err(_) => Ok(()),
            }
        };
        !matches!(tcp.try_io(Interest::WRITABLE, ask), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Waits until the kernel takes more, as [`Socket::write`] would.
    pub(super) async fn room(&self, idle: Duration) -> Result<(), WriteFault> {
        let room = poll_fn(|context| self.stream.borrow().tcp().poll_write_ready(context));
        match self.wait(idle, room).await {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(WriteFault { written: 0 }),
        }
    }

    /// Waits for something that happens on this connection; `None`: it did not until `deadline`.
    pub(super) async fn until<T>(&self, deadline: Instant, step: impl Future<Output = T>) -> Option<T> {
        self.watchdog.until(deadline, step).await
    }

    async fn wait<T>(&self, idle: Duration, step: impl Future<Output = T>) -> Option<T> {
        let on_slow = || {
            self.counted.live.client_slow.fetch_add(1, Ordering::Relaxed);
        };
        Pace::wait(self.pace.as_ref(), idle, on_slow, step).await
    }

    fn moved(&self, bytes: usize) {
        if let Some(pace) = &self.pace {
            pace.moved(bytes);
        }
    }

    /// Says that nothing more will be written.
    pub(super) async fn shutdown(&self) -> io::Result<()> {
        poll_fn(|context| Pin::new(&mut *self.stream.borrow_mut()).poll_shutdown(context)).await
    }

    /// Makes the close a reset: the peer cannot take it for the end of a body, and what the kernel
    /// has not sent stays unsent.
    pub(super) fn reset_on_close(&self) {
        let stream = self.stream.borrow();
        // A connection that is already gone needs no reset.
        let _ = SockRef::from(stream.tcp()).set_linger(Some(Duration::ZERO));
    }

    /// Whether the runtime has heard something of a connection that nobody reads from. It may not have heard yet
    /// what came since it last asked.
    pub(super) fn may_have_spoken(&self) -> bool {
        let stream = self.stream.borrow();
        stream.tcp().poll_read_ready(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    /// Whether an unused connection is still open and silent. Asks the kernel, because the runtime
    /// may not have heard yet.
    pub(super) fn is_quiet(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        let peeked = SockRef::from(self.stream.borrow().tcp()).peek(&mut byte);
        match (peeked, &mut *self.stream.borrow_mut()) {
            (Err(error), _) => error.kind() == io::ErrorKind::WouldBlock,
            (Ok(0), _) | (Ok(_), Stream::Plain(_)) => false,
            // TLS has messages of its own, such as session tickets.
            (Ok(_), Stream::Tls(tls)) => {
                let mut byte = [0];
                let mut context = Context::from_waker(Waker::noop());
                Pin::new(&mut **tls).poll_read(&mut context, &mut ReadBuf::new(&mut byte)).is_pending()
            }
        }
    }
}

impl Counted {
    /// Counts one more.
    pub(super) fn new(live: &Arc<Live>, side: Side) -> Self {
        let counted = Self { live: Arc::clone(live), side };
        counted.count().fetch_add(1, Ordering::Relaxed);
        counted
    }

    fn count(&self) -> &AtomicI64 {
        match self.side {
            Side::ClientHttp2 => &self.live.client_http2,
            Side::ClientPlain => &self.live.client_plain,
            Side::ClientTls => &self.live.client_tls,
            Side::Origin => &self.live.origin,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.count().fetch_sub(1, Ordering::Relaxed);
    }
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0.tcp(),
        }
    }
}

impl Stream {
    /// Takes bytes as [`AsyncWrite::poll_write_vectored`] does. Over TLS they wait, encrypted and up to its limit,
    /// until [`AsyncWrite::poll_flush`]: what is said by several leaves in one piece.
    pub(super) fn poll_put(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let tls = match self {
            Self::Plain(tcp) => return Pin::new(tcp).poll_write_vectored(context, slices),
            Self::Tls(tls) => &mut **tls,
        };
        let count = put(tls, slices)?;
        if count > 0 {
            return Poll::Ready(Ok(count));
        }
        ready!(Pin::new(&mut *tls).poll_flush(context))?;
        Poll::Ready(put(tls, slices))
    }
}

/// Encrypts as much of these as there is room for.
fn put(tls: &mut TlsStream<Below>, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    match tls {
        TlsStream::Client(tls) => tls.get_mut().1.writer().write_vectored(slices),
        TlsStream::Server(tls) => tls.get_mut().1.writer().write_vectored(slices),
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(context, into),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(context, slices),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(context),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(context),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_shutdown(context),
        }
    }
}

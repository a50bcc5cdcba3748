//! One stream: what a session reads its request's body from, and writes its response to.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    io,
    pin::pin,
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use h2::{Reason, RecvStream, SendStream, server::SendResponse};
use http::{HeaderMap, Response};
use tokio::{sync::Semaphore, time::timeout};

use super::{head, text_turn::TextTurn, transport::Link};
use crate::{
    data_plane::{
        connection::LINGER,
        head_writer::Gathered,
        http1::{Fields, Piece},
        limits::Pace,
        socket::WriteFault,
    },
    telemetry::Live,
};

/// A stream. Dropping it ends it: what was not ended is reset.
pub(in crate::data_plane) struct Stream {
    body: RefCell<RecvStream>,
    /// Bytes that were given out and not asked to be replaced: asking for more says that they went on.
    taken_bytes: Cell<usize>,
    answer: RefCell<Answer>,
    link: Rc<Link>,
    number: u32,
    /// Bytes of its head, until it is with an origin.
    starting: Cell<Option<usize>>,
    /// What it carries is a text that had its turn.
    is_text: Cell<bool>,
    /// How slow the client may be with this stream.
    pace: Option<Pace>,
    live: Arc<Live>,
}

enum Answer {
    Head(SendResponse<Bytes>),
    Body(SendStream<Bytes>),
}

/// The stream was reset, by the client or for what it sent.
#[derive(Debug)]
pub(in crate::data_plane) struct Reset;

impl Stream {
    /// `head_bytes`: of its request.
    pub(super) fn new(
        (body, answer): (RecvStream, SendResponse<Bytes>),
        (link, head_bytes): (Rc<Link>, usize),
        pace: Option<Pace>,
        live: Arc<Live>,
    ) -> Self {
        let number = answer.stream_id().as_u32();
        let (body, answer) = (RefCell::new(body), RefCell::new(Answer::Head(answer)));
        let (requests, bytes) = link.starting.get();
        link.starting.set((requests + 1, bytes + head_bytes));
        let (starting, is_text) = (Cell::new(Some(head_bytes)), Cell::new(false));
        Self { body, taken_bytes: Cell::new(0), answer, link, number, starting, is_text, pace, live }
    }

    /// Says that its request is with an origin, or that there is a body to be read before.
    pub(in crate::data_plane) fn is_under_way(&self) {
        if let Some(head_bytes) = self.starting.take() {
            let (requests, bytes) = self.link.starting.get();
            self.link.starting.set((requests - 1, bytes - head_bytes));
        }
    }

    /// What of the body is here. Asking says that what was given before has been passed on.
    pub(in crate::data_plane) fn ready(&self) -> Result<Piece, Reset> {
        match self.poll_piece(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(piece) => piece,
            Poll::Pending => Ok(Piece::NeedInput),
        }
    }

    /// The next of the body, or its end. Waits at most `idle` for it, and no longer than a client may be
    /// slow: that is an error of the kind `TimedOut`.
    pub(in crate::data_plane) async fn next(&self, idle: Duration) -> io::Result<Piece> {
        match self.wait(idle, poll_fn(|context| self.poll_piece(context))).await {
            Some(Ok(piece)) => Ok(piece),
            Some(Err(Reset)) => Err(io::ErrorKind::ConnectionReset.into()),
            None => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// The fields behind the body, once it has ended.
    pub(in crate::data_plane) fn trailers(&self) -> Result<Fields, Reset> {
        match self.body.borrow_mut().poll_trailers(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(Some(trailers))) => Ok(head::fields(&trailers)),
            Poll::Ready(Ok(None)) | Poll::Pending => Ok(Fields::default()),
            Poll::Ready(Err(_)) => Err(Reset),
        }
    }

    /// The next bytes, for what is no body; `None` at their end.
    pub(in crate::data_plane) async fn bytes(&self) -> io::Result<Option<Bytes>> {
        match poll_fn(|context| self.poll_piece(context)).await {
            Ok(Piece::Data(piece)) => Ok(Some(piece)),
            Ok(Piece::End | Piece::NeedInput) => Ok(None),
            Err(Reset) => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }

    /// Reads what the client still sends behind a whole answer, and throws it away, for a moment and within
    /// bounds: a client that is told to stop while it sends may take that for a failure of the answer, too.
    pub(super) async fn linger(&self, bytes_max: u64) {
        let drain = async {
            let mut bytes = 0;
            while let Ok(Piece::Data(piece)) = poll_fn(|context| self.poll_piece(context)).await {
                bytes += piece.len() as u64;
                if bytes > bytes_max {
                    return;
                }
            }
        };
        let _ = timeout(LINGER, drain).await;
    }

    /// Waits until the client resets the stream, or is gone.
    pub(in crate::data_plane) async fn gone(&self) {
        poll_fn(|context| match &mut *self.answer.borrow_mut() {
            Answer::Head(answer) => answer.poll_reset(context).map(drop),
            Answer::Body(body) => body.poll_reset(context).map(drop),
        })
        .await;
    }

    /// Sends an interim response.
    pub(in crate::data_plane) fn interim(&self, head: Gathered) -> Result<(), WriteFault> {
        match &mut *self.answer.borrow_mut() {
            Answer::Head(answer) => answer.send_informational(response(head)).map_err(fault),
            Answer::Body(_) => Ok(()),
        }
    }

    /// Sends the head of the response; `ends`: nothing follows.
    pub(in crate::data_plane) fn respond(&self, head: Gathered, ends: bool) -> Result<(), WriteFault> {
        let mut answer = self.answer.borrow_mut();
        if let Answer::Head(sender) = &mut *answer {
            let body = sender.send_response(response(head), ends).map_err(fault)?;
            *answer = Answer::Body(body);
        }
        Ok(())
    }

    /// Sends some of the body, as the client's windows and the socket have room; `ends`: the last of it.
    /// `idle` bounds each wait.
    pub(in crate::data_plane) async fn data(
        &self,
        mut piece: Bytes,
        ends: bool,
        idle: Duration,
    ) -> Result<(), WriteFault> {
        loop {
            let room = if piece.is_empty() {
                0
            } else {
                let room = self.wait_to_give(idle, poll_fn(|context| self.poll_room(context, piece.len())));
                room.await.unwrap_or(Err(WriteFault { written: 0 }))?
            };
            let part = piece.split_to(room.min(piece.len()));
            self.link.pressure.add(part.len());
            self.moved(part.len());
            match &mut *self.answer.borrow_mut() {
                Answer::Body(body) => body.send_data(part, ends && piece.is_empty()).map_err(fault)?,
                Answer::Head(_) => return Err(WriteFault { written: 0 }),
            }
            if piece.is_empty() {
                return Ok(());
            }
        }
    }

    /// Whether the client takes more now. Before the head has been sent only the connection can be asked.
    pub(in crate::data_plane) fn has_room(&self) -> bool {
        self.poll_any_room(None).is_ready()
    }

    /// Waits until the client takes more, at most `idle`.
    pub(in crate::data_plane) async fn room(&self, idle: Duration) -> Result<(), WriteFault> {
        let room = poll_fn(|context| self.poll_any_room(Some(context)));
        self.wait_to_give(idle, room).await.unwrap_or(Err(WriteFault { written: 0 }))
    }

    /// Whether the client takes so little of an answer that reading much of it is not worth it.
    pub(in crate::data_plane) fn is_narrow(&self) -> bool {
        self.link.is_narrow(self.number)
    }

    /// Waits until a text may be read for this client: one that lets nothing through waits, and so does one whose
    /// connection has many texts already that go nowhere. A few of all of a worker's clients go on nevertheless
    /// (`narrow`), for the sake of whoever opens a window only when a head has come.
    pub(in crate::data_plane) async fn text_turn<'w>(
        &self,
        narrow: &'w Semaphore,
        idle: Duration,
    ) -> Result<TextTurn<'w>, WriteFault> {
        let mut place = None;
        let mut acquired = pin!(narrow.acquire());
        let granted = poll_fn(|context| {
            if self.link.pressure.takes_texts() && !self.is_narrow() {
                return Poll::Ready(());
            }
            if let Poll::Ready(permit) = acquired.as_mut().poll(context) {
                place = permit.ok();
                return Poll::Ready(());
            }
            self.link.windows.wait(context.waker());
            self.link.pressure.wait(context.waker());
            Poll::Pending
        });
        self.wait_to_give(idle, granted).await.ok_or(WriteFault { written: 0 })?;
        self.is_text.set(true);
        Ok(TextTurn::of(&self.link, place))
    }

    /// Sends the fields behind the body, and ends it.
    pub(in crate::data_plane) fn end_with(&self, trailers: HeaderMap) -> Result<(), WriteFault> {
        match &mut *self.answer.borrow_mut() {
            Answer::Body(body) => body.send_trailers(trailers).map_err(fault),
            Answer::Head(_) => Err(WriteFault { written: 0 }),
        }
    }

    /// Breaks the response off: what has not been sent is not.
    pub(in crate::data_plane) fn reset(&self) {
        match &mut *self.answer.borrow_mut() {
            Answer::Head(answer) => answer.send_reset(Reason::INTERNAL_ERROR),
            Answer::Body(body) => body.send_reset(Reason::INTERNAL_ERROR),
        }
    }

    /// Waits for the client to take something.
    async fn wait_to_give<T>(&self, idle: Duration, step: impl Future<Output = T>) -> Option<T> {
        let _in_hand = self.is_text.get().then(|| TextTurn::of(&self.link, None));
        self.wait(idle, step).await
    }

    async fn wait<T>(&self, idle: Duration, step: impl Future<Output = T>) -> Option<T> {
        let on_slow = || {
            self.live.client_slow.fetch_add(1, Ordering::Relaxed);
        };
        Pace::wait(self.pace.as_ref(), idle, on_slow, step).await
    }

    fn moved(&self, bytes: usize) {
        if let Some(pace) = &self.pace {
            pace.moved(bytes);
        }
    }

    fn poll_piece(&self, context: &mut Context<'_>) -> Poll<Result<Piece, Reset>> {
        let mut body = self.body.borrow_mut();
        let taken = self.taken_bytes.replace(0);
        if taken > 0 {
            // A stream that is gone has no window to open.
            let _ = body.flow_control().release_capacity(taken);
        }
        loop {
            match body.poll_data(context) {
                // An empty frame says nothing.
                Poll::Ready(Some(Ok(piece))) if piece.is_empty() => {}
                Poll::Ready(Some(Ok(piece))) => {
                    self.taken_bytes.set(piece.len());
                    self.moved(piece.len());
                    return Poll::Ready(Ok(Piece::Data(piece)));
                }
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(Reset)),
                Poll::Ready(None) => return Poll::Ready(Ok(Piece::End)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn poll_any_room(&self, context: Option<&mut Context<'_>>) -> Poll<Result<(), WriteFault>> {
        let mut asking = Context::from_waker(Waker::noop());
        let is_asked = context.is_some();
        let context = context.unwrap_or(&mut asking);
        if self.link.pressure.is_full() {
            if is_asked {
                self.link.pressure.wait(context.waker());
            }
            return Poll::Pending;
        }
        if let Answer::Head(_) = &*self.answer.borrow() {
            return Poll::Ready(Ok(()));
        }
        self.poll_room(context, 1).map_ok(drop)
    }

    fn poll_room(&self, context: &mut Context<'_>, wanted: usize) -> Poll<Result<usize, WriteFault>> {
        if self.link.pressure.is_full() {
            self.link.pressure.wait(context.waker());
            return Poll::Pending;
        }
        let mut answer = self.answer.borrow_mut();
        let Answer::Body(body) = &mut *answer else { return Poll::Ready(Err(WriteFault { written: 0 })) };
        body.reserve_capacity(wanted);
        loop {
            if body.capacity() > 0 {
                return Poll::Ready(Ok(body.capacity()));
            }
            match body.poll_capacity(context) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(Err(WriteFault { written: 0 })),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.is_under_way();
    }
}

fn response(head: Gathered) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = head.status;
    *response.headers_mut() = head.fields;
    response
}

fn fault(_: h2::Error) -> WriteFault {
    WriteFault { written: 0 }
}

//! One client connection: which protocol it speaks; of HTTP/1.1 request after request, until either side
//! has had enough.

use std::{
    io,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    select,
    time::{Instant, timeout},
};
use tokio_util::sync::WaitForCancellationFuture;

use super::{
    client::{Client, Http1, Wire},
    http1::{HeadFault, HeadLimits, HeadScan, RequestHead, split_head},
    http2::{self, Arrival},
    session,
    socket::{READ_BYTES, Socket},
    worker::Worker,
};
use crate::config::Edge;

/// How long what a client still sends is read and thrown away, so that our last answer reaches it.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// How long tickets wait for an answer to leave with.
const TICKETS_AFTER: Duration = Duration::from_millis(10);

/// What a connection has agreed to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
    /// Nothing was agreed on: HTTP/1.1, or HTTP/2 where that is configured.
    Unsaid,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It closes.
    Close,
    /// It breaks off, without any sign of an orderly end.
    Cut,
    /// The next request may come.
    KeepAlive,
    /// It closes, after what the client still sends has been thrown away.
    Linger,
}

impl Spoken {
    /// By what the handshake of TLS agreed on; without ALPN that is HTTP/1.1.
    pub(super) fn by_alpn(protocol: Option<&[u8]>) -> Self {
        if protocol == Some(b"h2") { Self::Http2 } else { Self::Http1 }
    }
}

/// Serves a connection to its end.
pub(super) async fn serve(worker: &Worker, mut client: Client, spoken: Spoken) {
    let mut is_first = true;
    // One for all requests: who waits anew each time enters and leaves a list that all connections share.
    let mut idle_end = pin!(worker.idle_end.cancelled());
    loop {
        let edge = worker.shared.edge.load_full();
        let Wire::Http1(http1) = &mut client.wire else { return };
        match wait_for_request(&edge, http1, idle_end.as_mut()).await {
            Wait::Begun => {}
            Wait::Ended => {
                // Over TLS the end is said, so that nothing can be taken for cut off.
                let _ = timeout(LINGER, http1.socket.shutdown()).await;
                return;
            }
            Wait::Gone => return,
        }
        let may_be_http2 = spoken == Spoken::Http2 || (spoken == Spoken::Unsaid && edge.http2.prior_knowledge);
        if is_first && may_be_http2 {
            match Arrival::read(http1, &edge).await {
                Arrival::Other if spoken == Spoken::Unsaid => {}
                // In a box, so that connections of HTTP/1.1 do not own the room for it.
                arrival => return Box::pin(http2::serve(worker, edge, client, arrival)).await,
            }
        }
        let head = match read_head(&edge, http1).await {
            // It speaks neither, and where both are spoken it is told so in the newer.
            Ok(Err(HeadFault::NotHttp)) if is_first && may_be_http2 => {
                return Box::pin(http2::serve(worker, edge, client, Arrival::Other)).await;
            }
            Ok(head) => head,
            Err(NoRequest { begun }) => {
                worker.shared.live.client_rejected.fetch_add(u64::from(begun), Ordering::Relaxed);
                return;
            }
        };
        is_first = false;
        let after = turn(worker, edge, &mut client, &head).await;
        let Wire::Http1(http1) = &mut client.wire else { return };
        match after {
            After::KeepAlive => {}
            After::Linger => return linger(&http1.socket).await,
            After::Cut => return,
            After::Close => {
                let _ = timeout(LINGER, http1.socket.shutdown()).await;
                return;
            }
        }
    }
}

/// One request, in a box that is made outside of the connection's own future: an idle connection
/// does not own the room (several KiB) that a request needs.
fn turn<'a>(
    worker: &'a Worker,
    edge: Arc<Edge>,
    client: &'a mut Client,
    head: &'a Result<RequestHead, HeadFault>,
) -> Pin<Box<dyn Future<Output = After> + 'a>> {
    // The box first: otherwise the turn would be made on the stack, and copied.
    let turn = Box::write(Box::new_uninit(), session::turn(worker, edge, client, head));
    Box::into_pin(turn)
}

/// What came of waiting for a request.
enum Wait {
    /// It begins.
    Begun,
    /// None will come.
    Ended,
    /// The client is gone without a word, and listens to none.
    Gone,
}

impl Wait {
    /// What a read says; `None`: nothing came.
    fn of(read: Option<io::Result<usize>>) -> Self {
        match read {
            Some(Ok(1..)) => Self::Begun,
            Some(Ok(0)) | None => Self::Ended,
            // Of TLS also an end that was not said.
            Some(Err(_)) => Self::Gone,
        }
    }
}

/// Waits for the beginning of a request; owns no buffer meanwhile.
async fn wait_for_request(edge: &Edge, client: &mut Http1, idle_end: Pin<&mut WaitForCancellationFuture<'_>>) -> Wait {
    if !client.inbox.is_empty() {
        return Wait::Begun;
    }
    if client.socket.has_waiting() {
        // Tickets leave with the first answer, or soon, where nothing is asked for.
        let soon = Instant::now() + TICKETS_AFTER;
        match client.socket.until(soon, client.socket.read_late(&mut client.inbox, READ_BYTES)).await {
            None => drop(client.socket.flush(LINGER).await),
            read => return Wait::of(read),
        }
    }
    let deadline = Instant::now() + edge.timeouts.keep_alive;
    select! {
        biased;
        read = client.socket.until(deadline, client.socket.read_late(&mut client.inbox, READ_BYTES)) => {
            Wait::of(read)
        }
        () = idle_end => Wait::Ended,
    }
}

/// The client left, or took too long, and no head was read.
struct NoRequest {
    /// There was the beginning of one.
    begun: bool,
}

/// Reads a head.
async fn read_head(edge: &Edge, client: &mut Http1) -> Result<Result<RequestHead, HeadFault>, NoRequest> {
    let limits = HeadLimits { bytes: edge.limits.head_bytes, fields: edge.limits.headers };
    let mut deadline = None;
    let mut scan = HeadScan::default();
    loop {
        match scan.end(&mut client.inbox, limits) {
            Ok(Some(end)) => {
                let head = split_head(&mut client.inbox, end);
                return Ok(RequestHead::parse(head, limits));
            }
            Ok(None) => {}
            Err(fault) => return Ok(Err(fault)),
        }
        // Most heads are whole when they are first looked at.
        let deadline = *deadline.get_or_insert_with(|| Instant::now() + edge.timeouts.request_head);
        match client.socket.until(deadline, client.socket.read_late(&mut client.inbox, READ_BYTES)).await {
            Some(Ok(count)) if count > 0 => {}
            None if !client.inbox.is_empty() => return Ok(Err(HeadFault::TooSlow)),
            Some(Ok(_) | Err(_)) | None => return Err(NoRequest { begun: !client.inbox.is_empty() }),
        }
    }
}

/// Says that we are done, and waits a moment for the client to notice: a close with unread bytes
/// would be a reset, and take our answer with it.
pub(super) async fn linger(socket: &Socket) {
    let drain = async {
        socket.shutdown().await?;
        let mut thrown_away = BytesMut::new();
        loop {
            thrown_away.clear();
            if socket.read(&mut thrown_away, READ_BYTES).await? == 0 {
                return std::io::Result::Ok(());
            }
        }
    };
    let _ = timeout(LINGER, drain).await;
}

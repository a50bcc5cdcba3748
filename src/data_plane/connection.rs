//! One client connection: request after request, until either side has had enough.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    select,
    time::{Instant, timeout, timeout_at},
};

use super::{
    http1::{HeadFault, HeadLimits, HeadScan, RequestHead},
    session,
    socket::{READ_BYTES, Socket},
    tls::Certificate,
    worker::Worker,
};
use crate::config::Edge;

/// How long what a client still sends is read and thrown away, so that our last answer reaches it.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// A client, and what it has sent beyond the request at hand.
pub(super) struct Client {
    pub(super) socket: Socket,
    pub(super) inbox: BytesMut,
    /// Where it comes from.
    pub(super) peer: SocketAddr,
    /// Our own address that was connected to.
    pub(super) server: Option<SocketAddr>,
    pub(super) tls: bool,
    /// The certificate that the handshake chose.
    pub(super) certificate: Option<Arc<Certificate>>,
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

impl Client {
    /// A client that has just connected.
    pub(super) fn new(
        socket: Socket,
        peer: SocketAddr,
        server: Option<SocketAddr>,
        tls: bool,
        certificate: Option<Arc<Certificate>>,
    ) -> Self {
        Self { socket, inbox: BytesMut::new(), peer, server, tls, certificate }
    }
}

/// Serves a connection to its end.
pub(super) async fn serve(worker: &Worker, mut client: Client) {
    loop {
        let edge = worker.shared.edge.load_full();
        if !wait_for_request(worker, &edge, &mut client).await {
            // Over TLS the end is said, so that nothing can be taken for cut off.
            let _ = timeout(LINGER, client.socket.shutdown()).await;
            return;
        }
        let head = match read_head(&edge, &mut client).await {
            Ok(head) => head,
            Err(NoRequest { begun }) => {
                worker.shared.live.client_rejected.fetch_add(u64::from(begun), Ordering::Relaxed);
                return;
            }
        };
        match turn(worker, edge, &mut client, head).await {
            After::KeepAlive => {}
            After::Linger => return linger(&mut client).await,
            After::Cut => return,
            After::Close => {
                let _ = timeout(LINGER, client.socket.shutdown()).await;
                return;
            }
        }
    }
}

/// One request, in a box that is made outside of the connection's own future: an idle connection
/// does not own the room (nearly 10 KiB) that a request needs.
fn turn<'a>(
    worker: &'a Worker,
    edge: Arc<Edge>,
    client: &'a mut Client,
    head: Result<RequestHead, HeadFault>,
) -> Pin<Box<dyn Future<Output = After> + 'a>> {
    Box::pin(session::turn(worker, edge, client, head))
}

/// Waits for the first byte of a request; owns no buffer meanwhile. `false`: none will come.
async fn wait_for_request(worker: &Worker, edge: &Edge, client: &mut Client) -> bool {
    if !client.inbox.is_empty() {
        return true;
    }
    client.inbox = BytesMut::new();
    select! {
        biased;
        readable = timeout(edge.timeouts.keep_alive, client.socket.readable(&mut client.inbox)) => {
            matches!(readable, Ok(Ok(true)))
        }
        () = worker.idle_end.cancelled() => false,
    }
}

/// The client left, or took too long, and no head was read.
struct NoRequest {
    /// There was the beginning of one.
    begun: bool,
}

/// Reads a head.
async fn read_head(edge: &Edge, client: &mut Client) -> Result<Result<RequestHead, HeadFault>, NoRequest> {
    let limits = HeadLimits { bytes: edge.limits.head_bytes, fields: edge.limits.headers };
    let deadline = Instant::now() + edge.timeouts.request_head;
    let mut scan = HeadScan::default();
    loop {
        match scan.end(&mut client.inbox, limits) {
            Ok(Some(end)) => {
                let head = client.inbox.split_to(end).freeze();
                return Ok(RequestHead::parse(head, limits));
            }
            Ok(None) => {}
            Err(fault) => return Ok(Err(fault)),
        }
        match timeout_at(deadline, client.socket.read(&mut client.inbox, READ_BYTES)).await {
            Ok(Ok(count)) if count > 0 => {}
            Err(_) if !client.inbox.is_empty() => return Ok(Err(HeadFault::TooSlow)),
            Ok(Ok(_) | Err(_)) | Err(_) => return Err(NoRequest { begun: !client.inbox.is_empty() }),
        }
    }
}

/// Says that we are done, and waits a moment for the client to notice: a close with unread bytes
/// would be a reset, and take our answer with it.
async fn linger(client: &mut Client) {
    let drain = async {
        client.socket.shutdown().await?;
        loop {
            client.inbox.clear();
            if client.socket.read(&mut client.inbox, READ_BYTES).await? == 0 {
                return std::io::Result::Ok(());
            }
        }
    };
    let _ = timeout(LINGER, drain).await;
}

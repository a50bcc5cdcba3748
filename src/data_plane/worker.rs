//! One worker: a thread with its own runtime, listeners, pool and verdict cache. A connection
//! never leaves the worker that accepted it.

use std::{
    cell::{Cell, RefCell},
    io,
    net::{SocketAddr, TcpListener as StdListener},
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use rustls::ServerConfig;
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    task::{JoinSet, LocalSet, spawn_local},
    time::{Instant, interval, sleep, sleep_until, timeout},
};
use tokio_rustls::{TlsAcceptor, TlsStream};
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    connection::{self, Client},
    forwarding,
    observe::Recent,
    proxy_protocol::{self, Announced},
    socket::{Counted, Side, Socket, Stream},
    tls::Resolver,
    upstream::{Origins, Pool},
};
use crate::engine::body_filter::VerdictCache;

/// After an accept that failed for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Bytes that the kernel queues for a client beyond what is in flight. Its own limit is megabytes: memory,
/// and a slow reader would seem to take nothing for a minute while it drains them.
const UNSENT_BYTES: u32 = 128 << 10;
/// Between two sweeps of the pool.
const SWEEP: Duration = Duration::from_secs(1);

/// What every connection of a worker uses.
pub(super) struct Worker {
    pub(super) shared: Shared,
    pub(super) pool: Pool,
    pub(super) certificates: Arc<Resolver>,
    pub(super) cache: RefCell<VerdictCache>,
    pub(super) recent: RefCell<Recent>,
    /// Set when no more requests are to be begun.
    pub(super) stop: CancellationToken,
    next_id: Cell<u64>,
}

/// What a worker is started with.
pub(super) struct Setup {
    pub(super) shared: Shared,
    pub(super) plain: Vec<StdListener>,
    pub(super) tls: Vec<StdListener>,
    pub(super) server_tls: Arc<ServerConfig>,
    pub(super) origins: Arc<Origins>,
    pub(super) certificates: Arc<Resolver>,
    /// Keys the verdict cache; random.
    pub(super) secret: [u8; 32],
    /// Where request numbers begin; random.
    pub(super) first_id: u64,
    pub(super) stop: CancellationToken,
}

impl Worker {
    /// A number for a request. Spread over all 64 bits, so that it says nothing about how many there were.
    pub(super) fn request_id(&self) -> u64 {
        let id = self.next_id.get();
        self.next_id.set(id.wrapping_add(1));
        // The finaliser of SplitMix64: a bijection.
        let mixed = (id ^ (id >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Runs a worker until it has been told to stop, and then until its connections have ended or the
/// time to drain is over.
pub(super) fn run(setup: Setup) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    let ended = local.block_on(&runtime, serve(setup));
    drop(local);
    // A name that is still being looked up is nobody's any more.
    runtime.shutdown_background();
    ended
}

async fn serve(setup: Setup) -> io::Result<()> {
    let entries = setup.shared.edge.load().verdict_cache_entries;
    let worker = Rc::new(Worker {
        shared: setup.shared,
        pool: Pool::new(setup.origins, setup.first_id),
        certificates: setup.certificates,
        cache: RefCell::new(VerdictCache::new(entries, setup.secret)),
        recent: RefCell::default(),
        stop: setup.stop,
        next_id: Cell::new(setup.first_id),
    });
    let mut listeners = JoinSet::new();
    for listener in setup.plain {
        listeners.spawn_local(accept(Rc::clone(&worker), TcpListener::from_std(listener)?, None));
    }
    let acceptor = TlsAcceptor::from(setup.server_tls);
    for listener in setup.tls {
        listeners.spawn_local(accept(Rc::clone(&worker), TcpListener::from_std(listener)?, Some(acceptor.clone())));
    }
    let sweeper = spawn_local(sweep(Rc::clone(&worker)));
    // A listener's task ends when all of its connections have.
    while listeners.join_next().await.is_some() {}
    sweeper.abort();
    Ok(())
}

async fn sweep(worker: Rc<Worker>) {
    let mut ticks = interval(SWEEP);
    loop {
        ticks.tick().await;
        let age_max = worker.shared.edge.load().timeouts.origin_keep_alive;
        worker.pool.sweep(age_max);
    }
}

/// Accepts until told to stop, then waits for the connections.
async fn accept(worker: Rc<Worker>, listener: TcpListener, acceptor: Option<TlsAcceptor>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = select! {
            biased;
            () = worker.stop.cancelled() => break,
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                note_panic(&worker, ended);
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, peer)) if has_room(&worker) => {
                connections.spawn_local(begin(Rc::clone(&worker), tcp, peer, acceptor.clone()));
            }
            Ok(_) => {
                worker.shared.live.client_rejected.fetch_add(1, Ordering::Relaxed);
            }
            // One client's failed handshake of TCP is nothing; anything else gets worse by haste.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
    drop(listener);
    let deadline = Instant::now() + worker.shared.edge.load().timeouts.drain;
    loop {
        select! {
            ended = connections.join_next() => match ended {
                Some(ended) => note_panic(&worker, ended),
                None => break,
            },
            () = sleep_until(deadline) => break,
        }
    }
}

fn note_panic(worker: &Worker, ended: Result<(), tokio::task::JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        worker.shared.live.panics.fetch_add(1, Ordering::Relaxed);
    }
}

fn has_room(worker: &Worker) -> bool {
    let live = &worker.shared.live;
    let open = live.client_plain.load(Ordering::Relaxed) + live.client_tls.load(Ordering::Relaxed);
    usize::try_from(open).unwrap_or(0) < worker.shared.edge.load().limits.connections
}

/// Makes a client of a TCP connection, and serves it.
async fn begin(worker: Rc<Worker>, mut tcp: TcpStream, mut peer: SocketAddr, acceptor: Option<TlsAcceptor>) {
    let side = if acceptor.is_some() { Side::ClientTls } else { Side::ClientPlain };
    let counted = Counted::new(&worker.shared.live, side);
    // Where the system refuses either, answers are slower and queues longer, no more.
    let _ = tcp.set_nodelay(true);
    let mut server = tcp.local_addr().ok();
    let _ = SockRef::from(&tcp).set_tcp_notsent_lowat(UNSENT_BYTES);
    if forwarding::is_trusted(peer.ip(), &worker.shared.edge.load().proxy_protocol_from) {
        let wait = worker.shared.edge.load().timeouts.request_head;
        match timeout(wait, proxy_protocol::receive(&mut tcp)).await {
            Ok(Ok(Announced::Client { source, destination })) => (peer, server) = (source, Some(destination)),
            Ok(Ok(Announced::Local)) => {}
            Ok(Err(_)) | Err(_) => {
                worker.shared.live.client_rejected.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
    }
    let (stream, certificate) = match acceptor {
        None => (Stream::Plain(tcp), None),
        Some(acceptor) => {
            let wait = worker.shared.edge.load().timeouts.request_head;
            // Boxed, so that connections do not own the room of their handshake for life.
            let Ok(Ok(tls)) = timeout(wait, Box::pin(acceptor.accept(tcp))).await else {
                worker.shared.live.client_rejected.fetch_add(1, Ordering::Relaxed);
                return;
            };
            let certificate = tls.get_ref().1.server_name().and_then(|name| worker.certificates.look_up(name));
            (Stream::Tls(Box::new(TlsStream::from(tls))), certificate)
        }
    };
    let is_tls = matches!(side, Side::ClientTls);
    let client = Client::new(Socket::new(stream, counted), peer, server, is_tls, certificate);
    connection::serve(&worker, client).await;
}

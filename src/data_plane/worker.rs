//! One worker: a thread with its own runtime, listeners, pool and verdict cache. A connection
//! never leaves the worker that accepted it.

use std::{
    cell::{Cell, RefCell},
    io,
    net::TcpListener as StdListener,
    rc::Rc,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use rustls::ServerConfig;
use tokio::{
    net::TcpListener,
    runtime::{Builder, LocalOptions},
    sync::Semaphore,
    task::{JoinHandle, JoinSet, spawn_local},
    time::{Instant, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    accept::accept,
    limits::{Limits, Turns},
    observe::Recent,
    tls::Resolver,
    upstream::{Origins, Pool},
};
use crate::{engine::body_filter::VerdictCache, telemetry::EventSender};

/// Between two beats of a worker's pulse.
const BEAT: Duration = Duration::from_millis(100);
/// Between two sweeps of the pool.
const SWEEP: Duration = Duration::from_secs(1);

/// Texts that are read at a time for clients of HTTP/2 that let nothing through.
const NARROW_TEXTS: usize = 4;

/// What every connection of a worker uses.
pub(super) struct Worker {
    pub(super) shared: Shared,
    /// The way up, for the records of this worker's requests.
    pub(super) events: Rc<EventSender>,
    pub(super) pool: Pool,
    pub(super) certificates: Arc<Resolver>,
    pub(super) cache: RefCell<VerdictCache>,
    pub(super) recent: RefCell<Recent>,
    /// Bodies that stream through the engine now.
    pub(super) streams: Cell<usize>,
    /// Places for texts whose clients let nothing through.
    pub(super) narrow: Semaphore,
    /// What clients may ask for; shared by all workers.
    pub(super) limits: Arc<Limits>,
    /// The queue for the costly step of handshakes.
    pub(super) turns: Turns,
    /// How late this worker is.
    pub(super) lag: Cell<Duration>,
    /// Set when Zhamen stops: each response says that the connection closes.
    pub(super) stop: CancellationToken,
    /// Set a while later: connections that wait for a request close.
    pub(super) idle_end: CancellationToken,
    /// Another process has the listening sockets, and serves.
    pub(super) handed_over: Arc<AtomicBool>,
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
    pub(super) limits: Arc<Limits>,
    pub(super) stop: CancellationToken,
    pub(super) idle_end: CancellationToken,
    pub(super) handed_over: Arc<AtomicBool>,
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
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let ended = runtime.block_on(serve(setup));
    // A name that is still being looked up is nobody's any more.
    runtime.shutdown_background();
    ended
}

async fn serve(setup: Setup) -> io::Result<()> {
    let entries = setup.shared.edge.load().verdict_cache_entries;
    let worker = Rc::new(Worker {
        events: Rc::new(setup.shared.events.clone()),
        shared: setup.shared,
        pool: Pool::new(setup.origins, setup.first_id),
        certificates: setup.certificates,
        cache: RefCell::new(VerdictCache::new(entries, setup.secret)),
        recent: RefCell::default(),
        streams: Cell::default(),
        narrow: Semaphore::new(NARROW_TEXTS),
        limits: setup.limits,
        turns: Turns::new(),
        lag: Cell::default(),
        stop: setup.stop,
        idle_end: setup.idle_end,
        handed_over: setup.handed_over,
        next_id: Cell::new(setup.first_id),
    });
    let mut listeners = JoinSet::new();
    for listener in setup.plain {
        listeners.spawn_local(accept(Rc::clone(&worker), TcpListener::from_std(listener)?, None));
    }
    for listener in setup.tls {
        let tls = Some(Arc::clone(&setup.server_tls));
        listeners.spawn_local(accept(Rc::clone(&worker), TcpListener::from_std(listener)?, tls));
    }
    let keepers = [spawn_local(sweep(Rc::clone(&worker))), spawn_local(beat(Rc::clone(&worker)))];
    // A listener's task ends when all of its connections have.
    while listeners.join_next().await.is_some() {}
    keepers.iter().for_each(JoinHandle::abort);
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

/// Says several times a second that the worker works, and how late it is. One late beat is a hiccup; of
/// two in a row the smaller counts.
async fn beat(worker: Rc<Worker>) {
    let pulse = worker.shared.live.new_pulse();
    let mut before = Duration::ZERO;
    loop {
        let due = Instant::now() + BEAT;
        sleep_until(due).await;
        let late = due.elapsed();
        worker.lag.set(late.min(before));
        before = late;
        pulse.beat(worker.lag.get());
    }
}

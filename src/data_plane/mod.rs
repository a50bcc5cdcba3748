//! Carries requests: listener → session → upstream → response. HTTP/1.1 on both sides is our own
//! (see `http1`), and one task per client connection drives the origin's connection as well.
//!
//! Nothing here waits for a database or takes a lock per request. What is in force comes down as
//! one [`Snapshot`] a request; what happened goes up as events.

mod accept;
mod admission;
mod answer;
mod body;
mod client;
mod connection;
mod downstream;
mod forwarding;
mod guard;
mod head_writer;
mod http1;
mod http2;
mod limits;
mod listener;
mod locks;
mod observe;
mod passing;
mod posts;
mod proxy_protocol;
mod record;
mod request;
mod respond;
mod response;
mod session;
mod socket;
mod source;
mod stop;
mod streaming;
mod tls;
mod tunnel;
mod upload;
mod upstream;
mod watchdog;
mod websocket;
mod worker;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

pub use listener::Bound;
pub use locks::PageLocks;
pub use posts::Posted;
pub use tls::{Certificate, CertificateFiles, CertificateMap, load_certificates};
pub use upstream::check_trust;

use self::limits::Limits;
use crate::{
    base::{Clock, MemoryBudget},
    config::Edge,
    domain::{acme::Challenges, snapshot::Snapshot},
    telemetry::{EventSender, Live, ObservationSender},
};

/// What the data plane shares with the rest of the process.
#[derive(Clone)]
pub struct Shared {
    /// Everything in force; swapped by the control plane.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// The way up.
    pub events: EventSender,
    /// The way up to the record.
    pub observations: ObservationSender,
    /// Live counts.
    pub live: Arc<Live>,
    /// Locked pages.
    pub locks: Arc<PageLocks>,
    /// What was posted to which site, lately.
    pub posted: Arc<Posted>,
    /// What all held bodies together may take.
    pub budget: MemoryBudget,
    /// What proves to authorities of certificates that hosts are served here; swapped by the control plane.
    pub challenges: Arc<ArcSwap<Challenges>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Limits and timeouts in force; [`DataPlane::reload`] swaps them.
    pub edge: Arc<ArcSwap<Edge>>,
}

/// The running data plane. Dropping it lets its threads run on; [`DataPlane::drain`] ends them.
pub struct DataPlane {
    shared: Shared,
    http: Vec<Bound>,
    https: Vec<Bound>,
    certificates: Arc<tls::Resolver>,
    stop: CancellationToken,
    idle_end: CancellationToken,
    handed_over: Arc<AtomicBool>,
    workers: Vec<JoinHandle<()>>,
}

/// What becomes of the listening sockets when Zhamen stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listeners {
    /// Nobody else has them.
    Closing,
    /// Another process serves them.
    HandedOver,
}

impl DataPlane {
    /// Starts the workers on the sockets of all addresses.
    pub fn start(
        edge: &Edge,
        (http, https): (Vec<Bound>, Vec<Bound>),
        count: usize,
        shared: Shared,
        certificates: CertificateMap,
    ) -> io::Result<Self> {
        let (plain, tls) = (listener::spread(&http, count)?, listener::spread(&https, count)?);
        let resolver = Arc::new(tls::Resolver::default());
        resolver.swap(certificates);
        let server_tls =
            tls::server_config(Arc::clone(&resolver), edge.client_ca.as_deref()).map_err(io::Error::other)?;
        shared.edge.store(Arc::new(edge.clone()));
        let origins = upstream::Origins::start(Arc::clone(&shared.edge), Arc::clone(&shared.live))?;
        shared.budget.set_limit(edge.limits.held_bytes);
        let (stop, idle_end) = (CancellationToken::new(), CancellationToken::new());
        let (handed_over, limits) = (Arc::new(AtomicBool::new(false)), Arc::new(Limits::new()));
        let mut workers = Vec::with_capacity(count);
        for (number, (plain, tls)) in plain.into_iter().zip(tls).enumerate() {
            let setup = worker::Setup {
                shared: shared.clone(),
                plain,
                tls,
                server_tls: Arc::clone(&server_tls),
                origins: Arc::clone(&origins),
                certificates: Arc::clone(&resolver),
                secret: random()?,
                first_id: u64::from_ne_bytes(random()?),
                limits: Arc::clone(&limits),
                stop: stop.child_token(),
                idle_end: idle_end.child_token(),
                handed_over: Arc::clone(&handed_over),
            };
            let thread = thread::Builder::new().name(format!("worker-{number}"));
            workers.push(thread.spawn(move || {
                if let Err(error) = worker::run(setup) {
                    tracing::error!(%error, "a worker could not start");
                }
            })?);
        }
        Ok(Self { shared, http, https, certificates: resolver, stop, idle_end, handed_over, workers })
    }

    /// The sockets of the plain listeners.
    pub fn http(&self) -> &[Bound] {
        &self.http
    }

    /// The sockets of the TLS listeners.
    pub fn https(&self) -> &[Bound] {
        &self.https
    }

    /// Puts limits and timeouts in force, for requests from now on, without touching a connection.
    /// Returns the keys whose change needs a restart.
    pub fn reload(&self, edge: &Edge) -> Vec<&'static str> {
        let before = self.shared.edge.load_full();
        self.shared.budget.set_limit(edge.limits.held_bytes);
        self.shared.edge.store(Arc::new(edge.clone()));
        let changes = [
            ("listen.http", before.http != edge.http),
            ("listen.https", before.https != edge.https),
            ("limits.event_queue", before.limits.event_queue != edge.limits.event_queue),
            ("scan.verdict_cache", before.verdict_cache_entries != edge.verdict_cache_entries),
            ("workers", before.workers != edge.workers),
        ];
        changes.into_iter().filter_map(|(key, changed)| changed.then_some(key)).collect()
    }

    /// Puts other certificates in force, for handshakes from now on.
    pub fn swap_certificates(&self, certificates: CertificateMap) {
        self.certificates.swap(certificates);
    }

    /// Lets what runs come to its end within `timeouts.drain`, and cuts the rest. Each response says that
    /// its connection closes; idle connections close after `timeouts.drain_idle`. Who still comes meanwhile
    /// is told to come back, unless another process has the listening sockets.
    pub async fn drain(self, listeners: Listeners) {
        self.handed_over.store(listeners == Listeners::HandedOver, Ordering::Release);
        self.stop.cancel();
        let Self { shared, idle_end, workers, http, https, .. } = self;
        drop((http, https));
        let drain_idle = {
            let edge = shared.edge.load();
            edge.pressure.drain_idle.min(edge.timeouts.drain)
        };
        let idle = tokio::spawn(async move {
            tokio::time::sleep(drain_idle).await;
            idle_end.cancel();
        });
        let join = tokio::task::spawn_blocking(move || workers.into_iter().for_each(|worker| drop(worker.join())));
        // The join itself cannot fail; a worker that panicked has ended, too.
        let _ = join.await;
        idle.abort();
    }
}

/// Bytes that nobody can guess.
fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    tls::provider().secure_random.fill(&mut bytes).map_err(|_| io::Error::other("the system gives no random bytes"))?;
    Ok(bytes)
}

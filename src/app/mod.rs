//! The composition root: the one file that names every room, and builds each from the ones before.
//!
//! What comes before and after a process stands beside it: the sockets that it listens on (`sockets`), the
//! process that ran before and the one that runs next (`takeover`), what it gives up (`privileges`), and
//! what systemd is told (`notify`).

mod notify;
mod places;
mod privileges;
mod record;
mod run;
mod sockets;
mod takeover;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    thread,
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{runtime, sync::oneshot};
use tokio_util::sync::CancellationToken;

pub use places::check_places;
pub use run::{Beginning, run};

use self::{
    record::{Keeping, Kept},
    sockets::{Inherited, Sockets, Use},
    takeover::Predecessor,
};
use crate::{
    base::{Clock, MemoryBudget, Problem, Severity, Timestamp},
    config::{Config, Edge, WhenFull},
    control_plane::{
        Admin, AdminListener, CertificateReload, Health, IncidentDesk, PageHook, PageOrder, Publisher, Record,
        ReloadHandle, Reloader, Start, SystemClock,
        acme::{AcmeKeeper, Covering, keep_certificates},
        keep_fresh, keep_incidents, log_problems,
        registry::{FooterChecks, Registrar, Shown, UnfiledSeen, keep_pulling, keep_registry_fresh},
        report::Letterhead,
        serve, webhooks,
    },
    data_plane::{self, Bound, CertificateFiles, CertificateMap, DataPlane, Listeners, PageLocks, Posted, Shared},
    domain::{
        acme::Challenges,
        observation::HomePage,
        registry::Registry,
        snapshot::Snapshot,
        standing::{Ledger, Lock},
    },
    store::{SigningKey, Sqlite},
    telemetry::{self, EventSender, Live, Metrics, Observer, Readings, RecordCounts, Reopen},
};

/// How long telemetry may take to write what is in the queue after the last request.
const LAST_LINES_TIME: Duration = Duration::from_secs(3);

/// Everything, running.
pub struct App {
    data_plane: Arc<Mutex<Option<DataPlane>>>,
    admin_socket: Option<Bound>,
    http: Vec<SocketAddr>,
    https: Vec<SocketAddr>,
    admin: Option<SocketAddr>,
    control: Control,
    health: Arc<Health>,
    reload: ReloadHandle,
    reopen: Reopen,
    live: Arc<Live>,
    telemetry: thread::JoinHandle<()>,
    kept: Kept,
    /// How long the process before may take to end.
    predecessor_time: Duration,
}

/// The control plane's thread, which ends when `stop` is dropped.
struct Control {
    stop: oneshot::Sender<()>,
    /// Ends what only one process may do.
    duties: CancellationToken,
    thread: thread::JoinHandle<()>,
}

/// Something that the control plane does for ever.
type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Loads what a configuration names, for [`App::start`].
pub fn load(config: &Path) -> Result<Start, Vec<Problem>> {
    Start::load(config, &SystemClock)
}

/// What is wrong with a directory of certificates.
pub fn check_certificates(directory: &Path) -> Vec<Problem> {
    let (certificates, mut problems) = data_plane::load_certificates(directory, SystemClock.now());
    problems.extend(certificates.is_empty().then(|| no_certificate(directory)));
    problems
}

/// Said where there is nothing to show in a handshake.
fn no_certificate(directory: &Path) -> Problem {
    let message = "there is no certificate here that can be used: every TLS handshake fails";
    let help = "put NAME.crt with NAME.key there, or NAME.pem with both; they are taken up by themselves";
    Problem::warning(&directory.display().to_string(), 0, 0, message).help(help)
}

/// What is wrong with the files that are to vouch for origins; the registry stands in `file`.
pub fn check_origins(config: &Config, registry: &Arc<Registry>, file: &str) -> Vec<Problem> {
    data_plane::check_trust(&config.edge.upstream, registry, file)
}

/// How long names are covered by the certificates of a directory.
pub fn covering(directory: Option<&Path>) -> Covering {
    let load = |directory| data_plane::load_certificates(directory, SystemClock.now()).0;
    let certificates = directory.map(load).unwrap_or_default();
    Box::new(move |names| certificates.covering(names))
}

/// The file and the end of the certificate that a handshake for `host` would be given.
pub fn certificate_of(directory: &Path, host: &str, now: Timestamp) -> Option<(PathBuf, Timestamp)> {
    let (certificates, _) = data_plane::load_certificates(directory, now);
    let certificate = certificates.look_up(host)?;
    Some((certificate.path.clone(), certificate.validity.not_after))
}

impl App {
    /// Starts everything on new sockets. `observer` sees every event, on the telemetry thread.
    pub fn start(start: Start, observer: Option<Observer>) -> Result<Self, Vec<Problem>> {
        let sockets = Sockets::bind(&start.config)?;
        Self::start_on(sockets, None, start, observer)
    }

    /// Starts everything on these sockets, in the place of the process that ran before, if there was one.
    fn start_on(
        sockets: Sockets,
        predecessor: Option<&Predecessor>,
        mut start: Start,
        observer: Option<Observer>,
    ) -> Result<Self, Vec<Problem>> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let config = start.config.clone();
        let metrics = Arc::new(Metrics::new().map_err(failed("no metrics"))?);
        let live = Arc::new(Live::default());
        let locks = Arc::new(PageLocks::new());
        let budget = MemoryBudget::new(config.edge.limits.held_bytes);
        let (events, receiver): (EventSender, _) = telemetry::queue(config.edge.limits.event_queue);
        let dropped = receiver.dropped();
        let store = Arc::new(Sqlite::open(&config.store.database).map_err(failed("the store"))?);
        start.load_registry(&*store, &*clock);
        let snapshot = Arc::new(ArcSwap::from_pointee(start.snapshot.clone()));
        let edge = Arc::new(ArcSwap::from_pointee(config.edge.clone()));
        let health = Arc::new(Health::default());
        let (reload, reopen) = (ReloadHandle::default(), Reopen::default());

        let admin_listener = match (&config.admin, &sockets.admin) {
            (Some(admin), Some(bound)) => {
                Some(AdminListener::on(bound.share().map_err(failed("admin.listen"))?, admin.tls.as_ref())?)
            }
            (Some(_) | None, _) => None,
        };
        // With the port that the system chose, where none was named.
        let admin_address = admin_listener.as_ref().and_then(AdminListener::address);
        let unfiled = UnfiledSeen::default();
        let observer = seeing_unfiled(unfiled.clone(), observer);
        let telemetry = telemetry::start(receiver, Arc::clone(&metrics), &config.log, reopen.clone(), Some(observer))
            .map_err(failed("no thread for telemetry"))?;
        let (observed, observations) =
            telemetry::observations(config.store.queue, config.store.when_full == WhenFull::Protect);
        let lost = observed.lost();
        let challenges = Arc::new(ArcSwap::from_pointee(Challenges::default()));
        let shared = Shared {
            observations: observed,
            posted: Arc::new(Posted::default()),
            snapshot: Arc::clone(&snapshot),
            events,
            live: Arc::clone(&live),
            locks: Arc::clone(&locks),
            budget: budget.clone(),
            challenges: Arc::clone(&challenges),
            clock: Arc::clone(&clock),
            edge: Arc::clone(&edge),
        };
        let data_plane = Arc::new(Mutex::new(None));
        let in_force = Arc::new(ArcSwap::from_pointee(CertificateMap::default()));
        let (loaded, certificates) = certificates(config.edge.certificates.as_deref(), &data_plane, &in_force, &live)?;
        let publisher = Publisher::new(Arc::clone(&snapshot));
        let pages = page_hook(Arc::clone(&locks), Arc::clone(&edge));
        let ledger = Ledger::new(config.ledger.clone());
        let record = Record::open(store, ledger, Some(publisher.clone()), Some(pages), Arc::clone(&clock));
        let record = Arc::new(record.map_err(failed("the record"))?);
        let store_dir = &config.store.directory;
        let key = Arc::new(SigningKey::open(store_dir).map_err(failed("the store's key"))?);
        let shown = Shown { publisher, metrics: Arc::clone(&metrics), health: Arc::clone(&health) };
        let settings = config.registry.clone();
        let registrar = Registrar::new(Arc::clone(&record), settings, Arc::clone(&clock), Some(shown.clone()));
        let registrar = Arc::new(registrar);
        let (from, clock_of_reloads) = (Arc::clone(&registrar), Arc::clone(&clock));
        let reloader = Reloader::new(start, shown, from, edge, budget.clone(), clock_of_reloads, certificates);
        let (counted, published) = (Arc::clone(&record), Arc::clone(&snapshot));
        let counts = Box::new(move || counts_of(&counted, &published.load()));
        let readings = Readings {
            live: Arc::clone(&live),
            budget,
            locks: Box::new(move || locks.len()),
            dropped,
            lost,
            record: counts,
        };
        let acme = acme_keeper(&config, &snapshot, &challenges, &in_force, &reload, &metrics, &clock);
        let metrics_of_footers = Arc::clone(&metrics);
        let started = clock.now();
        let incident_metrics = Arc::clone(&metrics);
        let reloader = Arc::new(reloader);
        let rules = Arc::clone(&reloader);
        let admin = Admin {
            snapshot,
            record: Arc::clone(&record),
            registrar: Arc::clone(&registrar),
            incidents: config.incident.clone(),
            evidence: config.store.directory.clone(),
            key: Arc::clone(&key),
            letterhead: Letterhead::of(&config.report, &config.policy.operator),
            font: config.report.font.clone(),
            metrics,
            readings,
            health: Arc::clone(&health),
            rules_dir: Box::new(move || rules.rules_dir()),
            clock: Arc::clone(&clock),
            started,
        };
        let footers = FooterChecks::new(Arc::clone(&record), metrics_of_footers);
        let look = move |page: HomePage| {
            if let Err(error) = footers.look(&page) {
                tracing::error!(%error, "what a home page shows could not be put on the record");
            }
        };
        let keeping = Keeping {
            config: config.clone(),
            record: Arc::clone(&record),
            key,
            clock: Arc::clone(&clock),
            home_pages: Box::new(look),
            observations,
        };
        let kept = keeping.start(predecessor.is_some())?;
        // Not before the record is in force: nobody is served in whose way it stands, not for a moment.
        let Sockets { http, https, admin: admin_socket, workers } = sockets;
        let started_plane =
            DataPlane::start(&config.edge, (http, https), workers, shared, loaded).map_err(failed("the data plane"))?;
        let addresses = |bound: &[Bound]| bound.iter().map(|bound| bound.address).collect::<Vec<_>>();
        let (http, https) = (addresses(started_plane.http()), addresses(started_plane.https()));
        *data_plane.lock().unwrap_or_else(PoisonError::into_inner) = Some(started_plane);
        let desk = Arc::new(IncidentDesk::new(Arc::clone(&record), config.incident.clone(), incident_metrics));
        if let Some(predecessor) = predecessor {
            // From here on the other one does no more of what only one may do.
            predecessor.serving().map_err(failed("the process before"))?;
        }
        let tasks: Vec<Task> =
            vec![Box::pin(keep_fresh(Arc::clone(&record))), Box::pin(record::keep(kept.keeper.clone()))];
        let mut duties: Vec<Task> = vec![
            Box::pin(serve(reloader, reload.clone())),
            Box::pin(webhooks::tell(record, clock, config.webhooks.ca.clone())),
            Box::pin(keep_incidents(desk, || SystemClock.now())),
            Box::pin(keep_registry_fresh(Arc::clone(&registrar))),
            Box::pin(keep_pulling(Arc::clone(&registrar))),
            Box::pin(unfiled.keep_writing(registrar)),
        ];
        duties.extend(acme.map(|keeper| Box::pin(keep_certificates(keeper)) as Task));
        if let Some(listener) = admin_listener {
            duties.push(Box::pin(serve_admin(admin, listener)));
        }
        let control = Control::start(tasks, duties)?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), ?http, ?https, admin = ?admin_address, "running");
        Ok(Self {
            data_plane,
            admin_socket,
            http,
            https,
            admin: admin_address,
            control,
            health,
            reload,
            reopen,
            live,
            telemetry,
            kept,
            predecessor_time: if predecessor.is_some() { config.edge.timeouts.drain } else { Duration::ZERO },
        })
    }

    /// The addresses of the plain listeners, with the ports that the system chose.
    pub fn http_addresses(&self) -> &[SocketAddr] {
        &self.http
    }

    /// The addresses of the TLS listeners, with the ports that the system chose.
    pub fn https_addresses(&self) -> &[SocketAddr] {
        &self.https
    }

    /// The address of the admin listener, if there is one, with the port that the system chose.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Looks at every file and applies what changed.
    pub fn reload(&self) {
        self.reload.ask();
    }

    /// Waits until the next reload is done.
    async fn reloaded(&self) {
        self.reload.done().await;
    }

    /// Opens the access log anew.
    pub fn reopen_log(&self) {
        self.reopen.ask();
    }

    /// All listening sockets once more, for another process.
    fn listeners(&self) -> io::Result<Vec<Inherited>> {
        let data_plane = self.data_plane.lock().unwrap_or_else(PoisonError::into_inner);
        let admin = self.admin_socket.iter().map(|bound| (Use::Admin, bound));
        let served = data_plane.iter().flat_map(|plane| {
            let http = plane.http().iter().map(|bound| (Use::Http, bound));
            http.chain(plane.https().iter().map(|bound| (Use::Https, bound)))
        });
        let inherited = |(purpose, bound): (Use, &Bound)| {
            let sockets = bound.sockets.iter().map(TcpListener::try_clone).collect::<io::Result<_>>()?;
            Ok(Inherited { purpose: Some(purpose), wanted: bound.wanted, named: bound.named, sockets })
        };
        admin.chain(served).map(inherited).collect()
    }

    /// Does no more of what only one process may do: reload, tell, pull, answer administrators.
    fn let_go(&self) {
        self.control.duties.cancel();
    }

    /// Stops: an end for the connections that are open, then the last lines of the log. Blocks for at most
    /// `timeouts.drain` and a few seconds; not to be called within a runtime.
    pub fn stop(self, listeners: Listeners) {
        self.health.set_draining();
        let data_plane = self.data_plane.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (data_plane, current_thread_runtime()) {
            (Some(data_plane), Ok(runtime)) => runtime.block_on(data_plane.drain(listeners)),
            (Some(_), Err(error)) => tracing::error!(%error, "connections are cut instead of drained"),
            (None, _) => {}
        }
        drop(self.control.stop);
        // It ends by itself; a panic was told when it happened.
        let _ = self.control.thread.join();
        let (done, ended) = std::sync::mpsc::channel();
        let Kept { thread: recorder, keeper, give_up } = self.kept;
        let telemetry = self.telemetry;
        let waiting = thread::Builder::new().spawn(move || {
            let _ = telemetry.join();
            let _ = recorder.join();
            let _ = done.send(());
        });
        let in_time = |time| ended.recv_timeout(time).is_ok();
        if waiting.is_err() || !in_time(self.predecessor_time + LAST_LINES_TIME) {
            give_up.store(true, Ordering::Relaxed);
            if waiting.is_err() || !in_time(LAST_LINES_TIME) {
                tracing::warn!("the last lines of the access log, or the last findings, were not written in time");
            }
        }
        let keeper = keeper.borrow().clone();
        if let Some(Err(error)) = keeper.map(|keeper| keeper.seal()) {
            tracing::error!(%error, "the end of the record is not signed");
        }
    }
}

impl Control {
    /// Runs what the control plane does for ever, and its duties until another process has them.
    fn start(tasks: Vec<Task>, duties: Vec<Task>) -> Result<Self, Vec<Problem>> {
        let runtime = current_thread_runtime().map_err(failed("no runtime for the control plane"))?;
        let (stop, stopped) = oneshot::channel();
        let let_go = CancellationToken::new();
        let until = let_go.clone();
        let thread = thread::Builder::new().name("control".into()).spawn(move || {
            runtime.block_on(async {
                for task in tasks {
                    tokio::spawn(task);
                }
                for duty in duties {
                    tokio::spawn(until.clone().run_until_cancelled_owned(duty));
                }
                // Ends when the sender is dropped.
                let _ = stopped.await;
            });
            runtime.shutdown_background();
        });
        Ok(Self { stop, duties: let_go, thread: thread.map_err(failed("no thread for the control plane"))? })
    }
}

async fn serve_admin(admin: Admin, listener: AdminListener) {
    if let Err(error) = admin.serve(listener).await {
        tracing::error!(%error, "the admin listener does not work");
    }
}

/// What the metrics say of the record.
fn counts_of(record: &Record, snapshot: &Snapshot) -> RecordCounts {
    let strikes = record.with_ledger(|ledger| {
        ledger.strikes_put().map(|(class, source, count)| (class, source.as_str(), count)).collect()
    });
    let standing = &snapshot.standing;
    let (locked_sites, locked_directories) = standing.locked();
    let (suspended_units, is_writable) = (standing.suspended_units(), record.is_writable());
    RecordCounts { strikes, suspended_units, locked_sites, locked_directories, is_writable }
}

/// Sees every event, and counts those about hosts that are not filed.
fn seeing_unfiled(unfiled: UnfiledSeen, mut observer: Option<Observer>) -> Observer {
    Box::new(move |event| {
        unfiled.note(event);
        if let Some(observer) = &mut observer {
            observer(event);
        }
    })
}

/// Page locks stand with the data plane, which sets and lifts most of them; the record tells it of others.
fn page_hook(locks: Arc<PageLocks>, edge: Arc<ArcSwap<Edge>>) -> PageHook {
    Box::new(move |page, order| match order {
        PageOrder::Lock(rules, since) => {
            let edge = edge.load();
            let recheck = i64::try_from(edge.lock_recheck.as_millis()).unwrap_or(i64::MAX);
            locks.lock(page, Lock { since, recheck_at: since.plus_millis(recheck), rules }, edge.limits.locks);
        }
        PageOrder::ReadAgain(at) => locks.read_again(&page, at),
        PageOrder::Unlock => locks.unlock(&page),
    })
}

/// The certificates to start with, and the way to load them anew. What cannot be used is logged and left
/// out, unless nothing is left.
fn certificates(
    directory: Option<&Path>,
    data_plane: &Arc<Mutex<Option<DataPlane>>>,
    in_force: &Arc<ArcSwap<CertificateMap>>,
    live: &Arc<Live>,
) -> Result<(CertificateMap, Option<CertificateReload>), Vec<Problem>> {
    let Some(directory) = directory else { return Ok((CertificateMap::default(), None)) };
    let mut files = CertificateFiles::new(directory);
    let (certificates, mut problems) = files.load(SystemClock.now());
    let is_broken = |problems: &[Problem]| problems.iter().any(|problem| problem.severity == Severity::Error);
    if certificates.is_empty() && is_broken(&problems) {
        return Err(problems);
    }
    problems.extend(certificates.is_empty().then(|| no_certificate(directory)));
    log_problems(&problems);
    live.set_certificates(certificates.counts(SystemClock.now()));
    in_force.store(Arc::new(certificates.clone()));
    let in_force = Arc::clone(in_force);
    let (data_plane, live, files) = (Arc::clone(data_plane), Arc::clone(live), Mutex::new(files));
    let reload: CertificateReload = Box::new(move || {
        let now = SystemClock.now();
        let (certificates, problems) = files.lock().unwrap_or_else(PoisonError::into_inner).load(now);
        live.set_certificates(certificates.counts(now));
        in_force.store(Arc::new(certificates.clone()));
        if let Some(data_plane) = data_plane.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            data_plane.swap_certificates(certificates);
        }
        // What is good is in force; what is not is told, and the last good one serves in its place.
        if is_broken(&problems) {
            return Err(problems);
        }
        log_problems(&problems);
        Ok(())
    });
    Ok((certificates, Some(reload)))
}

/// Who has certificates, if the configuration names an authority to have them from.
fn acme_keeper(
    config: &Config,
    snapshot: &Arc<ArcSwap<Snapshot>>,
    challenges: &Arc<ArcSwap<Challenges>>,
    in_force: &Arc<ArcSwap<CertificateMap>>,
    reload: &ReloadHandle,
    metrics: &Arc<Metrics>,
    clock: &Arc<dyn Clock>,
) -> Option<AcmeKeeper> {
    config.acme.server.as_ref()?;
    let in_force = Arc::clone(in_force);
    Some(AcmeKeeper {
        config: config.acme.clone(),
        certificates: config.edge.certificates.clone()?,
        snapshot: Arc::clone(snapshot),
        challenges: Arc::clone(challenges),
        covering: Box::new(move |names| in_force.load().covering(names)),
        reload: reload.clone(),
        metrics: Arc::clone(metrics),
        clock: Arc::clone(clock),
    })
}

fn current_thread_runtime() -> io::Result<runtime::Runtime> {
    runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build()
}

/// Turns an error at start into a problem that names what could not be had.
fn failed<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> Vec<Problem> {
    let what = what.to_owned();
    move |error| vec![Problem::error("zhamen", 0, 0, format!("{what}: {error}"))]
}

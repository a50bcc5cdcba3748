//! The composition root: the one file that names every room, and builds each from the ones before.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use crate::{
    base::{Clock, MemoryBudget, Problem, Severity, Timestamp},
    config::{Config, Edge, WhenFull},
    control_plane::{
        Admin, AdminListener, CertificateReload, Health, IncidentDesk, Keeper, PageHook, PageOrder, Publisher, Record,
        Recorder, ReloadHandle, Reloader, Start, SystemClock, evidence_limits, keep_fresh, keep_incidents,
        log_problems,
        registry::{FooterChecks, Registrar, Shown, UnfiledSeen, keep_pulling, keep_registry_fresh},
        report::Letterhead,
        serve, webhooks,
    },
    data_plane::{self, CertificateMap, DataPlane, Listeners, PageLocks, Posted, Shared},
    domain::{
        observation::HomePage,
        registry::Registry,
        snapshot::Snapshot,
        standing::{Ledger, Lock},
    },
    store::{Evidence, Sealer, SigningKey, Spool, Sqlite},
    telemetry::{self, EventSender, Live, Metrics, Observer, Readings, RecordCounts, Reopen},
};

/// How long telemetry may take to write what is in the queue after the last request.
const LAST_LINES_TIME: Duration = Duration::from_secs(3);

/// Everything, running.
pub struct App {
    data_plane: Arc<Mutex<Option<DataPlane>>>,
    http: Vec<SocketAddr>,
    https: Vec<SocketAddr>,
    admin: Option<SocketAddr>,
    control: Control,
    health: Arc<Health>,
    reload: ReloadHandle,
    reopen: Reopen,
    telemetry: thread::JoinHandle<()>,
    recorder: thread::JoinHandle<()>,
    keeper: Arc<Keeper>,
}

/// The control plane's thread, which ends when `stop` is dropped.
struct Control {
    stop: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

/// Something that the control plane does for ever.
type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs until a signal says otherwise. An error means that nothing was started.
pub fn run(config: &Path) -> Result<(), Vec<Problem>> {
    let start = load(config)?;
    telemetry::init_operational_log(start.config.log.level, start.config.log.format);
    let runtime = current_thread_runtime().map_err(failed("no runtime for signals"))?;
    runtime.block_on(async {
        let listen = |kind| signal(kind).map_err(failed("no handler for signals"));
        let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
        let (mut hang_up, mut user1) = (listen(SignalKind::hangup())?, listen(SignalKind::user_defined1())?);
        let app = App::start(start, None)?;
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hang_up.recv() => app.reload(),
                _ = user1.recv() => app.reopen_log(),
            }
        }
        tracing::info!("stopping: draining connections");
        // A second signal does not wait for the drain.
        let stopping = tokio::task::spawn_blocking(move || app.stop());
        tokio::select! {
            _ = stopping => tracing::info!("stopped"),
            _ = terminate.recv() => tracing::warn!("stopped at once"),
            _ = interrupt.recv() => tracing::warn!("stopped at once"),
        }
        Ok::<(), Vec<Problem>>(())
    })?;
    runtime.shutdown_background();
    Ok(())
}

/// Loads what a configuration names, for [`App::start`].
pub fn load(config: &Path) -> Result<Start, Vec<Problem>> {
    Start::load(config, &SystemClock)
}

/// What is wrong with a directory of certificates.
pub fn check_certificates(directory: &Path) -> Vec<Problem> {
    data_plane::load_certificates(directory, SystemClock.now()).1
}

/// What is wrong with the files that are to vouch for origins; the registry stands in `file`.
pub fn check_origins(config: &Config, registry: &Arc<Registry>, file: &str) -> Vec<Problem> {
    data_plane::check_trust(&config.edge.upstream, registry, file)
}

/// The file and the end of the certificate that a handshake for `host` would be given.
pub fn certificate_of(directory: &Path, host: &str, now: Timestamp) -> Option<(PathBuf, Timestamp)> {
    let (certificates, _) = data_plane::load_certificates(directory, now);
    let certificate = certificates.look_up(host)?;
    Some((certificate.path.clone(), certificate.not_after))
}

impl App {
    /// Starts everything. `observer` sees every event, on the telemetry thread.
    pub fn start(mut start: Start, observer: Option<Observer>) -> Result<Self, Vec<Problem>> {
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

        let admin_listener = match &config.admin {
            Some(admin) => Some(AdminListener::bind(admin.listen, admin.tls.as_ref())?),
            None => None,
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
        let shared = Shared {
            observations: observed,
            posted: Arc::new(Posted::default()),
            snapshot: Arc::clone(&snapshot),
            events,
            live: Arc::clone(&live),
            locks: Arc::clone(&locks),
            budget: budget.clone(),
            clock: Arc::clone(&clock),
            edge: Arc::clone(&edge),
        };
        let data_plane = Arc::new(Mutex::new(None));
        let certificates = config.edge.certificates.clone().map(|directory| certificate_reload(&data_plane, directory));
        let publisher = Publisher::new(Arc::clone(&snapshot));
        let pages = page_hook(Arc::clone(&locks), Arc::clone(&edge));
        let ledger = Ledger::new(config.ledger.clone());
        let record = Record::open(store, ledger, Some(publisher.clone()), Some(pages), Arc::clone(&clock));
        let record = Arc::new(record.map_err(failed("the record"))?);
        let store_dir = &config.store.directory;
        let key = Arc::new(SigningKey::open(store_dir).map_err(failed("the store's key"))?);
        let evidence = Evidence::open(store_dir, Arc::clone(&key), evidence_limits(&config.store));
        let keeper = Arc::new(Keeper {
            record: Arc::clone(&record),
            evidence: Arc::new(evidence.map_err(failed("the evidence"))?),
            sealer: Sealer::new(store_dir, Arc::clone(&key)),
            clock: Arc::clone(&clock),
            retention: config.store.retention,
        });
        let shown = Shown { publisher, metrics: Arc::clone(&metrics), health: Arc::clone(&health) };
        let settings = config.registry.clone();
        let registrar = Registrar::new(Arc::clone(&record), settings, Arc::clone(&clock), Some(shown.clone()));
        let registrar = Arc::new(registrar);
        let (from, clock_of_reloads) = (Arc::clone(&registrar), Arc::clone(&clock));
        let reloader = Reloader::new(start, shown, from, edge, budget.clone(), clock_of_reloads, certificates);
        let (counted, published) = (Arc::clone(&record), Arc::clone(&snapshot));
        let counts = Box::new(move || counts_of(&counted, &published.load()));
        let readings = Readings { live, budget, locks: Box::new(move || locks.len()), dropped, lost, record: counts };
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
        let spooled = record.store().spooled().map_err(failed("the store"))?;
        let recorder = Recorder {
            record: Arc::clone(&record),
            spool: Spool::open(&store_dir.join("spool"), spooled).map_err(failed("the spool"))?,
            evidence: Arc::clone(&keeper.evidence),
            home_pages: Box::new(look),
            edge: edge_name(),
        };
        let recorder = recorder.start(observations).map_err(failed("no thread for the recorder"))?;
        // Not before the record is in force: nobody is served in whose way it stands, not for a moment.
        let loaded = load_certificates(config.edge.certificates.as_deref())?;
        let started_plane = DataPlane::start(&config.edge, shared, loaded).map_err(failed("the data plane"))?;
        let (http, https) = (started_plane.http_addrs().to_vec(), started_plane.https_addrs().to_vec());
        *data_plane.lock().unwrap_or_else(PoisonError::into_inner) = Some(started_plane);
        let desk = Arc::new(IncidentDesk::new(Arc::clone(&record), config.incident.clone(), incident_metrics));
        let mut tasks: Vec<Task> = vec![
            Box::pin(serve(reloader, reload.clone())),
            Box::pin(keep_fresh(Arc::clone(&record))),
            Box::pin(webhooks::tell(record, clock, config.webhooks.ca.clone())),
            Box::pin(Arc::clone(&keeper).keep()),
            Box::pin(keep_incidents(desk, || SystemClock.now())),
            Box::pin(keep_registry_fresh(Arc::clone(&registrar))),
            Box::pin(keep_pulling(Arc::clone(&registrar))),
            Box::pin(unfiled.keep_writing(registrar)),
        ];
        if let Some(listener) = admin_listener {
            tasks.push(Box::pin(serve_admin(admin, listener)));
        }
        let control = Control::start(tasks)?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), ?http, ?https, admin = ?admin_address, "running");
        Ok(Self {
            data_plane,
            http,
            https,
            admin: admin_address,
            control,
            health,
            reload,
            reopen,
            telemetry,
            recorder,
            keeper,
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

    /// Opens the access log anew.
    pub fn reopen_log(&self) {
        self.reopen.ask();
    }

    /// Stops: no new connection, an end for those that are open, then the last lines of the log.
    /// Blocks for at most `timeouts.drain` and a few seconds; not to be called within a runtime.
    pub fn stop(self) {
        self.health.set_draining();
        let data_plane = self.data_plane.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (data_plane, current_thread_runtime()) {
            (Some(data_plane), Ok(runtime)) => runtime.block_on(data_plane.drain(Listeners::Closing)),
            (Some(_), Err(error)) => tracing::error!(%error, "connections are cut instead of drained"),
            (None, _) => {}
        }
        drop(self.control.stop);
        // It ends by itself; a panic was told when it happened.
        let _ = self.control.thread.join();
        let (done, ended) = std::sync::mpsc::channel();
        let (telemetry, recorder) = (self.telemetry, self.recorder);
        let waiting = thread::Builder::new().spawn(move || {
            let _ = telemetry.join();
            let _ = recorder.join();
            let _ = done.send(());
        });
        if waiting.is_err() || ended.recv_timeout(LAST_LINES_TIME).is_err() {
            tracing::warn!("the last lines of the access log, or the last findings, were not written in time");
        }
        if let Err(error) = self.keeper.seal() {
            tracing::error!(%error, "the end of the record is not signed");
        }
    }
}

impl Control {
    /// Runs what the control plane does for ever.
    fn start(tasks: Vec<Task>) -> Result<Self, Vec<Problem>> {
        let runtime = current_thread_runtime().map_err(failed("no runtime for the control plane"))?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("control".into()).spawn(move || {
            runtime.block_on(async {
                for task in tasks {
                    tokio::spawn(task);
                }
                // Ends when the sender is dropped.
                let _ = stopped.await;
            });
            runtime.shutdown_background();
        });
        Ok(Self { stop, thread: thread.map_err(failed("no thread for the control plane"))? })
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

/// The name of this machine, by which evidence says where something was seen.
fn edge_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
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

/// The certificates to start with. What cannot be used is logged and left out, unless nothing is left.
fn load_certificates(directory: Option<&Path>) -> Result<CertificateMap, Vec<Problem>> {
    let Some(directory) = directory else { return Ok(CertificateMap::default()) };
    let (certificates, problems) = data_plane::load_certificates(directory, SystemClock.now());
    if certificates.is_empty() && problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(problems);
    }
    log_problems(&problems);
    Ok(certificates)
}

fn certificate_reload(data_plane: &Arc<Mutex<Option<DataPlane>>>, directory: PathBuf) -> CertificateReload {
    let data_plane = Arc::clone(data_plane);
    Box::new(move || {
        let (certificates, problems) = data_plane::load_certificates(&directory, SystemClock.now());
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(problems);
        }
        log_problems(&problems);
        if let Some(data_plane) = data_plane.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            data_plane.swap_certificates(certificates);
        }
        Ok(())
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

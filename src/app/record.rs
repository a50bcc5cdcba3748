//! The record's part of the house: the store, the ledger computed from it, and the keeping of evidence,
//! which one process at a time does.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::failed;
use crate::{
    base::{Clock, Problem},
    config::Config,
    control_plane::{HomePages, Keeper, Record, Recorder, evidence_limits},
    store::{Evidence, Sealer, SigningKey, Spool, StoreError},
    telemetry::ObservationReceiver,
};

/// Between two looks whether the process before has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Longer than its drain no process should take to end.
const LATE: Duration = Duration::from_secs(10);

/// What it takes to keep findings and evidence.
pub(super) struct Keeping {
    pub(super) config: Config,
    pub(super) record: Arc<Record>,
    pub(super) key: Arc<SigningKey>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) home_pages: HomePages,
    pub(super) observations: ObservationReceiver,
}

/// The keeping of findings and evidence, at work or about to be.
pub(super) struct Kept {
    /// Ends when the data plane has, and everything is on disk.
    pub(super) thread: thread::JoinHandle<()>,
    /// There as soon as evidence is kept here.
    pub(super) keeper: watch::Receiver<Option<Arc<Keeper>>>,
    /// Told to wait no longer for a process that does not end.
    pub(super) give_up: Arc<AtomicBool>,
}

impl Keeping {
    /// Begins. `succeeds`: another process still keeps evidence until its last response has ended; what is
    /// found here meanwhile waits in the queue.
    pub(super) fn start(self, succeeds: bool) -> Result<Kept, Vec<Problem>> {
        let (tell, keeper) = watch::channel(None);
        let give_up = Arc::new(AtomicBool::new(false));
        let thread = if succeeds {
            let given_up = Arc::clone(&give_up);
            let work = move || self.after_the_other(&tell, &given_up);
            thread::Builder::new().name("recorder".into()).spawn(work)
        } else {
            let evidence = self.evidence().map_err(failed("the evidence"))?;
            self.begin(evidence, &tell).map_err(failed("the spool"))?
        };
        let thread = thread.map_err(failed("no thread for the recorder"))?;
        Ok(Kept { thread, keeper, give_up })
    }

    fn evidence(&self) -> Result<Evidence, StoreError> {
        Evidence::open(&self.config.store.directory, Arc::clone(&self.key), evidence_limits(&self.config.store))
    }

    /// Waits until the other process has let go of the evidence, which it does when it ends.
    fn after_the_other(self, tell: &watch::Sender<Option<Arc<Keeper>>>, give_up: &AtomicBool) {
        let (patience, mut told) = (self.config.edge.timeouts.drain + LATE, false);
        let began = Instant::now();
        let evidence = loop {
            match self.evidence() {
                Ok(evidence) => break evidence,
                Err(error) if give_up.load(Ordering::Relaxed) => {
                    tracing::error!(%error, "the last findings are lost");
                    return;
                }
                Err(error) => {
                    if !told && began.elapsed() > patience {
                        tracing::error!(%error, "findings wait for the evidence");
                        told = true;
                    }
                    thread::sleep(LOOK_EVERY);
                }
            }
        };
        match self.begin(evidence, tell) {
            // It ends by itself; a panic was told when it happened.
            Ok(Ok(recorder)) => drop(recorder.join()),
            Ok(Err(error)) => tracing::error!(%error, "findings are not kept"),
            Err(error) => tracing::error!(%error, "findings are not kept"),
        }
    }

    fn begin(
        self,
        evidence: Evidence,
        tell: &watch::Sender<Option<Arc<Keeper>>>,
    ) -> Result<io::Result<thread::JoinHandle<()>>, StoreError> {
        let Self { config, record, key, clock, home_pages, observations } = self;
        let evidence = Arc::new(evidence);
        // Read after the other process has ended, if there was one: it has taken in what it could.
        let spooled = record.store().spooled()?;
        let recorder = Recorder {
            record: Arc::clone(&record),
            spool: Spool::open(&config.store.directory.join("spool"), spooled)?,
            evidence: Arc::clone(&evidence),
            home_pages,
            edge: edge_name(),
        };
        let sealer = Sealer::new(&config.store.directory, key);
        let keeper = Keeper { record, evidence, sealer, clock, retention: config.store.retention };
        tell.send_replace(Some(Arc::new(keeper)));
        Ok(recorder.start(observations))
    }
}

/// Signs and removes as soon as evidence is kept here, and from then on for ever.
pub(super) async fn keep(mut keeper: watch::Receiver<Option<Arc<Keeper>>>) {
    let Ok(found) = keeper.wait_for(Option::is_some).await.map(|keeper| keeper.clone()) else { return };
    if let Some(keeper) = found {
        keeper.keep().await;
    }
}

/// The name of this machine, by which evidence says where something was seen.
fn edge_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

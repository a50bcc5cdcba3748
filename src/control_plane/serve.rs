//! The control plane's loop: reload when a file changed, when asked, and when a rule expired.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval, timeout},
};

use super::{Reloader, watch::Watch};

/// Changes that come one after another count as one, until it has been quiet for so long …
const QUIET: Duration = Duration::from_millis(200);
/// … or so many quiet periods have passed in vain.
const QUIET_PERIODS_MAX: usize = 10;

/// How often it is looked whether a rule expired.
const EXPIRY_LOOK_EVERY: Duration = Duration::from_secs(3_600);

/// Asks for a reload. Requests that come while one is under way become one more.
#[derive(Clone, Debug, Default)]
pub struct ReloadHandle(Arc<Request>);

#[derive(Debug, Default)]
struct Request {
    notify: Notify,
    again: AtomicBool,
    done: Notify,
}

impl ReloadHandle {
    /// Somebody asks (SIGHUP): what was refused before is tried once more, and complained about.
    pub fn ask(&self) {
        self.0.again.store(true, Ordering::Relaxed);
        self.0.notify.notify_one();
    }

    /// Waits until the next reload is done, whatever came of it.
    pub async fn done(&self) {
        self.0.done.notified().await;
    }

    /// A file changed.
    pub(super) fn changed(&self) {
        self.0.notify.notify_one();
    }
}

/// Reloads for ever. Reading and compiling happen on a blocking thread of the runtime.
pub async fn serve(reloader: Arc<Reloader>, requests: ReloadHandle) {
    let mut watch = Watch::start(&reloader.watched(), &requests);
    // A change between the first loading and the beginning of the watch is not missed.
    requests.changed();
    let mut expiry = interval(EXPIRY_LOOK_EVERY);
    expiry.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = requests.0.notify.notified() => {
                let mut periods = 0;
                while periods < QUIET_PERIODS_MAX && timeout(QUIET, requests.0.notify.notified()).await.is_ok() {
                    periods += 1;
                }
            }
            _ = expiry.tick() => {}
        }
        let again = requests.0.again.swap(false, Ordering::Relaxed);
        // Begun before the files are read, so that no change falls between; begun anew each time,
        // because a directory that was replaced is another directory to the kernel.
        let renewed = Watch::start(&reloader.watched(), &requests);
        drop(std::mem::replace(&mut watch, renewed));
        let working = Arc::clone(&reloader);
        if let Err(error) = tokio::task::spawn_blocking(move || working.reload(again)).await {
            tracing::error!(%error, "a reload broke off; what was in force before stays in force");
        }
        requests.0.done.notify_waiters();
        if watch.paths() != reloader.watched() {
            requests.changed();
        }
    }
}

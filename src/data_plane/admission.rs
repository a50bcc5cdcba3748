//! An admission may end while its exchange runs: a unit is suspended, a site locked. What is on its way
//! then goes no further.

use std::time::Duration;

use tokio::time::sleep;

use super::worker::Worker;
use crate::domain::{message::Facts, policy::Permit, snapshot::Snapshot};

/// How often an exchange looks that does not come by by itself. A suspension is to reach every
/// connection within a second.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// By what a request was admitted.
pub(super) struct Admission<'a> {
    pub(super) worker: &'a Worker,
    pub(super) snapshot: &'a Snapshot,
    pub(super) permit: &'a Permit,
    pub(super) facts: &'a Facts,
}

impl Admission<'_> {
    /// Whether what is in force now still lets the exchange go on.
    pub(super) fn stands(&self) -> bool {
        let now = self.worker.shared.snapshot.load();
        if now.generation == self.snapshot.generation {
            return true;
        }
        let (host, path) = (self.facts.host.as_str(), self.facts.target.split('?').next().unwrap_or_default());
        now.standing.against(self.permit.site(), host, path).is_none()
    }

    /// Waits until it does not.
    pub(super) async fn ended(&self) {
        while self.stands() {
            sleep(LOOK_EVERY).await;
        }
    }
}

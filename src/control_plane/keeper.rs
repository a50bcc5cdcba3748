//! Keeping the store: heads are signed, segments sealed, and what is too old goes, after the record says
//! so.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::{incidents::incidents, record::Record, trouble::Trouble};
use crate::{
    base::{Clock, Timestamp},
    config,
    store::{Evidence, EvidenceHeader, EvidenceLimits, Sealer, StoreError},
};

/// How often it is looked whether something is to be signed.
const SEAL_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked whether something is too old, in ticks of [`SEAL_EVERY`].
const RETENTION_EVERY: u64 = 3_600;
/// A segment of this size is sealed.
const SEGMENT_BYTES: u64 = 64 << 20;
/// A segment of this age, too.
const SEGMENT_AGE: Duration = Duration::from_secs(86_400);

/// Signs, seals and removes.
pub struct Keeper {
    /// Where removals are put.
    pub record: Arc<Record>,
    /// What is kept.
    pub evidence: Arc<Evidence>,
    /// Who signs.
    pub sealer: Sealer,
    /// For ages.
    pub clock: Arc<dyn Clock>,
    /// How long evidence stays.
    pub retention: Duration,
}

/// How evidence is kept, as the configuration says.
pub fn evidence_limits(store: &config::Store) -> EvidenceLimits {
    EvidenceLimits {
        body_bytes: store.body_bytes,
        segment_bytes: SEGMENT_BYTES,
        segment_age: SEGMENT_AGE,
        again: store.again,
    }
}

impl Keeper {
    /// Keeps the store for ever.
    pub async fn keep(self: Arc<Self>) {
        let mut ticks = interval(SEAL_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut trouble = Trouble::with("the record could not be signed");
        for number in 0_u64.. {
            ticks.tick().await;
            let keeper = Arc::clone(&self);
            trouble.note(spawn_blocking(move || keeper.tick(number)).await);
        }
    }

    /// Signs everything that is not signed yet: for the end.
    pub fn seal(&self) -> Result<(), StoreError> {
        self.sealer.seal(self.record.store(), Some(&self.evidence), self.clock.now())
    }

    fn tick(&self, number: u64) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.evidence.seal_due(now)?;
        self.sealer.seal_due(self.record.store(), Some(&self.evidence), now)?;
        if number.is_multiple_of(RETENTION_EVERY) {
            self.remove_expired(now)?;
        }
        Ok(())
    }

    fn remove_expired(&self, now: Timestamp) -> Result<(), StoreError> {
        let board = incidents(&self.record)?;
        let is_held = |header: &EvidenceHeader| {
            let findings = || header.findings.iter().map(|finding| finding.id.as_str());
            board.open().any(|incident| incident.holds(&header.unit, &header.site, findings()))
        };
        for expired in self.evidence.expired(now, self.retention, &is_held)? {
            match self.record.put("retention", &[expired.change(now)]) {
                Ok(_) => self.evidence.remove(&expired)?,
                Err(error) => tracing::error!(%error, "evidence stays, because its removal could not be recorded"),
            }
        }
        Ok(())
    }
}

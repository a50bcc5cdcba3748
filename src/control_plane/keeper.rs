//! Keeping the store: heads are signed, segments sealed, and what is too old goes, after the record says
//! so.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::record::Record;
use crate::{
    base::{Clock, Timestamp},
    config,
    domain::record::Fact,
    store::{Evidence, EvidenceHeader, EvidenceLimits, Query, Sealer, Store, StoreError},
};

/// How often it is looked whether something is to be signed.
const SEAL_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked whether something is too old, in ticks of [`SEAL_EVERY`].
const RETENTION_EVERY: u64 = 3_600;
/// A segment of this size is sealed.
const SEGMENT_BYTES: u64 = 64 << 20;
/// A segment of this age, too.
const SEGMENT_AGE: Duration = Duration::from_secs(86_400);
/// Incidents read at a time.
const BATCH: usize = 1_000;

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
        let mut complained = false;
        for number in 0_u64.. {
            ticks.tick().await;
            let keeper = Arc::clone(&self);
            let kept = spawn_blocking(move || keeper.tick(number)).await;
            let failed = !matches!(kept, Ok(Ok(())));
            // Once, until it works again: it is tried every second.
            match kept {
                Ok(Err(error)) if !complained => tracing::error!(%error, "the record could not be signed"),
                Err(error) if !complained => tracing::error!(%error, "the record could not be signed"),
                Ok(_) | Err(_) => {}
            }
            complained = failed;
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
        let held = Held::of(self.record.store())?;
        for expired in self.evidence.expired(now, self.retention, &|header| held.covers(header))? {
            match self.record.put("retention", &[expired.change(now)]) {
                Ok(_) => self.evidence.remove(&expired)?,
                Err(error) => tracing::error!(%error, "evidence stays, because its removal could not be recorded"),
            }
        }
        Ok(())
    }
}

/// What open incidents hold (legal hold).
#[derive(Default)]
struct Held {
    findings: HashSet<String>,
    sites: HashSet<String>,
    units: HashSet<String>,
}

impl Held {
    fn of(store: &dyn Store) -> Result<Self, StoreError> {
        let mut open = std::collections::HashMap::new();
        let mut query = Query { kinds: vec!["incident_open", "incident_close"], limit: BATCH, ..Query::default() };
        loop {
            let entries = store.entries(&query)?;
            let (found, last) = (entries.len(), entries.last().map(|entry| entry.seq));
            for entry in entries {
                if let Fact::IncidentOpen(incident) = entry.fact {
                    open.insert(incident.id.clone(), incident);
                } else if let Fact::IncidentClose(close) = entry.fact {
                    open.remove(&close.incident);
                }
            }
            if found < BATCH {
                break;
            }
            query.after = last;
        }
        let mut held = Self::default();
        for incident in open.into_values() {
            held.findings.extend(incident.because);
            held.sites.extend(incident.sites);
            held.units.extend(incident.units);
        }
        Ok(held)
    }

    fn covers(&self, header: &EvidenceHeader) -> bool {
        self.sites.contains(&header.site)
            || self.units.contains(&header.unit)
            || header.findings.iter().any(|finding| self.findings.contains(&finding.id))
    }
}

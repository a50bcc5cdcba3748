//! The metrics of the record. Its counts are kept by the ledger and are carried over when somebody asks.

use prometheus::{IntCounter, IntCounterVec, IntGauge};

use super::{Lost, metrics::Registering};
use crate::engine::rules::Class;

/// What the record counts.
#[derive(Clone, Debug, Default)]
pub struct RecordCounts {
    /// Strikes ever put on record, by class and source (`notice`, `finding`).
    pub strikes: Vec<(Class, &'static str, u64)>,
    /// Units suspended now, or some of whose services are.
    pub suspended_units: usize,
    /// Sites locked now.
    pub locked_sites: usize,
    /// Directories, and files with all their queries, locked now.
    pub locked_directories: usize,
    /// Whether the store took what was put in last.
    pub is_writable: bool,
}

/// Strikes, suspensions, and what did not get as far as the record.
pub(super) struct RecordMetrics {
    strikes: IntCounterVec,
    suspended_units: IntGauge,
    locked_sites: IntGauge,
    locked_directories: IntGauge,
    writable: IntGauge,
    dropped: IntCounter,
    bodies_dropped: IntCounter,
}

impl RecordMetrics {
    pub(super) fn new(new: &Registering<'_>) -> prometheus::Result<Self> {
        let metrics = Self {
            strikes: new.counters(
                "strikes_total",
                "Strikes put on record: notices, and findings when a reviewer first confirms them.",
                &["class", "source"],
            )?,
            suspended_units: new.gauge("suspended_units", "Units suspended now, or some of whose services are.")?,
            locked_sites: new.gauge("locked_sites", "Sites locked now.")?,
            locked_directories: new
                .gauge("locked_directories", "Directories locked now, and files with all their queries.")?,
            writable: new.gauge(
                "store_writable",
                "1 if the store took what was put on the record last; 0: findings wait on disk, and nothing is accepted.",
            )?,
            dropped: new.counter(
                "observations_dropped_total",
                "Findings, locks and home pages dropped because the way to the record was full.",
            )?,
            bodies_dropped: new.counter(
                "evidence_dropped_total",
                "Findings that went on the record without evidence, because the way to it was full.",
            )?,
        };
        for class in [Class::Political, Class::Vulgar, Class::Other] {
            for source in ["finding", "notice"] {
                metrics.strikes.with_label_values(&[class.as_str(), source]);
            }
        }
        Ok(metrics)
    }

    pub(super) fn carry_over(&self, counts: &RecordCounts, lost: &Lost) {
        for &(class, source, count) in &counts.strikes {
            let counter = self.strikes.with_label_values(&[class.as_str(), source]);
            counter.inc_by(count.saturating_sub(counter.get()));
        }
        for (gauge, count) in [
            (&self.suspended_units, counts.suspended_units),
            (&self.locked_sites, counts.locked_sites),
            (&self.locked_directories, counts.locked_directories),
        ] {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.writable.set(i64::from(counts.is_writable));
        for (counter, count) in [(&self.dropped, lost.dropped()), (&self.bodies_dropped, lost.bodies())] {
            counter.inc_by(count.saturating_sub(counter.get()));
        }
    }
}

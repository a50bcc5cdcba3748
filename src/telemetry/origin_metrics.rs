//! Metrics of origins: how many are asked, how many are left out.

use std::sync::atomic::Ordering::Relaxed;

use prometheus::{IntCounter, IntGauge};

use super::{Live, metrics::Registering};

/// The families.
pub(super) struct OriginMetrics {
    healthy: IntGauge,
    ejected: IntGauge,
    ejections: IntCounter,
}

impl OriginMetrics {
    pub(super) fn new(new: &Registering<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            healthy: new.gauge("origin_healthy", "Origins in use that are asked.")?,
            ejected: new.gauge("origin_ejected", "Origins in use that are left out.")?,
            ejections: new.counter("origin_ejections_total", "How often one of several origins was left out.")?,
        })
    }

    /// Takes the counts over that are kept elsewhere.
    pub(super) fn carry_over(&self, live: &Live) {
        self.healthy.set(live.origins_healthy.load(Relaxed));
        self.ejected.set(live.origins_ejected.load(Relaxed));
        self.ejections.inc_by(live.origin_ejections.load(Relaxed).saturating_sub(self.ejections.get()));
    }
}

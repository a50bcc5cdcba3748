//! Metrics of certificates that are asked for by ACME.

use prometheus::{IntCounterVec, IntGaugeVec};

use super::metrics::Registering;

/// The families.
pub(super) struct AcmeMetrics {
    pub(super) orders: IntCounterVec,
    pub(super) sites: IntGaugeVec,
}

impl AcmeMetrics {
    pub(super) fn new(new: &Registering<'_>) -> prometheus::Result<Self> {
        let metrics = Self {
            orders: new.counters("acme_orders_total", "Orders for certificates, by what came of them.", &["result"])?,
            sites: new.gauges("acme_sites", "Sites that ask for certificates, by what they have.", &["state"])?,
        };
        for result in ["authority", "failed", "issued"] {
            metrics.orders.with_label_values(&[result]);
        }
        for state in ["barred", "due", "failing", "held"] {
            metrics.sites.with_label_values(&[state]);
        }
        Ok(metrics)
    }
}

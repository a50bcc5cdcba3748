//! Metrics of the edge under pressure, and of its certificates: counted where they happen, read here.

use std::sync::atomic::Ordering::Relaxed;

use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use super::{Live, live::Shed, metrics::Registering};

/// Families of the edge.
pub(super) struct EdgeMetrics {
    shed: IntCounterVec,
    slow: IntCounter,
    lag: Gauge,
    certificates: IntGauge,
    certificates_expiring: IntGauge,
    /// Without labels; without a series while there are no certificates.
    certificate_expiry: IntGaugeVec,
}

impl EdgeMetrics {
    pub(super) fn new(new: &Registering<'_>) -> prometheus::Result<Self> {
        let metrics = Self {
            shed: new.counters(
                "connections_shed_total",
                "Client connections turned away before anything was read from them, by reason.",
                &["reason"],
            )?,
            slow: new.counter("slow_clients_total", "Client connections cut because the client was too slow.")?,
            lag: new.seconds("event_loop_lag_seconds", "How late the latest worker is.")?,
            certificates: new.gauge("certificates", "Certificates in force.")?,
            certificates_expiring: new
                .gauge("certificates_expiring", "Certificates in force that end within 21 days, or have ended.")?,
            certificate_expiry: new.gauges(
                "certificate_expiry_timestamp_seconds",
                "When the first of the certificates in force ends; absent if there are none.",
                &[],
            )?,
        };
        for reason in Shed::ALL {
            metrics.shed.with_label_values(&[reason.as_str()]);
        }
        Ok(metrics)
    }

    /// Takes over what was counted elsewhere; one caller at a time.
    pub(super) fn carry_over(&self, live: &Live) {
        for reason in Shed::ALL {
            let counter = self.shed.with_label_values(&[reason.as_str()]);
            counter.inc_by(live.shed_count(reason).saturating_sub(counter.get()));
        }
        self.slow.inc_by(live.client_slow.load(Relaxed).saturating_sub(self.slow.get()));
        self.lag.set(live.lag().as_secs_f64());
        let certificates = live.certificates();
        let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.certificates.set(whole(certificates.count));
        self.certificates_expiring.set(whole(certificates.expiring));
        match certificates.first_end {
            Some(end) => self.certificate_expiry.with_label_values::<&str>(&[]).set(end.0.div_euclid(1_000)),
            None => self.certificate_expiry.reset(),
        }
    }
}

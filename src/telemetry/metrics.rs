//! Metrics for Prometheus: names of shared/formats.md, base units, and no label whose values an
//! outsider chooses. Every series with closed labels is there from the start, at zero.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus::{
    Encoder, Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder, core::Collector, process_collector::ProcessCollector,
};

use super::{
    Dropped, Http2End, Live, Lost, RecordCounts, acme_metrics::AcmeMetrics, counters::Counters,
    edge_metrics::EdgeMetrics, origin_metrics::OriginMetrics, record_metrics::RecordMetrics, words,
};
use crate::{
    base::{MemoryBudget, Timestamp},
    domain::{
        event::{Event, Exchange, OriginConnection, Outcome},
        policy,
        registry::{FilingState, Footer},
    },
    engine::{
        body_filter::{self, Inspection, Judgement},
        rules::{Action, Mode},
    },
};

/// Seconds; from a request answered out of memory to the longest timeout.
const REQUEST_BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// Seconds; scanning is a matter of micro- and milliseconds.
const SCAN_BUCKETS: [f64; 12] =
    [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25];

/// Something that is reloaded as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The certificates.
    Certificates,
    /// zhamen.toml.
    Config,
    /// sites.csv.
    Registry,
    /// The rule packs.
    Rules,
}

/// What the metrics say about the snapshot in force.
#[derive(Clone, Debug, Default)]
pub struct InForce {
    /// Its generation.
    pub generation: u64,
    /// Compiled rules.
    pub rules: usize,
    /// Rows of the registry, by filing.
    pub sites: Vec<(FilingState, usize)>,
}

/// Where the numbers that nobody sends are read when the metrics are asked for.
pub struct Readings {
    /// Connections and panics.
    pub live: Arc<Live>,
    /// All bytes held for a verdict.
    pub budget: MemoryBudget,
    /// Pages locked now.
    pub locks: Box<dyn Fn() -> usize + Send + Sync>,
    /// Events that found the queue full.
    pub dropped: Dropped,
    /// What did not get as far as the record.
    pub lost: Arc<Lost>,
    /// What the record counts.
    pub record: Box<dyn Fn() -> RecordCounts + Send + Sync>,
}

/// All metrics.
pub struct Metrics {
    registry: Registry,
    requests: Counters<2>,
    refusals: Counters<1>,
    request_seconds: Histogram,
    origin_seconds: Histogram,
    scan_seconds: Histogram,
    responses: Counters<2>,
    findings: IntCounterVec,
    scanned_bytes: Counters<1>,
    verdict_cache: Counters<1>,
    footer_checks: IntCounterVec,
    tail_flushes: IntCounter,
    held_bytes: IntGauge,
    held_bytes_limit: IntGauge,
    connections: IntGaugeVec,
    connections_rejected: IntCounter,
    http2_ended: IntCounterVec,
    http2_rejected: IntCounter,
    origin_connections: Counters<1>,
    snapshot_generation: IntGauge,
    rules: IntGauge,
    sites: IntGaugeVec,
    reloads: IntCounterVec,
    reload_last_success: IntGaugeVec,
    events: Counters<1>,
    events_dropped: IntCounter,
    log_errors: IntCounter,
    locks: IntGauge,
    incidents_open: IntGauge,
    /// Without labels; without a series while no clock runs.
    incident_deadline: IntGaugeVec,
    panics: IntCounter,
    origins: OriginMetrics,
    edge: EdgeMetrics,
    record: RecordMetrics,
    acme: AcmeMetrics,
    /// Held while counts kept elsewhere are carried over, so that two readers do not both add.
    carrying_over: Mutex<()>,
}

impl Part {
    /// All parts, alphabetical.
    pub const ALL: [Self; 4] = [Self::Certificates, Self::Config, Self::Registry, Self::Rules];

    /// The label `what`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificates => "certificates",
            Self::Config => "config",
            Self::Registry => "registry",
            Self::Rules => "rules",
        }
    }
}

impl Metrics {
    /// All metrics at zero. Fails only if two metrics have one name.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let new = Registering(&registry);
        let metrics = Self {
            requests: Counters::new(new.counters(
                "requests_total",
                "Requests by how they ended.",
                &["protocol", "outcome"],
            )?),
            refusals: Counters::new(new.counters(
                "refusals_total",
                "Requests answered by Zhamen itself, by reason.",
                &["reason"],
            )?),
            request_seconds: new.histogram(
                "request_seconds",
                "Time from a request's head read to its response's last byte sent.",
                &REQUEST_BUCKETS,
            )?,
            origin_seconds: new.histogram(
                "origin_seconds",
                "Time from a request sent to its origin to the response's head.",
                &REQUEST_BUCKETS,
            )?,
            scan_seconds: new.histogram("scan_seconds", "Time a response spent in the engine.", &SCAN_BUCKETS)?,
            responses: Counters::new(new.counters(
                "responses_total",
                "Response bodies by how much of them was read, and why not all.",
                &["inspection", "reason"],
            )?),
            findings: new.counters(
                "findings_total",
                "Rules that hit, by category, the category's action at the end, and the rule's mode.",
                &["category", "action", "mode"],
            )?,
            scanned_bytes: Counters::new(new.counters(
                "scanned_bytes_total",
                "Bytes of scanned bodies, as received and as decoded.",
                &["state"],
            )?),
            verdict_cache: Counters::new(new.counters(
                "verdict_cache_total",
                "Whole bodies by whether their verdict was remembered.",
                &["result"],
            )?),
            footer_checks: new.counters(
                "footer_checks_total",
                "Home pages by what their bottom shows of the filing.",
                &["result"],
            )?,
            tail_flushes: new.counter("tail_flushes_total", "Withheld tails that went out unjudged after waiting.")?,
            held_bytes: new.gauge("held_bytes", "Bytes held for a verdict now.")?,
            held_bytes_limit: new.gauge("held_bytes_limit", "Bytes that may be held for a verdict (limits.held).")?,
            connections: new.gauges("connections", "Open connections.", &["side", "protocol"])?,
            connections_rejected: new.counter(
                "connections_rejected_total",
                "Client connections turned away at a limit, or failed before a request was read.",
            )?,
            http2_ended: new.counters(
                "http2_connections_ended_total",
                "Connections of HTTP/2 with clients that have ended, by why.",
                &["reason"],
            )?,
            http2_rejected: new.counter(
                "http2_requests_rejected_total",
                "Requests that broke HTTP/2 or were beyond its limits: never read, and in no log.",
            )?,
            origin_connections: Counters::new(new.counters(
                "origin_connections_total",
                "Requests by how their origin was reached.",
                &["result"],
            )?),
            snapshot_generation: new.gauge("snapshot_generation", "Generation of the snapshot in force.")?,
            rules: new.gauge("rules", "Rules in force.")?,
            sites: new.gauges("sites", "Sites of the registry in force, by filing.", &["filing"])?,
            reloads: new.counters("reload_total", "Attempts to load something anew.", &["what", "result"])?,
            reload_last_success: new.gauges(
                "reload_last_success_timestamp_seconds",
                "When something was last loaded successfully; 0 if never.",
                &["what"],
            )?,
            events: Counters::new(new.counters("events_total", "Events that telemetry saw.", &["kind"])?),
            events_dropped: new.counter("events_dropped_total", "Events dropped because the queue was full.")?,
            log_errors: new
                .counter("log_errors_total", "Access log lines dropped because they could not be written.")?,
            locks: new.gauge("locked_pages", "Pages locked now.")?,
            incidents_open: new.gauge("incidents_open", "Incidents that are not closed.")?,
            incident_deadline: new.gauges(
                "incident_deadline_timestamp_seconds",
                "The next deadline of the incidents that were not reported; absent if there is none.",
                &[],
            )?,
            panics: new.counter("panics_total", "Panics that were caught; each is a fault of Zhamen.")?,
            origins: OriginMetrics::new(&new)?,
            edge: EdgeMetrics::new(&new)?,
            record: RecordMetrics::new(&new)?,
            acme: AcmeMetrics::new(&new)?,
            carrying_over: Mutex::new(()),
            registry: registry.clone(),
        };
        let build = new.gauges("build_info", "What is running; always 1.", &["version", "rustc"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_RUST_VERSION")]).set(1);
        registry.register(Box::new(ProcessCollector::for_self()))?;
        metrics.begin_at_zero();
        Ok(metrics)
    }

    /// Counts an event.
    pub fn count(&self, event: &Event) {
        self.events.inc([words::event(event)]);
        match event {
            Event::Exchange(exchange) => self.count_exchange(exchange),
            Event::PageLocked { .. } | Event::PageUnlocked { .. } => {}
        }
    }

    /// What the record says of incidents: how many are open, and the next deadline of those not reported.
    pub fn set_incidents(&self, open: usize, next_deadline: Option<Timestamp>) {
        self.incidents_open.set(whole(open));
        match next_deadline {
            Some(deadline) => self.incident_deadline.with_label_values::<&str>(&[]).set(deadline.0.div_euclid(1_000)),
            None => self.incident_deadline.reset(),
        }
    }

    /// A snapshot came into force.
    pub fn in_force(&self, snapshot: &InForce) {
        self.snapshot_generation.set(i64::try_from(snapshot.generation).unwrap_or(i64::MAX));
        self.rules.set(whole(snapshot.rules));
        for &(filing, count) in &snapshot.sites {
            self.sites.with_label_values(&[filing.as_str()]).set(whole(count));
        }
    }

    /// Something was loaded anew, or could not be.
    pub fn reloaded(&self, part: Part, success: bool, now: Timestamp) {
        let result = if success { "success" } else { "error" };
        self.reloads.with_label_values(&[part.as_str(), result]).inc();
        if success {
            self.reload_last_success.with_label_values(&[part.as_str()]).set(now.0.div_euclid(1_000));
        }
    }

    /// An order for a certificate ended: `issued`, `failed` by the site's fault, or by the `authority`'s.
    pub fn acme_ordered(&self, result: &'static str) {
        self.acme.orders.with_label_values(&[result]).inc();
    }

    /// So many sites ask for certificates and are in a state.
    pub fn set_acme_sites(&self, state: &'static str, count: usize) {
        self.acme.sites.with_label_values(&[state]).set(whole(count));
    }

    /// The bottom of a home page was looked at.
    pub fn footer_checked(&self, footer: Footer) {
        self.footer_checks.with_label_values(&[footer.as_str()]).inc();
    }

    /// Lines of the access log were dropped.
    pub fn access_log_dropped(&self, lines: u64) {
        self.log_errors.inc_by(lines);
    }

    /// All metrics in the text format (version 0.0.4).
    pub fn text(&self, readings: &Readings) -> prometheus::Result<String> {
        self.carry_over(readings);
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    /// The content type of [`Metrics::text`].
    pub fn content_type() -> String {
        TextEncoder::new().format_type().to_owned()
    }

    #[cfg(test)]
    /// How often a part was loaded with a result (`success` or `error`).
    pub(crate) fn reload_count(&self, what: &str, result: &str) -> u64 {
        self.reloads.with_label_values(&[what, result]).get()
    }

    #[cfg(test)]
    pub(super) fn access_log_dropped_count(&self) -> u64 {
        self.log_errors.get()
    }

    fn count_exchange(&self, exchange: &Exchange) {
        self.requests.inc([exchange.protocol, words::outcome(exchange.outcome)]);
        if let Outcome::Refused(reason) = exchange.outcome {
            self.refusals.inc([reason.as_str()]);
        }
        self.request_seconds.observe(exchange.total_micros as f64 / 1e6);
        if let Some(micros) = exchange.origin_micros {
            self.origin_seconds.observe(micros as f64 / 1e6);
        }
        if exchange.origin_connection != OriginConnection::None {
            self.origin_connections.inc([words::origin_connection(exchange.origin_connection)]);
        }
        if let Some(judgement) = &exchange.judgement {
            self.scan_seconds.observe(exchange.scan_micros as f64 / 1e6);
            self.count_judgement(judgement);
        }
    }

    fn count_judgement(&self, judgement: &Judgement) {
        let (inspection, reason, read) = match judgement.inspection {
            Inspection::Inspected => ("inspected", "none", true),
            Inspection::Partial(reason) => ("partial", reason.as_str(), true),
            Inspection::Uninspected(reason) => ("uninspected", reason.as_str(), false),
        };
        self.responses.inc([inspection, reason]);
        self.tail_flushes.inc_by(u64::from(judgement.tail_flushes));
        if judgement.cached {
            self.verdict_cache.inc(["hit"]);
        } else if read {
            self.verdict_cache.inc(["miss"]);
            self.scanned_bytes.inc_by(["raw"], judgement.raw_bytes);
            self.scanned_bytes.inc_by(["decoded"], judgement.decoded_bytes);
        }
        let mut counted: Vec<&str> = Vec::new();
        for finding in judgement.findings_against() {
            if counted.contains(&&*finding.rule) {
                continue;
            }
            counted.push(&finding.rule);
            let action = judgement
                .categories
                .iter()
                .find(|score| score.category == finding.category)
                .and_then(|score| score.action)
                .map_or("pass", Action::as_str);
            let mode: Mode = finding.mode;
            self.findings.with_label_values(&[&*finding.category, action, mode.as_str()]).inc();
        }
    }

    fn carry_over(&self, readings: &Readings) {
        use std::sync::atomic::Ordering::Relaxed;
        let _one_at_a_time = self.carrying_over.lock().unwrap_or_else(PoisonError::into_inner);
        let live = &readings.live;
        for end in Http2End::ALL {
            let counter = self.http2_ended.with_label_values(&[end.as_str()]);
            counter.inc_by(live.http2_ended[end as usize].load(Relaxed).saturating_sub(counter.get()));
        }
        self.connections.with_label_values(&["client", "h2"]).set(live.client_http2.load(Relaxed));
        self.connections.with_label_values(&["client", "http"]).set(live.client_plain.load(Relaxed));
        self.connections.with_label_values(&["client", "https"]).set(live.client_tls.load(Relaxed));
        self.connections.with_label_values(&["origin", "any"]).set(live.origin.load(Relaxed));
        self.origins.carry_over(live);
        self.held_bytes.set(whole(readings.budget.used()));
        self.held_bytes_limit.set(whole(readings.budget.limit()));
        self.locks.set(whole((readings.locks)()));
        self.edge.carry_over(live);
        self.record.carry_over(&(readings.record)(), &readings.lost);
        let carried = [
            (&self.connections_rejected, live.client_rejected.load(Relaxed)),
            (&self.http2_rejected, live.http2_rejected.load(Relaxed)),
            (&self.panics, live.panics.load(Relaxed)),
            (&self.events_dropped, readings.dropped.count()),
        ];
        for (counter, count) in carried {
            counter.inc_by(count.saturating_sub(counter.get()));
        }
    }

    fn begin_at_zero(&self) {
        for protocol in ["http/1.0", "http/1.1", "h2"] {
            for outcome in words::OUTCOMES {
                self.requests.inc_by([protocol, outcome], 0);
            }
        }
        for reason in policy::Reason::ALL {
            self.refusals.inc_by([reason.as_str()], 0);
        }
        self.responses.inc_by(["inspected", "none"], 0);
        for reason in body_filter::Reason::ALL {
            for inspection in ["partial", "uninspected"] {
                self.responses.inc_by([inspection, reason.as_str()], 0);
            }
        }
        for part in Part::ALL {
            self.reload_last_success.with_label_values(&[part.as_str()]);
            for result in ["success", "error"] {
                self.reloads.with_label_values(&[part.as_str(), result]);
            }
        }
        for footer in Footer::ALL {
            self.footer_checks.with_label_values(&[footer.as_str()]);
        }
        for filing in FilingState::ALL {
            self.sites.with_label_values(&[filing.as_str()]);
        }
        for kind in words::EVENTS {
            self.events.inc_by([kind], 0);
        }
        for (family, values) in [
            (&self.scanned_bytes, &["raw", "decoded"][..]),
            (&self.verdict_cache, &["hit", "miss"]),
            (&self.origin_connections, &["failed", "new", "reused"]),
        ] {
            for value in values {
                family.inc_by([value], 0);
            }
        }
    }
}

/// Makes metrics and registers them under `zhamen_`.
pub(super) struct Registering<'r>(&'r Registry);

impl Registering<'_> {
    pub(super) fn counter(&self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        self.register(IntCounter::with_opts(opts(name, help))?)
    }

    pub(super) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
        self.register(IntCounterVec::new(opts(name, help), labels)?)
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        self.register(IntGauge::with_opts(opts(name, help))?)
    }

    /// A gauge of seconds.
    pub(super) fn seconds(&self, name: &str, help: &str) -> prometheus::Result<Gauge> {
        self.register(Gauge::with_opts(opts(name, help))?)
    }

    pub(super) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntGaugeVec> {
        self.register(IntGaugeVec::new(opts(name, help), labels)?)
    }

    fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> prometheus::Result<Histogram> {
        let opts = HistogramOpts::new(format!("zhamen_{name}"), help).buckets(buckets.to_vec());
        self.register(Histogram::with_opts(opts)?)
    }

    fn register<C: Collector + Clone + 'static>(&self, collector: C) -> prometheus::Result<C> {
        self.0.register(Box::new(collector.clone()))?;
        Ok(collector)
    }
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(format!("zhamen_{name}"), help)
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        process::{Command, Stdio},
        sync::atomic::Ordering,
    };

    use super::*;
    use crate::telemetry::{access_line::tests::refused, queue};

    fn readings() -> Readings {
        let (_, receiver) = queue(1);
        Readings {
            live: Arc::default(),
            budget: MemoryBudget::new(1),
            locks: Box::new(|| 7),
            dropped: receiver.dropped(),
            lost: Arc::default(),
            record: Box::new(RecordCounts::default),
        }
    }

    fn value(text: &str, series: &str) -> f64 {
        text.lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))
            .unwrap_or_else(|| panic!("no {series} in\n{text}"))
            .parse()
            .unwrap()
    }

    #[test]
    fn every_line_has_the_format_help_and_type() {
        let text = Metrics::new().unwrap().text(&readings()).unwrap();
        let mut described = Vec::new();
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').unwrap();
                assert!(help.ends_with('.'), "{line}");
                described.push(name.to_owned());
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert_eq!(described.last().map(String::as_str), Some(name));
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                assert!(value.parse::<f64>().is_ok(), "{line}");
                assert!(series.starts_with(described.last().unwrap().as_str()), "{line}");
            }
        }
        assert!(described.len() > 25, "{described:?}");
    }

    #[test]
    fn promtool_accepts_the_metrics_where_it_is_installed() {
        let text = Metrics::new().unwrap().text(&readings()).unwrap();
        let mut promtool = Command::new("promtool");
        let Ok(mut child) = promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()
        else {
            return;
        };
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn an_exchange_is_counted_under_its_labels() {
        let metrics = Metrics::new().unwrap();
        metrics.count(&Event::Exchange(Box::new(refused())));
        let text = metrics.text(&readings()).unwrap();
        assert_eq!(value(&text, r#"zhamen_requests_total{outcome="refused",protocol="http/1.1"}"#), 1.0);
        assert_eq!(value(&text, r#"zhamen_refusals_total{reason="unfiled"}"#), 1.0);
        assert_eq!(value(&text, r#"zhamen_refusals_total{reason="bad_host"}"#), 0.0);
        assert_eq!(value(&text, r#"zhamen_events_total{kind="exchange"}"#), 1.0);
        assert_eq!(value(&text, "zhamen_request_seconds_count"), 1.0);
        assert_eq!(value(&text, "zhamen_locked_pages"), 7.0);
    }

    #[test]
    fn counts_kept_elsewhere_are_carried_over_once() {
        let (metrics, readings) = (Metrics::new().unwrap(), readings());
        readings.live.panics.store(3, Ordering::Relaxed);
        for _ in 0..2 {
            assert_eq!(value(&metrics.text(&readings).unwrap(), "zhamen_panics_total"), 3.0);
        }
    }

    #[test]
    fn a_reload_is_counted_and_its_time_kept() {
        let metrics = Metrics::new().unwrap();
        metrics.reloaded(Part::Rules, true, Timestamp(5_999));
        metrics.reloaded(Part::Rules, false, Timestamp(9_000));
        let text = metrics.text(&readings()).unwrap();
        assert_eq!(value(&text, r#"zhamen_reload_total{result="error",what="rules"}"#), 1.0);
        assert_eq!(value(&text, r#"zhamen_reload_last_success_timestamp_seconds{what="rules"}"#), 5.0);
    }
}

//! Metrics, health and status: what was there before there was a login.

use serde_json::{Value, json};

use super::{
    Api,
    call::{Body, Call, Reply},
    problem::{Problem, Word},
    route::Operation,
    schema::{Kind, Shape, may, must},
};
use crate::{domain::registry::FilingState, telemetry::Metrics};

const COUNT: Kind = Kind::Integer(0, i64::MAX);

const HEALTH: Shape = Shape {
    name: "Health",
    members: &[
        must("status", Kind::Text(1, 20), "running, ready or not ready"),
        may("because", Kind::List(&Kind::Text(1, 1_000), 10), "what is missing"),
    ],
};
const STATUS: Shape = Shape {
    name: "Status",
    members: &[
        must("version", Kind::Text(1, 100), "of the program"),
        must("generation", COUNT, "of what is in force"),
        must("uptime_seconds", COUNT, "since the start"),
        must("ready", Kind::Bool, "as /readyz says"),
        must("rules", COUNT, "in force"),
        must("phrases", COUNT, "in force"),
        must("sites", Kind::Any, "rows by filing"),
        must("locked_pages", COUNT, "by what was found"),
        must("held_bytes", COUNT, "for verdicts"),
        must("events_dropped", COUNT, "since the start"),
    ],
};

pub(super) const HEALTHZ: Operation = Operation::show("Whether the process runs", &HEALTH, healthz);
pub(super) const READYZ: Operation = Operation::show("Whether it is fit to take requests", &HEALTH, readyz);
pub(super) const METRICS: Operation = Operation::raw("Metrics for Prometheus", &["text/plain"], metrics);
pub(super) const SHOW: Operation = Operation::show("What is in force, in numbers", &STATUS, status);

fn healthz(_api: &Api, _call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(json!({"status": "running"})))
}

fn readyz(api: &Api, _call: &Call) -> Result<Reply, Problem> {
    let missing = api.health.missing();
    if missing.is_empty() {
        return Ok(Reply::json(json!({"status": "ready"})));
    }
    Ok(Reply { status: 503, ..Reply::json(json!({"status": "not ready", "because": missing})) })
}

fn metrics(api: &Api, _call: &Call) -> Result<Reply, Problem> {
    let text = api.metrics.text(&api.readings).map_err(|error| Problem::new(Word::Internal, error.to_string()))?;
    let body = Body::Raw(Metrics::content_type(), text.into_bytes());
    Ok(Reply { body, ..Reply::json(Value::Null) })
}

fn status(api: &Api, _call: &Call) -> Result<Reply, Problem> {
    let snapshot = api.snapshot.load();
    let sites = |filing| snapshot.registry.count(filing);
    let uptime_millis = api.clock.now().0.saturating_sub(api.started.0).max(0);
    Ok(Reply::json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "generation": snapshot.generation,
        "uptime_seconds": uptime_millis / 1_000,
        "ready": api.health.missing().is_empty(),
        "rules": snapshot.rules.rules(),
        "phrases": snapshot.rules.phrases(),
        "sites": {
            "filed": sites(FilingState::Filed),
            "elsewhere": sites(FilingState::Elsewhere),
            "cancelled": sites(FilingState::Cancelled),
            "unfiled": sites(FilingState::Unfiled),
        },
        "locked_pages": (api.readings.locks)(),
        "held_bytes": api.readings.budget.used(),
        "events_dropped": api.readings.dropped.count(),
    })))
}

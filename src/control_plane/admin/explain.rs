//! What would happen to a request, by what is in force: the same functions as on the data plane.

use serde_json::{Value, json};

use super::{
    Api,
    call::{Call, Reply},
    problem::Problem,
    route::Operation,
    schema::{Kind, Shape, may, must},
};
use crate::domain::{
    message::{ConnectionFacts, RawHead, Version, normalise},
    registry::{Filing, Site},
};

const TEXT: Kind = Kind::Text(0, 100_000);

const EXPLANATION: Shape = Shape {
    name: "Explanation",
    members: &[
        must("host", TEXT, "the normalised host"),
        must("target", TEXT, "path and query"),
        must("admitted", Kind::Bool, "whether it would reach its origin"),
        may("reason", TEXT, "why not"),
        may("detail", TEXT, "what more there is to say of the reason"),
        may("status", Kind::Integer(400, 599), "what it would be answered with"),
        may("site", Kind::Any, "the row that covers the host"),
        must("generation", Kind::Integer(0, i64::MAX), "of what is in force"),
    ],
};

pub(super) const SHOW: Operation = Operation::show("What would happen to a request", &EXPLANATION, show).query(&[
    must("address", Kind::Text(1, 8_000), "HOST[/PATH]; a scheme before it does not matter"),
    may("method", Kind::Word(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]), "GET if it is not said"),
]);

fn show(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let snapshot = api.snapshot.load();
    let (authority, target) = split(call.asked("address").unwrap_or_default());
    let method = call.asked("method").unwrap_or("GET");
    let head = RawHead {
        method: method.as_bytes(),
        target: target.as_bytes(),
        version: Version::Http11,
        headers: &[(b"Host", authority.as_bytes())],
    };
    let mut explanation = json!({
        "host": authority, "target": target, "admitted": true, "reason": null, "detail": null, "status": null,
        "site": null, "generation": snapshot.generation,
    });
    let mut refused = |reason: crate::domain::policy::Reason, detail: &str| {
        explanation["admitted"] = false.into();
        explanation["reason"] = reason.as_str().into();
        explanation["detail"] = detail.into();
        explanation["status"] = snapshot.policy.status(reason).into();
    };
    let facts = match normalise(head, ConnectionFacts::default()) {
        Ok(facts) => facts,
        Err((reason, why)) => {
            refused(reason, why);
            return Ok(Reply::json(explanation));
        }
    };
    let filing = snapshot.registry.look_up(&facts.host);
    let site = covering(&filing);
    if let Err(refusal) = snapshot.policy.admit(&facts, filing, &snapshot.standing, None, call.now) {
        refused(refusal.reason, &refusal.detail);
    }
    explanation["host"] = facts.host.as_str().into();
    explanation["target"] = facts.target.into();
    explanation["site"] = site.map_or(Value::Null, |site| super::sites::one(&site));
    Ok(Reply::json(explanation))
}

fn covering(filing: &Filing) -> Option<Site> {
    match filing {
        Filing::Filed(site) | Filing::Elsewhere(site) | Filing::Unfiled(Some(site)) => Some(site.clone()),
        Filing::Unfiled(None) | Filing::Unknown => None,
    }
}

/// The authority and the request target of what somebody typed or pasted.
fn split(address: &str) -> (&str, String) {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let target = target.split('#').next().unwrap_or_default();
    (authority, if target.starts_with('/') { target.to_owned() } else { format!("/{target}") })
}

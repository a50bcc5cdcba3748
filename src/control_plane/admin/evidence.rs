//! Evidence: what was served, and where something was found in it. Each view of a body is on the record,
//! whoever views it, before the body is answered.

use serde_json::{Value, json};

use super::{
    Api,
    call::{Body, Call, Reply},
    problem::{Problem, Word},
    route::Operation,
    schema::{Kind, Shape, TEXT, may, must},
};
use crate::{
    domain::record::{EvidenceView, Fact},
    store::{EvidenceRecord, Hash, read_evidence},
};

const EVIDENCE: Shape = Shape {
    name: "Evidence",
    members: &[
        must("hash", Kind::Text(64, 64), "the hash of its link: its id"),
        must("seq", Kind::Integer(0, i64::MAX), "its number in the chain of evidence"),
        must("prev", Kind::Text(64, 64), "the hash of the link before it"),
        must("record", Kind::Any, "what was served when, and what was found in it where"),
    ],
};

pub(super) const SHOW: Operation =
    Operation::show("Evidence by its hash, or by the finding that it shows; without the body", &EVIDENCE, show);
pub(super) const BODY: Operation = Operation::raw(
    "The body as it was served; that it was viewed is put on the record",
    &["application/octet-stream"],
    body,
)
.query(&[may("why", TEXT, "for what; stands on the record")]);

fn show(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let found = find(api, call)?;
    Ok(Reply::json(json!({
        "hash": found.hash.to_string(),
        "seq": found.link.seq,
        "prev": found.link.prev.to_string(),
        "record": found.header,
    })))
}

fn body(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let found = find(api, call)?;
    let why = call.asked("why").unwrap_or_default().to_owned();
    let view = EvidenceView { evidence: found.hash.to_string(), at: call.now, why };
    api.put(call, Fact::EvidenceView(view))?;
    // Never what the site said it is: nobody's browser is to run it.
    let body = Body::Raw("application/octet-stream".into(), found.body);
    Ok(Reply { body, ..Reply::json(Value::Null) })
}

fn find(api: &Api, call: &Call) -> Result<EvidenceRecord, Problem> {
    let id = call.place("evidence");
    let missing = || Problem::not_found("evidence", id);
    let hash: Hash = match id.parse() {
        Ok(hash) => hash,
        Err(_) => {
            let row = api.record.store().finding(id)?.ok_or_else(missing)?;
            row.finding.evidence.parse().map_err(|_| missing())?
        }
    };
    let place = api.record.store().evidence_place(hash)?.ok_or_else(missing)?;
    let found = read_evidence(&api.evidence, place).map_err(|error| {
        tracing::error!(%error, "evidence could not be read");
        Problem::new(Word::StoreUnavailable, error.to_string())
    })?;
    found.ok_or_else(missing)
}

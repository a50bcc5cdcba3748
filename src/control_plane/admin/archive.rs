//! The record as a whole: whether it is as it was written, and a copy of it that an outsider can check.

use std::{
    fs::File,
    sync::{MutexGuard, PoisonError},
};

use serde_json::Value;

use super::{
    Api,
    call::{Body, Call, Reply},
    problem::{Problem, Word},
    route::Operation,
    schema::{Kind, Shape, TEXT, may, must},
};
use crate::store::{ExportQuery, export, verify};

const COUNT: Kind = Kind::Integer(0, i64::MAX);
const VERIFIED: Shape = Shape {
    name: "Verified",
    members: &[
        must("sound", Kind::Bool, "everything is as it was written"),
        must("entries", COUNT, "entries of the record"),
        must("signed_entries", COUNT, "the last entry that a signature covers"),
        must("heads", COUNT, "signed heads"),
        must("segments", COUNT, "segments of evidence"),
        must("segments_removed", COUNT, "of these, removed after their time"),
        must("records", COUNT, "records in evidence"),
        must("torn", Kind::Bool, "the last segment ends within a record, as a crash leaves it"),
        must("faults", Kind::List(&Kind::Object(&FAULT), 100_000), "what was altered, taken out, put in or moved"),
    ],
};
const FAULT: Shape = Shape {
    name: "Alteration",
    members: &[
        must("place", TEXT, "an entry, a signed head, a segment and record"),
        must("what", TEXT, "what is wrong"),
    ],
};

pub(super) const VERIFY: Operation =
    Operation::show("Check every entry, every piece of evidence and every signature; takes its time", &VERIFIED, check);
pub(super) const EXPORT: Operation = Operation::raw(
    "A tar of entries, evidence and signed heads, with a script that checks them; that it was made is put on the record",
    &["application/x-tar"],
    copy,
)
.query(&[
    may("from", Kind::Time, "recorded at or after"),
    may("to", Kind::Time, "recorded before"),
    may("unit", Kind::Id, "only what is about this unit"),
    may("incident", Kind::Id, "only this incident, and what it came from"),
]);

fn check(api: &Api, _call: &Call) -> Result<Reply, Problem> {
    let _turn = turn(api);
    let verified = verify(api.record.store(), &api.evidence, &api.key.public())?;
    Ok(Reply::json(verified.to_json()))
}

fn copy(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let text = |name| call.asked(name).map(str::to_owned);
    let query =
        ExportQuery { from: call.time("from"), to: call.time("to"), unit: text("unit"), incident: text("incident") };
    if let Some(id) = &query.incident
        && api.catalogue.now(api.record.store())?.incidents.incident(id).is_none()
    {
        return Err(Problem::not_found("incident", id));
    }
    // Bodies are in it: that it was made is on the record before anybody has it.
    api.put(call, query.change(call.now))?;
    let _turn = turn(api);
    let failed = |error: std::io::Error| Problem::new(Word::StoreUnavailable, format!("no room for the copy: {error}"));
    // Beside the evidence: elsewhere there may be no room, or no right to write.
    let aside = tempfile::tempdir_in(&api.evidence).map_err(failed)?;
    let path = aside.path().join("export.tar");
    export(api.record.store(), &api.evidence, &api.key, &query, call.now, &path)?;
    // The name goes with the directory, the file when it was sent.
    let file = File::open(&path).map_err(failed)?;
    Ok(Reply { body: Body::File("application/x-tar", file), ..Reply::json(Value::Null) })
}

/// One after the other: each reads everything.
fn turn(api: &Api) -> MutexGuard<'_, ()> {
    api.reading_all.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The record itself: the audit log, and how it stands.

use serde_json::json;

use super::{
    Api,
    call::{Call, Reply, shown},
    problem::Problem,
    route::{ENTRY_PAGE, Operation},
    schema::{Kind, Member, Shape, may, must},
    spelling::HOST,
};
use crate::{domain::record::Fact, store::Query};

const SEQ: Kind = Kind::Integer(0, i64::MAX);

/// An entry, as JSON of the record has it.
pub(super) const ENTRY: Shape = Shape {
    name: "Entry",
    members: &[
        must("seq", SEQ, "its number"),
        must("recorded", Kind::Time, "when it was put on the record"),
        must("by", Kind::Text(0, 1_000), "who put it there"),
        must("fact", Kind::Any, "what it says: an object with a `type`"),
    ],
};
const SUMMARY: Shape = Shape {
    name: "RecordSummary",
    members: &[
        must("entries", SEQ, "how many there are"),
        must("head", Kind::Text(1, 200), "the hash of the last one"),
        may("signed", Kind::Object(&SIGNED), "the last signed head"),
    ],
};
const SIGNED: Shape = Shape {
    name: "SignedHead",
    members: &[
        must("seq", SEQ, "the last entry under it"),
        must("hash", Kind::Text(1, 200), "that entry's hash"),
        must("at", Kind::Time, "when it was signed"),
    ],
};

const FILTERS: [Member; 9] = [
    ENTRY_PAGE[0],
    ENTRY_PAGE[1],
    may("kind", Kind::Word(&Fact::KINDS), "only facts of this type"),
    may("unit", Kind::Id, "only what is about this unit"),
    may("service", Kind::Id, "only what is about this service"),
    may("host", Kind::Spelt(&HOST), "only what is about this host"),
    may("subject", Kind::Text(1, 200), "only what belongs to this finding, notice, incident or period"),
    may("from", Kind::Time, "recorded at or after"),
    may("to", Kind::Time, "recorded before"),
];
const AUDIT_FILTERS: [Member; 10] = [
    FILTERS[0],
    FILTERS[1],
    FILTERS[2],
    FILTERS[3],
    FILTERS[4],
    FILTERS[5],
    FILTERS[6],
    FILTERS[7],
    FILTERS[8],
    may("descending", Kind::Bool, "the last ones first"),
];

pub(super) const AUDIT: Operation =
    Operation::list("Entries of the record, in its order", &ENTRY, &AUDIT_FILTERS, audit);
pub(super) const AUDIT_SHOW: Operation = Operation::show("An entry of the record", &ENTRY, entry).tagged();
pub(super) const SUMMARY_SHOW: Operation =
    Operation::show("How many entries there are, and the head of their chain", &SUMMARY, summary);

fn audit(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let kinds = Fact::KINDS.into_iter().filter(|kind| call.asked("kind") == Some(kind)).collect();
    list(api, call, kinds)
}

/// A page of the entries of some kinds that the query asks for.
pub(super) fn list(api: &Api, call: &Call, kinds: Vec<&'static str>) -> Result<Reply, Problem> {
    let limit = call.limit();
    let text = |name| call.asked(name).map(str::to_owned);
    let query = Query {
        kinds,
        unit: text("unit"),
        service: text("service"),
        host: text("host").or_else(|| Some(call.place("host").to_owned()).filter(|host| !host.is_empty())),
        subject: text("subject"),
        from: call.time("from"),
        to: call.time("to"),
        after: call.after(),
        descending: call.asked("descending") == Some("true"),
        limit: limit + 1,
    };
    let entries = api.record.store().entries(&query)?;
    Ok(Reply::first_of(entries.iter().map(|entry| (entry.seq.to_string(), shown(entry))).collect(), limit))
}

fn entry(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let number = call.place("entry");
    let seq = number.parse::<u64>().ok().filter(|seq| (1..i64::MAX as u64).contains(seq));
    let after = seq.map(|seq| seq - 1);
    let found = match after {
        Some(_) => api.record.store().entries(&Query { after, limit: 1, ..Query::default() })?,
        None => Vec::new(),
    };
    let found = found.first().filter(|entry| Some(entry.seq) == seq);
    let entry = found.ok_or_else(|| Problem::not_found("entry", number))?;
    Ok(Reply::tagged(shown(entry), entry.seq))
}

fn summary(api: &Api, _call: &Call) -> Result<Reply, Problem> {
    let store = api.record.store();
    let (entries, head) = store.head()?;
    let signed = store.last_head()?;
    let signed = signed.map(|head| json!({"seq": head.seq, "hash": head.hash.to_string(), "at": head.at}));
    Ok(Reply::json(json!({"entries": entries, "head": head.to_string(), "signed": signed})))
}

//! What persons decide about units and servers. Every decision is an entry of the record and is answered
//! as one; what follows from all of them is the standing.

use serde_json::Value;

use super::{
    Api,
    call::{Call, Reply, shown},
    problem::{Problem, Word},
    records::{self, ENTRY},
    route::{ENTRY_PAGE, Operation},
    schema::{Kind, REASON, Shape, TEXT, may, must},
};
use crate::domain::record::Entry;

const KINDS: Kind = Kind::Word(&["virtual_host", "server"]);

const SUSPENSION: Shape = Shape {
    name: "SuspensionNew",
    members: &[
        must("unit", Kind::Id, "whom"),
        may("kind", KINDS, "which services; left out: all"),
        must("why", REASON, "why"),
    ],
};
const REINSTATEMENT: Shape = Shape {
    name: "ReinstatementNew",
    members: &[
        must("unit", Kind::Id, "whom"),
        must("kind", KINDS, "which services"),
        may("why", TEXT, "why"),
        may("rectification", Kind::Text(0, 128), "the id of the rectification report on file"),
    ],
};
const RECTIFICATION: Shape = Shape {
    name: "RectificationNew",
    members: &[
        must("unit", Kind::Id, "whose"),
        may("id", Kind::Id, "its id; left out: one is made"),
        may("problem", TEXT, "服务器出现问题"),
        may("measures", Kind::List(&REASON, 100), "具体的整改措施"),
        may("signatory", TEXT, "负责人"),
    ],
};
const TERMINATION: Shape = Shape {
    name: "TerminationNew",
    members: &[must("unit", Kind::Id, "whose contract ends"), must("why", REASON, "why")],
};
const SEALING: Shape = Shape {
    name: "SealingNew",
    members: &[must("server_ip", Kind::Text(1, 100), "which server"), must("why", REASON, "why")],
};
const UNSEALING: Shape = Shape {
    name: "UnsealingNew",
    members: &[must("server_ip", Kind::Text(1, 100), "which server"), must("why", REASON, "why")],
};

/// Paths and the kind of entry that stands below them.
const PLACES: [(&str, &str); 6] = [
    ("/api/v1/rectifications", "rectification"),
    ("/api/v1/reinstatements", "reinstatement"),
    ("/api/v1/sealings", "sealing"),
    ("/api/v1/suspensions", "suspension"),
    ("/api/v1/terminations", "termination"),
    ("/api/v1/unsealings", "unsealing"),
];

const FILTERS: [super::schema::Member; 3] =
    [ENTRY_PAGE[0], ENTRY_PAGE[1], may("unit", Kind::Id, "only those about this unit")];

pub(super) const SUSPENSIONS: Operation =
    Operation::list("Suspensions by persons, as they were decided", &ENTRY, &FILTERS, list);
pub(super) const SUSPEND: Operation =
    Operation::create("Suspend a unit: in force when this answers", &SUSPENSION, &ENTRY, decide);
pub(super) const REINSTATEMENTS: Operation =
    Operation::list("Reinstatements, as they were decided", &ENTRY, &FILTERS, list);
pub(super) const REINSTATE: Operation =
    Operation::create("Lift a unit's suspension for a kind of services", &REINSTATEMENT, &ENTRY, decide);
pub(super) const RECTIFICATIONS: Operation = Operation::list("Rectification reports on file", &ENTRY, &FILTERS, list);
pub(super) const RECTIFY: Operation =
    Operation::create("Put a rectification report on file", &RECTIFICATION, &ENTRY, decide);
pub(super) const TERMINATIONS: Operation =
    Operation::list("Terminations, as they were decided", &ENTRY, &FILTERS, list);
pub(super) const TERMINATE: Operation = Operation::create("End a unit's contract early", &TERMINATION, &ENTRY, decide);
pub(super) const SEALINGS: Operation = Operation::list("Servers sealed, as it was decided", &ENTRY, &ENTRY_PAGE, list);
pub(super) const SEAL: Operation = Operation::create("Seal a server", &SEALING, &ENTRY, decide);
pub(super) const UNSEALINGS: Operation =
    Operation::list("Seals taken off, as it was decided", &ENTRY, &ENTRY_PAGE, list);
pub(super) const UNSEAL: Operation = Operation::create("Take the seal off a server", &UNSEALING, &ENTRY, decide);

fn list(api: &Api, call: &Call) -> Result<Reply, Problem> {
    records::list(api, call, vec![kind(call)])
}

fn decide(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let kind = kind(call);
    let mut members: Vec<(&str, Value)> = vec![("at", serde_json::json!(call.now))];
    if kind == "rectification" && call.text("id").is_empty() {
        members.push(("id", call.new_id("r")?.into()));
    }
    if kind == "unsealing" {
        let sealed = api.catalogue.now(api.record.store())?.sealed.contains_key(call.text("server_ip"));
        if !sealed {
            let detail = format!("the server {:?} is not sealed", call.text("server_ip"));
            return Err(Problem::new(Word::Conflict, detail));
        }
    }
    api.enter(call, call.fact(kind, &members)?, created)
}

/// An entry that was just made, and where it can be read again.
pub(super) fn created(entry: &Entry) -> Reply {
    Reply::created(shown(entry), &format!("/api/v1/audit/{}", entry.seq))
}

fn kind(call: &Call) -> &'static str {
    PLACES.into_iter().find(|(path, _)| *path == call.route.path).map_or("", |(_, kind)| kind)
}

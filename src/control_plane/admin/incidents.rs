//! Incidents: opened, noted, closed; each with its clock.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    Api,
    call::{Call, Reply, location},
    idempotency::kept,
    problem::{Problem, Word},
    route::{Operation, PAGE},
    schema::{Kind, REASON, Shape, TEXT, may, must},
    spelling::HOST,
};
use crate::{
    base::Timestamp,
    control_plane::{NewIncident, close_incident, note_incident, open_incident},
    domain::incident::{Incident, Note, Phase},
};

const KINDS: Kind = Kind::Word(&["content", "malware", "security"]);
const IDS: Kind = Kind::List(&Kind::Text(1, 2_000), 100_000);

const INCIDENT: Shape = Shape {
    name: "Incident",
    members: &[
        must("id", Kind::Text(1, 1_000), "its id"),
        must("kind", KINDS, "what happened"),
        must("title", TEXT, "what happened, in a line"),
        must("at", Kind::Time, "when it was noticed: the clock begins"),
        must("deadline", Kind::Time, "when it must have been reported"),
        must("by", Kind::Text(0, 1_000), "who opened it"),
        must("phase", Kind::Word(&["open", "reported", "closed"]), "where it stands"),
        must("overdue", Kind::Bool, "the deadline is over and nobody reported"),
        may("units", IDS, "the units concerned"),
        may("sites", IDS, "the hosts concerned"),
        may("because", IDS, "the findings and notices that it came from"),
        may("locked", Kind::Any, "what was locked in the same step"),
        must("notes", Kind::List(&Kind::Object(&NOTE), 100_000), "what was done since"),
        may("closed", Kind::Object(&NOTE), "when it ended, and what came of it"),
    ],
};
const NOTE: Shape = Shape {
    name: "IncidentNote",
    members: &[
        must("seq", Kind::Integer(0, i64::MAX), "its entry"),
        must("at", Kind::Time, "when it was done"),
        must("by", Kind::Text(0, 1_000), "who put it on the record"),
        must("step", Kind::Text(1, 100), "measure, reported, notified, note, reminder, closed"),
        must("text", Kind::Text(0, 100_000), "in words"),
    ],
};
const INCIDENT_BODY: Shape = Shape {
    name: "IncidentNew",
    members: &[
        may("kind", KINDS, "what happened; left out: as the notices and findings say"),
        may("title", TEXT, "what happened, in a line; needed unless a notice or finding says it"),
        may("at", Kind::Time, "when it was noticed; left out: when the notice became known, or now"),
        may("deadline", Kind::Time, "another deadline than that of the clock"),
        may("units", Kind::List(&Kind::Id, 1_000), "units concerned, beside those of the notices and findings"),
        may(
            "sites",
            Kind::List(&Kind::Spelt(&HOST), 1_000),
            "hosts concerned, beside those of the notices and findings",
        ),
        may("because", Kind::List(&Kind::Id, 1_000), "the notices and findings that it comes from"),
        may("lock", Kind::List(&Kind::Object(&SCOPE), 1_000), "what is locked in the same step"),
        may("suspend", Kind::List(&Kind::Id, 1_000), "the units that are suspended in the same step"),
    ],
};
const SCOPE: Shape = Shape {
    name: "IncidentLock",
    members: &[
        must("host", Kind::Spelt(&HOST), "the host"),
        must("path", Kind::Text(0, 2_048), "as in a lock; empty for the whole site"),
        must("scope", Kind::Word(&["page", "directory", "site"]), "on what"),
    ],
};
const NOTE_BODY: Shape = Shape {
    name: "IncidentNoteNew",
    members: &[
        must("step", Kind::Word(&["measure", "note", "notified", "reported"]), "`reported` stops the clock"),
        must("text", REASON, "in words"),
    ],
};
const CLOSE_BODY: Shape = Shape { name: "IncidentClose", members: &[must("conclusion", REASON, "what came of it")] };

pub(super) const LIST: Operation = Operation::list(
    "Incidents, by id",
    &INCIDENT,
    &[PAGE[0], PAGE[1], may("phase", Kind::Word(&["open", "reported", "closed"]), "only those that stand so")],
    list,
);
pub(super) const SHOW: Operation = Operation::show("An incident and its timeline", &INCIDENT, show);
pub(super) const OPEN: Operation = Operation::create(
    "Open an incident: its locks and suspensions are in force when this answers",
    &INCIDENT_BODY,
    &INCIDENT,
    open,
);
pub(super) const NOTE_NEW: Operation = Operation::create("Note a step of an incident", &NOTE_BODY, &INCIDENT, note);
pub(super) const CLOSE: Operation = Operation::create("Close an incident", &CLOSE_BODY, &INCIDENT, close);

fn list(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let catalogue = api.catalogue.now(api.record.store())?;
    let board = &catalogue.incidents;
    let (after, phase) = (call.asked("after").unwrap_or_default(), call.asked("phase"));
    let meant = board.incidents().filter(|incident| {
        incident.open.id.as_str() > after && phase.is_none_or(|phase| phase == word(incident.phase()))
    });
    let items = meant.take(call.limit() + 1).map(|incident| (incident.open.id.clone(), shown(incident, call.now)));
    Ok(Reply::first_of(items.collect(), call.limit()))
}

fn show(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let id = call.place("incident");
    let catalogue = api.catalogue.now(api.record.store())?;
    let found = catalogue.incidents.incident(id).ok_or_else(|| Problem::not_found("incident", id))?;
    Ok(Reply::json(shown(found, call.now)))
}

fn open(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let new = NewIncident {
        kind: member(call, "kind")?,
        title: call.text("title").to_owned(),
        at: member(call, "at")?,
        deadline: member(call, "deadline")?,
        units: member(call, "units")?.unwrap_or_default(),
        sites: member(call, "sites")?.unwrap_or_default(),
        because: member(call, "because")?.unwrap_or_default(),
        lock: member(call, "lock")?.unwrap_or_default(),
        suspend: member(call, "suspend")?.unwrap_or_default(),
    };
    let keep = |incident: &Incident| kept(call, &created(incident, call));
    let opened = open_incident(&api.record, &api.incidents, &call.caller.name, &new, call.now, Some(&keep))?;
    Ok(created(&opened, call))
}

fn note(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let id = known(api, call)?;
    let (step, text) = (call.text("step"), call.text("text"));
    let keep = |incident: &Incident| kept(call, &created(incident, call));
    let noted = note_incident(&api.record, &call.caller.name, id, step, text, call.now, Some(&keep))?;
    Ok(created(&noted, call))
}

fn close(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let id = known(api, call)?;
    let conclusion = call.text("conclusion");
    let keep = |incident: &Incident| kept(call, &created(incident, call));
    let closed = close_incident(&api.record, &call.caller.name, id, conclusion, call.now, Some(&keep))?;
    Ok(created(&closed, call))
}

fn created(incident: &Incident, call: &Call) -> Reply {
    Reply::created(shown(incident, call.now), &location("/api/v1/incidents", &incident.open.id))
}

fn known<'c>(api: &Api, call: &'c Call) -> Result<&'c str, Problem> {
    let id = call.place("incident");
    match api.catalogue.now(api.record.store())?.incidents.incident(id) {
        Some(_) => Ok(id),
        None => Err(Problem::not_found("incident", id)),
    }
}

fn member<T: DeserializeOwned>(call: &Call, name: &str) -> Result<Option<T>, Problem> {
    let Some(value) = call.body.get(name) else { return Ok(None) };
    serde_json::from_value(value.clone())
        .map(Some)
        .map_err(|error| Problem::new(Word::Invalid, format!("/{name}: {error}")))
}

const fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Open => "open",
        Phase::Reported => "reported",
        Phase::Closed => "closed",
    }
}

fn shown(incident: &Incident, now: Timestamp) -> Value {
    let mut value = serde_json::to_value(&incident.open).unwrap_or_default();
    value["by"] = incident.by.clone().into();
    value["phase"] = word(incident.phase()).into();
    value["overdue"] = incident.overdue(now).into();
    value["notes"] = incident.notes.iter().map(one_note).collect();
    value["closed"] = incident.closed.as_ref().map_or(Value::Null, one_note);
    value
}

fn one_note(note: &Note) -> Value {
    json!({"seq": note.seq, "at": note.at, "by": note.by, "step": note.step, "text": note.text})
}

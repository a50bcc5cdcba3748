//! Units, services, letters of commitment, persons.

use std::ops::Bound;

use serde_json::{Value, json};

use super::{
    Api,
    call::{Call, Reply, standing_by},
    problem::Problem,
    route::{ENTRY_PAGE, Operation, PAGE},
    schema::{Kind, Shape, TEXT, may, must},
};

const KINDS: Kind = Kind::Word(&["virtual_host", "server"]);
const FORMS: Kind = Kind::Word(&["datacenter", "hosting"]);
const PERSON_ROLES: Kind = Kind::Word(&["principal", "reviewer"]);
const SEQ: Kind = Kind::Integer(0, i64::MAX);

const UNIT: Shape = Shape {
    name: "Unit",
    members: &[
        must("unit", Kind::Text(1, 1_000), "its id"),
        may("parent", Kind::Text(1, 1_000), "the reseller above it"),
        may("name", TEXT, "the name on the letter"),
        may("identity", TEXT, "identity number or credit code"),
        may("contact", TEXT, "where written notices go"),
        must("seq", SEQ, "the entry that says so; also the ETag"),
    ],
};
const UNIT_BODY: Shape = Shape {
    name: "UnitPut",
    members: &[
        may("parent", Kind::Id, "the reseller above it, which is jointly liable"),
        may("name", TEXT, "the name on the letter (承诺单位名称)"),
        may("identity", TEXT, "identity number of the person, or credit code of the company"),
        may("contact", TEXT, "where written notices go"),
    ],
};
const SERVICE: Shape = Shape {
    name: "Service",
    members: &[
        must("service", Kind::Text(1, 1_000), "its id"),
        must("unit", Kind::Text(1, 1_000), "who rents it"),
        must("kind", KINDS, "what it is"),
        may("server_ips", Kind::List(&Kind::Text(1, 100), 10_000), "its servers"),
        must("seq", SEQ, "the entry that says so; also the ETag"),
    ],
};
const SERVICE_BODY: Shape = Shape {
    name: "ServicePut",
    members: &[
        must("unit", Kind::Id, "who rents it"),
        must("kind", KINDS, "what it is"),
        may("server_ips", Kind::List(&Kind::Text(1, 100), 1_000), "its servers"),
    ],
};
const COMMITMENT: Shape = Shape {
    name: "Commitment",
    members: &[
        must("unit", Kind::Text(1, 1_000), "who signed"),
        must("form", FORMS, "the first letter, or the second"),
        must("signed", Kind::Date, "in force from this day on"),
        may("until", Kind::Date, "the last day"),
        may("signatory", TEXT, "who signed for the unit"),
        must("seq", SEQ, "the entry that says so"),
    ],
};
const COMMITMENT_BODY: Shape = Shape {
    name: "CommitmentNew",
    members: &[
        must("unit", Kind::Id, "who signed"),
        must("form", FORMS, "datacenter: 信息安全承诺书; hosting: 互联网安全承诺书"),
        must("signed", Kind::Date, "in force from this day on"),
        may("until", Kind::Date, "the last day"),
        may("signatory", TEXT, "who signed for the unit"),
    ],
};
const PERSON: Shape = Shape {
    name: "Person",
    members: &[
        must("unit", Kind::Text(1, 1_000), "for whom"),
        must("role", PERSON_ROLES, "信息安全责任人 or 信息安全审查员"),
        must("name", Kind::Text(1, 4_000), "the name"),
        may("certificate", TEXT, "the certificate's number"),
        may("expires", Kind::Date, "the certificate's last day"),
        may("contact", TEXT, "how to reach the person"),
        must("seq", SEQ, "the entry that says so"),
    ],
};
const PERSON_BODY: Shape = Shape {
    name: "PersonNew",
    members: &[
        must("unit", Kind::Id, "for whom"),
        must("role", PERSON_ROLES, "信息安全责任人 or 信息安全审查员"),
        must("name", Kind::Text(1, 200), "the name; said again the person changes"),
        may("certificate", TEXT, "the certificate's number"),
        may("expires", Kind::Date, "the certificate's last day"),
        may("contact", TEXT, "how to reach the person"),
    ],
};

pub(super) const UNITS: Operation = Operation::list(
    "Units, by id",
    &UNIT,
    &[PAGE[0], PAGE[1], may("parent", Kind::Id, "only those right below this one")],
    units,
);
pub(super) const UNIT_SHOW: Operation = Operation::show("A unit", &UNIT, unit).tagged();
pub(super) const UNIT_PUT: Operation = Operation::put("Make or change a unit", &UNIT_BODY, &UNIT, put_unit);
pub(super) const SERVICES: Operation = Operation::list(
    "Services, by id",
    &SERVICE,
    &[PAGE[0], PAGE[1], may("unit", Kind::Id, "only those of this unit")],
    services,
);
pub(super) const SERVICE_SHOW: Operation = Operation::show("A service", &SERVICE, service).tagged();
pub(super) const SERVICE_PUT: Operation =
    Operation::put("Make or change a service", &SERVICE_BODY, &SERVICE, put_service);
pub(super) const COMMITMENTS: Operation = Operation::list(
    "Letters of commitment, in the order of the record",
    &COMMITMENT,
    &[ENTRY_PAGE[0], ENTRY_PAGE[1], may("unit", Kind::Id, "only those of this unit")],
    commitments,
);
pub(super) const COMMITMENT_NEW: Operation =
    Operation::create("A unit signed a letter", &COMMITMENT_BODY, &COMMITMENT, new_commitment);
pub(super) const PERSONS: Operation = Operation::list(
    "Principals and reviewers, by unit, role and name",
    &PERSON,
    &[PAGE[0], PAGE[1], may("unit", Kind::Id, "only those of this unit"), may("role", PERSON_ROLES, "only these")],
    persons,
);
pub(super) const PERSON_NEW: Operation =
    Operation::create("Name a principal or reviewer", &PERSON_BODY, &PERSON, new_person);

fn units(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let catalogue = api.catalogue.now(api.record.store())?;
    let (parent, limit) = (call.asked("parent"), call.limit());
    let behind = catalogue.units.range::<str, _>((after(call), Bound::Unbounded));
    let meant = behind.filter(|(_, (_, unit))| parent.is_none_or(|parent| unit.parent.as_deref() == Some(parent)));
    let items = meant.take(limit + 1).map(|(id, (seq, unit))| (id.clone(), standing_by(unit, *seq)));
    Ok(Reply::first_of(items.collect(), limit))
}

fn unit(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let catalogue = api.catalogue.now(api.record.store())?;
    let id = call.place("unit");
    let (seq, unit) = catalogue.units.get(id).ok_or_else(|| Problem::not_found("unit", id))?;
    Ok(Reply::tagged(standing_by(unit, *seq), *seq))
}

fn put_unit(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let id = usable(call.place("unit"))?;
    let known = api.catalogue.now(api.record.store())?.units.get(id).map(|(seq, _)| *seq);
    call.precondition(known)?;
    api.put(call, call.fact("unit", &[("unit", id.into())])?)?;
    Ok(put(unit(api, call)?, known))
}

fn services(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let catalogue = api.catalogue.now(api.record.store())?;
    let (unit, limit) = (call.asked("unit"), call.limit());
    let behind = catalogue.services.range::<str, _>((after(call), Bound::Unbounded));
    let meant = behind.filter(|(_, (_, service))| unit.is_none_or(|unit| service.unit == unit));
    let items = meant.take(limit + 1).map(|(id, (seq, service))| (id.clone(), standing_by(service, *seq)));
    Ok(Reply::first_of(items.collect(), limit))
}

fn service(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let catalogue = api.catalogue.now(api.record.store())?;
    let id = call.place("service");
    let (seq, service) = catalogue.services.get(id).ok_or_else(|| Problem::not_found("service", id))?;
    Ok(Reply::tagged(standing_by(service, *seq), *seq))
}

fn put_service(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let id = usable(call.place("service"))?;
    let known = api.catalogue.now(api.record.store())?.services.get(id).map(|(seq, _)| *seq);
    call.precondition(known)?;
    api.put(call, call.fact("service", &[("service", id.into())])?)?;
    Ok(put(service(api, call)?, known))
}

fn commitments(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let catalogue = api.catalogue.now(api.record.store())?;
    let (unit, limit) = (call.asked("unit"), call.limit());
    let behind = catalogue.commitments.range((Bound::Excluded(call.after().unwrap_or(0)), Bound::Unbounded));
    let meant = behind.filter(|(_, letter)| unit.is_none_or(|unit| letter.unit == unit));
    let items = meant.take(limit + 1).map(|(seq, letter)| (seq.to_string(), standing_by(letter, *seq)));
    Ok(Reply::first_of(items.collect(), limit))
}

fn new_commitment(api: &Api, call: &Call) -> Result<Reply, Problem> {
    api.enter(call, call.fact("commitment", &[])?, |entry| Reply::created(made(call, entry.seq), ""))
}

fn persons(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let catalogue = api.catalogue.now(api.record.store())?;
    let (unit, role, limit) = (call.asked("unit"), call.asked("role"), call.limit());
    // The cursor is the JSON of what they are sorted by.
    let after: Option<(String, String, String)> = call.cursor();
    let is_behind = |key: &(String, &str, String)| {
        after.as_ref().is_none_or(|after| (&*key.0, key.1, &*key.2) > (&*after.0, &*after.1, &*after.2))
    };
    let meant = catalogue.persons.iter().filter(|(key, _)| {
        is_behind(key) && unit.is_none_or(|unit| key.0 == unit) && role.is_none_or(|role| key.1 == role)
    });
    let items = meant.take(limit + 1).map(|(key, (seq, person))| (json!(key).to_string(), standing_by(person, *seq)));
    Ok(Reply::first_of(items.collect(), limit))
}

fn new_person(api: &Api, call: &Call) -> Result<Reply, Problem> {
    api.enter(call, call.fact("person", &[])?, |entry| Reply::created(made(call, entry.seq), ""))
}

/// What the body says, and the entry that it became.
fn made(call: &Call, seq: u64) -> Value {
    let mut made = Value::Object(call.body.clone());
    made["seq"] = seq.into();
    made
}

/// 201 for what was not known before.
fn put(reply: Reply, known: Option<u64>) -> Reply {
    Reply { status: if known.is_some() { 200 } else { 201 }, ..reply }
}

/// An id that a new thing may have.
pub(super) fn usable(id: &str) -> Result<&str, Problem> {
    let odd = id.chars().any(|c| c.is_control() || c == '/');
    if odd || id.is_empty() || id.chars().count() > 128 {
        return Err(Problem::parameter("", "an id has 1 to 128 characters without slashes and control characters"));
    }
    Ok(id)
}

/// Where a page of things by id begins.
pub(super) fn after(call: &Call) -> Bound<&str> {
    call.asked("after").map_or(Bound::Unbounded, Bound::Excluded)
}

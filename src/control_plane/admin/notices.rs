//! Notices of superior authorities (通报), and their withdrawal.

use std::ops::Bound;

use serde_json::Value;

use super::{
    Api,
    call::{Call, Reply, location, standing_by},
    customers::after,
    decisions::created,
    problem::{Problem, Word},
    records::ENTRY,
    route::{Operation, PAGE},
    schema::{Kind, REASON, Shape, TEXT, may, must},
};
use crate::domain::record::{Notice, Withdrawal};

const CLASSES: Kind = Kind::Word(&["political", "vulgar", "other", "filing"]);
const SEQ: Kind = Kind::Integer(0, i64::MAX);

const NOTICE: Shape = Shape {
    name: "Notice",
    members: &[
        must("id", Kind::Text(1, 1_000), "its id"),
        must("service", Kind::Text(1, 1_000), "the service that it is about"),
        must("class", CLASSES, "what the ledger counts it as"),
        must("at", Kind::Time, "when the violation was"),
        may("recorded", Kind::Time, "when it became known"),
        may("authority", TEXT, "who notified"),
        may("document", TEXT, "the document's number"),
        may("url", TEXT, "where the content was"),
        may("deadline", Kind::Time, "until when something has to be done"),
        may("note", TEXT, "what it says"),
        may("withdrawn", Kind::Any, "the withdrawal, if it no longer counts"),
        must("seq", SEQ, "the last entry about it; also the ETag"),
    ],
};
const NOTICE_BODY: Shape = Shape {
    name: "NoticeNew",
    members: &[
        must("service", Kind::Id, "the service that it is about"),
        must("class", CLASSES, "what the ledger counts it as"),
        may("id", Kind::Id, "its id; left out: one is made"),
        may("at", Kind::Time, "when the violation was; left out: now"),
        may("recorded", Kind::Time, "when it became known; left out: now"),
        may("authority", TEXT, "who notified"),
        may("document", TEXT, "the document's number"),
        may("url", TEXT, "where the content was"),
        may("deadline", Kind::Time, "until when something has to be done"),
        may("note", TEXT, "what it says"),
    ],
};
/// Why something no longer counts.
pub(super) const WITHDRAWAL: Shape =
    Shape { name: "WithdrawalNew", members: &[must("why", REASON, "why it no longer counts")] };

pub(super) const LIST: Operation = Operation::list(
    "Notices, by id",
    &NOTICE,
    &[
        PAGE[0],
        PAGE[1],
        may("unit", Kind::Id, "only those about services that are this unit's now"),
        may("service", Kind::Id, "only those about this service"),
        may("class", CLASSES, "only those of this class"),
    ],
    list,
);
pub(super) const SHOW: Operation = Operation::show("A notice", &NOTICE, show).tagged();
pub(super) const CREATE: Operation =
    Operation::create("Enter a notice: a strike, counted when this answers", &NOTICE_BODY, &NOTICE, create);
pub(super) const WITHDRAW: Operation = Operation::create("A notice no longer counts", &WITHDRAWAL, &ENTRY, withdraw);

fn list(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let catalogue = api.catalogue.now(api.record.store())?;
    let (unit, service, class) = (call.asked("unit"), call.asked("service"), call.asked("class"));
    let unit_of = |service: &str| catalogue.services.get(service).map(|(_, service)| service.unit.as_str());
    let is_meant = |notice: &Notice| {
        unit.is_none_or(|unit| unit_of(&notice.service) == Some(unit))
            && service.is_none_or(|service| notice.service == service)
            && class.is_none_or(|class| serde_json::to_value(notice.class).is_ok_and(|word| word == class))
    };
    let behind = catalogue.notices.range::<str, _>((after(call), Bound::Unbounded));
    let meant = behind.filter(|(_, (_, (notice, _)))| is_meant(notice)).take(call.limit() + 1);
    let items = meant.map(|(id, (seq, (notice, withdrawal)))| (id.clone(), one(notice, withdrawal.as_ref(), *seq)));
    Ok(Reply::first_of(items.collect(), call.limit()))
}

fn show(api: &Api, call: &Call) -> Result<Reply, Problem> {
    of(api, call.place("notice"))
}

fn create(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let mut members: Vec<(&str, Value)> = Vec::new();
    let now = serde_json::to_value(call.now).unwrap_or_default();
    for name in ["at", "recorded"] {
        if call.text(name).is_empty() {
            members.push((name, now.clone()));
        }
    }
    let id = match call.text("id") {
        "" => call.new_id("n")?,
        id => id.to_owned(),
    };
    // Made by the same Idempotency-Key before something broke: it is there, once.
    let again = call.text("id").is_empty() && call.idempotency_key.is_some();
    let known = api.catalogue.now(api.record.store())?.notices.contains_key(&id);
    if known && !again {
        return Err(Problem::new(Word::Conflict, format!("there is a notice {id:?} already")));
    }
    if !known {
        members.push(("id", id.clone().into()));
        api.put(call, call.fact("notice", &members)?)?;
    }
    let location = Some(location("/api/v1/notices", &id));
    Ok(Reply { status: 201, location, ..of(api, &id)? })
}

fn withdraw(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let id = call.place("notice");
    let withdrawn = match api.catalogue.now(api.record.store())?.notices.get(id) {
        Some((_, (_, withdrawal))) => withdrawal.is_some(),
        None => return Err(Problem::not_found("notice", id)),
    };
    if withdrawn {
        return Err(Problem::new(Word::Conflict, format!("the notice {id:?} is withdrawn already")));
    }
    let now = serde_json::to_value(call.now).unwrap_or_default();
    api.enter(call, call.fact("withdrawal", &[("of", id.into()), ("at", now)])?, created)
}

fn of(api: &Api, id: &str) -> Result<Reply, Problem> {
    let catalogue = api.catalogue.now(api.record.store())?;
    let (seq, (notice, withdrawal)) = catalogue.notices.get(id).ok_or_else(|| Problem::not_found("notice", id))?;
    Ok(Reply::tagged(one(notice, withdrawal.as_ref(), *seq), *seq))
}

fn one(notice: &Notice, withdrawal: Option<&Withdrawal>, seq: u64) -> Value {
    let mut value = standing_by(notice, seq);
    if let Some(withdrawal) = withdrawal {
        value["withdrawn"] = serde_json::to_value(withdrawal).unwrap_or_default();
    }
    value
}

//! How units stand, and what other thresholds would make of other events.

use std::ops::Bound;

use serde_json::{Value, json};

use super::{
    Api,
    call::{Call, Reply},
    problem::{Fault, Problem, Word},
    route::{Operation, PAGE},
    schema::{Kind, Member, Shape, TEXT, may, must},
};
use crate::domain::{
    record::Fact,
    registry::ServiceKind,
    standing::{LedgerPolicy, Rows, Threshold, Thresholds, UnitStanding, replay},
};

const KINDS: Kind = Kind::Word(&["virtual_host", "server"]);
const COUNT: Kind = Kind::Integer(0, i64::MAX);

const STANDING: Shape = Shape {
    name: "Standing",
    members: &[
        must("unit", Kind::Text(1, 1_000), "the unit"),
        must("kind", KINDS, "the kind of its services"),
        must("standing", Kind::Word(&["clear", "suspended", "terminated"]), "the word"),
        must("month", Kind::Object(&COUNTS), "strikes in the month that ends now"),
        must("year", Kind::Object(&COUNTS), "strikes in the year that ends now"),
        must(
            "because",
            Kind::List(&Kind::Text(1, 1_000), 100_000),
            "the strikes of the first window that holds too many",
        ),
        must("below", Kind::Object(&BELOW), "strikes of the units below it"),
        may("decision", TEXT, "the reason that a person gave"),
        may("strikes", Kind::List(&Kind::Object(&STRIKE), 1_000_000), "all strikes, where one unit is shown"),
    ],
};
const COUNTS: Shape = Shape {
    name: "Counts",
    members: &[must("political_vulgar", COUNT, "政治类、低俗类"), must("other", COUNT, "其他类非法信息")],
};
const BELOW: Shape = Shape {
    name: "Below",
    members: &[
        must("month", Kind::Object(&COUNTS), "in the month"),
        must("year", Kind::Object(&COUNTS), "in the year"),
    ],
};
const STRIKE: Shape = Shape {
    name: "Strike",
    members: &[
        must("id", Kind::Text(1, 1_000), "the notice or finding"),
        must("at", Kind::Time, "when the violation was"),
        must("known", Kind::Time, "from when on it is known to be a strike"),
        must("class", Kind::Word(&["political", "vulgar", "other", "filing"]), "what it is counted as"),
        must("notice", Kind::Bool, "a notice, not a finding"),
        must("service", Kind::Text(0, 1_000), "the service that it is about"),
    ],
};
const UNIT_STANDING: Shape = Shape {
    name: "UnitStanding",
    members: &[
        must("unit", Kind::Text(1, 1_000), "the unit"),
        must("standings", Kind::List(&Kind::Object(&STANDING), 2), "one for each kind of services"),
        must("committed", Kind::Bool, "a letter of commitment is in force"),
    ],
};

const CLASSES: Kind = Kind::Word(&["political", "vulgar", "other", "filing"]);
const EVENTS: [&Shape; 7] = [
    &Shape {
        name: "UnitEvent",
        members: &[
            must("type", Kind::Word(&["unit"]), "a unit"),
            must("unit", Kind::Id, "its id"),
            may("parent", Kind::Id, "the unit above it"),
        ],
    },
    &Shape {
        name: "ServiceEvent",
        members: &[
            must("type", Kind::Word(&["service"]), "a service"),
            must("service", Kind::Id, "its id"),
            must("unit", Kind::Id, "whose"),
            must("kind", KINDS, "of what kind"),
        ],
    },
    &Shape {
        name: "NoticeEvent",
        members: &[
            must("type", Kind::Word(&["notice"]), "a notice"),
            must("id", Kind::Id, "its id"),
            must("service", Kind::Id, "about which service"),
            must("class", CLASSES, "of which class"),
            must("at", Kind::Time, "when the violation was"),
            may("recorded", Kind::Time, "when it became known"),
        ],
    },
    &Shape {
        name: "FindingEvent",
        members: &[
            must("type", Kind::Word(&["finding"]), "a finding"),
            must("id", Kind::Id, "its id"),
            must("service", Kind::Id, "in which service"),
            must("class", CLASSES, "of which class"),
            must("page", TEXT, "the URL"),
            must("rule", TEXT, "the rule"),
            must("content", TEXT, "a hash of what was found"),
            must("at", Kind::Time, "when it was served"),
        ],
    },
    &Shape {
        name: "ReviewEvent",
        members: &[
            must("type", Kind::Word(&["review"]), "a review"),
            must("finding", Kind::Id, "of which finding"),
            must("decision", Kind::Word(&["confirmed", "dismissed"]), "what was decided"),
            must("by", TEXT, "by whom"),
            must("at", Kind::Time, "when"),
        ],
    },
    &Shape {
        name: "WithdrawalEvent",
        members: &[
            must("type", Kind::Word(&["withdrawal"]), "a withdrawal"),
            must("of", Kind::Id, "of which notice or finding"),
            must("at", Kind::Time, "when"),
        ],
    },
    &Shape {
        name: "ReinstatementEvent",
        members: &[
            must("type", Kind::Word(&["reinstatement"]), "a reinstatement"),
            must("unit", Kind::Id, "of which unit"),
            must("kind", KINDS, "of which services"),
            must("at", Kind::Time, "when"),
        ],
    },
];
const REPLAY_BODY: Shape = Shape {
    name: "Replay",
    members: &[
        must(
            "events",
            Kind::List(&Kind::OneOf(&EVENTS), 10_000),
            "as in a file for `zhamen ledger replay`, in any order",
        ),
        may("at", Kind::Time, "when; left out: after the last event"),
        may("thresholds", Kind::Object(&THRESHOLDS), "another table; left out: the one in force"),
    ],
};
const THRESHOLDS: Shape = Shape {
    name: "Thresholds",
    members: &[
        must("virtual_host", Kind::Object(&ROWS), "虚拟主机"),
        must("server", Kind::Object(&ROWS), "VPS, 云主机, 主机租用托管"),
    ],
};
const ROWS: Shape = Shape {
    name: "ThresholdRows",
    members: &[
        must("political_vulgar", Kind::Object(&THRESHOLD), "政治类、低俗类"),
        must("other", Kind::Object(&THRESHOLD), "其他类非法信息"),
    ],
};
const THRESHOLD: Shape = Shape {
    name: "Threshold",
    members: &[
        must("month", Kind::Integer(1, 1_000_000), "so many in a month suspend"),
        must("year", Kind::Integer(1, 1_000_000), "so many in a year suspend"),
    ],
};
const REPLAYED: Shape = Shape {
    name: "Replayed",
    members: &[must("standings", Kind::List(&Kind::Object(&STANDING), 100_000), "by unit and kind")],
};

const FILTERS: [Member; 4] = [
    PAGE[0],
    PAGE[1],
    may("kind", KINDS, "only for this kind of services"),
    may("standing", Kind::Word(&["clear", "suspended", "terminated"]), "only those that stand so"),
];

pub(super) const LIST: Operation =
    Operation::list("The standing of every unit and kind, by unit and kind", &STANDING, &FILTERS, list);
pub(super) const SHOW: Operation = Operation::show("The standing of a unit, with its strikes", &UNIT_STANDING, show);
pub(super) const REPLAY: Operation =
    Operation::show("What the ledger would say of other events or thresholds; changes nothing", &REPLAYED, what_if)
        .body(&REPLAY_BODY);

/// In the order of the words.
const ORDER: [ServiceKind; 2] = [ServiceKind::Server, ServiceKind::VirtualHost];

fn list(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let after: Option<(String, String)> = match call.asked("after") {
        None => None,
        Some(after) => Some(
            serde_json::from_str(after)
                .map_err(|_| Problem::parameter("after", "is no `next` of a page of this list"))?,
        ),
    };
    let (kind, word, limit) = (call.asked("kind"), call.asked("standing"), call.limit());
    let items = api.record.with_ledger(|ledger| {
        let now = ledger.present(call.now);
        let begin = after.as_ref().map_or(Bound::Unbounded, |(unit, _)| Bound::Included(unit.as_str()));
        let mut items = Vec::new();
        for unit in ledger.units().map(|unit| unit.fact.unit.as_str()) {
            if matches!(begin, Bound::Included(first) if unit < first) {
                continue;
            }
            for of in ORDER {
                let behind =
                    after.as_ref().is_none_or(|(first, last)| (unit, of.as_str()) > (first.as_str(), last.as_str()));
                if !behind || kind.is_some_and(|kind| kind != of.as_str()) {
                    continue;
                }
                let standing = ledger.unit_standing(unit, of, now);
                if word.is_none_or(|word| word == standing.standing.as_str()) {
                    items.push((json!([unit, of.as_str()]).to_string(), shown(&standing)));
                }
                if items.len() > limit {
                    return items;
                }
            }
        }
        items
    });
    Ok(Reply::first_of(items, limit))
}

fn show(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let unit = call.place("unit");
    let found = api.record.with_ledger(|ledger| {
        let on_record = ledger.unit(unit)?;
        let now = ledger.present(call.now);
        let standings = ORDER.map(|kind| {
            let strikes = ledger.strikes(unit, kind, now);
            let mut value = shown(&ledger.unit_standing(unit, kind, now));
            let strikes = strikes.iter().map(|strike| {
                json!({
                    "id": strike.id, "at": strike.at, "known": strike.known, "class": strike.class,
                    "notice": strike.is_notice, "service": strike.service,
                })
            });
            value["strikes"] = strikes.collect();
            value
        });
        Some(json!({"unit": unit, "standings": standings, "committed": on_record.commitment(now).is_some()}))
    });
    found.map(Reply::json).ok_or_else(|| Problem::not_found("unit", unit))
}

fn what_if(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let mut policy: LedgerPolicy = api.record.with_ledger(|ledger| ledger.policy().clone());
    if let Some(table) = call.body.get("thresholds") {
        policy.thresholds = thresholds(table);
    }
    let mut events = Vec::new();
    for (index, event) in call.body.get("events").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let mut event = event.clone();
        if let Some(members) = event.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        let fact: Fact = serde_json::from_value(event)
            .map_err(|error| Problem::member(&format!("/events/{index}"), error.to_string()))?;
        events.push((u32::try_from(index).unwrap_or(u32::MAX), fact));
    }
    let replayed = replay("events", events, policy).map_err(|problems| {
        let at = |line| format!("/events/{line}");
        let faults = problems.iter().map(|problem| Fault::new(&at(problem.line), problem.message.clone()));
        Problem::faults(Word::Conflict, faults.collect())
    })?;
    let at = call.text("at").parse().unwrap_or(replayed.last);
    let standings: Vec<Value> = replayed.ledger.standings(at).iter().map(shown).collect();
    Ok(Reply::json(json!({"standings": standings})))
}

fn thresholds(table: &Value) -> Thresholds {
    let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(u32::MAX);
    let threshold = |value: &Value| Threshold { month: number(&value["month"]), year: number(&value["year"]) };
    let rows = |value: &Value| Rows {
        political_vulgar: threshold(&value["political_vulgar"]),
        other: threshold(&value["other"]),
    };
    Thresholds { virtual_host: rows(&table["virtual_host"]), server: rows(&table["server"]) }
}

fn shown(standing: &UnitStanding) -> Value {
    serde_json::to_value(standing).unwrap_or_default()
}

//! What the matcher saw, and what reviewers say of it.

use serde_json::{Value, json};

use super::{
    Api,
    call::{Call, Reply, shown, standing_by},
    decisions::created,
    notices::WITHDRAWAL,
    problem::{Problem, Word},
    records::ENTRY,
    route::{ENTRY_PAGE, Operation},
    schema::{Kind, Shape, TEXT, may, must},
    spelling::HOST,
};
use crate::store::{FindingQuery, FindingRow, Query, ReviewState};

const STATES: Kind = Kind::Word(&["pending", "confirmed", "dismissed", "withdrawn"]);
/// Rows looked at for one page, at most: what a filter leaves out costs, too.
const LOOKED_AT_MAX: usize = 20_000;
/// Rows read at a time.
const BATCH: usize = 1_000;

const FINDING: Shape = Shape {
    name: "Finding",
    members: &[
        must("id", Kind::Text(1, 1_000), "its id"),
        must("service", Kind::Text(0, 1_000), "the service that served it"),
        must("class", Kind::Word(&["political", "vulgar", "other", "filing"]), "what the ledger counts it as"),
        must("page", Kind::Text(0, 100_000), "the URL"),
        must("rule", Kind::Text(0, 1_000), "the rule"),
        must("content", Kind::Text(0, 1_000), "SHA-256 of the excerpt"),
        must("at", Kind::Time, "when it was first served"),
        must("last", Kind::Time, "when it was last served"),
        must("count", Kind::Integer(0, i64::MAX), "how often it was seen"),
        must("state", STATES, "what became of it"),
        must("seq", Kind::Integer(0, i64::MAX), "its entry"),
        may("history", Kind::List(&Kind::Object(&ENTRY), 1_000), "its reviews and withdrawals, where one is shown"),
    ],
};
const REVIEW: Shape = Shape {
    name: "ReviewNew",
    members: &[
        must("decision", Kind::Word(&["confirmed", "dismissed"]), "whether it is a violation, and so a strike"),
        may("why", TEXT, "why"),
    ],
};

pub(super) const LIST: Operation = Operation::list(
    "Findings in the order of the record. A page may have fewer than `limit`: there are more until `next` is null",
    &FINDING,
    &[
        ENTRY_PAGE[0],
        ENTRY_PAGE[1],
        may("unit", Kind::Id, "only those of this unit"),
        may("service", Kind::Id, "only those of this service"),
        may("host", Kind::Spelt(&HOST), "only those of this host of the registry"),
        may("category", Kind::Text(1, 200), "only those of this category"),
        may("reviewed", STATES, "only those in this state"),
        may("descending", Kind::Bool, "the last ones first"),
    ],
    list,
);
pub(super) const QUEUE: Operation =
    Operation::list("Findings that nobody has reviewed, the oldest first", &FINDING, &ENTRY_PAGE, queue);
pub(super) const SHOW: Operation = Operation::show("A finding and its history", &FINDING, show);
pub(super) const REVIEW_NEW: Operation =
    Operation::create("Confirm or dismiss a finding; the last review holds", &REVIEW, &ENTRY, review);
pub(super) const WITHDRAW: Operation = Operation::create("A finding no longer counts", &WITHDRAWAL, &ENTRY, withdraw);

fn list(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let text = |name| call.asked(name).map(str::to_owned);
    let (service, category, limit) = (call.asked("service"), call.asked("category"), call.limit());
    let mut query = FindingQuery {
        unit: text("unit"),
        site: text("host"),
        state: ReviewState::ALL.into_iter().find(|state| Some(state.as_str()) == call.asked("reviewed")),
        after: call.after(),
        descending: call.asked("descending") == Some("true"),
        limit: if service.or(category).is_some() { BATCH } else { limit + 1 },
    };
    let (mut items, mut looked_at) = (Vec::new(), 0);
    loop {
        let rows = api.record.store().findings(&query)?;
        let last = rows.len() < query.limit;
        looked_at += rows.len();
        query.after = rows.last().map(|row| row.seq).or(query.after);
        let meant = rows.iter().filter(|row| {
            service.is_none_or(|service| row.finding.service == service)
                && category.is_none_or(|category| row.finding.category == category)
        });
        items.extend(meant.map(|row| (row.seq.to_string(), one(row))));
        if last || items.len() > limit {
            return Ok(Reply::first_of(items, limit));
        }
        if looked_at >= LOOKED_AT_MAX {
            let next = query.after.map(|seq| seq.to_string());
            return Ok(Reply::page(items.into_iter().map(|(_, item)| item).collect(), next));
        }
    }
}

fn queue(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let rows = api.record.store().pending(call.after(), call.limit() + 1)?;
    Ok(Reply::first_of(rows.iter().map(|row| (row.seq.to_string(), one(row))).collect(), call.limit()))
}

fn show(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let row = find(api, call)?;
    let query = Query {
        kinds: vec!["review", "withdrawal"],
        subject: Some(row.finding.id.clone()),
        limit: 1_000,
        ..Query::default()
    };
    let history = api.record.store().entries(&query)?;
    let mut value = one(&row);
    value["history"] = history.iter().map(shown).collect();
    Ok(Reply::json(value))
}

fn review(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let row = find(api, call)?;
    let members =
        [("finding", row.finding.id.into()), ("by", call.caller.name.clone().into()), ("at", json!(call.now))];
    api.enter(call, call.fact("review", &members)?, created)
}

fn withdraw(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let row = find(api, call)?;
    if row.state == ReviewState::Withdrawn {
        return Err(Problem::new(Word::Conflict, format!("the finding {:?} is withdrawn already", row.finding.id)));
    }
    let members = [("of", row.finding.id.into()), ("at", json!(call.now))];
    api.enter(call, call.fact("withdrawal", &members)?, created)
}

fn find(api: &Api, call: &Call) -> Result<FindingRow, Problem> {
    let id = call.place("finding");
    api.record.store().finding(id)?.ok_or_else(|| Problem::not_found("finding", id))
}

fn one(row: &FindingRow) -> Value {
    let mut value = standing_by(&row.finding, row.seq);
    value["last"] = json!(row.last);
    value["count"] = row.count.into();
    value["state"] = row.state.as_str().into();
    value
}

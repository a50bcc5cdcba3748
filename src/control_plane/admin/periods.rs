//! Control periods: for a time other things hold.

use std::ops::Bound;

use serde_json::{Value, json};

use super::{
    Api,
    call::{Call, Reply, location, standing_by},
    catalogue::Numbered,
    customers::after,
    problem::{Problem, Word},
    route::{Operation, PAGE},
    schema::{Kind, REASON, Shape, may, must},
};
use crate::domain::record::{ControlPeriod, Fact, PeriodEnd};

const PERIOD: Shape = Shape {
    name: "ControlPeriod",
    members: &[
        must("id", Kind::Text(1, 1_000), "its id"),
        must("title", Kind::Text(0, 4_000), "its name"),
        must("from", Kind::Time, "from when on"),
        must("to", Kind::Time, "until when, not included"),
        may("units", Kind::List(&Kind::Text(1, 1_000), 10_000), "for these and those below them; none: for all"),
        must("freeze_admissions", Kind::Bool, "no host is admitted that was not in the registry when it began"),
        must("close_interactive", Kind::Bool, "state-changing requests are refused"),
        must("threshold_divisor", Kind::Integer(1, 1_000), "thresholds are divided by this"),
        may("ended", Kind::Time, "when it was ended before its time"),
        must("seq", Kind::Integer(0, i64::MAX), "the last entry about it; also the ETag"),
    ],
};
const PERIOD_BODY: Shape = Shape {
    name: "ControlPeriodNew",
    members: &[
        must("title", REASON, "its name"),
        must("from", Kind::Time, "from when on"),
        must("to", Kind::Time, "until when, not included"),
        may("id", Kind::Id, "its id; left out: one is made"),
        may("units", Kind::List(&Kind::Id, 1_000), "for these and those below them; none: for all"),
        may("freeze_admissions", Kind::Bool, "no host is admitted that was not in the registry when it began"),
        may("close_interactive", Kind::Bool, "state-changing requests are refused"),
        may("threshold_divisor", Kind::Integer(1, 1_000), "thresholds are divided by this, rounded up"),
    ],
};

pub(super) const LIST: Operation = Operation::list("Control periods, by id", &PERIOD, &PAGE, list);
pub(super) const SHOW: Operation = Operation::show("A control period", &PERIOD, show).tagged();
pub(super) const CREATE: Operation =
    Operation::create("Begin a control period, now or later", &PERIOD_BODY, &PERIOD, create);
pub(super) const END: Operation = Operation::delete("End a control period before its time", end).tagged();

fn list(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let catalogue = api.catalogue.now(api.record.store())?;
    let behind = catalogue.periods.range::<str, _>((after(call), Bound::Unbounded)).take(call.limit() + 1);
    Ok(Reply::first_of(behind.map(|(id, period)| (id.clone(), one(period))).collect(), call.limit()))
}

fn show(api: &Api, call: &Call) -> Result<Reply, Problem> {
    of(api, call.place("period"))
}

fn create(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let id = match call.text("id") {
        "" => call.new_id("p")?,
        id => id.to_owned(),
    };
    let again = call.text("id").is_empty() && call.idempotency_key.is_some();
    let known = api.catalogue.now(api.record.store())?.periods.contains_key(&id);
    if known && !again {
        return Err(Problem::new(Word::Conflict, format!("there is a control period {id:?} already")));
    }
    let fact = call.fact("control_period", &[("id", id.clone().into())])?;
    if let Fact::ControlPeriod(period) = &fact
        && period.to <= period.from
    {
        return Err(Problem::new(Word::Conflict, "a control period ends after it begins: `to` must be after `from`"));
    }
    if !known {
        api.put(call, fact)?;
    }
    let location = Some(location("/api/v1/control_periods", &id));
    Ok(Reply { status: 201, location, ..of(api, &id)? })
}

fn end(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let id = call.place("period");
    let known = api.catalogue.now(api.record.store())?.periods.get(id).cloned();
    let (seq, (period, end)) = known.ok_or_else(|| Problem::not_found("control period", id))?;
    if end.is_some() || period.to <= call.now {
        return Err(Problem::new(Word::Conflict, format!("the control period {id:?} is over")));
    }
    call.precondition(Some(seq))?;
    api.put(call, Fact::PeriodEnd(PeriodEnd { id: id.to_owned(), at: call.now }))?;
    Ok(Reply::nothing())
}

fn of(api: &Api, id: &str) -> Result<Reply, Problem> {
    let catalogue = api.catalogue.now(api.record.store())?;
    let period = catalogue.periods.get(id).ok_or_else(|| Problem::not_found("control period", id))?;
    Ok(Reply::tagged(one(period), period.0))
}

fn one((seq, (period, end)): &Numbered<(ControlPeriod, Option<PeriodEnd>)>) -> Value {
    let mut value = standing_by(period, *seq);
    if let Some(end) = end {
        value["ended"] = json!(end.at);
    }
    value
}

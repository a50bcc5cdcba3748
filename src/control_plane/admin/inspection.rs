//! What an inspector reads is itself on the record: each path once a day for each token, so that the
//! record says what was looked at without growing with every poll. (Evidence is another matter: each
//! view of a body is on the record, whoever views it.)

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use super::{Api, call::Call, problem::Problem, role::Role};
use crate::{
    base::Date,
    domain::record::{Change, Fact},
};

/// Paths remembered, at most; beyond it some are put on the record once more.
const SEEN_MAX: usize = 16_384;

/// What is on the record already, for the day.
#[derive(Default)]
pub(super) struct Inspections(Mutex<Seen>);

/// The day, and who read which path on it.
type Seen = (Option<Date>, HashSet<(String, String)>);

/// Puts a successful read of an inspector on the record before it is answered.
pub(super) fn note(api: &Api, call: &Call) -> Result<(), Problem> {
    if call.caller.role != Some(Role::Inspector) {
        return Ok(());
    }
    let today = call.now.local_date();
    let mut seen = api.inspections.0.lock().unwrap_or_else(PoisonError::into_inner);
    if seen.0 != Some(today) || seen.1.len() >= SEEN_MAX {
        *seen = (Some(today), HashSet::new());
    }
    let key = (call.caller.name.clone(), call.target.clone());
    if seen.1.contains(&key) {
        return Ok(());
    }
    let subject: String = call.target.chars().take(1_000).collect();
    let detail = call.route.method.as_str().to_owned();
    let fact = Fact::Change(Change { what: "inspection".into(), subject, at: call.now, detail });
    api.record.put(&call.caller.name, &[fact])?;
    seen.1.insert(key);
    Ok(())
}

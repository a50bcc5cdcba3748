//! What would the ledger say? From a file of events to a ledger, by the same function that decides in
//! production.

use std::collections::BTreeMap;

use super::{Ledger, LedgerPolicy};
use crate::{
    base::{Problem, Timestamp},
    domain::record::{Brought, Entry, Fact},
};

/// A ledger computed from a file of events, and the time of the last one.
#[derive(Debug)]
pub struct Replay {
    /// What they add up to.
    pub ledger: Ledger,
    /// The last time that an event names; 0 if none does.
    pub last: Timestamp,
}

/// Computes a ledger from events, each with its line, in any order of time. An event may name what only a
/// later line says. Everything that cannot be is a problem at its line.
pub fn replay(path: &str, mut events: Vec<(u32, Fact)>, policy: LedgerPolicy) -> Result<Replay, Vec<Problem>> {
    // What others name comes first; within one rank the order of the file holds.
    events.sort_by_key(|(_, fact)| rank(fact));
    let mut ledger = Ledger::new(policy);
    let mut problems = Vec::new();
    let mut last = None;
    let mut parents: BTreeMap<&str, u32> = BTreeMap::new();
    for (line, fact) in &events {
        let checked = match fact {
            // A parent may stand on a later line, and what holds is the last word: see below.
            Fact::Unit(unit) => {
                parents.insert(&unit.unit, *line);
                Ok(())
            }
            Fact::Finding(finding) if ledger.is_known_finding(finding) => Ok(()),
            _ => ledger.check_event(fact),
        };
        if let Err(message) = checked {
            problems.push(Problem::error(path, *line, 0, message));
            continue;
        }
        let became_known = if let Fact::Notice(notice) = fact { notice.recorded } else { None };
        last = last.max(fact.at()).max(became_known);
        let recorded = fact.at().unwrap_or_default();
        ledger.apply(&Entry { seq: u64::from(*line), recorded, by: path.to_owned(), fact: fact.clone() });
    }
    for (unit, line) in parents {
        let Some(parent) = ledger.unit(unit).and_then(|unit| unit.fact.parent.as_deref()) else { continue };
        if ledger.unit(parent).is_none() {
            let message = format!("the parent {parent:?} of unit {unit:?} is in no line");
            problems.push(Problem::error(path, line, 0, message).help("add a line for it, or write \"parent\":null"));
        } else if parent == unit || ledger.ancestors(unit).into_iter().any(|above| ledger.is_child(unit, above)) {
            let message = format!("unit {unit:?} stands above itself: its parents go in a circle");
            problems.push(Problem::error(path, line, 0, message));
        }
    }
    if problems.is_empty() {
        return Ok(Replay { ledger, last: last.unwrap_or_default() });
    }
    problems.sort_by_key(|problem| problem.line);
    Err(problems)
}

fn rank(fact: &Fact) -> u8 {
    match fact.brings() {
        Some(Brought::Unit(_)) => 0,
        Some(Brought::Service(_)) => 1,
        Some(Brought::Case(_) | Brought::Period(_) | Brought::Rectification(_)) => 2,
        None => 3,
    }
}

//! What would the ledger say? From a file of events to a ledger, by the same function that decides in
//! production.

use std::collections::BTreeMap;

use super::{Ledger, LedgerPolicy};
use crate::{
    base::{Problem, Timestamp},
    domain::record::{Entry, Fact},
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
        let at = times(fact);
        last = last.max(at.into_iter().flatten().max());
        let recorded = at[0].unwrap_or_default();
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
    match fact {
        Fact::Unit(_) => 0,
        Fact::Service(_) => 1,
        Fact::ControlPeriod(_) | Fact::Finding(_) | Fact::Notice(_) | Fact::Rectification(_) => 2,
        Fact::Change(_)
        | Fact::Commitment(_)
        | Fact::EvidenceView(_)
        | Fact::IncidentClose(_)
        | Fact::IncidentNote(_)
        | Fact::IncidentOpen(_)
        | Fact::Lock(_)
        | Fact::PeriodEnd(_)
        | Fact::Person(_)
        | Fact::Reinstatement(_)
        | Fact::Review(_)
        | Fact::Sealing(_)
        | Fact::Site(_)
        | Fact::Suspension(_)
        | Fact::Termination(_)
        | Fact::Unlock(_)
        | Fact::Unsealing(_)
        | Fact::Withdrawal(_) => 3,
    }
}

/// When it happened, and when it became known if that is said.
fn times(fact: &Fact) -> [Option<Timestamp>; 2] {
    let at = match fact {
        Fact::Change(fact) => fact.at,
        Fact::Commitment(_) | Fact::Person(_) | Fact::Service(_) | Fact::Unit(_) => return [None, None],
        Fact::ControlPeriod(fact) => fact.from,
        Fact::EvidenceView(fact) => fact.at,
        Fact::Finding(fact) => fact.at,
        Fact::IncidentClose(fact) => fact.at,
        Fact::IncidentNote(fact) => fact.at,
        Fact::IncidentOpen(fact) => fact.at,
        Fact::Lock(fact) => fact.at,
        Fact::Notice(fact) => return [Some(fact.at), fact.recorded],
        Fact::PeriodEnd(fact) => fact.at,
        Fact::Rectification(fact) => fact.at,
        Fact::Reinstatement(fact) => fact.at,
        Fact::Review(fact) => fact.at,
        Fact::Sealing(fact) => fact.at,
        Fact::Site(fact) => fact.at,
        Fact::Suspension(fact) => fact.at,
        Fact::Termination(fact) => fact.at,
        Fact::Unlock(fact) => fact.at,
        Fact::Unsealing(fact) => fact.at,
        Fact::Withdrawal(fact) => fact.at,
    };
    [Some(at), None]
}

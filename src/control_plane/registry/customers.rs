//! What an import of customers would put on the record: what is new, and what changed.

use crate::{
    base::Problem,
    domain::{record::Fact, standing::Ledger},
};

/// An import of customers, compared with the ledger.
#[derive(Debug, Default)]
pub struct CustomerDifference {
    /// What is not on the record, in an order in which it can be put there.
    pub added: Vec<Fact>,
    /// What the record says otherwise.
    pub changed: Vec<Fact>,
    /// Rows that say what is on the record.
    pub unchanged: usize,
    /// Rows about units and services that are not there.
    pub problems: Vec<Problem>,
}

impl CustomerDifference {
    /// Everything that goes on the record.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.added.iter().chain(&self.changed)
    }
}

/// Compares the rows of a file (`path`) with the ledger. Rows about units that neither the record nor the
/// file has are refused at their lines.
pub fn compare_customers(ledger: &Ledger, path: &str, rows: Vec<(u32, Fact)>) -> CustomerDifference {
    let mut difference = CustomerDifference::default();
    let here: std::collections::HashSet<String> = rows
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::Unit(fact) => Some(fact.unit.clone()),
            _ => None,
        })
        .collect();
    let knows = |unit: &str| ledger.unit(unit).is_some() || here.contains(unit);
    for (line, fact) in rows {
        let named = match &fact {
            Fact::Unit(fact) => fact.parent.as_deref(),
            Fact::Service(fact) => Some(&*fact.unit),
            Fact::Commitment(fact) => Some(&*fact.unit),
            Fact::Person(fact) => Some(&*fact.unit),
            _ => None,
        };
        if let Some(unit) = named.filter(|unit| !knows(unit)) {
            difference.problems.push(
                Problem::error(path, line, 0, format!("there is no unit {unit:?}"))
                    .help("import the units first: `zhamen registry import units FILE`"),
            );
            continue;
        }
        match said(ledger, &fact) {
            Said::Nothing => difference.added.push(fact),
            Said::Otherwise => difference.changed.push(fact),
            Said::Same => difference.unchanged += 1,
        }
    }
    // A parent stands before who is below it.
    let is_below_new = |fact: &Fact| match fact {
        Fact::Unit(unit) => unit.parent.as_deref().is_some_and(|parent| ledger.unit(parent).is_none()),
        _ => false,
    };
    difference.added = in_order(difference.added, is_below_new);
    difference
}

/// What the ledger says of what a fact is about.
enum Said {
    Nothing,
    Otherwise,
    Same,
}

fn said(ledger: &Ledger, fact: &Fact) -> Said {
    let compare = |known: Option<bool>| match known {
        None => Said::Nothing,
        Some(true) => Said::Same,
        Some(false) => Said::Otherwise,
    };
    match fact {
        Fact::Unit(fact) => compare(ledger.unit(&fact.unit).map(|unit| unit.fact == *fact)),
        Fact::Service(fact) => compare(ledger.service(&fact.service).map(|service| service == fact)),
        Fact::Commitment(fact) => {
            let signed = ledger.unit(&fact.unit).is_some_and(|unit| unit.commitments.contains(fact));
            if signed { Said::Same } else { Said::Nothing }
        }
        Fact::Person(fact) => {
            let persons = ledger.unit(&fact.unit).map_or(&[][..], |unit| &unit.persons);
            let same = persons.iter().find(|person| (person.role, &person.name) == (fact.role, &fact.name));
            compare(same.map(|person| person == fact))
        }
        _ => Said::Nothing,
    }
}

/// Units whose parents are in the same file come after them, as far as there is no circle.
fn in_order(facts: Vec<Fact>, is_below_new: impl Fn(&Fact) -> bool) -> Vec<Fact> {
    let (mut waiting, mut ordered): (Vec<Fact>, Vec<Fact>) = facts.into_iter().partition(is_below_new);
    let mut there: std::collections::HashSet<String> = ordered.iter().filter_map(unit_of).collect();
    loop {
        let is_ready = |fact: &Fact| match fact {
            Fact::Unit(unit) => unit.parent.as_ref().is_none_or(|parent| there.contains(parent)),
            _ => true,
        };
        let (ready, rest): (Vec<Fact>, Vec<Fact>) = waiting.into_iter().partition(is_ready);
        there.extend(ready.iter().filter_map(unit_of));
        let is_stuck = ready.is_empty();
        ordered.extend(ready);
        waiting = rest;
        if is_stuck {
            // A circle: the ledger says so.
            ordered.append(&mut waiting);
            return ordered;
        }
    }
}

fn unit_of(fact: &Fact) -> Option<String> {
    match fact {
        Fact::Unit(fact) => Some(fact.unit.clone()),
        _ => None,
    }
}

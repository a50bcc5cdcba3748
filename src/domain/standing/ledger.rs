//! The ledger: from facts to standing.

use std::collections::BTreeMap;

use crate::{
    base::Timestamp,
    domain::{
        record::{Commitment, Entry, Fact, Person, ServiceFact, UnitFact},
        standing::Standing,
    },
};

/// What the record says of units and services, computed entry by entry. It can be thrown away and
/// computed again.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    units: BTreeMap<String, Unit>,
    services: BTreeMap<String, ServiceFact>,
}

/// A unit, and all that is on record about itself.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Id, parent, name, contact.
    pub fact: UnitFact,
    /// The letters that it signed, in the order of the record.
    pub commitments: Vec<Commitment>,
    /// Principals and reviewers; a role and name said again replaces what was said.
    pub persons: Vec<Person>,
}

impl Ledger {
    /// Takes an entry in. Entries come in the order of their numbers.
    pub fn apply(&mut self, entry: &Entry) {
        match &entry.fact {
            Fact::Unit(fact) => {
                let unit = Unit { fact: fact.clone(), commitments: Vec::new(), persons: Vec::new() };
                self.units.entry(fact.unit.clone()).or_insert(unit).fact = fact.clone();
            }
            Fact::Service(fact) => drop(self.services.insert(fact.service.clone(), fact.clone())),
            Fact::Commitment(fact) => {
                if let Some(unit) = self.units.get_mut(&fact.unit) {
                    unit.commitments.push(fact.clone());
                }
            }
            Fact::Person(fact) => {
                if let Some(unit) = self.units.get_mut(&fact.unit) {
                    unit.persons.retain(|person| (person.role, &person.name) != (fact.role, &fact.name));
                    unit.persons.push(fact.clone());
                }
            }
            _ => {}
        }
    }

    /// Whether a fact makes sense after what is on the record, and what to do if not.
    pub fn check(&self, _fact: &Fact) -> Result<(), String> {
        Ok(())
    }

    /// A unit.
    pub fn unit(&self, id: &str) -> Option<&Unit> {
        self.units.get(id)
    }

    /// All units, by id.
    pub fn units(&self) -> impl Iterator<Item = &Unit> {
        self.units.values()
    }

    /// A service.
    pub fn service(&self, id: &str) -> Option<&ServiceFact> {
        self.services.get(id)
    }

    /// The services that a unit has now.
    pub fn services_of(&self, unit: &str) -> impl Iterator<Item = &ServiceFact> {
        self.services.values().filter(move |service| service.unit == unit)
    }

    /// What the data plane has to know at a moment.
    pub fn in_force(&self, _now: Timestamp) -> Standing {
        Standing::default()
    }
}

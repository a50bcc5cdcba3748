//! Units and services as they are said to be now, and what persons decided about them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::cases::{NameId, Names};
use crate::{
    base::Timestamp,
    domain::{
        record::{Commitment, Person, Rectification, Reinstatement, ServiceFact, Suspension, Termination, UnitFact},
        registry::ServiceKind,
    },
};

/// A unit, and all that is on record about itself.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Id, parent, name, contact.
    pub fact: UnitFact,
    /// The letters that it signed, in the order of the record.
    pub commitments: Vec<Commitment>,
    /// Principals and reviewers; a role and name said again replaces what was said.
    pub persons: Vec<Person>,
    /// Suspensions by a person, in the order of the record.
    pub suspensions: Vec<Numbered<Suspension>>,
    /// Reinstatements, in the order of the record.
    pub reinstatements: Vec<Numbered<Reinstatement>>,
    /// Rectification reports on file, in the order of the record.
    pub rectifications: Vec<Rectification>,
    /// The end of the contract, until a letter is signed anew.
    pub termination: Option<Termination>,
    pub(super) services: BTreeSet<NameId>,
}

/// A fact with the number of its entry.
#[derive(Clone, Debug)]
pub struct Numbered<T> {
    /// The entry's number.
    pub seq: u64,
    /// What it says.
    pub fact: T,
}

/// All units and services.
#[derive(Clone, Debug, Default)]
pub(super) struct Units {
    units: BTreeMap<Arc<str>, Unit>,
    children: HashMap<Arc<str>, BTreeSet<Arc<str>>>,
    pub(super) names: Names,
    services: HashMap<NameId, ServiceFact>,
}

impl Units {
    pub(super) fn unit(&self, id: &str) -> Option<&Unit> {
        self.units.get(id)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &Arc<str>> {
        self.units.keys()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Unit> {
        self.units.values()
    }

    /// The unit, which is made if nothing was said of it yet.
    pub(super) fn unit_mut(&mut self, id: &str) -> &mut Unit {
        self.units.entry(id.into()).or_insert_with(|| Unit {
            fact: UnitFact {
                unit: id.to_owned(),
                parent: None,
                name: String::new(),
                identity: String::new(),
                contact: String::new(),
            },
            commitments: Vec::new(),
            persons: Vec::new(),
            suspensions: Vec::new(),
            reinstatements: Vec::new(),
            rectifications: Vec::new(),
            termination: None,
            services: BTreeSet::new(),
        })
    }

    pub(super) fn say_unit(&mut self, fact: &UnitFact) {
        let id: Arc<str> = fact.unit.as_str().into();
        let unit = self.unit_mut(&fact.unit);
        let before = std::mem::replace(&mut unit.fact, fact.clone()).parent;
        if let Some(siblings) = before.and_then(|parent| self.children.get_mut(parent.as_str())) {
            siblings.remove(&id);
        }
        if let Some(parent) = &fact.parent {
            self.children.entry(parent.as_str().into()).or_default().insert(id);
        }
    }

    /// The service's unit before, if it had one.
    pub(super) fn say_service(&mut self, fact: &ServiceFact) -> Option<String> {
        let id = self.names.id(&fact.service);
        let before = self.services.insert(id, fact.clone()).map(|service| service.unit);
        if let Some(unit) = &before {
            self.unit_mut(unit).services.remove(&id);
        }
        self.unit_mut(&fact.unit).services.insert(id);
        before
    }

    pub(super) fn service(&self, id: NameId) -> Option<&ServiceFact> {
        self.services.get(&id)
    }

    pub(super) fn service_named(&self, name: &str) -> Option<&ServiceFact> {
        self.service(self.names.find(name)?)
    }

    /// The services that a unit has now.
    pub(super) fn services_of(&self, unit: &str) -> impl Iterator<Item = (NameId, &ServiceFact)> {
        let ids = self.units.get(unit).into_iter().flat_map(|unit| &unit.services);
        ids.filter_map(|&id| Some((id, self.services.get(&id)?)))
    }

    pub(super) fn children(&self, unit: &str) -> impl Iterator<Item = &Arc<str>> {
        self.children.get(unit).into_iter().flatten()
    }

    /// All units below one, each once, whatever the parents say.
    pub(super) fn descendants(&self, unit: &str) -> BTreeSet<&Arc<str>> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&Arc<str>> = self.children(unit).collect();
        while let Some(next) = open.pop() {
            if **next != *unit && found.insert(next) {
                open.extend(self.children(next));
            }
        }
        found
    }

    /// Whether `above` is `unit` itself or stands above it.
    pub(super) fn is_above(&self, above: &str, unit: &str) -> bool {
        let (mut at, mut steps) = (Some(unit), 0);
        while let Some(id) = at {
            if id == above {
                return true;
            }
            steps += 1;
            // A circle that came on the record all the same ends here.
            at = self.unit(id).filter(|_| steps <= self.units.len()).and_then(|unit| unit.fact.parent.as_deref());
        }
        false
    }
}

impl Unit {
    /// The last reinstatement for a kind up to a moment.
    pub fn last_reinstatement(&self, kind: ServiceKind, now: Timestamp) -> Option<&Numbered<Reinstatement>> {
        let so_far = self.reinstatements.iter().filter(|it| it.fact.kind == kind && it.fact.at <= now);
        so_far.max_by_key(|it| (it.fact.at, it.seq))
    }

    /// The suspension by a person that holds for a kind at a moment.
    pub fn suspension(&self, kind: ServiceKind, now: Timestamp) -> Option<&Suspension> {
        let reinstated = self.last_reinstatement(kind, now).map(|it| (it.fact.at, it.seq));
        let is_meant = |it: &&Numbered<Suspension>| {
            it.fact.kind.is_none_or(|meant| meant == kind)
                && it.fact.at <= now
                && reinstated.is_none_or(|reinstated| (it.fact.at, it.seq) > reinstated)
        };
        self.suspensions.iter().filter(is_meant).max_by_key(|it| (it.fact.at, it.seq)).map(|it| &it.fact)
    }

    /// The termination that holds at a moment.
    pub fn terminated(&self, now: Timestamp) -> Option<&Termination> {
        self.termination.as_ref().filter(|termination| termination.at <= now)
    }

    /// A letter in force on the day of a moment.
    pub fn commitment(&self, now: Timestamp) -> Option<&Commitment> {
        let today = now.local_date();
        let holds = |letter: &&Commitment| letter.signed <= today && letter.until.is_none_or(|until| today <= until);
        self.commitments.iter().rev().find(holds)
    }

    pub(super) fn say_person(&mut self, person: &Person) {
        self.persons.retain(|known| known.role != person.role || known.name != person.name);
        self.persons.push(person.clone());
    }

    /// A letter signed after the contract ended begins another one.
    pub(super) fn say_commitment(&mut self, letter: &Commitment) {
        if self.termination.as_ref().is_some_and(|ended| ended.at.local_date() <= letter.signed) {
            self.termination = None;
        }
        self.commitments.push(letter.clone());
    }
}

//! What the record says of customers, notices, locks, periods and incidents now, each with the number of the entry
//! that says so: the lists of the admin API and their ETags. Computed entry by entry, and never of
//! findings, of which there may be millions: those are asked of the store.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::secret::digest_hex;
use crate::{
    domain::{
        incident::Board,
        record::{
            Commitment, ControlPeriod, Entry, Fact, LockFact, LockScope, Notice, PeriodEnd, Person, PersonRole,
            Sealing, ServiceFact, UnitFact, Withdrawal,
        },
    },
    store::{Query, Store, StoreError},
};

/// The kinds that are taken in.
const KINDS: [&str; 15] = [
    "commitment",
    "control_period",
    "incident_close",
    "incident_note",
    "incident_open",
    "lock",
    "notice",
    "period_end",
    "person",
    "sealing",
    "service",
    "unit",
    "unlock",
    "unsealing",
    "withdrawal",
];
/// Entries read at a time.
const BATCH: usize = 10_000;

/// The number of the last entry about something, and what it is.
pub(super) type Numbered<T> = (u64, T);

/// Everything by its id.
#[derive(Default)]
pub(super) struct Catalogue {
    last: u64,
    pub(super) units: BTreeMap<String, Numbered<UnitFact>>,
    pub(super) services: BTreeMap<String, Numbered<ServiceFact>>,
    pub(super) commitments: BTreeMap<u64, Commitment>,
    /// By unit, role and name.
    pub(super) persons: BTreeMap<(String, &'static str, String), Numbered<Person>>,
    pub(super) notices: BTreeMap<String, Numbered<(Notice, Option<Withdrawal>)>>,
    /// Those that are on.
    pub(super) locks: BTreeMap<String, Numbered<LockFact>>,
    pub(super) periods: BTreeMap<String, Numbered<(ControlPeriod, Option<PeriodEnd>)>>,
    pub(super) incidents: Board,
    /// By server.
    pub(super) sealed: BTreeMap<String, Numbered<Sealing>>,
}

/// The catalogue, taken up to the last entry whenever somebody asks.
#[derive(Default)]
pub(super) struct Catalogues(Mutex<Catalogue>);

impl Catalogues {
    /// The catalogue as of now.
    pub(super) fn now(&self, store: &dyn Store) -> Result<MutexGuard<'_, Catalogue>, StoreError> {
        let mut catalogue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let after = Some(catalogue.last);
            let query = Query { kinds: KINDS.to_vec(), after, limit: BATCH, ..Query::default() };
            let entries = store.entries(&query)?;
            let full = entries.len() == BATCH;
            for entry in entries {
                catalogue.take(entry);
            }
            if !full {
                return Ok(catalogue);
            }
        }
    }
}

impl Catalogue {
    fn take(&mut self, entry: Entry) {
        let seq = entry.seq;
        self.last = seq;
        self.incidents.apply(&entry);
        match entry.fact {
            Fact::Commitment(fact) => drop(self.commitments.insert(seq, fact)),
            Fact::ControlPeriod(fact) => drop(self.periods.insert(fact.id.clone(), (seq, (fact, None)))),
            Fact::Lock(fact) => drop(self.locks.insert(lock_id(&fact.host, fact.scope, &fact.path), (seq, fact))),
            Fact::Notice(fact) => drop(self.notices.insert(fact.id.clone(), (seq, (fact, None)))),
            Fact::PeriodEnd(fact) => {
                if let Some((number, (_, end))) = self.periods.get_mut(&fact.id) {
                    (*number, *end) = (seq, Some(fact));
                }
            }
            Fact::Person(fact) => {
                drop(self.persons.insert((fact.unit.clone(), role(fact.role), fact.name.clone()), (seq, fact)));
            }
            Fact::Sealing(fact) => drop(self.sealed.insert(fact.server_ip.clone(), (seq, fact))),
            Fact::Service(fact) => drop(self.services.insert(fact.service.clone(), (seq, fact))),
            Fact::Unit(fact) => drop(self.units.insert(fact.unit.clone(), (seq, fact))),
            Fact::Unlock(fact) => drop(self.locks.remove(&lock_id(&fact.host, fact.scope, &fact.path))),
            Fact::Unsealing(fact) => drop(self.sealed.remove(&fact.server_ip)),
            Fact::Withdrawal(fact) => {
                if let Some((number, (_, withdrawal))) = self.notices.get_mut(&fact.of) {
                    (*number, *withdrawal) = (seq, Some(fact));
                }
            }
            Fact::Change(_)
            | Fact::EvidenceView(_)
            | Fact::Finding(_)
            | Fact::IncidentClose(_)
            | Fact::IncidentNote(_)
            | Fact::IncidentOpen(_)
            | Fact::Rectification(_)
            | Fact::Reinstatement(_)
            | Fact::Review(_)
            | Fact::Site(_)
            | Fact::Suspension(_)
            | Fact::Termination(_) => {}
        }
    }
}

/// The id of the lock on a page, directory or site.
pub(super) fn lock_id(host: &str, scope: LockScope, path: &str) -> String {
    let scope = match scope {
        LockScope::Page => "page",
        LockScope::Directory => "directory",
        LockScope::Site => "site",
    };
    let digits = digest_hex(&[scope, host, path]);
    format!("l-{}", digits.get(..20).unwrap_or_default())
}

const fn role(role: PersonRole) -> &'static str {
    match role {
        PersonRole::Principal => "principal",
        PersonRole::Reviewer => "reviewer",
    }
}

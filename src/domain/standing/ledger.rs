//! The ledger: from facts to standing.

use crate::{
    base::Timestamp,
    domain::{
        record::{Entry, Fact},
        standing::Standing,
    },
};

/// What the record says of units and services, computed entry by entry. It can be thrown away and
/// computed again.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    entries: u64,
}

impl Ledger {
    /// Takes an entry in. Entries come in the order of their numbers.
    pub fn apply(&mut self, entry: &Entry) {
        self.entries = entry.seq;
    }

    /// Whether a fact makes sense after what is on the record, and what to do if not.
    pub fn check(&self, _fact: &Fact) -> Result<(), String> {
        Ok(())
    }

    /// What the data plane has to know at a moment.
    pub fn in_force(&self, _now: Timestamp) -> Standing {
        Standing::default()
    }
}

//! The record itself.

use super::StoreError;
use crate::{
    base::Timestamp,
    domain::record::{Entry, Fact},
};

/// The record: append-only, hash-chained.
pub trait Entries: Send + Sync {
    /// Puts facts on the record, all or none, and returns when they are on disk. Where the clock was set
    /// back, they are recorded at the time of the entry before them: the chain's times never fall.
    ///
    /// What the record says of findings ([`Findings`](super::Findings)) follows in the same transaction.
    fn append(&self, by: &str, recorded: Timestamp, facts: &[Fact]) -> Result<Vec<Entry>, StoreError>;

    /// Entries that a query asks for, in ascending order of their numbers (descending if it says so).
    fn entries(&self, query: &Query) -> Result<Vec<Entry>, StoreError>;
}

/// Which entries.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Only these kinds ([`Fact::kind`]); empty: all.
    pub kinds: Vec<&'static str>,
    /// Only what is about this unit.
    pub unit: Option<String>,
    /// Only what is about this service.
    pub service: Option<String>,
    /// Only what is about this host.
    pub host: Option<String>,
    /// Only what belongs to this id: a finding and its reviews and withdrawals, an incident and its notes.
    pub subject: Option<String>,
    /// Recorded at or after.
    pub from: Option<Timestamp>,
    /// Recorded before.
    pub to: Option<Timestamp>,
    /// Numbers beyond this one (below it, if descending).
    pub after: Option<u64>,
    /// The last ones first.
    pub descending: bool,
    /// At most so many; 0: 100.
    pub limit: usize,
}

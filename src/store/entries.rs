//! The record itself.

use super::{Remembered, StoreError};
use crate::{
    base::Timestamp,
    domain::record::{Entry, Fact},
};

/// The record: append-only, hash-chained.
pub trait Entries: Send + Sync {
    /// Puts facts on the record, all or none, and returns when they are on disk; `None`, and nothing, if
    /// the record ends elsewhere than [`Append::behind`] says. Where the clock was set back, they are
    /// recorded at the time of the entry before them: the chain's times never fall.
    ///
    /// What the record says of findings ([`Findings`](super::Findings)) follows in the same transaction.
    fn append(&self, append: &Append<'_>) -> Result<Option<Vec<Entry>>, StoreError>;

    /// Entries that a query asks for, in ascending order of their numbers (descending if it says so).
    fn entries(&self, query: &Query) -> Result<Vec<Entry>, StoreError>;
}

/// Facts that are put on the record in one transaction.
#[derive(Clone, Copy)]
pub struct Append<'a> {
    by: &'a str,
    recorded: Timestamp,
    facts: &'a [Fact],
    behind: Option<u64>,
    answer: Option<&'a Answer<'a>>,
}

/// What is answered to who puts facts on the record, by its idempotency key; made of their entries.
pub type Answer<'a> = dyn Fn(&[Entry]) -> Option<(String, Remembered)> + 'a;

impl<'a> Append<'a> {
    /// Facts, in somebody's name, at a moment.
    pub fn new(by: &'a str, recorded: Timestamp, facts: &'a [Fact]) -> Self {
        Self { by, recorded, facts, behind: None, answer: None }
    }

    /// Only if this is the number of the record's last entry: what was decided by what the record said up
    /// to there still makes sense.
    pub fn behind(self, last: u64) -> Self {
        Self { behind: Some(last), ..self }
    }

    /// Keeps an answer with them, so that neither is there without the other.
    pub fn answered(self, answer: &'a Answer<'a>) -> Self {
        Self { answer: Some(answer), ..self }
    }

    pub(in crate::store) fn parts(&self) -> (&'a str, Timestamp, &'a [Fact]) {
        (self.by, self.recorded, self.facts)
    }

    /// Whether a record that ends with this entry may go on so.
    pub(in crate::store) fn may_follow(&self, last: u64) -> bool {
        self.behind.is_none_or(|behind| behind == last)
    }

    pub(in crate::store) fn answer(&self, entries: &[Entry]) -> Option<(String, Remembered)> {
        self.answer.and_then(|answer| answer(entries))
    }
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

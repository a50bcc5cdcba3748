//! Findings as they stand: how often seen, and what a reviewer says. Computed from the record, but for
//! the counts of what was seen again, which are no entries of their own.

use super::{EvidencePlace, Hash, Seen, StoreError};
use crate::{
    base::Timestamp,
    domain::record::{Entry, Finding},
    engine::rules::Class,
};

/// Findings by id, and the queue of those that nobody has reviewed.
pub trait Findings: Send + Sync {
    /// Puts findings on the record that are not there yet, and counts those that are, in one
    /// transaction. Returns the entries of the new ones, when everything is on disk. `spooled` is how far
    /// the spool is taken in with these, kept in the same transaction.
    fn record_findings(
        &self,
        by: &str,
        recorded: Timestamp,
        seen: &Seen,
        spooled: Option<SpoolPosition>,
    ) -> Result<Vec<Entry>, StoreError>;

    /// One finding by its id.
    fn finding(&self, id: &str) -> Result<Option<FindingRow>, StoreError>;

    /// Findings that a query asks for, in ascending order of their entries (descending if it says so).
    fn findings(&self, query: &FindingQuery) -> Result<Vec<FindingRow>, StoreError>;

    /// The review queue: findings without a review that are not withdrawn, the oldest first, behind the
    /// entry `after`.
    fn pending(&self, after: Option<u64>, limit: usize) -> Result<Vec<FindingRow>, StoreError> {
        let state = Some(ReviewState::Pending);
        self.findings(&FindingQuery { state, after, limit, ..FindingQuery::default() })
    }

    /// Shows the findings that somebody reviewed or withdrew, each with the time of its entry, in the order
    /// of the record.
    fn each_settled_finding(&self, take: &mut dyn FnMut(&Finding, Timestamp)) -> Result<(), StoreError>;

    /// Shows the rows of the registry whose findings were recorded since a time, each with when it was
    /// first served.
    fn each_finding_since(&self, since: Timestamp, take: &mut dyn FnMut(&str, Timestamp)) -> Result<(), StoreError>;

    /// Shows the units and classes of the findings that were recorded from one time to another, of one unit
    /// or of all; the unit is empty where there was none.
    fn each_finding_class(
        &self,
        from: Timestamp,
        to: Timestamp,
        unit: Option<&str>,
        take: &mut dyn FnMut(&str, Class),
    ) -> Result<(), StoreError>;

    /// How many findings are in each state.
    fn count_findings(&self, state: ReviewState) -> Result<u64, StoreError>;

    /// Where the evidence lies that is known by a hash; `None` if no finding came with it.
    fn evidence_place(&self, hash: Hash) -> Result<Option<EvidencePlace>, StoreError>;

    /// How far the spool has been taken in.
    fn spooled(&self) -> Result<Option<SpoolPosition>, StoreError>;
}

/// A finding and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FindingRow {
    /// The number of its entry.
    pub seq: u64,
    /// As it was first put on the record.
    pub finding: Finding,
    /// When it was first served.
    pub first: Timestamp,
    /// When it was last served.
    pub last: Timestamp,
    /// How often it was seen.
    pub count: u64,
    /// What the last review or withdrawal says.
    pub state: ReviewState,
}

/// What became of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReviewState {
    /// Nobody has looked at it.
    Pending,
    /// A reviewer: it is a violation.
    Confirmed,
    /// A reviewer: it is none.
    Dismissed,
    /// It no longer counts.
    Withdrawn,
}

/// Which findings.
#[derive(Clone, Debug, Default)]
pub struct FindingQuery {
    /// Only of this unit.
    pub unit: Option<String>,
    /// Only of this host of the registry.
    pub site: Option<String>,
    /// Only in this state.
    pub state: Option<ReviewState>,
    /// Entries beyond this one (below it, if descending).
    pub after: Option<u64>,
    /// The last ones first.
    pub descending: bool,
    /// At most so many; 0: 100.
    pub limit: usize,
}

/// How far a spool has been read: everything before this place is in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpoolPosition {
    /// The segment's number.
    pub segment: u64,
    /// Bytes of it.
    pub offset: u64,
}

impl ReviewState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Confirmed, Self::Dismissed, Self::Withdrawn];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Dismissed => "dismissed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

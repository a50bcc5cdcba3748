//! What the gate asks: who is suspended, what is locked.

use crate::{base::Timestamp, domain::registry::Site};

/// What follows from the record for requests, at a moment. Immutable; made by
/// [`Ledger::in_force`](super::Ledger::in_force).
#[derive(Clone, Debug, Default)]
pub struct Standing {
    next_change: Option<Timestamp>,
}

/// Why a site in bad standing is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// A directory is locked.
    DirectoryLocked,
    /// The unit has no commitment in force.
    NoCommitment,
    /// The page is locked.
    PageLocked,
    /// The site is locked.
    SiteLocked,
    /// The unit is suspended.
    Suspended,
    /// The unit's contract was ended, or its server is sealed.
    Terminated,
}

impl Standing {
    /// What stands against serving a path (without its query) of a site, and what to tell the reader.
    pub fn against(&self, _site: &Site, _host: &str, _path: &str) -> Option<(Ground, String)> {
        None
    }

    /// When time alone will change something; `None`: never.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.next_change
    }
}

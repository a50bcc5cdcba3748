//! A locked page: refused until it is found clean again.

use std::sync::Arc;

use crate::base::Timestamp;

/// What a lock is on: a host and the path with its query, as the origin would be asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageKey {
    /// The normalised host.
    pub host: Arc<str>,
    /// Path and query.
    pub target: Arc<str>,
}

/// A lock on a page.
#[derive(Clone, Debug)]
pub struct Lock {
    /// Since when.
    pub since: Timestamp,
    /// From when on the next request is let through to read the page again, held whole.
    pub recheck_at: Timestamp,
    /// The rules that locked it.
    pub rules: Vec<Arc<str>>,
}

impl Lock {
    /// Whether the page may be read again now.
    pub fn recheck_due(&self, now: Timestamp) -> bool {
        now >= self.recheck_at
    }
}

//! Hosts that were asked for and are not in the registry.

use super::StoreError;
use crate::base::Timestamp;

/// Unfiled hosts by server. Bounded: a stranger chooses the names, so beyond 100,000 rows those that were
/// not seen for the longest time go.
pub trait UnfiledHosts: Send + Sync {
    /// Counts hosts that were seen (`first`, `last` and `count` of each are of these sightings).
    fn saw_unfiled(&self, seen: &[UnfiledHost]) -> Result<(), StoreError>;

    /// Hosts in order of server and name.
    fn unfiled_hosts(&self, query: &UnfiledQuery) -> Result<Vec<UnfiledHost>, StoreError>;
}

/// A host that is not in the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfiledHost {
    /// The server that it was asked at; empty if that cannot be told.
    pub server_ip: String,
    /// The host.
    pub host: String,
    /// When it was first asked for.
    pub first: Timestamp,
    /// When it was last asked for.
    pub last: Timestamp,
    /// How often.
    pub count: u64,
}

/// Which unfiled hosts.
#[derive(Clone, Debug, Default)]
pub struct UnfiledQuery {
    /// Only at this server.
    pub server_ip: Option<String>,
    /// Behind this server and host.
    pub after: Option<(String, String)>,
    /// At most so many; 0: 100.
    pub limit: usize,
}

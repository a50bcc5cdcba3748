//! What stays: the record, and what belongs to it. Traits by entity, so that another database can follow
//! without touching the callers; [`Sqlite`] is the one that is there.
//!
//! Everything here blocks: callers are threads of the control plane or `spawn_blocking`.

mod about;
mod backup;
mod entries;
mod error;
mod evidence;
mod export;
mod findings;
mod heads;
mod idempotency;
mod key;
mod ownership;
mod seal;
mod sighting;
mod sites;
mod spool;
mod sqlite;
mod tokens;
mod unfiled;
mod verify;
mod webhooks;

pub use backup::{back_up, restore};
pub use entries::{Answer, Append, Entries, Query};
pub use error::StoreError;
pub use evidence::{
    Evidence, EvidenceHeader, EvidenceLimits, EvidencePlace, EvidenceRecord, Expired, each_evidence, find_evidence,
    read_evidence,
};
pub use export::{ExportQuery, Exported, export};
pub use findings::{FindingQuery, FindingRow, Findings, ReviewState, SpoolPosition};
pub use heads::{GENESIS, Hash, HeadRow, Heads, Line, Link};
pub use idempotency::{Idempotency, Remembered};
pub use key::{PublicKey, SigningKey};
pub use ownership::belongs_to_its_directory;
pub use seal::Sealer;
pub use sighting::{Seen, Sighting};
pub use sites::{SiteSource, Sites};
pub use spool::Spool;
pub use sqlite::Sqlite;
pub use tokens::{Token, Tokens};
pub use unfiled::{UnfiledHost, UnfiledHosts, UnfiledQuery};
pub use verify::{Fault, Verified, verify};
pub use webhooks::{Delivery, DeliveryRow, DeliveryState, NewDelivery, Webhook, Webhooks};

/// Small things by name: positions, marks, versions.
pub trait Meta: Send + Sync {
    /// What is kept under a name.
    fn meta(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Keeps a value under a name, on disk when it returns.
    fn set_meta(&self, name: &str, value: &str) -> Result<(), StoreError>;

    /// Whether nothing can be put in: the file is not ours to write.
    fn is_read_only(&self) -> bool;

    /// What is wrong with all of it as a whole; `None`: nothing. Reads everything.
    fn integrity(&self) -> Result<Option<String>, StoreError>;
}

/// Everything that a database keeps.
pub trait Store: Entries + Findings + Heads + Idempotency + Meta + Sites + Tokens + UnfiledHosts + Webhooks {}

#[cfg(test)]
mod tests;

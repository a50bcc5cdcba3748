//! The rows of the registry, by who says so.

use super::StoreError;
use crate::{
    base::Timestamp,
    domain::registry::{Held, RowChange, SiteRow},
};

/// Rows by host and source. Where sources differ about a host, the one that changed it last holds.
pub trait Sites: Send + Sync {
    /// Changes rows of a source, all or none, at a moment. Returns how many changes there were before and
    /// with this one ([`Sites::sites_generation`]).
    fn change_sites(
        &self,
        source: SiteSource,
        at: Timestamp,
        changes: &mut dyn Iterator<Item = RowChange>,
    ) -> Result<u64, StoreError>;

    /// Shows what holds, in order of host: once a host.
    fn each_site(&self, take: &mut dyn FnMut(SiteSource, Timestamp, Held<'_>)) -> Result<(), StoreError>;

    /// Shows what one source says, in order of host.
    fn each_site_of(&self, source: SiteSource, take: &mut dyn FnMut(Timestamp, Held<'_>)) -> Result<(), StoreError>;

    /// Shows what is said of one host, the one that holds first.
    fn each_site_at(&self, host: &str, take: &mut dyn FnMut(SiteSource, Timestamp, Held<'_>))
    -> Result<(), StoreError>;

    /// Keeps the rows of a source that wait until its units are admitted again, in the place of those that
    /// waited before. A row that is put in by [`Sites::change_sites`] waits no longer. Returns how many
    /// changes there were, with this one if it changed anything.
    fn set_waiting_sites(&self, source: SiteSource, rows: &mut dyn Iterator<Item = SiteRow>)
    -> Result<u64, StoreError>;

    /// The rows that wait, by source and host.
    fn waiting_sites(&self) -> Result<Vec<(SiteSource, SiteRow)>, StoreError>;

    /// Whether there are rows of other sources than this one.
    fn has_sites_beside(&self, source: SiteSource) -> Result<bool, StoreError>;

    /// Grows with every change of rows, by whichever process; 0 if there never was one.
    fn sites_generation(&self) -> Result<u64, StoreError>;
}

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SiteSource {
    /// A file, or an import from one.
    File,
    /// The pull from the operator's own system.
    Pull,
    /// The admin API.
    Api,
}

impl SiteSource {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::File, Self::Pull, Self::Api];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Pull => "pull",
            Self::Api => "api",
        }
    }
}

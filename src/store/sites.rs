//! The rows of the registry, as they were written by whoever wrote them.

use super::StoreError;

/// Rows by host and source. Where sources differ about a host the last of [`SiteSource::ALL`] holds.
pub trait Sites: Send + Sync {
    /// Puts these rows in the place of all that the source had, all or none. Returns how many.
    fn replace_sites<'a>(
        &self,
        source: SiteSource,
        rows: &mut dyn Iterator<Item = SiteRow<'a>>,
    ) -> Result<u64, StoreError>;

    /// Puts a row in the place of the source's row for the host.
    fn put_site(&self, source: SiteSource, row: &SiteRow<'_>) -> Result<(), StoreError>;

    /// Takes the source's row for a host out. `false` if there is none.
    fn remove_site(&self, source: SiteSource, host: &str) -> Result<bool, StoreError>;

    /// Shows every row that holds, in order of host: one a host.
    fn each_site(&self, take: &mut dyn FnMut(SiteSource, SiteRow<'_>)) -> Result<(), StoreError>;

    /// Shows the rows of one source, in order of host.
    fn each_site_of(&self, source: SiteSource, take: &mut dyn FnMut(SiteRow<'_>)) -> Result<(), StoreError>;

    /// Grows with every change of a row, by whichever process.
    fn sites_generation(&self) -> Result<u64, StoreError>;
}

/// Where a row came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SiteSource {
    /// A file, or an import from one.
    File,
    /// The pull from the operator's own system.
    Pull,
    /// The admin API.
    Api,
}

/// A row, its columns as in `sites.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteRow<'a> {
    /// The normalised host.
    pub host: &'a str,
    /// Where it is served.
    pub origin: &'a str,
    /// The customer.
    pub unit: &'a str,
    /// The service.
    pub service: &'a str,
    /// `virtual_host` or `server`.
    pub kind: &'a str,
    /// The filing number; may be empty.
    pub icp: &'a str,
    /// What the filing says; may be empty.
    pub filing: &'a str,
    /// The server's address; may be empty.
    pub server_ip: &'a str,
    /// Interactive sections; may be empty.
    pub interactive: &'a str,
}

impl SiteSource {
    /// All, the weakest first.
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

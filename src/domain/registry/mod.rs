//! Units, services, sites, filings: who may be reached here.

mod certificate_names;
mod change;
mod difference;
mod footer;
mod icp;
mod import;
mod origin;
mod overlay;
mod site;
mod table;
mod upstream;

use std::{collections::HashSet, fmt, sync::Arc};

use self::{
    overlay::{Place, Rows},
    table::Table,
};
use crate::base::{Date, HostName};

pub use certificate_names::CertificateNames;
pub use change::{RegistryBuilder, RowChange, SiteRow};
pub use difference::{Comparison, Difference, Held};
pub use footer::{Footer, FooterCheck, ShownNumbers, check_footer, read_numbers};
pub use icp::{IcpNumber, normalise_icp};
pub use import::{Imported, import_csv, import_sites, is_sites_header};
pub use origin::{Origin, Protocol};
pub use site::Site;
pub use upstream::{ORIGINS_MAX, OriginHttp, OriginKey, OriginOptions, OriginVerify, ProxyProtocol, Upstream};

/// Kind of service (the letter's threshold table has one row pair for each).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceKind {
    /// 虚拟主机.
    VirtualHost,
    /// VPS, cloud host, rented or colocated server.
    Server,
}

impl ServiceKind {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::VirtualHost, Self::Server];

    /// What contracts call them; a spreadsheet may say so, too.
    pub const ALIASES: &'static [(&'static str, Self)] = &[
        ("虚拟主机", Self::VirtualHost),
        ("服务器", Self::Server),
        ("云主机", Self::Server),
        ("云服务器", Self::Server),
        ("VPS", Self::Server),
        ("租用", Self::Server),
        ("托管", Self::Server),
        ("租用托管", Self::Server),
    ];

    /// The word in sites.csv.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VirtualHost => "virtual_host",
            Self::Server => "server",
        }
    }
}

/// What the registry says about a row's filing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilingState {
    /// The filing was cancelled.
    Cancelled,
    /// Filed, but with another access provider (未接入).
    Elsewhere,
    /// Filed with this access provider and in force.
    Filed,
    /// No filing.
    Unfiled,
}

impl FilingState {
    /// All states, alphabetical.
    pub const ALL: [Self; 4] = [Self::Cancelled, Self::Elsewhere, Self::Filed, Self::Unfiled];

    /// The word in sites.csv and in the metric label `filing`. sites.csv has no word for `unfiled`: it
    /// is what an empty number means.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Elsewhere => "elsewhere",
            Self::Filed => "filed",
            Self::Unfiled => "unfiled",
        }
    }
}

/// State of interactive sections (second letter, 11.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interactive {
    /// State-changing requests pass.
    Open,
    /// They pass if what they post does.
    Filtered,
    /// 先审后贴 (not held for review yet in this version: refused like `Closed`).
    Review,
    /// They are refused.
    Closed,
}

impl Interactive {
    /// All states, from the most permissive on.
    pub const ALL: [Self; 4] = [Self::Open, Self::Filtered, Self::Review, Self::Closed];

    /// The word in sites.csv.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Filtered => "filtered",
            Self::Review => "review",
            Self::Closed => "closed",
        }
    }
}

/// The answer of the gate. Four answers, not two.
#[derive(Clone, Debug)]
pub enum Filing {
    /// Filed with this provider and in force.
    Filed(Site),
    /// No row covers the host (`None`), or the covering row has no filing or a cancelled one.
    Unfiled(Option<Site>),
    /// Filed with another access provider.
    Elsewhere(Site),
    /// The registry could not be asked, and there is no last known good.
    Unknown,
}

/// All sites, immutable, made for fast look-up: 1,000,000 sites are a normal size.
///
/// Rows are 32 bytes; their texts stand in a few shared strings, and a [`Site`] is a row's number
/// beside a reference to the registry, so that a look-up copies and allocates nothing. What changed
/// since the rows were built lies over them as a small table of its own
/// ([`with`](Registry::with)), so that a change costs milliseconds, and not a rebuilding.
#[derive(Clone)]
pub struct Registry {
    rows: Rows,
    /// Hosts that the file names in a row that could not be applied: refused, rather than left to the
    /// row of a domain above them.
    barred: Arc<HashSet<Box<str>>>,
    available: bool,
    today: Date,
    counts: [usize; FilingState::ALL.len()],
}

/// Before every last day: nothing has expired.
const NO_DAY_YET: Date = Date { year: 0, month: 1, day: 1 };

impl Registry {
    /// A registry that could not be loaded: answers [`Filing::Unknown`] to everything.
    pub fn unavailable() -> Self {
        Self { available: false, ..Self::new(Table::default(), HashSet::new()) }
    }

    /// Of rows, and of hosts that are refused whatever the rows say.
    fn new(table: Table, barred: HashSet<Box<str>>) -> Self {
        let rows = Rows::new(table);
        let counts = rows.counts(NO_DAY_YET);
        Self { rows, barred: Arc::new(barred), available: true, today: NO_DAY_YET, counts }
    }

    /// The same registry on a day: filings whose last day is over count as cancelled.
    #[must_use]
    pub fn on(&self, today: Date) -> Self {
        Self { today, counts: self.rows.counts(today), ..self.clone() }
    }

    /// The day that it is for.
    pub fn today(&self) -> Date {
        self.today
    }

    /// Whether there is one at all.
    pub fn is_available(&self) -> bool {
        self.available
    }

    /// Who serves a host, by the most specific row between the host and its registrable domain.
    pub fn look_up(self: &Arc<Self>, host: &HostName) -> Filing {
        if !self.available {
            return Filing::Unknown;
        }
        let Some(site) = self.covering(host) else { return Filing::Unfiled(None) };
        match site.filing() {
            FilingState::Filed => Filing::Filed(site),
            FilingState::Elsewhere => Filing::Elsewhere(site),
            FilingState::Cancelled | FilingState::Unfiled => Filing::Unfiled(Some(site)),
        }
    }

    /// The row that decides about a host: that of the host itself or of the nearest domain above it.
    /// An IP literal and a name without dots have only their own.
    pub fn covering(self: &Arc<Self>, host: &HostName) -> Option<Site> {
        // No need to ask the Public Suffix List again: the import lets no public suffix in, and what
        // lies above the registrable domain is nothing else.
        let mut name = host.as_str();
        loop {
            if self.barred.contains(name) {
                return None;
            }
            if let Some(row) = self.rows.find(name) {
                return Some(Site::new(Arc::clone(self), row));
            }
            let (_, parent) = name.split_once('.')?;
            if host.ip().is_some() || !parent.contains('.') {
                return None;
            }
            name = parent;
        }
    }

    /// The host of a row that could not be applied and now keeps this host from being served.
    pub fn barred<'h>(&self, host: &'h HostName) -> Option<&'h str> {
        let mut name = host.as_str();
        loop {
            if self.barred.contains(name) {
                return Some(name);
            }
            if self.rows.find(name).is_some() || host.ip().is_some() {
                return None;
            }
            name = name.split_once('.')?.1;
        }
    }

    /// The row of exactly this host.
    pub fn site(self: &Arc<Self>, host: &str) -> Option<Site> {
        Some(Site::new(Arc::clone(self), self.rows.find(host)?))
    }

    /// All rows: in the order of the file, then what changed since.
    pub fn sites(self: &Arc<Self>) -> impl Iterator<Item = Site> {
        self.rows.places().map(|row| Site::new(Arc::clone(self), row))
    }

    /// The rows that ask for certificates.
    pub fn asking_for_certificates(self: &Arc<Self>) -> impl Iterator<Item = Site> {
        self.rows.asking().map(|row| Site::new(Arc::clone(self), row))
    }

    /// Hosts that are refused because their rows could not be applied.
    pub fn barred_hosts(&self) -> impl Iterator<Item = &str> {
        self.barred.iter().map(AsRef::as_ref)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of rows with a filing state; one that is over counts as cancelled.
    pub fn count(&self, filing: FilingState) -> usize {
        self.counts[filing as usize]
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("available", &self.available).field("len", &self.len()).finish()
    }
}

#[cfg(test)]
mod tests;

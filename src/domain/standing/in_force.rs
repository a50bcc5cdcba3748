//! What the gate asks: who is suspended, what is locked.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fmt::Write,
    net::IpAddr,
    sync::Arc,
};

use super::locks::canonical;
use crate::{
    base::Timestamp,
    domain::registry::{ServiceKind, Site},
};

/// What follows from the record for requests, at a moment. Immutable, cheap to clone; made by
/// [`Ledger::in_force`](super::Ledger::in_force).
#[derive(Clone, Debug, Default)]
pub struct Standing {
    pub(super) units: Arc<HashMap<String, UnitBar>>,
    /// Sealed servers with the reason, by [`server_name`].
    pub(super) servers: Arc<HashMap<String, String>>,
    pub(super) hosts: Arc<HashMap<String, HostBar>>,
    /// The units with a letter in force; `None`: nobody asks.
    pub(super) committed: Option<Arc<HashSet<String>>>,
    pub(super) periods: Arc<Vec<PeriodInForce>>,
    pub(super) next_change: Option<Timestamp>,
}

/// What stands against a unit; it is there only if something does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UnitBar {
    pub(super) terminated: Option<String>,
    pub(super) suspended: Vec<(Extent, String)>,
}

/// What of a unit is suspended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Unit,
    Kind(ServiceKind),
    Service(String),
    Host(String),
}

/// What is locked on a host.
#[derive(Clone, Debug, Default)]
pub(super) struct HostBar {
    pub(super) site: Option<String>,
    /// Canonical paths: directories end in `/`, files do not.
    pub(super) paths: HashMap<String, String>,
}

/// A control period that holds now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PeriodInForce {
    /// `None`: everybody.
    pub(super) units: Option<HashSet<String>>,
    pub(super) freeze_admissions: bool,
    pub(super) close_interactive: bool,
}

/// Why a site in bad standing is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// A directory is locked, or a file with all its queries.
    DirectoryLocked,
    /// The unit has no commitment in force.
    NoCommitment,
    /// The site is locked.
    SiteLocked,
    /// The unit is suspended.
    Suspended,
    /// The unit's contract was ended, or its server is sealed.
    Terminated,
}

impl Standing {
    /// What stands against serving a path (without its query) of a site, and why: for the log. Where
    /// nothing does, nothing is allocated.
    pub fn against(&self, site: &Site, host: &str, path: &str) -> Option<(Ground, String)> {
        if let Some(why) = self.sealed(site.server_ip()) {
            return Some((Ground::Terminated, format!("server {} is sealed: {why}", site.server_ip())));
        }
        let bar = if self.units.is_empty() { None } else { self.units.get(&**site.unit()) };
        if let Some(bar) = bar {
            if let Some(why) = &bar.terminated {
                return Some((Ground::Terminated, why.clone()));
            }
            let concerns = |extent: &Extent| match extent {
                Extent::Unit => true,
                Extent::Kind(kind) => *kind == site.kind(),
                Extent::Service(service) => service == site.service(),
                Extent::Host(barred) => barred == host || barred == site.host(),
            };
            if let Some((_, why)) = bar.suspended.iter().find(|(extent, _)| concerns(extent)) {
                return Some((Ground::Suspended, why.clone()));
            }
        }
        if self.committed.as_ref().is_some_and(|committed| !committed.contains(&**site.unit())) {
            return Some((Ground::NoCommitment, String::new()));
        }
        self.lock_on(site, host, path)
    }

    /// Whether the unit's interactive sections are closed for a time.
    pub fn closes_interactive(&self, unit: &str) -> bool {
        self.periods.iter().any(|period| period.close_interactive && period.concerns(unit))
    }

    /// Whether no new host is admitted for some units.
    pub fn freezes_admissions(&self) -> bool {
        self.periods.iter().any(|period| period.freeze_admissions)
    }

    /// Whether no host is admitted for a unit that was not in the registry before: an import leaves its
    /// new rows out.
    pub fn admissions_frozen(&self, unit: &str) -> bool {
        self.periods.iter().any(|period| period.freeze_admissions && period.concerns(unit))
    }

    /// Whether some of a unit's services of a kind are suspended.
    #[cfg(test)]
    pub(super) fn suspends(&self, unit: &str, kind: ServiceKind) -> bool {
        let concerns = |extent: &Extent| match extent {
            Extent::Kind(barred) => *barred == kind,
            Extent::Unit | Extent::Service(_) | Extent::Host(_) => true,
        };
        self.units.get(unit).is_some_and(|bar| bar.suspended.iter().any(|(extent, _)| concerns(extent)))
    }

    /// The number of units that are suspended, in whole or in part.
    pub fn suspended_units(&self) -> usize {
        self.units.values().filter(|bar| !bar.suspended.is_empty()).count()
    }

    /// The numbers of sites and of paths that are locked.
    pub fn locked(&self) -> (usize, usize) {
        let sites = self.hosts.values().filter(|bar| bar.site.is_some()).count();
        (sites, self.hosts.values().map(|bar| bar.paths.len()).sum())
    }

    /// When time alone will change something; `None`: never.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.next_change
    }

    fn sealed(&self, server_ip: &str) -> Option<&str> {
        if self.servers.is_empty() {
            return None;
        }
        self.servers.get(&*server_name(server_ip)).map(String::as_str)
    }

    fn lock_on(&self, site: &Site, host: &str, path: &str) -> Option<(Ground, String)> {
        if self.hosts.is_empty() {
            return None;
        }
        // A lock on a row's host is one on the hosts that the row covers.
        let site_lock = [host, site.host()].into_iter().find_map(|host| self.hosts.get(host)?.site.as_ref());
        if let Some(why) = site_lock {
            return Some((Ground::SiteLocked, why.clone()));
        }
        let paths = &self.hosts.get(host)?.paths;
        if paths.is_empty() {
            return None;
        }
        let path = canonical(path);
        let directories = path.rmatch_indices('/').map(|(at, _)| &path[..=at]);
        let found = [path.as_str()].into_iter().chain(directories).find_map(|path| paths.get_key_value(path));
        found.map(|(path, why)| (Ground::DirectoryLocked, format!("{path}: {why}")))
    }
}

impl UnitBar {
    pub(super) fn is_empty(&self) -> bool {
        self.terminated.is_none() && self.suspended.is_empty()
    }

    /// The words for a suspension by the threshold table.
    pub(super) fn strikes<'a>(ids: impl Iterator<Item = &'a str>) -> String {
        let mut words = String::from("strikes");
        for id in ids {
            // Writing to a String does not fail.
            let _ = write!(words, " {id}");
        }
        words
    }
}

impl PeriodInForce {
    fn concerns(&self, unit: &str) -> bool {
        self.units.as_ref().is_none_or(|units| units.contains(unit))
    }
}

/// A server's address in its one spelling; a name as it is.
pub(super) fn server_name(server: &str) -> Cow<'_, str> {
    match server.parse::<IpAddr>() {
        Ok(IpAddr::V6(ip)) => Cow::Owned(ip.to_canonical().to_string()),
        Ok(IpAddr::V4(_)) | Err(_) => Cow::Borrowed(server),
    }
}

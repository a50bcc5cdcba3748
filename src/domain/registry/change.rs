//! Rows one by one: a registry is built from them, and changed by them without being rebuilt.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    FilingState, Interactive, OriginOptions, Place, Registry, ServiceKind, Site,
    overlay::Rows,
    table::{Builder, NewRow},
};
use crate::base::Date;

/// So many changed rows may lie over a registry, and this share more of its rows: beyond it, it is built
/// anew. Every change copies what lies over the rows, at about 0.5 µs a row.
const OVERLAY_ROWS_MAX: usize = 4_096;
/// As above: one in so many.
const OVERLAY_SHARE: usize = 256;

/// A row of the registry on its own, in its one form: the host normalised, texts trimmed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SiteRow {
    /// The normalised host.
    pub host: String,
    /// Where it is served, as [`Upstream`](super::Upstream) writes it.
    pub origin: String,
    /// The customer.
    pub unit: String,
    /// The service.
    pub service: String,
    /// Its kind.
    pub kind: ServiceKind,
    /// The filing number as normalised; empty if none.
    pub icp: String,
    /// What the filing says.
    pub filing: FilingState,
    /// The last day on which the filing is in force, if one is given.
    pub filed_until: Option<Date>,
    /// The server's address; empty for the origin's host.
    pub server_ip: String,
    /// Interactive sections.
    pub interactive: Interactive,
    /// The names that a certificate is asked for, as [`CertificateNames`](super::CertificateNames) writes them;
    /// empty: none is.
    #[serde(default)]
    pub acme: String,
    /// How the origins are spoken to.
    #[serde(flatten)]
    pub options: OriginOptions,
}

/// One change of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowChange {
    /// A host is refused, whatever stands above it: its row could not be applied.
    Bar(String),
    /// A row is new, or in the place of the host's row before.
    Put(Box<SiteRow>),
    /// A host has no row any more, and is not barred.
    Remove(String),
}

impl RowChange {
    /// The host that it is about.
    pub fn host(&self) -> &str {
        match self {
            Self::Bar(host) | Self::Remove(host) => host,
            Self::Put(row) => &row.host,
        }
    }
}

/// Builds a registry row by row.
#[derive(Default)]
pub struct RegistryBuilder {
    rows: Builder,
    barred: HashSet<Box<str>>,
}

impl RegistryBuilder {
    /// Adds a row; `line` is that of its file, 0 if there is none. `false` if it cannot be added: its
    /// origins are none, its host has a row already, or there are more rows than fit.
    pub fn add(&mut self, row: &SiteRow, line: u32) -> bool {
        let Ok(upstream) = self.rows.upstream(&row.origin, &row.options) else { return false };
        let new = NewRow {
            host: &row.host,
            line,
            upstream,
            unit: &row.unit,
            service: &row.service,
            kind: row.kind,
            icp: &row.icp,
            filing: row.filing,
            filed_until: row.filed_until,
            server_ip: &row.server_ip,
            interactive: row.interactive,
            acme: &row.acme,
        };
        self.rows.add(&new).is_ok()
    }

    /// Refuses a host, whatever stands above it.
    pub fn bar(&mut self, host: &str) {
        self.barred.insert(host.into());
    }

    /// The registry.
    pub fn finish(self) -> Registry {
        Registry::new(self.rows.finish(), self.barred)
    }

    fn copy(&mut self, site: &Site) {
        // It stands in a registry already, so it can be added to one.
        let _ = self.add(&site.to_row(), site.line());
    }
}

impl Registry {
    /// This registry after changes; of several for one host the last holds. Rows that did not change are
    /// shared, unless so many did that building anew is due.
    #[must_use]
    pub fn with(self: &Arc<Self>, changes: impl IntoIterator<Item = RowChange>) -> Self {
        let mut by_host: HashMap<String, RowChange> = HashMap::new();
        for change in changes {
            by_host.insert(change.host().to_owned(), change);
        }
        let mut barred = HashSet::clone(&self.barred);
        for (host, change) in &by_host {
            match change {
                RowChange::Bar(host) => drop(barred.insert(host.as_str().into())),
                RowChange::Put(_) | RowChange::Remove(_) => drop(barred.remove(host.as_str())),
            }
        }
        let weight = self.rows.weight() + by_host.len();
        let is_due = weight > OVERLAY_ROWS_MAX + self.rows.len_below() / OVERLAY_SHARE;
        let mut builder = RegistryBuilder::default();
        let kept: Box<dyn Iterator<Item = Place>> =
            if is_due { Box::new(self.rows.places()) } else { Box::new(self.rows.places_over()) };
        for site in kept.map(|place| Site::new(Arc::clone(self), place)) {
            if !by_host.contains_key(site.host()) {
                builder.copy(&site);
            }
        }
        for change in by_host.values() {
            if let RowChange::Put(row) = change {
                builder.add(row, 0);
            }
        }
        let rows = match is_due {
            true => Rows::new(builder.rows.finish()),
            false => {
                let hide = by_host.keys().filter_map(|host| self.rows.find_below(host));
                self.rows.over(builder.rows.finish(), hide)
            }
        };
        let counts = rows.counts(self.today);
        Self { rows, barred: Arc::new(barred), available: true, today: self.today, counts }
    }
}

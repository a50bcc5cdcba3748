//! One row of the registry, as others see it.

use std::{fmt, sync::Arc};

use super::{
    CertificateNames, FilingState, Interactive, Registry, ServiceKind, Upstream, change::SiteRow, overlay::Place,
    table::Table,
};
use crate::base::{Date, HostName};

/// One row of the registry: its number, and the registry that it stands in. Cheap to clone; keeps the
/// whole registry alive.
#[derive(Clone)]
pub struct Site {
    registry: Arc<Registry>,
    row: Place,
}

impl Site {
    pub(super) fn new(registry: Arc<Registry>, row: Place) -> Self {
        Self { registry, row }
    }

    /// The host of the row, which covers the hosts below it too.
    pub fn host(&self) -> &str {
        self.table().host(self.row.row)
    }

    /// Where it is served.
    pub fn upstream(&self) -> &Arc<Upstream> {
        self.table().upstream(self.row.row)
    }

    /// The customer.
    pub fn unit(&self) -> &Arc<str> {
        self.table().unit(self.row.row)
    }

    /// The service.
    pub fn service(&self) -> &str {
        self.table().service(self.row.row)
    }

    /// Its kind.
    pub fn kind(&self) -> ServiceKind {
        self.table().kind(self.row.row)
    }

    /// The filing number as normalised; empty if none.
    pub fn icp(&self) -> &str {
        self.table().icp(self.row.row)
    }

    /// What the filing says; one that is over counts as cancelled.
    pub fn filing(&self) -> FilingState {
        match self.filing_said() {
            FilingState::Filed if self.is_expired() => FilingState::Cancelled,
            state => state,
        }
    }

    /// What the row says of the filing, whatever the day.
    pub fn filing_said(&self) -> FilingState {
        self.table().filing(self.row.row)
    }

    /// The last day on which the filing is in force, where the row gives one.
    pub fn filed_until(&self) -> Option<Date> {
        self.table().filed_until(self.row.row)
    }

    /// Whether the last day of the filing is over.
    pub fn is_expired(&self) -> bool {
        self.filed_until().is_some_and(|last_day| last_day < self.registry.today)
    }

    /// The server's address for the rectification report; the first origin's host if the row gives none.
    pub fn server_ip(&self) -> &str {
        self.server_ip_said().unwrap_or(self.upstream().host())
    }

    /// The server's address, where the row gives one.
    pub fn server_ip_said(&self) -> Option<&str> {
        self.table().server_ip(self.row.row)
    }

    /// Interactive sections.
    pub fn interactive(&self) -> Interactive {
        self.table().interactive(self.row.row)
    }

    /// The names that a certificate is asked for, in their one form; empty: none is.
    pub fn acme(&self) -> &str {
        self.table().acme(self.row.row)
    }

    /// The names that a certificate is to be asked for.
    pub fn certificate_names(&self) -> Vec<HostName> {
        CertificateNames::of(self.host(), self.acme())
    }

    /// The row on its own.
    pub fn to_row(&self) -> SiteRow {
        SiteRow {
            host: self.host().to_owned(),
            origin: self.upstream().to_string(),
            unit: self.unit().to_string(),
            service: self.service().to_owned(),
            kind: self.kind(),
            icp: self.icp().to_owned(),
            filing: self.filing_said(),
            filed_until: self.filed_until(),
            server_ip: self.server_ip_said().unwrap_or_default().to_owned(),
            interactive: self.interactive(),
            acme: self.acme().to_owned(),
            options: self.upstream().options().clone(),
        }
    }

    /// The 1-based line of the row in the registry's file; 0 if it was not read from one.
    pub fn line(&self) -> u32 {
        self.table().line(self.row.row)
    }

    fn table(&self) -> &Table {
        self.registry.rows.table(self.row)
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("host", &self.host())
            .field("upstream", &self.upstream())
            .field("unit", &self.unit())
            .field("service", &self.service())
            .field("kind", &self.kind())
            .field("icp", &self.icp())
            .field("filing", &self.filing())
            .field("server_ip", &self.server_ip())
            .field("interactive", &self.interactive())
            .field("line", &self.line())
            .finish()
    }
}

//! One row of the registry, as others see it.

use std::{fmt, sync::Arc};

use super::{FilingState, Interactive, Origin, Registry, ServiceKind, table::RowId};

/// One row of the registry: its number, and the registry that it stands in. Cheap to clone; keeps the
/// whole registry alive.
#[derive(Clone)]
pub struct Site {
    registry: Arc<Registry>,
    row: RowId,
}

impl Site {
    pub(super) fn new(registry: Arc<Registry>, row: RowId) -> Self {
        Self { registry, row }
    }

    /// The host of the row, which covers the hosts below it too.
    pub fn host(&self) -> &str {
        self.registry.table.host(self.row)
    }

    /// Where it is served.
    pub fn origin(&self) -> &Arc<Origin> {
        self.registry.table.origin(self.row)
    }

    /// The customer.
    pub fn unit(&self) -> &Arc<str> {
        self.registry.table.unit(self.row)
    }

    /// The service.
    pub fn service(&self) -> &str {
        self.registry.table.service(self.row)
    }

    /// Its kind.
    pub fn kind(&self) -> ServiceKind {
        self.registry.table.kind(self.row)
    }

    /// The filing number as normalised; empty if none.
    pub fn icp(&self) -> &str {
        self.registry.table.icp(self.row)
    }

    /// What the filing says.
    pub fn filing(&self) -> FilingState {
        self.registry.table.filing(self.row)
    }

    /// The server's address for the rectification report; the origin's host if the row gives none.
    pub fn server_ip(&self) -> &str {
        self.registry.table.server_ip(self.row).unwrap_or(&self.origin().host)
    }

    /// Interactive sections.
    pub fn interactive(&self) -> Interactive {
        self.registry.table.interactive(self.row)
    }

    /// The 1-based line of the row in the registry's file.
    pub fn line(&self) -> u32 {
        self.registry.table.line(self.row)
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("host", &self.host())
            .field("origin", &self.origin())
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

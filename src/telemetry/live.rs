//! Numbers that go up and down while requests run; everything else is counted from events.

use std::sync::atomic::{AtomicI64, AtomicU64};

/// Live counts, shared by the data plane (which writes them) and the metrics (which read them).
#[derive(Debug, Default)]
pub struct Live {
    /// Open client connections without TLS.
    pub client_plain: AtomicI64,
    /// Open client connections with TLS.
    pub client_tls: AtomicI64,
    /// Open connections to origins, busy or idle.
    pub origin: AtomicI64,
    /// Origins in use that are asked.
    pub origins_healthy: AtomicI64,
    /// Origins in use that are left out.
    pub origins_ejected: AtomicI64,
    /// How often one of several origins was left out.
    pub origin_ejections: AtomicU64,
    /// Connections that were turned away at a limit, or failed before a request was read.
    pub client_rejected: AtomicU64,
    /// Tasks that panicked and were caught.
    pub panics: AtomicU64,
}

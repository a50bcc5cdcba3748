//! What the operator says: zhamen.toml, read strictly into a [`Config`] that cannot be wrong.
//!
//! [`Config::parse`] is pure: text and environment are arguments. It goes in two steps: the
//! document with the place of every value (`raw`), then the typed configuration (`build`). All
//! problems are reported at once, each at its line and column; a key that is not known is an
//! error that names the nearest known one.
//!
//! ```toml
#![doc = include_str!("reference.toml")]
//! ```

mod acme;
mod admin;
mod build;
mod edge;
mod http2;
mod incident;
mod ledger;
mod nearest;
mod pressure;
mod process;
mod quantity;
mod raw;
mod reference;
mod registry;
mod report;
mod store;
mod upstream;
mod webhooks;

use std::path::{Path, PathBuf};

pub use acme::Acme;
pub use admin::{Admin, AdminTls};
pub use edge::{Edge, Limits, Timeouts};
pub use http2::Http2;
pub use incident::Incidents;
pub use nearest::nearest;
pub use pressure::{Pressure, Rate};
pub use process::{Landlock, Process};
pub use reference::{Key, Reference};
pub use registry::{Pull, Registry, Secret};
pub use report::Report;
pub use store::{Store, WhenFull};
pub use upstream::{Check, Ejection, Upstreams};
pub use webhooks::Webhooks;

use crate::{
    base::Problem,
    domain::{policy::Policy, standing::LedgerPolicy},
    engine::body_filter::ScanPolicy,
};

/// Everything that zhamen.toml says, checked, with paths made relative to its directory.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from, as the operator named it.
    pub path: PathBuf,
    /// Where metrics, health, status and the admin API are served; `None` if `[admin] listen` is empty.
    pub admin: Option<Admin>,
    /// Listeners, limits and timeouts of the data plane.
    pub edge: Edge,
    /// Where the registry of sites comes from.
    pub registry: Registry,
    /// The directory of rule packs.
    pub rules_dir: PathBuf,
    /// The line of the file that names it; 0: none does.
    pub rules_line: u32,
    /// How bodies are scanned.
    pub scan: ScanPolicy,
    /// What the gate and the refusals do.
    pub policy: Policy,
    /// The access log and the operational log.
    pub log: Log,
    /// Where the record is kept.
    pub store: Store,
    /// What the process may do, and how it is replaced.
    pub process: Process,
    /// Clocks and rules of incidents.
    pub incident: Incidents,
    /// What stands in letters and reports.
    pub report: Report,
    /// How certificates are asked for.
    pub acme: Acme,
    /// How webhooks are sent.
    pub webhooks: Webhooks,
    /// How the ledger counts.
    pub ledger: LedgerPolicy,
}

/// What is logged, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The access log.
    pub access: AccessTarget,
    /// How much of a client's address the access log keeps (domain.md section 8).
    pub client_address: ClientAddress,
    /// Operational messages of this level and above go to stderr.
    pub level: Level,
    /// How operational messages are written.
    pub format: LogFormat,
}

/// Where access log lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessTarget {
    /// Nowhere.
    Off,
    /// Standard output.
    Stdout,
    /// Appended to a file, which is made if it is not there.
    File(PathBuf),
}

/// How much of a client's address is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAddress {
    /// All of it.
    Full,
    /// The network: /24 of IPv4, /48 of IPv6.
    Truncated,
    /// Nothing.
    None,
}

/// Level of operational messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Only what needs somebody's attention.
    Error,
    /// And what may soon.
    Warn,
    /// And what changed.
    Info,
    /// And what was decided, step by step.
    Debug,
    /// Everything.
    Trace,
}

/// Shape of operational messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What came of reading a configuration.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The configuration; `None` if there is an error among the problems.
    pub config: Option<Config>,
    /// What is wrong, in order of place.
    pub problems: Vec<Problem>,
}

impl Config {
    /// Reads the text of a configuration. `path` serves messages and makes paths relative to its
    /// directory; `env` answers `${NAME}`.
    pub fn parse(path: &Path, text: &str, env: &dyn Fn(&str) -> Option<String>) -> Parsed {
        build::parse(path, text, env)
    }

    /// The keys that differ from `running`'s and take effect only after a restart.
    pub fn keys_needing_restart(&self, running: &Self) -> Vec<&'static str> {
        self.after_restart(running).into_iter().filter_map(|(key, differs)| differs.then_some(key)).collect()
    }

    /// Every key (or section) that takes effect only after a restart, and whether it differs.
    fn after_restart(&self, running: &Self) -> Vec<(&'static str, bool)> {
        vec![
            ("listen.http", self.edge.http != running.edge.http),
            ("listen.https", self.edge.https != running.edge.https),
            ("admin", self.admin != running.admin),
            ("tls.certificates", self.edge.certificates != running.edge.certificates),
            ("tls.client_ca", self.edge.client_ca != running.edge.client_ca),
            ("workers.threads", self.edge.workers != running.edge.workers),
            ("scan.verdict_cache", self.edge.verdict_cache_entries != running.edge.verdict_cache_entries),
            ("limits.event_queue", self.edge.limits.event_queue != running.edge.limits.event_queue),
            ("log", self.log != running.log),
            ("store", self.store != running.store),
            ("process", self.process != running.process),
            ("incident", self.incident != running.incident),
            ("report", self.report != running.report),
            ("acme", self.acme != running.acme),
            ("webhooks", self.webhooks != running.webhooks),
            ("ledger", self.ledger != running.ledger),
        ]
    }

    /// Keeps `running`'s values of the keys that need a restart, so that this configuration says
    /// what is in force.
    pub fn keep_until_restart(&mut self, running: &Self) {
        self.admin.clone_from(&running.admin);
        self.log = running.log.clone();
        self.store = running.store.clone();
        self.process = running.process.clone();
        self.incident = running.incident.clone();
        self.report = running.report.clone();
        self.acme = running.acme.clone();
        self.webhooks = running.webhooks.clone();
        self.ledger = running.ledger.clone();
        let (edge, kept) = (&mut self.edge, &running.edge);
        edge.http.clone_from(&kept.http);
        edge.https.clone_from(&kept.https);
        edge.certificates.clone_from(&kept.certificates);
        edge.client_ca.clone_from(&kept.client_ca);
        edge.workers = kept.workers;
        edge.verdict_cache_entries = kept.verdict_cache_entries;
        edge.limits.event_queue = kept.limits.event_queue;
    }
}

impl Level {
    /// The word used in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

//! What the operator sees: metrics, access log, operational log. Consumes events; nothing waits
//! for it.
//!
//! Events come out of one bounded queue ([`queue()`]) on one thread of their own ([`start`]),
//! which counts them ([`Metrics`]) and writes the access log. Numbers that go up and down while
//! requests run stand in [`Live`] and are read when somebody asks for the metrics.

mod access_line;
mod access_log;
mod acme_metrics;
mod consumer;
mod counters;
mod edge_metrics;
mod live;
mod metrics;
mod observations;
mod operational_log;
mod origin_metrics;
mod queue;
mod record_metrics;
mod words;

pub use access_log::Reopen;
pub use consumer::{Observer, start};
pub use live::{CertificateCounts, Http2End, Live, Pulse, Shed};
pub use metrics::{InForce, Metrics, Part, Readings};
pub use observations::{Full, Lost, ObservationReceiver, ObservationSender, observations};
pub use operational_log::init as init_operational_log;
pub use queue::{Dropped, EventReceiver, EventSender, queue};
pub use record_metrics::RecordCounts;

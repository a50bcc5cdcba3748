//! The words that every room shares. Standard library only (and IDNA, for host names).

mod host;
mod memory;
mod network;
mod problem;
mod processor;
mod span;
mod time;
mod url;

pub use host::{HostError, HostName};
pub use memory::{Charge, MemoryBudget};
pub use network::Network;
pub use problem::{Problem, Severity};
pub use processor::{Work, run_wide};
pub use span::ByteSpan;
pub use time::{Clock, Date, Timestamp};
pub use url::HttpUrl;

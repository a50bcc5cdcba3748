//! Messages about Zhamen itself, on standard error.

use std::io;

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::config::{Level, LogFormat};

/// Sends operational messages to standard error from now on. Does nothing if that was done before.
pub fn init(level: Level, format: LogFormat) {
    // What clients do wrong with HTTP/2 is counted; a line for each would be theirs to write.
    let filter = EnvFilter::new(format!("{},h2=off", level.as_str()));
    let registry = tracing_subscriber::registry().with(filter);
    // A second call finds a subscriber in place, which is as good.
    let _ = match format {
        LogFormat::Text => registry.with(fmt::layer().with_writer(io::stderr).with_target(false)).try_init(),
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(io::stderr)).try_init(),
    };
}

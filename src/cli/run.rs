//! `zhamen run`: the proxy.

use std::path::PathBuf;

use super::Exit;
use crate::app;

/// Run the proxy until SIGTERM or SIGINT.
///
/// SIGHUP reloads everything, SIGUSR1 opens the access log anew. Files are watched: a change comes
/// into force by itself, and a broken file changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  stopped by a signal, after draining\n  \
                        2  could not start: configuration, rules, certificates or an address")]
pub(super) struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "zhamen.toml")]
    config: PathBuf,
}

pub(super) fn run(args: &Args) -> Exit {
    match app::run(&args.config) {
        Ok(()) => Exit::Ok,
        Err(found) => super::problems::give_up(&found).unwrap_or(Exit::Error),
    }
}

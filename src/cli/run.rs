//! `zhamen run`: the proxy.

use super::{Exit, place::Place, problems};
use crate::app::{self, Beginning};

/// Run the proxy until SIGTERM or SIGINT.
///
/// SIGHUP reloads everything, SIGUSR1 opens the access log anew, SIGUSR2 starts the binary as it is on disk
/// to take over. Files are watched: a change comes into force by itself, and a broken file changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  stopped by a signal, or taken over from, after draining\n  \
                        2  could not start: configuration, rules, certificates or an address")]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    /// Take over from the process that runs with this configuration, without a request lost; without one,
    /// start as usual.
    #[arg(long)]
    upgrade: bool,
}

pub(super) fn run(args: &Args) -> Exit {
    let beginning = if args.upgrade { Beginning::Upgrade } else { Beginning::Fresh };
    match args.place.path().and_then(|path| app::run(&path, beginning)) {
        Ok(()) => Exit::Ok,
        Err(found) => problems::give_up(&found).unwrap_or(Exit::Error),
    }
}

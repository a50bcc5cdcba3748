//! `zhamen health`: asks the running Zhamen whether it is well, for containers, which have no curl.

use std::{
    io::{self, Write},
    time::Duration,
};

use http::Request;

use super::{Exit, place::Place, problems::give_up};
use crate::{base::Problem, control_plane::AdminClient};

/// Ask the running Zhamen whether it is well: on the admin listener that the configuration names.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  it is\n  1  it is not, or does not answer\n  2  an error: the \
                        configuration cannot be read, or has no admin listener")]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    /// Ask whether it is ready to serve: it has a registry, and does not drain.
    #[arg(long)]
    ready: bool,
    /// Wait so long for the answer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let config = match args.place.config() {
        Ok(config) => config,
        Err(problems) => return give_up(&problems),
    };
    let shown = config.path.display().to_string();
    let Some(admin) = config.admin else {
        let problem = Problem::error(&shown, 0, 0, "there is no admin listener to ask");
        return give_up(&[problem.help("set admin.listen")]);
    };
    let target = if args.ready { "/readyz" } else { "/healthz" };
    let client = match AdminClient::new(&admin) {
        Ok(client) => client,
        Err(error) => return give_up(&[Problem::error(&shown, 0, 0, error.to_string())]),
    };
    match client.ask(target, Request::default(), Duration::from_secs(args.timeout)) {
        Ok(answer) => {
            let body = String::from_utf8_lossy(answer.body()).into_owned();
            writeln!(out, "{target}: {} {}", answer.status().as_u16(), body.trim())?;
            Ok(if answer.status() == 200 { Exit::Ok } else { Exit::No })
        }
        Err(error) => {
            writeln!(out, "{target}: no answer from {}: {error}", client.address())?;
            Ok(Exit::No)
        }
    }
}

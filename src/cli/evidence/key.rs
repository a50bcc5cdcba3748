//! `zhamen evidence key`: the public key of the signatures.

use std::io::{self, Write};

use super::{Exit, problem};
use crate::{
    cli::{place::Place, problems::give_up},
    store::SigningKey,
};

/// Print the public key that heads and exports are signed with, in PEM.
///
/// Give it to those who are to check exports before they need it: a key that comes with what it signed
/// proves little.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  printed\n  2  there is no key, or it cannot be read")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let key = args
        .place
        .config()
        .and_then(|config| SigningKey::open(&config.store.directory).map_err(|error| problem("the key", error)));
    match key {
        Ok(key) => {
            out.write_all(key.public().to_pem().as_bytes())?;
            Ok(Exit::Ok)
        }
        Err(problems) => give_up(&problems),
    }
}

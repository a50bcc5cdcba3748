//! `zhamen ledger`: who stands how, and what is put on the record about it.

mod replay;

use std::io::{self, Write};

use super::Exit;

/// The ledger: notices, strikes, suspensions.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Replay(replay::Args),
}

pub(super) fn run(command: &Command, out: &mut dyn Write) -> io::Result<Exit> {
    match command {
        Command::Replay(args) => replay::run(args, out),
    }
}

//! `zhamen ledger terminate`.

use std::io::{self, Write};

use super::{EXIT_STATUS, Exit, PutArgs};
use crate::domain::record::{Fact, Termination};

/// End a unit's contract (second letter, 11.4): nothing of it is served until a new letter is signed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    put: PutArgs,
    /// The unit.
    unit: String,
    /// Why.
    #[arg(long)]
    why: String,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let facts = |opened: &super::Opened| {
        let (unit, why) = (args.unit.clone(), args.why.clone());
        Ok(vec![Fact::Termination(Termination { unit, at: opened.now, why })])
    };
    args.put.put(facts, out)
}

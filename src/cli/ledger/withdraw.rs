//! `zhamen ledger withdraw`.

use std::io::{self, Write};

use super::{EXIT_STATUS, Exit, PutArgs};
use crate::domain::record::{Fact, Withdrawal};

/// Withdraw a notice or finding: from now on it is no strike.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    put: PutArgs,
    /// The id of the notice or finding.
    id: String,
    /// Why.
    #[arg(long)]
    why: String,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let facts = |opened: &super::Opened| {
        let (of, why) = (args.id.clone(), args.why.clone());
        Ok(vec![Fact::Withdrawal(Withdrawal { of, at: opened.now, why })])
    };
    args.put.put(facts, out)
}

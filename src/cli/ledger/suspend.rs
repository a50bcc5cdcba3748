//! `zhamen ledger suspend`.

use std::io::{self, Write};

use super::{EXIT_STATUS, Exit, Kind, PutArgs};
use crate::domain::record::{Fact, Suspension};

/// Suspend a unit, or one kind of its services. When this ends, no request is let through.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    put: PutArgs,
    /// The unit.
    unit: String,
    /// Which services; default: all.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Why.
    #[arg(long)]
    why: String,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let facts = |opened: &super::Opened| {
        let (unit, kind, why) = (args.unit.clone(), args.kind.map(Into::into), args.why.clone());
        Ok(vec![Fact::Suspension(Suspension { unit, kind, at: opened.now, why })])
    };
    args.put.put(facts, out)
}

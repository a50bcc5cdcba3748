//! `zhamen ledger reinstate`.

use std::io::{self, Write};

use super::{EXIT_STATUS, Exit, Kind, PutArgs};
use crate::domain::record::{Fact, Reinstatement};

/// Lift the suspension of a unit for a kind of service.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    put: PutArgs,
    /// The unit.
    unit: String,
    /// Which services.
    #[arg(long, value_enum)]
    kind: Kind,
    /// The rectification report on file, where the configuration wants one.
    #[arg(long, value_name = "ID", default_value = "")]
    rectification: String,
    /// Why.
    #[arg(long, default_value = "")]
    why: String,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let facts = |opened: &super::Opened| {
        Ok(vec![Fact::Reinstatement(Reinstatement {
            unit: args.unit.clone(),
            kind: args.kind.into(),
            at: opened.now,
            why: args.why.clone(),
            rectification: args.rectification.clone(),
        })])
    };
    args.put.put(facts, out)
}

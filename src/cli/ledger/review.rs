//! `zhamen ledger review`.

use std::io::{self, Write};

use super::{EXIT_STATUS, Exit, PutArgs};
use crate::domain::record::{Decision, Fact, Review};

/// Confirm a finding, which makes it a strike, or dismiss it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    put: PutArgs,
    /// The finding's id.
    finding: String,
    /// What was decided.
    #[arg(value_enum)]
    decision: Word,
    /// Why.
    #[arg(long, default_value = "")]
    why: String,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let decision = match args.decision {
        Word::Confirmed => Decision::Confirmed,
        Word::Dismissed => Decision::Dismissed,
    };
    let facts = |opened: &super::Opened| {
        let (finding, by, why) = (args.finding.clone(), opened.by.clone(), args.why.clone());
        Ok(vec![Fact::Review(Review { finding, decision, by, at: opened.now, why })])
    };
    args.put.put(facts, out)
}

/// A reviewer's decision.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Word {
    /// It is a violation.
    Confirmed,
    /// It is none.
    Dismissed,
}

//! `zhamen ledger rectify`.

use std::io::{self, Write};

use super::{EXIT_STATUS, Exit, PutArgs};
use crate::domain::record::{Fact, Rectification};

/// Put a unit's signed rectification report (整改报告) on file.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    put: PutArgs,
    /// The unit.
    unit: String,
    /// The report's id.
    #[arg(long)]
    id: String,
    /// What was wrong (服务器出现问题).
    #[arg(long, default_value = "")]
    problem: String,
    /// A measure taken (具体的整改措施). May be repeated.
    #[arg(long)]
    measure: Vec<String>,
    /// Who signed (负责人).
    #[arg(long, default_value = "")]
    signatory: String,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let facts = |opened: &super::Opened| {
        Ok(vec![Fact::Rectification(Rectification {
            id: args.id.clone(),
            unit: args.unit.clone(),
            at: opened.now,
            problem: args.problem.clone(),
            measures: args.measure.clone(),
            signatory: args.signatory.clone(),
        })])
    };
    args.put.put(facts, out)
}

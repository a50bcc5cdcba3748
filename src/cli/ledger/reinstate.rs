//! `zhamen ledger reinstate`.

use std::io::{self, Write};

use super::{EXIT_STATUS, Exit, Kind, PutArgs};
use crate::domain::{
    record::{Fact, Reinstatement},
    registry::ServiceKind,
    standing::StandingWord,
};

/// Lift the suspension of a unit, or of one kind of its services.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    put: PutArgs,
    /// The unit.
    unit: String,
    /// Which services; default: all that are suspended.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// The rectification report on file, where the configuration wants one.
    #[arg(long, value_name = "ID", default_value = "")]
    rectification: String,
    /// Why.
    #[arg(long, default_value = "")]
    why: String,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let facts = |opened: &super::Opened| {
        let kinds = match args.kind {
            Some(kind) => vec![kind.into()],
            None => suspended(opened, &args.unit),
        };
        if kinds.is_empty() {
            return Err(format!("{:?} is not suspended: there is nothing to lift", args.unit));
        }
        let reinstatement = |kind| {
            Fact::Reinstatement(Reinstatement {
                unit: args.unit.clone(),
                kind,
                at: opened.now,
                why: args.why.clone(),
                rectification: args.rectification.clone(),
            })
        };
        Ok(kinds.into_iter().map(reinstatement).collect())
    };
    args.put.put(facts, out)
}

fn suspended(opened: &super::Opened, unit: &str) -> Vec<ServiceKind> {
    opened.record.with_ledger(|ledger| {
        let now = ledger.present(opened.now);
        let is_suspended =
            |kind: &ServiceKind| ledger.unit_standing(unit, *kind, now).standing == StandingWord::Suspended;
        ServiceKind::ALL.into_iter().filter(is_suspended).collect()
    })
}

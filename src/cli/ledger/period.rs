//! `zhamen ledger period`: control periods (严打, major conferences).

use std::io::{self, Write};

use super::{EXIT_STATUS, Exit, PutArgs, RecordArgs, problems};
use crate::{
    base::Timestamp,
    cli::table::Table,
    domain::record::{ControlPeriod, Fact, PeriodEnd},
};

/// Control periods: for a time other things hold; afterwards all of it reverts by itself.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    Declare(DeclareArgs),
    End(EndArgs),
    List(ListArgs),
}

/// Declare a control period.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct DeclareArgs {
    #[command(flatten)]
    put: PutArgs,
    /// Its id; said again, the period is changed.
    id: String,
    /// Its name.
    #[arg(long, default_value = "")]
    title: String,
    /// From when on, as 2026-03-15T00:00:00+08:00; default: now.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Until when.
    #[arg(long, value_name = "TIME")]
    to: Timestamp,
    /// A unit that it is for, with those below it; default: all. May be repeated.
    #[arg(long)]
    unit: Vec<String>,
    /// No host is admitted that is not in the registry yet.
    #[arg(long)]
    freeze_admissions: bool,
    /// Refuse requests that change something.
    #[arg(long)]
    close_interactive: bool,
    /// Divide the thresholds by this, rounded up.
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    threshold_divisor: u32,
}

/// End a control period now.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct EndArgs {
    #[command(flatten)]
    put: PutArgs,
    /// Its id.
    id: String,
}

/// List control periods.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  listed\n  2  an error")]
pub(in crate::cli) struct ListArgs {
    #[command(flatten)]
    record: RecordArgs,
    /// Print one JSON object a period.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Command, out: &mut dyn Write) -> io::Result<Exit> {
    match command {
        Command::Declare(args) => declare(args, out),
        Command::End(args) => {
            let id = args.id.clone();
            args.put.put(|opened| Ok(vec![Fact::PeriodEnd(PeriodEnd { id, at: opened.now })]), out)
        }
        Command::List(args) => list(args, out),
    }
}

fn declare(args: &DeclareArgs, out: &mut dyn Write) -> io::Result<Exit> {
    let facts = |opened: &super::Opened| {
        Ok(vec![Fact::ControlPeriod(ControlPeriod {
            id: args.id.clone(),
            title: args.title.clone(),
            from: args.from.unwrap_or(opened.now),
            to: args.to,
            units: args.unit.clone(),
            freeze_admissions: args.freeze_admissions,
            close_interactive: args.close_interactive,
            threshold_divisor: args.threshold_divisor,
        })])
    };
    args.put.put(facts, out)
}

fn list(args: &ListArgs, out: &mut dyn Write) -> io::Result<Exit> {
    let opened = match args.record.open() {
        Ok(opened) => opened,
        Err(found) => return problems::give_up(&found),
    };
    let periods = opened.record.with_ledger(|ledger| ledger.periods().to_vec());
    if args.json {
        for period in &periods {
            writeln!(out, "{}", serde_json::to_string(period)?)?;
        }
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(["id", "title", "from", "to", "units", "frozen", "closed", "divisor"]);
    for period in periods {
        table.row([
            period.id,
            period.title,
            period.from.to_local(),
            period.to.to_local(),
            if period.units.is_empty() { "all".to_owned() } else { period.units.join(" ") },
            period.freeze_admissions.to_string(),
            period.close_interactive.to_string(),
            period.threshold_divisor.to_string(),
        ]);
    }
    table.write(out)?;
    Ok(Exit::Ok)
}

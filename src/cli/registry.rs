//! `zhamen registry`: what a registry file holds, and what is wrong with it.

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    time::Duration,
};

use indicatif::ProgressBar;
use serde_json::json;

use super::{Exit, problems, table::Table};
use crate::{
    base::Problem,
    domain::registry::{FilingState, Imported, import_csv},
};

/// From this size on, reading takes long enough to be shown.
const LARGE_FILE_BYTES: usize = 8 << 20;

/// The registry of sites.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Check(CheckArgs),
}

/// Read a registry as `run` would, and list what is wrong by line and column.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status:\n  0  every row is good\n  1  some rows would be skipped, or there are warnings\n  \
                        2  the file would not be applied"
)]
pub(super) struct CheckArgs {
    /// The file: UTF-8 or GB18030, with a header row.
    file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Command, out: &mut dyn Write) -> io::Result<Exit> {
    match command {
        Command::Check(args) => check(args, out),
    }
}

fn check(args: &CheckArgs, out: &mut dyn Write) -> io::Result<Exit> {
    let shown = args.file.display().to_string();
    let bytes = match fs::read(&args.file) {
        Ok(bytes) => bytes,
        Err(error) => {
            return problems::give_up(&[Problem::error(&shown, 0, 0, format!("cannot be read: {error}"))]);
        }
    };
    let imported = with_spinner(&shown, bytes.len(), || import_csv(&shown, &bytes));
    let exit = match &imported {
        Imported { registry: None, .. } => Exit::Error,
        Imported { problems, .. } if problems.is_empty() => Exit::Ok,
        Imported { .. } => Exit::No,
    };
    let count = |filing| imported.registry.as_ref().map_or(0, |registry| registry.count(filing));
    if args.json {
        let object = json!({
            "file": shown,
            "applied": imported.registry.is_some(),
            "rows_good": imported.rows_good,
            "rows_bad": imported.rows_bad,
            "filed": count(FilingState::Filed),
            "elsewhere": count(FilingState::Elsewhere),
            "cancelled": count(FilingState::Cancelled),
            "unfiled": count(FilingState::Unfiled),
            "problems": problems::all_to_json(&imported.problems),
        });
        writeln!(out, "{object}")?;
        return Ok(exit);
    }
    problems::write(&imported.problems, out)?;
    let mut table = Table::new(["good rows", "bad rows", "filed", "elsewhere", "cancelled", "unfiled"]);
    table.row([
        imported.rows_good.to_string(),
        imported.rows_bad.to_string(),
        count(FilingState::Filed).to_string(),
        count(FilingState::Elsewhere).to_string(),
        count(FilingState::Cancelled).to_string(),
        count(FilingState::Unfiled).to_string(),
    ]);
    table.write(out)?;
    if imported.registry.is_none() {
        writeln!(out, "This file would change nothing: it has no usable header, or more bad rows than good ones.")?;
    }
    Ok(exit)
}

/// Does long work under a spinner, if somebody is there to see it.
fn with_spinner<T>(what: &str, bytes: usize, work: impl FnOnce() -> T) -> T {
    if bytes < LARGE_FILE_BYTES || !io::stderr().is_terminal() {
        return work();
    }
    let spinner = ProgressBar::new_spinner().with_message(format!("reading {what} ({} MiB)", bytes >> 20));
    spinner.enable_steady_tick(Duration::from_millis(100));
    let result = work();
    spinner.finish_and_clear();
    result
}

//! `zhamen registry check`: what a file of sites holds, and what is wrong with it.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use serde_json::json;

use super::{read, with_spinner};
use crate::{
    cli::{Exit, problems, table::Table},
    control_plane::registry::{Feed, ReadFeed},
    domain::registry::FilingState,
};

/// Read a registry as `run` would, and list what is wrong by line and column.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status:\n  0  every row is good\n  1  some rows would be skipped, or there are warnings\n  \
                        2  the file would not be applied"
)]
pub(in crate::cli) struct Args {
    /// The file: CSV in UTF-8 or GB18030, or .xlsx, with a header row.
    file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let shown = args.file.display().to_string();
    let bytes = match read(&args.file) {
        Ok(bytes) => bytes,
        Err(found) => return problems::give_up(&found),
    };
    let what = format!("reading {shown} ({} MiB)", bytes.len() >> 20);
    let read = with_spinner(&what, bytes.len(), || Feed::read(&shown, &bytes));
    let exit = match &read {
        ReadFeed { feed: None, .. } => Exit::Error,
        ReadFeed { problems, .. } if problems.is_empty() => Exit::Ok,
        ReadFeed { .. } => Exit::No,
    };
    let count = |filing| read.feed.as_ref().map_or(0, |feed| feed.registry.count(filing));
    if args.json {
        let object = json!({
            "file": shown,
            "applied": read.feed.is_some(),
            "rows_good": read.rows_good,
            "rows_bad": read.rows_bad,
            "filed": count(FilingState::Filed),
            "elsewhere": count(FilingState::Elsewhere),
            "cancelled": count(FilingState::Cancelled),
            "unfiled": count(FilingState::Unfiled),
            "problems": problems::all_to_json(&read.problems),
        });
        writeln!(out, "{object}")?;
        return Ok(exit);
    }
    problems::write(&read.problems, out)?;
    let mut table = Table::new(["good rows", "bad rows", "filed", "elsewhere", "cancelled", "unfiled"]);
    table.row([
        read.rows_good.to_string(),
        read.rows_bad.to_string(),
        count(FilingState::Filed).to_string(),
        count(FilingState::Elsewhere).to_string(),
        count(FilingState::Cancelled).to_string(),
        count(FilingState::Unfiled).to_string(),
    ]);
    table.write(out)?;
    if read.feed.is_none() {
        writeln!(out, "This file would change nothing: it has no usable header, or more bad rows than good ones.")?;
    }
    Ok(exit)
}

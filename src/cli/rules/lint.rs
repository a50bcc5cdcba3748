//! `zhamen rules lint`: what is wrong with packs, and what is probably not meant.

use std::io::{self, Write};

use serde_json::json;

use super::{Exit, Packs, problems, today};

/// Look for errors and for what is probably not meant.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status:\n  0  nothing to say\n  1  warnings only\n  2  errors: the packs would not be applied"
)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    packs: Packs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let found = match args.packs.config().and_then(|config| args.packs.files(&config)) {
        Ok(files) => files.lint(today()),
        Err(found) => return problems::give_up(&found),
    };
    let (errors, warnings) = problems::count(&found);
    if args.json {
        let object = json!({"errors": errors, "warnings": warnings, "problems": problems::all_to_json(&found)});
        writeln!(out, "{object}")?;
    } else {
        problems::write(&found, out)?;
        writeln!(out, "{errors} errors, {warnings} warnings")?;
    }
    Ok(match (errors, warnings) {
        (0, 0) => Exit::Ok,
        (0, _) => Exit::No,
        _ => Exit::Error,
    })
}

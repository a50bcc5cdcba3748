//! `zhamen rules lint`: what is wrong with packs, and what is probably not meant.

use std::{
    io::{self, Write},
    sync::Arc,
};

use serde_json::json;

use super::{EXAMPLE_HEAD, Exit, Place, problems, today};
use crate::{
    base::{Problem, Severity},
    engine::{
        body_filter::{ScanPolicy, scan_whole},
        rules::{RuleSet, lint, lint_examples},
    },
};

/// Look for errors and for what is probably not meant.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status:\n  0  nothing to say\n  1  warnings only\n  2  errors: the packs would not be applied"
)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    place: Place,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let found = match args.place.config().and_then(|config| args.place.files(&config)) {
        Ok(files) => lint_files(&files),
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

/// All problems of packs: of the text, of the whole, and of compiling.
pub(in crate::cli) fn lint_files(files: &crate::control_plane::files::RuleFiles) -> Vec<Problem> {
    let parsed = files.parse();
    let mut found = parsed.problems;
    found.extend(lint(&parsed.packs, today()));
    if found.iter().all(|problem| problem.severity != Severity::Error) {
        match RuleSet::compile(&parsed.packs, today()) {
            Ok(rules) => {
                let (rules, policy) = (Arc::new(rules), ScanPolicy::default());
                let judge = |text: &str| scan_whole(&rules, EXAMPLE_HEAD, &policy, text.as_bytes());
                found.extend(lint_examples(&parsed.packs, &judge));
            }
            Err(more) => found.extend(more),
        }
    }
    found.sort_by(|a, b| (&a.path, a.line, a.column).cmp(&(&b.path, b.line, b.column)));
    found.dedup();
    found
}

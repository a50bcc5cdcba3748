//! `zhamen check`: configuration, registry, rules, certificates; all problems at once.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use serde_json::json;

use super::{Exit, problems, rules::lint_files};
use crate::{
    app,
    base::Problem,
    config::Config,
    control_plane::files::{RuleFiles, read_config, read_registry},
    domain::registry::import_csv,
};

/// Check configuration, registry, rules and certificates; list all problems, each at its line.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  no error (there may be warnings)\n  2  errors")]
pub(super) struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "zhamen.toml")]
    config: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let (parsed, _) = read_config(&args.config);
    let mut found = parsed.problems;
    let mut rows = None;
    if let Some(config) = &parsed.config {
        found.extend(registry(config, &mut rows));
        found.extend(match RuleFiles::read(&config.rules_dir) {
            Ok(files) => lint_files(&files),
            Err(unread) => unread,
        });
        found.extend(config.edge.certificates.as_deref().map(app::check_certificates).unwrap_or_default());
    }
    let (errors, warnings) = problems::count(&found);
    if args.json {
        let object = json!({"errors": errors, "warnings": warnings, "problems": problems::all_to_json(&found)});
        writeln!(out, "{object}")?;
    } else {
        problems::write(&found, out)?;
        writeln!(out, "{errors} errors, {warnings} warnings")?;
        if parsed.config.is_none() {
            writeln!(
                out,
                "Registry, rules and certificates were not looked at: the configuration must be good first."
            )?;
        } else if let Some(rows) = rows {
            writeln!(out, "{rows} sites")?;
        }
    }
    Ok(if errors == 0 { Exit::Ok } else { Exit::Error })
}

fn registry(config: &Config, rows: &mut Option<usize>) -> Vec<Problem> {
    match read_registry(&config.registry.file) {
        Ok((bytes, _)) => {
            let imported = import_csv(&config.registry.file.display().to_string(), &bytes);
            *rows = Some(imported.rows_good);
            imported.problems
        }
        Err(problem) => vec![problem],
    }
}

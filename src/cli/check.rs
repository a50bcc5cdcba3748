//! `zhamen check`: configuration, registry, rules, certificates, places to write; all problems at once.

use std::{
    io::{self, Write},
    sync::Arc,
};

use serde_json::json;

use super::{Exit, place::Place, problems, registry::existing_store};
use crate::{
    app,
    base::{Clock, Problem},
    config::Config,
    control_plane::{
        Record, SystemClock,
        files::{RuleFiles, read_config, read_registry},
        registry::{Feed, begin, check_customers},
    },
    domain::{registry::Registry, standing::Ledger},
};

/// Check configuration, registry, rules, certificates, and whether log and record can be written; list all
/// problems, each at its line, errors last.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  no error (there may be warnings)\n  2  errors")]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let path = match args.place.path() {
        Ok(path) => path,
        Err(problems) => return problems::give_up(&problems),
    };
    let (parsed, _) = read_config(&path);
    let mut found = parsed.problems;
    let mut rows = None;
    if let Some(config) = &parsed.config {
        let sites = registry(config, &mut rows, &mut found);
        found.extend(customers(config, sites).unwrap_or_else(|problems| problems));
        found.extend(match RuleFiles::of(config) {
            Ok(files) => files.lint(SystemClock.now().local_date()),
            Err(unread) => unread,
        });
        found.extend(app::check_places(config));
        found.extend(config.edge.certificates.as_deref().map(app::check_certificates).unwrap_or_default());
    }
    // What must be mended stands last, where it is seen.
    found.sort_by_key(|problem| problem.severity);
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
                "Registry, rules, certificates and directories were not looked at: the configuration must be good first."
            )?;
        } else if let Some(rows) = rows {
            writeln!(out, "{rows} sites")?;
        }
    }
    Ok(if errors == 0 { Exit::Ok } else { Exit::Error })
}

/// What is wrong with the registry's file; its sites, if it can be used.
fn registry(config: &Config, rows: &mut Option<usize>, found: &mut Vec<Problem>) -> Option<Registry> {
    match read_registry(&config.registry.file) {
        Ok((bytes, _)) => {
            let read = Feed::read(&config.registry.file.display().to_string(), &bytes);
            *rows = Some(read.rows_good);
            found.extend(read.problems);
            read.feed.and_then(|feed| Arc::try_unwrap(feed.registry).ok())
        }
        Err(problem) => {
            found.push(problem);
            None
        }
    }
}

/// What is odd about origins, filings, units and services, by the file and the record.
fn customers(config: &Config, sites: Option<Registry>) -> Result<Vec<Problem>, Vec<Problem>> {
    let now = SystemClock.now();
    let today = now.local_date();
    let failed = |error: &dyn std::fmt::Display| vec![Problem::error("record", 0, 0, error.to_string())];
    let file = config.registry.file.display().to_string();
    let warn_days = i64::try_from(config.registry.warn_before.as_secs() / 86_400).unwrap_or(i64::MAX);
    let (mut ledger, mut stored) = (Ledger::new(config.ledger.clone()), None);
    if let Some(store) = existing_store(config)? {
        let begun = begin(&*store, &config.registry.file, today);
        stored = begun.registry.is_available().then_some(begun.registry);
        let record = Record::open(store, ledger, None, None, Arc::new(SystemClock)).map_err(|error| failed(&error))?;
        ledger = record.with_ledger(Ledger::clone);
    }
    // The file's rows know their lines.
    let Some(registry) = sites.map(|sites| sites.on(today)).or(stored) else { return Ok(Vec::new()) };
    let registry = Arc::new(registry);
    let mut found = app::check_origins(config, &registry, &file);
    found.extend(check_customers(&ledger, &registry, &file, today, warn_days, config.ledger.require_commitment));
    Ok(found)
}

//! `zhamen check`: configuration, registry, rules, certificates, places to write; all problems at once.

use std::{
    io::{self, Write},
    sync::Arc,
};

use serde_json::json;

use super::{Exit, acme, place::Place, problems, registry::existing_store};
use crate::{
    app,
    base::{Clock, Problem},
    config::Config,
    control_plane::{
        Record, SystemClock,
        acme::{Wanted, WantedState},
        files::{RuleFiles, read_config, read_registry},
        registry::{Feed, begin, check_customers},
    },
    domain::{registry::Registry, standing::Ledger},
};

/// Orders for certificates that are listed one by one.
const ORDERS_SHOWN_MAX: usize = 20;

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
    let mut asked = Vec::new();
    if let Some(config) = &parsed.config {
        let sites = registry(config, &mut rows, &mut found);
        found.extend(customers(config, sites, &mut asked).unwrap_or_else(|problems| problems));
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
        let object = json!({
            "errors": errors,
            "warnings": warnings,
            "problems": problems::all_to_json(&found),
            "certificates": asked.iter().map(acme::to_json).collect::<Vec<_>>(),
        });
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
            write_orders(parsed.config.as_ref(), &asked, out)?;
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
fn customers(config: &Config, sites: Option<Registry>, asked: &mut Vec<Wanted>) -> Result<Vec<Problem>, Vec<Problem>> {
    let now = SystemClock.now();
    let today = now.local_date();
    let failed = |error: &dyn std::fmt::Display| vec![Problem::error("record", 0, 0, error.to_string())];
    let file = config.registry.file.display().to_string();
    let warn_days = i64::try_from(config.registry.warn_before.as_secs() / 86_400).unwrap_or(i64::MAX);
    let (mut ledger, mut stored) = (Ledger::new(config.ledger.clone()), None);
    if let Some(store) = existing_store(config)? {
        let begun = begin(&*store, &config.registry, today);
        stored = begun.registry.is_available().then_some(begun.registry);
        let record = Record::open(store, ledger, None, None, Arc::new(SystemClock)).map_err(|error| failed(&error))?;
        ledger = record.with_ledger(Ledger::clone);
    }
    // The file's rows know their lines.
    let Some(registry) = sites.map(|sites| sites.on(today)).or(stored) else { return Ok(Vec::new()) };
    let registry = Arc::new(registry);
    let mut found = app::check_origins(config, &registry, &file);
    *asked = acme::look(config, &registry)?;
    found.extend(certificates(config, &registry, asked, &file));
    found.extend(check_customers(&ledger, &registry, &file, today, warn_days, config.ledger.require_commitment));
    Ok(found)
}

/// What is odd about the certificates that sites ask for.
fn certificates(config: &Config, registry: &Arc<Registry>, asked: &[Wanted], file: &str) -> Vec<Problem> {
    let line = |site: &Wanted| registry.site(&site.host).map_or(0, |row| row.line());
    if config.acme.server.is_none() {
        let first = asked.first().map(|site| {
            let message = format!("{} sites ask for certificates, and no authority is named", asked.len());
            Problem::warning(file, line(site), 0, message).help("set acme.server, or empty the column acme")
        });
        return first.into_iter().collect();
    }
    let barred = asked.iter().filter_map(|site| match &site.state {
        WantedState::Barred(why) => Some((site, why)),
        WantedState::Due | WantedState::Failing(_) | WantedState::Held(_) => None,
    });
    let problem = |(site, why): (&Wanted, &String)| {
        let message = format!("{} gets no certificate: {why}", site.host);
        Problem::warning(file, line(site), 0, message).help("the names in the column acme must be served by the row")
    };
    barred.map(problem).collect()
}

/// What would be ordered now.
fn write_orders(config: Option<&Config>, asked: &[Wanted], out: &mut dyn Write) -> io::Result<()> {
    let Some(server) = config.and_then(|config| config.acme.server.as_ref()) else { return Ok(()) };
    let due: Vec<&Wanted> = asked.iter().filter(|site| site.state == WantedState::Due).collect();
    writeln!(out, "{} certificates are asked for, {} of them now, from {server}", asked.len(), due.len())?;
    for site in due.iter().take(ORDERS_SHOWN_MAX) {
        writeln!(out, "  {}: {}", site.host, acme::names(site))?;
    }
    if due.len() > ORDERS_SHOWN_MAX {
        writeln!(out, "  and {} more", due.len() - ORDERS_SHOWN_MAX)?;
    }
    Ok(())
}

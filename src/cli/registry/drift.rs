//! `zhamen registry drift`: filings that are not what they should be.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::Arc,
};

use serde_json::json;

use super::{Place, existing_store, failed};
use crate::{
    base::{Clock, Problem},
    cli::{Exit, problems, table::Table},
    control_plane::{SystemClock, registry::in_force},
    domain::{
        record::{Fact, Finding},
        registry::{FilingState, Site},
    },
    store::{Entries, Query, Sqlite, Store},
};

/// Entries that are read at a time.
const PAGE: usize = 10_000;
/// Findings of the footer check have rules that begin so.
const FOOTER: &str = "filing.footer-";

/// List filings that are expired, elsewhere or cancelled, and home pages that do not show what is filed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  every filing is what it should be\n  1  some are not\n  2  an error")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    place: Place,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// One filing that is not what it should be.
struct Drift {
    host: String,
    unit: String,
    what: &'static str,
    detail: String,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let drifts = match look(args) {
        Ok(drifts) => drifts,
        Err(found) => return problems::give_up(&found),
    };
    if args.json {
        let rows = drifts
            .iter()
            .map(|drift| json!({"host": drift.host, "unit": drift.unit, "drift": drift.what, "detail": drift.detail}));
        writeln!(out, "{}", json!({"drift": rows.collect::<Vec<_>>()}))?;
    } else {
        let mut table = Table::new(["host", "unit", "drift", "detail"]);
        for Drift { host, unit, what, detail } in &drifts {
            table.row([host.clone(), unit.clone(), (*what).to_owned(), detail.clone()]);
        }
        table.write(out)?;
    }
    Ok(if drifts.is_empty() { Exit::Ok } else { Exit::No })
}

fn look(args: &Args) -> Result<Vec<Drift>, Vec<Problem>> {
    let config = args.place.config()?;
    let store = existing_store(&config)?;
    let today = SystemClock.now().local_date();
    let begun = in_force(store.as_ref().map(|store| &**store as &dyn Store), &config.registry, today);
    if !begun.registry.is_available() {
        return Err(begun.problems);
    }
    let shown = store.as_deref().map(footers).transpose()?.unwrap_or_default();
    let mut drifts = Vec::new();
    for site in Arc::new(begun.registry).sites() {
        let drift = |what, detail| Drift { host: site.host().into(), unit: site.unit().to_string(), what, detail };
        if let Some(what) = of_row(&site) {
            let until = site.filed_until().map_or_else(String::new, |day| format!(" until {day}"));
            drifts.push(drift(what, format!("{}{until}", site.icp())));
        } else if let Some(finding) = shown.get(site.host()).filter(|finding| finding.phrase == site.icp()) {
            let what = match finding.rule.strip_prefix(FOOTER) {
                Some("wrong") => "another number shown",
                Some("unlinked") => "number shown without link",
                _ => "no number shown",
            };
            drifts.push(drift(what, format!("{} ({})", finding.excerpt, finding.at.local_date())));
        }
    }
    Ok(drifts)
}

fn of_row(site: &Site) -> Option<&'static str> {
    match site.filing_said() {
        FilingState::Filed if site.is_expired() => Some("expired"),
        FilingState::Cancelled => Some("cancelled"),
        FilingState::Elsewhere => Some("elsewhere"),
        FilingState::Filed | FilingState::Unfiled => None,
    }
}

/// The last finding of the footer check for each row.
fn footers(store: &Sqlite) -> Result<BTreeMap<String, Finding>, Vec<Problem>> {
    let mut last = BTreeMap::new();
    let mut after = None;
    loop {
        let query = Query { kinds: vec!["finding"], after, limit: PAGE, ..Query::default() };
        let entries = store.entries(&query).map_err(failed("the record"))?;
        let is_last = entries.len() < PAGE;
        after = entries.last().map(|entry| entry.seq);
        for entry in entries {
            if let Fact::Finding(finding) = entry.fact
                && finding.rule.starts_with(FOOTER)
            {
                last.insert(finding.site.clone(), finding);
            }
        }
        if is_last {
            return Ok(last);
        }
    }
}

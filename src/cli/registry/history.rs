//! `zhamen registry history`: what became of a host's filing.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Place, existing_store, failed};
use crate::{
    base::{HostName, Problem},
    cli::{Exit, problems, table::Table},
    domain::{record::Fact, registry::Held},
    store::{Entries, Query, Sites, StoreError},
};

/// List the filings of a host with their dates, and what is said of it now.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  something is known of the host\n  1  nothing is\n  2  an error")]
pub(in crate::cli) struct Args {
    /// The host of a row.
    host: String,
    #[command(flatten)]
    place: Place,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let Known { host, now, changes, covering } = match look(args) {
        Ok(known) => known,
        Err(found) => return problems::give_up(&found),
    };
    let exit = if now.is_empty() && changes.is_empty() { Exit::No } else { Exit::Ok };
    if args.json {
        let object = json!({"host": host, "now": now, "history": changes, "covered_by": covering});
        writeln!(out, "{object}")?;
        return Ok(exit);
    }
    if exit == Exit::No {
        match covering {
            Some(row) => writeln!(
                out,
                "There is no row of {host} itself: that of {row} covers it. See `zhamen registry history {row}`."
            )?,
            None => writeln!(out, "Nothing is known of {host}.")?,
        }
        return Ok(exit);
    }
    let text = |value: &Value, name: &str| match &value[name] {
        Value::String(text) if text.is_empty() => "–".to_owned(),
        Value::String(text) => text.clone(),
        _ => String::new(),
    };
    let mut table = Table::new(["when", "was", "is", "unit", "service", "by"]);
    for change in &changes {
        table.row(["at", "was", "is", "unit", "service", "by"].map(|name| text(change, name)));
    }
    table.write(out)?;
    for row in &now {
        let (source, since) = (text(row, "source"), text(row, "since"));
        writeln!(out, "now: {} (source {source}, since {since})", text(row, "filing"))?;
    }
    Ok(exit)
}

/// What is known of a host.
struct Known {
    host: String,
    /// What sources say of it, the one that holds first.
    now: Vec<Value>,
    /// The changes of its filing.
    changes: Vec<Value>,
    /// The host of the row that covers it, where it has none of its own.
    covering: Option<String>,
}

fn look(args: &Args) -> Result<Known, Vec<Problem>> {
    let host = HostName::parse(&args.host).map_err(|error| vec![Problem::error(&args.host, 0, 0, error.0)])?;
    let config = args.place.config()?;
    let mut known = Known { host: host.to_string(), now: Vec::new(), changes: Vec::new(), covering: None };
    let Some(store) = existing_store(&config)? else { return Ok(known) };
    let now = &mut known.now;
    let mut take = |source: crate::store::SiteSource, since: crate::base::Timestamp, held: Held<'_>| {
        let filing = match held {
            Held::Barred(_) => "refused: its row could not be applied".to_owned(),
            Held::Row(row) => row.filing_text(),
        };
        now.push(json!({"source": source.as_str(), "since": since.to_string(), "filing": filing}));
    };
    store.each_site_at(host.as_str(), &mut take).map_err(failed("the store"))?;
    let query = Query { kinds: vec!["site"], host: Some(host.to_string()), limit: 10_000, ..Query::default() };
    let entries = store.entries(&query).map_err(failed("the record"))?;
    let changes = entries.into_iter().filter_map(|entry| match entry.fact {
        Fact::Site(change) => Some(json!({
            "at": change.at.to_string(),
            "was": change.was,
            "is": change.is,
            "unit": change.unit,
            "service": change.service,
            "by": entry.by,
        })),
        _ => None,
    });
    known.changes = changes.collect();
    if known.now.is_empty() && known.changes.is_empty() {
        known.covering = covering(&*store, &host).map_err(failed("the store"))?;
    }
    Ok(known)
}

/// The nearest host above that has a row.
fn covering(store: &dyn Sites, host: &HostName) -> Result<Option<String>, StoreError> {
    let mut above = host.as_str();
    while let Some((_, rest)) = above.split_once('.').filter(|_| host.ip().is_none()) {
        let mut has_row = false;
        store.each_site_at(rest, &mut |_, _, _| has_row = true)?;
        if has_row {
            return Ok(Some(rest.to_owned()));
        }
        above = rest;
    }
    Ok(None)
}

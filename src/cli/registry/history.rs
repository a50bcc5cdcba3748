//! `zhamen registry history`: what became of a host's filing.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Place, existing_store, failed};
use crate::{
    base::{HostName, Problem},
    cli::{Exit, problems, table::Table},
    domain::{record::Fact, registry::Held},
    store::{Entries, Query, Sites},
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
    let (host, now, changes) = match look(args) {
        Ok(known) => known,
        Err(found) => return problems::give_up(&found),
    };
    let exit = if now.is_empty() && changes.is_empty() { Exit::No } else { Exit::Ok };
    if args.json {
        writeln!(out, "{}", json!({"host": host, "now": now, "history": changes}))?;
        return Ok(exit);
    }
    if exit == Exit::No {
        writeln!(out, "Nothing is known of {host}.")?;
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

/// The host, what sources say of it (the one that holds first), and the changes of its filing.
fn look(args: &Args) -> Result<(String, Vec<Value>, Vec<Value>), Vec<Problem>> {
    let host = HostName::parse(&args.host).map_err(|error| vec![Problem::error(&args.host, 0, 0, error.0)])?;
    let config = args.place.config()?;
    let Some(store) = existing_store(&config)? else { return Ok((host.to_string(), Vec::new(), Vec::new())) };
    let mut now = Vec::new();
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
    Ok((host.to_string(), now, changes.collect()))
}

//! `zhamen ledger findings`: what was found, and what waits for a reviewer.

use std::io::{self, Write};

use serde_json::json;

use super::{Exit, RecordArgs, problems};
use crate::{
    cli::{record::failed, table::Table},
    store::{FindingQuery, FindingRow, ReviewState},
};

/// Findings, the oldest first; without --state those that nobody has reviewed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  there are some\n  1  there are none\n  2  an error")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    record: RecordArgs,
    /// pending, confirmed, dismissed, withdrawn, or all.
    #[arg(long, value_name = "STATE", default_value = "pending", value_parser = ["pending", "confirmed", "dismissed", "withdrawn", "all"])]
    state: String,
    /// Only of this unit.
    #[arg(long, value_name = "ID")]
    unit: Option<String>,
    /// Only of this host of the registry.
    #[arg(long, value_name = "HOST")]
    site: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,
    /// Only beyond this entry: the number in the last row of the page before.
    #[arg(long, value_name = "ENTRY")]
    after: Option<u64>,
    /// Print a JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let opened = match args.record.open() {
        Ok(opened) => opened,
        Err(found) => return problems::give_up(&found),
    };
    let query = FindingQuery {
        unit: args.unit.clone(),
        site: args.site.clone(),
        state: ReviewState::ALL.into_iter().find(|state| state.as_str() == args.state),
        after: args.after,
        limit: args.limit,
        ..FindingQuery::default()
    };
    let rows = match opened.record.store().findings(&query) {
        Ok(rows) => rows,
        Err(error) => return failed(&error.to_string()),
    };
    if args.json {
        for FindingRow { seq, finding, first, last, count, state } in &rows {
            let state = state.as_str();
            let row = json!({
                "seq": seq, "state": state, "first": first, "last": last, "count": count, "finding": finding,
            });
            writeln!(out, "{row}")?;
        }
    } else {
        let mut table =
            Table::new(["entry", "finding", "state", "done", "seen", "last", "unit", "page", "rule", "excerpt"]);
        for FindingRow { seq, finding, last, count, state, .. } in &rows {
            table.row([
                seq.to_string(),
                finding.id.clone(),
                state.as_str().to_owned(),
                finding.action.clone(),
                count.to_string(),
                last.to_local(),
                finding.unit.clone(),
                finding.page.clone(),
                finding.rule.clone(),
                finding.excerpt.clone(),
            ]);
        }
        table.write(out)?;
    }
    Ok(if rows.is_empty() { Exit::No } else { Exit::Ok })
}

//! `zhamen ledger log`: the entries of the record.

use std::io::{self, Write};

use super::{Exit, RecordArgs, problems};
use crate::{
    base::Timestamp,
    cli::{record::failed, table::Table},
    domain::record::Fact,
    store::Query,
};

/// Entries of the record, the latest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  there are some\n  1  there are none\n  2  an error")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    record: RecordArgs,
    /// Only facts of this type.
    #[arg(long, value_name = "TYPE", value_parser = Fact::KINDS)]
    kind: Vec<String>,
    /// Only what is about this unit.
    #[arg(long, value_name = "ID")]
    unit: Option<String>,
    /// Only what is about this host.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Only what belongs to this finding, notice, incident or period.
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// Recorded at or after, as 2026-03-15T00:00:00+08:00.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Recorded before.
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// At most so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,
    /// Only before this entry: the number in the last row of the page before.
    #[arg(long, value_name = "ENTRY")]
    before: Option<u64>,
    /// Print an entry a line as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let opened = match args.record.open() {
        Ok(opened) => opened,
        Err(found) => return problems::give_up(&found),
    };
    let query = Query {
        kinds: Fact::KINDS.into_iter().filter(|&kind| args.kind.iter().any(|wanted| wanted == kind)).collect(),
        unit: args.unit.clone(),
        host: args.host.clone(),
        subject: args.subject.clone(),
        from: args.from,
        to: args.to,
        after: args.before,
        descending: true,
        limit: args.limit,
        ..Query::default()
    };
    let entries = match opened.record.store().entries(&query) {
        Ok(entries) => entries,
        Err(error) => return failed(&error.to_string()),
    };
    if args.json {
        for entry in &entries {
            writeln!(out, "{}", serde_json::to_string(entry)?)?;
        }
    } else {
        let mut table = Table::new(["entry", "recorded", "by", "type", "fact"]);
        for entry in &entries {
            let mut fact = serde_json::to_value(&entry.fact)?;
            if let Some(members) = fact.as_object_mut() {
                members.remove("type");
            }
            let kind = entry.fact.kind().to_owned();
            table.row([entry.seq.to_string(), entry.recorded.to_local(), entry.by.clone(), kind, fact.to_string()]);
        }
        table.write(out)?;
    }
    Ok(if entries.is_empty() { Exit::No } else { Exit::Ok })
}

//! `zhamen registry unfiled`: hosts that were asked for and are not filed here.

use std::io::{self, Write};

use serde_json::json;

use super::{Place, existing_store, failed};
use crate::{
    base::Problem,
    cli::{Exit, problems, table::Table},
    store::{UnfiledHost, UnfiledHosts, UnfiledQuery},
};

/// Rows that are read at a time.
const PAGE: usize = 10_000;

/// List the unfiled hosts that were asked for, by server: first, last, how often.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  no unfiled host was seen\n  1  some were\n  2  an error")]
pub(in crate::cli) struct Args {
    /// Only those asked for at this server.
    #[arg(long, value_name = "ADDRESS")]
    server: Option<String>,
    #[command(flatten)]
    place: Place,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let hosts = match look(args) {
        Ok(hosts) => hosts,
        Err(found) => return problems::give_up(&found),
    };
    if args.json {
        let rows = hosts.iter().map(|seen| {
            json!({
                "server_ip": seen.server_ip,
                "host": seen.host,
                "first": seen.first,
                "last": seen.last,
                "count": seen.count,
            })
        });
        writeln!(out, "{}", json!({"unfiled": rows.collect::<Vec<_>>()}))?;
    } else {
        let mut table = Table::new(["server", "host", "first", "last", "count"]);
        for seen in &hosts {
            let (first, last) = (seen.first.to_local(), seen.last.to_local());
            table.row([seen.server_ip.clone(), seen.host.clone(), first, last, seen.count.to_string()]);
        }
        table.write(out)?;
    }
    Ok(if hosts.is_empty() { Exit::Ok } else { Exit::No })
}

fn look(args: &Args) -> Result<Vec<UnfiledHost>, Vec<Problem>> {
    let config = args.place.config()?;
    let Some(store) = existing_store(&config)? else { return Ok(Vec::new()) };
    let mut hosts: Vec<UnfiledHost> = Vec::new();
    loop {
        let after = hosts.last().map(|last| (last.server_ip.clone(), last.host.clone()));
        let query = UnfiledQuery { server_ip: args.server.clone(), after, limit: PAGE };
        let page = store.unfiled_hosts(&query).map_err(failed("the store"))?;
        let is_last = page.len() < PAGE;
        hosts.extend(page);
        if is_last {
            return Ok(hosts);
        }
    }
}

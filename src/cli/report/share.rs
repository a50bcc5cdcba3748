//! `zhamen report apportion`: a fine shared by number of sites (second letter, 11.3).

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{EXIT_STATUS, Exit, PrintArgs, failed, gather, problems};
use crate::{
    cli::table::{Table, printable},
    control_plane::report::{Report, ReportError},
    domain::{apportion::Fen, report::ApportionmentReport},
};

/// Share a fine among units in proportion to their sites, exact to the cent.
///
/// Every unit pays its share rounded down to the cent; the cents that are left go one each to the largest
/// remainders, and among equal ones in the order of the units' ids.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    print: PrintArgs,
    /// The fine in yuan: 50000.00.
    #[arg(long, value_name = "YUAN")]
    amount: Fen,
    /// Share by the sites of this incident.
    #[arg(long, value_name = "ID", conflicts_with = "sites", required_unless_present = "sites")]
    incident: Option<String>,
    /// Share by this CSV file: columns unit and sites (a number), or unit and host (a row each).
    #[arg(long, value_name = "FILE")]
    sites: Option<PathBuf>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let opened = match args.print.record.open() {
        Ok(opened) => opened,
        Err(wrong) => return problems::give_up(&wrong),
    };
    let gather = gather(&opened);
    let shared = match (&args.incident, &args.sites) {
        (Some(id), _) => gather.apportionment(args.amount, id),
        (None, Some(file)) => counts(file)
            .map_err(|why| ReportError(format!("{}: {why}", file.display())))
            .and_then(|counts| gather.shared(args.amount, "", &counts))
            .map(|report| (report, Vec::new())),
        (None, None) => Err(ReportError("name --incident or --sites".to_owned())),
    };
    let (report, nobodys) = match shared {
        Ok(shared) => shared,
        Err(error) => return failed(&error.to_string()),
    };
    for host in nobodys {
        writeln!(io::stderr(), "zhamen: {} is not in the registry and is not counted", printable(&host))?;
    }
    if args.print.output.is_some() || args.print.format.is_some() {
        return args.print.write(&opened, &Report::Apportionment(report), out);
    }
    if args.json {
        write_json(&report, out)?
    } else {
        write_table(&report, out)?
    }
    Ok(Exit::Ok)
}

fn write_json(report: &ApportionmentReport, out: &mut dyn Write) -> io::Result<()> {
    let shares: Vec<_> = report
        .shares
        .iter()
        .map(|(party, share)| {
            json!({"unit": share.unit, "name": party.name, "sites": share.sites, "amount": share.amount.to_string()})
        })
        .collect();
    writeln!(out, "{}", json!({"amount": report.amount.to_string(), "shares": shares}))
}

fn write_table(report: &ApportionmentReport, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(["unit", "name", "sites", "amount"]);
    for (party, share) in &report.shares {
        table.row([share.unit.clone(), party.name.clone(), share.sites.to_string(), share.amount.to_string()]);
    }
    let sites: u64 = report.shares.iter().map(|(_, share)| share.sites).sum();
    table.row(["total".to_owned(), String::new(), sites.to_string(), report.amount.to_string()]);
    table.write(out)
}

/// How many sites each unit has, by a CSV file.
fn counts(file: &Path) -> Result<BTreeMap<String, u64>, String> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file).map_err(|error| error.to_string())?;
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let column = |name: &str| header.iter().position(|column| column.trim_start_matches('\u{feff}') == name);
    let unit = column("unit").ok_or("there is no column \"unit\"")?;
    let (sites, host) = (column("sites"), column("host"));
    let mut hosts = BTreeSet::new();
    let mut counts = BTreeMap::<String, u64>::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|error| error.to_string())?;
        let line = row + 2;
        let field = |column: usize| record.get(column).unwrap_or_default();
        let name = field(unit);
        if name.is_empty() {
            return Err(format!("line {line}: the unit is missing"));
        }
        let more = match (sites, host) {
            (Some(sites), _) => field(sites)
                .parse::<u64>()
                .ok()
                .filter(|&count| count <= 1_000_000_000)
                .ok_or_else(|| format!("line {line}: {:?} is no number of sites", field(sites)))?,
            // A host counts once.
            (None, Some(host)) => u64::from(hosts.insert(field(host).to_ascii_lowercase())),
            (None, None) => return Err("there is neither a column \"sites\" nor a column \"host\"".to_owned()),
        };
        let count = counts.entry(name.to_owned()).or_default();
        *count = count.saturating_add(more);
    }
    Ok(counts)
}

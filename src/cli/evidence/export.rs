//! `zhamen evidence export`: a tar that an outsider can check without Zhamen.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use serde_json::json;

use super::{Exit, database, moment, problem, whoever};
use crate::{
    base::{Clock, Timestamp},
    cli::{place::Place, problems::give_up},
    control_plane::{PutError, Record, SystemClock},
    store::{ExportQuery, SigningKey, export},
};

/// Write entries, evidence, signed heads and the public key to a tar, with a script that checks them
/// with sha256sum and openssl alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  it is written\n  2  it could not be")]
pub(in crate::cli) struct Args {
    /// The file to write.
    #[arg(value_name = "OUT.tar")]
    out: PathBuf,
    /// Recorded at or after: 2026-03-15 (in Asia/Shanghai) or 2026-03-15T10:00:00+08:00.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Timestamp>,
    /// Recorded before.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<Timestamp>,
    /// Only what is about this unit.
    #[arg(long, value_name = "ID")]
    unit: Option<String>,
    /// Only this incident, and the findings and notices that it came from.
    #[arg(long, value_name = "ID")]
    incident: Option<String>,
    #[command(flatten)]
    place: Place,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let opened = args.place.config().and_then(|config| {
        let store = database(&config)?;
        let key = SigningKey::open(&config.store.directory).map_err(|error| problem("the key", error))?;
        Ok((config, store, key))
    });
    let (config, store, key) = match opened {
        Ok(opened) => opened,
        Err(problems) => return give_up(&problems),
    };
    let query = ExportQuery { from: args.from, to: args.to, unit: args.unit.clone(), incident: args.incident.clone() };
    // Bodies are in it: that it was made is on the record before anybody has it.
    let record = Record::beside(&config).map_err(PutError::Store);
    let now = SystemClock.now();
    if let Err(error) = record.and_then(|record| record.put(&whoever(), &[query.change(now)])) {
        return give_up(&problem("the record", error));
    }
    let exported = export(&store, &config.store.directory, &key, &query, now, &args.out);
    let exported = match exported {
        Ok(exported) => exported,
        Err(error) => return give_up(&problem("the export", error)),
    };
    if args.json {
        let object = json!({
            "file": args.out.display().to_string(),
            "entries": exported.entries,
            "left_out": exported.left_out,
            "records": exported.records,
        });
        writeln!(out, "{object}")?;
    } else {
        writeln!(
            out,
            "{}: {} entries ({} of the range are left out, their links are there), {} records in evidence. \
             To check it: tar xf {0} && sh zhamen-evidence/verify.sh",
            args.out.display(),
            exported.entries,
            exported.left_out,
            exported.records
        )?;
    }
    Ok(Exit::Ok)
}

//! `zhamen ledger show`.

use std::io::{self, Write};

use serde_json::json;

use super::{Exit, RecordArgs, problems, write_table};
use crate::{
    cli::table::Table,
    domain::{
        registry::ServiceKind,
        standing::{Ledger, Strike},
    },
};

/// Show how units stand, and the strikes of one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  nobody shown is suspended or terminated\n  1  somebody is\n  2  an error")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    record: RecordArgs,
    /// One unit, with its strikes and what is below it; default: all units.
    #[arg(long)]
    unit: Option<String>,
    /// Print one JSON object a unit and kind.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let opened = match args.record.open() {
        Ok(opened) => opened,
        Err(found) => return problems::give_up(&found),
    };
    opened.record.with_ledger(|ledger| {
        let now = ledger.present(opened.now);
        let standings = match &args.unit {
            None => ledger.standings(now),
            Some(unit) if ledger.unit(unit).is_some() => {
                let mut kinds = ServiceKind::ALL;
                kinds.sort_by_key(|kind| kind.as_str());
                kinds.map(|kind| ledger.unit_standing(unit, kind, now)).into()
            }
            Some(unit) => return super::super::record::failed(&format!("there is no unit {unit:?} on record")),
        };
        let is_clear = standings.iter().all(|it| it.standing == crate::domain::standing::StandingWord::Clear);
        if args.json {
            for it in &standings {
                let mut object = json!(it);
                if args.unit.is_some() {
                    let strikes = ledger.strikes(&it.unit, it.kind, now);
                    object["strikes"] = strikes.iter().map(strike_to_json).collect();
                }
                writeln!(out, "{object}")?;
            }
        } else {
            write_table(&standings, out)?;
            if let Some(unit) = &args.unit {
                write_unit(ledger, unit, now, out)?;
            }
        }
        Ok(if is_clear { Exit::Ok } else { Exit::No })
    })
}

fn write_unit(ledger: &Ledger, unit: &str, now: crate::base::Timestamp, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(["time", "known", "strike", "class", "source", "service", "host"]);
    for kind in ServiceKind::ALL {
        for strike in ledger.strikes(unit, kind, now) {
            table.row([
                strike.at.to_local(),
                strike.known.to_local(),
                strike.id.to_owned(),
                strike.class.as_str().to_owned(),
                source(&strike).to_owned(),
                strike.service.to_owned(),
                strike.host.to_owned(),
            ]);
        }
    }
    writeln!(out)?;
    table.write(out)?;
    let below: Vec<&str> = ledger.descendants(unit).collect();
    if !below.is_empty() {
        writeln!(out, "\nBelow it: {}", below.join(" "))?;
    }
    Ok(())
}

fn strike_to_json(strike: &Strike<'_>) -> serde_json::Value {
    json!({
        "id": strike.id,
        "at": strike.at,
        "known": strike.known,
        "class": strike.class,
        "source": source(strike),
        "service": strike.service,
        "host": strike.host,
    })
}

fn source(strike: &Strike<'_>) -> &'static str {
    if strike.is_notice { "notice" } else { "finding" }
}

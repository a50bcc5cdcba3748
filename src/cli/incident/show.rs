//! `zhamen incident show` and `list`.

use std::io::{self, Write};

use super::{Exit, RecordArgs, failed, problems, to_json};
use crate::{
    cli::table::{Table, printable},
    control_plane::{incident, incidents},
    domain::incident::{Incident, Phase},
};

/// Show an incident and all that was done in it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  there it is\n  1  there is no such incident\n  2  an error")]
pub(in crate::cli) struct ShowArgs {
    #[command(flatten)]
    record: RecordArgs,
    /// The incident.
    id: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// List incidents, those with the next deadline first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  there they are, if any\n  2  an error")]
pub(in crate::cli) struct ListArgs {
    #[command(flatten)]
    record: RecordArgs,
    /// Closed ones, too.
    #[arg(long)]
    all: bool,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(super) fn show(args: &ShowArgs, out: &mut dyn Write) -> io::Result<Exit> {
    let opened = match args.record.open() {
        Ok(opened) => opened,
        Err(wrong) => return problems::give_up(&wrong),
    };
    // Ids are written small; people read them from a heading.
    let found = match incident(&opened.record, &args.id.to_lowercase()) {
        Ok(found) => found,
        Err(error) => return failed(&error.to_string()),
    };
    let Some(incident) = found else {
        writeln!(io::stderr(), "zhamen: there is no incident {:?}", printable(&args.id))?;
        return Ok(Exit::No);
    };
    if args.json {
        writeln!(out, "{}", to_json(&incident, opened.now))?;
        return Ok(Exit::Ok);
    }
    let open = &incident.open;
    let mut table = Table::new(["what", "says"]);
    let mut row = |what: &str, text: String| table.row([what.to_owned(), text]);
    row("incident", open.id.clone());
    row("title", open.title.clone());
    row("state", state(&incident, opened.now));
    row("noticed", open.at.to_local());
    row("deadline", open.deadline.to_local());
    row("opened by", incident.by.clone());
    row("units", open.units.join(", "));
    row("sites", open.sites.join(", "));
    row("because", open.because.join(", "));
    let locked: Vec<String> = open.locked.iter().map(|lock| format!("{}{}", lock.host, lock.path)).collect();
    row("locked", locked.join(", "));
    table.write(out)?;
    writeln!(out)?;
    let mut table = Table::new(["entry", "at", "by", "step", "text"]);
    for note in incident.notes.iter().chain(&incident.closed) {
        table.row([note.seq.to_string(), note.at.to_local(), note.by.clone(), note.step.clone(), note.text.clone()]);
    }
    table.write(out)?;
    Ok(Exit::Ok)
}

pub(super) fn list(args: &ListArgs, out: &mut dyn Write) -> io::Result<Exit> {
    let opened = match args.record.open() {
        Ok(opened) => opened,
        Err(wrong) => return problems::give_up(&wrong),
    };
    let board = match incidents(&opened.record) {
        Ok(board) => board,
        Err(error) => return failed(&error.to_string()),
    };
    let mut found: Vec<&Incident> =
        board.incidents().filter(|incident| args.all || incident.phase() != Phase::Closed).collect();
    found.sort_by_key(|incident| (incident.phase(), incident.open.deadline));
    if args.json {
        for incident in found {
            writeln!(out, "{}", to_json(incident, opened.now))?;
        }
        return Ok(Exit::Ok);
    }
    if found.is_empty() && !args.all && board.incidents().next().is_some() {
        writeln!(io::stderr(), "zhamen: none is open; --all lists the closed ones, too")?;
    }
    let mut table = Table::new(["incident", "state", "deadline", "units", "title"]);
    for incident in found {
        let open = &incident.open;
        table.row([
            open.id.clone(),
            state(incident, opened.now),
            open.deadline.to_local(),
            open.units.join(", "),
            open.title.clone(),
        ]);
    }
    table.write(out)?;
    Ok(Exit::Ok)
}

fn state(incident: &Incident, now: crate::base::Timestamp) -> String {
    let late = if incident.overdue(now) { ", overdue" } else { "" };
    format!("{}{late}", incident.phase().as_str())
}

//! `zhamen incident`: incidents with their clock, from the opening to the end.

mod open;
mod show;
mod step;

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{
    Exit, problems,
    record::{RecordArgs, failed, not_put},
};
use crate::{base::Timestamp, domain::incident::Incident};

/// Incidents: a clock, emergency measures, a report.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    Open(open::Args),
    Show(show::ShowArgs),
    List(show::ListArgs),
    Note(step::NoteArgs),
    Report(step::ReportArgs),
    Close(step::CloseArgs),
}

pub(super) fn run(command: &Command, out: &mut dyn Write) -> io::Result<Exit> {
    match command {
        Command::Open(args) => open::run(args, out),
        Command::Show(args) => show::show(args, out),
        Command::List(args) => show::list(args, out),
        Command::Note(args) => step::note(args, out),
        Command::Report(args) => step::report(args, out),
        Command::Close(args) => step::close(args, out),
    }
}

/// An incident for programs.
fn to_json(incident: &Incident, now: Timestamp) -> Value {
    let open = &incident.open;
    let note = |note: &crate::domain::incident::Note| json!({"seq": note.seq, "at": note.at, "by": note.by, "step": note.step, "text": note.text});
    json!({
        "id": open.id,
        "kind": open.kind,
        "title": open.title,
        "state": incident.phase().as_str(),
        "at": open.at,
        "deadline": open.deadline,
        "overdue": incident.overdue(now),
        "by": incident.by,
        "reported": incident.reported,
        "units": open.units,
        "sites": open.sites,
        "because": open.because,
        "locked": open.locked,
        "notes": incident.notes.iter().map(note).collect::<Vec<_>>(),
        "closed": incident.closed.as_ref().map(note),
    })
}

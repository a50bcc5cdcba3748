//! `zhamen incident`: incidents with their clock, from the opening to the end.

mod open;
mod show;
mod step;

use std::{
    env,
    io::{self, Write},
    path::PathBuf,
};

use serde_json::{Value, json};

use super::{Exit, problems};
use crate::{
    base::{Clock, Problem, Timestamp},
    config::Config,
    control_plane::{PutError, Record, SystemClock, files::read_config},
    domain::incident::Incident,
};

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

/// What every command about the record is told.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RecordArgs {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "zhamen.toml")]
    pub(super) config: PathBuf,
    /// Who does it, as the record shall name it; default: the user of this machine.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
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

/// The record of an installation, and its configuration.
pub(super) struct Opened {
    pub(super) config: Config,
    pub(super) record: Record,
    pub(super) now: Timestamp,
    /// Who puts something on the record.
    pub(super) by: String,
}

impl RecordArgs {
    /// Reads the configuration and opens the record that it names.
    pub(super) fn open(&self) -> Result<Opened, Vec<Problem>> {
        let (parsed, _) = read_config(&self.config);
        let config = parsed.config.ok_or(parsed.problems)?;
        let record = Record::beside(&config).map_err(|error| {
            vec![Problem::error(&config.store.database.display().to_string(), 0, 0, error.to_string())]
        })?;
        let user = || env::var("USER").or_else(|_| env::var("LOGNAME")).unwrap_or_else(|_| "unknown".to_owned());
        let by = self.by.clone().unwrap_or_else(|| format!("command line ({})", user()));
        Ok(Opened { config, record, now: SystemClock.now(), by })
    }
}

/// Says why something was not put on the record. What makes no sense is the answer no.
pub(super) fn not_put(error: &PutError) -> io::Result<Exit> {
    match error {
        PutError::Refused(why) => {
            writeln!(io::stderr(), "zhamen: {}", super::table::printable(why))?;
            Ok(Exit::No)
        }
        PutError::Store(error) => failed(&error.to_string()),
    }
}

/// Says why something could not be done.
pub(super) fn failed(why: &str) -> io::Result<Exit> {
    problems::give_up(&[Problem::error("zhamen", 0, 0, why)])
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

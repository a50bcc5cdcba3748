//! `zhamen incident note`, `report` and `close`.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use aws_lc_rs::digest::{SHA256, digest};

use super::{Exit, RecordArgs, failed, not_put, problems};
use crate::{
    cli::{
        record::Opened,
        report::{self, FormatName},
        table::printable,
    },
    control_plane::{close_incident, note_incident, report::Report},
    domain::{incident::Incident, record::IncidentScope},
};

const EXIT_STATUS: &str =
    "Exit status:\n  0  it is on the record\n  1  it makes no sense, and nothing was recorded\n  2  an error";

/// Note what was done in an incident.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct NoteArgs {
    #[command(flatten)]
    record: RecordArgs,
    /// The incident.
    id: String,
    /// What it is.
    #[arg(long, value_enum, default_value = "note")]
    step: Step,
    /// In words.
    text: String,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Step {
    /// An emergency measure.
    Measure,
    /// Anything else.
    Note,
    /// A unit was notified in writing.
    Notified,
}

/// Put on the record that an incident was reported to the authority: its clock stops.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct ReportArgs {
    #[command(flatten)]
    record: RecordArgs,
    /// The incident.
    id: String,
    /// To whom, by which means, under which number.
    #[arg(long, default_value = "")]
    text: String,
    /// Write the report as it is sent to this file, and its SHA-256 on the record.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How to write it; default: as the file's name ends.
    #[arg(long, value_enum)]
    format: Option<FormatName>,
}

/// Close an incident: the legal hold on its evidence ends; locks and suspensions stay.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct CloseArgs {
    #[command(flatten)]
    record: RecordArgs,
    /// The incident.
    id: String,
    /// What came of it.
    #[arg(long)]
    conclusion: String,
}

pub(super) fn note(args: &NoteArgs, out: &mut dyn Write) -> io::Result<Exit> {
    let opened = match args.record.open() {
        Ok(opened) => opened,
        Err(wrong) => return problems::give_up(&wrong),
    };
    let step = match args.step {
        Step::Measure => "measure",
        Step::Note => "note",
        Step::Notified => "notified",
    };
    match note_incident(&opened.record, &opened.by, &args.id, step, &args.text, opened.now, None) {
        Ok(incident) => writeln!(out, "{}: noted", incident.open.id)?,
        Err(error) => return not_put(&error),
    }
    Ok(Exit::Ok)
}

pub(super) fn report(args: &ReportArgs, out: &mut dyn Write) -> io::Result<Exit> {
    let opened = match args.record.open() {
        Ok(opened) => opened,
        Err(wrong) => return problems::give_up(&wrong),
    };
    let mut text = args.text.clone();
    if text.is_empty() {
        text.clone_from(&opened.config.report.authority);
    }
    if let Some(file) = &args.output {
        let known = file
            .extension()
            .is_some_and(|it| ["htm", "html", "pdf"].iter().any(|known| it.eq_ignore_ascii_case(known)));
        if args.format.is_none() && !known {
            return failed(&format!("{}: a report is written as .html or .pdf; --format says which", file.display()));
        }
        let gather = report::gather(&opened);
        let printed = gather.incident(&args.id).and_then(|data| {
            report::printed(&opened, &Report::Incident(data), report::format_of(args.format, Some(file)))
        });
        let bytes = match printed {
            Ok(bytes) => bytes,
            Err(error) => return failed(&error.to_string()),
        };
        if let Err(error) = fs::write(file, &bytes) {
            return failed(&format!("{}: {error}", file.display()));
        }
        let hash: String = digest(&SHA256, &bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        text = format!("{text}; sha256:{hash}");
    }
    match note_incident(&opened.record, &opened.by, &args.id, "reported", &text, opened.now, None) {
        Ok(incident) => writeln!(out, "{}: reported, {text}", incident.open.id)?,
        Err(error) => return not_put(&error),
    }
    Ok(Exit::Ok)
}

pub(super) fn close(args: &CloseArgs, out: &mut dyn Write) -> io::Result<Exit> {
    let opened = match args.record.open() {
        Ok(opened) => opened,
        Err(wrong) => return problems::give_up(&wrong),
    };
    match close_incident(&opened.record, &opened.by, &args.id, &args.conclusion, opened.now, None) {
        Ok(incident) => {
            writeln!(out, "{}: closed", incident.open.id)?;
            still_locked(&opened, &incident, out)?;
        }
        Err(error) => return not_put(&error),
    }
    Ok(Exit::Ok)
}

/// What was locked for the incident and stays so: a page that nobody unlocks is down for good.
fn still_locked(opened: &Opened, incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
    let is_locked = |lock: &&IncidentScope| {
        opened.record.with_ledger(|ledger| ledger.locks().any(|it| (&it.host, &it.path) == (&lock.host, &lock.path)))
    };
    for lock in incident.open.locked.iter().filter(is_locked) {
        let place = printable(&format!("{}{}", lock.host, lock.path));
        writeln!(out, "still locked: {place}; `zhamen ledger unlock {place} --why …` lifts it")?;
    }
    Ok(())
}

//! `zhamen evidence show`: one record and its body. That it was looked at is put on the record first.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use super::{Exit, database, problem, whoever};
use crate::{
    base::Problem,
    cli::{place::Place, problems::give_up, table::printable},
    config::Config,
    control_plane::Record,
    domain::record::{EvidenceView, Fact},
    store::{EvidenceRecord, Findings, Hash, Sqlite, find_evidence, read_evidence},
};

/// Print what was served when something was found. The record says who looked, and why.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  shown\n  1  nothing of it is in evidence\n  2  it could not be shown")]
pub(in crate::cli) struct Args {
    /// A finding's id, or the hash of a record in evidence.
    id: String,
    /// What for.
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    /// Write the body, as it was served, to a file.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
    /// Print one JSON object, with the body in Base64.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    match look(args) {
        Ok(Some(record)) => {
            show(args, &record, out)?;
            Ok(Exit::Ok)
        }
        Ok(None) => {
            writeln!(out, "{}: nothing of it is in evidence", printable(&args.id))?;
            Ok(Exit::No)
        }
        Err(problems) => give_up(&problems),
    }
}

fn look(args: &Args) -> Result<Option<EvidenceRecord>, Vec<Problem>> {
    let config = args.place.config()?;
    let store = database(&config)?;
    let Some(hash) = hash_of(&args.id, &store)? else { return Ok(None) };
    let directory = &config.store.directory;
    let place = store.evidence_place(hash).map_err(|error| problem("the store", error))?;
    let found = place.map_or(Ok(None), |place| read_evidence(directory, place));
    let found = match found.map_err(|error| problem("the evidence", error))? {
        Some(found) => Some(found),
        // Kept right before a crash, or before the database that was put back.
        None => find_evidence(directory, hash).map_err(|error| problem("the evidence", error))?,
    };
    let Some(found) = found else { return Ok(None) };
    put_view(&config, hash, &args.why)?;
    Ok(Some(found))
}

fn hash_of(id: &str, store: &Sqlite) -> Result<Option<Hash>, Vec<Problem>> {
    if let Ok(hash) = id.parse() {
        return Ok(Some(hash));
    }
    let row = store.finding(id).map_err(|error| problem("the store", error))?;
    Ok(row.and_then(|row| row.finding.evidence.parse().ok()))
}

fn put_view(config: &Config, hash: Hash, why: &str) -> Result<(), Vec<Problem>> {
    let record = Record::beside(config).map_err(|error| problem("the record", error))?;
    let view = EvidenceView { evidence: hash.to_string(), at: record.now(), why: why.to_owned() };
    record.put(&whoever(), &[Fact::EvidenceView(view)]).map_err(|error| problem("the record", error))?;
    Ok(())
}

fn show(args: &Args, record: &EvidenceRecord, out: &mut dyn Write) -> io::Result<()> {
    if let Some(path) = &args.body {
        fs::write(path, &record.body)?;
    }
    if args.json {
        let object = json!({
            "hash": record.hash.to_string(),
            "seq": record.link.seq,
            "prev": record.link.prev.to_string(),
            "record": record.header,
            "body": BASE64_STANDARD.encode(&record.body),
        });
        return writeln!(out, "{object}");
    }
    let header = &record.header;
    writeln!(out, "evidence  {} (number {})", record.hash, record.link.seq)?;
    writeln!(out, "served    {} by {}, status {}", header.at, printable(&header.edge), header.status)?;
    writeln!(out, "url       {}", printable(&header.url))?;
    writeln!(out, "site      {} of {}", printable(&header.site), printable(&header.unit))?;
    writeln!(out, "packs     {}", printable(&header.packs))?;
    for finding in &header.findings {
        writeln!(
            out,
            "finding   {} {} at {}..{}: {}",
            printable(&finding.id),
            printable(&finding.rule),
            finding.start,
            finding.end,
            printable(&finding.excerpt)
        )?;
    }
    let whole = if header.body_complete { "all of it" } else { "the first of it" };
    writeln!(out, "body      {} bytes, {whole}, SHA-256 {}", header.body_bytes, header.body_sha256)?;
    writeln!(out)?;
    for line in header.head.lines() {
        writeln!(out, "{}", printable(line))?;
    }
    match std::str::from_utf8(&record.body) {
        Ok(text) => text.lines().try_for_each(|line| writeln!(out, "{}", printable(line))),
        Err(_) => writeln!(out, "(the body is no UTF-8 text: --body FILE writes it to a file)"),
    }
}

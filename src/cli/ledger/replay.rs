//! `zhamen ledger replay`: what would the ledger say of a file of events?

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use super::write_table;
use crate::{
    base::{Problem, Timestamp},
    cli::{Exit, problems},
    config::Config,
    domain::{
        record::Fact,
        standing::{LedgerPolicy, UnitStanding, replay},
    },
};

/// Compute the standing of every unit and kind of service from a file of events. Touches no store.
///
/// One JSON object a line, in any order of time: unit, service, notice, finding, review, withdrawal,
/// reinstatement, and every other fact that the record knows. With --config, the thresholds of `[ledger]`
/// in that file decide: what if they were others?
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  computed\n  2  the file or the configuration cannot be used")]
pub(in crate::cli) struct Args {
    /// The events; `-` is standard input.
    file: PathBuf,
    /// The moment, as 2026-03-15T10:00:00+08:00; default: that of the last event.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Whose thresholds count; default: the letter's.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object a unit and kind.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let shown = args.file.display().to_string();
    let standings = match standings(args, &shown) {
        Ok(standings) => standings,
        Err(found) => return problems::give_up(&found),
    };
    if args.json {
        for standing in &standings {
            writeln!(out, "{}", serde_json::to_string(standing)?)?;
        }
        return Ok(Exit::Ok);
    }
    write_table(&standings, out)?;
    Ok(Exit::Ok)
}

fn standings(args: &Args, shown: &str) -> Result<Vec<UnitStanding>, Vec<Problem>> {
    let policy = args.config.as_deref().map_or_else(|| Ok(LedgerPolicy::default()), policy)?;
    let events = events(&args.file, shown)?;
    let replay = replay(shown, events, policy)?;
    Ok(replay.ledger.standings(args.at.unwrap_or(replay.last)))
}

fn policy(path: &Path) -> Result<LedgerPolicy, Vec<Problem>> {
    let shown = path.display().to_string();
    let text = fs::read_to_string(path)
        .map_err(|error| vec![Problem::error(&shown, 0, 0, format!("cannot be read: {error}"))])?;
    let parsed = Config::parse(path, &text, &|name| std::env::var(name).ok());
    parsed.config.map(|config| config.ledger).ok_or(parsed.problems)
}

fn events(file: &Path, shown: &str) -> Result<Vec<(u32, Fact)>, Vec<Problem>> {
    let mut bytes = Vec::new();
    let read = match file.as_os_str() == "-" {
        true => io::stdin().lock().read_to_end(&mut bytes),
        false => fs::File::open(file).and_then(|mut file| file.read_to_end(&mut bytes)),
    };
    read.map_err(|error| vec![Problem::error(shown, 0, 0, format!("cannot be read: {error}"))])?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let (mut events, mut wrong) = (Vec::new(), Vec::new());
    for (line, text) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        if text.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice(text) {
            Ok(fact) => events.push((line, fact)),
            Err(error) => wrong.push(problem(shown, line, text, &error)),
        }
    }
    if wrong.is_empty() { Ok(events) } else { Err(wrong) }
}

fn problem(shown: &str, line: u32, text: &[u8], error: &serde_json::Error) -> Problem {
    // Where the object is whole but not an event, there is no column.
    let column = if error.is_data() { 0 } else { characters(text, error.column()) };
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
    Problem::error(shown, line, column, format!("not an event: {message}"))
}

/// The column in characters of one in bytes, both 1-based.
fn characters(text: &[u8], column: usize) -> u32 {
    let before = text.get(..column.saturating_sub(1)).unwrap_or(text);
    u32::try_from(String::from_utf8_lossy(before).chars().count() + 1).unwrap_or(u32::MAX)
}

//! `zhamen ledger`: who stands how, and what is put on the record about it.

mod findings;
mod lock;
mod log;
mod notice;
mod period;
mod rectify;
mod reinstate;
mod replay;
mod review;
mod seal;
mod show;
mod suspend;
mod terminate;
mod withdraw;

use std::{
    collections::BTreeSet,
    io::{self, Write},
    sync::Arc,
};

use super::{
    Exit, problems,
    record::{Opened, RecordArgs, not_put},
    table::Table,
};
use crate::{
    control_plane::{PutError, files::read_registry},
    domain::{
        record::{Entry, Fact},
        registry::{ServiceKind, import_csv},
        standing::UnitStanding,
    },
};

/// The ledger: notices, strikes, suspensions.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    Show(show::Args),
    Replay(replay::Args),
    Findings(findings::Args),
    Log(log::Args),
    Notice(notice::Args),
    Review(review::Args),
    Withdraw(withdraw::Args),
    Suspend(suspend::Args),
    Rectify(rectify::Args),
    Reinstate(reinstate::Args),
    Terminate(terminate::Args),
    Lock(lock::LockArgs),
    Unlock(lock::UnlockArgs),
    Seal(seal::SealArgs),
    Unseal(seal::UnsealArgs),
    #[command(subcommand)]
    Period(period::Command),
}

/// What every command that puts something on the record is told.
#[derive(Debug, clap::Args)]
struct PutArgs {
    #[command(flatten)]
    record: RecordArgs,
    /// Print what was put on the record as JSON, an entry a line.
    #[arg(long)]
    json: bool,
}

/// A kind of service.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    /// 虚拟主机.
    VirtualHost,
    /// VPS, cloud host, rented or colocated server.
    Server,
}

const EXIT_STATUS: &str = "Exit status:\n  0  it is on record and in force\n  1  it makes no sense, and nothing was \
                           done\n  2  an error";

pub(super) fn run(command: &Command, out: &mut dyn Write) -> io::Result<Exit> {
    match command {
        Command::Show(args) => show::run(args, out),
        Command::Replay(args) => replay::run(args, out),
        Command::Findings(args) => findings::run(args, out),
        Command::Log(args) => log::run(args, out),
        Command::Notice(args) => notice::run(args, out),
        Command::Review(args) => review::run(args, out),
        Command::Withdraw(args) => withdraw::run(args, out),
        Command::Suspend(args) => suspend::run(args, out),
        Command::Rectify(args) => rectify::run(args, out),
        Command::Reinstate(args) => reinstate::run(args, out),
        Command::Terminate(args) => terminate::run(args, out),
        Command::Lock(args) => lock::lock(args, out),
        Command::Unlock(args) => lock::unlock(args, out),
        Command::Seal(args) => seal::seal(args, out),
        Command::Unseal(args) => seal::unseal(args, out),
        Command::Period(command) => period::run(command, out),
    }
}

impl PutArgs {
    /// Opens the record, puts on it what `facts` says, and tells what follows for the units concerned.
    fn put(&self, facts: impl FnOnce(&Opened) -> Result<Vec<Fact>, String>, out: &mut dyn Write) -> io::Result<Exit> {
        let opened = match self.record.open() {
            Ok(opened) => opened,
            Err(found) => return problems::give_up(&found),
        };
        let put = facts(&opened).map_err(PutError::Refused).and_then(|facts| put(&opened, &facts));
        let entries = match put {
            Ok(entries) => entries,
            Err(error) => return not_put(&error),
        };
        for entry in &entries {
            match self.json {
                true => writeln!(out, "{}", serde_json::to_string(entry)?)?,
                false => writeln!(out, "entry {}: {}", entry.seq, entry.fact.kind())?,
            }
        }
        if !self.json {
            write_table(&concerned(&opened, &entries), out)?;
        }
        Ok(Exit::Ok)
    }
}

/// Puts facts on the record. Where they name a unit or service that is not there yet, the registry's file is
/// asked for it.
fn put(opened: &Opened, facts: &[Fact]) -> Result<Vec<Entry>, PutError> {
    let put = opened.record.put(&opened.by, facts);
    if matches!(put, Err(PutError::Refused(_))) {
        let file = &opened.config.registry.file;
        let shown = file.display().to_string();
        let registry = read_registry(file).ok().and_then(|(bytes, _)| import_csv(&shown, &bytes).registry);
        if let Some(registry) = registry {
            opened.record.introduce(&Arc::new(registry))?;
            return opened.record.put(&opened.by, facts);
        }
    }
    put
}

/// The standings of the units that entries are about.
fn concerned(opened: &Opened, entries: &[Entry]) -> Vec<UnitStanding> {
    opened.record.with_ledger(|ledger| {
        let owner = |service: &str| ledger.service(service).map(|service| service.unit.clone());
        let unit_of = |entry: &Entry| {
            if let Fact::Reinstatement(fact) = &entry.fact {
                Some(fact.unit.clone())
            } else if let Fact::Suspension(fact) = &entry.fact {
                Some(fact.unit.clone())
            } else if let Fact::Termination(fact) = &entry.fact {
                Some(fact.unit.clone())
            } else {
                entry.fact.case().and_then(|case| ledger.service_of(case)).and_then(owner)
            }
        };
        let units: BTreeSet<String> = entries.iter().filter_map(unit_of).collect();
        let now = ledger.present(opened.now);
        let kinds = |unit: String| ServiceKind::ALL.map(|kind| ledger.unit_standing(&unit, kind, now));
        units.into_iter().flat_map(kinds).collect()
    })
}

/// A table for people; nothing where there is nothing to tell.
fn write_table(standings: &[UnitStanding], out: &mut dyn Write) -> io::Result<()> {
    if standings.is_empty() {
        return Ok(());
    }
    let mut table = Table::new([
        "unit",
        "kind",
        "standing",
        "month p/v",
        "month other",
        "year p/v",
        "year other",
        "below, year",
        "because",
    ]);
    for it in standings {
        table.row([
            it.unit.clone(),
            it.kind.as_str().to_owned(),
            it.standing.as_str().to_owned(),
            it.month.political_vulgar().to_string(),
            it.month.other.to_string(),
            it.year.political_vulgar().to_string(),
            it.year.other.to_string(),
            (it.below.year.political_vulgar() + it.below.year.other).to_string(),
            it.decision.clone().unwrap_or_else(|| it.because.join(" ")),
        ]);
    }
    table.write(out)
}

/// Host and path of something that is locked, as people write it.
fn host_and_path(text: &str) -> (String, String) {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let at = text.find('/').unwrap_or(text.len());
    (text[..at].to_ascii_lowercase(), text[at..].to_owned())
}

impl From<Kind> for ServiceKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::VirtualHost => Self::VirtualHost,
            Kind::Server => Self::Server,
        }
    }
}

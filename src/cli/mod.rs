//! The command line: one file a command. Tables for people, `--json` for programs, exit status for
//! scripts, messages on standard error.

mod acme;
mod admin;
mod check;
mod completions;
mod config;
mod demo;
mod evidence;
mod explain;
mod health;
mod incident;
mod ledger;
mod man;
mod manual;
mod place;
mod problems;
mod record;
mod registry;
mod report;
mod rules;
mod run;
mod store;
mod table;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

const EXIT_STATUS: &str = "\
Exit status:
  0  all is well
  1  the answer is no: a refusal, a finding, a failed example, a warning (each command says which)
  2  an error: wrong usage, a file that cannot be read or used";

/// 闸门: a filtering reverse proxy for a hosting datacenter. File first, then connect; read what
/// flows past; keep the record.
#[derive(Debug, Parser)]
#[command(name = "zhamen", version, about, after_help = EXIT_STATUS, max_term_width = 110)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Demo(demo::Args),
    Check(check::Args),
    Explain(explain::Args),
    Health(health::Args),
    #[command(subcommand)]
    Rules(rules::Command),
    #[command(subcommand)]
    Registry(registry::Command),
    #[command(subcommand)]
    Incident(incident::Command),
    #[command(subcommand)]
    Ledger(ledger::Command),
    #[command(subcommand)]
    Report(report::Command),
    #[command(subcommand)]
    Acme(acme::Command),
    #[command(subcommand)]
    Admin(admin::Command),
    #[command(subcommand)]
    Evidence(evidence::Command),
    #[command(subcommand)]
    Store(store::Command),
    #[command(subcommand)]
    Config(config::Command),
    Completions(completions::Args),
    Man(man::Args),
    Manual(manual::Args),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    /// All is well.
    Ok = 0,
    /// The answer is no.
    No = 1,
    /// It could not be done.
    Error = 2,
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let line = CommandLine::parse();
    // Not locked: while `run` runs, the access log may go there.
    let mut out = io::BufWriter::new(io::stdout());
    match dispatch(&line.command, &mut out).and_then(|exit| out.flush().map(|()| exit)) {
        Ok(exit) => exit.code(),
        // Whoever read us has seen enough (`zhamen … | head`).
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok.code(),
        Err(error) => {
            // Standard error is all that is left; if it is gone too, the status says it.
            let _ = writeln!(io::stderr(), "zhamen: {error}");
            Exit::Error.code()
        }
    }
}

fn dispatch(command: &Command, out: &mut dyn Write) -> io::Result<Exit> {
    match command {
        Command::Run(args) => Ok(run::run(args)),
        Command::Demo(args) => demo::run(args, out),
        Command::Check(args) => check::run(args, out),
        Command::Explain(args) => explain::run(args, out),
        Command::Health(args) => health::run(args, out),
        Command::Rules(command) => rules::run(command, out),
        Command::Registry(command) => registry::run(command, out),
        Command::Incident(command) => incident::run(command, out),
        Command::Report(command) => report::run(command, out),
        Command::Ledger(command) => ledger::run(command, out),
        Command::Acme(command) => acme::run(command, out),
        Command::Admin(command) => admin::run(command, out),
        Command::Evidence(command) => evidence::run(command, out),
        Command::Store(command) => store::run(command, out),
        Command::Config(command) => config::run(command, out),
        Command::Completions(args) => completions::run(args, out),
        Command::Man(args) => man::run(args, out),
        Command::Manual(args) => manual::run(args, out),
    }
}

impl Exit {
    fn code(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

#[cfg(test)]
mod tests;

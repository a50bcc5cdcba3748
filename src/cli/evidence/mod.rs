//! `zhamen evidence`: what was served, and that the record is as it was written.

mod export;
mod key;
mod show;
mod verify;

use std::{
    env,
    io::{self, Write},
};

use super::Exit;
use crate::{
    base::{Date, Problem, Timestamp},
    config::Config,
    store::Sqlite,
};

/// Evidence, and the chain of the record.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Verify(verify::Args),
    Export(export::Args),
    Show(show::Args),
    Key(key::Args),
}

pub(super) fn run(command: &Command, out: &mut dyn Write) -> io::Result<Exit> {
    match command {
        Command::Verify(args) => verify::run(args, out),
        Command::Export(args) => export::run(args, out),
        Command::Show(args) => show::run(args, out),
        Command::Key(args) => key::run(args, out),
    }
}

/// The database that a configuration names, which has to be there.
pub(super) fn database(config: &Config) -> Result<Sqlite, Vec<Problem>> {
    let path = &config.store.database;
    if !path.exists() {
        let missing = Problem::error(&path.display().to_string(), 0, 0, "there is no record yet");
        return Err(vec![missing.help("`zhamen run` begins one; is this the configuration that it runs with?")]);
    }
    Sqlite::open(path).map_err(|error| problem("the store", error))
}

pub(super) fn problem(what: &str, error: impl std::fmt::Display) -> Vec<Problem> {
    vec![Problem::error(what, 0, 0, error.to_string())]
}

/// Whom the record names when a command puts something on it.
fn whoever() -> String {
    let name = env::var("SUDO_USER").or_else(|_| env::var("USER")).or_else(|_| env::var("LOGNAME"));
    format!("command line ({})", name.unwrap_or_else(|_| "unknown".to_owned()))
}

/// A time, or a day's beginning in Asia/Shanghai.
fn moment(text: &str) -> Result<Timestamp, String> {
    match text.parse::<Date>() {
        Ok(date) => Ok(Timestamp::local_midnight(date)),
        Err(_) => text.parse(),
    }
}

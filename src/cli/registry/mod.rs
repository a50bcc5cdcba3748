//! `zhamen registry`: sites, filings and customers, from files and to files.

mod check;
mod drift;
mod export;
mod history;
mod import;
mod unfiled;

use std::{
    env, fs,
    io::{self, IsTerminal, Write},
    path::Path,
    sync::Arc,
    time::Duration,
};

use indicatif::ProgressBar;

use super::{Exit, place::Place};
use crate::{
    base::Problem,
    config::Config,
    control_plane::{Record, SystemClock, registry::Registrar},
    store::Sqlite,
};

/// From this size on, reading takes long enough to be shown.
const LARGE_FILE_BYTES: usize = 8 << 20;

/// The registry of sites and customers.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Check(check::Args),
    Drift(drift::Args),
    Export(export::Args),
    History(history::Args),
    Import(import::Args),
    Unfiled(unfiled::Args),
}

pub(super) fn run(command: &Command, out: &mut dyn Write) -> io::Result<Exit> {
    match command {
        Command::Check(args) => check::run(args, out),
        Command::Drift(args) => drift::run(args, out),
        Command::Export(args) => export::run(args, out),
        Command::History(args) => history::run(args, out),
        Command::Import(args) => import::run(args, out),
        Command::Unfiled(args) => unfiled::run(args, out),
    }
}

impl Place {
    /// The registrar over the store, which is made if it is not there.
    fn registrar(&self, config: &Config) -> Result<Registrar, Vec<Problem>> {
        let record = Arc::new(Record::beside(config).map_err(failed("the record"))?);
        Ok(Registrar::new(record, config.registry.clone(), Arc::new(SystemClock), None))
    }
}

/// The store, if there is one: a command that only looks makes none.
pub(super) fn existing_store(config: &Config) -> Result<Option<Arc<Sqlite>>, Vec<Problem>> {
    if !config.store.database.exists() {
        return Ok(None);
    }
    Sqlite::open(&config.store.database).map(|store| Some(Arc::new(store))).map_err(failed("the store"))
}

/// Who puts something on the record from here.
fn by() -> String {
    let user = env::var("SUDO_USER").or_else(|_| env::var("USER")).or_else(|_| env::var("LOGNAME"));
    format!("command line ({})", user.as_deref().unwrap_or("unknown"))
}

fn failed<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> Vec<Problem> {
    let what = what.to_owned();
    move |error| vec![Problem::error(&what, 0, 0, error.to_string())]
}

fn read(path: &Path) -> Result<Vec<u8>, Vec<Problem>> {
    fs::read(path)
        .map_err(|error| vec![Problem::error(&path.display().to_string(), 0, 0, format!("cannot be read: {error}"))])
}

/// Does long work under a spinner, if somebody is there to see it.
fn with_spinner<T>(what: &str, bytes: usize, work: impl FnOnce() -> T) -> T {
    if bytes < LARGE_FILE_BYTES || !io::stderr().is_terminal() {
        return work();
    }
    let spinner = ProgressBar::new_spinner().with_message(what.to_owned());
    spinner.enable_steady_tick(Duration::from_millis(100));
    let result = work();
    spinner.finish_and_clear();
    result
}

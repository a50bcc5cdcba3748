//! `zhamen rules`: packs on the author's desk, before they are in force.

mod convert;
mod diff;
mod explain;
mod lint;
mod page;
mod scan;
mod test;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{Exit, place::Place, problems};
use crate::{
    base::{Clock, Date, Problem},
    config::Config,
    control_plane::{
        SystemClock,
        files::{CompiledRules, RuleFiles},
    },
};

/// Rule packs: test, lint, scan, explain, compare, convert.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Test(test::Args),
    Lint(lint::Args),
    Scan(scan::Args),
    Explain(explain::Args),
    Diff(diff::Args),
    Convert(convert::Args),
}

/// Where the packs are.
#[derive(Debug, clap::Args)]
pub(super) struct Packs {
    /// The directory of the packs [default: the configuration's, or ./rules where there is none].
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Names the directory, and says how bodies are scanned.
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(command: &Command, out: &mut dyn Write) -> io::Result<Exit> {
    match command {
        Command::Test(args) => test::run(args, out),
        Command::Lint(args) => lint::run(args, out),
        Command::Scan(args) => scan::run(args, out),
        Command::Explain(args) => explain::run(args, out),
        Command::Diff(args) => diff::run(args, out),
        Command::Convert(args) => convert::run(args, out),
    }
}

impl Packs {
    /// The configuration; one that says nothing where none is named and none is needed.
    fn config(&self) -> Result<Config, Vec<Problem>> {
        if self.place.is_named() || self.rules.is_none() && self.place.path().is_ok() {
            return self.place.config();
        }
        silent_config()
    }

    fn files(&self, config: &Config) -> Result<RuleFiles, Vec<Problem>> {
        match &self.rules {
            Some(dir) => RuleFiles::read(dir),
            None if self.place.path().is_ok() => RuleFiles::of(config),
            None => RuleFiles::read(&config.rules_dir),
        }
    }

    fn compiled(&self, config: &Config) -> Result<CompiledRules, Vec<Problem>> {
        self.files(config)?.compile(today())
    }
}

/// The configuration that says nothing.
fn silent_config() -> Result<Config, Vec<Problem>> {
    let parsed = Config::parse(Path::new("zhamen.toml"), "", &|_| None);
    parsed.config.ok_or(parsed.problems)
}

fn today() -> Date {
    SystemClock.now().local_date()
}

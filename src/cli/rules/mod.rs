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

use super::{Exit, problems};
use crate::{
    base::{Clock, Date, Problem},
    config::Config,
    control_plane::{
        SystemClock,
        files::{CompiledRules, RuleFiles, read_config},
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
pub(super) struct Place {
    /// The directory of the packs [default: the configuration's, or ./rules].
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// The configuration that names the directory and says how bodies are scanned.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
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

impl Place {
    /// The configuration that was named, or the one that says nothing.
    fn config(&self) -> Result<Config, Vec<Problem>> {
        let parsed = match &self.config {
            Some(path) => read_config(path).0,
            None => Config::parse(Path::new("zhamen.toml"), "", &|_| None),
        };
        parsed.config.ok_or(parsed.problems)
    }

    fn files(&self, config: &Config) -> Result<RuleFiles, Vec<Problem>> {
        RuleFiles::read(self.rules.as_ref().unwrap_or(&config.rules_dir))
    }

    fn compiled(&self, config: &Config) -> Result<CompiledRules, Vec<Problem>> {
        self.files(config)?.compile(today())
    }
}

fn today() -> Date {
    SystemClock.now().local_date()
}

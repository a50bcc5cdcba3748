//! `zhamen completions`: what a shell needs to complete the command line.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

use super::{CommandLine, Exit};

/// Print shell completions.
///
/// For bash: zhamen completions bash > /etc/bash_completion.d/zhamen
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status: 0.")]
pub(super) struct Args {
    /// The shell to complete in.
    shell: Shell,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut CommandLine::command(), "zhamen", &mut script);
    out.write_all(&script)?;
    Ok(Exit::Ok)
}

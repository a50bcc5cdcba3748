//! `zhamen man`: manual pages of the commands.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use clap::CommandFactory;
use clap_mangen::Man;

use super::{CommandLine, Exit};
use crate::config::Reference;

/// Print the manual page zhamen(1), or write the pages of all commands to a directory.
///
/// To read it at once: zhamen man | man -l -
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  printed or written\n  2  a file could not be written")]
pub(super) struct Args {
    /// Write zhamen.1, zhamen-COMMAND.1 and zhamen.toml.5 here.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let command = CommandLine::command();
    let Some(directory) = &args.dir else {
        Man::new(command).render(out)?;
        return Ok(Exit::Ok);
    };
    let failed = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", directory.display()));
    fs::create_dir_all(directory).map_err(failed)?;
    clap_mangen::generate_to(command.disable_help_subcommand(true), directory).map_err(failed)?;
    fs::write(directory.join("zhamen.toml.5"), Reference::new().man()).map_err(failed)?;
    Ok(Exit::Ok)
}

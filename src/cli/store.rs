//! `zhamen store`: backup while running, and restoring.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use super::{
    Exit,
    evidence::{database, problem},
    place::Place,
    problems::give_up,
};
use crate::store::{back_up, restore};

/// The record's files.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Backup(BackupArgs),
    Restore(RestoreArgs),
}

/// Copy database, evidence, spool and keys to a directory, while Zhamen runs or not.
///
/// The copy holds the signing key: keep it as safe as the original.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  the copy is on disk\n  2  it could not be made")]
pub(super) struct BackupArgs {
    /// A directory that is empty, or not there yet.
    to: PathBuf,
    #[command(flatten)]
    place: Place,
}

/// Put a backup where the configuration says that the record is. Zhamen must not run.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status:\n  0  it is restored\n  2  it could not be: there is a record already, or no backup"
)]
pub(super) struct RestoreArgs {
    /// The directory of the backup.
    from: PathBuf,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(command: &Command, out: &mut dyn Write) -> io::Result<Exit> {
    let (done, said) = match command {
        Command::Backup(args) => {
            let done = args.place.config().and_then(|config| {
                // Not a copy of what cannot be used.
                drop(database(&config)?);
                back_up(&config.store.database, &config.store.directory, &args.to)
                    .map_err(|error| problem("the backup", error))
            });
            (done, format!("The record is copied to {}.", args.to.display()))
        }
        Command::Restore(args) => {
            let done = args.place.config().and_then(|config| {
                restore(&args.from, &config.store.database, &config.store.directory)
                    .map_err(|error| problem("the backup", error))
            });
            let said =
                format!("{} is restored; `zhamen evidence verify` says whether it is sound.", args.from.display());
            (done, said)
        }
    };
    match done {
        Ok(()) => {
            writeln!(out, "{said}")?;
            Ok(Exit::Ok)
        }
        Err(problems) => give_up(&problems),
    }
}

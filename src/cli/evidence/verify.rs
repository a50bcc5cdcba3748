//! `zhamen evidence verify`: whether the record and what is in evidence are as they were written.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{Exit, database, problem};
use crate::{
    base::Problem,
    cli::{place::Place, problems::give_up},
    store::{Fault, PublicKey, Verified, verify},
};

/// Check every entry, every piece of evidence and every signature, and say what was altered, and where.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  everything is as it was written\n  1  something was altered, taken out, \
                        put in or moved\n  2  it could not be looked")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    place: Place,
    /// The public key, kept elsewhere, to check signatures with, instead of the one beside the evidence.
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let config = match args.place.config() {
        Ok(config) => config,
        Err(problems) => return give_up(&problems),
    };
    if !config.store.database.exists() {
        return match database(&config) {
            Ok(_) => Ok(Exit::Ok),
            Err(problems) => give_up(&problems),
        };
    }
    let key = match &args.public_key {
        Some(path) => PublicKey::read(path),
        None => PublicKey::of_store(&config.store.directory),
    };
    let key = match key {
        Ok(key) => key,
        // Made together with what it signs: where `check` or `registry import` made the database, nobody has yet.
        Err(_) if args.public_key.is_none() && is_empty(&config.store.directory) => {
            let directory = config.store.directory.display().to_string();
            let nothing = Problem::error(&directory, 0, 0, "nothing is in evidence yet, and nothing is signed");
            return give_up(&[nothing.help("`zhamen run` makes the key and begins: verify after the first start")]);
        }
        Err(error) => return give_up(&problem("the public key", error)),
    };
    let verified = match database(&config) {
        Ok(store) => verify(&store, &config.store.directory, &key),
        // A database that cannot even be opened is not as it was written.
        Err(problems) => Ok(Verified {
            faults: problems
                .into_iter()
                .map(|problem| Fault { place: "the database".to_owned(), what: problem.message })
                .collect(),
            ..Verified::default()
        }),
    };
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => return give_up(&problem("the store", error)),
    };
    show(&verified, args.json, out)?;
    Ok(if verified.is_sound() { Exit::Ok } else { Exit::No })
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory)
        .map_or_else(|error| error.kind() == io::ErrorKind::NotFound, |mut files| files.next().is_none())
}

fn show(verified: &Verified, as_json: bool, out: &mut dyn Write) -> io::Result<()> {
    if as_json {
        return writeln!(out, "{}", verified.to_json());
    }
    let Verified { entries, heads, signed, segments, removed, records, torn, faults } = verified;
    for fault in faults {
        writeln!(out, "{fault}")?;
    }
    writeln!(
        out,
        "{entries} entries (signed up to {signed}), {records} records in {segments} segments of evidence \
         ({removed} removed after their time), {heads} signed heads"
    )?;
    if *torn {
        writeln!(out, "The last segment ends within a record, as a crash leaves it; it was never acknowledged.")?;
    }
    if verified.is_sound() {
        writeln!(out, "Everything is as it was written.")
    } else {
        writeln!(out, "The record is not as it was written: {} faults.", faults.len())
    }
}

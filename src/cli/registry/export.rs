//! `zhamen registry export`: everything that holds, as a file that can be imported.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
    sync::Arc,
};

use super::{Place, existing_store};
use crate::{
    base::{Clock, Problem},
    cli::{Exit, problems},
    control_plane::{SystemClock, registry::in_force},
    domain::registry::Registry,
    store::Store,
};

/// Write the registry in force as CSV, from whichever sources it comes; it can be imported again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  written\n  2  there is no registry, or it cannot be written")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    place: Place,
    /// Write here instead of to standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let prepared = args.place.config().and_then(|config| Ok((existing_store(&config)?, config)));
    let (store, config) = match prepared {
        Ok(prepared) => prepared,
        Err(found) => return problems::give_up(&found),
    };
    let store = store.as_ref().map(|store| &**store as &dyn Store);
    let begun = in_force(store, &config.registry, SystemClock.now().local_date());
    if !begun.registry.is_available() {
        return problems::give_up(&begun.problems);
    }
    let registry = Arc::new(begun.registry);
    match &args.output {
        None => write(&registry, out)?,
        Some(path) => {
            let written = File::create(path).map(BufWriter::new).and_then(|mut file| {
                write(&registry, &mut file)?;
                file.flush()
            });
            if let Err(error) = written {
                let problem = Problem::error(&path.display().to_string(), 0, 0, format!("cannot be written: {error}"));
                return problems::give_up(&[problem]);
            }
            writeln!(out, "{}: {} sites", path.display(), registry.len())?;
        }
    }
    Ok(Exit::Ok)
}

fn write(registry: &Arc<Registry>, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    let mut is_first = true;
    for site in registry.sites() {
        let columns = site.to_row().columns();
        if std::mem::take(&mut is_first) {
            csv.write_record(columns.iter().map(|(name, _)| name))?;
        }
        csv.write_record(columns.iter().map(|(_, text)| text))?;
    }
    if is_first {
        csv.write_record(["host", "origin", "unit", "service", "kind"])?;
    }
    csv.flush()
}

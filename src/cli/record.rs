//! What every command about the record is told, and the record that it opens.

use std::{
    env,
    io::{self, Write},
};

use super::{Exit, place::Place, problems, table::printable};
use crate::{
    base::{Clock, Problem, Timestamp},
    config::Config,
    control_plane::{PutError, Record, SystemClock},
};

/// So far the clocks of two machines may be apart.
const CLOCK_TOLERANCE_MILLIS: i64 = 60_000;

/// What every command about the record is told.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RecordArgs {
    #[command(flatten)]
    place: Place,
    /// Who does it, as the record shall name it; default: the user of this machine.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// The record of an installation, and its configuration.
pub(super) struct Opened {
    pub(super) config: Config,
    pub(super) record: Record,
    pub(super) now: Timestamp,
    /// Who puts something on the record.
    pub(super) by: String,
}

impl RecordArgs {
    /// Reads the configuration and opens the record that it names.
    pub(super) fn open(&self) -> Result<Opened, Vec<Problem>> {
        let config = self.place.config()?;
        let record = Record::beside(&config).map_err(|error| {
            vec![Problem::error(&config.store.database.display().to_string(), 0, 0, error.to_string())]
        })?;
        let user = || env::var("USER").or_else(|_| env::var("LOGNAME")).unwrap_or_else(|_| "unknown".to_owned());
        let by = self.by.clone().unwrap_or_else(|| format!("command line ({})", user()));
        let now = SystemClock.now();
        let latest = record.with_ledger(|ledger| ledger.present(now));
        if latest.0 - now.0 > CLOCK_TOLERANCE_MILLIS {
            // Nothing hangs on the warning being read.
            let _ = writeln!(
                io::stderr(),
                "zhamen: warning: the record has an entry of {latest}, and the clock of this machine says {now}: is it right?"
            );
        }
        Ok(Opened { config, record, now, by })
    }
}

/// Says why something was not put on the record. What makes no sense is the answer no.
pub(super) fn not_put(error: &PutError) -> io::Result<Exit> {
    match error {
        PutError::Refused(why) => {
            writeln!(io::stderr(), "zhamen: {}", printable(why))?;
            Ok(Exit::No)
        }
        PutError::Store(error) => failed(&error.to_string()),
    }
}

/// Says why something could not be done.
pub(super) fn failed(why: &str) -> io::Result<Exit> {
    problems::give_up(&[Problem::error("zhamen", 0, 0, why)])
}

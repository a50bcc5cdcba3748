//! `[store]`: where the record is kept.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::raw::{Reader, Section};

const DAY: Duration = Duration::from_secs(86_400);

/// Where the record is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The SQLite database.
    pub database: PathBuf,
    /// The directory with evidence, spool and keys.
    pub directory: PathBuf,
    /// Findings, locks and home pages on their way to the record, at most.
    pub queue: usize,
    /// What happens when there are more.
    pub when_full: WhenFull,
    /// Bytes of a body that are kept in evidence, as received.
    pub body_bytes: usize,
    /// A finding that is seen again is kept in evidence again after this long.
    pub again: Duration,
    /// What is in evidence goes after this long.
    pub retention: Duration,
}

/// What happens when the record cannot keep up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// What can be no strike is dropped and counted; findings go on without their evidence.
    Degrade,
    /// New requests are refused with 503.
    Protect,
}

pub(super) fn store(reader: &Reader<'_>, root: &Section<'_, '_>, base: &Path) -> Store {
    let section = root.section("store");
    let url = section.string("url");
    let directory = section.string("dir");
    let queue = section.number("queue", 1..=1_000_000);
    let words = [("degrade", WhenFull::Degrade), ("protect", WhenFull::Protect)];
    let when_full = section.word("when_full", &words);
    let body_bytes = section.size("body", 0..=64 << 20);
    let again = section.duration("again", Duration::ZERO..=DAY * 3_660);
    let retention = section.duration("retention", DAY..=DAY * 36_600);
    section.close();
    let database = match &url {
        None => "zhamen.db",
        Some((url, at)) => match url.strip_prefix("sqlite:") {
            Some(file) if !file.is_empty() => file,
            _ => {
                reader.error_with_help(
                    at.clone(),
                    format!("store.url {url:?} is not a database that this version knows"),
                    "write it as \"sqlite:zhamen.db\"",
                );
                "zhamen.db"
            }
        },
    };
    let directory = directory.map_or_else(|| "evidence".to_owned(), |(directory, _)| directory);
    Store {
        database: base.join(database),
        directory: base.join(directory),
        queue: queue.unwrap_or(4_096) as usize,
        when_full: when_full.unwrap_or(WhenFull::Degrade),
        body_bytes: body_bytes.unwrap_or(4 << 20) as usize,
        again: again.unwrap_or(DAY),
        retention: retention.unwrap_or(DAY * 180),
    }
}

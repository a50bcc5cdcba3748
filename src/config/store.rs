//! `[store]`: where the record is kept.

use std::path::{Path, PathBuf};

use super::raw::{Reader, Section};

/// Where the record is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The SQLite database.
    pub database: PathBuf,
    /// The directory with evidence, spool and keys.
    pub directory: PathBuf,
}

pub(super) fn store(reader: &Reader<'_>, root: &Section<'_, '_>, base: &Path) -> Store {
    let section = root.section("store");
    let url = section.string("url");
    let directory = section.string("dir");
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
    Store { database: base.join(database), directory: base.join(directory) }
}

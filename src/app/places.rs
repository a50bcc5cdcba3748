//! Whether what is to be written can be: asked by `zhamen check`, and before anything is served.

use std::path::Path;

use nix::unistd::{AccessFlags, eaccess};

use crate::{
    base::Problem,
    config::{AccessTarget, Config},
};

/// What is wrong with the places that a configuration wants written. A directory that is not there is an
/// error. What this user may not write is a warning: another one may run the proxy.
pub fn check_places(config: &Config) -> Vec<Problem> {
    let shown = config.path.display().to_string();
    let mut found = Vec::new();
    if let AccessTarget::File(log) = &config.log.access {
        found.extend(check_file(&shown, "log.access", log));
    }
    found.extend(check_file(&shown, "store.url", &config.store.database));
    found.extend(check_directory(&shown, "store.dir", &config.store.directory));
    if config.acme.server.is_some() {
        found.extend(check_directory(&shown, "acme.dir", &config.acme.directory));
        let certificates = config.edge.certificates.as_deref();
        found.extend(certificates.and_then(|directory| check_directory(&shown, "tls.certificates", directory)));
    }
    found
}

/// A directory is made where it is not there, with those above it.
fn check_directory(shown: &str, key: &str, directory: &Path) -> Option<Problem> {
    let there = directory.ancestors().find(|place| place.as_os_str().is_empty() || place.exists());
    let there = there.map_or(Path::new("."), or_here);
    (!is_writable(there)).then(|| unwritable(shown, key, there))
}

/// A file that is there can be written; one that is not can be made.
fn check_file(shown: &str, key: &str, file: &Path) -> Option<Problem> {
    let directory = or_here(file.parent().unwrap_or(Path::new("")));
    match file.exists() {
        true if is_writable(file) => None,
        true => Some(unwritable(shown, key, file)),
        false if !directory.is_dir() => {
            let message = format!("{key}: there is no directory {}", directory.display());
            Some(Problem::error(shown, 0, 0, message).help("make it, for the user that runs zhamen to write"))
        }
        false if !is_writable(directory) => Some(unwritable(shown, key, directory)),
        false => None,
    }
}

fn unwritable(shown: &str, key: &str, place: &Path) -> Problem {
    let message = format!("{key}: {} cannot be written by this user", place.display());
    Problem::warning(shown, 0, 0, message).help("the user that runs zhamen has to: see who owns it with `ls -ld`")
}

fn is_writable(place: &Path) -> bool {
    eaccess(place, AccessFlags::W_OK).is_ok()
}

fn or_here(place: &Path) -> &Path {
    if place.as_os_str().is_empty() { Path::new(".") } else { place }
}

//! What stands in `deploy/`, run: nothing there is only written.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `prometheus` | rules and alerts, by promtool; names that exist; sections of the manual |
//! | `dashboards` | every panel's query, by a real Prometheus that watches a proxy under traffic |
//! | `containers` | image, manifests, health check |
//! | `convert` | lists of other filters |
//! | `examples` | configurations for three sizes, and the schema |
//! | `logs` | fields, and what log shippers are told of them |
//! | `service` | units of systemd, logrotate |
//! | `walk` | the commands of the operations manual, pasted |
//! | `picture` | the dashboards' pictures, drawn from that data |

mod containers;
mod convert;
mod dashboards;
mod examples;
mod logs;
mod picture;
mod prometheus;
mod service;
mod walk;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A file or directory of the repository.
fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A text of the repository.
fn text(name: &str) -> String {
    fs::read_to_string(repository(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// All files of the repository below a directory, by their names.
fn files(directory: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(repository(directory)).unwrap_or_else(|error| panic!("{directory}: {error}")) {
        let entry = entry.unwrap();
        let name = format!("{directory}/{}", entry.file_name().to_str().unwrap());
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&name)),
            false => found.push(name),
        }
    }
    found.sort();
    found
}

/// Whether a program is there; says so where it is not, with the package of Debian that has it.
fn is_installed(program: &str, package: &str) -> bool {
    let there = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        println!("skipped: {program} is not installed (Debian: {package})");
    }
    there
}

/// Runs a program in the repository: whether it succeeded, and all it said.
fn run(program: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program).args(arguments).current_dir(repository("")).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

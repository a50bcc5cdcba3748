//! The walk through the operations manual: every command pasted into a shell as it is written, in order.
//! Behind `# →` stands a part of what is to be seen.

use std::{fmt::Write, fs, net::TcpListener, path::Path, process::Command};

use super::{files, is_installed, repository, text};

/// The chapters, in the order in which one walks.
const CHAPTERS: [&str; 7] = ["first_site", "excel", "rule_update", "complaint", "incident_drill", "backup", "moving"];
/// Ports that the manual names.
const PORTS: [&str; 3] = ["8080", "9900", "8000"];

#[test]
fn the_walk_through_the_manual_works_as_written() {
    let programs = [("python3", "python3"), ("git", "git"), ("curl", "curl"), ("iconv", "libc-bin")];
    if !programs.iter().all(|(program, package)| is_installed(program, package)) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("rules")).unwrap();
    for pack in files("rules") {
        fs::copy(repository(&pack), dir.path().join(&pack)).unwrap();
    }
    let mut script =
        "expected=0\nsaid=$(mktemp)\nmissing() { echo \"MISSING: $1\"; cat \"$said\"; expected=1; }\n".to_owned();
    let mut expectations = 0;
    for chapter in CHAPTERS {
        let _ = writeln!(script, "echo '== {chapter}'");
        for step in steps(&text(&format!("src/manual/operations/{chapter}.rs"))) {
            let _ = writeln!(script, "{{\n{}\n}} > \"$said\" 2>&1", step.commands);
            for expected in &step.expected {
                let _ = writeln!(script, "grep -qiF -- '{expected}' \"$said\" || missing '{expected}'");
            }
            expectations += step.expected.len();
        }
    }
    script += "kill $(jobs -p)\nwait\nexit $expected\n";
    assert!(expectations > 30, "{expectations}");
    for port in PORTS {
        script = replace_port(&script, port);
    }
    fs::write(dir.path().join("walk.sh"), script).unwrap();
    let binaries = Path::new(env!("CARGO_BIN_EXE_zhamen")).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash").arg("walk.sh").current_dir(dir.path()).env("PATH", path).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let log = fs::read_to_string(dir.path().join("zhamen.log")).unwrap_or_default();
    assert!(output.status.success(), "{said}\n--- zhamen said:\n{log}");
}

/// Commands that are pasted together, and what is then to be seen.
struct Step {
    commands: String,
    expected: Vec<String>,
}

/// The steps of a chapter's `sh` blocks.
fn steps(chapter: &str) -> Vec<Step> {
    let mut steps = vec![Step { commands: String::new(), expected: Vec::new() }];
    let mut within = false;
    for line in chapter.lines().filter_map(|line| line.strip_prefix("//!")) {
        let line = line.strip_prefix(' ').unwrap_or(line);
        match (line.trim(), within) {
            ("```sh", false) => within = true,
            ("```", true) => within = false,
            (_, true) => {
                if let Some(expected) = line.strip_prefix("# →") {
                    steps.last_mut().unwrap().expected.push(expected.trim().to_owned());
                    continue;
                }
                if !steps.last().unwrap().expected.is_empty() {
                    steps.push(Step { commands: String::new(), expected: Vec::new() });
                }
                let step = steps.last_mut().unwrap();
                step.commands.push_str(line);
                step.commands.push('\n');
            }
            (_, false) => {}
        }
    }
    steps.retain(|step| !step.commands.trim().is_empty());
    steps
}

/// Another port instead of the manual's, which others may use on this machine.
fn replace_port(script: &str, port: &str) -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    script
        .replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{free}"))
        .replace(&format!("http.server {port}"), &format!("http.server {free}"))
}

//! The walk through the operations manual: every command pasted into a shell as it is written, in order.
//! Behind `# →` stands a part of what is to be seen, behind `# exit status` the status of the command
//! before it; without that a command ends with 0, and so does everything within it.

use std::{fmt::Write, fs, net::TcpListener, path::Path, process::Command};

use super::{files, is_installed, repository, text};

/// The chapters, in the order in which one walks.
const CHAPTERS: [&str; 7] = ["first_site", "excel", "rule_update", "complaint", "incident_drill", "backup", "moving"];
/// Ports that the manual names.
const PORTS: [&str; 3] = ["8080", "9900", "8000"];

/// The manual waits for what it expects; a walk that goes nowhere ends.
const WALK_SECONDS: &str = "600";

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
    let mut script = PRELUDE.to_owned();
    let mut expectations = 0;
    for chapter in CHAPTERS {
        let _ = writeln!(script, "echo '== {chapter}'");
        for step in scenes(&text(&format!("src/manual/operations/{chapter}.rs"))) {
            script += ": > \"$said\"\n";
            for Step { text, status } in &step.commands {
                let _ = writeln!(script, "inner=0; wanted={status}\n{{\n{text}}} >> \"$said\" 2>&1");
                let _ = writeln!(script, "ended $? <<'PASTED'\n{text}PASTED");
            }
            for expected in &step.expected {
                let _ = writeln!(script, "grep -qiF -- '{expected}' \"$said\" || missing '{expected}'");
            }
            expectations += step.expected.len();
        }
    }
    script += "trap - ERR\nkill $(jobs -p)\nwait\nexit $failed\n";
    assert!(expectations > 30, "{expectations}");
    for port in PORTS {
        script = replace_port(&script, port);
    }
    fs::write(dir.path().join("walk.sh"), script).unwrap();
    let binaries = Path::new(env!("CARGO_BIN_EXE_zhamen")).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let bounded = [WALK_SECONDS, "bash", "walk.sh"];
    let output = Command::new("timeout").args(bounded).current_dir(dir.path()).env("PATH", path).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let log = fs::read_to_string(dir.path().join("zhamen.log")).unwrap_or_default();
    assert!(output.status.success(), "{said}\n--- zhamen said:\n{log}");
}

/// How the shell looks at what it runs. A command within a list may fail without the list failing: ERR hears
/// of it.
const PRELUDE: &str = r#"
failed=0
said=$(mktemp)
wrong() { echo "$1"; cat "$said"; failed=1; }
missing() { wrong "MISSING: $1"; }
ended() {
    local status=$1 text=$(cat)
    [ "$status" != 0 ] || status=$inner
    [ "$status" = "$wanted" ] || wrong "EXIT STATUS $status INSTEAD OF $wanted: $text"
}
trap 'inner=$?' ERR
"#;

/// Commands that are pasted together, and what is then to be seen.
#[derive(Default)]
struct Scene {
    commands: Vec<Step>,
    expected: Vec<String>,
}

/// A line that is pasted, with the lines that it reads.
struct Step {
    text: String,
    /// With which it ends.
    status: String,
}

/// The steps of a chapter's `sh` blocks.
fn scenes(chapter: &str) -> Vec<Scene> {
    let (mut scenes, mut within, mut reads) = (vec![Scene::default()], false, false);
    for line in chapter.lines().filter_map(|line| line.strip_prefix("//!")) {
        let line = line.strip_prefix(' ').unwrap_or(line);
        match (line.trim(), within) {
            ("```sh", false) => within = true,
            ("```", true) => within = false,
            (_, true) if line.starts_with("# →") => {
                let expected = line.trim_start_matches("# →").trim().to_owned();
                scenes.last_mut().unwrap().expected.push(expected);
            }
            (_, true) if line.starts_with("# exit status ") => {
                let words = line.trim_start_matches("# exit status ");
                let (status, reason) = words.split_once(": ").unwrap_or_else(|| panic!("without a reason: {line}"));
                assert!(!reason.is_empty() && status != "0", "{line}");
                scenes.last_mut().unwrap().commands.last_mut().unwrap().status = status.to_owned();
            }
            (_, true) => {
                if !scenes.last().unwrap().expected.is_empty() {
                    scenes.push(Scene::default());
                }
                let commands = &mut scenes.last_mut().unwrap().commands;
                if !reads {
                    commands.push(Step { text: String::new(), status: "0".to_owned() });
                }
                reads = (reads || line.contains("<<'END'")) && line != "END";
                let step = commands.last_mut().unwrap();
                step.text.push_str(line);
                step.text.push('\n');
            }
            (_, false) => {}
        }
    }
    scenes.retain(|scene| !scene.commands.is_empty());
    scenes
}

/// Another port instead of the manual's, which others may use on this machine.
fn replace_port(script: &str, port: &str) -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    script
        .replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{free}"))
        .replace(&format!("http.server {port}"), &format!("http.server {free}"))
}

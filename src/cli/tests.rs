//! Commands as they are typed, on real files: what they print, and their exit status.

use std::{fs, path::Path};

use clap::{CommandFactory, Parser};
use serde_json::Value;

use super::{CommandLine, Exit, dispatch};

const PACK: &str = r#"[pack]
id = "gambling"
title = "赌博"
clause = "7.7"
class = "vulgar"
action = "block"
threshold = 100

[[rule]]
id = "gambling.casino"
any = ["百家乐", "时时彩"]
weight = 100
hit = ["来玩百 家 乐"]
pass = ["百家争鸣，乐在其中"]
"#;

const SITES: &str = "host,origin,unit,service,kind,icp,filing\n\
                     a.cn,http://127.0.0.1:1,u,s,server,蜀ICP备12345678号,\n\
                     b.cn,http://127.0.0.1:1,u,s,server,,\n";

fn house() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("rules")).unwrap();
    for (name, text) in [("zhamen.toml", ""), ("rules/gambling.toml", PACK), ("sites.csv", SITES)] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

/// Runs a command line in which `@` stands for the directory.
fn zhamen(dir: &Path, line: &str) -> (Exit, String) {
    let words = line.split(' ').map(|word| word.replace('@', dir.to_str().unwrap()));
    let command = CommandLine::try_parse_from(std::iter::once("zhamen".to_owned()).chain(words)).unwrap().command;
    let mut out = Vec::new();
    let exit = dispatch(&command, &mut out).unwrap();
    (exit, String::from_utf8(out).unwrap())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_command_line_is_consistent() {
    CommandLine::command().debug_assert();
}

#[test]
fn every_command_tells_its_exit_status() {
    fn visit(command: &clap::Command) {
        let leaf = command.get_subcommands().next().is_none();
        if leaf {
            let help = command.clone().render_long_help().to_string();
            assert!(help.contains("Exit status"), "{}", command.get_name());
        }
        command.get_subcommands().for_each(visit);
    }
    visit(&CommandLine::command());
}

#[test]
fn check_finds_everything_at_once() {
    let dir = house();
    assert_eq!(zhamen(dir.path(), "check --config @/zhamen.toml").0, Exit::Ok);

    fs::write(dir.path().join("zhamen.toml"), "\n[scan]\nhold = 0\n").unwrap();
    fs::write(dir.path().join("sites.csv"), format!("{SITES}bad row\n")).unwrap();
    fs::write(dir.path().join("rules/gambling.toml"), PACK.replace("[\"百家乐\"", "[\"，\"")).unwrap();
    let (exit, out) = zhamen(dir.path(), "check --json --config @/zhamen.toml");
    assert_eq!(exit, Exit::Error);
    let places: Vec<(String, u64)> = json(&out)["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| {
            let path = Path::new(problem["path"].as_str().unwrap()).file_name().unwrap().to_str().unwrap().to_owned();
            (path, problem["line"].as_u64().unwrap())
        })
        .collect();
    for expected in [("zhamen.toml", 2), ("sites.csv", 4), ("gambling.toml", 11)] {
        assert!(places.contains(&(expected.0.to_owned(), expected.1)), "{expected:?} in {places:?}");
    }
}

#[test]
fn explain_names_the_line_that_decides() {
    let dir = house();
    let (exit, out) = zhamen(dir.path(), "explain http://WWW.a.cn:80/x --json --config @/zhamen.toml");
    assert_eq!(exit, Exit::Ok);
    let explained = json(&out);
    assert_eq!((&explained["host"], &explained["admitted"]), (&"www.a.cn".into(), &true.into()));
    let row = explained["steps"].as_array().unwrap().iter().find(|step| step["step"] == "row").unwrap().clone();
    assert!(row["from"].as_str().unwrap().ends_with("sites.csv:2"), "{row}");

    let (exit, out) = zhamen(dir.path(), "explain b.cn --json --config @/zhamen.toml");
    assert_eq!((exit, &json(&out)["reason"], &json(&out)["status"]), (Exit::No, &"unfiled".into(), &403.into()));
    assert_eq!(zhamen(dir.path(), "explain nowhere.cn --config @/zhamen.toml").0, Exit::No);
    assert_eq!(zhamen(dir.path(), "explain a..cn --config @/zhamen.toml").0, Exit::No);
    assert_eq!(zhamen(dir.path(), "explain a.cn --config @/absent.toml").0, Exit::Error);
}

#[test]
fn scan_prints_the_format_that_others_build_on() {
    let dir = house();
    fs::write(dir.path().join("a.html"), "<p>来玩百 <b>家</b> 乐").unwrap();
    fs::write(dir.path().join("b.html"), "<p>百家争鸣").unwrap();
    let (exit, out) = zhamen(dir.path(), "rules scan --json --rules @/rules @/a.html @/b.html");
    assert_eq!(exit, Exit::No);
    let lines: Vec<Value> = out.lines().map(json).collect();
    let (hit, clean) = (&lines[0], &lines[1]);
    assert_eq!((&hit["verdict"], &hit["inspection"]), (&"block".into(), &"inspected".into()));
    assert_eq!(hit["categories"]["gambling"]["score"], 100);
    assert_eq!(hit["categories"]["gambling"]["action"], "block");
    let finding = &hit["findings"][0];
    assert_eq!((&finding["rule"], &finding["phrase"]), (&"gambling.casino".into(), &"百家乐".into()));
    assert_eq!((&finding["start"], &finding["end"], &finding["lane"]), (&9.into(), &27.into(), &"text".into()));
    assert!(finding["excerpt"].as_str().unwrap().contains("百 家 乐"));
    assert_eq!((&clean["verdict"], clean["findings"].as_array().map(Vec::len)), (&"pass".into(), Some(0)));

    assert_eq!(zhamen(dir.path(), "rules scan --rules @/rules @/b.html").0, Exit::Ok);
    assert_eq!(zhamen(dir.path(), "rules scan --rules @/rules @/a.html @/absent").0, Exit::Error);
    assert_eq!(zhamen(dir.path(), "rules scan --rules @/absent @/a.html").0, Exit::Error);
}

#[test]
fn a_failing_example_is_shown_with_its_line() {
    let dir = house();
    assert_eq!(zhamen(dir.path(), "rules test --rules @/rules").0, Exit::Ok);
    fs::write(dir.path().join("rules/gambling.toml"), PACK.replace("百家争鸣", "百家乐争鸣")).unwrap();
    let (exit, out) = zhamen(dir.path(), "rules test --rules @/rules");
    assert_eq!(exit, Exit::No);
    assert!(out.contains("gambling.toml:14") && out.contains("1 failed"), "{out}");
    let (_, out) = zhamen(dir.path(), "rules test --json --rules @/rules");
    assert_eq!(json(&out)["failures"][0]["problem"]["line"], 14);
}

#[test]
fn registry_check_tells_good_from_bad() {
    let dir = house();
    assert_eq!(zhamen(dir.path(), "registry check @/sites.csv").0, Exit::Ok);
    fs::write(dir.path().join("sites.csv"), format!("{SITES}bad row\n")).unwrap();
    let (exit, out) = zhamen(dir.path(), "registry check --json @/sites.csv");
    assert_eq!((exit, &json(&out)["rows_good"], &json(&out)["rows_bad"]), (Exit::No, &2.into(), &1.into()));
    fs::write(dir.path().join("sites.csv"), "nonsense\n").unwrap();
    assert_eq!(zhamen(dir.path(), "registry check @/sites.csv").0, Exit::Error);
}

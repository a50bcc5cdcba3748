//! What operators get wrong on the first day, and what they are told: the place, and what to do.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::harness::{Run, Setup, eventually, zhamen};

fn house() -> Setup {
    Setup::new().row("filed.cn,http://127.0.0.1:1,u1,s1,server,蜀ICP备12345678号,,")
}

/// Runs a command in a directory, with a variable in its environment.
fn with_variable(dir: &Path, name: &str, value: &Path, arguments: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_zhamen"))
        .args(arguments)
        .current_dir(dir)
        .env(name, value)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Run {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn check(dir: &Path) -> Vec<Value> {
    let run = zhamen(dir, &["check", "--json"], b"");
    let said: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}{}", run.out, run.err));
    said["problems"].as_array().unwrap().clone()
}

#[test]
fn the_configuration_is_found_where_it_is_named_or_usual() {
    let (house, elsewhere) = (house().directory(), tempfile::tempdir().unwrap());
    let explain = ["explain", "filed.cn"];
    assert_eq!(zhamen(house.path(), &explain, b"").status, 0, "in the directory");
    let variable = house.path().join("zhamen.toml");
    assert_eq!(with_variable(elsewhere.path(), "ZHAMEN_CONFIG", &variable, &explain).status, 0, "by the variable");
    let wrong = with_variable(house.path(), "ZHAMEN_CONFIG", &elsewhere.path().join("absent.toml"), &explain);
    assert!(wrong.status == 2 && wrong.err.contains("absent.toml"), "what is named is not passed over: {}", wrong.err);
    if !Path::new("/etc/zhamen/zhamen.toml").exists() {
        for command in [&["check"][..], &["run"], &["health"], &["ledger", "show"], &["store", "backup", "x"]] {
            let lost = zhamen(elsewhere.path(), command, b"");
            let said = lost.err.contains("./zhamen.toml") && lost.err.contains("/etc/zhamen/zhamen.toml");
            assert!(lost.status == 2 && said && lost.err.contains("--config"), "{command:?}: {}", lost.err);
        }
    }
}

#[test]
fn directories_that_are_not_there_are_told_before_anything_is_served() {
    let house = house().set("log.access", "\"logs/access.jsonl\"").directory();
    let problems = check(house.path());
    let last = problems.last().unwrap();
    assert!(last["severity"] == "error" && last["message"].as_str().unwrap().contains("log.access"), "{problems:?}");
    let run = zhamen(house.path(), &["run"], b"");
    assert!(run.status == 2 && run.err.contains("there is no directory logs"), "{}", run.err);
    fs::create_dir(house.path().join("logs")).unwrap();
    assert!(check(house.path()).iter().all(|problem| problem["severity"] != "error"));
}

#[test]
fn a_listener_for_tls_without_a_certificate_is_told() {
    let setup = house().set("listen.https", "[\"127.0.0.1:0\"]").set("tls.certificates", "\"certs\"");
    fs::create_dir(setup.path("certs")).unwrap();
    let zhamen = setup.run();
    assert!(zhamen.said().contains("every TLS handshake fails"), "{}", zhamen.said());
    let problems = check(&zhamen.path(""));
    let told = |problem: &Value| problem["message"].as_str().unwrap().contains("every TLS handshake fails");
    assert!(problems.iter().any(told), "{problems:?}");
}

#[test]
fn rules_in_the_wrong_place_are_told_at_the_line_that_names_it() {
    let house = house().set("rules.dir", "\"rulez\"").directory();
    let text = fs::read_to_string(house.path().join("zhamen.toml")).unwrap();
    let line = 1 + text.lines().position(|line| line.contains("rulez")).unwrap();
    let run = zhamen(house.path(), &["run"], b"");
    assert!(run.status == 2 && run.err.contains(&format!("zhamen.toml:{line}: error: rules.dir")), "{}", run.err);
    assert!(run.err.contains("(help: "), "{}", run.err);
    let lint = zhamen(house.path(), &["rules", "lint", "--rules", "nowhere"], b"");
    assert!(lint.status == 2 && lint.err.contains("--rules DIR"), "{}", lint.err);
}

#[test]
fn a_taken_port_names_its_key() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("{:?}", taken.local_addr().unwrap().to_string());
    for (key, named) in [("admin.listen", "[admin] listen"), ("listen.http", "[listen] http")] {
        let house = house().set(key, &address).directory();
        let run = zhamen(house.path(), &["run"], b"");
        assert!(run.status == 2 && run.err.contains(named), "{key}: {}", run.err);
        assert!(!run.err.contains("[listen]") || key == "listen.http", "{}", run.err);
    }
}

#[test]
fn verifying_before_the_first_start_says_what_begins_the_record() {
    let house = house().directory();
    let verify = || zhamen(house.path(), &["evidence", "verify"], b"");
    for run in [verify(), {
        // Makes the database, and no key.
        assert_eq!(zhamen(house.path(), &["admin", "token", "create", "a", "--role", "metrics"], b"").status, 0);
        verify()
    }] {
        assert!(run.status == 2 && run.err.contains("zhamen run"), "{}{}", run.out, run.err);
    }
}

#[test]
fn the_history_of_a_host_below_names_the_row_that_covers_it() {
    let zhamen_runs = house().run();
    let run = zhamen(&zhamen_runs.path(""), &["registry", "history", "www.filed.cn"], b"");
    assert!(run.status == 1 && run.out.contains("registry history filed.cn"), "{}{}", run.out, run.err);
    let unknown = zhamen(&zhamen_runs.path(""), &["registry", "history", "nowhere.cn"], b"");
    assert!(unknown.status == 1 && unknown.out.contains("Nothing is known"), "{}{}", unknown.out, unknown.err);
}

#[test]
fn messages_have_no_empty_fields() {
    let zhamen = house().run();
    zhamen.write("rules/test.toml", "[pack");
    eventually("told", || zhamen.said().contains("rules/test.toml"));
    for empty in ["help=\"\"", "line=0", "column=0"] {
        assert!(!zhamen.said().contains(empty), "{}", zhamen.said());
    }
}

#[test]
fn the_manual_is_where_it_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    let list = zhamen(dir.path(), &["manual"], b"");
    assert!(list.status == 0 && list.out.contains("runbook") && list.out.contains("install"), "{}", list.out);
    let section = zhamen(dir.path(), &["manual", "runbook", "ZhamenDown"], b"");
    assert!(section.out.starts_with("## An edge does not answer\n"), "{}", section.out);
    assert_eq!(section.out.matches("\n## ").count(), 0, "that section alone");
    let none = zhamen(dir.path(), &["manual", "runbook", "ZhamenUpsideDown"], b"");
    assert!(none.status == 1 && none.err.contains("A reload fails"), "{}", none.err);
    assert_eq!(zhamen(dir.path(), &["manual", "romance"], b"").status, 1);
    assert_eq!(zhamen(dir.path(), &["manual", "--dir", "out"], b"").status, 0);
    assert!(fs::read_to_string(dir.path().join("out/install.md")).unwrap().starts_with("# install\n"));
}

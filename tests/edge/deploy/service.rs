//! The units of systemd: valid, and as tight as a proxy can be. Logs: rotated by the usual tool.

use std::fs;

use super::{is_installed, repository, run, text};
use crate::harness::{Origin, Setup, eventually, get};

/// What `systemd-analyze security` may say at most; 10 is a service without any fence.
const EXPOSURE_MAX: f64 = 2.0;

/// The unit under test in a directory, with programs that are there.
fn units() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for unit in ["zhamen.service", "zhamen.socket", "zhamen-https.socket"] {
        let text = text(&format!("deploy/systemd/{unit}")).replace("/usr/bin/zhamen", env!("CARGO_BIN_EXE_zhamen"));
        // Pages of a manual that is not installed here are complained of, too.
        let text: String =
            text.lines().filter(|line| !line.starts_with("Documentation=")).map(|line| format!("{line}\n")).collect();
        fs::write(dir.path().join(unit), text).unwrap();
    }
    dir
}

#[test]
fn systemd_understands_the_units() {
    if !is_installed("systemd-analyze", "systemd") {
        return;
    }
    let dir = units();
    for unit in ["zhamen.service", "zhamen.socket", "zhamen-https.socket"] {
        let (ok, said) = run("systemd-analyze", &["verify", "--man=no", &dir.path().join(unit).display().to_string()]);
        let ours: Vec<&str> = said.lines().filter(|line| line.contains("zhamen")).collect();
        assert!(ok && ours.is_empty(), "{said}");
    }
}

#[test]
fn the_service_is_hardened() {
    if !is_installed("systemd-analyze", "systemd") {
        return;
    }
    let dir = units();
    let unit = dir.path().join("zhamen.service").display().to_string();
    let analyse = |what: &str| run("systemd-analyze", &["security", "--offline=true", "--no-pager", what]).1;
    let plain = exposure(&analyse(&unit));
    // With the drop-in of socket activation: the last capability goes.
    let drop_in = section(&text("deploy/systemd/zhamen-activated.conf"), "[Service]");
    let service = text("deploy/systemd/zhamen.service").replace("[Install]", &format!("{drop_in}\n[Install]"));
    fs::write(&unit, service.replace("/usr/bin/zhamen", env!("CARGO_BIN_EXE_zhamen"))).unwrap();
    let with_sockets = exposure(&analyse(&unit));
    println!("exposure: {plain} plain, {with_sockets} with sockets");
    assert!(plain <= EXPOSURE_MAX && with_sockets < plain, "{plain} {with_sockets}");
}

#[test]
fn every_line_that_is_left_open_has_its_reason() {
    if !is_installed("systemd-analyze", "systemd") {
        return;
    }
    let dir = units();
    let unit = dir.path().join("zhamen.service").display().to_string();
    let (_, said) = run("systemd-analyze", &["security", "--offline=true", "--no-pager", &unit]);
    let service = text("deploy/systemd/zhamen.service");
    let comments: String = service.lines().filter(|line| line.starts_with('#')).collect::<Vec<_>>().join("\n");
    for line in said.lines().filter_map(|line| line.trim().strip_prefix('✗')) {
        let name = line.trim().split(['=', ' ']).next().unwrap();
        assert!(comments.contains(name), "{name} is left open, and no comment says why");
    }
}

#[test]
fn logrotate_rotates_without_losing_a_line() {
    if !is_installed("logrotate", "logrotate") {
        return;
    }
    let origin = Origin::page("ok");
    let zhamen = Setup::new().site("example.cn", origin.address()).run();
    let ask = |target: &str| {
        assert_eq!(get(zhamen.http, "example.cn", target).status(), 200);
    };
    ask("/before");
    zhamen.logged("/before");
    let log = zhamen.path("access.jsonl").display().to_string();
    // As shipped, but for the place, and for whose it is.
    let rules: String = text("deploy/logs/logrotate")
        .replace("/var/log/zhamen/access.jsonl", &log)
        .lines()
        .filter(|line| !["su ", "create "].iter().any(|word| line.trim().starts_with(word)))
        .map(|line| format!("{line}\n"))
        .collect();
    let (file, state) = (zhamen.path("logrotate"), zhamen.path("logrotate.state").display().to_string());
    fs::write(&file, rules).unwrap();
    let (ok, said) = run("logrotate", &["--force", "--state", &state, &file.display().to_string()]);
    assert!(ok, "{said}");
    // No signal: that the file was moved is enough, after a second.
    eventually("a line in the new file", || {
        ask("/after");
        fs::read_to_string(&log).is_ok_and(|text| text.contains("/after"))
    });
    let rotated = fs::read_dir(zhamen.path("")).unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let rotated = rotated.filter(|path| path.display().to_string().starts_with(&format!("{log}-")));
    let old: String = rotated.map(|path| fs::read_to_string(path).unwrap()).collect();
    let all = old.matches("\"/after\"").count() + fs::read_to_string(&log).unwrap().matches("\"/after\"").count();
    assert!(old.contains("/before") && all > 0, "{old}");
}

#[test]
fn limits_and_tuning_have_their_reasons() {
    for line in text("deploy/systemd/sysctl.conf").split("\n\n").skip(1) {
        let setting = line.lines().filter(|line| !line.starts_with('#')).count();
        assert!(setting > 0 && line.starts_with('#'), "a setting without a reason: {line}");
    }
    assert!(repository("deploy/systemd/sysusers.conf").exists() && repository("deploy/systemd/tmpfiles.conf").exists());
    if is_installed("systemd-tmpfiles", "systemd") {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("etc")).unwrap();
        let at = format!("--root={}", root.path().display());
        let (ok, said) =
            run("systemd-sysusers", &[&at, &repository("deploy/systemd/sysusers.conf").display().to_string()]);
        assert!(ok, "{said}");
        let passwd = fs::read_to_string(root.path().join("etc/passwd")).unwrap();
        assert!(passwd.contains("zhamen:") && passwd.contains("/usr/sbin/nologin"), "{passwd}");
    }
}

fn section(unit: &str, name: &str) -> String {
    unit.split(name).nth(1).unwrap().split("\n[").next().unwrap().to_owned()
}

/// The number behind "Overall exposure level for …:".
fn exposure(said: &str) -> f64 {
    let line = said.lines().find(|line| line.contains("Overall exposure level")).unwrap_or_else(|| panic!("{said}"));
    let (_, number) = line.rsplit_once("service: ").unwrap_or_else(|| panic!("{line}"));
    number.split(' ').next().unwrap().parse().unwrap()
}

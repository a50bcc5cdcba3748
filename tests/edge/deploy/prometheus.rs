//! Scrape configuration, recording rules and alerts: valid, tested both ways, and naming only what exists.

use std::collections::BTreeSet;

use super::{files, is_installed, run, text};
use crate::harness::{Origin, PHRASE, Setup, get, page_with, zhamen};

const RULES: [&str; 2] = ["deploy/prometheus/alerts.rules.yml", "deploy/prometheus/recording.rules.yml"];
const TESTS: [&str; 2] = ["deploy/prometheus/tests.yml", "deploy/prometheus/tests-month.yml"];

#[test]
fn promtool_accepts_the_rules() {
    if !is_installed("promtool", "prometheus") {
        return;
    }
    let (ok, said) = run("promtool", &["check", "config", "deploy/prometheus/scrape.yml"]);
    assert!(ok && said.contains("is valid"), "{said}");
    let (ok, said) = run("promtool", &["check", "rules", "--lint=all", "--lint-fatal", RULES[0], RULES[1]]);
    println!("{said}");
    assert!(ok, "{said}");
}

#[test]
fn every_alert_fires_when_it_must_and_not_otherwise() {
    if is_installed("promtool", "prometheus") {
        let (ok, said) = run("promtool", &["test", "rules", TESTS[0], TESTS[1]]);
        println!("{said}");
        assert!(ok, "{said}");
    }
    let tests = TESTS.map(text).join("\n");
    for alert in alerts() {
        for what in ["fires", "is silent"] {
            assert!(tests.contains(&format!("- name: {} {what}", alert.name)), "{} {what}: untested", alert.name);
        }
    }
}

#[test]
fn every_metric_that_deploy_names_is_one_of_the_binary() {
    let origin = Origin::page(page_with(PHRASE, 100));
    let zhamen = Setup::new().site("example.cn", origin.address()).run();
    // Findings have no series before the first.
    get(zhamen.http, "example.cn", "/");
    zhamen.metric_becomes("zhamen_requests_total{outcome=\"refused\",protocol=\"http/1.1\"}", 1.0);
    let metrics = zhamen.metrics();
    let mut there: BTreeSet<&str> =
        metrics.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()).collect();
    // Without a series while there is no incident and no certificate: the dashboards' test sees them.
    there.extend(["zhamen_incident_deadline_timestamp_seconds", "zhamen_certificate_expiry_timestamp_seconds"]);
    let mut named = 0;
    for file in ["deploy/prometheus", "deploy/grafana"].iter().flat_map(|folder| files(folder)) {
        if file.ends_with(".svg") {
            continue;
        }
        for name in metrics_in(&text(&file)) {
            let plain = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
            assert!(there.contains(&*name) || there.contains(plain), "{file}: {name} is no metric of this version");
            named += 1;
        }
    }
    assert!(named > 100, "{named}");
}

#[test]
fn every_alert_says_what_is_wrong_and_where_to_read_on() {
    let manual = text("src/manual/operations/runbook.rs");
    let mut sections: BTreeSet<&str> = manual.lines().filter_map(|line| line.strip_prefix("//! # ")).collect();
    let alerts = alerts();
    assert!(alerts.len() > 20);
    let here = std::env::temp_dir();
    for Alert { name, body } in &alerts {
        for key in ["severity:", "summary:", "description:"] {
            assert!(body.contains(key), "{name} has no {key}");
        }
        assert!(body.contains(&format!("runbook: \"zhamen manual runbook {name}\"")), "{name} names no runbook");
        let printed = zhamen(&here, &["manual", "runbook", name], b"");
        let headings: Vec<&str> = printed.out.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert!(printed.status == 0 && headings.len() == 1, "{name}: {headings:?} {}", printed.err);
        sections.retain(|section| *section != headings[0]);
    }
    assert!(sections.is_empty(), "no alert names {sections:?}");
}

/// An alert, as the rule file has it.
struct Alert {
    name: String,
    body: String,
}

fn alerts() -> Vec<Alert> {
    let rules = text(RULES[0]);
    let parts = rules.split("- alert: ").skip(1);
    parts
        .map(|part| {
            let (name, body) = part.split_once('\n').unwrap();
            Alert { name: name.to_owned(), body: body.to_owned() }
        })
        .collect()
}

/// Names of metrics: `zhamen_…` and `process_…`, but not those of recording rules, which have colons.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    text.split(|c: char| !is_part(c))
        .filter(|word| !word.contains(':'))
        .filter(|word| word.starts_with("zhamen_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

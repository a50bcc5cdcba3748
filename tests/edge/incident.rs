//! Incidents: the emergency lock in the same step, the clock, what opens by itself.

use serde_json::Value;

use crate::harness::{Origin, PHRASE, Run, Setup, Zhamen, eventually, get, page_with, zhamen, zhamen::pack};

fn command(proxy: &Zhamen, arguments: &[&str]) -> Run {
    zhamen(&proxy.path(""), arguments, b"")
}

fn shown(zhamen: &Zhamen, id: &str) -> Value {
    let run = command(zhamen, &["incident", "show", id, "--json"]);
    assert_eq!(run.status, 0, "{}", run.err);
    serde_json::from_str(&run.out).unwrap()
}

fn opened(zhamen: &Zhamen, arguments: &[&str]) -> Value {
    let run = command(zhamen, &[&["incident", "open", "--json"], arguments].concat());
    assert_eq!(run.status, 0, "{}", run.err);
    serde_json::from_str(&run.out).unwrap()
}

fn steps(incident: &Value) -> Vec<String> {
    let notes = incident["notes"].as_array().unwrap();
    notes.iter().map(|note| format!("{}: {}", note["step"].as_str().unwrap(), note["text"].as_str().unwrap())).collect()
}

#[test]
fn an_incident_locks_in_the_same_step_and_its_clock_is_a_metric() {
    let origin = Origin::page("fine");
    let zhamen = Setup::new().site("filed.cn", origin.address()).site("other.cn", origin.address()).run();
    assert_eq!(get(zhamen.http, "filed.cn", "/").status(), 200);
    let incident = opened(
        &zhamen,
        &["--title", "论坛被灌水", "--site", "filed.cn", "--lock-page", "FILED.cn/bad?x=1", "--unit", "u1"],
    );
    let id = incident["id"].as_str().unwrap();
    eventually("the page is locked", || get(zhamen.http, "filed.cn", "/bad?x=1").reason() == "page_locked");
    assert_eq!(get(zhamen.http, "filed.cn", "/").status(), 200);
    assert_eq!(get(zhamen.http, "other.cn", "/").status(), 200);
    zhamen.metric_becomes("zhamen_incidents_open", 1.0);
    let deadline = zhamen.metric("zhamen_incident_deadline_timestamp_seconds");
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    assert!((86_000.0..86_401.0).contains(&(deadline - now)), "24 hours, not {}", deadline - now);

    for (step, text) in [("measure", "关闭发贴"), ("notified", "已通知")] {
        assert_eq!(command(&zhamen, &["incident", "note", id, "--step", step, text]).status, 0);
    }
    let run = command(&zhamen, &["incident", "report", id, "--text", "书面送达", "-o", "report.html"]);
    assert_eq!(run.status, 0, "{}", run.err);
    let report = std::fs::read_to_string(zhamen.path("report.html")).unwrap();
    for part in ["网络安全事件报告", "论坛被灌水", "关闭发贴", "锁定页面：filed.cn/bad?x=1", id] {
        assert!(report.contains(part), "{part}");
    }
    let shown = shown(&zhamen, id);
    assert_eq!((&shown["state"], &shown["overdue"]), (&"reported".into(), &false.into()));
    assert!(steps(&shown)[2].starts_with("reported: 书面送达; sha256:"), "{shown}");
    eventually("no clock runs", || !zhamen.metrics().contains("\nzhamen_incident_deadline_timestamp_seconds "));

    assert_eq!(command(&zhamen, &["incident", "close", id, "--conclusion", "已清除"]).status, 0);
    zhamen.metric_becomes("zhamen_incidents_open", 0.0);
    let run = command(&zhamen, &["incident", "note", id, "zu spät"]);
    assert_eq!(run.status, 1, "a closed incident takes no note");
    assert!(run.err.contains("was closed"), "{}", run.err);
    assert_eq!(get(zhamen.http, "filed.cn", "/bad?x=1").reason(), "page_locked", "closing unlocks nothing");
}

#[test]
fn reminders_come_once_however_often_it_is_started() {
    let origin = Origin::page("fine");
    let mut zhamen = Setup::new().site("filed.cn", origin.address()).run();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64;
    let noticed = ::zhamen::base::Timestamp(now - 20 * 3_600_000).to_string();
    let incident = opened(&zhamen, &["--title", "x", "--unit", "u1", "--at", &noticed]);
    let id = incident["id"].as_str().unwrap();
    let reminded = ["reminder: 50 %", "reminder: 75 %"];
    eventually("both reminders", || steps(&shown(&zhamen, id)) == reminded);
    zhamen.restart();
    zhamen.metric_becomes("zhamen_incidents_open", 1.0);
    assert_eq!(steps(&shown(&zhamen, id)), reminded);
}

#[test]
fn malware_that_was_found_opens_an_incident_by_itself() {
    let origin = Origin::page(page_with(PHRASE, 100));
    let malware = pack("malware", "block", &[PHRASE]);
    let zhamen = Setup::new().site("filed.cn", origin.address()).pack("test.toml", malware).run();
    get(zhamen.http, "filed.cn", "/virus?x=1");
    get(zhamen.http, "filed.cn", "/virus2");
    zhamen.metric_becomes("zhamen_incidents_open", 1.0);
    let run = command(&zhamen, &["incident", "list", "--json"]);
    let incidents: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(incidents.len(), 1, "one for the unit: {}", run.out);
    let incident = &incidents[0];
    assert_eq!((&incident["kind"], &incident["units"]), (&"malware".into(), &serde_json::json!(["u1"])));
    let locked = incident["locked"].as_array().unwrap();
    assert!(locked.iter().any(|lock| lock["path"] == "/virus?x=1"), "{incident}");
    eventually("locked", || get(zhamen.http, "filed.cn", "/virus?x=1").reason() == "page_locked");
}

#[test]
fn what_makes_no_sense_opens_nothing() {
    let dir = Setup::new().directory();
    for (arguments, says) in [
        (&["--unit", "u1"][..], "the title is missing"),
        (&["--title", "x", "--notice", "n9"], "no notice or finding \"n9\""),
        (&["--title", "x", "--site", "not a host"], "no host name"),
        (&["--title", "x", "--at", "2999-01-01T00:00:00Z"], "in the future"),
        (&["--title", "x", "--deadline", "2001-01-01T00:00:00Z"], "before the time"),
    ] {
        let run = zhamen(dir.path(), &[&["incident", "open"], arguments].concat(), b"");
        assert_eq!(run.status, 1, "{arguments:?}: {}", run.err);
        assert!(run.err.contains(says), "{}", run.err);
    }
    assert_eq!(zhamen(dir.path(), &["incident", "show", "i-1"], b"").status, 1);
    assert_eq!(zhamen(dir.path(), &["incident", "list", "--json"], b"").out, "");
}

#[test]
fn names_that_nobody_knows_are_told_and_hold_up_nothing() {
    let origin = Origin::page("fine");
    let proxy = Setup::new().site("one.cn", origin.address()).run();
    let open = ["incident", "open", "--title", "演练", "--unit", "nope", "--lock-page", "www.one.cn/bad"];
    let run = command(&proxy, &[&open[..], &["--lock-page", "www.oen.cn/bad"]].concat());
    assert_eq!(run.status, 0, "{}", run.err);
    assert!(run.err.contains("there is no unit \"nope\""), "{}", run.err);
    assert!(run.err.contains("no row of the registry covers \"www.oen.cn\""), "{}", run.err);
    assert!(!run.err.contains("www.one.cn"), "{}", run.err);
    eventually("locked", || get(proxy.http, "www.one.cn", "/bad").status() == 451);
}

//! Access log and metrics: whole, valid, and never in the way of a request.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::harness::{Client, Origin, PHRASE, Setup, Zhamen, ask, eventually, get, page_with};

fn in_front_of(origin: &Origin) -> Zhamen {
    Setup::new().site("filed.cn", origin.address()).run()
}

#[test]
fn every_request_is_one_line_of_json() {
    let origin = Origin::page(page_with(PHRASE, 100));
    let zhamen = in_front_of(&origin);
    ask(zhamen.http, "POST /a\"b%0a?q=中 HTTP/1.1\r\nHost: filed.cn\r\nContent-Length: 5\r\n\r\nhello");
    get(zhamen.http, "nobody.cn", "/unfiled");
    ask(zhamen.http, "GET /bad HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    ask(zhamen.http, "not http\r\n\r\n");
    eventually("four lines", || zhamen.log().len() == 4);
    let log = zhamen.log();
    for line in &log {
        for field in
            ["time", "id", "protocol", "client", "status", "outcome", "generation", "seconds", "origin_connection"]
        {
            assert!(!line[field].is_null(), "{field} is missing in {line}");
        }
        assert!(line["seconds"]["total"].as_f64().is_some());
    }
    let hit = &log[0];
    assert_eq!((&hit["method"], &hit["host"], &hit["unit"]), (&"POST".into(), &"filed.cn".into(), &"u1".into()));
    assert_eq!(
        (&hit["status"], &hit["outcome"], &hit["reason"]),
        (&451.into(), &"refused".into(), &"content_blocked".into())
    );
    assert_eq!((&hit["rules"], &hit["request_bytes"]), (&serde_json::json!(["test.phrase"]), &5.into()));
    assert_eq!((&hit["charset"], &hit["inspection"]), (&"UTF-8".into(), &"inspected".into()));
    assert!(hit["seconds"]["origin"].as_f64().is_some());
    assert_eq!((&log[1]["reason"], &log[1]["origin_connection"]), (&"unfiled".into(), &"none".into()));
    assert_eq!((&log[2]["reason"], &log[3]["reason"]), (&"bad_host".into(), &"malformed_request".into()));
    let ids: std::collections::BTreeSet<_> = log.iter().map(|line| line["id"].to_string()).collect();
    assert_eq!(ids.len(), 4);
}

#[test]
fn the_number_on_a_refusal_is_that_of_its_line() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin);
    let response = get(zhamen.http, "nobody.cn", "/");
    let id = response.field("zhamen-request").unwrap().to_owned();
    assert!(response.text().contains(&id));
    assert_eq!(zhamen.logged("/")["id"], id.as_str());
}

#[test]
fn client_addresses_are_left_out_where_the_operator_wants() {
    let origin = Origin::page("fine");
    for (setting, expected) in [("none", serde_json::Value::Null), ("truncated", "127.0.0.0".into())] {
        let zhamen =
            Setup::new().site("filed.cn", origin.address()).set("log.client_address", &format!("\"{setting}\"")).run();
        get(zhamen.http, "filed.cn", "/");
        assert_eq!(zhamen.logged("/")["client"], expected);
    }
}

#[test]
fn a_full_disk_costs_lines_and_nothing_else() {
    let origin = Origin::page("fine");
    let zhamen = Setup::new().site("filed.cn", origin.address()).set("log.access", "\"/dev/full\"").run();
    let mut client = Client::connect(zhamen.http);
    for _ in 0..50 {
        assert_eq!(client.get("filed.cn", "/").response().text(), "fine");
    }
    zhamen.metric_becomes("zhamen_log_errors_total", 50.0);
    zhamen.metric_becomes("zhamen_requests_total{outcome=\"forwarded\",protocol=\"http/1.1\"}", 50.0);
    eventually("told", || zhamen.said().contains("/dev/full"));
    let told = zhamen.said().matches("/dev/full").count();
    assert_eq!(told, 1, "told once, not fifty times:\n{}", zhamen.said());
}

#[test]
fn a_log_that_was_moved_away_is_begun_anew() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin);
    get(zhamen.http, "filed.cn", "/1");
    zhamen.logged("/1");
    fs::rename(zhamen.path("access.jsonl"), zhamen.path("access.jsonl.1")).unwrap();
    zhamen.signal("USR1");
    eventually("a new file", || {
        get(zhamen.http, "filed.cn", "/2");
        zhamen.path("access.jsonl").exists()
    });
    zhamen.logged("/2");
    let old = fs::read_to_string(zhamen.path("access.jsonl.1")).unwrap();
    assert!(old.contains("\"/1\"") && old.ends_with("}\n"), "{old}");
}

#[test]
fn stopping_drains_and_loses_no_line() {
    let (open, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let origin = Origin::start(move |exchange| {
        exchange.begin_chunked(&[("Content-Type", "application/octet-stream")])?;
        exchange.chunk(b"first ")?;
        let _ = wait.lock().unwrap().recv_timeout(crate::harness::PATIENCE);
        exchange.chunk(b"second")?;
        exchange.send("0\r\n\r\n")
    });
    let mut zhamen = in_front_of(&origin);
    let mut idle = Client::connect(zhamen.http);
    idle.get("nobody.cn", "/idle").response();
    let mut client = Client::connect(zhamen.http);
    client.get("filed.cn", "/slow").head();
    zhamen.signal("TERM");
    assert!(idle.is_closed(), "an idle connection ends at once");
    eventually("no new connection", || std::net::TcpStream::connect(zhamen.http).is_err());
    open.send(()).unwrap();
    let (body, trailers) = client.wire.read_chunked();
    assert_eq!((body, trailers), (b"first second".to_vec(), Some(vec![])));
    assert_eq!(zhamen.wait(), 0);
    assert_eq!(zhamen.logged("/slow")["outcome"], "forwarded");
}

#[test]
fn health_and_readiness_are_told() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin);
    for target in ["/healthz", "/readyz"] {
        let mut client = Client::connect(zhamen.admin_address());
        assert_eq!(client.get("admin", target).response().status(), 200, "{target}");
    }
    let status: serde_json::Value = serde_json::from_str(&zhamen.admin("/api/v1/status")).unwrap();
    assert!(status["generation"].as_u64() >= Some(1), "{status}");
}

#[test]
fn all_metrics_of_the_formats_are_there_and_valid() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin);
    get(zhamen.http, "filed.cn", "/");
    get(zhamen.http, "nobody.cn", "/");
    zhamen.metric_becomes("zhamen_events_total{kind=\"exchange\"}", 2.0);
    let text = zhamen.metrics();
    for name in [
        "zhamen_requests_total",
        "zhamen_refusals_total",
        "zhamen_request_seconds_bucket",
        "zhamen_origin_seconds_bucket",
        "zhamen_scan_seconds_bucket",
        "zhamen_responses_total",
        "zhamen_scanned_bytes_total",
        "zhamen_verdict_cache_total",
        "zhamen_held_bytes",
        "zhamen_connections",
        "zhamen_origin_connections_total",
        "zhamen_snapshot_generation",
        "zhamen_rules",
        "zhamen_sites",
        "zhamen_reload_total",
        "zhamen_reload_last_success_timestamp_seconds",
        "zhamen_events_total",
        "zhamen_events_dropped_total",
        "zhamen_build_info",
        "process_resident_memory_bytes",
    ] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name} is missing");
    }
    assert!(!text.contains("nobody.cn"), "no label whose values an outsider chooses");
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        println!("skipped: promtool is not installed (Debian: prometheus)");
        return;
    };
    use std::io::Write;
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

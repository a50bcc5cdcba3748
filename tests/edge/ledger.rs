//! What is put on the record decides the next request; and what a file of events adds up to.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use crate::harness::{Client, Origin, Setup, Zhamen, eventually, get, zhamen};

fn in_front_of(origin: &Origin) -> Zhamen {
    let row = |host: &str, unit: &str| {
        format!("{host},http://{},{unit},s-{unit},virtual_host,蜀ICP备12345678号,,", origin.address())
    };
    Setup::new().row(row("one.cn", "u1")).row(row("two.cn", "u2")).run()
}

/// Runs `zhamen ledger` beside the running proxy.
fn ledger(proxy: &Zhamen, arguments: &[&str]) -> (i32, String) {
    let arguments: Vec<&str> = ["ledger"].iter().chain(arguments).copied().collect();
    let run = zhamen(&proxy.path(""), &arguments, b"");
    (run.status, run.out + &run.err)
}

/// The first answer on an open connection that is not 200, and how long that took.
fn refused_on(client: &mut Client, host: &str) -> (u16, String, Duration) {
    let begun = Instant::now();
    loop {
        let response = client.get(host, "/").response();
        if response.status() != 200 {
            return (response.status(), response.reason().to_owned(), begun.elapsed());
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "still served");
    }
}

#[test]
fn a_suspension_reaches_open_connections_and_a_reinstatement_lifts_it() {
    let origin = Origin::page("fine");
    let proxy = in_front_of(&origin);
    let mut client = Client::connect(proxy.http);
    assert_eq!(client.get("one.cn", "/").response().status(), 200);
    let (status, said) = ledger(&proxy, &["suspend", "u1", "--why", "通报未整改"]);
    assert_eq!(status, 0, "{said}");
    let (status, reason, took) = refused_on(&mut client, "one.cn");
    assert_eq!((status, reason.as_str()), (451, "suspended"));
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(client.get("two.cn", "/").response().status(), 200, "another unit");

    let reinstate = ["reinstate", "u1", "--kind", "virtual_host", "--rectification", "r1"];
    let (status, said) = ledger(&proxy, &reinstate);
    assert!(status == 1 && said.contains("rectification report"), "{said}");
    assert_eq!(ledger(&proxy, &["rectify", "u1", "--id", "r1", "--signatory", "张三"]).0, 0);
    let (status, said) = ledger(&proxy, &reinstate);
    assert_eq!(status, 0, "{said}");
    eventually("served again", || get(proxy.http, "one.cn", "/").status() == 200);
    assert_eq!(client.get("one.cn", "/").response().status(), 200, "on the open connection, too");
    let (status, said) = ledger(&proxy, &reinstate);
    assert!(status == 1 && said.contains("not suspended"), "{said}");
}

#[test]
fn notices_up_to_the_threshold_suspend_and_a_withdrawal_undoes_it() {
    let origin = Origin::page("fine");
    let proxy = in_front_of(&origin);
    let notice =
        |id| ledger(&proxy, &["notice", "--id", id, "--service", "s-u1", "--class", "vulgar", "--document", "2026-1"]);
    assert_eq!(notice("n1").0, 0);
    assert_eq!(get(proxy.http, "one.cn", "/").status(), 200);
    let again = ["notice", "--service", "s-u1", "--class", "vulgar", "--document", "2026-1"];
    let (status, said) = ledger(&proxy, &again);
    assert!(status == 1 && said.contains("\"n1\" already"), "an arrow key and Enter are no strike: {said}");
    let (status, said) = notice("n1");
    assert!(status == 1 && said.contains("\"n1\""), "{said}");
    let (status, said) = notice("n2");
    assert!(status == 0 && said.contains("suspended") && said.contains("n1 n2"), "{said}");
    eventually("suspended", || get(proxy.http, "one.cn", "/").reason() == "suspended");
    let (status, said) = ledger(&proxy, &["show", "--unit", "u1", "--json"]);
    let lines: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (status, &lines[1]["standing"], &lines[1]["because"]),
        (1, &"suspended".into(), &serde_json::json!(["n1", "n2"]))
    );
    assert_eq!(ledger(&proxy, &["withdraw", "n1", "--why", "误报"]).0, 0);
    eventually("clear", || get(proxy.http, "one.cn", "/").status() == 200);
}

#[test]
fn sealed_servers_ended_contracts_and_closed_periods_refuse() {
    let origin = Origin::page("fine");
    let proxy = in_front_of(&origin);
    assert_eq!(
        ledger(&proxy, &["period", "declare", "p", "--to", "2199-01-01T00:00:00+08:00", "--close-interactive"]).0,
        0
    );
    eventually("closed", || {
        let mut client = Client::connect(proxy.http);
        client.send("POST / HTTP/1.1\r\nHost: one.cn\r\nContent-Length: 0\r\n\r\n").response().reason()
            == "interactive_closed"
    });
    assert_eq!(get(proxy.http, "one.cn", "/").status(), 200);
    assert_eq!(ledger(&proxy, &["seal", "127.0.0.1", "--why", "封存"]).0, 0);
    eventually("sealed", || get(proxy.http, "two.cn", "/").reason() == "terminated");
    assert_eq!(ledger(&proxy, &["unseal", "127.0.0.1", "--why", "解封"]).0, 0);
    eventually("unsealed", || get(proxy.http, "two.cn", "/").status() == 200);
    assert_eq!(ledger(&proxy, &["terminate", "u2", "--why", "11.4"]).0, 0);
    eventually("ended", || get(proxy.http, "two.cn", "/").reason() == "terminated");
    assert_eq!(get(proxy.http, "one.cn", "/").status(), 200);
    let (status, said) = ledger(&proxy, &["suspend", "nobody", "--why", "w"]);
    assert!(status == 1 && said.contains("\"nobody\""), "{said}");
}

const EVENTS: &str = r#"{"type":"notice","id":"n1","service":"s1","class":"vulgar","at":"2026-03-15T10:00:00+08:00","recorded":"2026-03-15T11:00:00+08:00"}
{"type":"unit","unit":"u1","parent":"up"}
{"type":"unit","unit":"up","parent":null}
{"type":"service","service":"s1","unit":"u1","kind":"virtual_host"}
{"type":"finding","id":"f1","service":"s1","class":"political","page":"http://a.cn/x","rule":"r","content":"9f","at":"2026-02-15T00:00:00+08:00"}
{"type":"review","finding":"f1","decision":"confirmed","by":"reviewer","at":"2026-03-16T00:00:00+08:00"}
{"type":"reinstatement","unit":"u1","kind":"virtual_host","at":"2026-03-17T00:00:00+08:00"}
"#;

#[test]
fn a_replay_prints_each_unit_and_kind() {
    let dir = Setup::new().directory();
    std::fs::write(dir.path().join("events.jsonl"), EVENTS).unwrap();
    let replay = |arguments: &[&str]| {
        let arguments: Vec<&str> = ["ledger", "replay", "--json"].iter().chain(arguments).copied().collect();
        zhamen(dir.path(), &arguments, EVENTS.as_bytes())
    };
    let run = replay(&["--at", "2026-03-16T12:00:00+08:00", "events.jsonl"]);
    assert_eq!(run.status, 0, "{}", run.err);
    let nothing = r#"{"political_vulgar":0,"other":0}"#;
    let nobody = format!(r#"{{"month":{nothing},"year":{nothing}}}"#);
    let expected = [
        format!(
            r#"{{"unit":"u1","kind":"server","standing":"clear","month":{nothing},"year":{nothing},"because":[],"below":{nobody}}}"#
        ),
        format!(
            r#"{{"unit":"u1","kind":"virtual_host","standing":"suspended","month":{{"political_vulgar":1,"other":0}},"year":{{"political_vulgar":2,"other":0}},"because":["f1","n1"],"below":{nobody}}}"#
        ),
        format!(
            r#"{{"unit":"up","kind":"server","standing":"clear","month":{nothing},"year":{nothing},"because":[],"below":{nobody}}}"#
        ),
        format!(
            r#"{{"unit":"up","kind":"virtual_host","standing":"clear","month":{nothing},"year":{nothing},"because":[],"below":{{"month":{{"political_vulgar":1,"other":0}},"year":{{"political_vulgar":2,"other":0}}}}}}"#
        ),
    ];
    assert_eq!(run.out.lines().collect::<Vec<_>>(), expected);
    let standing = |run: crate::harness::Run| -> String {
        serde_json::from_str::<serde_json::Value>(run.out.lines().nth(1).unwrap()).unwrap()["standing"].to_string()
    };
    assert_eq!(standing(replay(&["-"])), "\"clear\"", "after the reinstatement");
    let stricter = "[ledger.thresholds.virtual_host]\npolitical_vulgar = { month = 3 }\n";
    std::fs::write(dir.path().join("what-if.toml"), stricter).unwrap();
    let what_if = ["--config", "what-if.toml", "--at", "2026-03-16T12:00:00+08:00", "events.jsonl"];
    assert_eq!(standing(replay(&what_if)), "\"clear\"", "with another table");
    std::fs::write(dir.path().join("bad.jsonl"), format!("{EVENTS}{{\"type\":\"review\"}}\nnonsense\n")).unwrap();
    let run = replay(&["bad.jsonl"]);
    assert!(run.status == 2 && run.err.contains("bad.jsonl:8") && run.err.contains("bad.jsonl:9:"), "{}", run.err);
}

#[test]
fn who_is_suspended_is_refused_from_the_first_connection_after_a_start() {
    let origin = Origin::page("fine");
    // The port has to be the same again.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let row = |host: &str, unit: &str| {
        format!("{host},http://{},{unit},s-{unit},virtual_host,蜀ICP备12345678号,,", origin.address())
    };
    let listen = format!("[\"{port}\"]");
    let mut proxy = Setup::new().row(row("one.cn", "u1")).row(row("two.cn", "u2")).set("listen.http", &listen).run();
    assert_eq!(ledger(&proxy, &["suspend", "u1", "--why", "通报未整改"]).0, 0);
    let is_over = AtomicBool::new(false);
    let answers = std::thread::scope(|scope| {
        let hammers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut answers = Vec::new();
                    while !is_over.load(Ordering::Relaxed) {
                        // Nobody listens for a while.
                        let Ok(mut connection) = TcpStream::connect(port) else { continue };
                        let mut text = String::new();
                        let asked =
                            connection.write_all(b"GET / HTTP/1.1\r\nHost: one.cn\r\nConnection: close\r\n\r\n");
                        if asked.and_then(|()| connection.read_to_string(&mut text)).is_ok() && !text.is_empty() {
                            answers.push(text.split(' ').nth(1).unwrap_or_default().to_owned());
                        }
                    }
                    answers
                })
            })
            .collect();
        for _ in 0..5 {
            proxy.restart();
            assert_eq!(get(port, "two.cn", "/").status(), 200);
            assert_eq!(get(port, "one.cn", "/").reason(), "suspended");
        }
        is_over.store(true, Ordering::Relaxed);
        hammers.into_iter().flat_map(|hammer| hammer.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(answers.len() > 20, "{answers:?}");
    assert!(answers.iter().all(|status| status == "451"), "{answers:?}");
    assert_eq!(origin.asked(), 5, "the origin saw the other unit's alone");
}

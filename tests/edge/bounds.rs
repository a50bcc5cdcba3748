//! Limits: reached, they cost the one who reaches them, and nothing leaks.

use crate::harness::{Client, End, Origin, PHRASE, Setup, eventually, get, page_of, page_with};

const HTML: (&str, &str) = ("Content-Type", "text/html; charset=utf-8");

/// An origin with a clean, a bad and a late page, and one that breaks off.
fn mixed() -> Origin {
    let (clean, bad, late) = (page_of(50_000), page_with(PHRASE, 50_000), page_with(PHRASE, 300_000));
    Origin::start(move |exchange| match exchange.target().split('?').next().unwrap_or_default() {
        "/clean" => exchange.respond("200 OK", &[HTML], clean.as_bytes()),
        "/bad" => exchange.respond("200 OK", &[HTML], bad.as_bytes()),
        "/late" => exchange.respond("200 OK", &[HTML], late.as_bytes()),
        _ => {
            exchange.begin_chunked(&[HTML])?;
            exchange.chunk(clean.as_bytes())?;
            exchange.reset()
        }
    })
}

#[test]
fn what_was_held_is_given_back_whatever_the_end() {
    let origin = mixed();
    let zhamen = Setup::new().site("filed.cn", origin.address()).run();
    for round in 0..20 {
        for page in ["clean", "bad", "late", "broken"] {
            let mut client = Client::connect(zhamen.http);
            client.get("filed.cn", &format!("/{page}?{round}"));
            if round % 2 == 0 {
                let _ = client.wire.read_response("GET");
            }
        }
    }
    eventually("nothing held, nobody connected", || {
        zhamen.metric("zhamen_held_bytes") == 0.0
            && zhamen.metric("zhamen_connections{protocol=\"http\",side=\"client\"}") == 0.0
    });
    eventually("every request has its line", || zhamen.log().len() == 80);
    assert_eq!(zhamen.metric("zhamen_panics_total"), 0.0);
    assert_eq!(zhamen.metric("zhamen_events_dropped_total"), 0.0);
}

#[test]
fn without_memory_to_hold_pages_are_scanned_all_the_same() {
    let origin = mixed();
    let setup = || Setup::new().site("filed.cn", origin.address()).set("scan.hold", "\"1MiB\"");
    let zhamen = setup().set("scan.hold_time", "\"20s\"").run();
    assert_eq!(get(zhamen.http, "filed.cn", "/late").reason(), "content_blocked", "held whole");
    let zhamen = setup().set("scan.hold_time", "\"20s\"").set("limits.held", "\"64KiB\"").run();
    let response = get(zhamen.http, "filed.cn", "/late");
    assert_eq!((response.status(), response.end), (200, End::Cut), "held no more, and stopped");
    assert!(!response.text().contains(PHRASE) && !response.body.is_empty());
    let response = get(zhamen.http, "filed.cn", "/clean");
    assert_eq!((response.status(), response.end), (200, End::Whole));
    assert!(response.body == page_of(50_000).as_bytes());
}

#[test]
fn connections_beyond_the_limit_are_turned_away() {
    let origin = mixed();
    let zhamen = Setup::new().site("filed.cn", origin.address()).set("limits.connections", "4").run();
    let mut held: Vec<Client> = (0..4).map(|_| Client::connect(zhamen.http)).collect();
    for client in &mut held {
        assert_eq!(client.get("filed.cn", "/clean").response().status(), 200);
    }
    let mut beyond = Client::connect(zhamen.http);
    let answer = beyond.get("filed.cn", "/clean").response();
    assert_eq!((answer.status(), answer.reason()), (503, "overloaded"));
    assert!(beyond.is_closed());
    for client in &mut held {
        assert_eq!(client.get("filed.cn", "/clean").response().status(), 200, "those within are served on");
    }
    drop(held);
    eventually("room again", || {
        let mut client = Client::connect(zhamen.http);
        let sent = client.wire.send("GET /clean HTTP/1.1\r\nHost: filed.cn\r\n\r\n");
        sent.is_ok() && client.wire.read_response("GET").is_ok_and(|response| response.status() == 200)
    });
}

#[test]
fn two_workers_share_their_locks() {
    let origin = mixed();
    let zhamen = Setup::new().site("filed.cn", origin.address()).set("workers.threads", "2").run();
    assert_eq!(get(zhamen.http, "filed.cn", "/late").end, End::Cut);
    for _ in 0..20 {
        // Each connection is taken by the one or the other.
        assert_eq!(get(zhamen.http, "filed.cn", "/late").reason(), "page_locked");
    }
    assert_eq!(origin.asked(), 1);
}

#[test]
fn locks_are_bounded_and_the_oldest_goes() {
    let origin = mixed();
    let zhamen = Setup::new()
        .site("filed.cn", origin.address())
        .set("limits.locks", "5")
        .set("ledger.locks.directory_after", "0")
        .run();
    for page in 0..8 {
        assert_eq!(get(zhamen.http, "filed.cn", &format!("/late?{page}")).end, End::Cut);
    }
    zhamen.metric_becomes("zhamen_locked_pages", 5.0);
    assert_eq!(get(zhamen.http, "filed.cn", "/late?7").reason(), "page_locked");
    assert_eq!(get(zhamen.http, "filed.cn", "/late?0").end, End::Cut, "read, and stopped, anew");
}

//! Pages that are locked after a late hit: 451 before the origin is asked, read again at intervals,
//! unlocked when clean.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::harness::{
    Client, End, Origin, PHRASE, Setup, Zhamen, eventually, get, page_of, page_with, zhamen as zhamen_command,
};

const HTML: (&str, &str) = ("Content-Type", "text/html; charset=utf-8");

/// An origin with a page that has the phrase behind 300 KB, until it is cleaned.
fn setup(recheck: &str) -> (Origin, Arc<AtomicBool>, Zhamen) {
    let clean = Arc::new(AtomicBool::new(false));
    let cleaned = Arc::clone(&clean);
    let (bad, good) = (page_with(PHRASE, 300_000), page_of(300_000));
    let origin = Origin::start(move |exchange| {
        let page = if cleaned.load(Ordering::SeqCst) || exchange.target() == "/other" { &good } else { &bad };
        exchange.respond("200 OK", &[HTML, ("ETag", "\"v\"")], page.as_bytes())
    });
    let zhamen = Setup::new().site("filed.cn", origin.address()).set("locks.recheck", &format!("\"{recheck}\"")).run();
    (origin, clean, zhamen)
}

#[test]
fn a_locked_page_is_refused_before_the_origin_is_asked() {
    let (origin, _, zhamen) = setup("1h");
    assert_eq!(get(zhamen.http, "filed.cn", "/late").end, End::Cut);
    for _ in 0..3 {
        let response = get(zhamen.http, "filed.cn", "/late");
        assert_eq!((response.status(), response.reason()), (451, "page_locked"));
        assert!(response.field("link").is_some());
    }
    let response =
        Client::connect(zhamen.http).send("HEAD /late HTTP/1.1\r\nHost: FILED.cn.\r\n\r\n").response_to("HEAD");
    assert_eq!((response.status(), response.reason()), (451, "page_locked"));
    assert_eq!(origin.targets(), ["/late"]);
    assert_eq!(get(zhamen.http, "filed.cn", "/other").status(), 200);
    zhamen.metric_becomes("zhamen_locked_pages", 1.0);
    zhamen.metric_becomes("zhamen_events_total{kind=\"page_locked\"}", 1.0);
    zhamen.metric_becomes("zhamen_refusals_total{reason=\"page_locked\"}", 4.0);
}

#[test]
fn a_locked_page_that_is_read_again_and_bad_stays_locked() {
    let (origin, _, zhamen) = setup("1ms");
    assert_eq!(get(zhamen.http, "filed.cn", "/late").end, End::Cut);
    std::thread::sleep(std::time::Duration::from_millis(5));
    for _ in 0..2 {
        // Held whole now: no byte of it gets out.
        let response = get(zhamen.http, "filed.cn", "/late");
        assert_eq!((response.status(), response.reason()), (451, "page_locked"));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(origin.asked(), 3, "read again each time");
    zhamen.metric_becomes("zhamen_locked_pages", 1.0);
}

#[test]
fn a_locked_page_unlocks_itself_when_clean() {
    let (origin, clean, zhamen) = setup("1ms");
    assert_eq!(get(zhamen.http, "filed.cn", "/late").end, End::Cut);
    clean.store(true, Ordering::SeqCst);
    std::thread::sleep(std::time::Duration::from_millis(5));
    let mut client = Client::connect(zhamen.http);
    // Conditions of the client must not make the reading empty.
    client.send("GET /late HTTP/1.1\r\nHost: filed.cn\r\nIf-None-Match: \"v\"\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status(), response.end), (200, End::Whole));
    assert!(response.body == page_of(300_000).as_bytes());
    assert_eq!(origin.requests()[1].field("if-none-match"), None);
    zhamen.metric_becomes("zhamen_locked_pages", 0.0);
    zhamen.metric_becomes("zhamen_events_total{kind=\"page_unlocked\"}", 1.0);
    assert_eq!(get(zhamen.http, "filed.cn", "/late").status(), 200);
}

#[test]
fn an_owner_has_his_page_read_again_and_it_opens_only_if_it_is_clean() {
    let (origin, clean, zhamen) = setup("1h");
    assert_eq!(get(zhamen.http, "filed.cn", "/late").end, End::Cut);
    let ask = || {
        let asked = origin.asked();
        eventually("the lock on the record", || {
            zhamen_command(&zhamen.path(""), &["ledger", "unlock", "filed.cn/late", "--owner"], b"").status == 0
        });
        let read_again = || {
            let response = get(zhamen.http, "filed.cn", "/late");
            (response.status(), origin.asked() > asked)
        };
        let mut answer = read_again();
        eventually("read again", || {
            answer = read_again();
            answer.1
        });
        answer.0
    };
    assert_eq!(ask(), 451, "it is as bad as before");
    clean.store(true, Ordering::SeqCst);
    eventually("clean, and open", || {
        zhamen_command(&zhamen.path(""), &["ledger", "unlock", "filed.cn/late", "--owner"], b"");
        get(zhamen.http, "filed.cn", "/late").status() == 200
    });
}

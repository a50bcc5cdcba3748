//! What one address, one site and one slow client may ask for, and how newcomers are turned away.

use std::time::{Duration, Instant};

use crate::harness::{Client, End, Origin, Setup, Zhamen, ask, eventually, get, page_of};

fn in_front_of(origin: &Origin, settings: &[(&str, &str)]) -> Zhamen {
    let setup = Setup::new().site("filed.cn", origin.address()).site("other.cn", origin.address());
    settings.iter().fold(setup, |setup, (key, value)| setup.set(key, value)).run()
}

#[test]
fn an_address_that_asks_too_often_is_told_when_to_come_back() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin, &[("limits.requests_per_address", "{ rate = 1, burst = 3 }")]);
    let mut client = Client::connect(zhamen.http);
    for _ in 0..3 {
        assert_eq!(client.get("filed.cn", "/").response().status(), 200);
    }
    let refused = client.get("filed.cn", "/").response();
    assert_eq!((refused.status(), refused.reason()), (429, "rate_limited"));
    assert_eq!(refused.field("Retry-After"), Some("1"));
    assert_eq!(get(zhamen.http, "other.cn", "/").status(), 429, "whatever the site and the connection");
    assert_eq!(origin.asked(), 3);
    eventually("let in again, on the same connection", || client.get("filed.cn", "/").response().status() == 200);
    eventually("counted", || zhamen.metric("zhamen_refusals_total{reason=\"rate_limited\"}") >= 2.0);
}

#[test]
fn a_site_has_its_share_and_its_neighbour_another() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin, &[("limits.requests_per_site", "{ rate = 1, burst = 2 }")]);
    assert_eq!(get(zhamen.http, "filed.cn", "/").status(), 200);
    assert_eq!(get(zhamen.http, "www.filed.cn", "/").status(), 200, "a host of the same site");
    assert_eq!(get(zhamen.http, "filed.cn", "/").reason(), "rate_limited");
    assert_eq!(get(zhamen.http, "other.cn", "/").status(), 200);
}

#[test]
fn an_address_has_so_many_connections_and_no_more() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin, &[("limits.connections_per_address", "2")]);
    let mut held: Vec<Client> = (0..2).map(|_| Client::connect(zhamen.http)).collect();
    for client in &mut held {
        assert_eq!(client.get("filed.cn", "/").response().status(), 200);
    }
    let mut third = Client::connect(zhamen.http);
    let refused = third.get("filed.cn", "/").response();
    assert_eq!((refused.status(), refused.reason()), (429, "rate_limited"));
    assert!(third.is_closed());
    assert_eq!(zhamen.metric("zhamen_connections_shed_total{reason=\"address\"}"), 1.0);
    drop(held.pop());
    eventually("room for another", || get(zhamen.http, "filed.cn", "/").status() == 200);
    assert_eq!(held[0].get("filed.cn", "/").response().status(), 200);
}

#[test]
fn a_target_that_is_too_long_is_refused_by_its_name() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin, &[("limits.uri", "\"1KiB\"")]);
    let of_length = |length: usize| format!("/{}", "a".repeat(length - 1));
    assert_eq!(get(zhamen.http, "filed.cn", &of_length(1_024)).status(), 200);
    let refused = get(zhamen.http, "filed.cn", &of_length(1_025));
    assert_eq!((refused.status(), refused.reason()), (414, "uri_too_long"));
}

#[test]
fn a_head_that_stalls_is_timed_out_and_silence_is_not() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin, &[("timeouts.request_head", "\"300ms\"")]);
    let mut silent = Client::connect(zhamen.http);
    let stalled = ask(zhamen.http, "GET / HTTP/1.1\r\nHost: filed.cn\r\nX-Slow: ");
    assert_eq!((stalled.status(), stalled.reason()), (408, "request_timeout"));
    assert_eq!(stalled.field("Connection"), Some("close"));
    assert_eq!(silent.get("filed.cn", "/").response().status(), 200);
}

#[test]
fn a_head_that_comes_drop_by_drop_is_cut_all_the_same() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin, &[("timeouts.request_head", "\"500ms\"")]);
    let mut client = Client::connect(zhamen.http);
    client.send("GET / HTTP/1.1\r\nHost: filed.cn\r\n");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) && client.wire.send("X: y\r\n").is_ok() {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(zhamen.logged("")["reason"] == "request_timeout");
    assert_eq!(origin.asked(), 0);
}

#[test]
fn a_body_that_comes_too_slowly_is_given_up() {
    let origin = Origin::start(|exchange| {
        exchange.body()?;
        exchange.respond("200 OK", &[], b"taken")
    });
    let limits = [("limits.min_rate", "1000"), ("timeouts.slow", "\"300ms\"")];
    let zhamen = in_front_of(&origin, &limits);
    let mut client = Client::connect(zhamen.http);
    client.send("POST / HTTP/1.1\r\nHost: filed.cn\r\nContent-Length: 100000\r\n\r\n");
    for _ in 0..50 {
        if client.wire.send("x").is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let refused = client.response();
    assert_eq!((refused.status(), refused.reason()), (408, "request_timeout"));
    assert_eq!(zhamen.metric("zhamen_slow_clients_total"), 1.0);
    let fast = format!("POST / HTTP/1.1\r\nHost: filed.cn\r\nContent-Length: 100000\r\n\r\n{}", "x".repeat(100_000));
    assert_eq!(ask(zhamen.http, fast).status(), 200);
}

#[test]
fn a_client_that_takes_nothing_of_a_response_is_cut() {
    let page = page_of(8 << 20);
    let origin = Origin::of_type("application/octet-stream", page);
    let limits = [("limits.min_rate", "100000"), ("timeouts.slow", "\"300ms\"")];
    let zhamen = in_front_of(&origin, &limits);
    let mut client = Client::connect(zhamen.http);
    client.get("filed.cn", "/");
    zhamen.metric_becomes("zhamen_slow_clients_total", 1.0);
    zhamen.metric_becomes("zhamen_connections{protocol=\"http\",side=\"client\"}", 0.0);
    drop(client);
    let mut eager = Client::connect(zhamen.http);
    let response = eager.get("filed.cn", "/").response();
    assert_eq!((response.status(), response.end), (200, End::Whole));
}

#[test]
fn who_keeps_a_text_waiting_is_cut_early_where_nothing_more_may_be_held() {
    let page = page_of(8 << 20);
    let length = page.len();
    let origin = Origin::page(page);
    // What it takes to read on may be kept for one of them at most. `timeouts.slow` is far away.
    let zhamen = in_front_of(&origin, &[("limits.held", "\"64KiB\""), ("timeouts.slow", "\"1h\"")]);
    let mut held: Vec<Client> = (0..3).map(|_| Client::connect(zhamen.http)).collect();
    for client in &mut held {
        client.get("filed.cn", "/");
    }
    eventually("the others are cut", || zhamen.metric("zhamen_slow_clients_total") >= 2.0);
    let eager = get(zhamen.http, "filed.cn", "/");
    assert_eq!((eager.status(), eager.end, eager.body.len()), (200, End::Whole, length));
}

#[test]
fn an_exchange_has_a_time_of_its_own_if_the_operator_says_so() {
    let origin = Origin::start(|exchange| {
        exchange.begin_chunked(&[("Content-Type", "application/octet-stream")])?;
        loop {
            exchange.chunk(b"and so on")?;
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let zhamen = in_front_of(&origin, &[("timeouts.request", "\"500ms\"")]);
    let mut client = Client::connect(zhamen.http);
    assert_eq!(client.get("filed.cn", "/").response().end, End::Cut);
    assert_eq!(zhamen.logged("/")["outcome"], "origin_broke");
}

#[test]
fn without_descriptors_newcomers_are_shed_and_the_rest_is_served() {
    let origin = Origin::page("fine");
    let setup = Setup::new().site("filed.cn", origin.address());
    let zhamen = setup.descriptors(80).run();
    let mut first = Client::connect(zhamen.http);
    assert_eq!(first.get("filed.cn", "/").response().status(), 200);
    let mut held: Vec<Client> = (0..120).map(|_| Client::connect(zhamen.http)).collect();
    // Not asked of the admin listener, which has no descriptor for who comes, either.
    let shed = held.last_mut().unwrap().response();
    assert_eq!((shed.status(), shed.reason()), (503, "overloaded"));
    assert_eq!(first.get("filed.cn", "/").response().status(), 200, "over the connection of before");
    let (before, began) = (zhamen.cpu_ticks(), Instant::now());
    std::thread::sleep(Duration::from_millis(500));
    let busy = zhamen.cpu_ticks() - before;
    assert!(busy < 20, "{busy} ticks of CPU in {:?}: it spins", began.elapsed());
    drop(held);
    eventually("served again", || {
        let mut client = Client::connect(zhamen.http);
        let sent = client.wire.send("GET / HTTP/1.1\r\nHost: filed.cn\r\n\r\n");
        sent.is_ok() && client.wire.read_response("GET").is_ok_and(|response| response.status() == 200)
    });
    assert!(zhamen.metric("zhamen_connections_shed_total{reason=\"descriptors\"}") > 0.0);
}

#[test]
fn who_comes_while_it_stops_is_told_so_and_who_was_there_is_served() {
    let origin = Origin::page("fine");
    let mut zhamen = in_front_of(&origin, &[("timeouts.drain_idle", "\"10s\"")]);
    let (mut kept, mut idle) = (Client::connect(zhamen.http), Client::connect(zhamen.http));
    for client in [&mut kept, &mut idle] {
        assert_eq!(client.get("filed.cn", "/").response().field("Connection"), None);
    }
    zhamen.signal("TERM");
    eventually("stopping", || get(zhamen.http, "filed.cn", "/").reason() == "draining");
    let last = kept.get("filed.cn", "/").response();
    assert_eq!((last.status(), last.field("Connection")), (200, Some("close")));
    assert!(kept.is_closed());
    assert_eq!(idle.get("filed.cn", "/").response().status(), 200, "late, and served");
    assert_eq!(zhamen.wait(), 0);
}

#[test]
fn a_customer_of_ipv6_is_one_address() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(
        &origin,
        &[
            ("listen.proxy_protocol_from", "[\"127.0.0.1\"]"),
            ("limits.requests_per_address", "{ rate = 1, burst = 3 }"),
            ("limits.connections_per_address", "4"),
        ],
    );
    let from = |address: &str| {
        let mut client = Client::connect(zhamen.http);
        client.send(format!("PROXY TCP6 {address} 2001:db8::80 1000 80\r\n"));
        client
    };
    let mut neighbours: Vec<Client> =
        ["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::3", "2001:db8:1:2::4"].map(from).into();
    for neighbour in &mut neighbours[..3] {
        assert_eq!(neighbour.get("filed.cn", "/").response().status(), 200);
    }
    let refused = neighbours[3].get("filed.cn", "/").response();
    assert_eq!((refused.status(), refused.reason()), (429, "rate_limited"), "the fourth request of one /64");
    assert!(from("2001:db8:1:2::5").is_closed(), "and its fifth connection");
    assert_eq!(zhamen.metric("zhamen_connections_shed_total{reason=\"address\"}"), 1.0);
    assert_eq!(from("2001:db8:1:3::1").get("filed.cn", "/").response().status(), 200, "another /64");
}

#[test]
fn a_worker_that_is_late_refuses_instead_of_answering_too_late() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin, &[("limits.lag", "\"100ms\"")]);
    let mut client = Client::connect(zhamen.http);
    assert_eq!(client.get("filed.cn", "/").response().status(), 200);
    // It stands still for most of the time, and so does every beat of its pulse come late.
    let refused = (0..50).find_map(|_| {
        zhamen.signal("STOP");
        std::thread::sleep(Duration::from_millis(300));
        client.get("filed.cn", "/");
        zhamen.signal("CONT");
        let response = client.response();
        std::thread::sleep(Duration::from_millis(20));
        (response.status() != 200).then_some(response)
    });
    let refused = refused.expect("a refusal");
    assert_eq!((refused.status(), refused.reason()), (503, "overloaded"));
    assert!(zhamen.metric("zhamen_refusals_total{reason=\"overloaded\"}") >= 1.0);
    eventually("in time again", || client.get("filed.cn", "/").response().status() == 200);
}

//! Clients that vanish: their origin's connection is closed, and the log says so. Clients that
//! dawdle: they are not waited for.

use std::{
    net::Shutdown,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use crate::harness::{Client, Exchange, Origin, Setup, Zhamen, eventually, page_of};

fn in_front_of(origin: &Origin) -> Zhamen {
    Setup::new().site("filed.cn", origin.address()).run()
}

/// Sends pages without end, until the connection breaks.
fn without_end(exchange: &mut Exchange<'_>) -> std::io::Result<()> {
    exchange.begin_chunked(&[("Content-Type", "text/html")])?;
    let piece = page_of(100_000);
    loop {
        exchange.chunk(piece.as_bytes())?;
    }
}

fn assert_gone(zhamen: &Zhamen, origin: &Origin, target: &str) {
    eventually("the origin's connection closed", || origin.ended() == 1);
    let line = zhamen.logged(target);
    assert_eq!(line["outcome"], "client_gone", "{line}");
    eventually("both connections closed", || {
        zhamen.metric("zhamen_connections{protocol=\"http\",side=\"client\"}") == 0.0
            && zhamen.metric("zhamen_connections{protocol=\"any\",side=\"origin\"}") == 0.0
    });
}

#[test]
fn a_client_that_vanishes_within_the_response_takes_the_origin_connection_along() {
    let origin = Origin::start(without_end);
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    client.get("filed.cn", "/endless").head();
    client.wire.read_exactly(200_000).unwrap();
    drop(client);
    assert_gone(&zhamen, &origin, "/endless");
}

#[test]
fn a_client_that_resets_within_the_response_takes_the_origin_connection_along() {
    let origin = Origin::start(without_end);
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    client.get("filed.cn", "/endless").head();
    socket2::SockRef::from(&client.wire.stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    assert_gone(&zhamen, &origin, "/endless");
}

#[test]
fn a_client_that_vanishes_within_its_request_takes_the_origin_connection_along() {
    let origin = Origin::start(|exchange| {
        let body = exchange.body();
        assert!(body.is_err(), "half a body must not look whole");
        exchange.close()
    });
    let zhamen = in_front_of(&origin);
    for (number, framing) in ["Content-Length: 1000000", "Transfer-Encoding: chunked"].into_iter().enumerate() {
        let target = format!("/half{number}");
        let mut client = Client::connect(zhamen.http);
        client.send(format!("POST {target} HTTP/1.1\r\nHost: filed.cn\r\n{framing}\r\n\r\n"));
        client.send(if number == 0 { "half".into() } else { "3e8\r\n".to_owned() + &"x".repeat(1000) + "\r\n" });
        eventually("the origin was asked", || origin.asked() == number + 1);
        drop(client);
        eventually("the origin's connection closed", || origin.ended() == number + 1);
        assert_eq!(zhamen.logged(&target)["outcome"], "client_gone");
    }
}

#[test]
fn a_client_that_vanishes_while_the_origin_thinks_takes_its_connection_along() {
    static SAW_THE_END: AtomicBool = AtomicBool::new(false);
    let origin = Origin::start(|exchange| {
        SAW_THE_END.store(exchange.wire.is_closed(), Ordering::SeqCst);
        exchange.close()
    });
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    client.get("filed.cn", "/slow");
    eventually("the origin was asked", || origin.asked() == 1);
    drop(client);
    assert_gone(&zhamen, &origin, "/slow");
    assert!(SAW_THE_END.load(Ordering::SeqCst));
}

#[test]
fn a_client_that_stops_reading_is_cut_off() {
    let origin = Origin::start(without_end);
    let zhamen = Setup::new().site("filed.cn", origin.address()).set("timeouts.client_idle", "\"400ms\"").run();
    let mut client = Client::connect(zhamen.http);
    client.get("filed.cn", "/endless").head();
    eventually("the origin's connection closed", || origin.ended() == 1);
    assert_eq!(zhamen.logged("/endless")["outcome"], "client_gone");
}

#[test]
fn a_client_that_stops_sending_its_body_is_cut_off() {
    let origin = Origin::start(|exchange| {
        let _ = exchange.body();
        exchange.close()
    });
    let zhamen = Setup::new().site("filed.cn", origin.address()).set("timeouts.client_idle", "\"400ms\"").run();
    let mut client = Client::connect(zhamen.http);
    client.send("POST /slow HTTP/1.1\r\nHost: filed.cn\r\nContent-Length: 10\r\n\r\nhalf");
    assert_eq!(client.response().reason(), "request_timeout");
    assert!(client.is_closed());
    assert_eq!(zhamen.logged("/slow")["reason"], "request_timeout");
}

#[test]
fn a_head_that_does_not_end_is_not_waited_for() {
    let origin = Origin::page("fine");
    let zhamen = Setup::new().site("filed.cn", origin.address()).set("timeouts.request_head", "\"400ms\"").run();
    let mut client = Client::connect(zhamen.http);
    client.send("GET / HTTP/1.1\r\nHost: fi");
    assert_eq!(client.response().reason(), "request_timeout");
    assert!(client.is_closed());
}

#[test]
fn an_idle_connection_ends() {
    let origin = Origin::page("fine");
    let zhamen = Setup::new().site("filed.cn", origin.address()).set("timeouts.keep_alive", "\"400ms\"").run();
    let mut client = Client::connect(zhamen.http);
    assert_eq!(client.get("filed.cn", "/").response().status(), 200);
    assert!(client.is_closed());
}

#[test]
fn a_client_that_came_for_nothing_is_nothing() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin);
    for _ in 0..20 {
        let client = Client::connect(zhamen.http);
        client.wire.stream.shutdown(Shutdown::Both).unwrap();
    }
    assert_eq!(crate::harness::get(zhamen.http, "filed.cn", "/").status(), 200);
    assert_eq!(zhamen.metric("zhamen_connections_rejected_total"), 0.0);
}

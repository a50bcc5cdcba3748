//! Origins that refuse, hang, break off and lie: the client is told, or sees an unclean end, and the
//! log says which.

use std::{io::Write, net::TcpListener, time::Instant};

use crate::harness::{Client, End, Exchange, Origin, PATIENCE, Setup, Zhamen, get, page_of, zhamen::pack};

const HTML: (&str, &str) = ("Content-Type", "text/html; charset=utf-8");

fn in_front_of(origin: &Origin) -> Zhamen {
    let timeouts = ["connect", "origin_head", "origin_idle"];
    let setup = Setup::new().site("filed.cn", origin.address());
    timeouts.iter().fold(setup, |setup, name| setup.set(&format!("timeouts.{name}"), "\"400ms\"")).run()
}

fn origin_sending(bytes: impl Into<Vec<u8>>) -> Origin {
    let bytes = bytes.into();
    Origin::start(move |exchange| {
        exchange.send(&bytes)?;
        exchange.close()
    })
}

fn assert_refused(zhamen: &Zhamen, target: &str, status: u16, reason: &str) {
    let response = get(zhamen.http, "filed.cn", target);
    assert_eq!((response.status(), response.reason()), (status, reason), "{target}");
    assert_eq!(response.end, End::Whole);
    assert_eq!(zhamen.logged(target)["reason"], reason);
}

#[test]
fn an_origin_that_refuses_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let zhamen = Setup::new().site("filed.cn", address).run();
    assert_refused(&zhamen, "/", 502, "origin_unreachable");
    zhamen.metric_becomes("zhamen_origin_connections_total{result=\"failed\"}", 1.0);
}

#[test]
fn an_origin_whose_name_is_unknown_is_unreachable() {
    let zhamen = Setup::new().row("filed.cn,http://nothing.invalid:80,u1,s1,server,蜀ICP备12345678号,,").run();
    assert_refused(&zhamen, "/", 502, "origin_unreachable");
}

#[test]
fn an_origin_that_never_answers_is_timed_out() {
    let origin = Origin::start(|exchange| {
        let _ = exchange.wire.fill();
        exchange.close()
    });
    let zhamen = in_front_of(&origin);
    let begun = Instant::now();
    assert_refused(&zhamen, "/hangs", 504, "origin_timeout");
    assert!(begun.elapsed() < PATIENCE / 2);
}

#[test]
fn an_origin_that_stops_within_its_head_is_timed_out() {
    let origin = Origin::start(|exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nContent-")?;
        let _ = exchange.wire.fill();
        exchange.close()
    });
    assert_refused(&in_front_of(&origin), "/hangs", 504, "origin_timeout");
}

/// What an origin does instead of answering on.
type Then = fn(&mut Exchange<'_>) -> std::io::Result<()>;

const CLOSE: Then = |exchange| exchange.close();
const RESET: Then = |exchange| exchange.reset();
/// Waits until the proxy has had enough.
const HANG: Then = |exchange| {
    let _ = exchange.wire.fill();
    exchange.close()
};

/// Sends so much of a page of 500 KB, then does something else.
fn partly(sent: usize, then: Then) -> Origin {
    let page = page_of(500_000);
    Origin::start(move |exchange| {
        exchange
            .send(format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", page.len()))?;
        exchange.send(&page.as_bytes()[..sent])?;
        then(exchange)
    })
}

#[test]
fn an_origin_that_breaks_off_early_is_told_of_with_a_page() {
    for then in [RESET, CLOSE] {
        let origin = partly(1_000, then);
        let zhamen = Setup::new().site("filed.cn", origin.address()).set("scan.hold_time", "\"20s\"").run();
        assert_refused(&zhamen, "/short", 502, "origin_protocol");
    }
}

#[test]
fn an_origin_that_hangs_within_a_page_that_is_held_is_timed_out() {
    let origin = partly(1_000, HANG);
    let zhamen = Setup::new()
        .site("filed.cn", origin.address())
        .set("scan.hold_time", "\"20s\"")
        .set("timeouts.origin_idle", "\"400ms\"")
        .run();
    assert_refused(&zhamen, "/hangs", 504, "origin_timeout");
}

#[test]
fn an_origin_that_breaks_off_late_leaves_an_unclean_end() {
    for (name, then) in [("/reset", RESET), ("/close", CLOSE), ("/hang", HANG)] {
        let origin = partly(300_000, then);
        let zhamen = in_front_of(&origin);
        let response = get(zhamen.http, "filed.cn", name);
        assert_eq!((response.status(), response.end), (200, End::Cut), "{name}");
        assert!(page_of(500_000).as_bytes().starts_with(&response.body), "{name}");
        assert_eq!(zhamen.logged(name)["outcome"], "origin_broke", "{name}");
    }
}

#[test]
fn a_chunked_body_that_breaks_off_leaves_an_unclean_end() {
    for ending in ["", "5\r\nhel", "zz\r\nhello\r\n", "5\r\nhelloX\r\n0\r\n\r\n"] {
        let origin = Origin::start(move |exchange| {
            exchange.begin_chunked(&[HTML])?;
            exchange.chunk(page_of(300_000).as_bytes())?;
            exchange.send(ending)?;
            exchange.close()
        });
        let zhamen = in_front_of(&origin);
        let response = get(zhamen.http, "filed.cn", "/chunks");
        assert_eq!((response.status(), response.end), (200, End::Cut), "{ending:?}");
        assert_eq!(zhamen.logged("/chunks")["outcome"], "origin_broke", "{ending:?}");
    }
}

#[test]
fn a_body_that_ends_with_a_reset_is_not_whole() {
    let origin = Origin::start(|exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")?;
        exchange.send(page_of(300_000))?;
        // Time for what was sent to be read: a reset throws it away.
        std::thread::sleep(std::time::Duration::from_millis(300));
        exchange.reset()
    });
    let zhamen = in_front_of(&origin);
    let response = get(zhamen.http, "filed.cn", "/reset");
    assert_eq!((response.status(), response.end), (200, End::Cut));
}

#[test]
fn bytes_beyond_the_length_go_to_nobody() {
    let origin = Origin::start(|exchange| {
        let extra = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
        exchange.send(format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello{extra}"))
    });
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    for target in ["/1", "/2", "/3"] {
        let response = client.get("filed.cn", target).response();
        assert_eq!((response.text().as_str(), response.end), ("hello", End::Whole));
    }
    assert_eq!(origin.connections(), 3, "a connection with something on it is not used again");
}

#[test]
fn heads_without_end_are_refused_and_cost_little() {
    let endless: Then = |exchange| {
        exchange.send("HTTP/1.1 200 OK\r\n")?;
        let line = "X-Endless: yes\r\n".repeat(1_000);
        for _ in 0..100_000 {
            exchange.send(&line)?;
        }
        exchange.close()
    };
    let one_line: Then = |exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nX-Endless: ")?;
        for _ in 0..10_000 {
            exchange.send(vec![b'a'; 100_000])?;
        }
        exchange.close()
    };
    let interim: Then = |exchange| {
        for _ in 0..1_000_000 {
            exchange.send("HTTP/1.1 103 Early Hints\r\n\r\n")?;
        }
        exchange.close()
    };
    for (target, handler) in [("/endless", endless), ("/line", one_line)] {
        let origin = Origin::start(handler);
        let zhamen = in_front_of(&origin);
        assert_refused(&zhamen, target, 502, "origin_protocol");
        assert!(zhamen.memory_kib("VmHWM") < 200 * 1024);
    }
    let origin = Origin::start(interim);
    let zhamen = in_front_of(&origin);
    let response = get(zhamen.http, "filed.cn", "/interim");
    assert_eq!((response.status(), response.reason()), (502, "origin_protocol"));
}

#[test]
fn what_is_not_http_is_refused() {
    for answer in [
        "garbage\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 999 X\r\n\r\n",
        "HTTP/1.1 99 X\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        "",
        "HTTP/1.1 200",
    ] {
        let origin = origin_sending(answer);
        let zhamen = in_front_of(&origin);
        let response = get(zhamen.http, "filed.cn", "/");
        assert_eq!((response.status(), response.reason()), (502, "origin_protocol"), "{answer:?}");
    }
}

#[test]
fn a_length_beside_chunks_does_not_count() {
    let origin = Origin::start(|exchange| {
        exchange.send(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
             5\r\nhello\r\n0\r\n\r\n",
        )
    });
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    for _ in 0..2 {
        assert_eq!(client.get("filed.cn", "/").response().text(), "hello");
    }
    assert_eq!(origin.connections(), 2, "such an origin's connection is not used again");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_truncated_gzip_passes_as_it_is_or_is_blocked_as_decided() {
    let mut body = gzip(page_of(20_000).as_bytes());
    body.truncate(body.len() / 2);
    let sent = body.clone();
    let origin =
        Origin::start(move |exchange| exchange.respond("200 OK", &[HTML, ("Content-Encoding", "gzip")], &sent));
    let zhamen = in_front_of(&origin);
    let response = get(zhamen.http, "filed.cn", "/");
    assert_eq!(response.status(), 200);
    assert!(response.body == body);
    let line = zhamen.logged("/");
    assert_eq!((&line["inspection"], &line["inspection_reason"]), (&"partial".into(), &"decode_error".into()));
    let zhamen = Setup::new().site("filed.cn", origin.address()).set("scan.on.decode_error", "\"block\"").run();
    assert_refused(&zhamen, "/", 451, "content_blocked");
}

#[test]
fn a_decompression_bomb_costs_little() {
    let bomb = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let zeros = vec![b' '; 1 << 20];
        for _ in 0..512 {
            encoder.write_all(&zeros).unwrap();
        }
        encoder.finish().unwrap()
    };
    let sent = bomb.clone();
    let origin =
        Origin::start(move |exchange| exchange.respond("200 OK", &[HTML, ("Content-Encoding", "gzip")], &sent));
    let zhamen = in_front_of(&origin);
    let before = zhamen.memory_kib("VmRSS");
    let response = get(zhamen.http, "filed.cn", "/bomb");
    assert!(response.body == bomb);
    let line = zhamen.logged("/bomb");
    assert_eq!((&line["inspection"], &line["inspection_reason"]), (&"partial".into(), &"over_budget".into()));
    let peak = zhamen.memory_kib("VmHWM");
    assert!(peak < before + 24 * 1024, "{before} KiB before, {peak} KiB at most");
}

#[test]
fn an_origin_that_reads_no_body_holds_up_the_client_and_not_our_memory() {
    let origin = Origin::start(|exchange| {
        std::thread::sleep(std::time::Duration::from_secs(2));
        exchange.close()
    });
    let zhamen = Setup::new().site("filed.cn", origin.address()).run();
    let before = zhamen.memory_kib("VmRSS");
    let mut client = Client::connect(zhamen.http);
    client.send("POST /up HTTP/1.1\r\nHost: filed.cn\r\nContent-Length: 500000000\r\n\r\n");
    client.wire.stream.set_write_timeout(Some(std::time::Duration::from_millis(500))).unwrap();
    let mut sent = 0;
    while sent < 500_000_000 {
        match client.wire.stream.write(&[0; 65_536]) {
            Ok(count) => sent += count,
            Err(_) => break,
        }
    }
    assert!(sent < 50_000_000, "{sent} bytes were taken that nobody read");
    let peak = zhamen.memory_kib("VmHWM");
    assert!(peak < before + 24 * 1024, "{before} KiB before, {peak} KiB at most");
}

#[test]
fn one_bad_origin_leaves_the_others_alone() {
    let hanging = Origin::start(|exchange| {
        let _ = exchange.wire.fill();
        exchange.close()
    });
    let good = Origin::page("fine");
    let zhamen = Setup::new()
        .site("hangs.cn", hanging.address())
        .site("good.cn", good.address())
        .pack("test.toml", pack("test", "block", &["秘密暗号测试"]))
        .run();
    let mut waiting = Vec::new();
    for _ in 0..50 {
        let mut client = Client::connect(zhamen.http);
        client.get("hangs.cn", "/");
        waiting.push(client);
    }
    for _ in 0..20 {
        assert_eq!(get(zhamen.http, "good.cn", "/").text(), "fine");
    }
}

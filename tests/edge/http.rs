//! HTTP/1.1 on both sides: framing, connections, interim responses, upgrades, backpressure.

use std::{thread, time::Duration};

use crate::harness::{Client, End, Exchange, Origin, Setup, Zhamen, ask, eventually, get, text_of};

/// A body that no scanner looks at.
const OPAQUE: (&str, &str) = ("Content-Type", "application/octet-stream");

fn in_front_of(origin: &Origin) -> Zhamen {
    Setup::new().site("filed.cn", origin.address()).run()
}

/// Gives back what it is sent.
fn echo(exchange: &mut Exchange<'_>) -> std::io::Result<()> {
    let body = exchange.body()?;
    exchange.respond("200 OK", &[OPAQUE], &body)
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    (0..bytes)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

#[test]
fn two_requests_on_one_connection_use_one_origin_connection() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    for target in ["/1", "/2", "/3"] {
        let response = client.get("filed.cn", target).response();
        assert_eq!((response.status(), response.text().as_str()), (200, "fine"));
    }
    assert_eq!((origin.asked(), origin.connections()), (3, 1));
    zhamen.metric_becomes("zhamen_origin_connections_total{result=\"reused\"}", 2.0);
    zhamen.metric_becomes("zhamen_origin_connections_total{result=\"new\"}", 1.0);
}

#[test]
fn an_idle_origin_connection_that_was_closed_is_replaced() {
    let origin = Origin::start(|exchange| {
        exchange.respond("200 OK", &[OPAQUE], b"fine")?;
        exchange.close()
    });
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    for target in ["/1", "/2", "/3"] {
        assert_eq!(client.get("filed.cn", target).response().status(), 200);
    }
    assert_eq!(origin.targets(), ["/1", "/2", "/3"]);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let origin = Origin::start(|exchange| {
        let body = exchange.target().to_owned();
        exchange.respond("200 OK", &[OPAQUE], body.as_bytes())
    });
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    let requests: String = (0..20).map(|number| format!("GET /{number} HTTP/1.1\r\nHost: filed.cn\r\n\r\n")).collect();
    client.send(requests);
    for number in 0..20 {
        assert_eq!(client.response().text(), format!("/{number}"));
    }
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let origin = Origin::start(echo);
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    for byte in b"POST /x HTTP/1.1\r\nHost: filed.cn\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" {
        client.send([*byte]);
    }
    assert_eq!(client.response().text(), "abc");
}

#[test]
fn head_has_the_length_and_no_body() {
    let origin = Origin::page("a page");
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    let response = client.send("HEAD / HTTP/1.1\r\nHost: filed.cn\r\n\r\n").response_to("HEAD");
    assert_eq!((response.status(), response.field("content-length")), (200, Some("6")));
    assert_eq!(client.get("filed.cn", "/").response().text(), "a page", "nothing stands between");
}

#[test]
fn bodyless_responses_end_with_their_heads() {
    let origin = Origin::start(|exchange| {
        let answer = match exchange.target() {
            "/204" => "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
            "/304" => "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 1234\r\n\r\n",
            _ => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        };
        exchange.send(answer)
    });
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    let response = client.get("filed.cn", "/204").response();
    assert_eq!((response.status(), response.field("x"), response.field("content-length")), (204, Some("y"), None));
    let response = client.get("filed.cn", "/304").response();
    assert_eq!((response.status(), response.field("etag")), (304, Some("\"a\"")));
    assert_eq!(client.get("filed.cn", "/200").response().body, b"");
    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_range_of_a_file_passes() {
    let origin = Origin::start(|exchange| {
        assert_eq!(exchange.head.field("range"), Some("bytes=2-5"));
        exchange.respond("206 Partial Content", &[OPAQUE, ("Content-Range", "bytes 2-5/10")], b"cdef")
    });
    let zhamen = in_front_of(&origin);
    let response = ask(zhamen.http, "GET /film.mp4 HTTP/1.1\r\nHost: filed.cn\r\nRange: bytes=2-5\r\n\r\n");
    assert_eq!((response.status(), response.text().as_str()), (206, "cdef"));
    assert_eq!(response.field("content-range"), Some("bytes 2-5/10"));
}

#[test]
fn chunked_responses_pass_with_their_trailers() {
    let origin = Origin::start(|exchange| {
        exchange.begin_chunked(&[OPAQUE, ("Trailer", "X-Checksum")])?;
        for piece in ["one ", "two ", "three"] {
            exchange.chunk(piece.as_bytes())?;
        }
        exchange.send("0\r\nX-Checksum: 42\r\n\r\n")
    });
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    for _ in 0..2 {
        client.send("GET /x HTTP/1.1\r\nHost: filed.cn\r\nTE: trailers\r\n\r\n");
        let response = client.response();
        assert_eq!((response.text().as_str(), response.end), ("one two three", End::Whole));
        assert_eq!(response.trailers, [("X-Checksum".to_owned(), "42".to_owned())]);
    }
    assert_eq!(origin.requests()[0].field("te"), Some("trailers"));
    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_scanned_page_keeps_its_trailers_too() {
    let origin = Origin::start(|exchange| {
        exchange.begin_chunked(&[("Content-Type", "text/html")])?;
        exchange.chunk(b"<p>page</p>")?;
        exchange.send("0\r\nX-Checksum: 42\r\n\r\n")
    });
    let zhamen = in_front_of(&origin);
    let response = get(zhamen.http, "filed.cn", "/");
    assert_eq!(response.text(), "<p>page</p>");
    assert_eq!(response.trailers, [("X-Checksum".to_owned(), "42".to_owned())]);
}

#[test]
fn a_response_that_ends_with_its_connection_passes() {
    let body = noise(300_000);
    let sent = body.clone();
    let origin = Origin::start(move |exchange| {
        exchange.send("HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n")?;
        exchange.send(&sent)?;
        exchange.close()
    });
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    for _ in 0..2 {
        let response = client.get("filed.cn", "/").response();
        assert_eq!(response.end, End::Whole);
        assert!(response.body == body, "{} bytes instead of {}", response.body.len(), body.len());
    }
    assert_eq!(origin.connections(), 2);
}

#[test]
fn an_http_1_0_client_is_served_without_chunks() {
    let origin = Origin::start(|exchange| {
        exchange.begin_chunked(&[OPAQUE])?;
        exchange.chunk(b"one ")?;
        exchange.chunk(b"two")?;
        exchange.send("0\r\n\r\n")
    });
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    let response = client.send("GET /x HTTP/1.0\r\nHost: filed.cn\r\n\r\n").response();
    assert_eq!((response.text().as_str(), response.field("transfer-encoding")), ("one two", None));
    assert!(client.is_closed());
    assert!(origin.requests()[0].first_line.ends_with("HTTP/1.1"));
}

#[test]
fn an_http_1_0_client_may_keep_its_connection() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    for _ in 0..2 {
        client.send("GET /x HTTP/1.0\r\nHost: filed.cn\r\nConnection: keep-alive\r\n\r\n");
        let response = client.response();
        assert_eq!((response.text().as_str(), response.field("connection")), ("fine", Some("keep-alive")));
    }
}

#[test]
fn a_client_that_asks_to_close_is_closed() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    client.send("GET /x HTTP/1.1\r\nHost: filed.cn\r\nConnection: close\r\n\r\n");
    let response = client.response();
    assert_eq!((response.text().as_str(), response.field("connection")), ("fine", Some("close")));
    assert!(client.is_closed());
}

#[test]
fn the_body_waits_for_the_origin_to_continue() {
    let origin = Origin::start(|exchange| {
        assert_eq!(exchange.head.field("expect"), Some("100-continue"));
        if exchange.target() == "/no" {
            exchange.respond("413 Content Too Large", &[], b"no")?;
            return exchange.close();
        }
        exchange.send("HTTP/1.1 100 Continue\r\n\r\n")?;
        echo(exchange)
    });
    let zhamen = in_front_of(&origin);
    let head = |target| {
        format!("POST {target} HTTP/1.1\r\nHost: filed.cn\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    };
    let mut client = Client::connect(zhamen.http);
    client.send(head("/yes"));
    assert_eq!(client.head().status(), 100);
    assert_eq!(client.send("hello").response().text(), "hello");

    let mut client = Client::connect(zhamen.http);
    assert_eq!(client.send(head("/no")).response().status(), 413);

    let mut client = Client::connect(zhamen.http);
    client.send(head("/refused").replace("filed.cn", "nobody.cn"));
    let response = client.response();
    assert_eq!((response.status(), response.interim.len()), (403, 0), "no body was asked for");
    assert_eq!(origin.asked(), 2);
}

#[test]
fn early_hints_arrive_before_the_answer() {
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let origin = Origin::start(move |exchange| {
        exchange.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")?;
        let _ = wait.lock().unwrap().recv_timeout(crate::harness::PATIENCE);
        exchange.respond("200 OK", &[OPAQUE], b"fine")
    });
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    let hints = client.get("filed.cn", "/").head();
    assert_eq!((hints.status(), hints.field("link")), (103, Some("</a.css>; rel=preload")));
    release.send(()).unwrap();
    assert_eq!(client.response().text(), "fine");
}

#[test]
fn interim_responses_are_not_for_http_1_0() {
    let origin = Origin::start(|exchange| {
        exchange.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")?;
        exchange.respond("200 OK", &[OPAQUE], b"fine")
    });
    let zhamen = in_front_of(&origin);
    let response = ask(zhamen.http, "GET / HTTP/1.0\r\nHost: filed.cn\r\n\r\n");
    assert_eq!((response.interim.len(), response.text().as_str()), (0, "fine"));
}

#[test]
fn ten_megabytes_go_up_and_come_back() {
    let origin = Origin::start(echo);
    let zhamen = in_front_of(&origin);
    let body = noise(10_000_000);
    for chunked in [false, true] {
        let client = Client::connect(zhamen.http);
        let mut writer = client.wire.stream.try_clone().unwrap();
        let sent = body.clone();
        let writing = thread::spawn(move || {
            use std::io::Write;
            let head = "POST /echo HTTP/1.1\r\nHost: filed.cn\r\n";
            if chunked {
                writer.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).unwrap();
                for piece in sent.chunks(77_777) {
                    writer.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).unwrap();
                    writer.write_all(piece).unwrap();
                    writer.write_all(b"\r\n").unwrap();
                }
                writer.write_all(b"0\r\n\r\n").unwrap();
            } else {
                writer.write_all(format!("{head}Content-Length: {}\r\n\r\n", sent.len()).as_bytes()).unwrap();
                writer.write_all(&sent).unwrap();
            }
        });
        let mut client = client;
        let response = client.response();
        writing.join().unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.body == body, "{} bytes came back", response.body.len());
    }
    let request = &origin.requests()[1];
    assert_eq!((request.field("transfer-encoding"), request.field("content-length")), (Some("chunked"), None));
}

#[test]
fn an_answer_may_come_before_the_body_has_gone_up() {
    let origin = Origin::start(|exchange| {
        exchange.respond("403 Forbidden", &[("Connection", "close")], b"too large")?;
        // What is on its way is read, so that the answer is not lost with it.
        let _ = exchange.body();
        exchange.close()
    });
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    client.send("POST /x HTTP/1.1\r\nHost: filed.cn\r\nContent-Length: 1000000\r\n\r\n");
    client.send(vec![b'x'; 1000]);
    let response = client.response();
    assert_eq!((response.status(), response.text().as_str()), (403, "too large"));
}

#[test]
fn an_upgraded_connection_is_a_tunnel() {
    let origin = Origin::start(|exchange| {
        assert_eq!(exchange.head.field("upgrade"), Some("websocket"));
        assert_eq!(exchange.head.field("sec-websocket-key"), Some("abc"));
        // The first bytes of the tunnel come in one write with the head.
        exchange.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: xyz\r\n\r\nhello",
        )?;
        while exchange.wire.fill()? > 0 {
            let bytes = std::mem::take(&mut exchange.wire.buffer);
            exchange.send(bytes)?;
        }
        exchange.close()
    });
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    client.send(
        "GET /chat HTTP/1.1\r\nHost: filed.cn\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: abc\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    let head = client.head();
    assert_eq!((head.status(), head.field("upgrade")), (101, Some("websocket")));
    assert_eq!(head.field("sec-websocket-accept"), Some("xyz"));
    assert_eq!(client.wire.read_exactly(5).unwrap(), b"hello");
    for message in [&b"ping"[..], b"\0\xff\x81\x05raw", &noise(200_000)] {
        client.send(message);
        assert_eq!(client.wire.read_exactly(message.len()).unwrap(), message);
    }
    drop(client);
    eventually("the tunnel's other end closed", || origin.ended() == 1);
    assert_eq!(zhamen.logged("/chat")["outcome"], "tunnelled");
}

#[test]
fn a_switch_that_nobody_asked_for_is_refused() {
    let origin = Origin::start(|exchange| {
        exchange.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")?;
        let _ = exchange.wire.fill();
        exchange.close()
    });
    let zhamen = in_front_of(&origin);
    let response = get(zhamen.http, "filed.cn", "/");
    assert_eq!((response.status(), response.reason()), (502, "origin_protocol"));
}

#[test]
fn large_heads_pass_both_ways() {
    let cookie = "c".repeat(30_000);
    let expected = cookie.clone();
    let origin = Origin::start(move |exchange| {
        assert_eq!(exchange.head.field("cookie"), Some(expected.as_str()));
        assert_eq!(exchange.head.count("x-many"), 80);
        exchange.respond("200 OK", &[OPAQUE, ("Set-Cookie", &expected)], b"fine")
    });
    let zhamen = in_front_of(&origin);
    let many = "X-Many: y\r\n".repeat(80);
    let response = ask(zhamen.http, format!("GET / HTTP/1.1\r\nHost: filed.cn\r\nCookie: {cookie}\r\n{many}\r\n"));
    assert_eq!((response.status(), response.field("set-cookie")), (200, Some(cookie.as_str())));
}

/// 100 MB to a client that reads nothing, then slowly: the origin is held up, and what Zhamen keeps
/// of it is its buffers. Both for what is scanned and for what is not.
#[test]
fn a_slow_client_holds_up_its_origin_and_not_our_memory() {
    const BODY: usize = 100_000_000;
    let piece = text_of(1 << 20);
    let rounds = BODY / piece.len() + 1;
    for content_type in ["application/octet-stream", "text/html; charset=utf-8"] {
        let (piece, sent) = (piece.clone(), std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0)));
        let count = std::sync::Arc::clone(&sent);
        let origin = Origin::start(move |exchange| {
            exchange.begin_chunked(&[("Content-Type", content_type)])?;
            for _ in 0..rounds {
                exchange.chunk(piece.as_bytes())?;
                count.fetch_add(piece.len(), std::sync::atomic::Ordering::SeqCst);
            }
            exchange.send("0\r\n\r\n")
        });
        let zhamen = Setup::new().site("filed.cn", origin.address()).set("scan.max_decoded", "\"1GiB\"").run();
        let before = zhamen.memory_kib("VmRSS");
        let mut client = Client::connect(zhamen.http);
        client.get("filed.cn", "/large").head();
        // Nothing is read until the origin can send no more.
        let mut last = usize::MAX;
        while last != sent.load(std::sync::atomic::Ordering::SeqCst) {
            last = sent.load(std::sync::atomic::Ordering::SeqCst);
            thread::sleep(Duration::from_millis(500));
        }
        assert!(last < BODY / 2, "{content_type}: the origin could send {last} bytes that nobody read");
        let stalled = zhamen.memory_kib("VmRSS");
        let (body, trailers) = client.wire.read_chunked();
        let line = zhamen.logged("/large");
        assert!(trailers.is_some() && body.len() >= BODY, "{content_type}: {} bytes, {line}", body.len());
        let peak = zhamen.memory_kib("VmHWM");
        println!("{content_type}: {before} KiB before, {stalled} KiB stalled, {peak} KiB at most");
        assert!(peak < before + 24 * 1024, "{content_type}: {before} KiB before, {peak} KiB at most");
    }
}

#[test]
fn options_of_the_server_pass() {
    let origin = Origin::start(|exchange| exchange.respond("204 No Content", &[("Allow", "GET")], b""));
    let zhamen = in_front_of(&origin);
    let response = ask(zhamen.http, "OPTIONS * HTTP/1.1\r\nHost: filed.cn\r\n\r\n");
    assert_eq!((response.status(), response.field("allow")), (204, Some("GET")));
    assert_eq!(origin.targets(), ["*"]);
}

#[test]
fn targets_reach_the_origin_as_they_were_written() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin);
    let targets = ["/a//b/../c/./d", "/%41%2f%00", "/a;b=c?d=e&f=%20+", "/?", "/?a?b", "//double", "/~a/(b)'*!"];
    for target in targets {
        assert_eq!(get(zhamen.http, "filed.cn", target).status(), 200, "{target}");
    }
    assert_eq!(origin.targets(), targets);
    assert_eq!(get(zhamen.http, "filed.cn", "/中文").status(), 200);
    assert_eq!(origin.targets()[targets.len()], "/%E4%B8%AD%E6%96%87");
}

#[test]
fn fields_of_the_response_pass_and_hop_by_hop_ones_do_not() {
    let origin = Origin::start(|exchange| {
        let fields = [
            OPAQUE,
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("Connection", "X-Hop"),
            ("X-Hop", "1"),
            ("Keep-Alive", "timeout=5"),
            ("Server", "own"),
            ("X-Empty", ""),
        ];
        exchange.respond("200 Very Fine", &fields, b"fine")
    });
    let zhamen = in_front_of(&origin);
    let response = get(zhamen.http, "filed.cn", "/");
    assert_eq!(response.head.first_line, "HTTP/1.1 200 Very Fine");
    assert_eq!((response.head.count("set-cookie"), response.field("server")), (2, Some("own")));
    assert_eq!((response.field("x-empty"), response.field("date").is_some()), (Some(""), true));
    for gone in ["connection", "x-hop", "keep-alive"] {
        assert_eq!(response.field(gone), None, "{gone}");
    }
}

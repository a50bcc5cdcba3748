//! HTTP/2 with clients: the same gate, the same scan, the same origin; and what a connection may not do.

use std::{
    io::{Read, Write},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::sleep,
    time::Duration,
};

use bytes::Bytes;
use h2::{Reason, ext::Protocol};
use http::{HeaderMap, Method, Request};

use crate::harness::{
    Client, Origin, PHRASE, Setup, Zhamen, eventually,
    http2::{
        Authority, CONTINUATION, DATA, Frame, Frames, GOAWAY, HEADERS, Http2, PING, PREFACE, RST_STREAM, SETTINGS,
        block, frame, get, read,
    },
    page_of, page_with, text_of,
};

const CALM: u32 = 11;

/// A proxy that takes HTTP/2 with prior knowledge.
fn setup() -> Setup {
    Setup::new().set("http2.prior_knowledge", "true")
}

/// The proxy, and where it speaks TLS.
pub fn run_tls(setup: Setup, authority: &Authority) -> (Zhamen, SocketAddr) {
    let zhamen = setup.set("listen.https", "[\"127.0.0.1:0\"]").set("tls.certificates", &authority.setting()).run();
    let said = zhamen.said();
    let (_, rest) = said.split_once("https=[").unwrap();
    let https = rest.split([']', ',']).next().unwrap().parse().unwrap();
    (zhamen, https)
}

#[test]
fn a_page_comes_over_tls_by_alpn_and_both_protocols_are_offered() {
    let origin = Origin::page(page_of(500));
    let authority = Authority::of(&["a.cn", "b.cn"]);
    let (zhamen, https) =
        run_tls(Setup::new().site("a.cn", origin.address()).site("b.cn", origin.address()), &authority);
    assert_eq!(authority.connect(https, "a.cn", &["h2", "http/1.1"]).1.as_deref(), Some(&b"h2"[..]));
    assert_eq!(authority.connect(https, "a.cn", &["http/1.1"]).1.as_deref(), Some(&b"http/1.1"[..]));

    let client = Http2::connect_tls(https, "a.cn", &authority);
    let answer = client.get("https://a.cn/x?y=1");
    assert_eq!((answer.status, answer.body), (200, page_of(500).into_bytes()));
    assert_eq!(answer.fields.get("connection"), None);
    let request = &origin.requests()[0];
    assert_eq!(request.first_line, "GET /x?y=1 HTTP/1.1");
    assert_eq!((request.field("host"), request.field("x-forwarded-proto")), (Some("a.cn"), Some("https")));
    // The certificate covers the other host as well: one connection serves both (RFC 9113 section 9.1.1).
    assert_eq!(client.get("https://b.cn/").status, 200);
    // It does not cover this one.
    let answer = client.get("https://c.cn/");
    assert_eq!((answer.status, answer.field("zhamen-reason")), (421, "misdirected"));

    let line = zhamen.logged("/x?y=1");
    assert_eq!((&line["protocol"], &line["status"]), (&"h2".into(), &200.into()));
    zhamen.metric_becomes("zhamen_connections{protocol=\"h2\",side=\"client\"}", 1.0);
    zhamen.metric_becomes("zhamen_requests_total{outcome=\"forwarded\",protocol=\"h2\"}", 2.0);
    zhamen.metric_becomes("zhamen_requests_total{outcome=\"refused\",protocol=\"h2\"}", 1.0);
    drop(client);
    zhamen.metric_becomes("zhamen_http2_connections_ended_total{reason=\"client\"}", 1.0);
}

#[test]
fn of_the_ciphers_that_both_know_the_order_is_ours() {
    use rustls::crypto::aws_lc_rs::cipher_suite::{TLS13_AES_128_GCM_SHA256, TLS13_CHACHA20_POLY1305_SHA256};
    let authority = Authority::of(&["a.cn"]);
    let (_zhamen, https) = run_tls(Setup::new(), &authority);
    let mut suites = [TLS13_CHACHA20_POLY1305_SHA256, TLS13_AES_128_GCM_SHA256];
    for _ in 0..2 {
        assert_eq!(authority.suite(https, "a.cn", &suites).suite(), TLS13_AES_128_GCM_SHA256.suite());
        suites.reverse();
    }
}

#[test]
fn prior_knowledge_is_taken_only_where_it_is_configured() {
    let origin = Origin::page(page_of(200));
    let zhamen = setup().site("a.cn", origin.address()).run();
    assert_eq!(Http2::connect(zhamen.http).get("http://a.cn/").status, 200);
    assert_eq!(crate::harness::get(zhamen.http, "a.cn", "/").status(), 200);
    let zhamen = Setup::new().site("a.cn", origin.address()).run();
    let mut frames = Frames::connect(zhamen.http);
    let mut answer = Vec::new();
    let _ = frames.tcp.read_to_end(&mut answer);
    assert!(answer.starts_with(b"HTTP/1.1 400"), "{}", answer.escape_ascii());
}

#[test]
fn a_broken_request_of_http1_is_told_so_in_http1() {
    let zhamen = setup().run();
    for broken in ["GET / \r\n\r\n", "GET / HTTP/9.9\r\nHost: a.cn\r\n\r\n", "Some linePOST / HTTP/1.1\r\n\r\n"] {
        let answer = Client::connect(zhamen.http).send(broken).response();
        assert_eq!((answer.status(), answer.reason()), (400, "malformed_request"), "{broken:?}");
    }
}

#[test]
fn what_is_no_preface_is_told_so() {
    let zhamen = setup().run();
    for neither in [&b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"[..], b"INVALID CONNECTION PREFACE\r\n\r\n"] {
        let mut frames = Frames::silent(zhamen.http);
        frames.write(neither);
        assert_eq!(frames.goaway(), Some(1), "PROTOCOL_ERROR");
    }

    let authority = Authority::of(&["a.cn"]);
    let (_zhamen, https) = run_tls(Setup::new(), &authority);
    let (mut tls, _) = authority.connect(https, "a.cn", &["h2"]);
    tls.write_all(b"GET / HTTP/1.1\r\nHost: a.cn\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = tls.read_to_end(&mut answer);
    assert_eq!(answer.get(9..18), Some(&[0, 0, 8, 7, 0, 0, 0, 0, 0][..]), "GOAWAY");
    assert_eq!(answer.last(), Some(&1), "PROTOCOL_ERROR");
}

#[test]
fn a_head_says_what_it_says_over_http1() {
    let origin = Origin::page(page_of(100));
    let zhamen = setup().site("a.cn", origin.address()).run();
    let client = Http2::connect(zhamen.http);
    let request = Request::get("http://a.cn/x")
        .header("cookie", "a=1")
        .header("accept", "*/*")
        .header("cookie", "b=2")
        .header("te", "trailers")
        .header("x-forwarded-for", "10.0.0.1")
        .body(())
        .unwrap();
    assert_eq!(client.ask(request, &[], None).status, 200);
    let head = &origin.requests()[0];
    assert_eq!((head.field("cookie"), head.count("cookie")), (Some("a=1; b=2"), 1));
    assert_eq!((head.field("te"), head.field("x-forwarded-for")), (Some("trailers"), Some("127.0.0.1")));
    assert_eq!((head.field("content-length"), head.field("transfer-encoding")), (None, None));

    // Whoever says Host as well says the same.
    let host = |host: &str| Request::get("http://a.cn/").header("host", host).body(()).unwrap();
    assert_eq!(client.ask(host("a.cn"), &[], None).status, 200);
    let answer = client.ask(host("b.cn"), &[], None);
    assert_eq!((answer.status, answer.field("zhamen-reason")), (400, "bad_host"));
    // Only an extended CONNECT is one that is served.
    let connect = Request::builder().method(Method::CONNECT).uri("a.cn:443").body(()).unwrap();
    assert_eq!(client.ask(connect, &[], None).field("zhamen-reason"), "malformed_request");
    let head = client.ask(Request::head("http://a.cn/").body(()).unwrap(), &[], None);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.field("content-length"), page_of(100).len().to_string());
    assert_eq!(origin.asked(), 3);
}

#[test]
fn what_http1_cannot_carry_never_reaches_an_origin() {
    let origin = Origin::page(page_of(100));
    let zhamen = setup().site("a.cn", origin.address()).run();
    let basic = [(":method", "POST"), (":scheme", "http"), (":authority", "a.cn"), (":path", "/")];
    for (bad, fields) in [
        ("connection", vec![("connection", "close")]),
        ("transfer-encoding", vec![("transfer-encoding", "chunked")]),
        ("upgrade", vec![("upgrade", "websocket")]),
        ("keep-alive", vec![("keep-alive", "5")]),
        ("proxy-connection", vec![("proxy-connection", "keep-alive")]),
        ("te", vec![("te", "gzip")]),
        ("upper case", vec![("X-A", "1")]),
        ("line feed in a value", vec![("x-a", "1\r\nx-b: 2")]),
        ("line feed in a name", vec![("x-a: 1\r\nx-b", "2")]),
        ("space in a name", vec![("x a", "1")]),
        ("nul", vec![("x-a", "\0")]),
        ("two lengths", vec![("content-length", "0"), ("content-length", "1")]),
        ("a length that is none", vec![("content-length", "+1")]),
        ("pseudo-field behind", vec![("x-a", "1"), (":path", "/y")]),
        ("unknown pseudo-field", vec![(":x", "1")]),
        ("two methods", vec![(":method", "GET")]),
        ("alias", vec![("content_length", "4")]),
        ("two hosts", vec![("host", "a.cn"), ("host", "a.cn")]),
    ] {
        let mut frames = Frames::connect(zhamen.http);
        frames.send(HEADERS, 0x5, 1, &block(&[&basic[..], &fields].concat()));
        // A request behind it shows that the connection has taken the first.
        let answered = std::iter::from_fn(|| frames.next()).find(|frame| frame.stream == 1);
        let ended = answered.is_none_or(|frame| frame.kind == RST_STREAM || frame.kind == HEADERS);
        assert!(ended, "{bad}");
    }
    for path in ["/a b", "/\r\nGET / HTTP/1.1", "", "x", "//\t"] {
        let mut frames = Frames::connect(zhamen.http);
        let head = [(":method", "GET"), (":scheme", "http"), (":authority", "a.cn"), (":path", path)];
        frames.send(HEADERS, 0x5, 1, &block(&head));
        assert!(std::iter::from_fn(|| frames.next()).any(|frame| frame.stream == 1), "{path:?}");
    }
    for authority in ["a.cn/x", "u@a.cn", "a.cn b.cn", "a.cn\r\nx: y", "", "a.cn:x"] {
        let mut frames = Frames::connect(zhamen.http);
        frames.send(HEADERS, 0x5, 1, &get(authority, "/"));
        assert!(std::iter::from_fn(|| frames.next()).any(|frame| frame.stream == 1), "{authority:?}");
    }
    assert_eq!(origin.asked(), 0, "{:?}", origin.requests());
}

#[test]
fn a_body_is_framed_for_the_origin_by_what_it_is() {
    let bodies = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&bodies);
    let origin = Origin::start(move |exchange| {
        let chunked = exchange.head.field("transfer-encoding").is_some();
        let body = if chunked {
            let (body, trailers) = exchange.wire.read_chunked();
            seen.lock().unwrap().push((body, trailers.unwrap_or_default()));
            Vec::new()
        } else {
            exchange.body()?
        };
        exchange.respond("200 OK", &[("Content-Type", "text/plain")], &body)?;
        exchange.close()
    });
    let zhamen = setup().site("a.cn", origin.address()).run();
    let client = Http2::connect(zhamen.http);
    let post = |length: Option<&str>| {
        let mut request = Request::post("http://a.cn/");
        if let Some(length) = length {
            request = request.header("content-length", length);
        }
        request.body(()).unwrap()
    };
    assert_eq!(client.ask(post(Some("6")), &[b"abc", b"def"], None).body, b"abcdef");
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "7".parse().unwrap());
    assert_eq!(client.ask(post(None), &[b"abc", b"def"], Some(trailers)).status, 200);
    assert_eq!(client.ask(post(None), &[], None).status, 200);
    let (body, trailers) = bodies.lock().unwrap()[0].clone();
    assert_eq!((body, trailers), (b"abcdef".to_vec(), vec![("x-sum".to_owned(), "7".to_owned())]));
    let framing: Vec<_> = origin
        .requests()
        .iter()
        .map(|head| (head.field("content-length").map(str::to_owned), head.count("transfer-encoding")))
        .collect();
    assert_eq!(framing, [(Some("6".to_owned()), 0), (None, 1), (Some("0".to_owned()), 0)]);

    // A body that is not as long as it says is none.
    for (length, body) in [("5", &b"abcdef"[..]), ("7", b"abcdef")] {
        let answer = client.ask(post(Some(length)), &[body], None);
        assert_eq!(answer.reset, Some(Reason::PROTOCOL_ERROR), "{length}");
    }
}

#[test]
fn a_large_body_and_a_large_answer_keep_to_the_windows() {
    let text = text_of(2 << 20).into_bytes();
    let origin = Origin::start(|exchange| {
        let body = exchange.body()?;
        exchange.respond("200 OK", &[("Content-Type", "application/octet-stream")], &body)
    });
    let zhamen = setup().site("a.cn", origin.address()).run();
    let client = Http2::connect(zhamen.http);
    let answer = client.wait(async {
        let mut send = client.sender().ready().await.unwrap();
        let (response, mut stream) = send.send_request(Request::put("http://a.cn/").body(()).unwrap(), false).unwrap();
        stream.send_data(Bytes::from(text.clone()), true).unwrap();
        read(response.await).await
    });
    assert!(answer.body == text, "{} bytes of {}", answer.body.len(), text.len());
}

#[test]
fn answers_come_side_by_side_and_with_trailers() {
    let origin = Origin::start(|exchange| {
        if exchange.target() == "/slow" {
            sleep(Duration::from_millis(300));
        }
        exchange.send("HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n")?;
        exchange.send(
            "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTrailer: grpc-status\r\n\
             Transfer-Encoding: chunked\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n3\r\nabc\r\n0\r\ngrpc-status: 0\r\n\r\n",
        )
    });
    let zhamen = setup().site("a.cn", origin.address()).run();
    let client = Http2::connect(zhamen.http);
    let (slow, fast) = client.wait(async {
        let mut send = client.sender().ready().await.unwrap();
        let ask = |path: &str| Request::get(format!("http://a.cn{path}")).body(()).unwrap();
        let (slow, _) = send.send_request(ask("/slow"), true).unwrap();
        let mut send = send.ready().await.unwrap();
        let (fast, _) = send.send_request(ask("/fast"), true).unwrap();
        tokio::join!(async { (read(slow.await).await, std::time::Instant::now()) }, async {
            (read(fast.await).await, std::time::Instant::now())
        })
    });
    assert!(fast.1 < slow.1, "one waits for the other");
    for (answer, _) in [slow, fast] {
        assert_eq!((answer.status, &answer.body[..]), (200, &b"abc"[..]));
        assert_eq!(answer.trailers.unwrap().get("grpc-status").unwrap(), "0");
        assert_eq!((answer.fields.get("x-hop"), answer.fields.get("transfer-encoding")), (None, None));
    }
}

#[test]
fn an_interim_response_passes() {
    let origin = Origin::start(|exchange| {
        exchange.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")?;
        exchange.respond("200 OK", &[("Content-Type", "text/plain")], b"x")
    });
    let zhamen = setup().site("a.cn", origin.address()).run();
    let mut frames = Frames::connect(zhamen.http);
    frames.send(HEADERS, 0x5, 1, &get("a.cn", "/"));
    let heads: Vec<_> = std::iter::from_fn(|| frames.until(HEADERS)).take(2).collect();
    assert_eq!(heads.len(), 2);
    assert!(heads[0].flags & 1 == 0 && heads[0].payload.windows(3).any(|window| window == [0x82, 0x08, 0x19]), "103");
}

#[test]
fn what_is_forbidden_is_refused_or_cut() {
    let origin = Origin::start(|exchange| match exchange.target() {
        "/short" => {
            let page = page_with(PHRASE, 100);
            exchange.respond("200 OK", &[("Content-Type", "text/html; charset=utf-8")], page.as_bytes())
        }
        _ => {
            exchange.begin_chunked(&[("Content-Type", "text/html; charset=utf-8")])?;
            exchange.chunk(text_of(200 << 10).as_bytes())?;
            exchange.chunk(format!("<p>{PHRASE}</p>").as_bytes())?;
            exchange.chunk(text_of(100).as_bytes())?;
            exchange.chunk(b"")
        }
    });
    let zhamen = setup().site("a.cn", origin.address()).run();
    let client = Http2::connect(zhamen.http);
    let answer = client.get("http://a.cn/short");
    assert_eq!((answer.status, answer.field("zhamen-reason")), (451, "content_blocked"));
    assert_eq!(answer.field("content-length"), answer.body.len().to_string());
    let answer = client.get("http://a.cn/long");
    assert_eq!((answer.status, answer.reset), (200, Some(Reason::INTERNAL_ERROR)));
    let line = zhamen.logged("/long");
    assert_eq!((&line["outcome"], &line["protocol"]), (&"aborted".into(), &"h2".into()));
    // The connection goes on; the page is locked.
    assert_eq!(client.get("http://a.cn/long").field("zhamen-reason"), "page_locked");
    assert_eq!(client.get("http://unfiled.cn/").status, 403);
}

#[test]
fn a_refusal_does_not_wait_for_the_body() {
    let origin = Origin::page(page_of(100));
    let zhamen = setup().site("a.cn", origin.address()).run();
    let mut frames = Frames::connect(zhamen.http);
    let head = [(":method", "POST"), (":scheme", "http"), (":authority", "unfiled.cn"), (":path", "/")];
    frames.send(HEADERS, 0x4, 1, &block(&head));
    frames.send(DATA, 0, 1, b"GET / HTTP/1.1\r\nHost: a.cn\r\n\r\n");
    assert!(frames.until(HEADERS).is_some());
    // It is told that nobody reads the rest.
    let reset = frames.until(RST_STREAM).unwrap();
    assert_eq!((reset.stream, &reset.payload[..]), (1, &[0, 0, 0, 0][..]), "NO_ERROR");
    frames.send(HEADERS, 0x5, 3, &get("a.cn", "/"));
    assert_eq!(frames.until(HEADERS).unwrap().stream, 3);
    assert_eq!(origin.targets(), ["/"]);
}

#[test]
fn what_comes_behind_an_early_answer_is_read_and_judged() {
    let origin = Origin::start(|exchange| {
        exchange.respond("200 OK", &[("Content-Type", "text/plain")], b"early")?;
        exchange.close()
    });
    let zhamen = setup().site("a.cn", origin.address()).run();
    let mut frames = Frames::connect(zhamen.http);
    let fields = [(":method", "POST"), (":scheme", "http"), (":authority", "a.cn"), (":path", "/")];
    frames.send(HEADERS, 0x4, 1, &block(&fields));
    let answered = std::iter::from_fn(|| frames.next()).find(|frame| frame.kind == DATA && frame.flags & 1 == 1);
    assert_eq!(answered.unwrap().payload, b"early");
    // Trailers that do not end the stream (RFC 9113 section 8.1).
    frames.send(HEADERS, 0x4, 1, &block(&[("x-a", "b")]));
    assert_eq!(frames.until(RST_STREAM).unwrap().payload, [0, 0, 0, 1], "PROTOCOL_ERROR");
}

#[test]
fn what_is_no_request_is_counted_and_a_head_that_is_too_long_is_refused_by_name() {
    let zhamen = setup().set("limits.head", "\"4KiB\"").run();
    let mut frames = Frames::connect(zhamen.http);
    let with = |length: usize| [get("a.cn", "/long"), block(&[("x-a", &"a".repeat(length))])].concat();
    frames.send(HEADERS, 0x5, 1, &with(5_000));
    frames.until(HEADERS).unwrap();
    let line = eventually_logged(&zhamen);
    assert_eq!((line["status"].as_u64(), line["reason"].as_str()), (Some(400), Some("malformed_request")));
    // Far too long, and malformed: the protocol's own.
    frames.send(HEADERS, 0x5, 3, &with(9_000));
    frames.send(HEADERS, 0x5, 5, &[get("a.cn", "/"), block(&[("X-A", "b")])].concat());
    drop(frames);
    zhamen.metric_becomes("zhamen_http2_requests_rejected_total", 2.0);
    eventually("a line for both", || zhamen.log().len() == 2);
    let line = zhamen.log().remove(1);
    assert_eq!((line["reason"].as_str(), line["protocol"].as_str()), (Some("malformed_request"), Some("h2")));
    assert!(line["detail"].as_str().is_some_and(|detail| detail.ends_with(": 2")), "{line}");
    zhamen.metric_becomes("zhamen_refusals_total{reason=\"malformed_request\"}", 2.0);
}

fn eventually_logged(zhamen: &Zhamen) -> serde_json::Value {
    eventually("a line in the log", || !zhamen.log().is_empty());
    zhamen.log().remove(0)
}

#[test]
fn a_client_that_takes_its_request_back_ends_the_exchange() {
    let origin = Origin::start(|exchange| {
        exchange.wire.is_closed();
        exchange.close()
    });
    let zhamen = setup().site("a.cn", origin.address()).run();
    let client = Http2::connect(zhamen.http);
    client.wait(async {
        let mut send = client.sender().ready().await.unwrap();
        let (response, mut stream) = send.send_request(Request::get("http://a.cn/").body(()).unwrap(), false).unwrap();
        while origin.asked() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stream.send_reset(Reason::CANCEL);
        drop(response);
    });
    eventually("the origin's connection closed", || origin.ended() == 1);
    assert_eq!(zhamen.logged("/")["outcome"], "client_gone");
}

#[test]
fn a_websocket_begins_with_the_origins_101() {
    let origin = Origin::start(|exchange| {
        if exchange.target() == "/no" {
            return exchange.respond("200 OK", &[], b"no tunnel");
        }
        let key = exchange.head.field("sec-websocket-key").unwrap_or_default().to_owned();
        assert_eq!(exchange.method(), "GET");
        assert_eq!(exchange.head.field("upgrade"), Some("websocket"));
        let accept = if exchange.target() == "/lie" { "x".to_owned() } else { accept(&key) };
        exchange.send(format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: chat\r\n\r\nhello"
        ))?;
        let echo = exchange.wire.read_exactly(4)?;
        exchange.send(echo)?;
        exchange.close()
    });
    let zhamen = setup().site("a.cn", origin.address()).run();
    let client = Http2::connect(zhamen.http);
    let connect = |path: &str| {
        Request::builder()
            .method(Method::CONNECT)
            .uri(format!("http://a.cn{path}"))
            .extension(Protocol::from_static("websocket"))
            .header("sec-websocket-version", "13")
            .header("sec-websocket-protocol", "chat")
            .body(())
            .unwrap()
    };
    client.wait(async {
        let mut send = client.sender().ready().await.unwrap();
        while !send.is_extended_connect_protocol_enabled() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let (response, mut stream) = send.send_request(connect("/ws"), false).unwrap();
        let response = response.await.unwrap();
        assert_eq!(
            (response.status(), response.headers().get("sec-websocket-accept")),
            (200.try_into().unwrap(), None)
        );
        assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
        stream.send_data(Bytes::from_static(b"ping"), false).unwrap();
        let (mut body, mut heard) = (response.into_body(), Vec::new());
        while let Some(piece) = body.data().await {
            heard.extend_from_slice(&piece.unwrap());
        }
        assert_eq!(heard, b"helloping");
        stream.send_data(Bytes::new(), true).unwrap();
    });
    eventually("the tunnel logged", || zhamen.log().iter().any(|line| line["outcome"] == "tunnelled"));
    for path in ["/no", "/lie"] {
        let answer = client.ask(connect(path), &[], None);
        assert_eq!((answer.status, answer.field("zhamen-reason")), (502, "origin_protocol"), "{path}");
    }
}

/// RFC 6455 section 4.2.2.
fn accept(key: &str) -> String {
    use base64::Engine;
    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(digest)
}

#[test]
fn stopping_lets_what_runs_end_and_takes_nothing_new() {
    let origin = Origin::start(|exchange| {
        sleep(Duration::from_millis(500));
        exchange.respond("200 OK", &[("Content-Type", "text/plain")], b"done")
    });
    let mut zhamen = setup().site("a.cn", origin.address()).run();
    let client = Http2::connect(zhamen.http);
    let answer = client.wait(async {
        let mut send = client.sender().ready().await.unwrap();
        let (response, _) = send.send_request(Request::get("http://a.cn/").body(()).unwrap(), true).unwrap();
        while origin.asked() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        zhamen.signal("TERM");
        read(response.await).await
    });
    assert_eq!((answer.status, &answer.body[..]), (200, &b"done"[..]));
    assert_eq!(zhamen.wait(), 0);
}

#[test]
fn what_a_connection_begins_with_is_answered_once_whenever_it_asks() {
    let origin = Origin::page("hello");
    let zhamen = setup().site("a.cn", origin.address()).run();
    let begin = [&PREFACE[..24], &frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0])].concat();
    let update = frame(8, 0, 0, &[0, 1, 0, 0]);
    let request = frame(HEADERS, 0x5, 1, &get("a.cn", "/"));
    let cases: [&[&[u8]]; 6] = [
        &[&[&begin[..], &request].concat()],
        &[&begin, &request],
        &[&begin[..24], &begin[24..], &update, &request],
        &[
            &begin[..10],
            &begin[10..30],
            &[&begin[30..], &update[..5]].concat(),
            &update[5..],
            &request[..4],
            &request[4..],
        ],
        &[&[&begin[..], &update].concat(), &frame(PING, 0, 0, &[0; 8]), &request],
        &[&begin, &frame(SETTINGS, 0x1, 0, &[]), &frame(0xfa, 0, 0, b"x"), &request],
    ];
    for pieces in cases {
        let mut frames = Frames::silent(zhamen.http);
        let mut seen = Vec::new();
        let mut write = Vec::new();
        for piece in pieces {
            let had_begun = write.len() >= begin.len();
            write.extend_from_slice(piece);
            frames.write(piece);
            // What is due is said although nothing is asked for.
            if !had_begun && write.len() >= begin.len() {
                while !seen.iter().any(|frame: &Frame| frame.kind == SETTINGS && frame.flags == 1) {
                    seen.push(frames.next().unwrap());
                }
            }
            sleep(Duration::from_millis(20));
        }
        while !seen.iter().any(|frame| frame.kind == DATA && frame.flags & 1 != 0) {
            seen.push(frames.next().unwrap());
        }
        let count = |kind, flags| seen.iter().filter(|frame| frame.kind == kind && frame.flags == flags).count();
        assert_eq!((count(SETTINGS, 0), count(SETTINGS, 1), count(GOAWAY, 0)), (1, 1, 0), "{seen:?}");
        assert_eq!((seen[0].kind, seen[0].flags), (SETTINGS, 0), "it comes first (RFC 9113 section 3.4)");
        assert_eq!(count(PING, 1), usize::from(write.windows(9).any(|nine| nine == [0, 0, 8, PING, 0, 0, 0, 0, 0])));
        let body: Vec<u8> =
            seen.iter().filter(|frame| frame.kind == DATA).flat_map(|frame| frame.payload.clone()).collect();
        assert_eq!(body, b"hello");
    }
}

#[test]
fn an_idle_connection_is_told_to_go() {
    let zhamen = setup().set("timeouts.keep_alive", "\"200ms\"").run();
    let mut frames = Frames::connect(zhamen.http);
    assert_eq!(frames.goaway(), Some(0));
    zhamen.metric_becomes("zhamen_http2_connections_ended_total{reason=\"idle\"}", 1.0);
}

#[test]
fn floods_end_the_connection_and_cost_nothing() {
    let origin = Origin::page(page_of(100));
    let zhamen = setup().site("a.cn", origin.address()).run();
    let settings = frame(SETTINGS, 0, 0, &[]);
    let head = frame(
        HEADERS,
        0x4,
        1,
        &block(&[(":method", "POST"), (":scheme", "http"), (":authority", "a.cn"), (":path", "/")]),
    );
    let floods: [(&str, Vec<u8>, Vec<u8>); 6] = [
        ("ping", Vec::new(), frame(PING, 0, 0, &[0; 8])),
        ("settings", Vec::new(), settings),
        ("priority", Vec::new(), frame(2, 0, 1, &[0, 0, 0, 3, 1])),
        ("window updates", Vec::new(), frame(8, 0, 0, &[0, 0, 0, 1])),
        ("empty data", head.clone(), frame(DATA, 0, 1, &[])),
        ("unknown", Vec::new(), frame(0xfa, 0, 0, &[])),
    ];
    let before = zhamen.memory_kib("VmRSS");
    for (what, first, again) in &floods {
        let mut frames = Frames::connect(zhamen.http);
        frames.write(first);
        // Twice as many as are taken; what is not read any more may not go out.
        frames.write(&again.repeat(2_500));
        assert_eq!(frames.goaway(), Some(CALM), "{what}");
    }
    zhamen.metric_becomes("zhamen_http2_connections_ended_total{reason=\"flood\"}", 6.0);
    let grown = zhamen.memory_kib("VmRSS").saturating_sub(before);
    assert!(grown < 16 << 10, "{grown} KiB");
    assert_eq!(Http2::connect(zhamen.http).get("http://a.cn/").status, 200);
}

#[test]
fn requests_that_are_taken_back_are_counted() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let origin = Origin::start(move |exchange| {
        counted.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_millis(20));
        exchange.respond("200 OK", &[], b"x")
    });
    let zhamen = setup().set("http2.resets", "50").site("a.cn", origin.address()).run();
    // All at once, and one by one.
    for pause in [Duration::ZERO, Duration::from_millis(2)] {
        let mut frames = Frames::connect(zhamen.http);
        for number in 0..500 {
            let stream = 2 * number + 1;
            let pair = [frame(HEADERS, 0x5, stream, &get("a.cn", "/")), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])];
            if !frames.write(&pair.concat()) {
                break;
            }
            sleep(pause);
        }
        assert_eq!(frames.goaway(), Some(CALM), "{pause:?}");
    }
    zhamen.metric_becomes("zhamen_http2_connections_ended_total{reason=\"flood\"}", 2.0);
    assert!(asked.load(Ordering::SeqCst) <= 110, "{asked:?}");
}

#[test]
fn resets_that_a_client_makes_us_send_are_counted() {
    let zhamen = setup().run();
    let mut frames = Frames::connect(zhamen.http);
    for number in 0..400 {
        let stream = 2 * number + 1;
        // A window larger than there are is an error of the stream (RFC 9113 section 6.9.1).
        let update = frame(8, 0, stream, &[0x7f, 0xff, 0xff, 0xff]);
        let pair = [frame(HEADERS, 0x4, stream, &get("a.cn", "/")), update];
        if !frames.write(&pair.concat()) {
            break;
        }
    }
    assert_eq!(frames.goaway(), Some(CALM));
}

#[test]
fn a_head_without_end_ends_the_connection() {
    let zhamen = setup().run();
    let mut frames = Frames::connect(zhamen.http);
    frames.send(HEADERS, 0, 1, &get("a.cn", "/"));
    let piece = block(&[("x-a", &"a".repeat(1_000))]);
    while frames.send(CONTINUATION, 0, 1, &piece.repeat(16)) {}
    assert!(matches!(frames.goaway(), Some(CALM) | None));
    // One field put into the table and named without end: a bomb.
    let mut frames = Frames::connect(zhamen.http);
    let mut bomb = get("a.cn", "/");
    bomb.extend([0x40, 1, b'x', 127, 0xa9, 0x1e]);
    bomb.extend([b'a'; 127 + 0x29 + 0x1e * 128]);
    bomb.extend([0xbe; 8_000]);
    frames.send(HEADERS, 0x5, 1, &bomb);
    let answer = std::iter::from_fn(|| frames.next()).find(|frame| frame.stream == 1);
    assert!(answer.is_none_or(|frame| frame.kind == RST_STREAM || frame.kind == HEADERS));
    assert!(zhamen.memory_kib("VmHWM") < 300 << 10);
}

#[test]
fn heads_of_all_streams_together_are_bounded() {
    let origin = Origin::start(|exchange| {
        sleep(Duration::from_secs(2));
        exchange.respond("200 OK", &[], b"x")
    });
    let zhamen = setup().set("limits.head", "\"8KiB\"").site("a.cn", origin.address()).run();
    let mut frames = Frames::connect(zhamen.http);
    let head = [get("a.cn", "/"), block(&[("x-a", &"a".repeat(6_000))])].concat();
    for number in 0..14 {
        frames.send(HEADERS, 0x5, 2 * number + 1, &head);
    }
    let ended = |frame: &Frame| matches!(frame.kind, HEADERS | RST_STREAM);
    let (refused, served): (Vec<_>, Vec<_>) =
        std::iter::from_fn(|| frames.next()).filter(ended).take(14).partition(|frame| frame.kind == RST_STREAM);
    assert!(refused.iter().all(|frame| frame.payload == [0, 0, 0, 7]), "REFUSED_STREAM");
    assert_eq!((refused.len(), served.len()), (4, 10), "of 64 KiB each takes 6");
    // What was held is given back.
    frames.send(HEADERS, 0x5, 101, &head);
    assert_eq!(frames.until(HEADERS).unwrap().stream, 101);
}

#[test]
fn no_more_streams_than_allowed_run_at_a_time() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, max) = (Arc::clone(&running), Arc::clone(&most));
    let origin = Origin::start(move |exchange| {
        max.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        sleep(Duration::from_millis(100));
        now.fetch_sub(1, Ordering::SeqCst);
        exchange.respond("200 OK", &[], b"x")
    });
    let zhamen = setup().set("http2.streams", "5").site("a.cn", origin.address()).run();
    let mut frames = Frames::connect(zhamen.http);
    for number in 0..12 {
        frames.send(HEADERS, 0x5, 2 * number + 1, &get("a.cn", "/"));
    }
    let answers = std::iter::from_fn(|| frames.next()).filter(|frame| matches!(frame.kind, HEADERS | RST_STREAM));
    let (refused, answered): (Vec<_>, Vec<_>) = answers.take(12).partition(|frame| frame.kind == RST_STREAM);
    assert_eq!((refused.len(), answered.len()), (7, 5));
    assert!(refused.iter().all(|frame| frame.payload == [0, 0, 0, 7]), "REFUSED_STREAM");
    assert_eq!(most.load(Ordering::SeqCst), 5);
}

#[test]
fn who_reads_nothing_costs_a_window_and_is_let_go() {
    let body = text_of(8 << 20).into_bytes();
    let origin = Origin::of_type("application/octet-stream", body);
    let zhamen = setup().set("timeouts.client_idle", "\"1s\"").site("a.cn", origin.address()).run();
    let before = zhamen.memory_kib("VmRSS");
    // A window of nothing: the head comes, the body never.
    let mut silent = Frames::silent(zhamen.http);
    silent.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    silent.send(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    for number in 0..50 {
        silent.send(HEADERS, 0x5, 2 * number + 1, &get("a.cn", "/"));
    }
    // Windows without bounds, and a socket that nobody reads.
    let mut greedy = Frames::silent(zhamen.http);
    greedy.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    greedy.send(SETTINGS, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff]);
    greedy.send(8, 0, 0, &[0x7f, 0, 0, 0]);
    for number in 0..50 {
        greedy.send(HEADERS, 0x5, 2 * number + 1, &get("a.cn", "/"));
    }
    eventually("all asked", || origin.asked() == 100);
    eventually("all let go", || zhamen.log().iter().filter(|line| line["outcome"] == "client_gone").count() == 100);
    let grown = zhamen.memory_kib("VmHWM").saturating_sub(before);
    assert!(grown < 48 << 10, "{grown} KiB");
    let reset = silent.until(RST_STREAM).unwrap();
    assert_ne!(reset.stream, 0);
}

#[test]
fn curl_speaks_with_it_where_it_is_installed() {
    let origin = Origin::page(page_of(300));
    let zhamen = setup().site("a.cn", origin.address()).run();
    let url = format!("http://{}/", zhamen.http);
    let arguments = ["-s", "--http2-prior-knowledge", "-H", "Host: a.cn", "-w", "%{http_version} %{http_code}", "-o"];
    let Ok(run) = std::process::Command::new("curl").args(arguments).args(["/dev/null", &url]).output() else { return };
    // A curl without HTTP/2 says so.
    if run.status.code() != Some(1) {
        assert_eq!(String::from_utf8_lossy(&run.stdout), "2 200");
    }
    // Beside it HTTP/1.1 goes on.
    assert_eq!(Client::connect(zhamen.http).get("a.cn", "/").response().status(), 200);
}

//! HTTP/2 with origins: one connection for all requests, and everything passes both ways.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use h2::{Reason, ext::Protocol};
use http::{HeaderMap, Request};

use crate::harness::{
    Client, PHRASE, Setup, ask, eventually, get,
    http2::{Authority, Http2, Http2Origin, read, respond},
    page_of, page_with,
};

const MANY: usize = usize::MAX;

fn setup() -> Setup {
    Setup::new().set("http2.prior_knowledge", "true")
}

#[test]
fn all_requests_share_a_connection() {
    let origin = Http2Origin::start(MANY, async |_, answer, _| respond(answer, "text/html", page_of(20_000)));
    let zhamen = setup().row(origin.row("a.cn")).run();
    let answer = get(zhamen.http, "a.cn", "/x?y=1");
    assert_eq!((answer.status(), answer.text()), (200, page_of(20_000)));
    assert_eq!(answer.field("via"), Some("2.0 zhamen"));
    let client = Http2::connect(zhamen.http);
    client.wait(async {
        let mut answers = Vec::new();
        for _ in 0..20 {
            let mut send = client.sender().ready().await.unwrap();
            answers.push(send.send_request(Request::get("http://a.cn/").body(()).unwrap(), true).unwrap().0);
        }
        // Side by side: they share the connection's window.
        let all = futures_util::future::join_all(answers.into_iter().map(async |answer| read(answer.await).await));
        for answer in all.await {
            assert_eq!(answer.body, page_of(20_000).into_bytes());
        }
    });
    assert_eq!(origin.connections(), 1);
    let head = &origin.requests()[0];
    assert_eq!((head.uri.to_string(), head.method.as_str()), ("http://a.cn/x?y=1".to_owned(), "GET"));
    assert_eq!((head.headers.get("connection"), head.headers.get("host")), (None, None));
    assert_eq!(head.headers["x-forwarded-for"], "127.0.0.1");
    assert_eq!(zhamen.metric("zhamen_origin_connections_total{result=\"new\"}"), 1.0);
}

#[test]
fn what_is_forbidden_is_refused_from_there_too() {
    let origin = Http2Origin::start(MANY, async |_, answer, _| {
        respond(answer, "text/html; charset=utf-8", page_with(PHRASE, 100));
    });
    let zhamen = setup().row(origin.row("a.cn")).run();
    assert_eq!(get(zhamen.http, "a.cn", "/").reason(), "content_blocked");
}

#[test]
fn bodies_go_up_from_both_protocols() {
    let origin = Http2Origin::start(MANY, async |mut body, answer, _| {
        let mut heard = Vec::new();
        while let Some(Ok(piece)) = body.data().await {
            body.flow_control().release_capacity(piece.len()).unwrap();
            heard.extend_from_slice(&piece);
        }
        let trailers = body.trailers().await.unwrap();
        let sum = trailers.and_then(|trailers| trailers.get("x-sum").cloned());
        heard.extend_from_slice(sum.as_ref().map_or(b"", |sum| sum.as_bytes()));
        respond(answer, "application/octet-stream", heard);
    });
    let zhamen = setup().row(origin.row("a.cn")).run();
    let chunked =
        "POST / HTTP/1.1\r\nHost: a.cn\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n";
    assert_eq!(ask(zhamen.http, chunked).text(), "abc7");
    let large = vec![b'x'; 1 << 20];
    let head = format!("PUT / HTTP/1.1\r\nHost: a.cn\r\nContent-Length: {}\r\n\r\n", large.len());
    let mut client = Client::connect(zhamen.http);
    let answer = client.send(head).send(&large).response();
    assert!(answer.body == large, "{}", answer.body.len());
    assert_eq!(origin.requests()[1].headers["content-length"], large.len().to_string());
    let client = Http2::connect(zhamen.http);
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "9".parse().unwrap());
    let answer = client.ask(Request::post("http://a.cn/").body(()).unwrap(), &[b"de", b"f"], Some(trailers));
    assert_eq!(answer.body, b"def9");
}

#[test]
fn grpc_passes_in_both_directions_at_once() {
    let origin = Http2Origin::start(MANY, async |mut body, mut answer, parts| {
        let head = http::Response::builder().header("content-type", "application/grpc");
        if parts.uri.path() == "/trailers-only" {
            answer.send_response(head.header("grpc-status", "12").body(()).unwrap(), true).unwrap();
            return;
        }
        assert_eq!(parts.headers["te"], "trailers");
        let mut stream = answer.send_response(head.body(()).unwrap(), false).unwrap();
        while let Some(Ok(piece)) = body.data().await {
            body.flow_control().release_capacity(piece.len()).unwrap();
            stream.send_data(piece, false).unwrap();
        }
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        stream.send_trailers(trailers).unwrap();
    });
    let zhamen = setup().row(origin.row("a.cn")).run();
    let client = Http2::connect(zhamen.http);
    client.wait(async {
        let mut send = client.sender().ready().await.unwrap();
        let request = Request::post("http://a.cn/s/m").header("te", "trailers");
        let request = request.header("content-type", "application/grpc").body(()).unwrap();
        let (response, mut stream) = send.send_request(request, false).unwrap();
        let mut response = response.await.unwrap().into_body();
        for message in [&b"one"[..], b"two", b"three"] {
            stream.send_data(Bytes::from_static(message), false).unwrap();
            assert_eq!(response.data().await.unwrap().unwrap(), message);
        }
        stream.send_data(Bytes::new(), true).unwrap();
        assert!(response.data().await.is_none());
        assert_eq!(response.trailers().await.unwrap().unwrap()["grpc-status"], "0");
        // An answer that is nothing but trailers ends with its head.
        let mut send = send.ready().await.unwrap();
        let request = Request::post("http://a.cn/trailers-only").body(()).unwrap();
        let response = send.send_request(request, true).unwrap().0.await.unwrap();
        assert!(response.body().is_end_stream());
        assert_eq!(response.headers()["grpc-status"], "12");
    });
}

#[test]
fn what_an_origin_has_not_looked_at_is_sent_again() {
    // Each connection takes three requests and says then that it goes.
    let origin = Http2Origin::start(3, async |_, answer, _| respond(answer, "text/plain", "x"));
    let zhamen = setup().row(origin.row("a.cn")).run();
    let mut client = Client::connect(zhamen.http);
    for number in 0..10 {
        assert_eq!(client.get("a.cn", "/").response().status(), 200, "{number}");
    }
    assert!(origin.connections() >= 3, "{}", origin.connections());

    let refused = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&refused);
    let origin = Http2Origin::start(MANY, move |_, mut answer, _| {
        let count = Arc::clone(&count);
        async move {
            if count.fetch_add(1, Ordering::SeqCst) == 0 {
                answer.send_reset(Reason::REFUSED_STREAM);
            } else {
                respond(answer, "text/plain", "x");
            }
        }
    });
    let zhamen = setup().row(origin.row("a.cn")).run();
    let post = "POST / HTTP/1.1\r\nHost: a.cn\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(ask(zhamen.http, post).status(), 200);
    assert_eq!((refused.load(Ordering::SeqCst), origin.connections()), (2, 1));
}

#[test]
fn an_origin_that_breaks_off_is_told_of() {
    let origin = Http2Origin::start(MANY, async |_, mut answer, parts| {
        if parts.uri.path() == "/before" {
            answer.send_reset(Reason::INTERNAL_ERROR);
            return;
        }
        let head = http::Response::builder().header("content-type", "image/png").header("content-length", "10");
        let mut stream = answer.send_response(head.body(()).unwrap(), false).unwrap();
        stream.send_data(Bytes::from_static(b"abc"), false).unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        stream.send_reset(Reason::INTERNAL_ERROR);
    });
    let zhamen = setup().row(origin.row("a.cn")).run();
    let answer = ask(zhamen.http, "POST /before HTTP/1.1\r\nHost: a.cn\r\nContent-Length: 0\r\n\r\n");
    assert_eq!((answer.status(), answer.reason()), (502, "origin_protocol"));
    assert_eq!(get(zhamen.http, "a.cn", "/within").end, crate::harness::End::Cut);
    // Nobody listens there.
    let gone = "b.cn,h2://127.0.0.1:1,u1,s1,server,蜀ICP备12345678号,,";
    let zhamen = setup().row(gone).run();
    assert_eq!(get(zhamen.http, "b.cn", "/").reason(), "origin_unreachable");
}

/// A site whose origin stands behind TLS, in a row that names no protocol.
fn behind_tls(origin: &Http2Origin) -> String {
    format!("a.cn,https://{},u1,s1,server,蜀ICP备12345678号,,,off", origin.address())
}

#[test]
fn an_origin_with_tls_is_asked_once_what_it_speaks() {
    let authority = Authority::of(&["a.cn"]);
    for (alpn, is_http2) in [(&["h2", "http/1.1"][..], true), (&["http/1.1"], false), (&[], false)] {
        let handler = async |_: h2::RecvStream, answer, _| respond(answer, "text/plain", "HTTP/2");
        let origin = Http2Origin::start_with(Some(authority.acceptor(alpn)), MANY, handler);
        let zhamen = setup().columns("origin_verify").row(behind_tls(&origin)).run();
        let said = if is_http2 { "HTTP/2" } else { "HTTP/1.1" };
        for _ in 0..3 {
            assert_eq!(get(zhamen.http, "a.cn", "/").text(), said, "{alpn:?}");
        }
        let body = ask(zhamen.http, "POST / HTTP/1.1\r\nHost: a.cn\r\nContent-Length: 5\r\n\r\nhello");
        assert_eq!(body.text(), said, "{alpn:?}");
        if is_http2 {
            assert_eq!(origin.connections(), 1, "the one that was asked on is the one that is used");
        }
    }
}

#[test]
fn an_upgrade_goes_over_http1_where_both_are_spoken() {
    let authority = Authority::of(&["a.cn"]);
    let handler = async |_: h2::RecvStream, answer, _| respond(answer, "text/plain", "HTTP/2");
    let origin = Http2Origin::start_with(Some(authority.acceptor(&["h2", "http/1.1"])), MANY, handler);
    let zhamen = setup().columns("origin_verify").row(behind_tls(&origin)).run();
    assert_eq!(get(zhamen.http, "a.cn", "/").text(), "HTTP/2");
    let upgrade = "GET / HTTP/1.1\r\nHost: a.cn\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(ask(zhamen.http, upgrade).text(), "HTTP/1.1");
    assert_eq!(get(zhamen.http, "a.cn", "/").text(), "HTTP/2");
}

/// Takes WebSockets at `/ws`: greets, and says again what it hears.
async fn websocket(mut heard: h2::RecvStream, mut answer: h2::server::SendResponse<Bytes>, head: http::request::Parts) {
    if head.uri.path() != "/ws" {
        let response = http::Response::builder().status(404).body(()).unwrap();
        answer.send_response(response, true).unwrap();
        return;
    }
    assert_eq!(head.method, "CONNECT");
    assert_eq!(head.extensions.get::<Protocol>().map(Protocol::as_str), Some("websocket"));
    assert_eq!(
        (head.headers.get("sec-websocket-key"), &head.headers["sec-websocket-version"]),
        (None, &"13".parse().unwrap())
    );
    let response = http::Response::builder().header("sec-websocket-protocol", "chat").body(()).unwrap();
    let mut say = answer.send_response(response, false).unwrap();
    say.send_data(Bytes::from_static(b"hello"), false).unwrap();
    while let Some(Ok(piece)) = heard.data().await {
        heard.flow_control().release_capacity(piece.len()).unwrap();
        say.send_data(piece, false).unwrap();
    }
    say.send_data(Bytes::new(), true).unwrap();
}

#[test]
fn a_websocket_becomes_a_stream_of_the_origins_connection() {
    let origin = Http2Origin::start(MANY, websocket);
    let zhamen = setup().row(origin.row("a.cn")).run();
    // From a connection of HTTP/1.1, with the key of RFC 6455 section 1.3.
    let upgrade = |path: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nHost: a.cn\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
    };
    let mut client = Client::connect(zhamen.http);
    let head = client.send(upgrade("/ws")).head();
    assert_eq!((head.status(), head.field("upgrade")), (101, Some("websocket")));
    assert_eq!(head.field("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(head.field("sec-websocket-protocol"), Some("chat"));
    client.send("ping");
    assert_eq!(client.wire.read_exactly(9).unwrap(), b"helloping");
    client.wire.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(client.is_closed(), "the end goes through, both ways");
    // One that is refused is an answer as any other.
    let refused = Client::connect(zhamen.http).send(upgrade("/no")).response();
    assert_eq!((refused.status(), refused.field("sec-websocket-accept")), (404, None));

    // From a stream.
    let client = Http2::connect(zhamen.http);
    client.wait(async {
        let mut send = client.sender().ready().await.unwrap();
        while !send.is_extended_connect_protocol_enabled() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let request = Request::builder()
            .method("CONNECT")
            .uri("http://a.cn/ws")
            .extension(Protocol::from_static("websocket"))
            .header("sec-websocket-version", "13")
            .body(())
            .unwrap();
        let (response, mut stream) = send.send_request(request, false).unwrap();
        let response = response.await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers().get("sec-websocket-accept")), (200, None));
        stream.send_data(Bytes::from_static(b"ping"), true).unwrap();
        let (mut body, mut heard) = (response.into_body(), Vec::new());
        while let Some(piece) = body.data().await {
            heard.extend_from_slice(&piece.unwrap());
        }
        assert_eq!(heard, b"helloping");
    });
    assert_eq!(origin.connections(), 1);
    eventually("both tunnels logged", || {
        zhamen.log().iter().filter(|line| line["outcome"] == "tunnelled").count() == 2
    });
}

#[test]
fn an_origin_that_takes_no_websockets_is_not_asked_for_one() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(tcp).await.unwrap();
        while let Some(Ok((_, answer))) = connection.accept().await {
            respond(answer, "text/plain", "never");
        }
    });
    let zhamen = setup().row(format!("a.cn,h2://{address},u1,s1,server,蜀ICP备12345678号,,")).run();
    let upgrade = "GET / HTTP/1.1\r\nHost: a.cn\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    for _ in 0..2 {
        assert_eq!(ask(zhamen.http, upgrade).reason(), "origin_protocol");
    }
}

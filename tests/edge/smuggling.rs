//! Heads that can be read in two ways: refused by name, and nothing behind them is ever a request.

use crate::harness::{Client, Origin, Setup, Zhamen};

fn setup() -> (Origin, Zhamen) {
    let origin = Origin::page("fine");
    let zhamen = Setup::new().site("filed.cn", origin.address()).run();
    (origin, zhamen)
}

/// What would be smuggled.
const INNER: &str = "GET /smuggled HTTP/1.1\r\nHost: filed.cn\r\n\r\n";

/// Sends a head, and a request behind it that must never be served.
fn refused(zhamen: &Zhamen, head: &str, reason: &str) {
    let mut client = Client::connect(zhamen.http);
    client.send(format!("{head}{INNER}"));
    let response = client.response();
    assert_eq!((response.status(), response.reason()), (400, reason), "{head}");
    assert!(client.is_closed(), "the connection is of no more use after: {head}");
}

#[test]
fn two_ways_to_end_a_body_are_refused() {
    let (origin, zhamen) = setup();
    for fields in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Content-Length: 4\r\nContent-Length: 4",
        "Content-Length: 4\r\nContent-Length: 5",
        "Content-Length: 4, 4",
        "Content-Length: +4",
        "Content-Length: 0x4",
        "Content-Length: -1",
        "Content-Length: 99999999999999999999999999",
        "Content-Length:",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: identity",
    ] {
        refused(&zhamen, &format!("POST /x HTTP/1.1\r\nHost: filed.cn\r\n{fields}\r\n\r\n"), "ambiguous_framing");
    }
    refused(&zhamen, "POST /x HTTP/1.0\r\nHost: filed.cn\r\nTransfer-Encoding: chunked\r\n\r\n", "ambiguous_framing");
    assert_eq!(origin.asked(), 0);
}

#[test]
fn lines_that_servers_read_differently_are_refused() {
    let (origin, zhamen) = setup();
    for head in [
        "GET /x HTTP/1.1\nHost: filed.cn\n\n",
        "GET /x HTTP/1.1\r\nHost: filed.cn\nX: y\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: filed.cn\r\nX: y\r\n folded\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost : filed.cn\r\n\r\n",
        "GET /x HTTP/1.1\r\n Host: filed.cn\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: filed.cn\r\nX: a\rb\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: filed.cn\r\nX: a\0b\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: filed.cn\r\nno colon\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: filed.cn\r\nContent_Length: 5\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: filed.cn\r\nTransfer_Encoding: chunked\r\n\r\n",
        "GET /x y HTTP/1.1\r\nHost: filed.cn\r\n\r\n",
        "GET  /x HTTP/1.1\r\nHost: filed.cn\r\n\r\n",
        "GET /x HTTP/2.0\r\nHost: filed.cn\r\n\r\n",
        "GET /x\r\n\r\n",
        "CONNECT filed.cn:443 HTTP/1.1\r\nHost: filed.cn:443\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}garbage\r\n\r\n",
    ] {
        refused(&zhamen, head, "malformed_request");
    }
    assert_eq!(origin.asked(), 0);
}

#[test]
fn a_head_without_bounds_is_refused() {
    let (origin, zhamen) = setup();
    let long = format!("GET /x HTTP/1.1\r\nHost: filed.cn\r\nX: {}\r\n\r\n", "a".repeat(70_000));
    let many = format!("GET /x HTTP/1.1\r\nHost: filed.cn\r\n{}\r\n", "X: y\r\n".repeat(200));
    for head in [long, many] {
        let mut client = Client::connect(zhamen.http);
        let response = client.send(head).response();
        assert_eq!((response.status(), response.reason()), (400, "malformed_request"));
    }
    assert_eq!(origin.asked(), 0);
}

#[test]
fn a_chunked_body_that_breaks_its_grammar_ends_both_connections() {
    let (origin, zhamen) = setup();
    for body in ["zz\r\nhello\r\n", "5\nhello\r\n", "5\r\nhelloX\r\n", "-5\r\nhello\r\n", "5;\0\r\nhello\r\n"] {
        let mut client = Client::connect(zhamen.http);
        client.send(format!("POST /x HTTP/1.1\r\nHost: filed.cn\r\nTransfer-Encoding: chunked\r\n\r\n{body}{INNER}"));
        // It is refused where it can be; in any case nothing behind it is served.
        let (answer, _) = client.wire.read_to_end();
        let text = String::from_utf8_lossy(&answer);
        assert!(!text.contains("HTTP/1.1 200"), "{body:?}: {text}");
    }
    assert!(!origin.targets().iter().any(|target| target == "/smuggled"), "{:?}", origin.targets());
}

#[test]
fn the_body_of_a_refused_request_is_never_read_as_a_request() {
    let (origin, zhamen) = setup();
    let length = INNER.len();
    // Small: read and thrown away, and the connection goes on behind it.
    let mut client = Client::connect(zhamen.http);
    client.send(format!("POST /x HTTP/1.1\r\nHost: nobody.cn\r\nContent-Length: {length}\r\n\r\n{INNER}"));
    client.get("filed.cn", "/after");
    assert_eq!(client.response().status(), 403);
    assert_eq!(client.response().status(), 200);
    assert_eq!(origin.targets(), ["/after"]);

    // Large, and the client stops in the middle of it: the connection ends.
    let mut client = Client::connect(zhamen.http);
    client.send(format!("POST /x HTTP/1.1\r\nHost: nobody.cn\r\nContent-Length: 100000000\r\n\r\n{INNER}"));
    assert_eq!(client.response().status(), 403);
    assert!(client.is_closed());

    // Chunked, whole: whatever comes of the connection, the data is no request.
    let mut client = Client::connect(zhamen.http);
    client.send(format!(
        "POST /x HTTP/1.1\r\nHost: nobody.cn\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{INNER}\r\n0\r\n\r\n"
    ));
    assert_eq!(client.response().status(), 403);
    drop(client);
    assert_eq!(origin.targets(), ["/after"]);
}

#[test]
fn what_a_client_says_of_itself_is_not_believed() {
    let (origin, zhamen) = setup();
    let mut client = Client::connect(zhamen.http);
    client.send(
        "GET /x HTTP/1.1\r\nHost: filed.cn\r\nX-Forwarded-For: 10.9.9.9\r\nX-Real-IP: 10.9.9.9\r\n\
         Forwarded: for=10.9.9.9\r\nX-Forwarded-Host: nobody.cn\r\nConnection: X-Secret\r\nX-Secret: 1\r\n\
         Proxy-Connection: keep-alive\r\nKeep-Alive: 5\r\nCookie: kept=1\r\n\r\n",
    );
    assert_eq!(client.response().status(), 200);
    let head = &origin.requests()[0];
    assert_eq!(head.field("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(head.field("x-real-ip"), Some("127.0.0.1"));
    assert_eq!(head.field("x-forwarded-host"), Some("filed.cn"));
    assert_eq!(head.field("cookie"), Some("kept=1"));
    for gone in ["x-secret", "keep-alive", "proxy-connection"] {
        assert_eq!(head.field(gone), None, "{gone}");
    }
    assert!(!head.fields.iter().any(|(_, value)| value.contains("10.9.9.9")), "{head:?}");
}

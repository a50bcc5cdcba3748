//! Every way that we know to have two readers read one request differently, put together by a generator, and
//! sent through the proxy to servers of three makes. What counts is what the origin has written down: each
//! line must be one that the client framed, once, and nothing that stood in a body, a field or behind a
//! refusal.

use std::collections::BTreeMap;

use crate::harness::{
    Client, Server, Setup, Zhamen, eventually,
    http2::{DATA, Frames, GOAWAY, HEADERS, RST_STREAM, block},
};

/// What a head or a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Nobody can mistake it.
    Plain,
    /// Two readers may differ: it has to be refused.
    Doubtful,
}
use Reading::{Doubtful, Plain};

/// One connection of HTTP/1.1.
struct Case {
    name: String,
    bytes: Vec<u8>,
    /// Requests that are served, in order.
    served: Vec<String>,
    /// Requests that an origin may have seen the beginning of.
    begun: Vec<String>,
    /// Nothing is waited for behind what is served.
    stays_open: bool,
}

/// Everything that an origin may have written down, and what it must have.
#[derive(Default)]
struct Ledger {
    must: Vec<String>,
    may: Vec<String>,
}

#[test]
fn no_origin_sees_a_request_that_the_client_did_not_frame() {
    for server in Server::all() {
        let setup = Setup::new().site("filed.cn", server.address).set("http2.prior_knowledge", "true");
        let zhamen = setup.set("timeouts.client_idle", "\"5s\"").run();
        let mut ledger = Ledger::default();
        let cases = cases();
        for case in &cases {
            run(case, &zhamen, &mut ledger);
        }
        let streams = streams();
        for (number, (name, reading, frames)) in streams.iter().enumerate() {
            run_stream((name, *reading, frames), number, &zhamen, &mut ledger);
        }
        println!("{}: {} cases over HTTP/1.1, {} over HTTP/2", server.name, cases.len(), streams.len());
        ledger.settle(&server);
        // A request that was read as another's would come out here: each gets its own answer.
        for number in 0..20 {
            let target = format!("/after-{number}");
            assert_eq!(Client::connect(zhamen.http).get("filed.cn", &target).response().status(), 200);
            ledger.must.push(format!("GET {target}"));
        }
        ledger.settle(&server);
    }
}

fn run(case: &Case, zhamen: &Zhamen, ledger: &mut Ledger) {
    let mut client = Client::connect(zhamen.http);
    // What is refused while it is sent may meet a closed door.
    let _ = client.wire.send(&case.bytes);
    for request in &case.served {
        let method = request.split(' ').next().unwrap();
        let response = client.wire.read_response(method);
        let is_served = response.as_ref().is_ok_and(|response| response.reason().is_empty() && response.status() < 500);
        assert!(is_served, "{}: {request} is not served: {response:?}", case.name);
    }
    if !case.stays_open {
        let (rest, _) = client.wire.read_to_end();
        let rest = String::from_utf8_lossy(&rest);
        assert!(!rest.contains("HTTP/1.1 2"), "{}: something was served behind it: {rest}", case.name);
    }
    ledger.must.extend(case.served.iter().cloned());
    ledger.may.extend(case.begun.iter().cloned());
}

/// Sends frames on a connection of their own, and waits for what becomes of the stream.
fn run_stream((name, reading, sent): (&str, Reading, &[Vec<u8>]), number: usize, zhamen: &Zhamen, ledger: &mut Ledger) {
    let mut frames = Frames::connect(zhamen.http);
    // At once, so that nothing is answered before all of it was read.
    frames.write(&sent.concat());
    let told = std::iter::from_fn(|| frames.next())
        .find(|frame| frame.stream == 1 && matches!(frame.kind, HEADERS | RST_STREAM) || frame.kind == GOAWAY);
    // `:status` 200 is one byte of the static table.
    let is_served = told.as_ref().is_some_and(|frame| frame.kind == HEADERS && frame.payload.first() == Some(&0x88));
    assert_eq!(is_served, reading == Plain, "{name}: {told:?}");
    let request = format!("POST /stream-{number}");
    match reading {
        Plain => ledger.must.push(request),
        // Its head may have gone on before its body turned out to be wrong.
        Doubtful => ledger.may.push(request),
    }
}

impl Ledger {
    /// Compares with what the server has written down.
    fn settle(&self, server: &Server) {
        let name = server.name;
        let seen = || {
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            for line in server.lines() {
                let (request, host) =
                    line.strip_prefix('"').and_then(|line| line.split_once("\" ")).unwrap_or((&line, ""));
                // Who closes early leaves a line without a request: nobody framed one.
                if matches!(request, "" | "-") {
                    continue;
                }
                assert_eq!(host, "filed.cn", "{name}: {line}");
                let request = request.rsplit_once(' ').map_or(request, |(request, _)| request);
                *seen.entry(request.to_owned()).or_default() += 1;
            }
            seen
        };
        eventually(&format!("{name}: everything served is written down"), || {
            let seen = seen();
            self.must.iter().all(|request| seen.contains_key(request))
        });
        let mut left = seen();
        for request in self.must.iter().chain(&self.may) {
            if let Some(count) = left.get_mut(request) {
                *count -= 1;
                if *count == 0 {
                    left.remove(request);
                }
            }
        }
        assert!(left.is_empty(), "{name} has seen what nobody framed: {left:#?}");
    }
}

/// All cases over HTTP/1.1.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    framings(&mut cases);
    hosts(&mut cases);
    lines(&mut cases);
    chunks(&mut cases);
    refusals(&mut cases);
    stray_bodies(&mut cases);
    cases
}

fn behind(number: usize) -> String {
    format!("GET /behind-{number} HTTP/1.1\r\nHost: filed.cn\r\n\r\n")
}

fn case(cases: &mut Vec<Case>, name: &str, bytes: impl FnOnce(usize) -> Vec<u8>, served: &[&str], begun: &[&str]) {
    let number = cases.len();
    let named = |requests: &[&str]| requests.iter().map(|request| format!("{request}-{number}")).collect::<Vec<_>>();
    let (served, begun) = (named(served), named(begun));
    let stays_open = !served.is_empty() && served.last().is_some_and(|last| last.contains("/behind"));
    cases.push(Case { name: format!("{name} ({number})"), bytes: bytes(number), served, begun, stays_open });
}

/// Each way to say how long a body is with each way to say that it comes in chunks.
fn framings(cases: &mut Vec<Case>) {
    let lengths: [(&str, Reading); 24] = [
        ("", Plain),
        ("Content-Length: 4\r\n", Plain),
        ("content-length:4\r\n", Plain),
        ("Content-Length:  04\t\r\n", Plain),
        ("X-Content-Length: 5\r\nContent-Length: 4\r\n", Plain),
        ("Content-Length: +4\r\n", Doubtful),
        ("Content-Length: -4\r\n", Doubtful),
        ("Content-Length: 0x4\r\n", Doubtful),
        ("Content-Length: 4 4\r\n", Doubtful),
        ("Content-Length: 4,4\r\n", Doubtful),
        ("Content-Length: 4, 50\r\n", Doubtful),
        ("Content-Length: 4;\r\n", Doubtful),
        ("Content-Length: 4.0\r\n", Doubtful),
        ("Content-Length: \u{b}4\r\n", Doubtful),
        ("Content-Length: ４\r\n", Doubtful),
        ("Content-Length: 18446744073709551620\r\n", Doubtful),
        ("Content-Length: \"4\"\r\n", Doubtful),
        ("Content-Length:\r\n", Doubtful),
        ("Content-Length: 4\r\nContent-Length: 4\r\n", Doubtful),
        ("Content-Length: 4\r\ncontent-length: 50\r\n", Doubtful),
        ("Content_Length: 4\r\n", Doubtful),
        ("Content-Length : 4\r\n", Doubtful),
        ("Content-Length:\r\n 4\r\n", Doubtful),
        ("Connection: Content-Length\r\nContent-Length: 4\r\n", Doubtful),
    ];
    let codings: [(&str, Reading); 34] = [
        ("", Plain),
        ("Transfer-Encoding: chunked\r\n", Plain),
        ("transfer-ENCODING:CHUNKED \t\r\n", Plain),
        ("Transfer-Encoding : chunked\r\n", Doubtful),
        ("Transfer-Encoding\t: chunked\r\n", Doubtful),
        (" Transfer-Encoding: chunked\r\n", Doubtful),
        ("Transfer-Encoding: xchunked\r\n", Doubtful),
        ("Transfer-Encoding: chunked, identity\r\n", Doubtful),
        ("Transfer-Encoding: identity, chunked\r\n", Doubtful),
        ("Transfer-Encoding: chunked, chunked\r\n", Doubtful),
        ("Transfer-Encoding: ,chunked\r\n", Doubtful),
        ("Transfer-Encoding: identity\r\n", Doubtful),
        ("Transfer-Encoding:\r\n", Doubtful),
        ("Transfer-Encoding: \u{b}chunked\r\n", Doubtful),
        ("Transfer-Encoding: chunked\u{c}\r\n", Doubtful),
        ("Transfer-Encoding: \0chunked\r\n", Doubtful),
        ("Transfer-Encoding: chun\0ked\r\n", Doubtful),
        ("Transfer-Encoding: \"chunked\"\r\n", Doubtful),
        ("Transfer-Encoding: chunked;q=1\r\n", Doubtful),
        ("Transfer-Encoding: chunked\u{a0}\r\n", Doubtful),
        ("Transfer-Encoding: chunKed\r\nTransfer-Encoding: cow\r\n", Doubtful),
        ("Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n", Doubtful),
        ("Transfer-Encoding:\r\n chunked\r\n", Doubtful),
        ("X: y\r\n Transfer-Encoding: chunked\r\n", Doubtful),
        ("X: y\nTransfer-Encoding: chunked\r\n", Doubtful),
        ("X: y\rTransfer-Encoding: chunked\r\n", Doubtful),
        ("X: y\r\n\rTransfer-Encoding: chunked\r\n", Doubtful),
        ("X: y\0\r\nTransfer-Encoding: chunked\r\n", Doubtful),
        ("Transfer_Encoding: chunked\r\n", Doubtful),
        ("Transfer.Encoding: chunked\r\n", Doubtful),
        ("Transfer-Encoding\0: chunked\r\n", Doubtful),
        ("\u{a0}Transfer-Encoding: chunked\r\n", Doubtful),
        (": x\r\nTransfer-Encoding: chunked\r\n", Doubtful),
        ("Transfer-Encoding chunked\r\n", Doubtful),
    ];
    for (length, length_reading) in lengths {
        for (coding, coding_reading) in codings {
            if (length_reading, coding_reading) == (Doubtful, Doubtful) {
                continue;
            }
            for is_length_first in [true, false] {
                let fields = if is_length_first { format!("{length}{coding}") } else { format!("{coding}{length}") };
                let is_plain = length_reading == Plain && coding_reading == Plain;
                let served: &[&str] = match (is_plain, length.is_empty(), coding.is_empty()) {
                    (false, _, _) | (_, false, false) => &[],
                    // The chunks end before what stands behind them.
                    (true, true, false) => &["POST /case", "GET /behind"],
                    // Of the body a line feed is left over, or all of it: no request begins so.
                    (true, _, true) => &["POST /case"],
                };
                let name = format!("{:?}", fields);
                let bytes = |number| {
                    let head = format!("POST /case-{number} HTTP/1.1\r\nHost: filed.cn\r\n{fields}\r\n");
                    [head.as_bytes(), b"0\r\n\r\n", behind(number).as_bytes()].concat()
                };
                case(cases, &name, bytes, served, &[]);
            }
        }
    }
}

/// Ways to name a host.
fn hosts(cases: &mut Vec<Case>) {
    let ways: [(&str, &str, Reading); 34] = [
        ("/case", "Host: filed.cn\r\n", Plain),
        ("/case", "HOST:\tfiled.cn \r\n", Plain),
        ("http://filed.cn/case", "Host: filed.cn\r\n", Plain),
        ("HTTP://FILED.cn/case", "Host: filed.cn\r\n", Plain),
        ("http://filed.cn:80/case", "Host: filed.cn\r\n", Plain),
        ("/case", "", Doubtful),
        ("/case", "Host:\r\n", Doubtful),
        ("/case", "Host: filed.cn\r\nHost: filed.cn\r\n", Doubtful),
        ("/case", "Host: filed.cn\r\nhost: nobody.cn\r\n", Doubtful),
        ("/case", "Host: filed.cn, nobody.cn\r\n", Doubtful),
        ("/case", "Host: filed.cn nobody.cn\r\n", Doubtful),
        ("/case", "Host: filed.cn/x\r\n", Doubtful),
        ("/case", "Host: filed.cn?x\r\n", Doubtful),
        ("/case", "Host: filed.cn#x\r\n", Doubtful),
        ("/case", "Host: a@filed.cn\r\n", Doubtful),
        ("/case", "Host: filed.cn:80:80\r\n", Doubtful),
        ("/case", "Host: filed.cn:x\r\n", Doubtful),
        ("/case", "Host: filed.cn:99999\r\n", Doubtful),
        ("/case", "Host: filed.cn\u{b}\r\n", Doubtful),
        ("/case", "Host: filed.cn\0nobody.cn\r\n", Doubtful),
        ("/case", "Host: filed.cn\r\n nobody.cn\r\n", Doubtful),
        ("/case", "Host : filed.cn\r\n", Doubtful),
        ("/case", " Host: filed.cn\r\n", Doubtful),
        ("/case", "X-Forwarded-Host: filed.cn\r\n", Doubtful),
        ("/case", "Connection: host\r\nHost: filed.cn\r\n", Doubtful),
        ("http://filed.cn/case", "", Doubtful),
        ("http://nobody.cn/case", "Host: filed.cn\r\n", Doubtful),
        ("http://filed.cn/case", "Host: nobody.cn\r\n", Doubtful),
        ("http://filed.cn:81/case", "Host: filed.cn\r\n", Doubtful),
        ("http://filed.cn@nobody.cn/case", "Host: filed.cn\r\n", Doubtful),
        ("http://filed.cn\\@nobody.cn/case", "Host: filed.cn\r\n", Doubtful),
        ("ftp://filed.cn/case", "Host: filed.cn\r\n", Doubtful),
        ("filed.cn/case", "Host: filed.cn\r\n", Doubtful),
        ("http:///case", "Host: filed.cn\r\n", Doubtful),
    ];
    for (target, fields, reading) in ways {
        let served: &[&str] = if reading == Plain { &["GET /case", "GET /behind"] } else { &[] };
        let bytes = |number| {
            let head = format!("GET {target}-{number} HTTP/1.1\r\n{fields}\r\n");
            [head, behind(number)].concat().into_bytes()
        };
        case(cases, &format!("{target} {fields:?}"), bytes, served, &[]);
    }
}

/// Request lines and line ends.
fn lines(cases: &mut Vec<Case>) {
    let ways: [&[u8]; 26] = [
        b"GET /case-N HTTP/1.1\nHost: filed.cn\n\n",
        b"GET /case-N HTTP/1.1\r\nHost: filed.cn\n\r\n",
        b"GET /case-N HTTP/1.1\r\nHost: filed.cn\r\n\n",
        b"GET /case-N HTTP/1.1\rHost: filed.cn\r\r",
        b"\nGET /case-N HTTP/1.1\r\nHost: filed.cn\r\n\r\n",
        b"\r\n\r\n\r\n\r\n\r\nGET /case-N HTTP/1.1\r\nHost: filed.cn\r\n\r\n",
        b" GET /case-N HTTP/1.1\r\nHost: filed.cn\r\n\r\n",
        b"GET  /case-N HTTP/1.1\r\nHost: filed.cn\r\n\r\n",
        b"GET\t/case-N HTTP/1.1\r\nHost: filed.cn\r\n\r\n",
        b"GET\x0b/case-N HTTP/1.1\r\nHost: filed.cn\r\n\r\n",
        b"GET /case-N  HTTP/1.1\r\nHost: filed.cn\r\n\r\n",
        b"GET /case-N HTTP/1.1 \r\nHost: filed.cn\r\n\r\n",
        b"GET /case-N\tHTTP/1.1\r\nHost: filed.cn\r\n\r\n",
        b"GET /case-N HTTP/1.1 HTTP/1.1\r\nHost: filed.cn\r\n\r\n",
        b"GET /case-N http/1.1\r\nHost: filed.cn\r\n\r\n",
        b"GET /case-N HTTP/1.2\r\nHost: filed.cn\r\n\r\n",
        b"GET /case-N HTTP/01.1\r\nHost: filed.cn\r\n\r\n",
        b"GET /case-N HTTP/1.10\r\nHost: filed.cn\r\n\r\n",
        b"GET /case-N HTTP/2\r\nHost: filed.cn\r\n\r\n",
        b"GET /case-N\r\nHost: filed.cn\r\n\r\n",
        b"GET /case-N\0 HTTP/1.1\r\nHost: filed.cn\r\n\r\n",
        b"GE\0T /case-N HTTP/1.1\r\nHost: filed.cn\r\n\r\n",
        b"G(T /case-N HTTP/1.1\r\nHost: filed.cn\r\n\r\n",
        b"GET /case-N#x HTTP/1.1\r\nHost: filed.cn\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: filed.cn\r\n\r\n",
        b"CONNECT filed.cn:80 HTTP/1.1\r\nHost: filed.cn:80\r\n\r\n",
    ];
    for way in ways {
        let bytes = |number: usize| {
            let text: String = way.iter().copied().map(char::from).collect();
            [text.replace('N', &number.to_string()).into_bytes(), behind(number).into_bytes()].concat()
        };
        case(cases, &way.escape_ascii().to_string(), bytes, &[], &[]);
    }
}

/// Sizes, extensions, ends and trailers of chunks. What is wrong may show when the head has gone on.
fn chunks(cases: &mut Vec<Case>) {
    let ways: [(&str, Reading); 44] = [
        ("5\r\nhello\r\n0\r\n\r\n", Plain),
        ("05\r\nhello\r\n000\r\n\r\n", Plain),
        ("5;a=b\r\nhello\r\n0;c\r\n\r\n", Plain),
        ("5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n", Plain),
        ("5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n", Plain),
        ("5\r\nhello\r\n0\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n", Plain),
        ("5\r\nhello\r\n0\r\nHost: nobody.cn\r\nX-Forwarded-For: 6.6.6.6\r\nContent_Length: 9\r\n\r\n", Plain),
        ("0x5\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("+5\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("-5\r\nhello\r\n0\r\n\r\n", Doubtful),
        (" 5\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("5 \r\nhello\r\n0\r\n\r\n", Doubtful),
        ("5\t\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("5_0\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("5 5\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("５\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("5,\r\nhello\r\n0\r\n\r\n", Doubtful),
        (";5\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("g\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("10000000000000005\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("5\nhello\r\n0\r\n\r\n", Doubtful),
        ("5\rhello\r\n0\r\n\r\n", Doubtful),
        ("5\0\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("5;a\nhello\r\n0\r\n\r\n", Doubtful),
        ("5;a\rb\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("5;a\0\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("5\r\r;a\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("5;\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("5;a=\"b\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("5;a=\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("5\r\nhello0\r\n\r\n", Doubtful),
        ("5\r\nhello\n0\r\n\r\n", Doubtful),
        ("5\r\nhello\r0\r\n\r\n", Doubtful),
        ("5\r\nhelloXX0\r\n\r\n", Doubtful),
        ("4\r\nhello\r\n0\r\n\r\n", Doubtful),
        ("5\r\nhello\r\n0\n\r\n", Doubtful),
        ("5\r\nhello\r\n0\r\n\n", Doubtful),
        ("5\r\nhello\r\n0\r\nX\r\n\r\n", Doubtful),
        ("5\r\nhello\r\n0\r\nX: y\r\n folded\r\n\r\n", Doubtful),
        ("5\r\nhello\r\n0\r\nX : y\r\n\r\n", Doubtful),
        ("5\r\nhello\r\n0\r\nX: y\0\r\n\r\n", Doubtful),
        ("5\r\nhello\r\n0\r\nX: y\n\r\n", Doubtful),
    ];
    for (body, reading) in ways {
        // All at once, and so that the head has gone on before the body comes.
        let (served, begun): (&[&str], &[&str]) =
            if reading == Plain { (&["POST /case", "GET /behind"], &[]) } else { (&[], &["POST /case"]) };
        let bytes = |number: usize| {
            let head =
                format!("POST /case-{number} HTTP/1.1\r\nHost: filed.cn\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
            [head, behind(number)].concat().into_bytes()
        };
        case(cases, &format!("{body:?}"), bytes, served, begun);
    }
}

/// Requests that are refused with their bodies unread, and requests within those bodies.
fn refusals(cases: &mut Vec<Case>) {
    let long = "a".repeat(40 << 10);
    for (target, host) in [("/case", "nobody.cn"), (&*format!("/{long}"), "filed.cn")] {
        for is_chunked in [true, false] {
            for expects in ["", "Expect: 100-continue\r\n"] {
                let bytes = |number| {
                    let inner = behind(number);
                    let (framing, body) = match is_chunked {
                        true => (
                            "Transfer-Encoding: chunked".to_owned(),
                            format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len()),
                        ),
                        false => (format!("Content-Length: {}", inner.len()), inner),
                    };
                    // The last word is the client's: the connection may well stay open.
                    format!(
                        "POST {target}-{number} HTTP/1.1\r\nHost: {host}\r\n{expects}{framing}\r\n\r\n{body}\
                         GET /x HTTP/1.1\r\nHost: nobody.cn\r\nConnection: close\r\n\r\n"
                    )
                    .into_bytes()
                };
                case(cases, &format!("refused: {host} {} {is_chunked} {expects}", target.len()), bytes, &[], &[]);
            }
        }
    }
}

/// Bodies where a server may not look for one.
fn stray_bodies(cases: &mut Vec<Case>) {
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "POST", "PUT"] {
        for is_chunked in [true, false] {
            let bytes = |number| {
                let inner = format!("GET /within-{number} HTTP/1.1\r\nHost: filed.cn\r\n\r\n");
                let (framing, body) = match is_chunked {
                    true => {
                        ("Transfer-Encoding: chunked".to_owned(), format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len()))
                    }
                    false => (format!("Content-Length: {}", inner.len()), inner),
                };
                let head = format!("{method} /case-{number} HTTP/1.1\r\nHost: filed.cn\r\n{framing}\r\n\r\n");
                [head, body, behind(number)].concat().into_bytes()
            };
            case(cases, &format!("{method} {is_chunked}"), bytes, &[&format!("{method} /case"), "GET /behind"], &[]);
        }
    }
}

/// Streams of HTTP/2: what they are called, what they are, and their frames.
fn streams() -> Vec<(String, Reading, Vec<Vec<u8>>)> {
    let mut streams: Vec<(String, Reading, Vec<Vec<u8>>)> = Vec::new();
    let inner = "GET /within HTTP/1.1\r\nHost: filed.cn\r\n\r\n";
    let pseudo = |number: usize| {
        [
            (":method".to_owned(), "POST".to_owned()),
            (":scheme".to_owned(), "http".to_owned()),
            (":authority".to_owned(), "filed.cn".to_owned()),
            (":path".to_owned(), format!("/stream-{number}")),
        ]
    };
    let injected = format!("x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}");
    // One more field.
    for (name, value, reading) in [
        ("x-a", "b", Plain),
        ("content-length", "5", Plain),
        ("te", "trailers", Plain),
        ("host", "filed.cn", Plain),
        ("x-a", &*injected, Doubtful),
        ("x-a", "b\nc: d", Doubtful),
        ("x-a", "b\rc", Doubtful),
        ("x-a", "b\0", Doubtful),
        ("x-a: b\r\nx-c", "d", Doubtful),
        ("x-a:", "b", Doubtful),
        ("x a", "b", Doubtful),
        ("X-A", "b", Doubtful),
        ("", "b", Doubtful),
        ("transfer-encoding", "chunked", Doubtful),
        ("transfer_encoding", "chunked", Doubtful),
        ("content_length", "0", Doubtful),
        ("connection", "keep-alive", Doubtful),
        ("connection", "transfer-encoding", Doubtful),
        ("keep-alive", "5", Doubtful),
        ("proxy-connection", "close", Doubtful),
        ("upgrade", "websocket", Doubtful),
        ("te", "chunked", Doubtful),
        ("host", "nobody.cn", Doubtful),
        ("content-length", "4", Doubtful),
        ("content-length", "6", Doubtful),
        ("content-length", "+5", Doubtful),
        ("content-length", "5, 5", Doubtful),
        ("content-length", "", Doubtful),
        ("content-length", "0", Doubtful),
        (":path", "/other", Doubtful),
        (":status", "200", Doubtful),
        (":x", "y", Doubtful),
    ] {
        let number = streams.len();
        let mut fields = pseudo(number).to_vec();
        fields.push((name.to_owned(), value.to_owned()));
        streams.push((format!("{name:?}: {value:?}"), reading, message(&fields, &[b"hel", b"lo"])));
    }
    // A pseudo-field of another value, or none.
    for (name, value, reading) in [
        (":scheme", Some("https"), Plain),
        (":method", Some("POST /within HTTP/1.1\r\nHost: filed.cn\r\n\r\nPOST"), Doubtful),
        (":method", Some("PO ST"), Doubtful),
        (":method", Some(""), Doubtful),
        (":method", Some("CONNECT"), Doubtful),
        (":method", None, Doubtful),
        (":scheme", Some("http\r\nx: y"), Doubtful),
        (":scheme", None, Doubtful),
        (":authority", Some("filed.cn\r\nx: y"), Doubtful),
        (":authority", Some("filed.cn/x"), Doubtful),
        (":authority", Some("a@filed.cn"), Doubtful),
        (":authority", Some("filed.cn nobody.cn"), Doubtful),
        (":authority", None, Doubtful),
        (":path", Some("/a HTTP/1.1\r\nHost: filed.cn\r\n\r\nGET /within"), Doubtful),
        (":path", Some("/a b"), Doubtful),
        (":path", Some("/a\0"), Doubtful),
        (":path", Some("a"), Doubtful),
        (":path", Some("*"), Doubtful),
        (":path", Some(""), Doubtful),
        (":path", Some("http://nobody.cn/"), Doubtful),
        (":path", None, Doubtful),
    ] {
        let mut fields = pseudo(streams.len()).to_vec();
        fields.retain_mut(|(other, old)| match value {
            Some(value) if other == name => {
                value.clone_into(old);
                true
            }
            None => other != name,
            Some(_) => true,
        });
        streams.push((format!("{name}: {value:?}"), reading, message(&fields, &[b"hello"])));
    }
    // A request in the body is a body.
    let number = streams.len();
    let fields = pseudo(number).to_vec();
    streams.push(("a request within".into(), Plain, message(&fields, &[b"0\r\n\r\n", inner.as_bytes()])));
    let fields = pseudo(streams.len()).to_vec();
    let mut late = message(&fields, &[]);
    late.push(crate::harness::http2::frame(HEADERS, 0x5, 1, &block(&[("x-a", "b"), (":path", "/within")])));
    late.remove(1);
    streams.push(("a pseudo-field in the trailers".into(), Doubtful, late));
    streams
}

/// A head, and DATA of these pieces, the last of which ends the stream.
fn message(fields: &[(String, String)], body: &[&[u8]]) -> Vec<Vec<u8>> {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let mut frames = vec![crate::harness::http2::frame(HEADERS, 0x4, 1, &block(&fields))];
    if body.is_empty() {
        frames.push(crate::harness::http2::frame(DATA, 1, 1, &[]));
    }
    for (index, piece) in body.iter().enumerate() {
        let ends = u8::from(index + 1 == body.len());
        frames.push(crate::harness::http2::frame(DATA, ends, 1, piece));
    }
    frames
}

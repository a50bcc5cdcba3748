//! llhttp's strict request vectors, through a real socket: what it takes for a whole request an origin
//! gets, and behind what it refuses nothing is served.
//!
//! The vectors are not part of the project: without `../shared/suites/llhttp` (or `ZHAMEN_SUITES`) there
//! is nothing to compare with, and the test says so. Most of them have no Host, which no server may take
//! (RFC 9112 section 3.2): one is put in, and nothing else is changed. Where the verdicts differ, it is
//! because ours is the stricter one (but for methods), and the case stands in [`STRICTER`] with the reason.

use std::{
    fs,
    net::Shutdown,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use crate::harness::{Client, Origin, Setup};

/// File, title, and why it is refused although llhttp takes it.
const STRICTER: [(&str, &str, &str); 15] = [
    ("invalid", "HTTP protocol and ANNOUNCE method", METHOD),
    ("invalid", "Invalid method", METHOD),
    ("method", "CONNECT request", CONNECT),
    ("method", "CONNECT request with CAPS", CONNECT),
    ("method", "CONNECT with body", CONNECT),
    ("uri", "Underscore in hostname", CONNECT),
    ("method", "M-SEARCH request", "only OPTIONS asks for `*` (RFC 9112 section 3.2.4)"),
    ("method", "SOURCE request with ICE", PROTOCOL),
    ("method", "OPTIONS request with RTSP", PROTOCOL),
    ("method", "ANNOUNCE request with RTSP", PROTOCOL),
    ("sample", "No HTTP version", PROTOCOL),
    ("transfer-encoding", "POST with `chunked` as last transfer-encoding", CODING),
    ("transfer-encoding", "POST with `chunked` as last transfer-encoding (multiple headers)", CODING),
    ("uri", "Fragment in URI", "a target has no fragment, and servers differ in what they take it for"),
    ("uri", "`host:port` and basic auth", "an authority has no user (RFC 9110 section 4.2.4)"),
];
/// Here llhttp is the stricter one: it knows a list of methods.
const METHOD: &str = "a method is any token, and the origin's to know (RFC 9110 section 9.1)";
const CONNECT: &str = "this is not a forward proxy";
const PROTOCOL: &str = "neither HTTP/1.0 nor HTTP/1.1";
const CODING: &str = "a coding is exactly `chunked`: nothing else can be read on the way";

/// Kinds of vectors that are llhttp's strict ones. Others relax something that is strict here.
const STRICT: [&str; 2] = ["request", "request-finish"];
/// "errors" of llhttp that are none: it stops because another protocol follows.
const PAUSES: [u32; 2] = [22, 23];

/// One vector.
struct Vector {
    file: String,
    title: String,
    input: Vec<u8>,
    expected: Expected,
}

/// What llhttp's log says of it.
#[derive(Default)]
struct Expected {
    /// Offsets at which messages begin.
    begins: Vec<usize>,
    /// The messages that are whole.
    whole: Vec<Message>,
    refused: bool,
    /// Another protocol follows; what it is, is not HTTP's matter.
    paused: bool,
}

/// A request, as far as both sides tell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    method: String,
    /// `None` where the target may be written in another way.
    target: Option<String>,
    body_bytes: usize,
}

/// What a vector comes to.
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    whole: Vec<Message>,
    refused: bool,
}

#[test]
fn every_vector_has_the_verdict_of_llhttp_or_a_stricter_one_that_is_listed() {
    let Some(dir) = suite() else { return };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let origin = recording(&seen);
    let zhamen = Setup::new().site("filed.cn", origin.address()).site("hypnotoad.org", origin.address()).run();
    let (mut compared, mut differences) = (0, Vec::new());
    for vector in vectors(&dir) {
        compared += 1;
        seen.lock().unwrap().clear();
        let (verdict, reasons) = verdict(&vector, zhamen.http, &seen);
        let expected = Verdict { whole: vector.expected.whole.clone(), refused: vector.expected.refused };
        if !is_same(&verdict, &expected, vector.expected.paused) {
            differences.push((
                vector.file.clone(),
                vector.title.clone(),
                format!("{verdict:?} {reasons:?}, not {expected:?}"),
            ));
        }
    }
    println!("{compared} vectors, {} differences", differences.len());
    assert!(compared > 100, "{compared} vectors only");
    let is_listed = |file: &str, title: &str| STRICTER.iter().any(|&(f, t, _)| (f, t) == (file, title));
    let unlisted: Vec<_> = differences.iter().filter(|(file, title, _)| !is_listed(file, title)).collect();
    assert!(unlisted.is_empty(), "{unlisted:#?}");
    for (file, title, _) in STRICTER {
        assert!(differences.iter().any(|(f, t, _)| (&**f, &**t) == (file, title)), "no difference: {file}, {title}");
    }
}

fn suite() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/suites/llhttp/request");
    let named = std::env::var_os("ZHAMEN_SUITES").map(|dir| PathBuf::from(dir).join("llhttp/request"));
    let found = named.into_iter().chain([beside]).find(|dir| dir.is_dir());
    if found.is_none() {
        println!("skipped: there are no vectors in ../shared/suites/llhttp");
    }
    found
}

/// Answers what has come as a whole, and writes it down.
fn recording(seen: &Arc<Mutex<Vec<Message>>>) -> Origin {
    let seen = Arc::clone(seen);
    Origin::start(move |exchange| {
        let body_bytes = exchange.body()?.len();
        let (method, target) = (exchange.method().to_owned(), Some(exchange.target().to_owned()));
        seen.lock().unwrap().push(Message { method, target, body_bytes });
        exchange.respond("200 OK", &[("Content-Type", "text/plain")], b"whole")
    })
}

/// Sends a vector; what came of it, and the reasons of refusals.
fn verdict(vector: &Vector, address: std::net::SocketAddr, seen: &Arc<Mutex<Vec<Message>>>) -> (Verdict, Vec<String>) {
    let (mut client, mut reasons) = (Client::connect(address), Vec::new());
    client.send(with_host(vector));
    for message in &vector.expected.whole {
        match client.wire.read_response(&message.method) {
            Ok(response) if response.status() == 200 => {}
            Ok(response) => {
                reasons.push(response.reason().to_owned());
                break;
            }
            Err(error) => {
                reasons.push(error.to_string());
                break;
            }
        }
    }
    if !vector.expected.refused {
        // What is not whole ends here, and may not have been refused before.
        let _ = client.wire.stream.shutdown(Shutdown::Write);
    }
    let (rest, _) = client.wire.read_to_end();
    let rest = String::from_utf8_lossy(&rest).into_owned();
    let reason = |line: &str| line.strip_prefix("Zhamen-Reason: ").map(str::to_owned);
    reasons.extend(rest.lines().filter_map(reason));
    let refused = !reasons.is_empty() || vector.expected.refused;
    (Verdict { whole: seen.lock().unwrap().clone(), refused }, reasons)
}

/// Whether both take the same messages for whole, and refuse the rest, or do not.
fn is_same(ours: &Verdict, theirs: &Verdict, paused: bool) -> bool {
    let same = |(ours, theirs): (&Message, &Message)| {
        let is_target_same = theirs.target.is_none() || ours.target == theirs.target;
        ours.method == theirs.method && ours.body_bytes == theirs.body_bytes && is_target_same
    };
    ours.whole.len() == theirs.whole.len()
        && ours.whole.iter().zip(&theirs.whole).all(same)
        && (paused || ours.refused == theirs.refused)
}

/// The bytes of a vector with a Host that is served in every message. Where llhttp has refused before the
/// head was there, the head is ended: a head that is not whole is waited for.
fn with_host(vector: &Vector) -> Vec<u8> {
    let mut bytes = vector.input.clone();
    for &begin in vector.expected.begins.iter().rev() {
        let end = find(&bytes, begin, b"\r\n\r\n").unwrap_or(bytes.len());
        let line_end = find(&bytes, begin, b"\r\n").unwrap_or(end);
        let authority = String::from_utf8_lossy(&bytes[begin..line_end]).into_owned();
        let authority = authority.split_once("http://").and_then(|(_, rest)| rest.split(['/', '?', ' ']).next());
        let host = authority.unwrap_or("filed.cn").to_owned();
        match find(&bytes[..end].to_ascii_lowercase(), begin, b"\r\nhost:") {
            Some(at) => {
                let value = at + b"\r\nhost:".len();
                let line_end = find(&bytes, value, b"\r\n").unwrap_or(bytes.len());
                bytes.splice(value..line_end, format!(" {host}").into_bytes());
            }
            // Of a head that is not whole the last line may be.
            None if bytes[..end].ends_with(b"\r\n") => {
                drop(bytes.splice(end..end, format!("Host: {host}\r\n").into_bytes()))
            }
            None => drop(bytes.splice(end..end, format!("\r\nHost: {host}").into_bytes())),
        }
    }
    if vector.expected.refused {
        bytes.extend_from_slice(b"\r\n\r\n");
    }
    bytes
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    bytes.get(from..)?.windows(what.len()).position(|window| window == what).map(|at| from + at)
}

/// All strict vectors: a title, a comment with JSON, the input, the log.
fn vectors(dir: &Path) -> Vec<Vector> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut vectors = Vec::new();
    for path in files {
        let file = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let (mut title, mut kind, mut input) = (String::new(), String::new(), None);
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(meta) = line.strip_prefix("<!-- meta=") {
                let meta: serde_json::Value = serde_json::from_str(meta.trim_end_matches("-->").trim()).unwrap();
                // The parser's caller may say that there is no body; a peer cannot.
                let is_told = meta.get("skipBody").is_some();
                kind = if is_told { String::new() } else { meta["type"].as_str().unwrap().to_owned() };
            } else if line.starts_with('#') {
                title = line.trim_start_matches('#').trim().to_owned();
            } else if line == "```http" {
                input = Some(unescaped(&fenced(&mut lines)));
            } else if line == "```log"
                && let Some(input) = input.take()
            {
                let expected = Expected::read(&fenced(&mut lines));
                if STRICT.contains(&kind.as_str()) {
                    vectors.push(Vector { file: file.clone(), title: title.clone(), input, expected });
                }
            }
        }
    }
    vectors
}

/// The lines up to the fence.
fn fenced<'a>(lines: &mut impl Iterator<Item = &'a str>) -> String {
    lines.take_while(|line| !line.starts_with("```")).collect::<Vec<_>>().join("\n")
}

/// Lines end with CR LF, unless there is a backslash before; other backslashes stand for what they do in C.
fn unescaped(text: &str) -> Vec<u8> {
    let (mut out, bytes, mut at) = (Vec::new(), text.as_bytes(), 0);
    let number = |from: usize, most: usize, radix: u32| {
        let digits = bytes[from..].iter().take(most).take_while(|byte| char::from(**byte).is_digit(radix)).count();
        let digits = &text[from..from + digits];
        (digits.len(), u32::from_str_radix(digits, radix).unwrap_or_default() as u8)
    };
    while at < bytes.len() {
        let (used, byte) = match (bytes[at], bytes.get(at + 1)) {
            (b'\n', _) => {
                out.push(b'\r');
                (1, Some(b'\n'))
            }
            (b'\\', Some(b'\n')) => (2, None),
            (b'\\', Some(b'r')) => (2, Some(b'\r')),
            (b'\\', Some(b'n')) => (2, Some(b'\n')),
            (b'\\', Some(b't')) => (2, Some(b'\t')),
            (b'\\', Some(b'f')) => (2, Some(12)),
            (b'\\', Some(b'x')) => {
                let (digits, byte) = number(at + 2, 2, 16);
                (2 + digits, Some(byte))
            }
            (b'\\', Some(b'0'..=b'7')) => {
                let (digits, byte) = number(at + 1, 3, 8);
                (1 + digits, Some(byte))
            }
            (byte, _) => (1, Some(byte)),
        };
        out.extend(byte);
        at += used;
    }
    out
}

impl Expected {
    fn read(log: &str) -> Self {
        let mut expected = Self::default();
        let (mut method, mut target, mut body_bytes) = (String::new(), String::new(), 0);
        for line in log.lines() {
            let Some((offset, event)) = line.strip_prefix("off=").and_then(|line| line.split_once(' ')) else {
                continue;
            };
            let quoted =
                event.split_once('=').map_or("", |(_, rest)| rest).split_once('"').map_or("", |(_, rest)| rest);
            let quoted = quoted.strip_suffix('"').unwrap_or(quoted);
            if event == "message begin" {
                (method, target, body_bytes) = (String::new(), String::new(), 0);
                expected.begins.push(offset.parse().unwrap());
            } else if event.contains("span[method]") {
                method.push_str(quoted);
            } else if event.contains("span[url]") {
                target.push_str(quoted);
            } else if event.contains("span[body]") {
                let length = event.strip_prefix("len=").unwrap().split(' ').next().unwrap();
                body_bytes += length.parse::<usize>().unwrap();
            } else if event == "message complete" {
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/?=._-&|".contains(&byte);
                let target =
                    Some(target.clone()).filter(|target| target.starts_with('/') && target.bytes().all(is_plain));
                expected.whole.push(Message { method: method.clone(), target, body_bytes });
            } else if event == "finish=0" && expected.whole.is_empty() {
                expected.whole.push(Message { method: "GET".into(), target: None, body_bytes: 0 });
            } else if let Some(rest) = event.strip_prefix("error code=") {
                let code = rest.split(' ').next().unwrap().parse().unwrap();
                expected.paused = PAUSES.contains(&code);
                expected.refused = !expected.paused;
            }
        }
        expected
    }
}

//! What attacks cost: the memory that is held at the peak of each, beside what its sender had to send. The
//! table is printed; `manual::limits` has one, of a release binary (`ZHAMEN_BINARY`).
//!
//! What is sent is counted twice: as what HTTP sends, and as what an attacker puts on the wire for it at least,
//! with the headers of IPv4 and TCP: a SYN, an ACK, and segments of 1448 bytes. What it acknowledges while it is
//! answered is left out in its favour.

use std::{
    io::Write,
    net::TcpStream,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::harness::{
    Client, Origin, PATIENCE, Setup, Zhamen, eventually,
    http2::{CONTINUATION, DATA, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, block, frame, get},
    page_of,
};

/// An attack: what it is called, how many connections it takes, and at most how many KiB it may come to.
struct Attack {
    what: &'static str,
    connections: usize,
    kib_max: u64,
    /// What each connection sends.
    bytes: fn() -> Vec<u8>,
}

/// What stands for the origin of those who attack with one of their own.
const BOMBS: &str = "origins that send bombs";

/// An attack is over once nothing has changed for so long.
const QUIET: Duration = Duration::from_millis(1_300);

/// The first bytes of HTTP/2, with windows of this size for streams.
fn preface(window: u32) -> Vec<u8> {
    let window = window.to_be_bytes();
    [&PREFACE[..24], &frame(SETTINGS, 0, 0, &[&[0, 4][..], &window].concat())].concat()
}

/// So many frames, made of the number of their stream.
fn frames(first: Vec<u8>, count: u32, one: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    (0..count).fold(first, |mut bytes, number| {
        bytes.extend(one(2 * number + 1));
        bytes
    })
}

fn gets(window: u32, path: &str) -> Vec<u8> {
    frames(preface(window), 100, |stream| frame(HEADERS, 0x5, stream, &get("a.cn", path)))
}

fn ask(path: &str, fields: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: a.cn\r\n{fields}\r\n").into_bytes()
}

fn post(fields: &str) -> Vec<u8> {
    format!("POST /sink HTTP/1.1\r\nHost: a.cn\r\n{fields}\r\n\r\n").into_bytes()
}

/// A head that names one field of the table again and again.
fn hpack_bomb() -> Vec<u8> {
    let field = "a".repeat(3_900);
    // Literal with incremental indexing, a new name (RFC 7541 section 6.2.1).
    let mut first = get("a.cn", "/hang");
    let mut entry = block(&[("x", &field)]);
    entry[0] = 0x40;
    first.extend(entry);
    let first = [preface(65_535), frame(HEADERS, 0x5, 1, &first)].concat();
    frames(first, 99, |stream| frame(HEADERS, 0x5, stream + 2, &[&get("a.cn", "/hang")[..], &[0xbe; 12]].concat()))
}

const ATTACKS: [Attack; 22] = [
    Attack { what: "idle, HTTP/1.1", connections: 2000, kib_max: 12 << 10, bytes: || ask("/small", "") },
    Attack {
        what: "idle, HTTP/2",
        connections: 500,
        kib_max: 16 << 10,
        bytes: || [&preface(65_535)[..], &frame(HEADERS, 0x5, 1, &get("a.cn", "/small"))].concat(),
    },
    Attack { what: "HTTP/2 without a request", connections: 500, kib_max: 4 << 10, bytes: || preface(65_535) },
    Attack {
        what: "slow heads",
        connections: 500,
        kib_max: 4 << 10,
        bytes: || b"GET / HTTP/1.1\r\nHost: a.cn\r\nX-A: b\r\n".to_vec(),
    },
    Attack {
        what: "large heads without an end",
        connections: 200,
        kib_max: 16 << 10,
        bytes: || [b"GET / HTTP/1.1\r\nX: ".to_vec(), vec![b'a'; 60 << 10]].concat(),
    },
    Attack {
        what: "slow bodies",
        connections: 500,
        kib_max: 8 << 10,
        bytes: || [post("Content-Length: 100000"), vec![b'x'; 100]].concat(),
    },
    Attack {
        what: "chunks of one byte",
        connections: 50,
        kib_max: 4 << 10,
        bytes: || [post("Transfer-Encoding: chunked"), b"1\r\nx\r\n".repeat(20_000)].concat(),
    },
    Attack { what: "readers of nothing, text", connections: 200, kib_max: 72 << 10, bytes: || ask("/text", "") },
    Attack { what: "readers of nothing, other", connections: 200, kib_max: 8 << 10, bytes: || ask("/other", "") },
    Attack {
        what: "many ranges",
        connections: 200,
        kib_max: 12 << 10,
        bytes: || {
            let ranges: Vec<String> = (0..1000).map(|at| format!("{at}-{}", at + 1)).collect();
            ask("/other", &format!("Range: bytes={}\r\n", ranges.join(",")))
        },
    },
    Attack { what: BOMBS, connections: 50, kib_max: 32 << 10, bytes: || ask("/bomb", "") },
    Attack { what: "windows of nothing, text", connections: 10, kib_max: 10 << 10, bytes: || gets(0, "/text") },
    Attack { what: "windows of nothing, other", connections: 10, kib_max: 9 << 10, bytes: || gets(0, "/other") },
    Attack {
        what: "windows without end, unread",
        connections: 10,
        kib_max: 10 << 10,
        bytes: || gets(0x7fff_ffff, "/other"),
    },
    Attack { what: "requests that hang", connections: 10, kib_max: 9 << 10, bytes: || gets(65_535, "/hang") },
    Attack { what: "HPACK bomb", connections: 10, kib_max: 14 << 10, bytes: hpack_bomb },
    Attack {
        what: "rapid reset",
        connections: 20,
        kib_max: 2 << 10,
        bytes: || {
            frames(preface(65_535), 1000, |stream| {
                [frame(HEADERS, 0x5, stream, &get("a.cn", "/hang")), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])]
                    .concat()
            })
        },
    },
    Attack {
        what: "MadeYouReset",
        connections: 20,
        kib_max: 2 << 10,
        bytes: || {
            frames(preface(65_535), 1000, |stream| {
                let update = frame(8, 0, stream, &[0x7f, 0xff, 0xff, 0xff]);
                [frame(HEADERS, 0x4, stream, &get("a.cn", "/hang")), update].concat()
            })
        },
    },
    Attack {
        what: "CONTINUATION",
        connections: 20,
        kib_max: 2 << 10,
        bytes: || {
            let first = [preface(65_535), frame(HEADERS, 0, 1, &get("a.cn", "/"))].concat();
            let piece = frame(CONTINUATION, 0, 1, &block(&[("x", &"a".repeat(1000))]).repeat(16));
            [first, piece.repeat(20)].concat()
        },
    },
    Attack {
        what: "SETTINGS",
        connections: 20,
        kib_max: 2 << 10,
        bytes: || [preface(65_535), frame(SETTINGS, 0, 0, &[]).repeat(10_000)].concat(),
    },
    Attack {
        what: "PING",
        connections: 20,
        kib_max: 2 << 10,
        bytes: || [preface(65_535), frame(PING, 0, 0, &[0; 8]).repeat(10_000)].concat(),
    },
    Attack {
        what: "empty DATA",
        connections: 20,
        kib_max: 2 << 10,
        bytes: || {
            let fields = [(":method", "POST"), (":scheme", "http"), (":authority", "a.cn"), (":path", "/sink")];
            let first = [preface(65_535), frame(HEADERS, 0x4, 1, &block(&fields))].concat();
            [first, frame(DATA, 0, 1, &[]).repeat(10_000)].concat()
        },
    },
];

#[test]
fn attacks_cost_little_memory() {
    let bomb = gzip_bomb();
    let bomb_bytes = bomb.len();
    let origin = Origin::start(move |exchange| match exchange.target() {
        "/text" => exchange.respond("200 OK", &[("Content-Type", "text/html")], page_of(300_000).as_bytes()),
        "/other" => exchange.respond("200 OK", &[("Content-Type", "video/mp4")], &vec![b'x'; 1 << 20]),
        "/bomb" => exchange.respond("200 OK", &[("Content-Type", "text/html"), ("Content-Encoding", "gzip")], &bomb),
        "/hang" | "/sink" => {
            // The body stays where it is, and the answer never comes.
            sleep(PATIENCE * 3);
            exchange.close()
        }
        _ => exchange.respond("200 OK", &[("Content-Type", "text/plain")], b"small"),
    });
    println!(
        "| attack | connections | KiB held at the peak | a connection | for a byte of HTTP | for a byte on the wire |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    let only = std::env::var("ATTACK").unwrap_or_default();
    let mut beyond = Vec::new();
    for attack in ATTACKS.iter().filter(|attack| attack.what.contains(&only)) {
        let zhamen = Setup::new().set("http2.prior_knowledge", "true").site("a.cn", origin.address()).run();
        let kib = cost(attack, &zhamen);
        let Attack { what, connections, kib_max, bytes } = attack;
        let each = kib as f64 / *connections as f64;
        // A bomb comes over the wire, too.
        let sent = bytes().len() + if *what == BOMBS { bomb_bytes } else { 0 };
        let factor = |bytes: usize| each * 1024.0 / bytes as f64;
        let (of_http, of_wire) = (factor(sent), factor(on_the_wire(sent)));
        println!("| {what} | {connections} | {kib} | {each:.1} | {of_http:.1} | {of_wire:.1} |");
        if kib > *kib_max {
            beyond.push(format!("{what}: {kib} KiB of {kib_max}"));
        }
    }
    assert!(beyond.is_empty(), "{beyond:#?}");
}

/// Bytes that a connection puts on the wire at least, to send so many.
fn on_the_wire(bytes: usize) -> usize {
    // 20 of IPv4, 20 of TCP, and its options: 20 in a SYN, 12 (timestamps) in others.
    const SYN: usize = 60;
    const HEADER: usize = 52;
    SYN + HEADER + bytes + bytes.div_ceil(1448) * HEADER
}

/// Runs an attack: KiB that are held at the peak beyond what is held before.
fn cost(attack: &Attack, zhamen: &Zhamen) -> u64 {
    // What the first connections cost is not theirs to pay.
    for path in ["/small", "/text", "/other"] {
        served(zhamen, path);
    }
    let mut stream = TcpStream::connect(zhamen.http).unwrap();
    stream.write_all(&[preface(65_535), frame(HEADERS, 0x5, 1, &get("a.cn", "/small"))].concat()).unwrap();
    settle(zhamen, Duration::from_millis(150));
    drop(stream);
    zhamen.forget_peak();
    let before = zhamen.memory_kib("VmRSS");
    let held: Vec<TcpStream> = (0..attack.connections).map(|_| open(attack, zhamen)).collect();
    settle(zhamen, QUIET);
    let peak = zhamen.memory_kib("VmHWM");
    drop(held);
    served(zhamen, "/small");
    peak.saturating_sub(before)
}

/// What was held is given back: the next one is served.
fn served(zhamen: &Zhamen, path: &str) {
    eventually("the next one is served", || {
        let mut client = Client::connect(zhamen.http);
        client.get("a.cn", path).wire.read_response("GET").is_ok_and(|response| response.status() == 200)
    });
}

/// One connection of the attack; it stays open, and nothing is read from it.
fn open(attack: &Attack, zhamen: &Zhamen) -> TcpStream {
    let mut stream = TcpStream::connect(zhamen.http).unwrap();
    stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    // What is not taken any more may not go out.
    let _ = stream.write_all(&(attack.bytes)());
    stream
}

/// Waits until nothing has grown any more for so long: what an origin's full queue has turned away comes again after
/// a second.
fn settle(zhamen: &Zhamen, quiet: Duration) {
    let (deadline, mut quiet_since) = (Instant::now() + PATIENCE, Instant::now());
    let mut last = (zhamen.cpu_ticks(), zhamen.memory_kib("VmRSS"));
    while Instant::now() < deadline && quiet_since.elapsed() < quiet {
        sleep(Duration::from_millis(150));
        let now = (zhamen.cpu_ticks(), zhamen.memory_kib("VmRSS"));
        if now.0 - last.0 > 1 || now.1.abs_diff(last.1) >= 64 {
            quiet_since = Instant::now();
        }
        last = now;
    }
}

/// Twenty megabytes of nothing.
fn gzip_bomb() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b' '; 20 << 20]).unwrap();
    encoder.finish().unwrap()
}

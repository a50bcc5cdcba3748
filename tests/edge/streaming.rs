//! What is found, or waits, after the head has gone: the connection is cut, no byte of the phrase has
//! left, and no stream stalls.

use std::{
    io::{Read, Write},
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use crate::harness::{
    Client, End, Exchange, Origin, PATIENCE, PHRASE, Setup, Zhamen, ask, eventually, get, page_of, page_with, text_of,
};

const HTML: (&str, &str) = ("Content-Type", "text/html; charset=utf-8");
/// Beyond everything that is held.
const FAR: usize = 300_000;

fn in_front_of(origin: &Origin) -> Zhamen {
    Setup::new().site("filed.cn", origin.address()).run()
}

/// A step that the origin waits for.
fn gate() -> (Sender<()>, Mutex<Receiver<()>>) {
    let (open, wait) = channel();
    (open, Mutex::new(wait))
}

fn pass(gate: &Mutex<Receiver<()>>) {
    gate.lock().unwrap().recv_timeout(PATIENCE).expect("the test lets the origin go on");
}

/// The page before the phrase; what a client may see at most.
fn before_the_phrase(page: &str) -> &[u8] {
    page.split_once(PHRASE).unwrap().0.as_bytes()
}

fn assert_cut_before_the_phrase(body: &[u8], end: End, page: &str) {
    assert_eq!(end, End::Cut);
    let before = before_the_phrase(page);
    assert!(body.len() <= before.len() && before.starts_with(body), "{} of {} bytes", body.len(), before.len());
    assert!(body.len() > before.len() / 2, "only {} of {} bytes", body.len(), before.len());
}

#[test]
fn a_late_hit_cuts_the_connection_before_the_phrase() {
    let page = page_with(PHRASE, FAR);
    let sent = page.clone();
    let origin = Origin::start(move |exchange| match exchange.target() {
        "/length" => exchange.respond("200 OK", &[HTML], sent.as_bytes()),
        "/chunked" => {
            exchange.begin_chunked(&[HTML])?;
            for piece in sent.as_bytes().chunks(1_000) {
                exchange.chunk(piece)?;
            }
            exchange.send("0\r\n\r\n")
        }
        _ => {
            exchange.send("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n")?;
            exchange.send(&sent)?;
            exchange.close()
        }
    });
    let zhamen = in_front_of(&origin);
    for target in ["/length", "/chunked", "/close"] {
        let response = get(zhamen.http, "filed.cn", target);
        assert_eq!(response.status(), 200, "{target}");
        assert_cut_before_the_phrase(&response.body, response.end, &page);
        let line = zhamen.logged(target);
        assert_eq!((&line["outcome"], &line["verdict"]), (&"aborted".into(), &"block".into()), "{target}");
        assert_eq!(line["rules"], serde_json::json!(["test.phrase"]), "{target}");
    }
    // An HTTP/1.0 client takes a close for the end: it gets a reset.
    let response = ask(zhamen.http, "GET /old HTTP/1.0\r\nHost: filed.cn\r\n\r\n");
    assert_eq!(response.end, End::Cut);
    assert!(!response.text().contains(PHRASE));
}

#[test]
fn a_late_hit_in_a_compressed_page_cuts_it_too() {
    let page = page_with(PHRASE, 3_000_000);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(page.as_bytes()).unwrap();
    let body = encoder.finish().unwrap();
    assert!(body.len() > 100_000, "{}", body.len());
    let sent = body.clone();
    let origin =
        Origin::start(move |exchange| exchange.respond("200 OK", &[HTML, ("Content-Encoding", "gzip")], &sent));
    let zhamen = in_front_of(&origin);
    let response = get(zhamen.http, "filed.cn", "/");
    assert_eq!((response.status(), response.end), (200, End::Cut));
    assert!(body.starts_with(&response.body));
    let mut seen = Vec::new();
    // The error is the cut itself.
    let _ = flate2::read::GzDecoder::new(&response.body[..]).read_to_end(&mut seen);
    assert!(!seen.is_empty() && !String::from_utf8_lossy(&seen).contains(PHRASE));
}

#[test]
fn after_a_cut_the_origin_connection_is_not_used_again() {
    let page = page_with(PHRASE, FAR);
    let origin = Origin::start(move |exchange| match exchange.target() {
        "/late" => exchange.respond("200 OK", &[HTML], page.as_bytes()),
        _ => exchange.respond("200 OK", &[HTML], b"fine"),
    });
    let zhamen = in_front_of(&origin);
    assert_eq!(get(zhamen.http, "filed.cn", "/late").end, End::Cut);
    assert_eq!(get(zhamen.http, "filed.cn", "/other").text(), "fine", "another page is not locked");
    assert_eq!(origin.connections(), 2);
}

#[test]
fn a_phrase_across_two_packets_does_not_slip_through() {
    let (open, wait) = gate();
    let origin = Origin::start(move |exchange| {
        exchange.begin_chunked(&[HTML])?;
        exchange.chunk(page_of(FAR).as_bytes())?;
        pass(&wait);
        // In the middle of a character.
        let (first, second) = PHRASE.as_bytes().split_at(7);
        exchange.chunk(first)?;
        std::thread::sleep(Duration::from_millis(20));
        exchange.chunk(second)?;
        exchange.send("0\r\n\r\n")
    });
    let zhamen = Setup::new().site("filed.cn", origin.address()).set("scan.tail_flush", "\"20s\"").run();
    let mut client = Client::connect(zhamen.http);
    client.get("filed.cn", "/").head();
    open.send(()).unwrap();
    let (body, trailers) = client.wire.read_chunked();
    assert_eq!(trailers, None, "cut");
    assert!(body == page_of(FAR).as_bytes(), "all before the phrase, and no byte of it: {} bytes", body.len());
}

#[test]
fn what_may_begin_a_match_waits_only_so_long() {
    let (open, wait) = gate();
    let origin = Origin::start(move |exchange| {
        exchange.begin_chunked(&[HTML])?;
        exchange.chunk(page_of(FAR).as_bytes())?;
        exchange.chunk("秘密".as_bytes())?;
        pass(&wait);
        exchange.chunk("花园".as_bytes())?;
        exchange.send("0\r\n\r\n")
    });
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    client.get("filed.cn", "/").head();
    let mut body = Vec::new();
    while !body.ends_with("秘密".as_bytes()) {
        body.extend(client.wire.read_chunk().unwrap().expect("the beginning comes without the rest"));
    }
    open.send(()).unwrap();
    let (rest, trailers) = client.wire.read_chunked();
    assert_eq!((rest, trailers), ("花园".as_bytes().to_vec(), Some(vec![])));
    zhamen.metric_becomes("zhamen_tail_flushes_total", 1.0);
}

#[test]
fn the_head_does_not_wait_for_a_page_that_stops_half_way() {
    let (open, wait) = gate();
    let page = page_of(4_000);
    let sent = page.clone();
    let origin = Origin::start(move |exchange| {
        let (first, second) = sent.split_at(sent.char_indices().nth(500).unwrap().0);
        exchange.begin_chunked(&[HTML])?;
        exchange.chunk(first.as_bytes())?;
        pass(&wait);
        exchange.chunk(second.as_bytes())?;
        exchange.send("0\r\n\r\n")
    });
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    let begun = Instant::now();
    let head = client.get("filed.cn", "/").head();
    let first = client.wire.read_chunk().unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "the head took {:?}", begun.elapsed());
    assert_eq!(head.status(), 200);
    open.send(()).unwrap();
    let (rest, trailers) = client.wire.read_chunked();
    assert!(trailers.is_some());
    assert_eq!([first, rest].concat(), page.as_bytes());
}

#[test]
fn what_comes_within_the_hold_time_can_still_be_refused() {
    let origin = Origin::start(move |exchange| {
        exchange.begin_chunked(&[HTML])?;
        exchange.chunk("<p>前秘密暗".as_bytes())?;
        std::thread::sleep(Duration::from_millis(50));
        exchange.chunk("号测试后</p>".as_bytes())?;
        exchange.send("0\r\n\r\n")
    });
    let zhamen = Setup::new().site("filed.cn", origin.address()).set("scan.hold_time", "\"20s\"").run();
    let response = get(zhamen.http, "filed.cn", "/");
    assert_eq!((response.status(), response.reason()), (451, "content_blocked"));
}

/// The origin sends an event only after the test has seen the one before it.
fn event_stream(exchange: &mut Exchange<'_>, wait: &Mutex<Receiver<()>>, last: &str) -> std::io::Result<()> {
    exchange.begin_chunked(&[("Content-Type", "text/event-stream")])?;
    for number in 0..5 {
        pass(wait);
        exchange.chunk(format!("data: 第{number}条消息\n\n").as_bytes())?;
    }
    pass(wait);
    exchange.chunk(format!("data: {last}\n\n").as_bytes())?;
    exchange.send("0\r\n\r\n")
}

#[test]
fn an_event_stream_is_passed_on_event_by_event() {
    let (open, wait) = gate();
    let origin = Origin::start(move |exchange| event_stream(exchange, &wait, "end"));
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    let head = client.get("filed.cn", "/").head();
    assert_eq!(head.field("content-type"), Some("text/event-stream"), "the head comes before the first event");
    for number in 0..5 {
        open.send(()).unwrap();
        assert_eq!(client.wire.read_chunk().unwrap().unwrap(), format!("data: 第{number}条消息\n\n").as_bytes());
    }
    open.send(()).unwrap();
    let (rest, trailers) = client.wire.read_chunked();
    assert_eq!((rest, trailers), (b"data: end\n\n".to_vec(), Some(vec![])));
    eventually("accounted for", || zhamen.log().iter().any(|line| line["inspection"] == "inspected"));
}

#[test]
fn an_event_stream_is_cut_at_a_hit() {
    let (open, wait) = gate();
    let origin = Origin::start(move |exchange| event_stream(exchange, &wait, PHRASE));
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    client.get("filed.cn", "/").head();
    for _ in 0..6 {
        open.send(()).unwrap();
    }
    let (body, trailers) = client.wire.read_chunked();
    assert_eq!(trailers, None, "cut");
    let text = String::from_utf8_lossy(&body);
    assert!(text.contains("第4条消息") && !text.contains('秘'), "{text}");
}

#[test]
fn a_long_clean_page_passes_byte_for_byte() {
    let page = page_of(5_000_000);
    let sent = page.clone();
    let origin = Origin::start(move |exchange| {
        exchange.begin_chunked(&[HTML])?;
        for piece in sent.as_bytes().chunks(60_001) {
            exchange.chunk(piece)?;
        }
        exchange.send("0\r\n\r\n")
    });
    let zhamen = in_front_of(&origin);
    let response = get(zhamen.http, "filed.cn", "/");
    assert_eq!(response.end, End::Whole);
    assert!(response.body == page.as_bytes());
    let line = zhamen.logged("/");
    assert_eq!((&line["inspection"], &line["decoded_bytes"]), (&"inspected".into(), &page.len().into()));
}

#[test]
fn a_reader_that_stalls_gets_every_byte_and_none_of_a_phrase() {
    const LONG: usize = 3 << 20;
    let page = page_with(PHRASE, LONG);
    let (sent, text, video) = (page.clone(), page_of(LONG), vec![b'x'; LONG]);
    let (same_text, same_video) = (text.clone(), video.clone());
    let origin = Origin::start(move |exchange| match exchange.target() {
        "/phrase" => exchange.respond("200 OK", &[HTML], sent.as_bytes()),
        "/text" => exchange.respond("200 OK", &[HTML], same_text.as_bytes()),
        _ => exchange.respond("200 OK", &[("Content-Type", "video/mp4")], &same_video),
    });
    let zhamen = in_front_of(&origin);
    let stalling = |target: &str| {
        let mut client = Client::connect(zhamen.http);
        client.get("filed.cn", target).head();
        let mut body = Vec::new();
        for _ in 0..4 {
            // The proxy fills what the kernel has, and waits.
            std::thread::sleep(Duration::from_millis(100));
            body.extend(client.wire.read_exactly(256 << 10).unwrap());
        }
        (body, client)
    };
    for (target, whole) in [("/text", text.as_bytes()), ("/video", &video)] {
        let (mut body, mut client) = stalling(target);
        body.extend(client.wire.read_exactly(whole.len() - body.len()).unwrap());
        assert!(body == whole, "{target}");
        assert_eq!(client.get("filed.cn", "/video").response().status(), 200, "the connection goes on");
    }
    let (mut body, mut client) = stalling("/phrase");
    body.extend(client.wire.read_to_end().0);
    let before = before_the_phrase(&page);
    assert!(before.starts_with(&body), "{} of {} bytes", body.len(), before.len());
}

#[test]
fn beyond_the_budget_a_page_passes_and_is_counted_or_is_cut() {
    let page = page_of(400_000) + &text_of(10);
    let sent = page.clone();
    let origin = Origin::start(move |exchange| exchange.respond("200 OK", &[HTML], sent.as_bytes()));
    let setup = || Setup::new().site("filed.cn", origin.address()).set("scan.max_decoded", "\"200KiB\"");
    let zhamen = setup().run();
    assert!(get(zhamen.http, "filed.cn", "/").body == page.as_bytes());
    let line = zhamen.logged("/");
    assert_eq!((&line["inspection"], &line["inspection_reason"]), (&"partial".into(), &"over_budget".into()));
    let zhamen = setup().set("scan.on.over_budget", "\"block\"").run();
    assert_eq!(get(zhamen.http, "filed.cn", "/").end, End::Cut);
}

#[test]
fn there_is_no_gap_at_the_edge_of_what_is_held() {
    const HOLD: usize = 4_096;
    let filler = "x ".repeat(HOLD);
    let cases: Vec<(String, String)> = (HOLD - 40..HOLD + 10)
        .step_by(3)
        .map(|at| (format!("/{at}"), format!("{}{PHRASE}{}", &filler[..at], &filler[..HOLD])))
        .collect();
    let bodies = cases.clone();
    let origin = Origin::start(move |exchange| {
        let body = bodies.iter().find(|(target, _)| target == exchange.target()).unwrap().1.clone();
        exchange.begin_chunked(&[("Content-Type", "text/plain; charset=utf-8")])?;
        for piece in body.as_bytes().chunks(1_021) {
            exchange.chunk(piece)?;
        }
        exchange.send("0\r\n\r\n")
    });
    let zhamen = Setup::new().site("filed.cn", origin.address()).set("scan.hold", "\"4KiB\"").run();
    for (target, body) in &cases {
        let response = get(zhamen.http, "filed.cn", target);
        if response.status() == 451 {
            continue;
        }
        assert_eq!((response.status(), response.end), (200, End::Cut), "{target}");
        assert!(before_the_phrase(body).starts_with(&response.body), "{target}: a byte of the phrase got out");
    }
}

#[test]
fn a_request_behind_one_that_was_cut_is_not_served() {
    let page = page_with(PHRASE, FAR);
    let origin = Origin::start(move |exchange| exchange.respond("200 OK", &[HTML], page.as_bytes()));
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    client.send("GET /late HTTP/1.1\r\nHost: filed.cn\r\n\r\nGET /next HTTP/1.1\r\nHost: filed.cn\r\n\r\n");
    assert_eq!(client.response().end, End::Cut);
    zhamen.logged("/late");
    assert_eq!(origin.targets(), ["/late"]);
}

#[test]
fn a_compressed_event_stream_does_not_stall() {
    let (open, wait) = gate();
    let origin = Origin::start(move |exchange| {
        exchange.begin_chunked(&[("Content-Type", "text/event-stream"), ("Content-Encoding", "gzip")])?;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        for number in 0..5 {
            pass(&wait);
            encoder.write_all(format!("data: 第{number}条消息\n\n").as_bytes())?;
            encoder.flush()?;
            let piece = std::mem::take(encoder.get_mut());
            exchange.chunk(&piece)?;
        }
        let last = encoder.finish()?;
        exchange.chunk(&last)?;
        exchange.send("0\r\n\r\n")
    });
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    let head = client.get("filed.cn", "/").head();
    assert_eq!(head.field("content-encoding"), Some("gzip"));
    let mut body = Vec::new();
    for number in 0..5 {
        open.send(()).unwrap();
        let mut seen = String::new();
        while !seen.contains(&format!("第{number}条消息")) {
            body.extend(client.wire.read_chunk().unwrap().expect("the event comes"));
            let mut decoded = Vec::new();
            // What is there of the stream ends in the middle.
            let _ = flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut decoded);
            seen = String::from_utf8_lossy(&decoded).into_owned();
        }
    }
    assert!(client.wire.read_chunked().1.is_some());
}

#[test]
fn events_are_masked_one_by_one() {
    let (open, wait) = gate();
    let origin = Origin::start(move |exchange| event_stream(exchange, &wait, &format!("a{PHRASE}b")));
    let mask = crate::harness::zhamen::pack("test", "mask", &[PHRASE]);
    let zhamen = Setup::new().site("filed.cn", origin.address()).pack("test.toml", mask).run();
    let mut client = Client::connect(zhamen.http);
    client.get("filed.cn", "/").head();
    for number in 0..5 {
        open.send(()).unwrap();
        assert_eq!(client.wire.read_chunk().unwrap().unwrap(), format!("data: 第{number}条消息\n\n").as_bytes());
    }
    open.send(()).unwrap();
    let (rest, trailers) = client.wire.read_chunked();
    let text = String::from_utf8(rest).unwrap();
    assert!(trailers.is_some() && text.starts_with("data: a") && text.ends_with("b\n\n"), "{text}");
    assert!(!text.chars().any(|character| PHRASE.contains(character)), "{text}");
}

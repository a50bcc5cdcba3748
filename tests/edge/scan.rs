//! What is found while nothing has been sent: 451 with a page, in every charset and coding. And what
//! is not touched: everything else, byte for byte.

use std::io::Write;

use encoding_rs::{BIG5, Encoding, GB18030, GBK};

use crate::harness::{
    Origin, PHRASE, Response, Setup, Zhamen, ask, get, page_of, page_with, texts::PHRASE_TRADITIONAL, zhamen::pack,
};

/// A body with its head's fields, as an origin sends it.
#[derive(Clone)]
struct Served {
    fields: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// An origin that has one body under each target.
fn serving(bodies: Vec<(&'static str, Served)>) -> Origin {
    Origin::start(move |exchange| {
        let target = exchange.target().to_owned();
        let Some((_, served)) = bodies.iter().find(|(name, _)| *name == target) else {
            return exchange.respond("404 Not Found", &[], b"");
        };
        let fields: Vec<_> = served.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        exchange.respond("200 OK", &fields, &served.body)
    })
}

fn served(content_type: &str, body: impl Into<Vec<u8>>) -> Served {
    Served { fields: vec![("Content-Type", content_type.to_owned())], body: body.into() }
}

fn coded(coding: &str, body: impl Into<Vec<u8>>) -> Served {
    let mut served = served("text/html; charset=utf-8", body);
    served.fields.push(("Content-Encoding", coding.to_owned()));
    served
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn br(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut out, &brotli::enc::BrotliEncoderParams::default()).unwrap();
    out
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn encoded(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    let (bytes, _, lost) = encoding.encode(text);
    assert!(!lost, "{} cannot write the text", encoding.name());
    bytes.into_owned()
}

fn utf16(text: &str, big_endian: bool) -> Vec<u8> {
    let unit = |unit: u16| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(unit).collect()
}

fn meta(charset: &str, page: &str) -> String {
    page.replace("<head>", &format!("<head><meta charset=\"{charset}\">"))
}

fn in_front_of(origin: &Origin) -> Zhamen {
    Setup::new().site("filed.cn", origin.address()).run()
}

fn assert_blocked(response: &Response, what: &str) {
    assert_eq!((response.status(), response.reason()), (451, "content_blocked"), "{what}");
    assert!(!response.text().contains(PHRASE), "{what}");
}

/// Serves each body twice over one proxy: with the phrase it is blocked, without it is untouched.
fn blocked_with_and_untouched_without(pairs: Vec<(&'static str, Served, Served)>) {
    let bad = serving(pairs.iter().map(|(target, bad, _)| (*target, bad.clone())).collect());
    let good = serving(pairs.iter().map(|(target, _, good)| (*target, good.clone())).collect());
    let zhamen = Setup::new().site("bad.cn", bad.address()).site("good.cn", good.address()).run();
    for (target, _, clean) in &pairs {
        assert_blocked(&get(zhamen.http, "bad.cn", target), target);
        let response = get(zhamen.http, "good.cn", target);
        assert_eq!(response.status(), 200, "{target}: {}", response.text());
        assert!(response.body == clean.body, "{target} is not what was served");
        for (name, value) in &clean.fields {
            assert_eq!(response.field(name), Some(value.as_str()), "{target}");
        }
    }
    for (target, ..) in &pairs {
        let lines: Vec<_> = zhamen.log().into_iter().filter(|line| line["target"] == *target).collect();
        for line in lines {
            assert_eq!(line["inspection"], "inspected", "{target}: {line}");
        }
    }
}

#[test]
fn a_hit_is_answered_with_451_and_says_who_blocks_and_where_to_appeal() {
    let origin = Origin::page(page_with(PHRASE, 500));
    let zhamen = in_front_of(&origin);
    let response = get(zhamen.http, "filed.cn", "/");
    assert_blocked(&response, "the page");
    assert_eq!(response.field("link"), Some("<https://dc.example/appeal>; rel=\"blocked-by\""));
    assert_eq!(response.field("cache-control"), Some("no-store"));
    assert_eq!(response.field("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(origin.asked(), 1);
    let response = ask(zhamen.http, "GET / HTTP/1.1\r\nHost: filed.cn\r\nAccept: application/json\r\n\r\n");
    let value: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!((&value["reason"], &value["contact"]), (&"content_blocked".into(), &"https://dc.example/appeal".into()));
    let line = zhamen.logged("/");
    assert_eq!(
        (&line["reason"], &line["status"], &line["verdict"]),
        (&"content_blocked".into(), &451.into(), &"block".into())
    );
    assert_eq!(line["rules"], serde_json::json!(["test.phrase"]));
    zhamen.metric_becomes("zhamen_findings_total{action=\"block\",category=\"test\",mode=\"on\"}", 2.0);
}

#[test]
fn every_charset_is_read() {
    let (bad, good) = (page_with(PHRASE, 500), page_of(500));
    let (bad_big5, good_big5) = (
        format!("<html><head></head><body>晴天{PHRASE_TRADITIONAL}下雨</body></html>"),
        "<html><head></head><body>晴天下雨，天氣很好</body></html>".to_owned(),
    );
    let html = "text/html";
    blocked_with_and_untouched_without(vec![
        ("/utf-8", served("text/html; charset=utf-8", bad.clone()), served("text/html; charset=utf-8", good.clone())),
        ("/utf-8-undeclared", served(html, bad.clone()), served(html, good.clone())),
        (
            "/gbk",
            served("text/html; charset=gbk", encoded(&bad, GBK)),
            served("text/html; charset=gbk", encoded(&good, GBK)),
        ),
        (
            "/gb2312-meta",
            served(html, encoded(&meta("gb2312", &bad), GBK)),
            served(html, encoded(&meta("gb2312", &good), GBK)),
        ),
        ("/gbk-undeclared", served(html, encoded(&bad, GBK)), served(html, encoded(&good, GBK))),
        (
            "/gb18030",
            served("text/html;charset=GB18030", encoded(&bad, GB18030)),
            served("text/html;charset=GB18030", encoded(&good, GB18030)),
        ),
        (
            "/big5",
            served("text/html; charset=big5", encoded(&bad_big5, BIG5)),
            served("text/html; charset=big5", encoded(&good_big5, BIG5)),
        ),
        (
            "/big5-meta",
            served(html, encoded(&meta("big5", &bad_big5), BIG5)),
            served(html, encoded(&meta("big5", &good_big5), BIG5)),
        ),
        ("/utf-16le", served(html, utf16(&bad, false)), served(html, utf16(&good, false))),
        ("/utf-16be", served(html, utf16(&bad, true)), served(html, utf16(&good, true))),
        (
            "/utf-16-against-the-head",
            served("text/html; charset=gbk", utf16(&bad, false)),
            served("text/html; charset=gbk", utf16(&good, false)),
        ),
        ("/no-type", Served { fields: vec![], body: bad.into() }, Served { fields: vec![], body: good.into() }),
    ]);
}

#[test]
fn every_coding_is_undone_for_reading_and_kept_for_sending() {
    let (bad, good) = (page_with(PHRASE, 30_000), page_of(30_000));
    let (bad, good) = (bad.as_bytes(), good.as_bytes());
    let members = |page: &[u8]| {
        let (first, second) = page.split_at(page.len() / 2);
        [gzip(first), gzip(second)].concat()
    };
    blocked_with_and_untouched_without(vec![
        ("/gzip", coded("gzip", gzip(bad)), coded("gzip", gzip(good))),
        ("/x-gzip", coded("x-gzip", gzip(bad)), coded("x-gzip", gzip(good))),
        ("/gzip-members", coded("gzip", members(bad)), coded("gzip", members(good))),
        ("/deflate-zlib", coded("deflate", zlib(bad)), coded("deflate", zlib(good))),
        ("/deflate-raw", coded("deflate", raw_deflate(bad)), coded("deflate", raw_deflate(good))),
        ("/br", coded("br", br(bad)), coded("br", br(good))),
        ("/zstd", coded("zstd", zstd(bad)), coded("zstd", zstd(good))),
        ("/stacked", coded("gzip, br", br(&gzip(bad))), coded("gzip, br", br(&gzip(good)))),
        (
            "/gzip-gbk",
            Served {
                fields: vec![("Content-Type", "text/html; charset=gbk".into()), ("Content-Encoding", "gzip".into())],
                body: gzip(&encoded(std::str::from_utf8(bad).unwrap(), GBK)),
            },
            Served {
                fields: vec![("Content-Type", "text/html; charset=gbk".into()), ("Content-Encoding", "gzip".into())],
                body: gzip(&encoded(std::str::from_utf8(good).unwrap(), GBK)),
            },
        ),
    ]);
}

#[test]
fn disguises_do_not_help() {
    let disguises = [
        ("/spaces", "秘 密 暗 号 测 试".to_owned()),
        ("/markup", "秘<b>密</b><span class=x>暗</span>号<i></i>测<!-- -->试".to_owned()),
        ("/entities", "&#31192;&#x5bc6;暗号测试".to_owned()),
        ("/zero-width", "秘\u{200b}密\u{200d}暗\u{feff}号测试".to_owned()),
        ("/punctuation", "秘.密-暗*号~测_试".to_owned()),
        ("/traditional", PHRASE_TRADITIONAL.to_owned()),
        ("/full-width-latin", "ｆｏｒｂｉｄｄｅｎ　ＷＯＲＤＳ".to_owned()),
        ("/case", "FoRbIdDeN wOrDs".to_owned()),
        ("/attribute", format!("<img alt='{PHRASE}'>")),
    ];
    let bodies =
        disguises.iter().map(|(target, text)| (*target, served("text/html; charset=utf-8", page_with(text, 100))));
    let origin = serving(bodies.collect());
    let zhamen = in_front_of(&origin);
    for (target, text) in &disguises {
        let response = get(zhamen.http, "filed.cn", target);
        assert_eq!((response.status(), response.reason()), (451, "content_blocked"), "{target}: {text}");
    }
}

#[test]
fn plain_text_json_and_xml_are_read_too() {
    let bodies = vec![
        ("/plain", served("text/plain; charset=utf-8", format!("a {PHRASE} b"))),
        ("/json", served("application/json", format!("{{\"title\": \"x {PHRASE}\"}}"))),
        ("/json-escaped", served("application/json", "{\"title\": \"\\u79d8\\u5bc6\\u6697\\u53f7\\u6d4b\\u8bd5\"}")),
        ("/xml", served("application/rss+xml", format!("<rss><title>{PHRASE}</title></rss>"))),
    ];
    let targets: Vec<_> = bodies.iter().map(|(target, _)| *target).collect();
    let origin = serving(bodies);
    let zhamen = in_front_of(&origin);
    for target in targets {
        assert_blocked(&get(zhamen.http, "filed.cn", target), target);
    }
}

#[test]
fn what_is_not_text_passes_and_is_counted() {
    let body = format!("\u{89}PNG\r\n\u{1a}\n{PHRASE}");
    let origin = serving(vec![("/a.png", served("image/png", body.clone()))]);
    let zhamen = in_front_of(&origin);
    let response = get(zhamen.http, "filed.cn", "/a.png");
    assert_eq!((response.status(), response.text()), (200, body));
    let line = zhamen.logged("/a.png");
    assert_eq!((&line["inspection"], &line["inspection_reason"]), (&"uninspected".into(), &"opaque_media_type".into()));
    zhamen.metric_becomes("zhamen_responses_total{inspection=\"uninspected\",reason=\"opaque_media_type\"}", 1.0);
}

#[test]
fn what_cannot_be_read_passes_or_is_blocked_as_the_operator_decided() {
    let page = page_of(1_000);
    let cases = || {
        vec![
            // What looks like text is read as it is, whatever the coding is called; this does not.
            ("/unknown_coding", coded("compress", format!("\u{1f}\u{1}\u{2}{page}"))),
            ("/decode_error", coded("gzip", page.clone())),
            ("/opaque_media_type", served("image/png", page.clone())),
        ]
    };
    let origin = serving(cases());
    let zhamen = in_front_of(&origin);
    for (target, served) in cases() {
        let response = get(zhamen.http, "filed.cn", target);
        assert_eq!(response.status(), 200, "{target}");
        assert!(response.body == served.body, "{target}");
        assert_eq!(zhamen.logged(target)["inspection_reason"], target[1..], "{target}");
    }
    let mut setup = Setup::new().site("filed.cn", origin.address());
    for (target, _) in cases() {
        setup = setup.set(&format!("scan.on.{}", &target[1..]), "\"block\"");
    }
    let zhamen = setup.run();
    for (target, _) in cases() {
        let response = get(zhamen.http, "filed.cn", target);
        assert_eq!((response.status(), response.reason()), (451, "content_blocked"), "{target}");
        assert_eq!(zhamen.logged(target)["inspection_reason"], target[1..], "{target}");
    }
}

#[test]
fn masking_replaces_the_phrase_and_nothing_else() {
    let bodies = vec![
        ("/utf-8", served("text/html; charset=utf-8", page_with(PHRASE, 500))),
        ("/gbk", served("text/html; charset=gbk", encoded(&page_with(PHRASE, 500), GBK))),
        ("/gzip", coded("gzip", gzip(page_with(PHRASE, 500).as_bytes()))),
        ("/late", served("text/html; charset=utf-8", page_with(PHRASE, 300_000))),
    ];
    let origin = serving(bodies);
    let zhamen =
        Setup::new().site("filed.cn", origin.address()).pack("test.toml", pack("test", "mask", &[PHRASE])).run();
    for target in ["/utf-8", "/gbk", "/gzip", "/late"] {
        let response = get(zhamen.http, "filed.cn", target);
        assert_eq!((response.status(), response.end), (200, crate::harness::End::Whole), "{target}");
        assert_eq!(response.field("content-encoding"), None, "{target}");
        let text = if target == "/gbk" { GBK.decode(&response.body).0.into_owned() } else { response.text() };
        let before = if target == "/late" { 300_000 } else { 500 };
        let (head, tail) =
            page_with(PHRASE, before).split_once(PHRASE).map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let masked = text.strip_prefix(&head).and_then(|rest| rest.strip_suffix(&tail));
        let masked = masked.unwrap_or_else(|| panic!("{target}: more than the phrase was changed"));
        assert_eq!(masked.chars().count(), PHRASE.chars().count(), "{target}: {masked:?}");
        assert!(!masked.chars().any(|character| PHRASE.contains(character)), "{target}: {masked:?}");
        assert_eq!(zhamen.logged(target)["verdict"], "mask", "{target}");
    }
}

#[test]
fn observing_changes_nothing_and_is_recorded() {
    let page = page_with(PHRASE, 500);
    let coded = serving(vec![("/gzip", coded("gzip", gzip(page.as_bytes())))]);
    let zhamen =
        Setup::new().site("filed.cn", coded.address()).pack("test.toml", pack("test", "observe", &[PHRASE])).run();
    let response = get(zhamen.http, "filed.cn", "/gzip");
    assert_eq!((response.status(), response.field("content-encoding")), (200, Some("gzip")));
    assert!(response.body == gzip(page.as_bytes()));
    let line = zhamen.logged("/gzip");
    assert_eq!((&line["verdict"], &line["rules"]), (&"observe".into(), &serde_json::json!(["test.phrase"])));
}

#[test]
fn a_rule_in_shadow_blocks_nobody() {
    let page = page_with(PHRASE, 500);
    let origin = Origin::page(page.clone());
    let shadow = pack("test", "block", &[PHRASE]) + "mode = \"shadow\"\n";
    let zhamen = Setup::new().site("filed.cn", origin.address()).pack("test.toml", shadow).run();
    assert_eq!(get(zhamen.http, "filed.cn", "/").text(), page);
    assert_eq!(zhamen.logged("/")["rules"], serde_json::json!(["test.phrase"]));
}

#[test]
fn the_same_bytes_are_not_scanned_twice() {
    let origin = Origin::page(page_of(20_000));
    let zhamen = in_front_of(&origin);
    for _ in 0..3 {
        assert_eq!(get(zhamen.http, "filed.cn", "/").status(), 200);
    }
    zhamen.metric_becomes("zhamen_verdict_cache_total{result=\"hit\"}", 2.0);
    zhamen.metric_becomes("zhamen_verdict_cache_total{result=\"miss\"}", 1.0);
    zhamen.metric_becomes("zhamen_responses_total{inspection=\"inspected\",reason=\"none\"}", 3.0);
}

#[test]
fn errors_of_the_origin_are_read_like_everything_else() {
    let origin = Origin::start(|exchange| {
        exchange.respond("404 Not Found", &[("Content-Type", "text/html")], page_with(PHRASE, 10).as_bytes())
    });
    let zhamen = in_front_of(&origin);
    assert_blocked(&get(zhamen.http, "filed.cn", "/"), "a 404");
}

#[test]
fn a_remembered_verdict_is_recorded_like_the_first() {
    let origin = Origin::page(page_with(PHRASE, 100));
    let zhamen = in_front_of(&origin);
    for target in ["/1", "/2"] {
        assert_blocked(&get(zhamen.http, "filed.cn", target), target);
    }
    let (first, second) = (zhamen.logged("/1"), zhamen.logged("/2"));
    assert_eq!((&first["cached"], &second["cached"]), (&false.into(), &true.into()));
    assert_eq!(first["rules"], second["rules"]);
}

#[test]
fn a_range_of_text_is_not_asked_for() {
    let origin = Origin::page(page_with(PHRASE, 100));
    let zhamen = in_front_of(&origin);
    let request = "GET /a.html HTTP/1.1\r\nHost: filed.cn\r\nRange: bytes=0-99\r\nIf-Range: \"v\"\r\n\r\n";
    assert_blocked(&ask(zhamen.http, request), "a range of it");
    let head = &origin.requests()[0];
    assert_eq!((head.field("range"), head.field("if-range")), (None, None));
}

#[test]
fn only_codings_that_can_be_undone_are_asked_for() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin);
    let request = "GET / HTTP/1.1\r\nHost: filed.cn\r\nAccept-Encoding: gzip, sdch, br;q=0.8, compress\r\n\r\n";
    assert_eq!(ask(zhamen.http, request).status(), 200);
    assert_eq!(origin.requests()[0].field("accept-encoding"), Some("gzip, br;q=0.8"));
}

#[test]
fn several_content_encoding_lines_are_one_list() {
    let mut served = coded("gzip", br(&gzip(page_with(PHRASE, 100).as_bytes())));
    served.fields.push(("Content-Encoding", "BR".to_owned()));
    let origin = serving(vec![("/", served)]);
    let zhamen = in_front_of(&origin);
    assert_blocked(&get(zhamen.http, "filed.cn", "/"), "two lines");
}

#[test]
fn upgrades_are_refused_where_the_operator_blocks_what_cannot_be_read() {
    let origin = Origin::page("fine");
    let zhamen = Setup::new().site("filed.cn", origin.address()).set("scan.on.upgrade", "\"block\"").run();
    let request = "GET / HTTP/1.1\r\nHost: filed.cn\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_blocked(&ask(zhamen.http, request), "an upgrade");
    assert_eq!(origin.asked(), 0);
}

#[test]
fn scanning_can_be_switched_off_and_the_gate_stays() {
    let page = page_with(PHRASE, 100);
    let origin = Origin::page(page.clone());
    let zhamen = Setup::new().site("filed.cn", origin.address()).set("scan.enabled", "false").run();
    assert_eq!(get(zhamen.http, "filed.cn", "/").text(), page);
    assert_eq!(zhamen.logged("/")["inspection_reason"], "disabled");
    assert_eq!(get(zhamen.http, "nobody.cn", "/").reason(), "unfiled");
}

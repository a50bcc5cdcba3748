//! The first property: chunks never matter.

mod exceptions;
mod explaining;
mod reading;

use std::{
    io::Write,
    sync::{Arc, LazyLock},
};

use bytes::Bytes;
use encoding_rs::Encoding;
use proptest::prelude::*;

use super::*;
use crate::{
    base::{Date, MemoryBudget},
    engine::{
        coding::DecodeLimits,
        oracle::{NoLists, drive, drive_within},
        rules::{Action, PackSource, RuleSet, parse},
    },
};

fn rules(packs: &str) -> Arc<RuleSet> {
    let sources: Vec<PackSource> = packs
        .split("====")
        .enumerate()
        .map(|(number, text)| PackSource { path: format!("{number}.toml"), text: text.to_owned() })
        .collect();
    let parsed = parse(&sources, &NoLists);
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    Arc::new(RuleSet::compile(&parsed.packs, Date { year: 2026, month: 11, day: 21 }).unwrap())
}

static RULES: LazyLock<Arc<RuleSet>> = LazyLock::new(|| rules(PACKS));
static MASKING: LazyLock<Arc<RuleSet>> = LazyLock::new(|| rules(MASK));

const PACKS: &str = r#"
[pack]
id = "gambling"
title = "赌博"
clause = "7.7"
class = "vulgar"
action = "block"
threshold = 100

[[rule]]
id = "gambling.words"
any = ["百家乐", "online casino", "bet365"]

[[rule]]
id = "gambling.pair"
any = ["彩金"]
all = ["注册"]
near = 10
weight = 60

[[rule]]
id = "gambling.except"
any = ["澳门"]
none = ["旅游"]
near = 5
weight = 60

[[rule]]
id = "gambling.far"
any = ["下注"]
none = ["警方"]
weight = 50

[[rule]]
id = "gambling.number"
any = ["客服"]
regex = "[0-9]{5}"
near = 12
weight = 50

[[rule]]
id = "gambling.context"
any = ["法院"]
weight = -60
lanes = ["text", "comment"]
====
[pack]
id = "watch"
title = "看"
clause = "7.9"
class = "other"
action = "observe"
threshold = 10

[[rule]]
id = "watch.script"
any = ["百家", "乐"]
lanes = ["script", "comment"]

[[rule]]
id = "watch.shadow"
any = ["家"]
mode = "shadow"
"#;

const MASK: &str = r#"
[pack]
id = "mask"
title = "遮"
clause = "7.9"
class = "other"
action = "mask"
threshold = 100

[[rule]]
id = "mask.words"
any = ["百家乐", "online casino"]

[[rule]]
id = "mask.pair"
any = ["彩金"]
all = ["注册"]
"#;

fn policy(hold_bytes: usize) -> ScanPolicy {
    ScanPolicy { hold_bytes, ..ScanPolicy::default() }
}

fn html(charset: &'static str) -> BodyHead<'static> {
    let content_type: &[u8] = match charset {
        "gbk" => b"text/html; charset=gbk",
        "big5" => b"text/html; charset=big5",
        "utf-16le" => b"text/html; charset=utf-16le",
        "" => b"text/html",
        _ => b"text/html; charset=utf-8",
    };
    BodyHead { content_type: Some(content_type), content_encoding: None }
}

fn encoded(text: &str, charset: &str) -> Vec<u8> {
    match charset {
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "" => text.as_bytes().to_vec(),
        _ => Encoding::for_label(charset.as_bytes()).unwrap().encode(text).0.into_owned(),
    }
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(body: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(body, 3).unwrap()
}

fn found(judgement: &Judgement) -> Vec<&str> {
    judgement.findings.iter().map(|finding| &*finding.rule).collect()
}

/// Pieces of pages that meet the rules, or almost.
fn page() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => Just("百家乐".to_owned()),
        3 => "[百家乐彩金注册澳门旅游下注警方法院客服]{1,3}",
        2 => Just("online casino".to_owned()),
        2 => "(online|casino|bet365|bet|365)",
        1 => Just("客服QQ：123456".to_owned()),
        2 => "[ ，。a-zé€]{1,4}",
        1 => Just("<b>".to_owned()),
        1 => Just("</td><td class=\"百家乐\">".to_owned()),
        1 => Just("<a title='注册彩金' href=x>".to_owned()),
        1 => Just("<!-- 百家 -->".to_owned()),
        1 => Just("<script>var a = '\\u767e\\u5bb6' + '乐';</script>".to_owned()),
        1 => Just("<style>b{}</style>".to_owned()),
        1 => Just("&#x767e;&#23478;&#x4e50;".to_owned()),
        1 => Just("百&nbsp;家&shy;乐&amp".to_owned()),
        1 => Just("<title>百</title>".to_owned()),
        1 => "[ -~]{1,6}",
        1 => "[一-龥]{1,30}",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

const CHARSETS: [&str; 5] = ["utf-8", "gbk", "big5", "utf-16le", ""];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chunks_never_matter(
        text in page(),
        which in 0..CHARSETS.len(),
        hold in prop_oneof![Just(1_usize << 20), 0..200_usize],
        cuts in proptest::collection::vec(any::<usize>(), 0..8),
        mask in any::<bool>(),
    ) {
        let set = if mask { Arc::clone(&MASKING) } else { Arc::clone(&RULES) };
        let body = encoded(&text, CHARSETS[which]);
        let (head, policy) = (html(CHARSETS[which]), policy(hold));
        let whole = drive(&set, head, &policy, &body, &[]);
        let cut = drive(&set, head, &policy, &body, &cuts);
        prop_assert_eq!(&whole, &cut);
        let every: Vec<usize> = (0..body.len()).collect();
        prop_assert_eq!(&whole, &drive(&set, head, &policy, &body, &every));
        prop_assert!(body.starts_with(&whole.sent) || mask);
        if mask {
            prop_assert_eq!(whole.sent.len(), body.len());
        }
        // What is held and what is committed find the same, as long as nothing stops early.
        if whole.end == "done" {
            prop_assert_eq!(whole.judgement.inspection, Inspection::Inspected);
        }
    }

    #[test]
    fn chunks_never_matter_under_a_coding(
        text in page(),
        hold in prop_oneof![Just(1_usize << 20), 0..100_usize],
        cuts in proptest::collection::vec(any::<usize>(), 0..8),
        zstd in any::<bool>(),
        damage in proptest::option::weighted(0.2, (any::<usize>(), any::<u8>())),
    ) {
        let set = Arc::clone(&RULES);
        let mut body = if zstd { zstandard(text.as_bytes()) } else { gzipped(text.as_bytes()) };
        // How much of a broken zstd stream is decoded may depend on the cuts.
        if let (Some((at, with)), false) = (damage, zstd) {
            let at = at % body.len();
            body[at] = with;
        }
        let head = BodyHead { content_encoding: Some(if zstd { b"zstd" } else { b"gzip" }), ..html("utf-8") };
        let whole = drive(&set, head, &policy(hold), &body, &[]);
        let cut = drive(&set, head, &policy(hold), &body, &cuts);
        prop_assert_eq!(whole.end, cut.end);
        prop_assert_eq!(&whole.judgement.findings, &cut.judgement.findings);
        prop_assert_eq!(whole.judgement.verdict, cut.judgement.verdict);
        if whole.end == "abort" {
            prop_assert!(body.starts_with(&whole.sent) && body.starts_with(&cut.sent));
        } else {
            prop_assert_eq!(&whole.sent, &cut.sent);
        }
    }

    #[test]
    fn arbitrary_bytes_pass_unchanged_or_not_at_all(
        body in proptest::collection::vec(any::<u8>(), 0..300),
        hold in 0..100_usize,
        content_type in proptest::sample::select(vec!["text/html", "application/json", "text/css", "text/event-stream", "text/plain", "application/xml", "", "text/html;charset=iso-2022-jp", "text/html;charset=hz-gb-2312"]),
        coding in proptest::sample::select(vec!["", "gzip", "br", "deflate", "zstd", "gzip, br"]),
    ) {
        let set = Arc::clone(&RULES);
        let head = BodyHead { content_type: Some(content_type.as_bytes()), content_encoding: Some(coding.as_bytes()) };
        let outcome = drive(&set, head, &policy(hold), &body, &[10, 20, 30]);
        prop_assert!(body.starts_with(&outcome.sent));
        if matches!(outcome.end, "deliver" | "done") {
            prop_assert_eq!(outcome.sent.len(), body.len());
        }
    }
}

#[test]
fn a_hit_is_seen_in_every_charset_and_disguise() {
    let set = Arc::clone(&RULES);
    let pages = [
        "来玩百家乐",
        "来玩百 家、乐吧",
        "百<b>家</b><i class=x>乐</i>",
        "百&#23478;&#x4E50;",
        "百\u{200b}家\u{ad}乐",
        "<img alt='百家樂'>",
        "百家樂",
        "Online&nbsp;CASINO!",
        "ｏｎｌｉｎｅ　ｃａｓｉｎｏ",
        "<td>百</td>\n    <td>家</td><td>乐</td>",
        "<title>百家乐</title>",
        "on<b>line</b> casino",
        "BET365.com",
    ];
    for text in pages {
        for charset in CHARSETS {
            if charset == "big5" && !text.is_ascii() && !text.contains('樂') {
                continue;
            }
            let outcome = drive(&set, html(charset), &policy(1 << 16), &encoded(text, charset), &[3, 7]);
            assert_eq!(
                (outcome.end, outcome.judgement.verdict),
                ("block", Some(Action::Block)),
                "{text} in {charset:?}"
            );
        }
    }
    for text in ["百家争鸣，乐在其中", "百家，，，，乐", "online casinos", "百a家乐", "x-onlinecasino", "alphabet3650"]
    {
        let outcome = drive(&set, html("utf-8"), &policy(1 << 16), text.as_bytes(), &[]);
        assert_eq!(
            outcome.judgement.verdict.filter(|&action| action == Action::Block),
            None,
            "{text}: {:?}",
            outcome.judgement
        );
    }
}

#[test]
fn repeated_ideographs_are_one() {
    let set = Arc::clone(&RULES);
    let judge = |text: &str| drive(&set, html("utf-8"), &policy(1 << 16), text.as_bytes(), &[5]).judgement.verdict;
    for text in ["百百家家乐乐", "百家家家家乐", "百百百百家乐", "百 百&#23478;<b>家</b>、乐"] {
        assert_eq!(judge(text), Some(Action::Block), "{text}");
    }
    for text in ["百家百家", "百家争乐", "onlline casino"] {
        assert_ne!(judge(text), Some(Action::Block), "{text}");
    }
}

#[test]
fn rules_combine() {
    let set = Arc::clone(&RULES);
    let cases: [(&str, &[&str]); 10] = [
        ("注册送彩金", &["gambling.pair"]),
        ("彩金，现在注册", &["gambling.pair"]),
        ("注册一二三四五六七八九十一彩金", &[]),
        ("澳门", &["gambling.except"]),
        ("澳门旅游", &[]),
        ("旅游澳门，一二三四五六七八。澳门", &["gambling.except"]),
        ("下注", &["gambling.far"]),
        ("下注很久很久以后警方来了", &[]),
        ("客服 12345", &["gambling.number"]),
        ("客服 1234", &[]),
    ];
    for (text, expected) in cases {
        let outcome = drive(&set, html("utf-8"), &policy(1 << 16), text.as_bytes(), &[]);
        let rules: Vec<&str> =
            found(&outcome.judgement).into_iter().filter(|rule| !rule.starts_with("watch")).collect();
        assert_eq!(rules, expected, "{text}");
    }
    let outcome = drive(&set, html("utf-8"), &policy(1 << 16), "百家乐，法院判决".as_bytes(), &[]);
    assert_eq!(outcome.judgement.categories[0].score, 40, "a negative weight takes away");
    assert_eq!(outcome.end, "deliver");
}

#[test]
fn the_mask_leaves_every_other_byte() {
    let set = Arc::clone(&MASKING);
    let cases = [
        ("utf-8", "来玩百 家 乐吧", "来玩＊ ＊ ＊吧"),
        ("gbk", "来玩<b>百</b>家乐吧", "来玩<b>＊</b>＊＊吧"),
        ("utf-16le", "来百家乐吧", "来***吧"),
        ("utf-8", "百&#23478;乐", "＊********＊"),
        ("utf-8", "x on<i>line</i> casino.", "x **<i>****</i> ******."),
        ("utf-8", "<a title=\"百家乐\">", "<a title=\"＊＊＊\">"),
        ("utf-8", "注册送彩金，彩金", "＊＊送＊＊，＊＊"),
    ];
    for (charset, text, expected) in cases {
        let outcome = drive(&set, html(charset), &policy(1 << 16), &encoded(text, charset), &[4]);
        assert_eq!(outcome.end, "deliver");
        assert_eq!(outcome.sent, encoded(expected, charset), "{text}");
    }
    // Coded bodies go out decoded if they are masked, and untouched if not.
    let head = BodyHead { content_encoding: Some(b"gzip"), ..html("utf-8") };
    let masked = drive(&set, head, &policy(1 << 16), &gzipped("来玩百家乐".as_bytes()), &[]);
    assert_eq!((masked.output, masked.sent), (Some(Output::Decoded), "来玩＊＊＊".as_bytes().to_vec()));
    let clean = drive(&set, head, &policy(1 << 16), &gzipped(b"clean"), &[]);
    assert_eq!((clean.output, clean.sent), (Some(Output::Original), gzipped(b"clean")));
}

#[test]
fn no_byte_of_a_late_match_leaves() {
    let set = Arc::clone(&RULES);
    let mut body = "字".repeat(40_000).into_bytes();
    let start = body.len();
    body.extend_from_slice("百<b>家</b>乐<p>rest".as_bytes());
    let outcome = drive(&set, html("utf-8"), &policy(1 << 10), &body, &[50_000, start + 4]);
    assert_eq!((outcome.end, outcome.sent.len()), ("abort", start));
    // Coded: what was sent decodes to nothing of the match.
    let coded = gzipped(&body);
    let head = BodyHead { content_encoding: Some(b"gzip"), ..html("utf-8") };
    let outcome = drive(&set, head, &policy(100), &coded, &[]);
    assert_eq!(outcome.end, "abort");
    let mut decoder = crate::engine::coding::Decoder::new(
        &[crate::engine::coding::Coding::Gzip],
        DecodeLimits { decoded_bytes_max: u64::MAX, ratio_max: u32::MAX },
    );
    decoder.feed(Bytes::from(outcome.sent));
    let mut decoded = Vec::new();
    while let Ok(bytes @ [_, ..]) = decoder.read() {
        decoded.extend_from_slice(bytes);
    }
    assert!(decoded.len() <= start && body.starts_with(&decoded));
}

#[test]
fn an_event_stream_never_waits_for_more() {
    let set = Arc::clone(&RULES);
    let budget = MemoryBudget::new(1 << 20);
    let head = BodyHead { content_type: Some(b"text/event-stream"), content_encoding: None };
    let Plan::Stream(mut stream) = plan(&set, head, &policy(1 << 16), &budget) else { panic!("not a stream") };
    let mut cache = VerdictCache::new(0, [0; 32]);
    let mut sent = Vec::new();
    for event in ["data: hello wor\n\n", "data: 你好\n\n", "data: 百\n\n"] {
        stream.push(Bytes::from(event));
        let mut out = Vec::new();
        while matches!(stream.step(&mut out, &mut cache), Step::Again) {}
        sent.push(out.concat());
    }
    assert_eq!(sent[0], b"data: hello wor\n\n");
    assert_eq!(sent[1], "data: 你好\n\n".as_bytes());
    assert_eq!(sent[2], b"data: ", "the first character of a phrase waits");
    assert!(stream.withholds());
    let mut out = Vec::new();
    stream.flush(&mut out);
    assert_eq!(out.concat(), "百\n\n".as_bytes());
    stream.push(Bytes::from("data: 家乐"));
    let aborted = loop {
        match stream.step(&mut out, &mut cache) {
            Step::Abort(judgement) => break judgement,
            Step::Again => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(aborted.tail_flushes, 1);
}

#[test]
fn what_was_judged_is_not_judged_again() {
    let set = Arc::clone(&RULES);
    let budget = MemoryBudget::new(1 << 20);
    let mut cache = VerdictCache::new(10, [7; 32]);
    let mut judge = |body: &'static str| {
        let Plan::Hold(mut held) = plan(&set, html("utf-8"), &policy(1 << 16), &budget) else { panic!("not held") };
        assert!(held.push(Bytes::from(body)));
        let mut judging = held.finish(&mut cache);
        loop {
            match judging.step(&mut cache) {
                None => {}
                Some(Judged::Deliver(_, _, judgement, _) | Judged::Block(judgement)) => return judgement,
                Some(Judged::Commit(_)) => panic!("committed"),
            }
        }
    };
    for body in ["clean page", "百家乐"] {
        let first = judge(body);
        let second = judge(body);
        assert!(!first.cached && second.cached);
        assert_eq!(Judgement { cached: false, ..second }, first);
    }
}

#[test]
fn what_cannot_be_read_is_counted_and_passed_or_blocked() {
    let set = Arc::clone(&RULES);
    let bomb = gzipped(&vec![b'a'; 30 << 20]);
    let truncated = &gzipped("百家争鸣".repeat(1000).as_bytes())[..30];
    let head = |content_type: &'static str, coding: &'static str| BodyHead {
        content_type: Some(content_type.as_bytes()),
        content_encoding: Some(coding.as_bytes()),
    };
    let cases: [(BodyHead<'_>, &[u8], Reason); 6] = [
        (head("image/png", ""), b"x", Reason::OpaqueMediaType),
        (head("text/html", "compress"), b"\x1f\x9d\x90\x00\x01", Reason::UnknownCoding),
        (head("text/html", "gzip"), b"not gzip at all", Reason::DecodeError),
        (head("text/html", "gzip"), truncated, Reason::DecodeError),
        (head("text/html", "gzip"), &bomb, Reason::OverBudget),
        (head("text/html;charset=iso-2022-kr", ""), b"x", Reason::UnknownCharset),
    ];
    for (head, body, reason) in cases {
        let passed = drive(&set, head, &policy(1 << 16), body, &[]);
        assert_eq!((passed.judgement.inspection.reason(), passed.sent.len()), (Some(reason), body.len()));
        let mut strict = policy(1 << 16);
        strict.consequences.set(reason, Consequence::Block);
        let blocked = drive(&set, head, &strict, body, &[]);
        assert_eq!((blocked.end, blocked.sent.len()), ("block", 0), "{reason:?}");
    }
}

#[test]
fn without_memory_bodies_are_let_go_early_but_read() {
    let set = Arc::clone(&RULES);
    let budget = MemoryBudget::new(10);
    let body = format!("{}百家乐", "字".repeat(100));
    let head = html("utf-8");
    let cuts: Vec<usize> = (0..body.len()).step_by(7).collect();
    let outcome = drive_within(&set, head, &policy(1 << 16), body.as_bytes(), &cuts, &budget);
    assert_eq!((outcome.end, outcome.sent.len()), ("abort", 300), "the hold degrades, the scan does not");
    let mut strict = policy(1 << 16);
    strict.consequences.set(Reason::Memory, Consequence::Block);
    let outcome = drive_within(&set, head, &strict, body.as_bytes(), &cuts, &budget);
    assert_eq!((outcome.end, outcome.judgement.inspection), ("block", Inspection::Uninspected(Reason::Memory)));
    assert_eq!(budget.used(), 0);
}

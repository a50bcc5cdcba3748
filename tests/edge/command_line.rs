//! The other commands: formats that scripts rely on, and exit statuses.

use std::{fs, io::Write, path::Path};

use encoding_rs::GBK;
use serde_json::{Value, json};

use crate::harness::{
    Run, Setup, page_of, zhamen,
    zhamen::{pack, shipped_rules},
};

/// A directory with the pack of the formats' example.
fn gambling() -> tempfile::TempDir {
    let setup = Setup::new().row("filed.cn,http://10.0.0.1,u1,s1,server,蜀ICP备12345678号,,");
    setup.pack("test.toml", pack("gambling", "block", &["百家乐"])).directory()
}

fn lines(run: &Run) -> Vec<Value> {
    run.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn scan(dir: &Path, arguments: &[&str], input: &[u8]) -> Run {
    zhamen(dir, &[&["rules", "scan", "--json", "--rules", "rules"], arguments].concat(), input)
}

#[test]
fn rules_scan_prints_exactly_the_format() {
    let dir = gambling();
    let page = "<html><head><meta charset=gbk></head><body>天气来玩<b>百 家</b> 乐好不好</body></html>";
    let (bytes, _, _) = GBK.encode(page);
    fs::write(dir.path().join("a.html"), &bytes).unwrap();
    let run = scan(dir.path(), &["a.html"], b"");
    assert_eq!((run.status, run.err.as_str()), (1, ""));
    let found = lines(&run);
    assert_eq!(found.len(), 1);
    let line = &found[0];
    let (start, end) = (GBK.encode("<html><head><meta charset=gbk></head><body>天气来玩<b>").0.len(), bytes.len());
    let end = end - GBK.encode("好不好</body></html>").0.len();
    let excerpt = line["findings"][0]["excerpt"].as_str().unwrap().to_owned();
    assert!(excerpt.contains("来玩") && excerpt.contains("百 家") && excerpt.contains("好不好"), "{excerpt}");
    let mode = line["findings"][0].get("mode").cloned();
    let mut expected = json!({
        "file": "a.html", "verdict": "block", "inspection": "inspected", "charset": "GBK",
        "decoded_bytes": bytes.len(),
        "categories": {"gambling": {"score": 100, "action": "block"}},
        "findings": [{
            "rule": "gambling.phrase", "category": "gambling", "phrase": "百家乐", "start": start, "end": end,
            "lane": "text", "excerpt": excerpt,
        }],
    });
    // Fields may be added to the format.
    if let Some(mode) = mode {
        expected["findings"][0]["mode"] = mode;
    }
    assert_eq!(*line, expected);
    assert_eq!(&bytes[start..start + 2], &GBK.encode("百").0[..]);
}

#[test]
fn rules_scan_tells_by_its_status_what_it_found() {
    let dir = gambling();
    fs::write(dir.path().join("bad.html"), "<p>百家乐</p>").unwrap();
    fs::write(dir.path().join("good.html"), page_of(1_000)).unwrap();
    let run = scan(dir.path(), &["good.html"], b"");
    assert_eq!(run.status, 0);
    let line = &lines(&run)[0];
    assert_eq!((&line["verdict"], &line["findings"], &line["categories"]), (&"pass".into(), &json!([]), &json!({})));

    let run = scan(dir.path(), &["good.html", "bad.html"], b"");
    assert_eq!((run.status, lines(&run).len()), (1, 2), "one line a file, in order");
    assert_eq!(lines(&run)[1]["file"], "bad.html");

    let run = scan(dir.path(), &["absent.html", "bad.html"], b"");
    assert_eq!((run.status, lines(&run).len()), (2, 1), "the others are scanned all the same");
    assert!(run.err.contains("absent.html"), "{}", run.err);

    assert_eq!(zhamen(dir.path(), &["rules", "scan", "--rules", "nowhere", "good.html"], b"").status, 2);
}

#[test]
fn rules_scan_reads_standard_input_and_codings() {
    let dir = gambling();
    let page = "<p>来玩百家乐</p>".as_bytes();
    let run = scan(dir.path(), &["-"], page);
    assert_eq!((run.status, &lines(&run)[0]["file"]), (1, &"-".into()));

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(page).unwrap();
    let gzip = encoder.finish().unwrap();
    let run = scan(dir.path(), &["--content-encoding", "gzip", "-"], &gzip);
    let line = &lines(&run)[0];
    assert_eq!((run.status, &line["decoded_bytes"], &line["verdict"]), (1, &page.len().into(), &"block".into()));
    assert_eq!(line["findings"][0]["start"], "<p>来玩".len(), "offsets in what was decoded");

    let run = scan(dir.path(), &["-"], &gzip);
    assert_eq!(run.status, 0, "compressed bytes are not text");

    let run = scan(dir.path(), &["--content-type", "image/png", "-"], page);
    let line = &lines(&run)[0];
    assert_eq!((run.status, &line["inspection"]), (0, &"uninspected(opaque_media_type)".into()));

    let run = scan(dir.path(), &["--content-type", "text/html; charset=gbk", "-"], &GBK.encode("来玩百家乐").0);
    assert_eq!((run.status, &lines(&run)[0]["charset"]), (1, &"GBK".into()));
}

#[test]
fn rules_scan_tells_an_uninspected_file_from_one_that_is_not_there() {
    let dir = gambling();
    fs::write(dir.path().join("a.bin"), b"\0\x01\x02\xff".repeat(400)).unwrap();
    let run = scan(dir.path(), &["--content-type", "image/png", "a.bin"], b"");
    let line = &lines(&run)[0];
    assert_eq!((run.status, &line["verdict"]), (0, &"pass".into()), "as such a response would be judged");
    assert!(line["inspection"].as_str().unwrap().starts_with("uninspected"), "{line}");
    assert_eq!(scan(dir.path(), &["absent.bin"], b"").status, 2);
}

/// Packs with a hit, a near hit of each kind, and a rule that is off.
const EXPLAINED: &str = r#"
[pack]
id = "g"
title = "赌博"
clause = "7.7"
class = "vulgar"
action = "block"
threshold = 100
[[rule]]
id = "g.hit"
any = ["百家乐"]
weight = 70
[[rule]]
id = "g.near"
any = ["注册"]
all = ["彩金"]
near = 3
[[rule]]
id = "g.cancelled"
any = ["下注"]
none = ["警方"]
[[rule]]
id = "g.covered"
any = ["黄片"]
none = ["三黄片"]
[[rule]]
id = "g.off"
any = ["赌场"]
mode = "off"
[[rule]]
id = "g.silent"
any = ["不在此页"]
"#;

#[test]
fn rules_explain_says_why_score_by_score() {
    let dir = gambling();
    fs::write(dir.path().join("rules/test.toml"), EXPLAINED).unwrap();
    let page = "<p>百 家 乐，注册一二三四五六送彩金，下注，警方，三黄片，赌场</p>";
    fs::write(dir.path().join("a.html"), page).unwrap();
    let run = zhamen(dir.path(), &["rules", "explain", "--rules", "rules", "a.html"], b"");
    assert_eq!(run.status, 1, "{}{}", run.out, run.err);
    let told = [
        "a.html: pass",
        "g (赌博): 70 stays below 100: pass",
        "+70  g.hit: \"百家乐\", bytes 3..14, text",
        "the parts stand 7 characters apart, and near is 3",
        "the exception \"警方\" at bytes",
        "is part of the exception \"三黄片\"",
        "the rule is off",
    ];
    for words in told {
        assert!(run.out.contains(words), "no {words} in\n{}", run.out);
    }
    assert!(!run.out.contains("g.silent"), "{}", run.out);

    let run = zhamen(dir.path(), &["rules", "explain", "--json", "--rules", "rules", "-"], page.as_bytes());
    let value = &lines(&run)[0];
    let category = &value["categories"][0];
    assert_eq!(
        (&category["score"], &category["threshold"], &category["action"]),
        (&70.into(), &100.into(), &"pass".into())
    );
    let reasons: Vec<(&str, Option<&str>)> = category["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| (rule["rule"].as_str().unwrap(), rule["obstacles"][0]["reason"].as_str()))
        .collect();
    let expected = [
        ("g.hit", None),
        ("g.near", Some("too_far")),
        ("g.cancelled", Some("cancelled")),
        ("g.covered", Some("covered")),
        ("g.off", Some("off")),
    ];
    assert_eq!(reasons, expected);
    assert_eq!(zhamen(dir.path(), &["rules", "explain", "--rules", "rules", "absent.html"], b"").status, 2);
    let clean = zhamen(dir.path(), &["rules", "explain", "--rules", "rules", "-"], b"<p>fine</p>");
    assert!(clean.status == 0 && clean.out.contains("no phrase"), "{}", clean.out);
}

#[test]
fn rules_diff_shows_what_would_change_by_rule_and_by_page() {
    let dir = gambling();
    let new = dir.path().join("new");
    let pages = dir.path().join("pages/below");
    fs::create_dir(&new).unwrap();
    fs::create_dir_all(&pages).unwrap();
    fs::write(new.join("test.toml"), pack("gambling", "block", &["时时彩"])).unwrap();
    fs::write(pages.join("old.html"), "<p>百家乐</p>").unwrap();
    fs::write(pages.join("new.txt"), "时时彩").unwrap();
    fs::write(pages.join("both.html"), "<p>百家乐，时时彩</p>").unwrap();
    fs::write(pages.join("none.html"), page_of(1_000)).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all("<p>时时彩</p>".as_bytes()).unwrap();
    fs::write(pages.join("coded.html.gz"), encoder.finish().unwrap()).unwrap();

    let diff = |arguments: &[&str]| zhamen(dir.path(), &[&["rules", "diff"], arguments].concat(), b"");
    let run = diff(&["--json", "rules", "new", "--against", "pages"]);
    assert_eq!((run.status, run.err.as_str()), (1, ""), "{}", run.out);
    let value = &lines(&run)[0];
    assert_eq!((&value["pages"], &value["changed"]), (&5.into(), &3.into()));
    assert_eq!(value["rules"], json!([{"rule": "gambling.phrase", "gained": 2, "lost": 1}]));
    let changes: Vec<String> = value["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{} {} {}", it["page"].as_str().unwrap(), it["verdict"]["old"], it["verdict"]["new"]))
        .collect();
    assert_eq!(
        changes,
        [
            "below/coded.html.gz \"pass\" \"block\"",
            "below/new.txt \"pass\" \"block\"",
            "below/old.html \"block\" \"pass\"",
        ]
    );

    let run = diff(&["rules", "new", "--against", "pages"]);
    for words in ["below/old.html", "block → pass", "-gambling.phrase (百家乐)", "3 changed, 3 with another verdict"]
    {
        assert!(run.out.contains(words), "no {words} in\n{}", run.out);
    }
    assert_eq!(diff(&["rules", "rules", "--against", "pages"]).status, 0);
    assert_eq!(diff(&["rules", "nowhere", "--against", "pages"]).status, 2);
    assert_eq!(diff(&["rules", "new", "--against", "nowhere"]).status, 2);
}

#[test]
fn rules_lint_names_place_and_remedy() {
    let dir = gambling();
    let head = pack("gambling", "block", &["百家乐"]);
    let more = "hit = [\"百家乐\"]\npass = [\"去赌场看看\"]\n\n[[rule]]\nid = \"gambling.b\"\nany = [\"赌场\", \"我们\"]\nhit = [\"赌场\"]\n";
    let text = head + more;
    let line = text.lines().position(|line| line.contains("我们")).unwrap() + 1;
    fs::write(dir.path().join("rules/test.toml"), &text).unwrap();
    let run = zhamen(dir.path(), &["rules", "lint", "--rules", "rules"], b"");
    assert_eq!(run.status, 1, "{}{}", run.out, run.err);
    for words in [
        format!("test.toml:{line}:8: warning: \"赌场\" hits a pass example of `gambling.phrase`"),
        format!("test.toml:{line}:14: warning: \"我们\" is one of the most common words"),
        "help: ".to_owned(),
    ] {
        assert!(run.out.contains(&words), "no {words} in\n{}", run.out);
    }

    let regex = text.replace("any = [\"赌场\", \"我们\"]", "any = [\"赌场\"]\nregex = \"(?=x)\"");
    fs::write(dir.path().join("rules/test.toml"), regex).unwrap();
    let run = zhamen(dir.path(), &["rules", "lint", "--rules", "rules"], b"");
    assert!(run.status == 2 && run.out.contains("linear time"), "{}", run.out);
}

#[test]
fn exceptions_alone_are_no_finding() {
    let dir = gambling();
    let exception = "\n[[rule]]\nid = \"gambling.police\"\nany = [\"警方捣毁\"]\nweight = -40\n";
    let path = dir.path().join("rules/test.toml");
    fs::write(&path, fs::read_to_string(&path).unwrap() + exception).unwrap();
    let run = scan(dir.path(), &["-"], "<p>昨日警方捣毁一处窝点</p>".as_bytes());
    let line = &lines(&run)[0];
    assert_eq!((run.status, &line["findings"], &line["categories"]), (0, &json!([]), &json!({})));
    let run = scan(dir.path(), &["-"], "<p>昨日警方捣毁一处百家乐窝点</p>".as_bytes());
    let line = &lines(&run)[0];
    assert_eq!((run.status, &line["verdict"]), (1, &"pass".into()));
    assert_eq!(line["categories"], json!({"gambling": {"score": 60, "action": "pass"}}));
    let rules: Vec<&Value> = line["findings"].as_array().unwrap().iter().map(|finding| &finding["rule"]).collect();
    assert_eq!(rules, ["gambling.police", "gambling.phrase"], "together they explain the score");
}

#[test]
fn the_shipped_packs_pass_their_own_tests() {
    let rules = shipped_rules().display().to_string();
    let dir = tempfile::tempdir().unwrap();
    let run = zhamen(dir.path(), &["rules", "test", "--json", "--rules", &rules], b"");
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    let value: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(value["failed"], 0);
    assert!(value["examples"].as_u64().unwrap() > 100 && value["packs"].as_u64().unwrap() >= 13, "{value}");
    let run = zhamen(dir.path(), &["rules", "lint", "--rules", &rules], b"");
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
}

#[test]
fn an_example_that_fails_is_named() {
    let dir = gambling();
    let bad = pack("gambling", "block", &["百家乐"]) + "hit = [\"玩百家乐\", \"天气晴朗\"]\npass = [\"来百家乐\"]\n";
    fs::write(dir.path().join("rules/test.toml"), bad).unwrap();
    let run = zhamen(dir.path(), &["rules", "test"], b"");
    assert_eq!(run.status, 1);
    for word in ["test.toml:12", "天气晴朗", "test.toml:13", "来百家乐", "2 failed"] {
        assert!(run.out.contains(word), "no {word} in\n{}", run.out);
    }
}

#[test]
fn explain_says_which_line_decides() {
    let dir = Setup::new()
        .row("filed.cn,http://10.0.0.1:8080,u1,s1,server,蜀ICP备12345678号,,")
        .row("elsewhere.cn,http://10.0.0.1,u2,s2,virtual_host,蜀ICP备12345678号,elsewhere,")
        .directory();
    let explain = |address: &str| zhamen(dir.path(), &["explain", "--json", address], b"");
    let run = explain("https://WWW.filed.cn/a?b");
    let value: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.status, &value["host"], &value["target"]), (0, &"www.filed.cn".into(), &"/a?b".into()));
    assert!(run.out.contains("sites.csv:2") && run.out.contains("10.0.0.1:8080"), "{}", run.out);

    let run = explain("elsewhere.cn");
    let value: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.status, &value["reason"], &value["status"]), (1, &"filed_elsewhere".into(), &403.into()));
    assert!(run.out.contains("sites.csv:3"), "{}", run.out);

    let run = explain("nobody.cn");
    let value: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.status, &value["reason"]), (1, &"unfiled".into()));

    let run = zhamen(dir.path(), &["explain", "nobody.cn"], b"");
    assert!(run.status == 1 && run.out.contains("unfiled"), "{}", run.out);
    assert_eq!(zhamen(dir.path(), &["explain", "--config", "absent.toml", "filed.cn"], b"").status, 2);
}

#[test]
fn registry_check_tells_by_its_status_what_it_found() {
    let dir = gambling();
    let run = zhamen(dir.path(), &["registry", "check", "sites.csv"], b"");
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    let header = "host,origin,unit,service,kind\n";
    let good = "a.cn,http://10.0.0.1,u,s,server\nb.cn,http://10.0.0.1,u,s,server\n";
    fs::write(dir.path().join("some.csv"), format!("{header}{good}c.cn,nowhere,u,s,server\n")).unwrap();
    let run = zhamen(dir.path(), &["registry", "check", "some.csv"], b"");
    assert!(run.status == 1 && run.out.contains("some.csv:4:6"), "{}", run.out);
    assert_eq!(zhamen(dir.path(), &["registry", "check", "absent.csv"], b"").status, 2);
}

#[test]
fn wrong_usage_is_an_error_and_help_is_not() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(zhamen(dir.path(), &["nonsense"], b"").status, 2);
    assert_eq!(zhamen(dir.path(), &["rules", "scan"], b"").status, 2);
    let run = zhamen(dir.path(), &["--help"], b"");
    assert!(run.status == 0 && run.out.contains("explain"), "{}", run.out);
    assert!(zhamen(dir.path(), &["--version"], b"").out.starts_with("zhamen "));
    let run = zhamen(dir.path(), &["check", "--config", "absent.toml"], b"");
    assert!(run.status == 2 && (run.err + &run.out).contains("absent.toml"));
}

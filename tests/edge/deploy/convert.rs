//! Lists of other filters, as packs that find what the lists found.

use std::fs;

use serde_json::Value;

use crate::harness::{Run, zhamen};

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("rules")).unwrap();
        Self(dir)
    }

    fn list(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        fs::write(self.0.path().join(name), bytes).unwrap();
        self
    }

    fn run(&self, arguments: &[&str]) -> Run {
        zhamen(self.0.path(), arguments, b"")
    }

    /// The score of a page by a category, and what follows.
    fn score(&self, category: &str, page: &str) -> (i64, String) {
        let run = zhamen(self.0.path(), &["rules", "scan", "--json", "--rules", "rules", "-"], page.as_bytes());
        assert!(run.status < 2, "{}", run.err);
        let scanned: Value = serde_json::from_str(&run.out).unwrap();
        let category = &scanned["categories"][category];
        (category["score"].as_i64().unwrap_or(0), category["action"].as_str().unwrap_or("none").to_owned())
    }
}

#[test]
fn weights_and_combinations_add_up_as_they_did() {
    let desk = Desk::new();
    let list = "#listcategory: \"Gambling\"\n< casino ><40>\n<roulette><40>\n<free spins>,<bonus><30>\n<responsible gaming><-60>\n\
                <casino royale film>,<review><-70>\n.Include</etc/lists/other>\n";
    desk.list("weighted", list);
    let arguments =
        ["rules", "convert", "--from", "e2guardian", "--id", "bets", "--json", "--out", "rules/bets.toml", "weighted"];
    let run = desk.run(&arguments);
    assert_eq!(run.status, 1, "one line is told: {}{}", run.out, run.err);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((report["files"][0]["rules"].as_i64(), report["files"][0]["combinations"].as_i64()), (Some(5), Some(2)));
    assert_eq!(report["files"][0]["skipped"][0]["line"], 7);
    assert!(fs::read_to_string(desk.0.path().join("rules/bets.toml")).unwrap().contains("title     = \"Gambling\""));
    for (page, score, action) in [
        ("<p>a casino in town", 40, "none"),
        ("<p>casino and roulette", 80, "none"),
        ("<p>casino roulette, free spins today, with a bonus", 110, "block"),
        ("<p>free spins today", 0, "none"),
        ("<p>casino roulette free spins bonus - responsible gaming", 50, "none"),
        ("<p>casino casino casino", 40, "none"),
    ] {
        let (got, followed) = desk.score("bets", page);
        assert_eq!((got, followed == "block"), (score, action == "block"), "{page}: {followed}");
    }
}

#[test]
fn banned_and_exception_lists_mean_what_their_names_say() {
    let desk = Desk::new();
    desk.list("bannedphraselist", "<百家乐>\n<赌场>,<开户>\n").list("exceptionphraselist", "<反赌宣传>\n");
    let arguments = ["rules", "convert", "--from", "e2guardian", "--id", "gamble", "--out", "rules/gamble.toml"];
    let run = desk.run(&[&arguments[..], &["bannedphraselist", "exceptionphraselist"]].concat());
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    for (page, blocked) in [("百家乐", true), ("赌场", false), ("在赌场开户", true), ("百家乐害人：反赌宣传", false)]
    {
        assert_eq!(desk.score("gamble", &format!("<meta charset=utf-8><p>{page}")).1 == "block", blocked, "{page}");
    }
}

#[test]
fn home_grown_word_lists_are_read_in_their_encoding() {
    let desk = Desk::new();
    let (gbk, ..) = encoding_rs::GBK.encode("# 词表\n百家乐\n时时彩,60\n招聘+刷单,60\n百家乐\n");
    desk.list("words.txt", gbk);
    let run = desk.run(&["rules", "convert", "--from", "words", "--out", "rules/words.toml", "words.txt"]);
    assert_eq!(run.status, 1, "a line stands there twice: {}{}", run.out, run.err);
    assert!(
        run.err.contains("GBK") && run.err.contains("words.txt:5: 百家乐: is listed before, at words.txt:2"),
        "{}",
        run.err
    );
    for (page, score) in [("百 家 乐", 100), ("时时彩", 60), ("刷单兼职，高薪招聘", 60), ("招聘", 0)] {
        assert_eq!(desk.score("words", &format!("<meta charset=utf-8><p>{page}")).0, score, "{page}");
    }
    assert_eq!(desk.run(&["rules", "lint", "--rules", "rules"]).status, 1, "warnings, no errors");
}

#[test]
fn what_is_no_list_is_told_and_makes_no_pack() {
    let desk = Desk::new();
    desk.list("empty", "# nothing\n").list("picture", b"\x89PNG\r\n\x1a\n\0\0");
    for (from, file) in [("words", "empty"), ("e2guardian", "picture"), ("words", "missing")] {
        let run = desk.run(&["rules", "convert", "--from", from, "--out", "rules/none.toml", file]);
        assert_eq!(run.status, 2, "{file}: {}{}", run.out, run.err);
        assert!(!desk.0.path().join("rules/none.toml").exists() && run.err.contains(file), "{}", run.err);
    }
}

#[test]
fn lists_in_several_encodings_make_rules_of_what_they_say() {
    let desk = Desk::new();
    let lines = "<オンラインカジノ><60>\n<無料ボーナス><60> #free\n<女><10>\n";
    let parts = [encoding_rs::SHIFT_JIS, encoding_rs::UTF_8, encoding_rs::EUC_JP].map(|encoding| {
        let (bytes, ..) = encoding.encode(lines);
        [b"# next\n", bytes.as_ref()].concat()
    });
    desk.list("weighted_japanese", parts.concat());
    let arguments = ["rules", "convert", "--from", "e2guardian", "--id", "jp", "--out", "rules/jp.toml"];
    let run = desk.run(&[&arguments[..], &["weighted_japanese"]].concat());
    assert_eq!(run.status, 1, "{}{}", run.out, run.err);
    assert!(run.err.contains("Shift_JIS, UTF-8, EUC-JP") && run.err.contains("--mode shadow"), "{}", run.err);
    let told = run.err.split("NOT TAKEN OVER:").nth(1).unwrap();
    assert!(told.contains("weighted_japanese:4: 女: ") && told.contains("found everywhere"), "{told}");
    assert_eq!(desk.score("jp", "<meta charset=utf-8><p>オンラインカジノ 無料ボーナス"), (120, "block".to_owned()));
    for ordinary in ["e", "a man, i and e", "女性の健康", "the ”e” and ›a‚ ‹i"] {
        assert_eq!(desk.score("jp", &format!("<meta charset=utf-8><p>{ordinary}")).0, 0, "{ordinary}");
    }
    // Said wrong, and said right.
    let said = ["rules", "convert", "--from", "e2guardian", "--encoding", "windows-1252", "weighted_japanese"];
    let run = desk.run(&said);
    assert!(run.err.contains("found everywhere") && !run.out.contains("any    = [\"\"]"), "{}", run.err);
    let (sjis, ..) = encoding_rs::SHIFT_JIS.encode("<賭博><50>\n");
    desk.list("short", sjis);
    let named = ["rules", "convert", "--from", "e2guardian", "--encoding", "shift_jis", "short"];
    assert!(desk.run(&named).out.contains("賭博"));
    assert_eq!(desk.run(&["rules", "convert", "--from", "words", "--encoding", "klingon", "short"]).status, 2);
}

#[test]
fn slips_are_told_before_anything_is_written() {
    let desk = Desk::new();
    desk.list("weighted", "<casino><40>\n<roulette><30>\n").list("main", ".Include</etc/lists/gambling/weighted>\n");
    let convert = |arguments: &[&str]| desk.run(&[&["rules", "convert", "--from"], arguments].concat());
    let words = convert(&["words", "weighted"]);
    assert!(words.status == 2 && words.err.contains("is this --from e2guardian?"), "{}", words.err);
    let includes = convert(&["e2guardian", "main"]);
    assert!(includes.status == 2 && includes.err.contains("/etc/lists/gambling/weighted"), "{}", includes.err);
    desk.list("rules/mine.toml", "what somebody wrote");
    let over = convert(&["e2guardian", "--out", "rules/mine.toml", "weighted"]);
    assert!(over.status == 2 && over.err.contains("--force"), "{}", over.err);
    assert_eq!(fs::read_to_string(desk.0.path().join("rules/mine.toml")).unwrap(), "what somebody wrote");
    let forced = convert(&["e2guardian", "--out", "rules/mine.toml", "--force", "weighted"]);
    assert!(fs::read_to_string(desk.0.path().join("rules/mine.toml")).unwrap().contains("casino"), "{}", forced.err);
}

//! Registries, rules and configurations as people write them: each mistake is named at its line and
//! column, and costs no more than itself.

use std::{fs, time::Instant};

use encoding_rs::GB18030;

use crate::harness::{Origin, Run, Setup, get, page_with, zhamen, zhamen::pack};

/// `check` on files of which some were replaced.
fn check(setup: Setup, files: &[(&str, &[u8])]) -> Run {
    let dir = setup.directory();
    for (name, text) in files {
        fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
        fs::write(dir.path().join(name), text).unwrap();
    }
    zhamen(dir.path(), &["check"], b"")
}

#[track_caller]
fn assert_told(run: &Run, status: i32, lines: &[(&str, &[&str])]) {
    assert_eq!(run.status, status, "{}{}", run.out, run.err);
    for (place, words) in lines {
        let line = run.out.lines().find(|line| line.contains(&format!("{place}: ")));
        let line = line.unwrap_or_else(|| panic!("nothing at {place} in\n{}", run.out));
        for word in *words {
            assert!(line.contains(word), "no {word:?} in {line}");
        }
    }
}

fn good() -> Setup {
    Setup::new().row("filed.cn,http://10.0.0.1,u1,s1,server,蜀ICP备12345678号,,")
}

#[test]
fn good_files_raise_nothing() {
    let run =
        check(good().pack("test.toml", pack("test", "block", &["秘密暗号测试"]) + "hit = [\"秘密暗号测试\"]\n"), &[]);
    assert_told(&run, 0, &[]);
    assert!(run.out.contains("0 errors, 0 warnings"), "{}", run.out);
}

#[test]
fn broken_rows_are_named_one_by_one() {
    let rows = "host,origin,unit,service,kind,icp,filing\n\
        good1.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,\n\
        bad host.cn,http://10.0.0.1,u,s,server,,\n\
        badorigin.cn,ftp://10.0.0.1,u,s,server,,\n\
        badkind.cn,http://10.0.0.1,u,s,mainframe,,\n\
        badicp.cn,http://10.0.0.1,u,s,server,蜀ICP备1234号,\n\
        good2.cn,http://10.0.0.1,u,s,server,,\n\
        short.cn,http://10.0.0.1\n\
        com.cn,http://10.0.0.1,u,s,server,,\n\
        good1.cn,http://10.0.0.2,u,s,server,,\n\
        good3.cn,http://10.0.0.1,u,s,server,蜀ICP备 87654321,\n\
        good4.cn,http://10.0.0.1,u,s,virtual_host,,elsewhere\n\
        good5.cn,http://10.0.0.1,u,s,server,,\n\
        good6.cn,http://10.0.0.1,u,s,server,,\n\
        good7.cn,http://10.0.0.1,u,s,server,,\n";
    let run = check(good(), &[("sites.csv", rows.as_bytes())]);
    assert_told(
        &run,
        2,
        &[
            ("sites.csv:3:1", &["error", "host"]),
            ("sites.csv:4:14", &["error", "origin"]),
            ("sites.csv:5:32", &["error", "kind", "virtual_host"]),
            ("sites.csv:6:38", &["error", "icp"]),
            ("sites.csv:8:25", &["error", "2 fields"]),
            ("sites.csv:9:1", &["error", "public suffix"]),
            ("sites.csv:10:1", &["error", "line 2"]),
            ("sites.csv:11:37", &["warning", "蜀ICP备87654321号"]),
        ],
    );
    assert!(run.out.contains("\n7 sites"), "{}", run.out);
}

#[test]
fn a_registry_from_a_chinese_spreadsheet_is_read() {
    let origin = Origin::page("fine");
    let text = format!(
        "host,origin,unit,service,kind,icp,filing\r\n中文网站.cn,http://{0},成都某公司,s1,server,蜀ICP备12345678号,\r\n\
         filed.cn,http://{0},某单位,s1,server,蜀ICP备12345678号,\r\n",
        origin.address()
    );
    let (bytes, _, _) = GB18030.encode(&text);
    let run = check(good(), &[("sites.csv", &bytes)]);
    assert_told(&run, 0, &[]);
    let running = Setup::new().run();
    running.write("sites.csv", &bytes);
    crate::harness::eventually("in force", || get(running.http, "中文网站.cn", "/").status() == 200);
    assert_eq!(running.logged("/")["host"].as_str().map(str::is_empty), Some(false));
    get(running.http, "filed.cn", "/unit");
    assert_eq!(running.logged("/unit")["unit"], "某单位");
}

#[test]
fn a_registry_with_more_bad_rows_than_good_is_not_applied() {
    let rows = "host,origin,unit,service,kind\ngood.cn,http://10.0.0.1,u,s,server\nbad,bad\nworse,worse\n";
    let run = check(good(), &[("sites.csv", rows.as_bytes())]);
    assert_told(&run, 2, &[("sites.csv", &["2 rows are bad and only 1 are good"])]);
    let dir = good().directory();
    fs::write(dir.path().join("sites.csv"), rows).unwrap();
    let run = zhamen(dir.path(), &["registry", "check", "--json", "sites.csv"], b"");
    let value: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(
        (run.status, &value["applied"], &value["rows_good"], &value["rows_bad"]),
        (2, &false.into(), &1.into(), &2.into())
    );
}

#[test]
fn a_registry_that_is_none_says_what_it_is() {
    for (bytes, word) in [
        (&b"PK\x03\x04workbook"[..], "Excel"),
        (b"\xff\xfeh\0o\0s\0t\0", "UTF-16"),
        (b"", "empty"),
        (b"nonsense\n", "host"),
        (b"host,origin,unit,service,kind\n\"open,http://10.0.0.1,u,s,server\n", "quotation mark"),
    ] {
        let run = check(good(), &[("sites.csv", bytes)]);
        assert_eq!(run.status, 2, "{word}");
        assert!(run.out.contains(word) && run.out.contains("sites.csv"), "no {word:?} in {}", run.out);
    }
}

#[test]
fn mistakes_in_rules_are_named_at_their_places() {
    let head =
        "[pack]\nid = \"p\"\ntitle = \"t\"\nclause = \"7.7\"\nclass = \"other\"\naction = \"block\"\nthreshold = 100\n";
    let rule = |id: &str, rest: &str| format!("[[rule]]\nid = \"{id}\"\n{rest}\nhit = [\"x\"]\n");
    for (text, place, words) in [
        (format!("{head}[[rule]\nid = \"p.a\"\n"), "p.toml:8:", &["error"][..]),
        (format!("{head}{}", rule("p.a", "any = [\"好词语\", \"\"]")), "p.toml:10:", &["error"]),
        (
            format!("{head}{}", rule("p.a", "any = [\"好词语\", \"···！\"]")),
            "p.toml:10:",
            &["error", "left to search for"],
        ),
        (
            format!("{head}{}{}", rule("p.a", "any = [\"好词语\"]"), rule("p.a", "any = [\"坏词语\"]")),
            "p.toml:13:",
            &["error", "p.a", "p.toml:9"],
        ),
        (format!("{head}{}", rule("p.a", "ani = [\"好词语\"]")), "p.toml:10:1", &["error", "any"]),
        (format!("{head}{}", rule("p.a", "any = [\"好词语\"]\nregex = \"(x\"")), "p.toml:11:", &["error", "regex"]),
        (format!("{head}{}", rule("p.a", "any_file = \"lists/none.txt\"")), "p.toml:10:", &["error", "none.txt"]),
        (format!("{head}{}", rule("p.a", "any_file = \"../../etc/passwd\"")), "p.toml:10:", &["error", "passwd"]),
        (format!("{head}{}", rule("p.a", "any = [\"好词语\"]\nweight = \"much\"")), "p.toml:11:", &["error"]),
        (format!("{head}{}", rule("p.a", "any = [\"枪\"]")), "p.toml:10:", &["warning", "short"]),
        (head.replace("\"block\"", "\"blok\""), "p.toml:6:", &["error", "block"]),
    ] {
        let run = check(good(), &[("rules/p.toml", text.as_bytes())]);
        let line = run.out.lines().find(|line| line.contains(place) && words.iter().all(|word| line.contains(word)));
        assert!(line.is_some(), "nothing at {place} with {words:?} in\n{}", run.out);
        assert_eq!(run.status, if words[0] == "warning" { 0 } else { 2 }, "{}", run.out);
    }
}

#[test]
fn a_pack_that_is_not_utf_8_is_named() {
    let (bytes, _, _) = GB18030.encode("[pack]\nid = \"p\"\ntitle = \"赌博\"\n");
    let run = check(good(), &[("rules/p.toml", &bytes)]);
    assert_told(&run, 2, &[("rules/p.toml:3:10", &["UTF-8"])]);
}

#[test]
fn a_proxy_with_broken_rules_or_configuration_does_not_start_and_says_why() {
    for (name, text, place) in [
        ("rules/test.toml", "[pack\n", "test.toml:1:"),
        ("zhamen.toml", "[scan]\nholt = \"1KiB\"\n", "zhamen.toml:2:1"),
    ] {
        let dir = good().directory();
        fs::write(dir.path().join(name), text).unwrap();
        let run = zhamen(dir.path(), &["run", "--config", "zhamen.toml"], b"");
        assert_eq!(run.status, 2);
        assert!(run.err.contains(place), "{}", run.err);
    }
}

#[test]
fn a_proxy_that_cannot_have_its_address_says_which() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    for key in ["listen.http", "admin.listen"] {
        let value = if key == "listen.http" { format!("[\"{address}\"]") } else { format!("\"{address}\"") };
        let dir = good().set(key, &value).directory();
        let run = zhamen(dir.path(), &["run", "--config", "zhamen.toml"], b"");
        assert_eq!(run.status, 2);
        assert!(run.err.contains(&address.to_string()), "{key}: {}", run.err);
    }
}

#[test]
fn a_proxy_without_rules_says_so() {
    let dir = good().set("rules.dir", "\"nowhere\"").directory();
    for command in [&["run", "--config", "zhamen.toml"][..], &["check"]] {
        let run = zhamen(dir.path(), command, b"");
        assert!(run.status == 2 && (run.out.clone() + &run.err).contains("nowhere"), "{}{}", run.out, run.err);
    }
}

#[test]
fn unknown_keys_and_bad_values_are_named_with_what_was_meant() {
    let text = "[listen]\nhttp = [\"127.0.0.1:8080\", \"nowhere\"]\n[scan]\nhodl = \"64KiB\"\nhold_time = \"5 parsecs\"\n\
        max_ratio = -1\n[scann]\nx = 1\n[gate.statuses]\nunfilled = 403\nunfiled = 99\n[log]\nlevel = \"verbose\"\n";
    let run = check(good(), &[("zhamen.toml", text.as_bytes())]);
    assert_told(
        &run,
        2,
        &[
            ("zhamen.toml:2:27", &["error", "nowhere"]),
            ("zhamen.toml:4:1", &["error", "hodl", "hold"]),
            ("zhamen.toml:5:13", &["error", "parsecs"]),
            ("zhamen.toml:6:13", &["error"]),
            ("zhamen.toml:7:2", &["error", "scann", "scan"]),
            ("zhamen.toml:10:1", &["error", "unfilled", "unfiled"]),
            ("zhamen.toml:11:11", &["error"]),
            ("zhamen.toml:13:9", &["error", "verbose"]),
        ],
    );
    let run = check(good(), &[("zhamen.toml", b"[scan\n")]);
    assert_told(&run, 2, &[("zhamen.toml:1:1", &["error"])]);
}

#[test]
fn problems_are_json_for_programs() {
    let dir = good().directory();
    fs::write(dir.path().join("zhamen.toml"), "[scan]\nhodl = 1\n").unwrap();
    let run = zhamen(dir.path(), &["check", "--json"], b"");
    let value: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.status, &value["errors"]), (2, &1.into()));
    let problem = &value["problems"][0];
    assert_eq!((&problem["line"], &problem["column"], &problem["severity"]), (&2.into(), &1.into(), &"error".into()));
}

#[test]
fn a_hundred_thousand_phrases_are_a_normal_size() {
    // Every phrase is seven characters out of the common ones, and its own.
    let character = |at: u32| char::from_u32(0x4e00 + at % 3_500).unwrap();
    let mut list = String::new();
    for at in 0..100_000_u32 {
        let mut state = at.wrapping_mul(2_654_435_761);
        for _ in 0..5 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            list.push(character(state >> 16));
        }
        list.push(character(at));
        list.push(character(at / 3_500));
        list.push('\n');
    }
    let last = list.lines().last().unwrap().to_owned();
    let bad = Origin::page(page_with(&last, 1_000));
    let good = Origin::page(page_with("", 1_000));
    let setup = Setup::new()
        .site("bad.cn", bad.address())
        .site("good.cn", good.address())
        .pack("test.toml", pack("test", "block", &["x"]).replace("any = [\"x\"]", "any_file = \"lists/many.txt\""));
    let setup = setup.list("lists/many.txt", &list);
    let begun = Instant::now();
    let running = setup.run();
    println!("100,000 phrases: listening after {:?}, {} KiB resident", begun.elapsed(), running.memory_kib("VmRSS"));
    assert_eq!(get(running.http, "bad.cn", "/").status(), 451);
    assert_eq!(get(running.http, "good.cn", "/").status(), 200);
}

#[test]
fn a_hundred_thousand_sites_are_imported() {
    let origin = Origin::page("fine");
    let mut rows = String::from("host,origin,unit,service,kind,icp\n");
    for at in 0..100_000 {
        rows.push_str(&format!(
            "site{at}.cn,http://{},u{},s{at},server,蜀ICP备12345678号\n",
            origin.address(),
            at / 10
        ));
    }
    let running = Setup::new().run();
    let begun = Instant::now();
    running.write("sites.csv", &rows);
    crate::harness::eventually("in force", || running.metric("zhamen_sites{filing=\"filed\"}") == 100_000.0);
    println!("100,000 sites: in force after {:?}, {} KiB resident", begun.elapsed(), running.memory_kib("VmRSS"));
    assert_eq!(get(running.http, "www.site99999.cn", "/").status(), 200);
    assert_eq!(get(running.http, "site100000.cn", "/").status(), 403);
}

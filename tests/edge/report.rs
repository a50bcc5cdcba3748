//! Reports: what they say of a record that somebody else filled, as the binary prints them.

use std::{fs, path::Path};

use ::zhamen::{
    base::Timestamp,
    domain::{
        record::{Fact, Notice, ServiceFact, UnitFact},
        registry::ServiceKind,
    },
    engine::rules::Class,
    store::{Append, Entries, Sqlite},
};

use crate::harness::{Setup, zhamen};

/// Three units: one with notices, one beside it on its server, and one elsewhere.
fn installation(notices: usize) -> tempfile::TempDir {
    let row = |host: &str, unit: &str, server: &str, icp: &str| {
        format!("{host},http://{server}:8080,{unit},s-{unit},virtual_host,{icp},,")
    };
    let dir = Setup::new()
        .set("report.provider", "\"蜀云数据中心\"")
        .row(row("a.cn", "u1", "10.0.0.5", "蜀ICP备12345678号-1"))
        .row(row("b.cn", "u1", "10.0.0.5", ""))
        .row(row("c.cn", "u2", "10.0.0.5", "蜀ICP备12345679号"))
        .row(row("d.cn", "u3", "10.0.0.9", ""))
        .directory();
    let unit = |unit: &str, name: &str| {
        let (parent, identity, contact) = (None, String::new(), String::new());
        Fact::Unit(UnitFact { unit: unit.into(), parent, name: name.into(), identity, contact })
    };
    let service = |unit: &str| {
        let (service, kind) = (format!("s-{unit}"), ServiceKind::VirtualHost);
        Fact::Service(ServiceFact { service, unit: unit.into(), kind, server_ips: Vec::new() })
    };
    let mut facts = vec![unit("u1", "某某<b>科技</b>有限公司"), unit("u2", "乙公司"), service("u1"), service("u2")];
    for at in 0..notices {
        facts.push(Fact::Notice(Notice {
            id: format!("n{at}"),
            service: "s-u1".into(),
            class: Class::Vulgar,
            at: Timestamp(now() - 3_600_000 * (at as i64 + 1)),
            recorded: None,
            authority: "省通信管理局".into(),
            document: format!("川通管函〔2026〕{at}号"),
            url: format!("http://a.cn/bbs/{at}"),
            deadline: None,
            note: "赌博信息".into(),
        }));
    }
    let store = Sqlite::open(&dir.path().join("zhamen.db")).unwrap();
    store.append(&Append::new("test", Timestamp(now()), &facts)).unwrap();
    dir
}

fn now() -> i64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64
}

fn printed(dir: &Path, arguments: &[&str]) -> String {
    let run = zhamen(dir, &[&["report"], arguments].concat(), b"");
    assert_eq!(run.status, 0, "{arguments:?}: {}", run.err);
    run.out
}

#[test]
fn a_rectification_report_names_what_was_notified_and_every_site_of_the_server() {
    let dir = installation(2);
    let text = printed(dir.path(), &["rectification", "--unit", "u1", "--measure", "关闭发贴功能"]);
    for part in [
        "http://a.cn/bbs/0",
        "川通管函〔2026〕1号",
        "10.0.0.5",
        "是（蜀ICP备12345678号-1）",
        "否（未备案）",
        "c.cn",
        "关闭发贴功能",
        "蜀云数据中心",
        "某某&#60;b&#62;科技",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains("d.cn") && !text.contains("<b>"), "another server's site, or markup of a stranger's");
    let run = zhamen(dir.path(), &["report", "rectification", "--unit", "u9"], b"");
    assert_eq!(run.status, 2);
    assert!(run.err.contains("no unit \"u9\""), "{}", run.err);
}

#[test]
fn a_suspension_notice_lists_the_strikes_that_did_it() {
    let dir = installation(2);
    let suspension = ["suspension", "--unit", "u1", "--kind", "virtual_host"];
    let text = printed(dir.path(), &suspension);
    for part in ["一月内已达2次", "两次（含）以上", "余额不予退还", "http://a.cn/bbs/0", "http://a.cn/bbs/1"]
    {
        assert!(text.contains(part), "{part}");
    }
    let dir = installation(1);
    let run = zhamen(dir.path(), &[&["report"], &suspension[..]].concat(), b"");
    assert_eq!(run.status, 2);
    assert!(run.err.contains("not suspended"), "{}", run.err);
}

#[test]
fn an_incident_from_a_notice_is_reported_notified_and_shared() {
    let dir = installation(1);
    let open = ["incident", "open", "--notice", "n0", "--site", "b.cn", "--site", "c.cn", "--site", "x.cn", "--json"];
    let run = zhamen(dir.path(), &open, b"");
    let incident: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let id = incident["id"].as_str().unwrap();
    assert_eq!(incident["title"], "省通信管理局通报 川通管函〔2026〕0号");
    assert_eq!(incident["units"], serde_json::json!(["u1"]));
    let text = printed(dir.path(), &["incident", id]);
    for part in ["市公安局网监分局", "http://a.cn/bbs/0", "x.cn", "不在登记册内", "立案"] {
        assert!(text.contains(part), "{part}");
    }
    let text = printed(dir.path(), &["notice", "--unit", "u1", "--incident", id]);
    assert!(text.contains("书面通知") && text.contains("http://a.cn/bbs/0") && !text.contains("c.cn"));
    let text = printed(dir.path(), &["apportion", "--amount", "100", "--incident", id, "--json"]);
    let shares: serde_json::Value = serde_json::from_str(&text).unwrap();
    let amounts: Vec<_> = shares["shares"].as_array().unwrap().iter().map(|share| share["amount"].clone()).collect();
    assert_eq!(amounts, ["66.67", "33.33"], "x.cn is nobody's");
}

#[test]
fn a_fine_is_shared_to_the_cent_by_a_file() {
    let dir = installation(0);
    fs::write(dir.path().join("sites.txt"), "unit,host\nb,1.cn\na,2.cn\na,2.cn\nc,3.cn\n").unwrap();
    let text = printed(dir.path(), &["apportion", "--amount", "0.05", "--sites", "sites.txt"]);
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        rows[1..],
        [
            vec!["a", "a", "1", "0.02"],
            vec!["b", "b", "1", "0.02"],
            vec!["c", "c", "1", "0.01"],
            vec!["total", "3", "0.05"]
        ]
    );
}

#[test]
fn statistics_count_what_was_recorded_in_the_month() {
    let dir = installation(3);
    let today = Timestamp(now()).local_date();
    let month = format!("{:04}-{:02}", today.year, today.month);
    let text = printed(dir.path(), &["statistics", "--month", &month]);
    assert!(text.contains("上级主管部门通报3次"), "{text}");
    let text = printed(dir.path(), &["statistics", "--month", "2001-01", "--unit", "u1"]);
    assert!(text.contains("上级主管部门通报0次") && text.contains("u1"), "{text}");
}

#[test]
fn letters_are_printed_as_pdf_or_say_which_package_is_missing() {
    let dir = installation(0);
    for form in ["hosting", "datacenter"] {
        let arguments = ["report", "commitment", "--unit", "u1", "--form", form, "-o", "letter.pdf"];
        let run = zhamen(dir.path(), &arguments, b"");
        if run.status == 0 {
            assert!(fs::read(dir.path().join("letter.pdf")).unwrap().starts_with(b"%PDF-"));
        } else {
            assert!(run.status == 2 && run.err.contains("fonts-wqy-microhei"), "{}", run.err);
        }
    }
}

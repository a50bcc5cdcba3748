//! Where the registry comes from, and what remembers it.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use serde_json::Value;

use crate::harness::{Origin, Run, Setup, Zhamen, eventually, get, zhamen};

const HEADER: &str = "host,origin,unit,service,kind,icp";

fn csv(rows: &[(&str, &Origin, &str)]) -> String {
    let rows =
        rows.iter().map(|(host, origin, icp)| format!("{host},http://{},u1,s1,server,{icp}\n", origin.address()));
    format!("{HEADER}\n{}", rows.collect::<String>())
}

fn status(zhamen: &Zhamen, host: &str) -> u16 {
    get(zhamen.http, host, "/").status()
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {} {}", run.out, run.err))
}

fn import(dir: &Path, args: &[&str]) -> Run {
    zhamen(dir, &[&["registry", "import"], args].concat(), b"")
}

const REFUSED: &str = "zhamen_reload_total{result=\"error\",what=\"registry\"}";
const ICP: &str = "蜀ICP备12345678号";
const OTHER_ICP: &str = "蜀ICP备87654321号-2";

#[test]
fn a_file_that_was_cut_off_changes_nothing_until_somebody_says_that_it_is_meant() {
    let origin = Origin::page("fine");
    let hosts: Vec<String> = (0..30).map(|site| format!("s{site}.cn")).collect();
    let rows: Vec<_> = hosts.iter().map(|host| (host.as_str(), &origin, ICP)).collect();
    let (whole, half) = (csv(&rows), csv(&rows[..12]));
    let mut proxy = hosts.iter().fold(Setup::new(), |setup, host| setup.site(host, origin.address())).run();
    proxy.write("sites.csv", &whole);
    eventually("in force", || status(&proxy, "s29.cn") == 200);

    proxy.write("sites.csv", &half);
    proxy.metric_becomes(REFUSED, 1.0);
    assert_eq!(status(&proxy, "s29.cn"), 200);
    proxy.write("sites.csv", HEADER);
    proxy.metric_becomes(REFUSED, 2.0);
    assert_eq!(status(&proxy, "s29.cn"), 200);
    let dir = proxy.path("");
    proxy.restart();
    assert_eq!(status(&proxy, "s29.cn"), 200, "a restart does not make it meant");

    proxy.write("sites.csv", &half);
    let refused = import(&dir, &["sites.csv"]);
    assert!(refused.status == 2 && refused.out.contains("18 of 30 rows"), "{} {}", refused.out, refused.err);
    let meant = import(&dir, &["--force", "sites.csv"]);
    assert_eq!(meant.status, 0, "{} {}", meant.out, meant.err);
    eventually("in force", || status(&proxy, "s29.cn") == 403);
    assert_eq!(status(&proxy, "s11.cn"), 200);
}

#[test]
fn a_file_without_a_row_is_imported_only_if_somebody_says_so() {
    let origin = Origin::page("fine");
    let proxy = Setup::new().site("a.cn", origin.address()).run();
    let dir = proxy.path("");
    fs::write(dir.join("empty.csv"), HEADER).unwrap();
    let refused = import(&dir, &["empty.csv"]);
    assert!(refused.status == 2 && refused.out.contains("there is no row in it"), "{} {}", refused.out, refused.err);
    assert_eq!(status(&proxy, "a.cn"), 200);
    let meant = import(&dir, &["--force", "empty.csv"]);
    assert!(meant.status == 0 && meant.out.contains("sites.csv says something else"), "{} {}", meant.out, meant.err);
    eventually("in force", || status(&proxy, "a.cn") == 403);
}

#[test]
fn an_import_shows_what_it_would_change_and_then_changes_it() {
    let origin = Origin::page("fine");
    let zhamen_running = Setup::new().site("a.cn", origin.address()).site("b.cn", origin.address()).run();
    let dir = zhamen_running.path("");
    let text = csv(&[("a.cn", &origin, OTHER_ICP), ("c.cn", &origin, ICP), ("d.cn", &origin, "nonsense")]);
    fs::write(dir.join("new.csv"), text).unwrap();

    let dry = import(&dir, &["--dry-run", "--json", "new.csv"]);
    assert_eq!(dry.status, 1, "{}", dry.err);
    let told = json(&dry);
    assert_eq!((&told["applied"], &told["rows_good"], &told["rows_bad"]), (&false.into(), &2.into(), &1.into()));
    assert_eq!(told["added"][0]["host"], "c.cn");
    let column = &told["changed"][0]["columns"][0];
    assert_eq!((&column["column"], &column["from"], &column["to"]), (&"icp".into(), &ICP.into(), &OTHER_ICP.into()));
    assert_eq!(told["removed"][0]["host"], "b.cn");
    assert_eq!((&told["refused"][0]["line"], told["refused"].as_array().unwrap().len()), (&4.into(), 1));
    assert_eq!((status(&zhamen_running, "b.cn"), status(&zhamen_running, "c.cn")), (200, 403), "nothing was changed");

    let done = import(&dir, &["new.csv"]);
    assert_eq!(done.status, 1, "{} {}", done.out, done.err);
    assert!(done.out.contains("1 added, 1 changed, 1 removed"), "{}", done.out);
    eventually("in force", || status(&zhamen_running, "c.cn") == 200);
    assert_eq!((status(&zhamen_running, "a.cn"), status(&zhamen_running, "b.cn")), (200, 403));
    assert_eq!(status(&zhamen_running, "d.cn"), 403, "its row could not be applied");
    let again = import(&dir, &["--json", "new.csv"]);
    let told = json(&again);
    assert_eq!((told["added"].as_array().unwrap().len(), &told["unchanged"]), (0, &2.into()));

    let history = json(&zhamen(&dir, &["registry", "history", "--json", "a.cn"], b""));
    let last = history["history"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["was"], &last["is"]), (&format!("{ICP} filed").into(), &format!("{OTHER_ICP} filed").into()));
    assert!(last["at"].as_str().is_some_and(|at| at.starts_with("20")));
}

#[test]
fn what_was_imported_outlives_a_restart() {
    let origin = Origin::page("fine");
    let mut zhamen_running = Setup::new().site("a.cn", origin.address()).run();
    let dir = zhamen_running.path("");
    fs::write(dir.join("new.csv"), csv(&[("b.cn", &origin, ICP)])).unwrap();
    assert_eq!(import(&dir, &["new.csv"]).status, 0);
    eventually("in force", || status(&zhamen_running, "b.cn") == 200);
    zhamen_running.restart();
    assert_eq!((status(&zhamen_running, "b.cn"), status(&zhamen_running, "a.cn")), (200, 403));
}

#[test]
fn the_last_good_registry_applies_where_the_file_is_broken_at_start() {
    let origin = Origin::page("fine");
    let mut zhamen_running = Setup::new().site("a.cn", origin.address()).run();
    assert_eq!(status(&zhamen_running, "a.cn"), 200);
    zhamen_running.write("sites.csv", "host,origin\nnonsense");
    zhamen_running.restart();
    assert_eq!(status(&zhamen_running, "a.cn"), 200);
    assert!(zhamen_running.said().contains("the last good registry"), "{}", zhamen_running.said());
    fs::remove_file(zhamen_running.path("sites.csv")).unwrap();
    zhamen_running.restart();
    assert_eq!(status(&zhamen_running, "a.cn"), 200);
    zhamen_running.write_sites(&[format!("b.cn,http://{},u1,s1,server,{ICP},,", origin.address())]);
    eventually("taken up again", || status(&zhamen_running, "b.cn") == 200 && status(&zhamen_running, "a.cn") == 403);
}

#[test]
fn an_export_can_be_imported_again() {
    let dir = Setup::new()
        .row("a.cn,http://10.0.0.1:81,单位一,s1,virtual_host,蜀ICP备12345678号-1,,review")
        .row("例子.cn,https://10.0.0.2,u2,s2,server,,,")
        .row("b.cn,http://10.0.0.3,u2,s2,server,蜀ICP备12345678号,elsewhere,closed")
        .directory();
    let export = zhamen(dir.path(), &["registry", "export", "-o", "out.csv"], b"");
    assert_eq!(export.status, 0, "{}", export.err);
    let told = json(&import(dir.path(), &["--json", "out.csv"]));
    assert_eq!(told["unchanged"], 3, "{told}");
    assert!(told["added"].as_array().unwrap().is_empty() && told["changed"].as_array().unwrap().is_empty(), "{told}");
    let again = zhamen(dir.path(), &["registry", "export"], b"");
    assert_eq!(again.out.lines().count(), 4);
    assert!(again.out.contains("a.cn,http://10.0.0.1:81,单位一,s1,virtual_host,蜀ICP备12345678号-1,filed,,,review"));
}

#[test]
fn an_export_that_was_cut_off_needs_force() {
    let dir = Setup::new().directory();
    let all: String = (0..30).map(|n| format!("h{n}.cn,http://10.0.0.1,u1,s1,server,{ICP}\n")).collect();
    let some: String = all.lines().take(10).map(|line| format!("{line}\n")).collect();
    for (name, text) in [("all.csv", all), ("cut.csv", some)] {
        fs::write(dir.path().join(name), format!("{HEADER}\n{text}")).unwrap();
    }
    assert_eq!(import(dir.path(), &["all.csv"]).status, 0);
    let refused = import(dir.path(), &["cut.csv"]);
    assert_eq!(refused.status, 2);
    assert!(refused.out.contains("20 of 30 rows") && refused.out.contains("--force"), "{}", refused.out);
    assert_eq!(zhamen(dir.path(), &["registry", "export"], b"").out.lines().count(), 31);
    assert_eq!(import(dir.path(), &["--force", "cut.csv"]).status, 0);
    assert_eq!(zhamen(dir.path(), &["registry", "export"], b"").out.lines().count(), 11);
}

#[test]
fn a_workbook_is_imported_and_its_cells_are_named() {
    let dir = Setup::new().directory();
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet().set_name("站点").unwrap();
    for (column, name) in ["域名", "源站", "单位", "服务", "类型", "备案号", "备案有效期"].iter().enumerate()
    {
        sheet.write(0, column as u16, *name).unwrap();
    }
    let rows = [("a.cn", ICP), ("b.cn ", OTHER_ICP), ("c.cn", "12345")];
    for (row, (host, icp)) in rows.iter().enumerate() {
        let row = row as u32 + 1;
        for (column, text) in [*host, "http://10.0.0.1", "", "s1", "虚拟主机", *icp].iter().enumerate() {
            sheet.write(row, column as u16, *text).unwrap();
        }
        // An id that is a number, and a day that is a date.
        sheet.write_number(row, 2, 1001.0).unwrap();
        let day = rust_xlsxwriter::ExcelDateTime::from_ymd(2099, 6, 30).unwrap();
        sheet
            .write_datetime_with_format(row, 6, &day, &rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd"))
            .unwrap();
    }
    book.save(dir.path().join("sites.xlsx")).unwrap();
    let run = import(dir.path(), &["--json", "sites.xlsx"]);
    let told = json(&run);
    assert_eq!((run.status, &told["applied"]), (1, &true.into()), "{told}");
    let added = &told["added"][0];
    assert_eq!((&added["unit"], &added["kind"]), (&"1001".into(), &"virtual_host".into()));
    assert_eq!(added["filed_until"], "2099-06-30");
    let refused = &told["refused"][0];
    assert_eq!(
        (&refused["path"], &refused["line"], &refused["column"]),
        (&"sites.xlsx:站点".into(), &4.into(), &6.into())
    );
    assert!(refused["message"].as_str().unwrap().starts_with("cell F4: "), "{refused}");
}

#[test]
fn customers_are_imported_and_checked() {
    let dir = Setup::new().row("a.cn,http://10.0.0.1,u1,s1,server,蜀ICP备12345678号,,").directory();
    for (name, text) in [
        ("units.csv", "单位,上级,名称\nu2,u1,二号公司\nu3,u2,三号公司\nu4,nobody,四号公司\n"),
        ("services.csv", "service,unit,kind,server_ips\ns2,u2,virtual_host,10.0.0.7;10.0.0.8\n"),
        ("commitments.csv", "unit,form,signed,until\nu1,hosting,2020/1/1,2020-12-31\nu2,信息安全承诺书,2020-01-01,\n"),
        ("persons.csv", "unit,role,name,certificate,expires\nu1,信息安全责任人,张三,C1,2020-01-01\n"),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let units = import(dir.path(), &["--json", "units.csv"]);
    let told = json(&units);
    assert_eq!((units.status, told["added"].as_array().unwrap().len()), (1, 2), "{told}");
    assert_eq!(told["refused"][0]["line"], 4, "{told}");
    for (args, status) in [
        (&["units", "units.csv"][..], 1),
        (&["services.csv"], 0),
        (&["commitments", "commitments.csv"], 0),
        (&["persons.csv"], 0),
    ] {
        let run = import(dir.path(), args);
        assert_eq!(run.status, status, "{args:?}: {} {}", run.out, run.err);
    }
    let again = json(&import(dir.path(), &["--json", "persons.csv"]));
    assert_eq!((&again["unchanged"], again["added"].as_array().unwrap().len()), (&1.into(), 0));
    let check = zhamen(dir.path(), &["check"], b"");
    assert_eq!(check.status, 0, "{} {}", check.out, check.err);
    assert!(check.out.contains("张三") && check.out.contains("expired on 2020-01-01"), "{}", check.out);
    assert!(check.out.contains("the service s2 of u2 has no site"), "{}", check.out);
    assert_eq!(import(dir.path(), &["nonsense", "units.csv"]).status, 2);
}

#[test]
fn a_registry_is_pulled_and_a_bad_answer_changes_nothing() {
    let site = Origin::page("fine");
    let answer = Arc::new(Mutex::new((200, "\"1\"".to_owned(), csv(&[("pulled.cn", &site, ICP)]))));
    let served = Arc::clone(&answer);
    let source = Origin::start(move |exchange| {
        let (status, tag, body) = served.lock().unwrap().clone();
        if exchange.head.field("authorization") != Some("Bearer secret-word") {
            return exchange.respond("401 Unauthorized", &[], b"");
        }
        if status == 200 && exchange.head.field("if-none-match") == Some(&*tag) {
            return exchange.respond("304 Not Modified", &[], b"");
        }
        exchange.respond(&format!("{status} Word"), &[("ETag", tag.as_str())], body.as_bytes())
    });
    let pull = format!(
        "{{ url = \"http://{}/sites\", every = \"1s\", timeout = \"5s\", max = \"1KiB\", token = \"secret-word\" }}",
        source.address()
    );
    let zhamen = Setup::new().site("file.cn", site.address()).set("registry.pull", &pull).run();
    eventually("pulled", || status(&zhamen, "pulled.cn") == 200);
    assert_eq!(status(&zhamen, "file.cn"), 200, "what the file says stays");
    let asked = source.asked();
    eventually("asked again", || source.asked() >= asked + 2);
    assert!(source.requests().last().unwrap().field("if-none-match").is_some());
    let failed = || zhamen.metric("zhamen_reload_total{result=\"error\",what=\"registry\"}");
    for (status_code, body) in [(500, csv(&[])), (200, "nonsense\n".into()), (200, "x".repeat(2_000))] {
        let before = failed();
        *answer.lock().unwrap() = (status_code, format!("\"{}\"", body.len()), body);
        eventually("told", || failed() > before);
        assert_eq!(status(&zhamen, "pulled.cn"), 200);
    }
    *answer.lock().unwrap() = (200, "\"2\"".into(), csv(&[("second.cn", &site, ICP)]));
    eventually("pulled", || status(&zhamen, "second.cn") == 200 && status(&zhamen, "pulled.cn") == 403);
    assert!(!zhamen.said().contains("secret-word"));
}

#[test]
fn unfiled_hosts_are_listed() {
    let origin = Origin::page("fine");
    let running = Setup::new().site("a.cn", origin.address()).run();
    for _ in 0..3 {
        assert_eq!(status(&running, "nobody.cn"), 403);
    }
    let list = || json(&zhamen(&running.path(""), &["registry", "unfiled", "--json"], b""));
    eventually("written down", || list()["unfiled"][0]["count"] == 3);
    let seen = list()["unfiled"][0].clone();
    assert_eq!((&seen["host"], &seen["server_ip"]), (&"nobody.cn".into(), &"127.0.0.1".into()));
    let table = zhamen(&running.path(""), &["registry", "unfiled"], b"");
    assert!(table.status == 1 && table.out.contains("nobody.cn"), "{}", table.out);
}

#[test]
fn home_pages_are_looked_at_for_their_number() {
    let linked = format!("<p>茶</p><a href=\"https://beian.miit.gov.cn/\">{ICP}</a>");
    let (good, bad) = (Origin::page(linked), Origin::page("<p>茶</p> 京ICP备11111111号-1"));
    let running = Setup::new().site("good.cn", good.address()).site("bad.cn", bad.address()).run();
    for host in ["good.cn", "bad.cn", "bad.cn"] {
        assert_eq!(status(&running, host), 200, "never a block");
    }
    running.metric_becomes("zhamen_footer_checks_total{result=\"ok\"}", 1.0);
    running.metric_becomes("zhamen_footer_checks_total{result=\"wrong\"}", 1.0);
    let drift = || json(&zhamen(&running.path(""), &["registry", "drift", "--json"], b""));
    eventually("on the record", || drift()["drift"][0]["host"] == "bad.cn");
    assert_eq!(drift()["drift"][0]["drift"], "another number shown");
}

#[test]
fn drift_is_told() {
    let row = |host: &str, rest: &str| format!("{host},http://10.0.0.1,u1,s1,server,{ICP},{rest}\n");
    let dir = Setup::new().directory();
    let rows = [("a.cn", ","), ("b.cn", "elsewhere,"), ("c.cn", "cancelled,"), ("d.cn", ",2020-01-01")];
    let rows: String = rows.iter().map(|(host, rest)| row(host, rest)).collect();
    fs::write(dir.path().join("sites.csv"), format!("{HEADER},filing,filed_until\n{rows}")).unwrap();
    let told = json(&zhamen(dir.path(), &["registry", "drift", "--json"], b""));
    let words: Vec<_> = told["drift"].as_array().unwrap().iter().map(|drift| drift["drift"].clone()).collect();
    assert_eq!(words, ["elsewhere", "cancelled", "expired"]);
    let check = zhamen(dir.path(), &["check"], b"");
    assert!(check.out.contains("sites.csv:5: warning: the filing of d.cn ended on 2020-01-01"), "{}", check.out);
    assert!(zhamen(dir.path(), &["explain", "d.cn"], b"").out.contains("filing_cancelled"));
}

#[test]
fn a_control_period_keeps_new_sites_out_until_it_is_over() {
    let origin = Origin::page("fine");
    let row = |host: &str, unit: &str| format!("{host},http://{},{unit},s-{unit},server,{ICP},,", origin.address());
    let mut running = Setup::new().row(row("old.cn", "u1")).row(row("free.cn", "u2")).run();
    let ledger = |running: &crate::harness::Zhamen, arguments: &[&str]| {
        let run = zhamen(&running.path(""), &[&["ledger"], arguments].concat(), b"");
        assert_eq!(run.status, 0, "{}", run.err);
    };
    let declare =
        ["period", "declare", "p", "--to", "2199-01-01T00:00:00+08:00", "--unit", "u1", "--freeze-admissions"];
    ledger(&running, &declare);
    let more = [row("old.cn", "u1"), row("new.cn", "u1"), row("free.cn", "u2"), row("freer.cn", "u2")];
    // The dry run says so, row by row.
    running.write("more.csv", format!("{HEADER},filing,interactive\n{}\n", more.join("\n")));
    let dry = zhamen(&running.path(""), &["registry", "import", "--dry-run", "--json", "more.csv"], b"");
    let told = json(&dry);
    let hosts = |kind: &str| told[kind].as_array().unwrap().iter().map(|row| row["host"].clone()).collect::<Vec<_>>();
    assert_eq!((hosts("added"), hosts("waiting")), (vec!["freer.cn".into()], vec!["new.cn".into()]), "{}", dry.out);
    running.write_sites(&more);
    eventually("the other unit's", || status(&running, "freer.cn") == 200);
    assert_eq!((status(&running, "new.cn"), status(&running, "old.cn")), (403, 200));
    running.restart();
    assert_eq!((status(&running, "new.cn"), status(&running, "old.cn")), (403, 200));
    // A file that changed while nothing ran.
    running.signal("STOP");
    running.write_sites(&[&more[..], &[row("newer.cn", "u1")]].concat());
    running.restart();
    assert_eq!((status(&running, "newer.cn"), status(&running, "new.cn")), (403, 403));
    ledger(&running, &["period", "end", "p"]);
    eventually("admitted by themselves", || status(&running, "new.cn") == 200 && status(&running, "newer.cn") == 200);
}

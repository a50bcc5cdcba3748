//! Look-up against a naive search; import of good and bad files.

mod changes;
mod footers;
mod upstreams;

use std::{collections::HashMap, sync::Arc};

use proptest::prelude::*;

use super::{Filing, FilingState, Imported, Interactive, Registry, ServiceKind, import_csv};
use crate::base::{HostName, Severity};

const HEADER: &str = "host,origin,unit,service,kind,icp,filing,server_ip,interactive\n";

fn import(text: &str) -> Imported {
    import_csv("sites.csv", text.as_bytes())
}

/// A registry of good rows.
fn registry(rows: &str) -> Arc<Registry> {
    let imported = import(&format!("{HEADER}{rows}"));
    assert_eq!(imported.problems, []);
    Arc::new(imported.registry.unwrap())
}

fn host(text: &str) -> HostName {
    HostName::parse(text).unwrap()
}

/// What is wrong, as `line:column message`, advice included.
fn complaints(imported: &Imported) -> Vec<String> {
    imported
        .problems
        .iter()
        .map(|problem| format!("{}:{} {} ({})", problem.line, problem.column, problem.message, problem.help))
        .collect()
}

/// A file of three good rows and one that is to be judged, on line 3; what is said of that one.
fn judge(row: &str) -> (Imported, Vec<String>) {
    let good = |host: &str| format!("{host},http://10.0.0.1,u,s,server,,,,\n");
    let imported = import(&format!("{HEADER}{}{row}\n{}{}", good("one.cn"), good("two.cn"), good("three.cn")));
    let complaints = complaints(&imported);
    (imported, complaints)
}

/// The row is refused, at this column, with these words.
#[track_caller]
fn assert_bad(row: &str, place: &str, words: &str) {
    let (imported, complaints) = judge(row);
    assert_eq!((imported.rows_good, imported.rows_bad), (3, 1), "{row}: {complaints:?}");
    assert!(imported.registry.is_some());
    assert!(
        complaints.iter().any(|complaint| complaint.starts_with(&format!("{place} ")) && complaint.contains(words)),
        "{row}: {complaints:?}"
    );
}

fn any_host() -> impl Strategy<Value = String> {
    let label = || prop::sample::select(vec!["a", "b", "www", "例"]);
    let suffix = prop::sample::select(vec!["cn", "com.cn", "github.io", "中国", "a.ck", "local"]);
    (prop::collection::vec(label(), 0..4), suffix).prop_map(|(mut labels, suffix)| {
        labels.push(suffix);
        labels.join(".")
    })
}

proptest! {
    #[test]
    fn look_up_is_a_search_over_suffixes(
        rows in prop::collection::vec((any_host(), 0usize..3), 0..12),
        asked in prop::collection::vec(any_host(), 1..8),
    ) {
        let icp = ["", "蜀ICP备12345678号", "京ICP备12345678号"];
        let file: String = rows.iter().map(|(host, state)| {
            let filing = if *state == 2 { "elsewhere" } else { "" };
            format!("{host},http://10.0.0.1,u,s,server,{},{filing},,\n", icp[*state])
        }).collect();
        // Public suffixes and later rows of one host are refused; pad so that the good are not outnumbered.
        let padding: String = (0..13).map(|n| format!("padding{n}.com,http://10.0.0.1,u,s,server,,,,\n")).collect();
        let registry = Arc::new(import(&format!("{HEADER}{padding}{file}")).registry.unwrap());
        let mut naive: HashMap<String, usize> = HashMap::new();
        let mut contradicted = Vec::new();
        for (text, state) in &rows {
            let name = host(text).to_string();
            if naive.contains_key(&name) && *state != 1 {
                contradicted.push(name);
            } else if !host(text).is_public_suffix() {
                naive.entry(name).or_insert(*state);
            }
        }
        for text in &asked {
            let host = host(text);
            let lowest = host.registrable().unwrap_or(host.as_str());
            let expected = naive
                .iter()
                .filter(|(row, _)| {
                    let covers = host.as_str() == row.as_str() || host.as_str().ends_with(&format!(".{row}"));
                    covers && row.len() >= lowest.len()
                })
                .max_by_key(|(row, _)| row.len())
                .filter(|(row, _)| !contradicted.contains(row));
            let (found, state) = match registry.look_up(&host) {
                Filing::Unfiled(None) => (None, 0),
                Filing::Unfiled(Some(site)) => (Some(site), 0),
                Filing::Filed(site) => (Some(site), 1),
                Filing::Elsewhere(site) => (Some(site), 2),
                Filing::Unknown => unreachable!("there is a registry"),
            };
            prop_assert_eq!(found.as_ref().map(|site| site.host()), expected.map(|(row, _)| row.as_str()), "{}", host);
            prop_assert_eq!(state, expected.map_or(0, |(_, state)| *state));
        }
    }

    #[test]
    fn no_file_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = import_csv("sites.csv", &bytes);
        let _ = import_csv("sites.csv", &[HEADER.as_bytes(), &bytes].concat());
    }

    #[test]
    fn no_row_makes_it_panic(
        rows in prop::collection::vec("(\"?[a-z例.,\"\n\r:/*-]{0,12}\"?,){0,9}\r?\n", 0..6)
    ) {
        let imported = import(&format!("{HEADER}{}", rows.concat()));
        for problem in imported.problems {
            prop_assert!(problem.line as usize <= 2 + rows.concat().matches('\n').count());
        }
    }

    #[test]
    fn places_are_where_the_field_stands(before in 0usize..4, note in "[a-z,\n\"例]{0,8}", spaces in " {0,3}") {
        let quoted = format!("\"{}\"", note.replace('"', "\"\""));
        let good: String = (0..before).map(|n| format!("{quoted},g{n}.cn,http://10.0.0.1,u,s,server\r\n")).collect();
        let text = format!("\u{feff}note,host,origin,unit,service,kind\r\n{good}{quoted},{spaces}bad host,http://10.0.0.1,u,s,server\r\n");
        let at = text.find("bad host").unwrap() - spaces.len();
        let place = crate::base::Problem::place(text.trim_start_matches('\u{feff}'), at - '\u{feff}'.len_utf8());
        let imported = import(&text);
        let problem = imported.problems.iter().find(|problem| problem.message.contains("bad host")).unwrap();
        prop_assert_eq!((problem.line, problem.column), place);
    }
}

#[test]
fn a_row_is_read_whole() {
    let registry = registry(
        "例子.中国,https://[2001:db8::1]:8443/,单位,\"服务, 一\",virtual_host,蜀ICP备12345678号-1,filed,10.0.0.9,review\n\
         b.cn,http://10.0.0.1,u,s,server,,,,\n",
    );
    let Filing::Filed(site) = registry.look_up(&host("www.例子.中国")) else { panic!("it is filed") };
    assert_eq!(site.host(), "xn--fsqu00a.xn--fiqs8s");
    assert_eq!(site.upstream().to_string(), "https://[2001:db8::1]:8443");
    assert_eq!((&**site.unit(), site.service()), ("单位", "服务, 一"));
    assert_eq!((site.kind(), site.filing()), (ServiceKind::VirtualHost, FilingState::Filed));
    assert_eq!((site.icp(), site.server_ip()), ("蜀ICP备12345678号-1", "10.0.0.9"));
    assert_eq!((site.interactive(), site.line()), (Interactive::Review, 2));
    let Filing::Unfiled(Some(site)) = registry.look_up(&host("b.cn")) else { panic!("it is not filed") };
    assert_eq!((site.icp(), site.server_ip(), site.interactive()), ("", "10.0.0.1", Interactive::Open));
    assert_eq!(registry.sites().map(|site| site.line()).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(FilingState::ALL.map(|filing| registry.count(filing)), [0, 0, 1, 1]);
    assert!(matches!(Arc::new(Registry::unavailable()).look_up(&host("b.cn")), Filing::Unknown));
}

#[test]
fn the_most_specific_row_wins_and_addresses_cover_only_themselves() {
    let registry = registry(
        "a.com.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,,,\n\
         x.a.com.cn,http://10.0.0.2,u,s,server,蜀ICP备12345678号,elsewhere,,\n\
         10.0.0.1,http://10.0.0.3,u,s,server,蜀ICP备12345678号,,,\n\
         [::1],http://10.0.0.3,u,s,server,蜀ICP备12345678号,cancelled,,\n\
         localhost,http://10.0.0.4,u,s,server,蜀ICP备12345678号,,,\n",
    );
    let found = |text| registry.covering(&host(text)).map(|site| site.upstream().host().to_owned());
    assert_eq!(found("a.com.cn").as_deref(), Some("10.0.0.1"));
    assert_eq!(found("y.a.com.cn").as_deref(), Some("10.0.0.1"));
    assert_eq!(found("b.x.a.com.cn").as_deref(), Some("10.0.0.2"));
    assert_eq!(found("ba.com.cn"), None);
    assert_eq!(found("com.cn"), None);
    assert_eq!(found("10.0.0.1").as_deref(), Some("10.0.0.3"));
    assert_eq!(found("0.0.0.1"), None);
    assert_eq!(found("0:0::1").as_deref(), Some("10.0.0.3"));
    assert_eq!(found("localhost").as_deref(), Some("10.0.0.4"));
    assert_eq!(found("a.localhost"), None);
}

#[test]
fn bad_fields_are_reported_where_they_stand() {
    assert_bad("*.b.cn,http://10.0.0.1,u,s,server,,,,", "3:1", "write b.cn: it covers its subdomains already");
    assert_bad("http://b.cn/,http://10.0.0.1,u,s,server,,,,", "3:1", "without http://");
    assert_bad("b.cn:80,http://10.0.0.1,u,s,server,,,,", "3:1", "without http://");
    assert_bad("com.cn,http://10.0.0.1,u,s,server,,,,", "3:1", "public suffix");
    assert_bad(",http://10.0.0.1,u,s,server,,,,", "3:1", "host: the host is empty");
    assert_bad("two.cn,10.0.0.1:80,u,s,server,,,,", "3:8", "begins with http://");
    assert_bad("b.cn,http://u:p@10.0.0.1,u,s,server,,,,", "3:6", "user information");
    assert_bad("例子.cn,http://10.0.0.1,,s,server,,,,", "3:23", "unit: the field is empty");
    assert_bad("b.cn,http://10.0.0.1,u,s,vps,,,,", "3:26", "one of: virtual_host, server");
    assert_bad("b.cn,http://10.0.0.1,u,s,server,蜀ICP备1号,,,", "3:33", "8 or 10 digits");
    assert_bad("b.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号-1A,,,", "3:33", "app");
    assert_bad("b.cn,http://10.0.0.1,u,s,server,,filed,,", "3:34", "no filing without a number");
    assert_bad("b.cn,http://10.0.0.1,u,s,server,,maybe,,", "3:34", "one of: filed, elsewhere, cancelled");
    assert_bad("b.cn,http://10.0.0.1,u,s,server,,,10.0.0,", "3:35", "IP address");
    assert_bad("b.cn,http://10.0.0.1,u,s,server,,,,ajar", "3:36", "one of: open, filtered, review, closed");
    assert_bad("b.cn,http://10.0.0.1,u,s,server", "3:32", "5 fields, the header 9");
    assert_bad("b.cn,http://10.0.0.1,u,s,server,,,,,x", "3:37", "10 fields, the header 9");
    assert_bad("b.cn,http://10.0.0.1,u\u{1},s,server,,,,", "3:22", "control characters");
    let (_, complaints) = judge("*,x,,,,蜀,,,");
    assert_eq!(complaints.len(), 6, "all that is wrong with a row is said at once: {complaints:?}");
}

#[test]
fn later_rows_of_a_host_are_refused() {
    assert_bad("ONE.cn.,http://10.0.0.9,u,s,server,,,,", "3:1", "on line 2 already");
}

#[test]
fn a_row_that_cannot_be_applied_does_not_leave_its_host_to_another() {
    let imported = import(
        "host,origin,unit,service,kind,icp,filing\n\
         a.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,\n\
         bad.a.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,canceled\n\
         short.a.cn,http://10.0.0.1\n\
         b.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,\n\
         b.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,cancelled\n\
         c.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,\n\
         c.cn,http://10.0.0.1,u,s,nonsense,蜀ICP备12345678号,\n\
         d.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,\n",
    );
    let registry = Arc::new(imported.registry.unwrap());
    let served = |name: &str| matches!(registry.look_up(&host(name)), Filing::Filed(_));
    assert!(served("a.cn") && served("www.a.cn"));
    assert!(!served("bad.a.cn") && !served("x.bad.a.cn") && !served("short.a.cn"));
    assert!(!served("b.cn"), "one row says that it is not filed here");
    assert!(served("c.cn"), "a good row of the same host stands");
    assert_eq!(registry.barred(&host("x.bad.a.cn")), Some("bad.a.cn"));
    assert_eq!(registry.barred(&host("www.a.cn")), None);
}

#[test]
fn numbers_are_repaired_with_a_warning() {
    let (imported, complaints) = judge("b.cn,http://10.0.0.1,u,s,server,蜀ICP备 12345678－1,,,");
    assert_eq!(complaints.len(), 1);
    assert!(complaints[0].starts_with("3:33 the filing number is read as 蜀ICP备12345678号-1"), "{complaints:?}");
    assert_eq!(imported.problems[0].severity, Severity::Warning);
    assert_eq!(imported.registry.unwrap().count(FilingState::Filed), 1);
}

#[test]
fn columns_stand_in_any_order_and_unknown_ones_are_ignored() {
    let imported = import(
        "Kind,备注,SERVICE,unit,origin, host \r\nserver,\"x\r\ny\",s,u,http://10.0.0.1,a.cn\r\n,,,,,\r\n\r\nserver,,s,u,x,b.cn\r\nserver,,s,u,http://10.0.0.1,c.cn",
    );
    let complaints = complaints(&imported);
    assert!(complaints[0].starts_with("1:6 the column \"备注\" is unknown and ignored"), "{complaints:?}");
    assert!(complaints[1].starts_with("6:13 origin"), "{complaints:?}");
    assert_eq!((imported.rows_good, imported.rows_bad, complaints.len()), (2, 1, 2));
    let registry = Arc::new(imported.registry.unwrap());
    assert_eq!(registry.sites().map(|site| site.line()).collect::<Vec<_>>(), [2, 7]);
}

#[test]
fn files_that_must_not_be_applied_are_not() {
    for (text, words) in [
        ("", "the file is empty"),
        ("\u{feff}\n\n", "the file is empty"),
        ("a.cn,http://10.0.0.1,u,s,server\n", "names no column host, origin, unit, service, kind"),
        ("host;origin;unit;service;kind\n", "separated by commas"),
        ("host,origin,unit,service\n", "names no column kind"),
        ("host,origin,unit,service,kind,Host\n", "two columns \"Host\""),
        ("PK\u{3}\u{4}", "Excel workbook"),
        (
            "host,origin,unit,service,kind\na.cn,http://10.0.0.1,\"u,s,server\nb.cn,http://10.0.0.1,u,s,server\n",
            "never closed",
        ),
        (
            "host,origin,unit,service,kind\na.cn,http://10.0.0.1,u,s,server\nx\ny\n",
            "2 rows are bad and only 1 are good",
        ),
        (
            "host,origin,unit,service,kind\na.cn,http://10.0.0.1,\"u,s,server\nb,b\nc,c\",s,server\n",
            "3 rows are bad and only 0",
        ),
    ] {
        let imported = import(text);
        assert!(imported.registry.is_none(), "{text:?}");
        let complaints = complaints(&imported);
        assert!(complaints.iter().any(|complaint| complaint.contains(words)), "{text:?}: {complaints:?}");
    }
    assert!(import_csv("sites.csv", b"\xff\xfeh\0").problems[0].message.contains("UTF-16"));
}

#[test]
fn a_file_without_rows_is_odd_but_whole() {
    let imported = import(HEADER);
    assert_eq!(imported.registry.map(|registry| registry.len()), Some(0));
    assert_eq!(imported.problems[0].severity, Severity::Warning);
}

#[test]
fn gb18030_is_read_as_excel_writes_it() {
    let text = format!("{HEADER}例子.cn,http://10.0.0.1,某某公司,s,server,蜀ICP备12345678号,,,\r\n");
    let (bytes, _, _) = encoding_rs::GB18030.encode(&text);
    let imported = import_csv("sites.csv", &bytes);
    assert_eq!(imported.problems, []);
    let registry = Arc::new(imported.registry.unwrap());
    assert_eq!(&**registry.covering(&host("例子.cn")).unwrap().unit(), "某某公司");
}

#[test]
fn one_line_in_another_encoding_spoils_only_itself() {
    let row = |host: &str| format!("{host},http://10.0.0.1,某某公司,s,server,,,,\n");
    let (gbk, _, _) = encoding_rs::GB18030.encode("例子.cn,http://10.0.0.1,某某公司,s,server,,,,\n");
    let bytes = [HEADER.as_bytes(), row("a.cn").as_bytes(), &gbk, row("b.cn").as_bytes()].concat();
    let imported = import_csv("sites.csv", &bytes);
    assert_eq!((imported.rows_good, imported.rows_bad), (2, 1));
    assert!(imported.problems.iter().all(|problem| problem.line == 3));
}

#[test]
fn problems_are_as_many_as_one_reads() {
    let rows: String =
        (0..3000).map(|n| format!("h{n}.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678,,,\nbad\nbad\n")).collect();
    let imported = import(&format!("{HEADER}{rows}"));
    assert_eq!((imported.rows_good, imported.rows_bad, imported.problems.len()), (3000, 6000, 1000));
    assert!(imported.problems[998].message.contains("6000 rows are bad"));
    assert_eq!(imported.problems[999].message, "8002 more problems are not shown");
}

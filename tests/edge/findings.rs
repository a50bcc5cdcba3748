//! What is found goes on the record: once, with where it came from.

use zhamen::{
    domain::record::{Finding, FindingOrigin},
    store::{FindingQuery, FindingRow, Findings, Sqlite},
};

use crate::harness::{Origin, PHRASE, Setup, Zhamen, ask, eventually, get, page_of};

const HTML: &str = "text/html; charset=utf-8";

/// Everything that was found so far, the oldest first.
fn found(zhamen: &Zhamen) -> Vec<FindingRow> {
    let store = Sqlite::open(&zhamen.path("zhamen.db")).unwrap();
    store.findings(&FindingQuery::default()).unwrap()
}

/// Waits for so many findings.
fn findings(zhamen: &Zhamen, count: usize) -> Vec<Finding> {
    eventually("findings on the record", || found(zhamen).len() >= count);
    found(zhamen).into_iter().map(|row| row.finding).collect()
}

#[test]
fn a_blocked_page_is_a_finding_that_says_what_and_where() {
    let page = page_of(1_000).replace("</p>", &format!("{PHRASE}</p>"));
    let origin = Origin::of_type(HTML, page.clone());
    let zhamen = Setup::new().site("filed.cn", origin.address()).run();
    assert_eq!(get(zhamen.http, "www.filed.cn", "/a?b=1").status(), 451);
    let finding = findings(&zhamen, 1).remove(0);
    assert_eq!(finding.page, format!("http://www.filed.cn/a?b=1"));
    assert_eq!((finding.rule.as_str(), finding.category.as_str()), ("test.phrase", "test"));
    assert_eq!((finding.unit.as_str(), finding.service.as_str(), finding.site.as_str()), ("u1", "s1", "filed.cn"));
    assert_eq!((finding.phrase.as_str(), finding.action.as_str()), (PHRASE, "block"));
    assert_eq!(&page.as_bytes()[finding.start as usize..finding.end as usize], PHRASE.as_bytes());
    assert!(finding.excerpt.contains(PHRASE) && finding.id.starts_with("f-"));
}

#[test]
fn what_is_found_again_is_the_same_finding() {
    let origin = Origin::of_type(HTML, format!("<p>{PHRASE}</p>"));
    let zhamen = Setup::new().site("filed.cn", origin.address()).run();
    for target in ["/a", "/a", "/b", "/a"] {
        assert_eq!(get(zhamen.http, "filed.cn", target).status(), 451);
    }
    let pages: Vec<_> = findings(&zhamen, 2).into_iter().map(|finding| finding.page).collect();
    assert_eq!(pages, ["http://filed.cn/a", "http://filed.cn/b"]);
}

#[test]
fn a_page_that_was_locked_stays_locked_over_a_restart() {
    let page = page_of(300_000) + PHRASE + &page_of(10_000);
    let origin = Origin::of_type(HTML, page);
    let mut zhamen = Setup::new().site("filed.cn", origin.address()).run();
    let _ = get(zhamen.http, "filed.cn", "/late");
    assert_eq!(get(zhamen.http, "filed.cn", "/late").reason(), "page_locked");
    findings(&zhamen, 1);
    zhamen.restart();
    let asked = origin.asked();
    assert_eq!(get(zhamen.http, "filed.cn", "/late").reason(), "page_locked");
    assert_eq!(origin.asked(), asked, "refused before the origin is asked");
}

#[test]
fn what_a_visitor_posted_shortly_before_is_told_from_what_the_site_published() {
    let origin = Origin::start(|exchange| {
        let _ = exchange.body()?;
        let page = if exchange.target() == "/thanks" { "谢谢".to_owned() } else { format!("<p>{PHRASE}</p>") };
        exchange.respond("200 OK", &[("Content-Type", HTML)], page.as_bytes())
    });
    let row = |host: &str, interactive: &str| {
        format!("{host},http://{},u1,s1,server,蜀ICP备12345678号,,{interactive}", origin.address())
    };
    let zhamen =
        Setup::new().row(row("open.cn", "open")).row(row("quiet.cn", "open")).row(row("closed.cn", "closed")).run();
    let body = format!("text={PHRASE}");
    let post = format!(
        "POST /thanks HTTP/1.1\r\nHost: open.cn\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(ask(zhamen.http, post).status(), 200);
    for host in ["open.cn", "quiet.cn", "closed.cn"] {
        assert_eq!(get(zhamen.http, host, "/thread").status(), 451);
    }
    let mut origins: Vec<_> = findings(&zhamen, 3).into_iter().map(|finding| (finding.site, finding.origin)).collect();
    origins.sort_by(|left, right| left.0.cmp(&right.0));
    let expected = [
        ("closed.cn".to_owned(), FindingOrigin::Published),
        ("open.cn".to_owned(), FindingOrigin::UserPosted),
        ("quiet.cn".to_owned(), FindingOrigin::Unknown),
    ];
    assert_eq!(origins, expected);
}

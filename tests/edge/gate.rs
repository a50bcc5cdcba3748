//! Who reaches an origin, and what a refusal looks like. The origin's own count proves who did not.

use crate::harness::{Origin, Setup, Zhamen, ask, get, page_of};

/// One origin behind every kind of site.
fn every_kind_of_site(origin: &Origin) -> Zhamen {
    let to = origin.address();
    let row = |host: &str, rest: &str| format!("{host},http://{to},u1,s1,server,{rest}");
    Setup::new()
        .site("filed.cn", to)
        .site("中文网站.cn", to)
        .site("127.0.0.2", to)
        .row(row("unfiled.cn", ",,"))
        .row(row("elsewhere.cn", "蜀ICP备12345678号,elsewhere,"))
        .row(row("cancelled.cn", "蜀ICP备12345678号,cancelled,"))
        .row(row("closed.filed.cn", "蜀ICP备12345678号,,closed"))
        .row(row("unfiled.filed.cn", ",,"))
        .run()
}

/// A request whose Host is whatever it is.
fn with_host(zhamen: &Zhamen, host: &[u8]) -> crate::harness::Response {
    ask(zhamen.http, [b"GET /x HTTP/1.1\r\nHost: ", host, b"\r\n\r\n"].concat())
}

#[test]
fn a_request_for_a_filed_host_reaches_its_origin() {
    let page = page_of(2_000);
    let origin = Origin::page(page.clone());
    let zhamen = every_kind_of_site(&origin);
    let response = get(zhamen.http, "filed.cn", "/a/b?c=%20d");
    assert_eq!((response.status(), response.text()), (200, page));
    assert_eq!(origin.targets(), ["/a/b?c=%20d"]);
    assert_eq!(origin.requests()[0].field("host"), Some("filed.cn"));
}

#[test]
fn every_spelling_of_a_filed_host_reaches_its_origin() {
    let origin = Origin::page("fine");
    let zhamen = every_kind_of_site(&origin);
    let spellings: [&[u8]; 9] = [
        b"FILED.cn",
        b"filed.cn.",
        b"filed.cn:8080",
        b"filed.cn:",
        b"www.filed.cn",
        b"a.b.c.filed.cn:80",
        "中文网站.cn".as_bytes(),
        b"xn--fiq228c37oz8d.cn",
        b"127.0.0.2:8080",
    ];
    for (number, spelling) in spellings.into_iter().enumerate() {
        let shown = String::from_utf8_lossy(spelling);
        assert_eq!(with_host(&zhamen, spelling).status(), 200, "{shown}");
        assert_eq!(origin.asked(), number + 1, "{shown}");
    }
    let hosts: Vec<String> =
        origin.requests().iter().map(|head| head.field("host").unwrap_or_default().to_owned()).collect();
    assert_eq!(
        hosts,
        [
            "filed.cn",
            "filed.cn",
            "filed.cn:8080",
            "filed.cn",
            "www.filed.cn",
            "a.b.c.filed.cn:80",
            "xn--fiq228c37oz8d.cn",
            "xn--fiq228c37oz8d.cn",
            "127.0.0.2:8080",
        ],
        "the origin sees one form"
    );
}

#[test]
fn a_request_for_anything_else_never_reaches_an_origin() {
    let origin = Origin::page("fine");
    let zhamen = every_kind_of_site(&origin);
    let cases: [(&[u8], u16, &str); 20] = [
        (b"unfiled.cn", 403, "unfiled"),
        (b"www.unfiled.cn", 403, "unfiled"),
        (b"nobody.cn", 403, "unfiled"),
        (b"notfiled.cn", 403, "unfiled"),
        (b"filed.cn.evil.cn", 403, "unfiled"),
        (b"unfiled.filed.cn", 403, "unfiled"),
        (b"cn", 403, "unfiled"),
        (b"com.cn", 403, "unfiled"),
        (b"127.0.0.1", 403, "unfiled"),
        (b"[::1]:8080", 403, "unfiled"),
        (b"localhost", 403, "unfiled"),
        (b"elsewhere.cn", 403, "filed_elsewhere"),
        (b"m.elsewhere.cn", 403, "filed_elsewhere"),
        (b"cancelled.cn", 403, "filing_cancelled"),
        (b"", 400, "bad_host"),
        (b"filed.cn, nobody.cn", 400, "bad_host"),
        (b"user@filed.cn", 400, "bad_host"),
        (b"filed.cn:port", 400, "bad_host"),
        (b"filed..cn", 400, "bad_host"),
        (b"filed.cn\xff", 400, "bad_host"),
    ];
    for (host, status, reason) in cases {
        let response = with_host(&zhamen, host);
        assert_eq!((response.status(), response.reason()), (status, reason), "{}", String::from_utf8_lossy(host));
    }
    assert_eq!(origin.asked(), 0);
    assert_eq!(origin.connections(), 0, "not so much as a connection");
    zhamen.metric_becomes("zhamen_refusals_total{reason=\"unfiled\"}", 11.0);
    zhamen.metric_becomes("zhamen_refusals_total{reason=\"bad_host\"}", 6.0);
}

#[test]
fn one_host_is_named_exactly_once() {
    let origin = Origin::page("fine");
    let zhamen = every_kind_of_site(&origin);
    for request in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: filed.cn\r\nHost: filed.cn\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: filed.cn\r\nhost: nobody.cn\r\n\r\n",
        "GET http://nobody.cn/ HTTP/1.1\r\nHost: filed.cn\r\n\r\n",
        "GET http://filed.cn/ HTTP/1.1\r\nHost: nobody.cn\r\n\r\n",
    ] {
        let response = ask(zhamen.http, request);
        assert_eq!((response.status(), response.reason()), (400, "bad_host"), "{request}");
    }
    assert_eq!(origin.asked(), 0);
    assert_eq!(ask(zhamen.http, "GET http://filed.cn/y HTTP/1.1\r\nHost: filed.cn\r\n\r\n").status(), 200);
    assert_eq!(origin.targets(), ["/y"]);
}

#[test]
fn a_row_below_a_filed_domain_decides_for_itself() {
    let origin = Origin::page("fine");
    let zhamen = every_kind_of_site(&origin);
    assert_eq!(get(zhamen.http, "closed.filed.cn", "/").status(), 200, "reading is open");
    let response = ask(zhamen.http, "POST /post HTTP/1.1\r\nHost: closed.filed.cn\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!((response.status(), response.reason()), (403, "interactive_closed"));
    assert_eq!(origin.targets(), ["/"]);
}

#[test]
fn a_refusal_says_why_in_the_words_of_the_formats() {
    let origin = Origin::page("fine");
    let zhamen = every_kind_of_site(&origin);
    let response = get(zhamen.http, "nobody.cn", "/");
    assert_eq!(response.field("zhamen-reason"), Some("unfiled"));
    assert_eq!(response.field("cache-control"), Some("no-store"));
    assert_eq!(response.field("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(response.field("link"), None, "only a 451 has it");
    let text = response.text();
    for word in ["备案", "filing", "nobody.cn", "测试机房", "https://dc.example/appeal"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
}

#[test]
fn a_refusal_is_json_for_who_prefers_it() {
    let origin = Origin::page("fine");
    let zhamen = every_kind_of_site(&origin);
    for (accept, json) in [
        ("application/json", true),
        ("application/json, text/html;q=0.5", true),
        ("text/html,application/xhtml+xml,*/*;q=0.8", false),
        ("*/*", false),
    ] {
        let response = ask(zhamen.http, format!("GET / HTTP/1.1\r\nHost: nobody.cn\r\nAccept: {accept}\r\n\r\n"));
        assert_eq!(response.status(), 403);
        let content_type = response.field("content-type").unwrap();
        if json {
            assert_eq!(content_type, "application/json", "{accept}");
            let value: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
            assert_eq!((&value["reason"], &value["status"]), (&"unfiled".into(), &403.into()));
        } else {
            assert_eq!(content_type, "text/html; charset=utf-8", "{accept}");
        }
    }
}

#[test]
fn a_refusal_keeps_the_connection_for_the_next_request() {
    let origin = Origin::page("fine");
    let zhamen = every_kind_of_site(&origin);
    let mut client = crate::harness::Client::connect(zhamen.http);
    assert_eq!(client.get("nobody.cn", "/").response().status(), 403);
    let response = client.send("HEAD / HTTP/1.1\r\nHost: nobody.cn\r\n\r\n").response_to("HEAD");
    assert_eq!((response.status(), response.reason()), (403, "unfiled"));
    assert_eq!(client.get("filed.cn", "/").response().status(), 200);
}

#[test]
fn the_status_of_a_refusal_is_the_operators_choice() {
    let origin = Origin::page("fine");
    let zhamen = Setup::new().site("filed.cn", origin.address()).set("gate.statuses.unfiled", "404").run();
    let response = get(zhamen.http, "nobody.cn", "/");
    assert_eq!((response.status(), response.reason()), (404, "unfiled"));
}

#[test]
fn without_a_registry_nobody_is_let_in_and_the_answer_says_so() {
    let zhamen = Setup::new().set("registry.file", "\"absent.csv\"").run();
    let response = get(zhamen.http, "filed.cn", "/");
    assert_eq!((response.status(), response.reason()), (503, "registry_unavailable"));
    assert!(response.field("retry-after").is_some());
}

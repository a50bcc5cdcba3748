//! What is read of a body: whatever a browser would show of it.

use super::*;

#[test]
fn the_charset_is_found_where_it_is_late_or_undeclared() {
    let set = Arc::clone(&RULES);
    let filler = "<script>var ascii = 1;</script>\n".repeat(2000);
    let text = "新聞報導說明這個網站的內容，請看以下的資料與圖片。".repeat(8);
    let simple = "新闻报道说明这个网站的内容，请看以下的资料与图片。".repeat(8);
    for (charset, words, phrase) in [("gbk", &simple, "百家乐"), ("big5", &text, "百家樂")] {
        for (front, meta) in [("", ""), (filler.as_str(), ""), (&filler[..47 * 32], charset)] {
            let meta = if meta.is_empty() { String::new() } else { format!("<meta charset={meta}>") };
            let page = format!("{front}{meta}<p>{words}{phrase}</p>");
            let body = encoded(&page, charset);
            let whole = drive(&set, html(""), &policy(1 << 20), &body, &[]);
            assert_eq!(whole.end, "block", "{charset} behind {} bytes: {:?}", front.len(), whole.judgement);
            let cuts: Vec<usize> = (0..body.len()).step_by(997).collect();
            assert_eq!(whole, drive(&set, html(""), &policy(1 << 20), &body, &cuts));
        }
    }
}

#[test]
fn the_limit_of_the_search_for_a_charset_is_an_exact_byte() {
    let set = Arc::clone(&RULES);
    let words = "新闻报道说明这个网站的内容，请看以下的资料与图片。".repeat(8);
    for length in [16_000, 16_380, 16_384, 16_390, 17_000] {
        let body = encoded(&format!("{}{words}百家乐", "a ".repeat(length / 2)), "gbk");
        for cuts in [vec![], vec![1_000], vec![4_095, 9_001], (0..body.len()).step_by(3_001).collect::<Vec<_>>()] {
            let outcome = drive(&set, html(""), &policy(1 << 20), &body, &cuts);
            assert_eq!((outcome.end, outcome.judgement.charset), ("block", "GBK"), "{length} {cuts:?}");
        }
    }
}

#[test]
fn what_a_browser_shows_is_read_whatever_the_head_says() {
    let set = Arc::clone(&RULES);
    let page = "<p>来玩百<b>家</b>乐</p>".as_bytes();
    let head = |content_type: &'static str, coding: &'static str| BodyHead {
        content_type: Some(content_type.as_bytes()),
        content_encoding: Some(coding.as_bytes()),
    };
    for head in [
        head("text", ""),
        head("garbage; charset=utf-8", ""),
        head("image/png, text/html", ""),
        head("text/html", "none"),
        head("text/html; charset=utf-8", "utf-8"),
    ] {
        assert_eq!(drive(&set, head, &policy(1 << 16), page, &[5]).end, "block", "{head:?}");
    }
}

#[test]
fn the_tokenizer_goes_where_a_browser_goes() {
    let set = Arc::clone(&RULES);
    let pages = [
        ("text/html", "<noscript><!-- </noscript>百<b>家</b>乐<p>--></noscript>"),
        ("text/html", "<noscript><a title='</noscript>百<b>家</b>乐<p>'>"),
        ("text/html", "<svg><style/></svg><p>百<b>家</b>乐"),
        ("text/html", "<svg><style><p>百<b>家</b>乐"),
        ("text/html", "<svg><title/></svg><p>百<b>家</b>乐"),
        ("text/html", "<svg><text><![CDATA[百家乐]]></text></svg>"),
        ("application/xhtml+xml", "<p><![CDATA[百家乐]]></p>"),
        ("application/xhtml+xml", "<head><style/></head><p>百<b>家</b>乐</p>"),
        ("application/xml", "<a>百<?x > y ?>家乐</a>"),
    ];
    for (content_type, page) in pages {
        let head = BodyHead { content_type: Some(content_type.as_bytes()), content_encoding: None };
        assert_eq!(drive(&set, head, &policy(1 << 16), page.as_bytes(), &[9]).end, "block", "{page}");
    }
}

#[test]
fn documents_of_every_kind_are_read_in_the_order_of_display() {
    let set = Arc::clone(&RULES);
    let parts = "--b\r\nContent-Type: text/html; charset=gbk\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
                 <p>=B0=D9<b>=BC=D2</b>=C0=D6\r\n--b--\r\n";
    let bodies = [
        ("text/html; charset=utf-8", "<p>来\u{202E}乐家百\u{202C}玩"),
        ("text/html; charset=utf-8", "<p>百&#8238;乐家&#8236;玩"),
        ("text/plain; charset=utf-8", "onl\u{202E}onisac eni\u{202C}, 百\u{202E}乐家"),
        ("application/json", r#"{"a":"<p>百<b>\u5bb6<\/b>乐"}"#),
        ("application/x-ndjson", "{\"a\":1}\n{\"a\":\"%E7%99%BE&#23478;乐\"}"),
        ("text/event-stream", "data: {\"a\":\"百<i>家</i>乐\"}\n\n"),
        ("text/markdown; charset=utf-8", "百**家**[乐](http://example.com)"),
        ("application/x-www-form-urlencoded", "a=%B0%D9%BC%D2%C0%D6"),
        ("multipart/mixed; boundary=b", parts),
    ];
    for (content_type, body) in bodies {
        let head = BodyHead { content_type: Some(content_type.as_bytes()), content_encoding: None };
        let bytewise: Vec<usize> = (0..body.len()).collect();
        for policy in [policy(1 << 16), policy(24)] {
            let whole = drive(&set, head, &policy, body.as_bytes(), &[]);
            assert!(matches!(whole.end, "block" | "abort"), "{body}: {whole:?}");
            let cut = drive(&set, head, &policy, body.as_bytes(), &bytewise);
            assert_eq!(cut.judgement.verdict, whole.judgement.verdict, "{body}");
            let sent = if whole.end == "abort" { whole.sent } else { Vec::new() };
            assert!(body.as_bytes().starts_with(&sent), "{body}");
        }
        let whole = drive(&set, head, &policy(1 << 16), body.as_bytes(), &[]);
        for finding in whole.judgement.findings.iter().filter(|finding| &*finding.rule == "gambling.words") {
            let cut = String::from_utf8_lossy(&body.as_bytes()[finding.span.start as usize..finding.span.end as usize]);
            assert!(cut.len() >= 6 && !cut.contains("<p>"), "{body}: {cut}");
        }
    }
}

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
fn what_a_browser_puts_together_is_read_as_one() {
    let set = Arc::clone(&RULES);
    let noise = "nothing that belongs here, at some length";
    let html = [
        format!("<p>百<i style='display:none'>{noise}</i>家乐"),
        format!("<style>.q{{visibility:hidden}}</style><p>百<i class=q>{noise}</i>家乐"),
        format!("<p>百<template>{noise}</template>家<noscript>{noise}</noscript>乐"),
        format!("<div hidden>{noise}百<b>家</b>乐{noise}</div>"),
        format!("<p>百<span hidden>{noise}</p><p>家乐"),
        "<iframe srcdoc='百&lt;b title=x&gt;家&lt;/b&gt;乐'></iframe>".to_owned(),
        "<iframe src='data:text/html,%E7%99%BE<b>家</b>乐'></iframe>".to_owned(),
        "<style>p::after{content:'\\767e\\5bb6\\4E50'}</style>".to_owned(),
    ];
    let xml = [
        "<rss><d><![CDATA[百<b title='x'>家</b>乐]]></d></rss>".to_owned(),
        "<feed><d>百&lt;b title='x'>家&lt;/b>乐</d></feed>".to_owned(),
        "<!DOCTYPE d [<!ENTITY x \"家\">]><d>百&x;乐</d>".to_owned(),
    ];
    let pages = html.iter().map(|page| ("text/html", page)).chain(xml.iter().map(|page| ("application/xml", page)));
    for (content_type, page) in pages {
        let content_type = format!("{content_type}; charset=utf-8");
        let head = BodyHead { content_type: Some(content_type.as_bytes()), content_encoding: None };
        let whole = drive(&set, head, &policy(1 << 16), page.as_bytes(), &[]);
        assert_eq!(whole.end, "block", "{page}");
        let cuts: Vec<usize> = (0..page.len()).collect();
        assert_eq!(whole, drive(&set, head, &policy(1 << 16), page.as_bytes(), &cuts), "{page}");
    }
}

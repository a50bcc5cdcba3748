//! What a page shows, hides, and says elsewhere.

use proptest::prelude::*;

use super::super::Html;
use crate::{
    base::ByteSpan,
    engine::text::{Block, Edge, Sink, Stream},
};

/// Every stream as text; `|` is a hard edge, `/` a soft one.
#[derive(Clone, Debug, Default, PartialEq)]
struct Streams {
    text: [Vec<(char, u64, u64, u64)>; Stream::ALL.len()],
}

impl Streams {
    fn read(&self, stream: Stream) -> String {
        self.text[stream as usize].iter().map(|item| item.0).collect()
    }

    fn push(&mut self, stream: Stream, c: char, span: ByteSpan, seen: u64) {
        let text = &mut self.text[stream as usize];
        assert!(text.last().is_none_or(|last| last.3 <= seen), "{stream:?} goes back");
        text.push((c, span.start, span.end, seen));
    }
}

impl Sink for Streams {
    fn wants(&self, _: Stream) -> bool {
        true
    }

    fn run(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize) {
        assert!(from < to);
        for (at, c) in block.text[from..to].char_indices() {
            let span = block.span(from + at, from + at + c.len_utf8());
            self.push(stream, c, span, span.end);
        }
    }

    fn character(&mut self, stream: Stream, c: char, span: ByteSpan, seen: u64) {
        self.push(stream, c, span, seen);
    }

    fn edge(&mut self, stream: Stream, edge: Edge, seen: u64) {
        let mark = if edge == Edge::Hard { '|' } else { '/' };
        self.push(stream, mark, ByteSpan { start: seen, end: seen }, seen);
    }
}

fn streams_of(mut html: Html, page: &str, cuts: &[usize]) -> Streams {
    let mut streams = Streams::default();
    let mut ends: Vec<usize> = cuts.iter().map(|cut| page.floor_char_boundary(cut % (page.len() + 1))).collect();
    ends.sort_unstable();
    ends.push(page.len());
    let mut from = 0;
    for to in ends {
        html.feed(&Block::new(&page[from..to], from as u64, None), &mut streams);
        from = to;
    }
    html.finish(page.len() as u64, &mut streams);
    streams
}

fn streams(page: &str) -> Streams {
    streams_of(Html::new(false), page, &[])
}

/// What is shown, without edges.
fn shown(page: &str) -> String {
    streams(page).read(Stream::Text).replace(['|', '/'], "")
}

/// Several soft edges are one.
fn once(mut text: String) -> String {
    while text.contains("//") {
        text = text.replace("//", "/");
    }
    text
}

fn hidden(page: &str) -> String {
    once(streams(page).read(Stream::Hidden).trim_matches(['|', '/']).to_owned())
}

#[test]
fn hidden_text_does_not_interrupt_and_is_not_lost() {
    for (page, text, behind) in [
        ("赌<i style=\"display:none\">x</i>博", "赌博", "x"),
        ("赌<i style='font-size:0'>x<b>y</b></i>博", "赌博", "xy"),
        ("赌<i hidden>x<br>y</i>博", "赌博", "x/y"),
        ("赌<i STYLE=DISPLAY:NONE>x</I>博", "赌博", "x"),
        ("赌<i style=dis&#112;lay:none>x</i>博", "赌博", "x"),
        ("<style>.a{display:none}</style>赌<i class='b a'>x</i>博", "赌博", "x"),
        ("<style>.z .a{display:none}</style><b class=z>赌<i class=a>x</i>博</b><i class=a>y</i>", "赌博y", "x"),
        ("<style>.z>.a{display:none}</style><b class=z>赌<i class=a>x</i><b><i class=a>博</i>", "赌博", "x"),
        ("<style>#a{opacity:0}</style>赌<i id=a>x</i>博", "赌博", "x"),
        ("<style>em{display:none}</style>赌<em>x</em>博", "赌博", "x"),
        ("<style>.a{display:none}.a{display:inline}</style>赌<i class=a>x</i>博", "赌x博", ""),
        ("赌<template>x</template>博", "赌博", "x"),
        ("赌<noscript><b>x</b></noscript>博", "赌博", "x"),
        ("<ruby>赌<rp>(</rp><rt>dǔ</rt>博<rt>bó</rt></ruby>", "赌博", "(/dǔ/bó"),
        ("赌<rt>x</rt>博", "赌x博", ""),
        ("赌<dialog>x</dialog>博", "赌博", "x"),
        ("赌<dialog open>x</dialog>博", "赌x博", ""),
        ("赌<i hidden style=display:inline>x</i>博", "赌x博", ""),
        // What descendants may take back.
        ("<ul style=font-size:0>a<li style=font-size:14px>赌博</ul>", "赌博", "a"),
        ("赌<i style=visibility:hidden>x<b style=visibility:visible>博</b></i>", "赌博", "x"),
        ("<i style=display:none>x<b style=display:inline>y</b></i>赌", "赌", "xy"),
    ] {
        assert_eq!((shown(page).as_str(), hidden(page).replace('|', "").as_str()), (text, behind), "{page}");
    }
}

#[test]
fn hidden_elements_end_where_a_browser_ends_them() {
    for (page, text) in [
        ("<i hidden>x<i>y</i>z</i>赌", "赌"),
        ("<p hidden>x<p>赌博", "赌博"),
        ("<p hidden>x<div>赌博</div>", "赌博"),
        ("<ul><li hidden>x<li>赌博</ul>", "赌博"),
        ("<div><span hidden>x</div>赌博", "赌博"),
        ("<div hidden>x</span></p></b>y</div>赌博", "赌博"),
        ("<table><tr><td hidden>x<td>赌<tr><td>博</table>", "赌博"),
        ("<div hidden><img><br><input>x</div>赌博", "赌博"),
        ("<div hidden><a>x</div>赌博", "赌博"),
        ("<dl><dt hidden>x<dd>赌博</dl>", "赌博"),
        ("<select><option hidden>x<option>赌博</select>", "赌博"),
        // Formatting elements open again, and so does what they hide.
        ("<p><b hidden>x</p>y</b>赌博", "赌博"),
        ("<table><tr><td><b hidden>x<td>赌博</table>", "赌博"),
        ("<b hidden><p>x</b>赌博", "赌博"),
        ("<svg><g hidden>x<g/>y</g></svg>赌博", "赌博"),
        ("<svg><g hidden>x</svg>赌博", "赌博"),
        ("<svg><g hidden>x<p>赌博", "赌博"),
    ] {
        assert_eq!(shown(page), text, "{page}");
    }
}

#[test]
fn words_end_where_a_browser_ends_them() {
    for (page, text) in [
        ("cas<b>i</b>no", "casino"),
        ("cas</div>ino", "casino"),
        ("cas<td>ino", "casino"),
        ("cas<body>ino</head>", "casino"),
        ("cas<div hidden>x</div>ino", "casino"),
        ("<div>cas</div>ino", "/cas/ino"),
        ("cas<br>ino", "cas/ino"),
        ("<table><tr><td>cas<td>ino", "/cas/ino"),
        ("<div>casino<span hidden></div>x", "/casino/x"),
    ] {
        assert_eq!(once(streams(page).read(Stream::Text)).trim_end_matches('|'), text, "{page}");
    }
}

#[test]
fn documents_within_documents_are_read() {
    let page = "赌<iframe srcdoc='<p>百&lt;b>家&lt;/b>乐<i hidden>x</i></p>' title=y></iframe>博";
    let all = streams(page);
    assert_eq!(all.read(Stream::Text).replace('/', ""), "赌|百家乐|博|");
    assert_eq!(all.read(Stream::Attribute), "|y||");
    let xml = |page: &str| streams_of(Html::new(true), page, &[]).read(Stream::Text).replace(['/', '|'], "");
    assert_eq!(xml("<rss><description><![CDATA[<p>赌<b>博</b></p>]]></description></rss>"), "赌博");
    assert_eq!(xml("<feed><t>赌&lt;b title='x'&gt;博&lt;/b&gt;&amp;amp;</t></feed>"), "赌博&");
    assert_eq!(xml("<rss><d><![CDATA[&lt;]]></d><d>1 &lt; 2 &lt;赌博&gt;</d></rss>"), "<1 < 2 <赌博>");
    assert_eq!(xml("<html><p>赌&lt;b&gt;博</p><style>x</style><i hidden=''>y</i></html>"), "赌<b>博");
    let page = "<!DOCTYPE r [<!ENTITY x \"赌\"> <!ENTITY 二 '&x;博'>]><r>&x;&二;&y;</r>";
    assert_eq!(xml(page), "赌赌博&y;");
}

#[test]
fn urls_and_event_handlers_are_read_as_what_they_are() {
    let all = streams("<a href='/%E8%B5%8C%E5%8D%9A' onclick='f(\"\\u8d4c\"+\"\\u535a\")'>x</a>");
    assert_eq!(all.read(Stream::Attribute), "/赌博|f(\"\\u8d4c\"+\"\\u535a\")||");
    assert!(all.read(Stream::Script).contains("赌博"), "{all:?}");
    assert!(streams("<a href=\"javascript:f('%E8%B5%8C'+'&#21338;')\">").read(Stream::Script).contains("赌博"));
    for url in
        ["data:text/html,<b>%E8%B5%8C</b>博", "data:text/html;base64,PGI+6LWMPC9iPuWNmg==", "data:text/html,赌博"]
    {
        assert_eq!(
            streams(&format!("x<iframe src='{url}'></iframe>y")).read(Stream::Text).replace('/', ""),
            "x|赌博|y|"
        );
    }
    let image = streams("<img src='data:image/png;base64,6LWM5Y2a' alt=赌>");
    assert_eq!(image.read(Stream::Attribute), "data:image/png;base64,|赌||");
}

#[test]
fn style_sheets_and_style_attributes_are_read() {
    let all = streams("<style>.a::before{content:'\\8d4c\\535a'}</style><p style='x:\\8d4c'>y</p>");
    assert_eq!(all.read(Stream::Text).replace('/', ""), "|赌博|y|");
    assert_eq!(all.read(Stream::Script).trim_matches('|'), ".a::before{content:'赌博'}");
    assert_eq!(all.read(Stream::Attribute).trim_matches('|'), "x:赌");
}

#[test]
fn text_that_looks_like_a_tag_is_not_lost_in_strings() {
    let mut all = Streams::default();
    let mut html = Html::nested(Stream::Script);
    for text in ["赌<b title='x'>博</b>", "1<赌博", "a<b 赌博 c", "<x赌博>"] {
        html.feed(&Block::new(text, 0, None), &mut all);
        html.settle(0, &mut all);
        all.push(Stream::Script, '|', ByteSpan { start: 0, end: 0 }, 1 << 20);
        all.text[Stream::Script as usize].iter_mut().for_each(|item| item.3 = 0);
        all.text[Stream::Attribute as usize].clear();
    }
    assert_eq!(all.read(Stream::Script), "赌博|1<赌博|a赌博|赌博|");
}

const PARTS: [&str; 68] = [
    "<a href='",
    "javascript:",
    "data:text/html,",
    ";base64,",
    "%E8%B5%8C",
    "6LWM",
    "<",
    ">",
    "/",
    "!",
    "-",
    "--",
    "=",
    "\"",
    "'",
    " ",
    "&",
    "&amp;",
    "&#x8d4c;",
    "&#",
    ";",
    "a",
    "赌",
    "]",
    "]]>",
    "<![CDATA[",
    "<!--",
    "-->",
    "<!",
    "<?",
    "?>",
    "<p>",
    "</p>",
    "<b hidden>",
    "</b>",
    "<i style='display:none'>",
    "</i>",
    "<div>",
    "</div>",
    "<table>",
    "<td>",
    "<li>",
    "<svg>",
    "</svg>",
    "<desc>",
    "<script>",
    "</script>",
    "<style>",
    ".x{display:none}",
    "</style>",
    "content:'",
    "\\8d4c",
    "<i class=x>",
    "<title>",
    "</title>",
    "<noscript>",
    "</noscript>",
    "<iframe srcdoc='",
    "</iframe>",
    "\\u8d4c",
    "<br/>",
    "<template>",
    "</template>",
    "<plaintext>",
    "<!DOCTYPE",
    "<!ENTITY x '赌'>",
    "[",
    "&x;",
];

proptest! {
    #[test]
    fn cuts_never_matter(
        parts in proptest::collection::vec(0..PARTS.len(), 0..24),
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
        xml: bool,
    ) {
        let page: String = parts.iter().map(|&part| PARTS[part]).collect();
        let whole = streams_of(Html::new(xml), &page, &[]);
        prop_assert_eq!(&whole, &streams_of(Html::new(xml), &page, &cuts));
        // Runs and single characters are read alike, but for names, which strings show.
        let mut single = Streams::default();
        let mut html = Html::new(xml);
        for (at, c) in page.char_indices() {
            let span = ByteSpan { start: at as u64, end: (at + c.len_utf8()) as u64 };
            html.character(c, span, span.end, &mut single);
        }
        html.finish(page.len() as u64, &mut single);
        prop_assert_eq!(&whole, &single);
    }
}

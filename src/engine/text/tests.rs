//! Documents as a whole: what is read of them does not depend on how they come.

use proptest::prelude::*;

use super::{Block, Edge, Reader, Sink, Stream, media_type};
use crate::base::ByteSpan;

/// What a document was said to consist of: characters with place and what was known, or an edge.
type Said = (Stream, Option<(char, ByteSpan)>, Option<Edge>, u64);

#[derive(Debug, Default, PartialEq)]
pub(super) struct Collect {
    said: Vec<Said>,
}

impl Sink for Collect {
    fn wants(&self, _: Stream) -> bool {
        true
    }

    fn run(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize) {
        for (at, c) in block.text[from..to].char_indices() {
            let span = block.span(from + at, from + at + c.len_utf8());
            self.character(stream, c, span, span.end);
        }
    }

    fn character(&mut self, stream: Stream, c: char, span: ByteSpan, seen: u64) {
        let before = self.said.iter().rev().find(|said| said.0 == stream).map_or(0, |said| said.3);
        assert!(before <= seen && span.end <= seen, "{c} of {stream:?} at {span:?}: {before} was seen, now {seen}");
        self.said.push((stream, Some((c, span)), None, seen));
    }

    fn edge(&mut self, stream: Stream, edge: Edge, seen: u64) {
        self.said.push((stream, None, Some(edge), seen));
    }
}

impl Collect {
    /// The characters of a stream with their places.
    pub(super) fn characters(&self, stream: Stream) -> impl Iterator<Item = (char, ByteSpan)> {
        self.said.iter().filter(move |said| said.0 == stream).filter_map(|said| said.1)
    }

    /// What a stream says; hard edges are bars.
    pub(super) fn text(&self, stream: Stream) -> String {
        let mut text = String::new();
        for said in self.said.iter().filter(|said| said.0 == stream) {
            match said {
                (_, Some((c, _)), ..) => text.push(*c),
                (_, _, Some(Edge::Hard), _) if !text.ends_with('|') => text.push('|'),
                _ => {}
            }
        }
        text
    }
}

/// Reads a document that comes in pieces. Between pieces, everything that was not handed on lies
/// behind `open_from`.
pub(super) fn read(content_type: &str, body: &[u8], cuts: &[usize]) -> Collect {
    let (media, charset) = media_type(Some(content_type.as_bytes()));
    let mut reader = Reader::new(media, charset, false);
    let mut collect = Collect::default();
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (body.len() + 1)).collect();
    ends.sort_unstable();
    ends.push(body.len());
    let mut from = 0;
    let mut open = 0;
    for end in ends {
        let known = collect.said.len();
        reader.feed(&body[from..end], &mut collect);
        for said in &collect.said[known..] {
            assert!(said.1.is_none_or(|(_, span)| span.start >= open), "{said:?} lies before {open}");
        }
        open = reader.open_from().unwrap_or(end as u64);
        from = end;
    }
    reader.finish(&mut collect);
    collect
}

/// What a stream of a document says, however it comes.
fn says(content_type: &str, body: &str, stream: Stream) -> String {
    let whole = read(content_type, body.as_bytes(), &[]);
    let bytewise: Vec<usize> = (0..body.len()).collect();
    for cuts in [&bytewise[..], &bytewise[body.len() / 2..], &[7, 23, 61]] {
        let cut = read(content_type, body.as_bytes(), cuts);
        assert_eq!(whole.said, cut.said, "{body} cut at {cuts:?}");
    }
    whole.text(stream)
}

fn script(body: &str) -> String {
    says("text/javascript; charset=utf-8", body, Stream::Script)
}

fn json(body: &str) -> String {
    says("application/json", body, Stream::Script)
}

#[test]
fn scripts_are_read_as_they_put_strings_together() {
    let put_together = [
        r#"x="赌"+"博";"#,
        r#"x='赌' + /* " */ '博';"#,
        "x='赌' + // it's\n '博';",
        r#"x=("赌")+("博")"#,
        r#"x="赌".concat("博")"#,
        r#"x="\u8d4c"+"\u{535A}""#,
        r#"x=["赌","博"].join("")"#,
        r#"x=[ "赌" , '博' ] . join ( '' )"#,
        r#"x=["博","赌"].reverse().join("")"#,
        "x=`赌${\"博\"}`",
        "x=`${'赌'}博`",
        "x=`赌${''}博`",
        r#"x=unescape("%u8d4c%u535a")"#,
        r#"x=unescape("%u8d"+"4c%u535a")"#,
        r#"x=decodeURIComponent("%E8%B5%8C%E5%8D%9A")"#,
        r#"x="赌"+unescape("%u535a")"#,
        r#"x=unescape("%B6%C4%B2%A9")"#,
        r#"x=atob("6LWM5Y2a")"#,
        r#"x=atob("6LWM")+"博""#,
        r#"x="赌"+window.atob("5Y2a")"#,
        r#"x=String.fromCharCode(36172,21338)"#,
        r#"x=String.fromCodePoint(0x8d4c, 0x535a)"#,
        r#"x=String.fromCharCode.apply(null,[36172,21338])"#,
        r#"x=String.fromCharCode(...[36172,21338])"#,
        r#"x=String.fromCharCode(36172)+String.fromCharCode(21338)"#,
        r#"x="赌"+String.fromCharCode(21338)"#,
        r#"x=String.fromCharCode(36172)+"博""#,
        "x='赌\\\n博'",
        "x='赌\\\r\n博'",
        r#"document.write("<p>赌<b>博</b></p>")"#,
        r#"document.write("<p>赌<"+"b>博</b></p>")"#,
        r#"document.write("&#36172;&#x535a;")"#,
        r#"document.write(unescape("%3Cp%3E%u8d4c%3Cb%3E%u535a"))"#,
        r#"x.innerHTML="<p>赌<b>\u535a<\/b>""#,
        r#"x=a/b;y="赌"+"博";z=c/d"#,
        r#"x=/["']/.test(y);y="赌"+"博""#,
        r#"return/'/;y="赌"+"博""#,
        r#"x={"a":"赌"+"博"}"#,
        r#"f("\
","赌"+"博")"#,
    ];
    for body in put_together {
        assert!(script(body).contains("赌博"), "{body}: {}", script(body));
    }
}

#[test]
fn strings_that_are_apart_stay_apart() {
    let apart = [
        r#"x="赌","博""#,
        r#"x=["赌","博"]"#,
        r#"x=["赌","博"].join("-")"#,
        r#"x=["赌","博"].map(y)"#,
        r#"x={"赌":"博"}"#,
        r#"x="赌"+y+"博""#,
        r#"x="赌"/"博""#,
        r#"f("赌")("博")"#,
        "x='赌'\n'博'",
        "x=`赌${y}博`",
        "// '赌'+\n'博'",
    ];
    for body in apart {
        assert!(!script(body).contains("赌博"), "{body}: {}", script(body));
    }
}

#[test]
fn code_is_read_as_it_stands() {
    for body in [
        "// 赌博\nvar 赌博=1;/* 赌博 */ x.赌博",
        "a=\"x\",b=['y','z'],c=`t${1}`;d=\"p\"/2",
        "f(\"a\",\"b\")\n['c']",
        "x = String.fromCharCode(y+1); /ab+c/.test('d')",
        "\"use strict\";var a=1",
        "a='unclosed\nb='c'",
        "if(a<b&&c>d){e={f:`${{g:1}.g}`}}",
    ] {
        assert_eq!(script(body), format!("{body}|"), "{body}");
    }
}

#[test]
fn json_strings_are_read_as_pages_show_them() {
    assert_eq!(json(r#"{"a":"\u8d4c\u535a"}"#), "{|a|:|赌博|}|");
    assert!(json(r#"["<p>赌<b>博<\/b>"]"#).contains("赌博"));
    assert!(json(r#"["\u003cp\u003e赌\u003cb\u003e博"]"#).contains("赌博"));
    assert!(json(r#"["&#36172;<i>&#21338;"]"#).contains("赌博"));
    assert!(json(r#"["%E8%B5%8C%E5%8D%9A"]"#).contains("赌博"));
    assert!(!json(r#"["<i>赌","博"]"#).contains("赌博"));
    assert_eq!(json("{\"a\":\"赌\"}\n{\"a\":\"博\"}"), "{|a|:|赌|}\n{|a|:|博|}|");
    assert!(json("{\"a\": \"赌\n{\"b\":\"x<i>\"}\n\"赌<b>博\"").contains("赌博"));
}

#[test]
fn events_carry_documents() {
    let stream = |body: &str| says("text/event-stream", body, Stream::Text);
    for body in [
        "event: x\ndata: 赌博\n\n",
        "data:赌\ndata:博\n\n",
        "data: {\"a\":\"\\u8d4c\\u535a\"}\n\n",
        "data: {\"a\":\"赌<b>博\"}\r\n\r\n",
        "data: {\r\ndata: \"a\":\"赌&#21338;\"}\r\n\r\n",
        "data: <p>赌<b>博</b></p>\n\n",
        "data: <p\ndata: >赌<b>博\n\n",
        "data: 赌<b>博\n\n",
        "data: \\u8d4c\\u535a\n\n",
        ": comment\r\rdata: x <i>赌</i>博",
    ] {
        assert!(stream(body).replace(['\n', '\r', ' '], "").contains("赌博"), "{body}: {}", stream(body));
    }
    let apart = stream("data: {\"a\":\"赌\"}\n\ndata: {\"a\":\"博\"}\n\n");
    assert!(apart.contains("赌|") && !apart.replace(['\n', ' '], "").contains("赌博"), "{apart}");
}

#[test]
fn forms_are_decoded() {
    let form = |body: &str| says("application/x-www-form-urlencoded", body, Stream::Text);
    assert_eq!(form("a=%E8%B5%8C%E5%8D%9A+x&b=%B6%C4%B2%A9&c=100%"), "a|赌博 x|b|赌博|c|100%|");
    assert_eq!(form("a=%3Cp%3E%E8%B5%8C%3Cb%3E%E5%8D%9A"), "a|赌博|");
    assert!(!form("%E8%B5%8C=%E5%8D%9A").contains("赌博"));
}

#[test]
fn markdown_shows_what_it_shows() {
    let shown = |body: &str| says("text/markdown; charset=utf-8", body, Stream::Text);
    for body in [
        "赌**博**",
        "赌*博*",
        "__赌__博",
        "~~赌~~博",
        "赌`博`",
        "[赌](http://example.com/a(b)c \"t\")博",
        "[赌][1]博",
        "赌<b>博</b>",
        "&#36172;博",
        "![赌](x.png)博".trim_start_matches('!'),
    ] {
        assert!(shown(body).contains("赌博"), "{body}: {}", shown(body));
    }
    assert_eq!(shown("snake_case 1~2 \\* \\<b>"), "snake_case 1~2 * <b>|");
    assert_eq!(says("text/markdown", "[a](赌博)", Stream::Attribute), "赌博|");
}

#[test]
fn style_sheets_and_captions_are_read() {
    assert!(says("text/css; charset=utf-8", "a::before{content:\"\\8d4c\\535a\"}", Stream::Text).contains("赌博"));
    let gbk = encoding_rs::GBK.encode("@charset \"gbk\";a::before{content:\"赌博\"}").0;
    assert!(read("text/css", &gbk, &[5]).text(Stream::Text).contains("赌博"));
    assert!(says("text/vtt", "WEBVTT\n\n00:01 --> 00:02\n<c.red>赌</c><i>&#21338;", Stream::Text).contains("赌博"));
}

#[test]
fn parts_are_documents() {
    let bodies = [
        ("multipart/mixed; boundary=b", "--b\r\nContent-Type: text/html\r\n\r\n<p>赌<b>博</b>\r\n--b--\r\n"),
        (
            "multipart/mixed; boundary=b",
            "pre\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\r\n--\r\n--bb\r\n赌博\r\n--b--",
        ),
        (
            "multipart/mixed; boundary=\"b b\"",
            "--b b \r\nContent-Type: application/json\r\n\r\n{\"a\":\"赌<i>博\"}\r\n--b b--\r\n",
        ),
        ("multipart/mixed", "--odd\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n赌博\r\n--odd--\r\n"),
        ("multipart/form-data; boundary=b", "--b\nContent-Disposition: form-data; name=a\n\n赌博\n--b--\n"),
        (
            "multipart/mixed; boundary=b",
            "--b\r\nContent-Transfer-Encoding: base64\r\nContent-Type: text/plain;\r\n charset=utf-8\r\n\r\n6LWM\r\n5Y2a\r\n--b--",
        ),
        (
            "multipart/mixed; boundary=b",
            "--b\r\nContent-Transfer-Encoding: Quoted-Printable\r\nContent-Type: text/html; charset=gbk\r\n\r\n<p>=B6=C4=\r\n<b>=b2=A9 1=2\r\n--b--",
        ),
        (
            "multipart/mixed; boundary=a",
            "--a\r\nContent-Type: multipart/alternative; boundary=ab\r\n\r\n--ab\r\nContent-Type: text/html; charset=utf-8\r\n\r\n赌<b>博\r\n--ab--\r\n--a\r\n\r\nx\r\n--a--",
        ),
        ("multipart/mixed; boundary=b", "赌博"),
    ];
    for (content_type, body) in bodies {
        let text = says(content_type, body, Stream::Text) + &says(content_type, body, Stream::Script);
        assert!(text.contains("赌博"), "{body}: {text}");
    }
    let whole = "--b\r\nContent-Transfer-Encoding: base64\r\n\r\n6LWM5Y2a\r\n--b--";
    let read = read("multipart/mixed; boundary=b", whole.as_bytes(), &[]);
    let place = read.said.iter().find_map(|said| said.1.filter(|item| item.0 == '博')).unwrap().1;
    assert_eq!(&whole[place.start as usize..place.end as usize], "5Y2a");
    let image = "--b\r\nContent-Type: image/png\r\n\r\n赌博\r\n--b--";
    assert_eq!(says("multipart/mixed; boundary=b", image, Stream::Text).replace('|', ""), "");
    assert!(
        says(
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; filename=\"赌博.txt\"\r\n\r\n",
            Stream::Attribute
        )
        .contains("赌博")
    );
}

/// Pieces that documents are made of.
const PIECES: [&str; 68] = [
    "赌",
    "博",
    "\"",
    "'",
    "`",
    "+",
    " ",
    "\n",
    "\r",
    "\\",
    "\\u8d4c",
    "\\u{535a}",
    "\\ud83d",
    "\\ude00",
    "\\x41",
    "\\101",
    "${",
    "}",
    "{",
    "/*",
    "*/",
    "//",
    "/",
    "[",
    "]",
    ",",
    ".join(\"\")",
    ".reverse()",
    "(",
    ")",
    "String.fromCharCode(",
    "36172",
    "0x535a",
    "unescape(",
    "atob(",
    "6LWM5Y2a",
    "%u8d4c",
    "%E8%B5%8C",
    "%",
    "%B6",
    "<b>",
    "</b>",
    "<i>",
    "<",
    "&#36172;",
    "&",
    "<script>",
    "data: ",
    "=",
    "\r\n--b\r\n",
    "\r\n--b--\r\n",
    "--b",
    "\r\n\r\n",
    "\n\n",
    "Content-Type: text/html; charset=utf-8\r\n",
    "Content-Transfer-Encoding: base64\r\n",
    "Content-Transfer-Encoding: quoted-printable\r\n",
    "=E8=B5=8C",
    "*",
    "_",
    "~",
    "\u{202E}",
    "\u{202D}",
    "\u{202C}",
    "\u{2067}",
    "\u{2069}",
    "&#8238;",
    "\\u202e",
];

proptest! {
    #[test]
    fn cuts_never_matter(
        which in 0..6_usize,
        pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..40),
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
    ) {
        let content_type = [
            "text/javascript; charset=utf-8", "application/json", "text/event-stream", "text/markdown; charset=utf-8",
            "application/x-www-form-urlencoded", "multipart/mixed; boundary=b",
        ][which];
        let body = pieces.concat();
        let whole = read(content_type, body.as_bytes(), &[]);
        let cut = read(content_type, body.as_bytes(), &cuts);
        prop_assert_eq!(&whole.said, &cut.said);
    }

    #[test]
    fn strings_join_however_they_are_cut(
        at in 1..4_usize,
        quotes in proptest::sample::select(vec!['"', '\'']),
        space in "[ \n\t]{0,5}",
        escaped in any::<[bool; 4]>(),
    ) {
        let write = |from: usize, to: usize| {
            let written: String = "百家彩票".chars().enumerate().skip(from).take(to - from).map(|(index, c)| {
                if escaped[index] { format!("\\u{:04x}", c as u32) } else { c.to_string() }
            }).collect();
            format!("{quotes}{written}{quotes}")
        };
        let body = format!("f({}{space}+{space}{})", write(0, at), write(at, 4));
        prop_assert!(script(&body).contains("百家彩票"));
        let array = format!("f([{}{space},{space}{}].join(''))", write(0, at), write(at, 4));
        prop_assert!(script(&array).contains("百家彩票"));
    }
}

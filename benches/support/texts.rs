//! The texts of the benches: written by rule from the dictionary, the same in every run.
//!
//! Sentences are words drawn as often as real text has them; one that holds a phrase of the largest
//! set, or makes one with the end of the sentence before it, is drawn again, so that hits are as rare
//! as they are on an innocent site.

use std::{collections::HashSet, fmt::Write as _, path::Path};

use bytes::Bytes;

use super::{
    Random,
    dictionary::{Dictionary, PHRASES_MAX},
};

/// How a text is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Charset {
    Utf8,
    Gbk,
    Big5,
    Utf16,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Html,
    Plain,
    English,
    Json,
    Script,
    /// Saved pages of the suites, each a body of its own.
    Saved(&'static str),
}

/// One or more bodies that are scanned one after the other.
pub struct Text {
    pub name: &'static str,
    pub charset: Charset,
    pub content_type: &'static str,
    pub bodies: Vec<Bytes>,
}

impl Text {
    pub fn bytes(&self) -> usize {
        self.bodies.iter().map(Bytes::len).sum()
    }
}

/// Name, shape, charset and Content-Type of each text.
const TEXTS: [(&str, Kind, Charset, &str); 10] = [
    ("zh.html", Kind::Html, Charset::Utf8, "text/html; charset=utf-8"),
    ("zh.txt", Kind::Plain, Charset::Utf8, "text/plain; charset=utf-8"),
    ("en.html", Kind::English, Charset::Utf8, "text/html; charset=utf-8"),
    ("json", Kind::Json, Charset::Utf8, "application/json"),
    ("js", Kind::Script, Charset::Utf8, "text/javascript; charset=utf-8"),
    ("zh.gbk", Kind::Html, Charset::Gbk, "text/html; charset=gbk"),
    ("zh.big5", Kind::Html, Charset::Big5, "text/html; charset=big5"),
    ("zh.utf16", Kind::Html, Charset::Utf16, "text/html; charset=utf-16le"),
    ("pages.zh", Kind::Saved("zh"), Charset::Utf8, "text/html"),
    ("pages.other", Kind::Saved("other"), Charset::Utf8, "text/html"),
];

/// The names of all texts.
pub fn names() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().map(|text| text.0)
}

/// What a text is written with: chance, and the last characters that a page would show.
struct Pen {
    random: Random,
    shown: Vec<char>,
}

impl Pen {
    fn new(seed: u64) -> Self {
        Self { random: Random(seed), shown: Vec::new() }
    }

    fn below(&mut self, end: usize) -> usize {
        self.random.below(end)
    }
}

/// Characters of a phrase, at most.
const PHRASE_CHARACTERS_MAX: usize = 6;

/// Writes texts.
pub struct Writer {
    pub dictionary: Dictionary,
    phrases: HashSet<String, foldhash::fast::FixedState>,
}

impl Writer {
    pub fn new() -> Self {
        let dictionary = Dictionary::read();
        let phrases = dictionary.phrases(PHRASES_MAX).into_iter().collect();
        Self { dictionary, phrases }
    }

    /// A text of about so many bytes; `None` if it is made of saved pages, and they are not there.
    pub fn text(&self, name: &str, bytes: usize) -> Option<Text> {
        let &(name, kind, charset, content_type) = TEXTS.iter().find(|text| text.0 == name)?;
        let bodies = match kind {
            Kind::Saved(folder) => saved_pages(folder)?,
            _ => vec![self.document(kind, charset, bytes, None, 7)],
        };
        Some(Text { name, charset, content_type, bodies })
    }

    /// A short text, with or without a phrase in the middle; `None` if it is made of saved pages.
    pub fn sample(&self, name: &str, planted: Option<&str>, seed: u64) -> Option<Text> {
        let &(name, kind, charset, content_type) = TEXTS.iter().find(|text| text.0 == name)?;
        let whole = !matches!(kind, Kind::Saved(_));
        let body = || self.document(kind, charset, 3000, planted, seed);
        whole.then(|| Text { name, charset, content_type, bodies: vec![body()] })
    }

    /// A Chinese page of exactly so many bytes.
    pub fn page(&self, bytes: usize) -> String {
        let mut page = head(Kind::Html, Charset::Utf8).to_owned();
        let mut pen = Pen::new(11);
        loop {
            let block = self.block(&mut pen);
            let left = bytes - page.len() - foot(Kind::Html).len();
            if block.len() > left {
                page.extend(std::iter::repeat_n(' ', left));
                page.push_str(foot(Kind::Html));
                return page;
            }
            page.push_str(&block);
        }
    }

    fn sentences(&self, count: usize, pen: &mut Pen) -> String {
        let mut text = String::new();
        for _ in 0..count {
            text.push_str(&self.shown(pen));
            text.push(['，', '，', '，', '。', '。', '；', '！'][pen.below(7)]);
        }
        text
    }

    /// The bytes of a phrase or a text; Big5 in traditional characters.
    pub fn encode(&self, charset: Charset, text: &str) -> Vec<u8> {
        match charset {
            Charset::Utf8 => text.as_bytes().to_vec(),
            Charset::Gbk => encoding_rs::GBK.encode(text).0.into_owned(),
            Charset::Big5 => encoding_rs::BIG5.encode(&self.dictionary.traditional(text)).0.into_owned(),
            Charset::Utf16 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        }
    }

    fn document(&self, kind: Kind, charset: Charset, bytes: usize, planted: Option<&str>, seed: u64) -> Bytes {
        let mut pen = Pen::new(seed);
        let mut body = if charset == Charset::Utf16 { vec![0xFF, 0xFE] } else { Vec::new() };
        body.extend(self.encode(charset, head(kind, charset)));
        let mut planted = planted;
        while body.len() < bytes {
            if let Some(phrase) = planted.take_if(|_| body.len() > bytes / 2) {
                body.extend(self.encode(charset, &plant(kind, phrase)));
            }
            body.extend(self.encode(charset, &self.piece(kind, &mut pen)));
        }
        body.extend(self.encode(charset, foot(kind)));
        body.into()
    }

    fn piece(&self, kind: Kind, pen: &mut Pen) -> String {
        match kind {
            Kind::Html | Kind::Saved(_) => self.block(pen),
            Kind::Plain => self.sentences(20, pen) + "\n",
            Kind::English => english(pen),
            Kind::Json => self.record(pen),
            Kind::Script => statement(pen),
        }
    }

    /// A sentence for an attribute: 6 to 14 words, none of which makes a phrase.
    fn sentence(&self, pen: &mut Pen) -> String {
        loop {
            let sentence = self.words(pen);
            if !self.has_phrase(&sentence) {
                return sentence;
            }
        }
    }

    /// A sentence for the text, which goes on from what was shown before.
    fn shown(&self, pen: &mut Pen) -> String {
        loop {
            let sentence = self.words(pen);
            let joined: String = pen.shown.iter().copied().chain(sentence.chars()).collect();
            if !self.has_phrase(&joined) {
                let end = sentence.chars().rev().take(PHRASE_CHARACTERS_MAX - 1);
                pen.shown = end.collect::<Vec<char>>().into_iter().rev().collect();
                return sentence;
            }
        }
    }

    fn words(&self, pen: &mut Pen) -> String {
        (0..6 + pen.below(9)).map(|_| self.dictionary.word(&mut pen.random)).collect()
    }

    fn has_phrase(&self, text: &str) -> bool {
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        (0..starts.len()).any(|from| {
            let ends = from + 2..starts.len().min(from + PHRASE_CHARACTERS_MAX + 1);
            ends.into_iter().any(|to| self.phrases.contains(&text[starts[from]..starts[to]]))
        })
    }

    /// A part of a Chinese page.
    fn block(&self, pen: &mut Pen) -> String {
        match pen.below(20) {
            0..10 => {
                let (id, paragraph) = (hex(pen), 2 + pen.below(5));
                format!("<p class=\"art-p\" data-id=\"{id}\">{}</p>\n", self.sentences(paragraph, pen))
            }
            10..15 => format!(
                "<li class=\"item item-{}\"><a href=\"/news/{}/{}.html\" target=\"_blank\" title=\"{}\">{}</a>\
                 <span class=\"date\">2026-0{}-{}</span></li>\n",
                1 + pen.below(9),
                2010 + pen.below(16),
                hex(pen),
                self.sentence(pen),
                self.shown(pen),
                1 + pen.below(9),
                10 + pen.below(19),
            ),
            15..18 => format!(
                "<div class=\"card\"><img src=\"https://img.example.cn/u/{}/{}.jpg\" alt=\"{}\" width=\"320\" \
                 height=\"180\" loading=\"lazy\"><h3 class=\"card-title\">{}</h3></div>\n",
                hex(pen),
                hex(pen),
                self.sentence(pen),
                self.shown(pen),
            ),
            _ => format!(
                "<script>window.__d=window.__d||[];window.__d.push({{\"id\":\"{}\",\"t\":{},\"k\":[\"{}\",\"{}\"],\
                 \"cb\":function(a,b){{return a?b:null}}}});</script>\n",
                hex(pen),
                pen.below(1_000_000_000),
                hex(pen),
                hex(pen),
            ),
        }
    }

    /// A record of an API's answer; one in eight writes Chinese as `\uXXXX`.
    fn record(&self, pen: &mut Pen) -> String {
        let mut record = format!(
            "{{\"id\":{},\"url\":\"https:\\/\\/www.example.cn\\/a\\/{}\",\"title\":\"{}\",\"summary\":\"{}\",\
             \"tags\":[\"{}\",\"{}\"],\"views\":{},\"score\":0.{},\"top\":false,\"author\":null}},\n",
            pen.below(100_000_000),
            hex(pen),
            self.shown(pen),
            self.sentences(3, pen),
            hex(pen),
            hex(pen),
            pen.below(100_000),
            pen.below(1000),
        );
        if pen.below(8) == 0 {
            let mut escaped = String::new();
            for c in record.chars() {
                let mut units = [0; 2];
                match c.is_ascii() {
                    true => escaped.push(c),
                    false => c.encode_utf16(&mut units).iter().for_each(|unit| {
                        let _ = write!(escaped, "\\u{unit:04x}");
                    }),
                }
            }
            record = escaped;
        }
        record
    }
}

fn saved_pages(folder: &str) -> Option<Vec<Bytes>> {
    let mut ancestors = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|path| path.join("shared/suites/pages"));
    let folder = ancestors.find(|path| path.is_dir())?.join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    paths.sort_unstable();
    paths.iter().map(|path| std::fs::read(path).ok().map(Bytes::from)).collect()
}

fn head(kind: Kind, charset: Charset) -> &'static str {
    match (kind, charset) {
        (Kind::Html | Kind::Saved(_), Charset::Gbk) => {
            "<!DOCTYPE html>\n<html lang=\"zh-CN\"><head><meta charset=\"gbk\"><title>首页</title></head><body>\n"
        }
        (Kind::Html | Kind::Saved(_), Charset::Big5) => {
            "<!DOCTYPE html>\n<html lang=\"zh-TW\"><head><meta charset=\"big5\"><title>首页</title></head><body>\n"
        }
        (Kind::Html | Kind::Saved(_), Charset::Utf8 | Charset::Utf16) => {
            "<!DOCTYPE html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>首页</title>\
             <link rel=\"stylesheet\" href=\"/s/app.css\"></head><body>\n"
        }
        (Kind::English, _) => "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"></head><body>\n",
        (Kind::Json, _) => "{\"code\":0,\"data\":[\n",
        (Kind::Script, _) => "!function(e,t){\"use strict\";",
        (Kind::Plain, _) => "",
    }
}

fn foot(kind: Kind) -> &'static str {
    match kind {
        Kind::Html | Kind::English | Kind::Saved(_) => "</body></html>\n",
        Kind::Json => "{}]}\n",
        Kind::Script => "}(window,document);\n",
        Kind::Plain => "",
    }
}

fn plant(kind: Kind, phrase: &str) -> String {
    match kind {
        Kind::Html | Kind::English | Kind::Saved(_) => format!("<p>{phrase}</p>\n"),
        Kind::Plain => format!("{phrase}。\n"),
        Kind::Json => format!("{{\"title\":\"{phrase}\"}},\n"),
        Kind::Script => format!("var zz=\"{phrase}\";"),
    }
}

fn hex(pen: &mut Pen) -> String {
    format!("{:08x}", pen.below(1 << 31))
}

fn english(pen: &mut Pen) -> String {
    const WORDS: &str = "the of and to in a is that for it as was with be by on not he his but at are this have from \
        or had an they which one you were all her she there would their we him been has when who will no more if out \
        so up said what its about than into them can only other time new some could these two may first then do any \
        like my now over such our man me even most made after also did many off before must well back through years \
        much where your way down should because long each just state those people too how little good world make very \
        year still see own work men day get here old life both between under last never know us three market report \
        government water company service school question example system history number development";
    let words: Vec<&str> = WORDS.split(' ').filter(|word| !word.is_empty()).collect();
    let count = if pen.below(10) < 7 { 30 + pen.below(50) } else { 5 };
    let text: Vec<&str> = (0..count).map(|_| words[pen.below(words.len())]).collect();
    let text = text.join(" ");
    match count {
        5 => format!("<li><a href=\"/a/{}/{}\" class=\"nav-link\">{text}</a></li>\n", hex(pen), hex(pen)),
        _ => format!("<p class=\"body-{}\" id=\"{}\">{text}.</p>\n", 1 + pen.below(9), hex(pen)),
    }
}

/// A statement as a minifier leaves it.
fn statement(pen: &mut Pen) -> String {
    const MEMBERS: &[&str] = &[
        "addEventListener",
        "appendChild",
        "apply",
        "call",
        "children",
        "className",
        "concat",
        "constructor",
        "data",
        "dispatch",
        "exports",
        "firstChild",
        "getAttribute",
        "hasOwnProperty",
        "indexOf",
        "innerHTML",
        "length",
        "map",
        "memoizedState",
        "nextSibling",
        "options",
        "parentNode",
        "prototype",
        "push",
        "querySelector",
        "ref",
        "removeChild",
        "replace",
        "setState",
        "slice",
        "splice",
        "stateNode",
        "style",
        "tag",
        "toString",
        "type",
        "value",
    ];
    const STRINGS: &[&str] = &["click", "function", "undefined", "object", "mouseenter", "btn-primary", "%", "px", "#"];
    let name = |pen: &mut Pen| char::from(b'a' + pen.below(26) as u8);
    let member = |pen: &mut Pen| MEMBERS[pen.below(MEMBERS.len())];
    let string = |pen: &mut Pen| STRINGS[pen.below(STRINGS.len())];
    let (a, b, c, d) = (name(pen), name(pen), name(pen), name(pen));
    let (m, n, o) = (member(pen), member(pen), member(pen));
    let number = pen.below(5000);
    match pen.below(8) {
        0 => format!("function {a}{b}({c},{d}){{var t={c}.{m}||{{}};return t.{n}&&t.{n}({d},{number})}}"),
        1 => format!("{a}.{m}=function({b}){{return null==this.{n}?{b}:this.{n}.{o}(\"{}\",{b})}};", string(pen)),
        2 => format!("for(var {a}=0,{b}={c}.{m};{a}<{b};{a}++)if({c}[{a}].{n}!=={d}){{{c}[{a}].{o}={number};break}}"),
        3 => format!("\"{}\"==typeof {a}.{m}?{b}.{n}({a}):{c}.{o}({a},!{});", string(pen), pen.below(2)),
        4 => format!("var {a}{number}={b}({number}),{c}={a}{number}.{m}(/[^a-z0-9_-]+/g,\"{}\");", string(pen)),
        5 => format!("try{{{a}.{m}({b},{{{n}:!0,{o}:{number},key:\"{}\"}})}}catch({c}){{}}", string(pen)),
        6 => format!("switch({a}.{m}){{case {number}:{b}.{n}={c};break;default:{b}.{o}=void 0}}"),
        _ => format!("{a}.{m}.{n}=Object.assign({{}},{a}.{m}.{o},{{default:{b},id:{number}}}),{c}|=4,{d}>>>=1;"),
    }
}

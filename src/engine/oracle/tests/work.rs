//! No input makes the engine superlinear: the work is counted, not timed.

use super::FOLDING;
use crate::engine::{
    matcher::{LaneStream, PatternSetBuilder},
    oracle::naive,
    text::{Block, Media, fold::Reading},
};

/// Looks at a character and comparisons, for each byte of the text, at most.
const WORK_PER_BYTE: u64 = 64;

/// Characters and edges that a reader may hand on for each byte of the body.
const ITEMS_PER_BYTE: usize = 2;

#[test]
fn no_text_makes_the_matcher_superlinear() {
    let mut phrases: Vec<String> = (1..8).map(|length| "啊".repeat(length)).collect();
    phrases.extend(["赌博", "天天彩票", "online casino", "casino", "彩啊彩啊彩", "啊天", "a b c"].map(str::to_owned));
    let texts = [
        ("one character", "啊".repeat(100_000)),
        ("two in turn", "彩啊".repeat(100_000)),
        ("almost", "啊啊啊啊啊啊彩".repeat(30_000)),
        ("zero-width characters between two", format!("赌{}博", "\u{200b}".repeat(300_000))),
        ("zero-width characters everywhere", "赌\u{200b}\u{200b}\u{200b}".repeat(60_000)),
        ("zero-width characters in words", "o\u{ad}\u{ad}n\u{ad}l\u{ad}ine ".repeat(30_000)),
        ("one long word", "casino".repeat(100_000)),
        ("words that begin", "cas onli casin online ".repeat(30_000)),
        ("a word in a long word", format!("c{}asino", "\u{ad}".repeat(300_000))),
        ("noise", format!("赌{}博", "，".repeat(100_000))),
        ("white space", format!("赌{}博", " ".repeat(300_000))),
        ("combining marks", format!("a{} b c", "\u{301}".repeat(200_000))),
        ("many signs in one", "㍿⒜﷽".repeat(60_000)),
    ];
    let mut builder = PatternSetBuilder::new(&FOLDING);
    assert!(phrases.iter().all(|phrase| builder.add(Reading::Looks, phrase, 3).is_some()));
    let set = builder.build();
    for (name, text) in &texts {
        for slice_bytes in [16 << 10, 4 << 10] {
            let mut lane = LaneStream::default();
            let (mut from, mut found) = (0, 0_usize);
            while from < text.len() {
                let to = text.ceil_char_boundary((from + slice_bytes).min(text.len()));
                lane.run(&Block::new(text, 0, None), from, to);
                lane.scan(&set, |_| found += 1);
                lane.open_from(&set);
                lane.forget(&set);
                from = to;
            }
            let (work, bytes) = (lane.work(), text.len() as u64);
            assert!(work <= WORK_PER_BYTE * bytes, "{name}, by {slice_bytes}: {work} for {bytes} bytes");
            assert!(found <= phrases.len() * text.len(), "{name}");
        }
    }
}

#[test]
fn no_document_makes_the_reader_superlinear() {
    let documents = [
        (Media::Html, "<b>".repeat(100_000)),
        (Media::Html, "<div><p>".repeat(50_000)),
        (Media::Html, "</p></div>".repeat(50_000)),
        (Media::Html, "<p style='display:none'>".repeat(20_000)),
        (Media::Html, "<".repeat(300_000)),
        (Media::Html, "</".repeat(150_000)),
        (Media::Html, "<!--".repeat(100_000)),
        (Media::Html, "<!-".repeat(100_000)),
        (Media::Html, "<![CDATA[".repeat(50_000)),
        (Media::Html, "<script><!--<script>".repeat(20_000)),
        (Media::Html, "<script></scrip".repeat(30_000)),
        (Media::Html, "<title></titl".repeat(30_000)),
        (Media::Html, "<svg><math>".repeat(30_000)),
        (Media::Html, "&amp;".repeat(100_000)),
        (Media::Html, "&".repeat(300_000)),
        (Media::Html, "&notit".repeat(60_000)),
        (Media::Html, "&#x00000000000".repeat(30_000)),
        (Media::Html, format!("<p title='{}", "赌".repeat(100_000))),
        (Media::Html, format!("<p {}>", "a=b ".repeat(60_000))),
        (Media::Html, format!("<a href='data:text/html;base64,{}'>", "AAAA".repeat(60_000))),
        (Media::Html, format!("<style>{}", "a{content:\"\\4e00\"}".repeat(20_000))),
        (Media::Xml, "<![CDATA[]]>".repeat(30_000)),
        (Media::Xml, "<?x ?".repeat(60_000)),
        (Media::Json, "[".repeat(300_000)),
        (Media::Json, "\"\\ud83d".repeat(40_000)),
        (Media::Json, "\"\\".repeat(150_000)),
        (Media::Script, "\\u{".repeat(100_000)),
        (Media::Script, "'a'+".repeat(60_000)),
        (Media::Script, "\\x4".repeat(100_000)),
        (Media::Plain, "\u{202e}".repeat(100_000)),
        (Media::Plain, "\u{202e}赌\u{202c}".repeat(30_000)),
        (Media::EventStream, "data:\n".repeat(50_000)),
    ];
    for (media, document) in &documents {
        let (items, _) = naive::read(*media, Some(encoding_rs::UTF_8), document.as_bytes());
        let given: usize = items.0.iter().map(Vec::len).sum();
        let shown: String = document.chars().take(20).collect();
        assert!(given <= ITEMS_PER_BYTE * document.len() + 16, "{given} for {} bytes of {shown}", document.len());
    }
}

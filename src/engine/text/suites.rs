//! Cases that others wrote: html5lib's for finding the charset, encoding_rs's for every sequence of
//! four charsets. They are kept beside the repository; where they are not, there is nothing to do.

use std::{fs, path::PathBuf};

use encoding_rs::{BIG5, EUC_KR, Encoding, GB18030, SHIFT_JIS, WINDOWS_1252};

use super::{Media, Stream, sniff, tests::read};

fn suite(path: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/suites")).join(path);
    let found = fs::read(&path).ok();
    if found.is_none() {
        println!("{} is not here: skipped", path.display());
    }
    found
}

/// The ends of pieces of a length, from an offset on.
fn every(length: usize, from: usize, bytes: usize) -> Vec<usize> {
    (from..bytes).step_by(length).collect()
}

#[test]
fn every_sequence_of_the_charsets_is_decoded() {
    for (name, encoding) in [("big5", BIG5), ("euc_kr", EUC_KR), ("gb18030", GB18030), ("shift_jis", SHIFT_JIS)] {
        let (Some(bytes), Some(expected)) =
            (suite(&format!("encodings/{name}_in.txt")), suite(&format!("encodings/{name}_in_ref.txt")))
        else {
            continue;
        };
        let expected = String::from_utf8(expected).unwrap();
        let content_type = format!("text/plain; charset={}", encoding.name());
        for cuts in [vec![], every(1, 1, bytes.len()), every(7, 3, bytes.len()), every(4096, 1, bytes.len())] {
            let read = read(&content_type, &bytes, &cuts);
            let mut characters = read.characters(Stream::Text);
            let (mut lines, mut line, mut end) = (0, String::new(), 0);
            for c in expected.chars() {
                let (shown, span) = characters.next().unwrap_or_else(|| panic!("{name}: {line}"));
                assert_eq!(shown, c, "{name}, line {lines}: {line}");
                // A letter and its mark stand at the same place; all else follows.
                assert!(span.start == end || span.end == end, "{name}, line {lines}: {span:?} behind {end}");
                end = span.end.max(end);
                line.push(c);
                if c == '\n' {
                    lines += 1;
                    line.clear();
                }
            }
            assert_eq!((characters.next(), end), (None, bytes.len() as u64), "{name}");
            println!("{name}: {lines} of {lines} lines, {} pieces", cuts.len() + 1);
        }
    }
}

/// The cases of a file: bytes and the label of their charset.
fn cases(file: &[u8]) -> Vec<(Vec<u8>, String)> {
    let find = |bytes: &[u8], what: &str| memchr::memmem::find(bytes, what.as_bytes());
    let mut rest = file;
    let mut cases = Vec::new();
    while let Some(at) = find(rest, "#data\n") {
        rest = &rest[at + 6..];
        let end = find(rest, "\n#encoding\n").unwrap();
        let label = &rest[end + 11..];
        let line = label.iter().position(|&byte| byte == b'\n').unwrap_or(label.len());
        cases.push((rest[..end].to_vec(), String::from_utf8_lossy(&label[..line]).into_owned()));
        rest = &label[line..];
    }
    cases
}

#[test]
fn the_charset_is_found_as_html_says() {
    for file in ["tests1.dat", "tests2.dat", "test-yahoo-jp.dat"] {
        let Some(bytes) = suite(&format!("html5lib/encoding/{file}")) else { continue };
        let cases = cases(&bytes);
        for (body, label) in &cases {
            let expected = Encoding::for_label(label.as_bytes()).unwrap();
            // Where nothing is declared, the suite expects the default; a guess is tested elsewhere.
            let declared = Encoding::for_bom(body)
                .map(|found| found.0)
                .or_else(|| sniff::named(&body[..body.len().min(1024)], Media::Html))
                .or_else(|| sniff::named(body, Media::Html));
            let shown = String::from_utf8_lossy(body);
            assert_eq!(declared.unwrap_or(WINDOWS_1252), expected, "{file}: {shown}");
            let charset = |cuts: &[usize]| charset("text/html", body, cuts);
            let whole = charset(&[]);
            assert!(declared.is_none_or(|declared| declared.name() == whole), "{file}: {whole} for {shown}");
            for cuts in [every(1, 1, body.len()), every(13, 5, body.len()), every(512, 511, body.len())] {
                assert_eq!(charset(&cuts), whole, "{file}: {shown}");
            }
        }
        println!("{file}: {0} of {0}", cases.len());
    }
    if let Some(body) = suite("html5lib/encoding/chardet/test_big5.txt") {
        assert_eq!(charset("text/html", &body, &[]), "Big5");
        assert_eq!(charset("text/html", &body, &every(1, 1, body.len())), "Big5");
        println!("chardet: 1 of 1");
    }
}

/// The charset of a body that comes in pieces.
fn charset(content_type: &str, body: &[u8], cuts: &[usize]) -> &'static str {
    let (media, declared) = super::media_type(Some(content_type.as_bytes()));
    let mut reader = super::Reader::new(media, declared, false);
    let mut sink = super::tests::Collect::default();
    let mut from = 0;
    for &end in cuts.iter().chain([&body.len()]) {
        reader.feed(&body[from..end], &mut sink);
        from = end;
    }
    reader.finish(&mut sink);
    reader.charset()
}

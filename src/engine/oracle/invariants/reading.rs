//! Charsets and markup: cuts do not matter, characters stand where their bytes are, nothing that has
//! been said comes back, and the work is linear.

use encoding_rs::{Encoding, REPLACEMENT};

use super::super::{
    chunks,
    naive::{self, Item, Items},
    pieces::PIECES,
};
use crate::{
    base::ByteSpan,
    engine::text::{Block, Edge, Media, Reader, Sink, Stream},
};

/// Which part of reading a list of bytes is to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Any bytes in any charset.
    Charset,
    /// HTML and XML.
    Markup,
    /// JSON, scripts, event streams.
    Script,
}

/// All encodings of the Encoding Standard that browsers decode, by their labels.
const LABELS: [&str; 42] = [
    "utf-8",
    "gbk",
    "gb18030",
    "big5",
    "euc-jp",
    "iso-2022-jp",
    "shift_jis",
    "euc-kr",
    "utf-16be",
    "utf-16le",
    "x-user-defined",
    "ibm866",
    "iso-8859-2",
    "iso-8859-3",
    "iso-8859-4",
    "iso-8859-5",
    "iso-8859-6",
    "iso-8859-7",
    "iso-8859-8",
    "iso-8859-8-i",
    "iso-8859-10",
    "iso-8859-13",
    "iso-8859-14",
    "iso-8859-15",
    "iso-8859-16",
    "koi8-r",
    "koi8-u",
    "macintosh",
    "windows-874",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "x-mac-cyrillic",
    "gb2312",
    "iso-2022-kr",
    "",
];

/// Takes bytes for the choice of a kind of document, a charset, cuts, and a body.
///
/// # Panics
/// Where something does not hold.
pub fn reading(subject: Subject, bytes: &[u8]) {
    let Some((&[kind, charset, cuts, written], rest)) = bytes.split_first_chunk() else { return };
    let (kind, charset) = (usize::from(kind), usize::from(charset));
    let media = match subject {
        Subject::Charset => [Media::Plain, Media::Plain, Media::Html, Media::Unknown][kind % 4],
        Subject::Markup => [Media::Html, Media::Xml][kind % 2],
        Subject::Script => [Media::Json, Media::Script, Media::EventStream][kind % 3],
    };
    let label = match subject {
        Subject::Charset => LABELS[charset % LABELS.len()],
        Subject::Markup | Subject::Script => ["utf-8", "gbk", "utf-16le", ""][charset % 4],
    };
    // As it is, or each byte a piece of a page.
    let body = if subject == Subject::Charset || written % 2 == 0 {
        rest.to_vec()
    } else {
        rest.iter().map(|&byte| PIECES[usize::from(byte) % PIECES.len()]).collect::<String>().into_bytes()
    };
    let cuts: Vec<usize> = match cuts {
        0..64 => (0..body.len()).collect(),
        64..128 => (0..body.len()).step_by(13).collect(),
        _ => (0..usize::from(cuts) - 127).map(|number| (number + 1) * 2_654_435_761).collect(),
    };
    same_however_cut(media, Encoding::for_label(label.as_bytes()), &body, &cuts);
}

fn same_however_cut(media: Media, declared: Option<&'static Encoding>, body: &[u8], cuts: &[usize]) {
    let (whole, unreadable) = naive::read(media, declared, body);
    assert_places(&whole, body);
    if media == Media::Plain && !unreadable {
        assert_decoded(&whole, declared, body);
    }
    for stream in Stream::ALL {
        let mut alone = Alone { stream, items: Items::default() };
        let mut reader = Reader::new(media, declared, false);
        reader.feed(body, &mut alone);
        reader.finish(&mut alone);
        let same = alone.items.0[stream as usize] == whole.0[stream as usize];
        assert!(same, "{stream:?} depends on who else reads: {:?}\n{whole:?}", alone.items);
    }
    let mut items = Items::default();
    let mut reader = Reader::new(media, declared, false);
    let mut fed = 0;
    for chunk in chunks(body, cuts) {
        let before = items.0.each_ref().map(Vec::len);
        let open = reader.open_from().unwrap_or(fed);
        fed += chunk.len() as u64;
        reader.feed(chunk, &mut items);
        assert_new(&items, before, open, fed);
    }
    let before = items.0.each_ref().map(Vec::len);
    let open = reader.open_from().unwrap_or(fed);
    reader.finish(&mut items);
    assert_new(&items, before, open, fed);
    assert!(items == whole, "the cuts matter: {cuts:?}\n{items:?}\n{whole:?}");
    assert_eq!(reader.unreadable().is_some(), unreadable, "whether it can be read depends on the cuts");
}

/// Characters that come now have not been passed by, and have been read.
fn assert_new(items: &Items, before: [usize; Stream::ALL.len()], open: u64, fed: u64) {
    for (stream, before) in items.0.iter().zip(before) {
        for item in &stream[before..] {
            match *item {
                Item::Character(c, span, seen) => {
                    // A `<` that turns out to be text, a `-` of a comment: they are no part of any phrase.
                    let passed = span.start < open && !c.is_ascii_punctuation();
                    assert!(!passed, "{c:?} at {span:?}, and nothing before {open} was to come");
                    assert!(seen <= fed, "{c:?} seen at {seen} of {fed}");
                }
                Item::Edge(_, seen) => assert!(seen <= fed, "an edge seen at {seen} of {fed}"),
            }
        }
    }
}

/// Places lie within the body, and what had been seen never becomes less. There are not more characters
/// than bytes.
fn assert_places(items: &Items, body: &[u8]) {
    for stream in &items.0 {
        let mut last_seen = 0;
        for item in stream {
            let seen = match *item {
                Item::Edge(_, seen) => seen,
                Item::Character(c, span, seen) => {
                    // Half an escape of ISO-2022-JP is of the character behind it, too, and so is the letter
                    // of the four sequences of Big5 that are a letter and a mark.
                    let shares = matches!(c, '\u{FFFD}' | 'Ê' | 'ê');
                    let stands = span.start < span.end || (shares && span.start == span.end);
                    assert!(stands && span.end <= seen, "{c:?} at {span:?}, seen {seen}");
                    seen
                }
            };
            assert!(last_seen <= seen && seen <= body.len() as u64, "seen {seen} after {last_seen} of {}", body.len());
            last_seen = seen;
        }
        assert!(stream.len() <= 2 * body.len() + 4, "{} items of {} bytes", stream.len(), body.len());
    }
}

/// The characters of a plain text are those that the Encoding Standard says.
fn assert_decoded(items: &Items, declared: Option<&'static Encoding>, body: &[u8]) {
    let Some(encoding) = declared.filter(|&encoding| encoding != REPLACEMENT) else { return };
    // A byte order mark shows nothing, and an escape of ISO-2022-JP is given as something that does not.
    let unseen = |c: &char| !matches!(c, '\u{FEFF}' | '\u{200B}');
    let (expected, _, _) = encoding.decode(body);
    let mut expected: String = expected.chars().filter(unseen).collect();
    let text = items.0[Stream::Text as usize].iter().filter_map(|item| match item {
        Item::Character(c, _, _) => Some(*c),
        Item::Edge(..) => None,
    });
    let mut text: String = text.filter(unseen).collect();
    // Text that is turned round is given in the order of display.
    if expected.contains('\u{202E}') {
        [&mut text, &mut expected].into_iter().for_each(sort);
    }
    assert!(text == expected, "{}: {text:?} for {expected:?}", encoding.name());
}

fn sort(text: &mut String) {
    let mut characters: Vec<char> = text.chars().collect();
    characters.sort_unstable();
    *text = characters.into_iter().collect();
}

/// Reads one stream, and says that it does not want the others.
struct Alone {
    stream: Stream,
    items: Items,
}

impl Sink for Alone {
    fn wants(&self, stream: Stream) -> bool {
        stream == self.stream
    }

    fn run(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize) {
        self.items.run(stream, block, from, to);
    }

    fn character(&mut self, stream: Stream, c: char, span: ByteSpan, seen: u64) {
        self.items.character(stream, c, span, seen);
    }

    fn edge(&mut self, stream: Stream, edge: Edge, seen: u64) {
        self.items.edge(stream, edge, seen);
    }
}

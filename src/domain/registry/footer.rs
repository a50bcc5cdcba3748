//! The footer check (domain.md section 5): the filing number must stand at the bottom of the home page
//! and link to the ministry's site. Nobody is blocked for it.

use super::icp::{PROVINCES, unify};
use crate::base::ByteSpan;
use crate::engine::{
    coding::{DecodeLimits, Decoder, parse_content_encoding},
    text::{Block, Edge, Media, Reader, Sink, Stream, media_type},
};

/// Characters of text that are kept of a page, from its end; white space is none.
const TEXT_CHARACTERS_MAX: usize = 200_000;
/// The bottom of a page: so many of its last characters …
const BOTTOM_CHARACTERS: usize = 1_500;
/// … or the last one in so many, whichever is more.
const BOTTOM_SHARE: usize = 3;
/// Decoded bytes of a home page that are looked at.
const DECODED_LIMITS: DecodeLimits = DecodeLimits { decoded_bytes_max: 8 << 20, ratio_max: 200 };
/// Numbers of one page that are kept.
const NUMBERS_MAX: usize = 20;
/// The ministry's site, and those that it had before.
const MINISTRY_HOSTS: [&str; 4] = ["beian.miit.gov.cn", "miitbeian.gov.cn", "miibeian.gov.cn", "beian.mii.gov.cn"];

/// What the bottom of a home page says of the filing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Footer {
    /// No filing number stands there.
    Missing,
    /// The number that is filed stands there, and the page links to the ministry.
    Ok,
    /// The number that is filed stands there, without a link to the ministry.
    Unlinked,
    /// Other numbers stand there than the one that is filed.
    Wrong,
}

impl Footer {
    /// All answers, alphabetical.
    pub const ALL: [Self; 4] = [Self::Missing, Self::Ok, Self::Unlinked, Self::Wrong];

    /// The word in the metric label `result`, and in the rule `filing.footer-…`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Ok => "ok",
            Self::Unlinked => "unlinked",
            Self::Wrong => "wrong",
        }
    }
}

/// What the bottom of a page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownNumbers {
    /// Filing numbers of websites in their one form, in the order of the page; at most 20.
    pub icp: Vec<String>,
    /// Filing numbers that stand farther up only.
    pub icp_above: Vec<String>,
    /// A number was written without its 号, with spaces or in other characters.
    pub is_repaired: bool,
    /// Whether the page links to the ministry's site.
    pub is_linked: bool,
    /// Digits of the filings with the police (公网安备).
    pub police: Vec<String>,
    /// The visible text of the bottom without white space.
    bottom: String,
}

/// The answer, and what is odd about the page besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FooterCheck {
    /// The answer.
    pub footer: Footer,
    /// What was looked for and what was found, in a sentence.
    pub detail: String,
    /// Worth a look: a police filing with 12 digits, a number without 号.
    pub remarks: Vec<String>,
}

/// Reads the numbers of a home page as it was served: Content-Encoding undone, charset found, markup
/// resolved. `None` if it is not HTML, or cannot be decoded to its end.
pub fn read_numbers(content_type: Option<&[u8]>, content_encoding: Option<&[u8]>, body: &[u8]) -> Option<ShownNumbers> {
    let (media, declared) = media_type(content_type);
    if !matches!(media, Media::Html | Media::Xml | Media::Unknown) {
        return None;
    }
    let codings = parse_content_encoding(content_encoding.unwrap_or_default()).ok()?;
    let mut decoder = Decoder::new(&codings, DECODED_LIMITS);
    let mut reader = Reader::new(media, declared, false);
    let mut page = Page::default();
    decoder.feed(bytes::Bytes::copy_from_slice(body));
    loop {
        match decoder.read().ok()? {
            [] => break,
            piece => reader.feed(piece, &mut page),
        }
    }
    decoder.finish().ok()?;
    reader.finish(&mut page);
    if reader.unreadable().is_some() {
        return None;
    }
    Some(page.shown())
}

/// Whether what a page shows is what the registry says: `filed` is the number in its one form, not
/// empty.
pub fn check_footer(shown: &ShownNumbers, filed: &str) -> FooterCheck {
    let has_number = match subject_and_site(filed) {
        Some(_) => shown.icp.iter().any(|number| is_same(number, filed)),
        // A licence (京ICP证…, 浙B2-…) is looked for as it is written.
        None => shown.bottom.contains(filed),
    };
    let (footer, detail) = match (has_number, shown.is_linked) {
        (true, true) => (Footer::Ok, format!("{filed} stands at the bottom and the ministry is linked")),
        (true, false) => {
            (Footer::Unlinked, format!("{filed} stands at the bottom without a link to beian.miit.gov.cn"))
        }
        (false, _) if !shown.icp.is_empty() => {
            (Footer::Wrong, format!("{filed} is filed, and {} stands at the bottom", shown.icp.join(", ")))
        }
        (false, _) if shown.icp_above.iter().any(|number| is_same(number, filed)) => {
            (Footer::Missing, format!("{filed} stands on the page, but not at its bottom"))
        }
        (false, _) => (Footer::Missing, format!("{filed} is filed, and no number stands at the bottom")),
    };
    let mut remarks = Vec::new();
    if shown.is_repaired {
        remarks.push("a filing number is not written in its one form (spaces, other characters, no 号)".to_owned());
    }
    if has_number && subject_and_site(filed).is_some() && !shown.icp.iter().any(|number| number == filed) {
        remarks.push(format!("the number stands there without the site's own -N, or with one; {filed} is filed"));
    }
    for digits in &shown.police {
        match digits.len() {
            14 => {}
            12 => remarks.push(format!("the police filing {digits} is an old one of 12 digits")),
            count => remarks.push(format!("the police filing {digits} has {count} digits instead of 14")),
        }
    }
    FooterCheck { footer, detail, remarks }
}

/// Whether two filing numbers are of one website: the same subject, and the same `-N` where both have
/// one.
fn is_same(one: &str, other: &str) -> bool {
    match (subject_and_site(one), subject_and_site(other)) {
        (Some((one, one_site)), Some((other, other_site))) => {
            one == other && (one_site.is_empty() || other_site.is_empty() || one_site == other_site)
        }
        (None, _) | (_, None) => false,
    }
}

/// `蜀ICP备12345678号-1` → `蜀ICP备12345678`, `-1`; `None` if it is no such number.
fn subject_and_site(number: &str) -> Option<(&str, &str)> {
    number.contains("ICP备").then(|| number.split_once('号')).flatten()
}

/// What is shown of a page, and whether it links to the ministry.
#[derive(Default)]
struct Page {
    text: Text,
    value: String,
    is_linked: bool,
}

impl Page {
    fn attribute(&mut self, text: &str) {
        // An address is short; what is longer is an image or a script.
        if self.value.len() < 2_048 {
            self.value.push_str(text);
        }
    }

    fn shown(self) -> ShownNumbers {
        let Text { characters, .. } = self.text;
        let bottom_length = BOTTOM_CHARACTERS.max(characters.len() / BOTTOM_SHARE);
        let (above, bottom) = characters.split_at(characters.len().saturating_sub(bottom_length));
        let mut shown = ShownNumbers { is_linked: self.is_linked, ..ShownNumbers::default() };
        for found in find_numbers(bottom) {
            match found {
                Found::Icp { number, is_repaired } => {
                    shown.is_repaired |= is_repaired;
                    add(&mut shown.icp, number);
                }
                Found::Police(digits) => add(&mut shown.police, digits),
            }
        }
        for found in find_numbers(above) {
            if let Found::Icp { number, .. } = found
                && !shown.icp.contains(&number)
            {
                add(&mut shown.icp_above, number);
            }
        }
        shown.bottom = bottom.iter().map(|character| character.unified).collect();
        shown
    }
}

fn add(numbers: &mut Vec<String>, number: String) {
    if numbers.len() < NUMBERS_MAX && !numbers.contains(&number) {
        numbers.push(number);
    }
}

impl Sink for Page {
    fn wants(&self, stream: Stream) -> bool {
        matches!(stream, Stream::Text | Stream::Attribute)
    }

    fn run(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize) {
        let run = block.text.get(from..to).unwrap_or_default();
        match stream {
            Stream::Text => run.chars().for_each(|c| self.text.push(c)),
            Stream::Attribute => self.attribute(run),
            Stream::Hidden | Stream::Script | Stream::Comment => {}
        }
    }

    fn character(&mut self, stream: Stream, c: char, _span: ByteSpan, _seen: u64) {
        match stream {
            Stream::Text => self.text.push(c),
            Stream::Attribute => self.attribute(c.encode_utf8(&mut [0; 4])),
            Stream::Hidden | Stream::Script | Stream::Comment => {}
        }
    }

    fn edge(&mut self, stream: Stream, _edge: Edge, _seen: u64) {
        match stream {
            Stream::Text => self.text.has_gap = true,
            Stream::Attribute => {
                let value = self.value.to_ascii_lowercase();
                self.is_linked |= MINISTRY_HOSTS.iter().any(|host| value.contains(host));
                self.value.clear();
            }
            Stream::Hidden | Stream::Script | Stream::Comment => {}
        }
    }
}

/// A character of the text in its one form.
#[derive(Clone, Copy)]
struct Character {
    unified: char,
    /// It was written so.
    is_plain: bool,
    /// White space or the edge of a block stands before it.
    has_gap: bool,
}

/// The text without white space: the last [`TEXT_CHARACTERS_MAX`], or up to twice as many.
#[derive(Default)]
struct Text {
    characters: Vec<Character>,
    has_gap: bool,
}

impl Text {
    fn push(&mut self, c: char) {
        if c.is_whitespace() {
            self.has_gap = true;
            return;
        }
        // None: it is invisible.
        let Some(unified) = unify(c) else { return };
        if self.characters.len() >= 2 * TEXT_CHARACTERS_MAX {
            self.characters.drain(..TEXT_CHARACTERS_MAX);
        }
        let has_gap = std::mem::take(&mut self.has_gap);
        self.characters.push(Character { unified, is_plain: unified == c, has_gap });
    }
}

enum Found {
    Icp { number: String, is_repaired: bool },
    Police(String),
}

fn find_numbers(text: &[Character]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let number = read_icp(rest).or_else(|| read_police(rest));
        at += 1;
        if let Some((number, length)) = number {
            found.push(number);
            at += length - 1;
        }
    }
    found
}

/// A number at the beginning of a text, and its length. A number of an app or mini-program is none.
fn read_icp(text: &[Character]) -> Option<(Found, usize)> {
    let province = text.first().filter(|first| PROVINCES.contains(first.unified))?;
    let mut at = 1 + read_word(&text[1..], "ICP备")?;
    let digits = read_digits(&text[at..], &[8, 10])?;
    at += digits.len();
    let has_sign = text.get(at).is_some_and(|character| character.unified == '号');
    at += usize::from(has_sign);
    let mut suffix = String::new();
    if text.get(at).is_some_and(|character| character.unified == '-') {
        let site = read_digits(&text[at + 1..], &[1, 2, 3, 4, 5]);
        if let Some(site) = site {
            let behind = at + 1 + site.len();
            let is_app = text.get(behind).is_some_and(|next| matches!(next.unified, 'A' | 'X' | 'K') && !next.has_gap);
            let is_word =
                text.get(behind + 1).is_some_and(|next| next.unified.is_ascii_alphanumeric() && !next.has_gap);
            if is_app && !is_word {
                return None;
            }
            suffix = format!("-{site}");
            at = behind;
        }
    }
    let is_repaired = !has_sign || text[1..at].iter().any(|it| it.has_gap || !it.is_plain) || !province.is_plain;
    Some((Found::Icp { number: format!("{}ICP备{digits}号{suffix}", province.unified), is_repaired }, at))
}

/// `川公网安备51010402000123号`: the digits.
fn read_police(text: &[Character]) -> Option<(Found, usize)> {
    let mut at = read_word(text, "公网安备")?;
    let digits: String = text[at..].iter().map(|it| it.unified).take_while(char::is_ascii_digit).take(20).collect();
    at += digits.len();
    (!digits.is_empty()).then_some((Found::Police(digits), at))
}

/// The length of a word at the beginning of a text, in characters.
fn read_word(text: &[Character], word: &str) -> Option<usize> {
    let mut length = 0;
    for c in word.chars() {
        if text.get(length)?.unified != c {
            return None;
        }
        length += 1;
    }
    Some(length)
}

/// Digits at the beginning of a text, in one of these numbers. White space may stand among them; but
/// where it does, a number that is complete ends there: a year may follow.
fn read_digits(text: &[Character], lengths: &[usize]) -> Option<String> {
    let mut digits = String::new();
    for character in text {
        if !character.unified.is_ascii_digit() || character.has_gap && lengths.contains(&digits.len()) {
            break;
        }
        digits.push(character.unified);
    }
    lengths.contains(&digits.len()).then_some(digits)
}

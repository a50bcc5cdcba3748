//! Rules, a document and the places where it is cut, out of a few bytes.
//!
//! Every list of bytes is a case, and most small changes to the bytes are small changes to the case:
//! so a fuzzer finds its way, and a failing case shrinks to one that can be read.

use std::{fmt, io::Write, sync::Arc};

use encoding_rs::Encoding;

use super::pieces::{CHARSETS, PIECES, REGEXES, SYMBOLS, SYMBOLS_FIRST, TYPES};
use crate::{
    base::Date,
    engine::{
        body_filter::{BodyHead, ScanPolicy},
        rules::{Lists, Pack, PackSource, RuleSet, parse},
    },
};

/// Rules, a document, and how it comes.
pub struct Case {
    /// The packs' TOML texts.
    pub packs: Vec<String>,
    /// As the head of the response says it.
    pub content_type: String,
    /// As the head of the response says it.
    pub content_encoding: &'static str,
    /// The document, before its Content-Encoding.
    pub body: Vec<u8>,
    /// Where the body is cut, modulo its length.
    pub cuts: Vec<usize>,
    /// Bytes that are held, for a second run.
    pub hold_bytes: usize,
    /// Bytes that are scanned at most.
    pub decoded_bytes_max: u64,
}

/// There are no word lists.
pub struct NoLists;

/// The day on which the rules of a case are in force.
pub(super) const TODAY: Date = Date { year: 2026, month: 11, day: 21 };

/// Takes a list of bytes for a list of choices; when it is used up, everything is the first choice.
struct Choices<'b>(std::slice::Iter<'b, u8>);

impl Choices<'_> {
    fn byte(&mut self) -> usize {
        self.0.next().copied().unwrap_or(0).into()
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.byte() % of.len()]
    }
}

impl Case {
    /// A case: `how` chooses what the head says and how the body comes, `rules` what is looked for,
    /// `page` what is written.
    pub fn new(how: &[u8], rules: &[u8], page: &[u8]) -> Self {
        let mut how = Choices(how.iter());
        let mut choices = Choices(rules.iter());
        let mut phrases = Vec::new();
        let packs = (0..1 + choices.byte() % 2).map(|number| pack(&mut choices, number, &mut phrases)).collect();
        let charset = how.one(&CHARSETS);
        let essence = how.one(&TYPES);
        let content_type =
            if charset.is_empty() { essence.to_owned() } else { format!("{essence}; charset={charset}") };
        let text: String = page.iter().map(|&byte| piece(byte, &phrases)).collect();
        let body = encode(&text, charset);
        let content_encoding = how.one(&["", "", "gzip", "deflate", "zstd", "zstd, gzip"]);
        let hold_bytes = how.one(&[0, 1, 13, 60]);
        let decoded_bytes_max = how.one(&[1 << 20, 1 << 20, 1 << 20, 100]);
        let cuts = match how.byte() % 4 {
            0 => how.0.map(|&cut| cut.into()).collect(),
            1 => (0..body.len() * 2).collect(),
            2 => (0..body.len() * 2).step_by(13).collect(),
            _ => (0..body.len() * 2).step_by(7).collect(),
        };
        Self { packs, content_type, content_encoding, body, cuts, hold_bytes, decoded_bytes_max }
    }

    /// The packs, read.
    ///
    /// # Panics
    /// If there is something wrong with them: cases are made so that there is not.
    pub fn parsed(&self) -> Vec<Pack> {
        let source =
            |(number, text): (usize, &String)| PackSource { path: format!("{number}.toml"), text: text.clone() };
        let sources: Vec<PackSource> = self.packs.iter().enumerate().map(source).collect();
        let parsed = parse(&sources, &NoLists);
        assert!(parsed.packs.len() == self.packs.len(), "{:?}\n{self:?}", parsed.problems);
        parsed.packs
    }

    /// The rules, compiled.
    ///
    /// # Panics
    /// See [`Case::parsed`].
    pub fn rules(&self) -> Arc<RuleSet> {
        match RuleSet::compile(&self.parsed(), TODAY) {
            Ok(rules) => Arc::new(rules),
            Err(problems) => panic!("{problems:?}\n{self:?}"),
        }
    }

    /// What the head of the response says.
    pub fn head(&self) -> BodyHead<'_> {
        BodyHead {
            content_type: Some(self.content_type.as_bytes()),
            content_encoding: Some(self.content_encoding.as_bytes()),
        }
    }

    /// The operator's wishes, but for how much is held.
    pub fn policy(&self, hold_bytes: usize) -> ScanPolicy {
        let mut policy = ScanPolicy { hold_bytes, ..ScanPolicy::default() };
        policy.decode.decoded_bytes_max = self.decoded_bytes_max;
        policy.decode.ratio_max = u32::MAX;
        policy
    }

    /// The body as it is sent: in its Content-Encoding.
    pub fn coded(&self) -> Vec<u8> {
        let codings = self.content_encoding.split(", ").filter(|coding| !coding.is_empty());
        codings.fold(self.body.clone(), |body, coding| code(&body, coding))
    }
}

impl Lists for NoLists {
    fn read(&self, name: &str) -> Result<String, String> {
        Err(format!("no list {name}"))
    }
}

/// The readable half: what is looked for, and where.
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for pack in &self.packs {
            writeln!(f, "{pack}")?;
        }
        let shown = match Encoding::for_label(self.content_type.rsplit('=').next().unwrap_or_default().as_bytes()) {
            Some(encoding) => encoding.decode(&self.body).0,
            None => String::from_utf8_lossy(&self.body),
        };
        writeln!(f, "Content-Type: {}, Content-Encoding: {}", self.content_type, self.content_encoding)?;
        writeln!(f, "hold {}, max {}, cuts {:?}", self.hold_bytes, self.decoded_bytes_max, self.cuts)?;
        writeln!(f, "{} bytes: {shown:?}", self.body.len())
    }
}

fn pack(choices: &mut Choices<'_>, number: usize, phrases: &mut Vec<String>) -> String {
    let action = choices.one(&["block", "mask", "mask", "observe"]);
    let threshold = choices.one(&[100, 50, 150]);
    let rules: String = (0..1 + choices.byte() % 3).map(|rule| self::rule(choices, number, rule, phrases)).collect();
    format!(
        "[pack]\nid = \"p{number}\"\ntitle = \"t\"\nclause = \"7.9\"\nclass = \"other\"\naction = \"{action}\"\n\
         threshold = {threshold}\n{rules}"
    )
}

fn rule(choices: &mut Choices<'_>, pack: usize, number: usize, phrases: &mut Vec<String>) -> String {
    let mut list = |choices: &mut Choices<'_>, key: &str, count: usize| match count {
        0 => String::new(),
        _ => {
            let quoted: Vec<String> = (0..count).map(|_| format!("\"{}\"", phrase(choices, phrases))).collect();
            format!("{key} = [{}]\n", quoted.join(", "))
        }
    };
    let any = 1 + choices.byte() % 3;
    let any = list(choices, "any", any);
    let all = choices.one(&[0, 0, 0, 1, 2]);
    let all = list(choices, "all", all);
    let none = choices.one(&[0, 0, 0, 1, 2]);
    let none = list(choices, "none", none);
    let near = choices.one(&["", "", "near = 0\n", "near = 1\n", "near = 3\n", "near = 8\n"]);
    let gap = choices.one(&["", "gap = 0\n", "gap = 1\n", "gap = 5\n"]);
    let weight = choices.one(&["", "", "weight = 50\n", "weight = -50\n"]);
    let lanes = choices.one(&[
        "",
        "",
        "lanes = [\"text\", \"attribute\", \"script\", \"comment\"]\n",
        "lanes = [\"text\"]\n",
        "lanes = [\"script\", \"comment\"]\n",
        "lanes = [\"attribute\"]\n",
    ]);
    let mode = choices.one(&["", "", "", "mode = \"shadow\"\n", "mode = \"off\"\n", "expires = 2020-01-01\n"]);
    let regex = match choices.byte() % 16 {
        some if some < REGEXES.len() && all.is_empty() => format!("regex = {:?}\n", REGEXES[some]),
        _ => String::new(),
    };
    // All zero bytes shall be the simplest rule.
    let regex = if choices.byte() == 0 { String::new() } else { regex };
    format!("[[rule]]\nid = \"p{pack}.r{number}\"\n{any}{all}{none}{near}{gap}{weight}{lanes}{mode}{regex}")
}

fn phrase(choices: &mut Choices<'_>, phrases: &mut Vec<String>) -> String {
    let mut phrase = choices.one(&SYMBOLS[..SYMBOLS_FIRST]).to_owned();
    let more = choices.one(&[1, 0, 2, 3]);
    phrase.extend((0..more).map(|_| choices.one(&SYMBOLS)));
    phrases.push(phrase.clone());
    phrase
}

fn piece(byte: u8, phrases: &[String]) -> String {
    match usize::from(byte) {
        at if at < PIECES.len() => PIECES[at].to_owned(),
        // Four bytes in ten are a phrase of the rules, or one of the first pieces.
        at if at % 2 == 0 => phrases[at / 2 % phrases.len()].clone(),
        at => PIECES[at / 2 % 16].to_owned(),
    }
}

fn encode(text: &str, charset: &str) -> Vec<u8> {
    match charset {
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        _ => match Encoding::for_label(charset.as_bytes()) {
            // What a charset lacks becomes a character reference.
            Some(encoding) => encoding.encode(text).0.into_owned(),
            None => text.as_bytes().to_vec(),
        },
    }
}

fn code(body: &[u8], coding: &str) -> Vec<u8> {
    let level = flate2::Compression::default();
    let coded = match coding {
        "gzip" => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), level);
            writer.write_all(body).and_then(|()| writer.finish())
        }
        "deflate" => {
            let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), level);
            writer.write_all(body).and_then(|()| writer.finish())
        }
        _ => zstd::stream::encode_all(body, 3),
    };
    // Writing into memory does not fail.
    coded.unwrap_or_default()
}

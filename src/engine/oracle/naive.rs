//! A whole document, read at once: every phrase is tried at every place.

use std::collections::HashSet;

use encoding_rs::Encoding;

use super::tally::{self, Verdict};
use crate::{
    base::{ByteSpan, Date},
    engine::{
        rules::{Lane, Pack, Rule},
        text::{
            Block, Edge, Media, Reader, Sink, Stream,
            fold::{Folded, Folding, Token},
        },
    },
};

/// An ideograph may stand so many times more in the text than in the phrase, inside of it.
const REPEATS_MAX: usize = 7;

/// What a reader gave to one stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item {
    /// A character, the bytes it was written with, and how far the body had been read.
    Character(char, ByteSpan, u64),
    /// Something ends.
    Edge(Edge, u64),
}

/// All that a reader gives, stream by stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Items(pub [Vec<Item>; Stream::ALL.len()]);

/// One stream of a document, folded.
#[derive(Debug, Default)]
pub struct Text {
    /// The characters that have a number, by number: white space in a row has one, what is not shown
    /// has none.
    pub shown: Vec<char>,
    /// Its ideographs and words.
    pub tokens: Vec<Place>,
}

/// A token at its place.
#[derive(Debug)]
pub struct Place {
    token: Token,
    /// The bytes of each of its characters.
    letters: Vec<ByteSpan>,
    /// The body had been read up to here when it was certain.
    seen: u64,
    /// Numbers of its first character and of the one behind its last.
    characters: (u32, u32),
    /// Noise before it; `None` if nothing bridges what is before it.
    gap: Option<u32>,
}

/// A phrase of a rule at a place. Their order is that in which a reader of the body knows them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// The body had been read up to here when it was certain.
    pub seen: u64,
    /// Where it was read.
    pub stream: Stream,
    /// Number of the character behind its last.
    pub character_end: u32,
    /// Number of its first character.
    pub character: u32,
    /// From its first byte to its last.
    pub span: ByteSpan,
    /// Number of the rule's phrase: those of `any`, then of `all`, then of `none`.
    pub phrase: usize,
    /// The bytes of its characters.
    pub letters: Vec<ByteSpan>,
}

/// Judges a decoded body that is held whole.
pub fn judge(
    folding: &Folding,
    packs: &[Pack],
    (media, declared): (Media, Option<&'static Encoding>),
    body: &[u8],
    today: Date,
) -> Verdict {
    let (items, unreadable) = read(media, declared, body);
    if unreadable {
        return Verdict::default();
    }
    let words = words(folding, packs, today);
    let texts = items.0.map(|items| text(&items, folding, &words));
    let occurrences = |rule: &Rule| -> Vec<Occurrence> {
        let mut found = Vec::new();
        for stream in Stream::ALL.into_iter().filter(|&stream| reads(rule, stream, media == Media::Json)) {
            for (number, phrase) in [&rule.any, &rule.all, &rule.none].into_iter().flatten().enumerate() {
                let tokens = folding.phrase(&phrase.text);
                let places = find(&tokens, u32::from(rule.gap), &texts[stream as usize].tokens);
                found.extend(places.map(|place| occurrence(place, stream, number)));
            }
        }
        found.sort();
        found
    };
    tally::tally(folding, packs, today, &occurrences, &texts)
}

/// All words of the phrases that are looked for.
fn words(folding: &Folding, packs: &[Pack], today: Date) -> HashSet<Token> {
    let rules = packs.iter().flat_map(|pack| &pack.rules).filter(|rule| rule.is_in_force(today));
    let phrases = rules.flat_map(|rule| [&rule.any, &rule.all, &rule.none].into_iter().flatten());
    let tokens = phrases.flat_map(|phrase| folding.phrase(&phrase.text));
    tokens.filter(|token| matches!(token, Token::Word(_))).collect()
}

/// What a word stands for that is none, with a letter three times in a row or oftener: the one with
/// two of them, or else the one with one, if that is known.
fn plain_word(word: &str, known: &HashSet<Token>) -> Option<Token> {
    let with = |kept: usize| {
        let mut plain = String::new();
        let mut rest = word;
        while let Some(letter) = rest.chars().next() {
            let behind = rest.trim_start_matches(letter);
            let row = rest[..rest.len() - behind.len()].chars().count();
            let drawn_out = row >= 3 && letter.is_alphabetic();
            (0..if drawn_out { kept } else { row }).for_each(|_| plain.push(letter));
            rest = behind;
        }
        plain
    };
    let mut plain = [with(2), with(1)].into_iter().filter(|plain| plain.chars().count() >= 3);
    plain.find_map(|plain| known.get(&Token::Word(plain.into())).cloned())
}

/// Whether a rule looks at a stream. The strings of a JSON document become the text of some page.
fn reads(rule: &Rule, stream: Stream, json: bool) -> bool {
    rule.lanes.contains(stream.lane()) || (json && stream == Stream::Script && rule.lanes.contains(Lane::Text))
}

/// Everything that a reader gives of a body; whether it says that it cannot be read.
pub fn read(media: Media, declared: Option<&'static Encoding>, body: &[u8]) -> (Items, bool) {
    let mut items = Items::default();
    let mut reader = Reader::new(media, declared, false);
    reader.feed(body, &mut items);
    reader.finish(&mut items);
    (items, reader.unreadable().is_some())
}

impl Sink for Items {
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
        self.0[stream as usize].push(Item::Character(c, span, seen));
    }

    fn edge(&mut self, stream: Stream, edge: Edge, seen: u64) {
        self.0[stream as usize].push(Item::Edge(edge, seen));
    }
}

/// Folds a stream: what does not show goes, runs of white space become one space, letters become
/// words, and what is neither letter nor ideograph becomes the width of a gap.
fn text(items: &[Item], folding: &Folding, known: &HashSet<Token>) -> Text {
    let mut text = Text::default();
    let mut word_is_open = false;
    let mut behind_space = false;
    let mut before = '\0';
    let mut gap = Some(0);
    for item in items {
        let (c, span, seen) = match *item {
            Item::Character(c, span, seen) => (c, span, seen),
            Item::Edge(edge, seen) => {
                end_word(&mut text.tokens, &mut word_is_open, seen);
                if edge == Edge::Hard {
                    gap = None;
                }
                continue;
            }
        };
        let mut parts: Vec<Folded> = folding.fold(c).filter(|part| *part != Folded::Free).collect();
        let character = text.shown.len() as u32;
        if has_number(before, c, parts.is_empty()) {
            text.shown.push(c);
        }
        before = c;
        let is_noise = parts.iter().all(|part| matches!(part, Folded::Noise | Folded::Space));
        let is_space = parts.contains(&Folded::Space) && !parts.contains(&Folded::Noise);
        if is_noise && !parts.is_empty() {
            end_word(&mut text.tokens, &mut word_is_open, seen);
            // White space in a row is as wide as one.
            let width = u32::from(!(is_space && behind_space));
            gap = gap.map(|gap| gap + width);
            behind_space = is_space;
            continue;
        }
        // Noise within a character is none: the letters of ⒞⒜ are one word.
        parts.retain(|part| matches!(part, Folded::Letter(_) | Folded::Ideograph(_)));
        for part in parts {
            behind_space = false;
            let token = match part {
                Folded::Letter(letter) => {
                    if word_is_open && let Some(Place { token: Token::Word(word), .. }) = text.tokens.last_mut() {
                        *word = format!("{word}{letter}").into();
                        None
                    } else {
                        word_is_open = true;
                        Some(Token::Word(letter.to_string().into()))
                    }
                }
                Folded::Ideograph(c) => {
                    end_word(&mut text.tokens, &mut word_is_open, seen);
                    Some(Token::Ideograph(c))
                }
                Folded::Free | Folded::Noise | Folded::Space => continue,
            };
            if let Some(token) = token {
                text.tokens.push(Place { token, letters: Vec::new(), seen, characters: (character, 0), gap });
                gap = Some(0);
            }
            if let Some(place) = text.tokens.last_mut() {
                place.letters.push(span);
                place.characters.1 = character + 1;
            }
        }
    }
    for place in &mut text.tokens {
        if let Token::Word(word) = &place.token
            && !known.contains(&place.token)
            && let Some(plain) = plain_word(word, known)
        {
            place.token = plain;
        }
    }
    text
}

/// Whether a character has a number of its own in its stream.
fn has_number(before: char, c: char, is_free: bool) -> bool {
    let is_space = |c: char| c <= ' ' && c.is_ascii_whitespace() || c == '\u{b}';
    if is_space(c) { !is_space(before) } else { !is_free }
}

/// A word is certain when it is known what ends it.
fn end_word(tokens: &mut [Place], word_is_open: &mut bool, seen: u64) {
    if std::mem::take(word_is_open)
        && let Some(word) = tokens.last_mut()
    {
        word.seen = seen;
    }
}

/// All places of a phrase in a text.
fn find<'t>(phrase: &'t [Token], gap_max: u32, text: &'t [Place]) -> impl Iterator<Item = &'t [Place]> {
    (0..text.len()).filter_map(move |first| {
        let length = match_length(phrase, &text[first..])?;
        let found = &text[first..first + length];
        let bridged = found.windows(2).all(|pair| gap(&pair[0], &pair[1]).is_some_and(|gap| gap <= gap_max));
        bridged.then_some(found)
    })
}

/// How many tokens at the beginning of a text are a phrase, if they are one. Where the same ideograph
/// stands again and again, it stands for a shorter row of itself in the phrase; at both ends of the
/// phrase no more of them are taken than it has.
fn match_length(phrase: &[Token], text: &[Place]) -> Option<usize> {
    let rows: Vec<&[Token]> =
        phrase.chunk_by(|one, other| one == other && matches!(one, Token::Ideograph(_))).collect();
    let mut length = 0;
    for (number, row) in rows.iter().enumerate() {
        let alike = text[length..].iter().take_while(|place| place.token == row[0]).count();
        if alike < row.len() {
            return None;
        }
        let inside = number > 0 && number + 1 < rows.len() && matches!(row[0], Token::Ideograph(_));
        length += if inside { alike.min(row.len() + REPEATS_MAX) } else { row.len() };
    }
    Some(length)
}

/// The noise between two neighbours as it counts: between two words one character of it is what
/// makes them two.
fn gap(left: &Place, right: &Place) -> Option<u32> {
    let words = matches!((&left.token, &right.token), (Token::Word(_), Token::Word(_)));
    right.gap.map(|gap| if words { gap.saturating_sub(u32::from(gap == 1)) } else { gap })
}

fn occurrence(found: &[Place], stream: Stream, phrase: usize) -> Occurrence {
    let (first, last) = (&found[0], &found[found.len() - 1]);
    // What is displayed from right to left is not in the order of the bytes.
    let letters: Vec<ByteSpan> = found.iter().flat_map(|place| place.letters.iter().copied()).collect();
    let start = letters.iter().map(|span| span.start).min().unwrap_or(0);
    let end = letters.iter().map(|span| span.end).max().unwrap_or(0);
    Occurrence {
        seen: last.seen,
        stream,
        character_end: last.characters.1,
        character: first.characters.0,
        span: ByteSpan { start, end },
        phrase,
        letters,
    }
}

//! A whole document, read at once: every phrase is tried at every place.

use std::sync::Arc;

use encoding_rs::Encoding;

use super::tally;
use crate::{
    base::{ByteSpan, Date},
    engine::{
        rules::{Action, Mode, Pack, Rule},
        text::{
            Block, Edge, Media, Reader, Sink, Stream,
            fold::{Folded, Folding, Token},
        },
    },
};

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
    /// Its characters as an excerpt shows them, each with how far the body had been read.
    pub shown: Vec<(char, u64)>,
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
    /// Indices of its first character and behind its last.
    characters: (u32, u32),
    /// Noise before it; `None` if nothing bridges what is before it.
    gap: Option<u32>,
}

/// A phrase of a rule at a place. Their order is that in which a reader of the body knows them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// The body had been read up to here when it was certain.
    pub seen: u64,
    /// From its first byte to its last.
    pub span: ByteSpan,
    /// Where it was read.
    pub stream: Stream,
    /// Number of the folded phrase among all.
    pub pattern: usize,
    /// Indices of its first character and behind its last.
    pub characters: (u32, u32),
    /// Number of the rule's phrase: those of `any`, then of `all`, then of `none`.
    pub phrase: usize,
    /// The bytes of its characters.
    pub letters: Vec<ByteSpan>,
}

/// What a whole document amounts to.
#[derive(Debug, Default, PartialEq)]
pub struct Verdict {
    /// Rule, phrase, place and excerpt, in order of place.
    pub findings: Vec<(Arc<str>, Arc<str>, ByteSpan, Stream, String)>,
    /// Category, score, and what follows.
    pub categories: Vec<(Arc<str>, i32, Option<Action>)>,
    /// The strongest action of all.
    pub action: Option<Action>,
    /// What is to be masked, if nothing worse follows.
    pub masks: Vec<ByteSpan>,
    /// The body cannot be read.
    pub unreadable: bool,
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
        return Verdict { unreadable, ..Verdict::default() };
    }
    let texts = items.0.map(|items| text(&items, folding));
    let in_force = |rule: &&Rule| rule.mode != Mode::Off && rule.expires.is_none_or(|last| last >= today);
    let patterns: Vec<Vec<Token>> = packs
        .iter()
        .flat_map(|pack| pack.rules.iter().filter(in_force))
        .flat_map(|rule| [&rule.any, &rule.all, &rule.none].into_iter().flatten())
        .map(|phrase| folding.phrase(&phrase.text))
        .collect();
    let occurrences = |rule: &Rule| -> Vec<Occurrence> {
        let phrases = [&rule.any, &rule.all, &rule.none].into_iter().flatten().enumerate();
        let found = phrases.flat_map(|(number, phrase)| {
            let tokens = folding.phrase(&phrase.text);
            let pattern = patterns.iter().position(|known| *known == tokens).unwrap_or(usize::MAX);
            let reads = |stream: &Stream| tally::reads(rule, *stream, media == Media::Json);
            Stream::ALL
                .into_iter()
                .filter(reads)
                .flat_map(|stream| {
                    find(&tokens, u32::from(rule.gap), &texts[stream as usize].tokens)
                        .map(move |found| occurrence(found, stream, pattern, number))
                        .collect::<Vec<_>>()
                })
                .collect::<Vec<_>>()
        });
        let mut found: Vec<Occurrence> = found.collect();
        found.sort();
        found
    };
    tally::tally(packs, &in_force, &occurrences, &texts, body.len() as u64)
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
fn text(items: &[Item], folding: &Folding) -> Text {
    let mut text = Text::default();
    let mut word_is_open = false;
    let mut behind_space = false;
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
        let parts: Vec<Folded> = folding.fold(c).filter(|part| *part != Folded::Free).collect();
        let is_space = parts == [Folded::Space];
        if parts.is_empty() || (is_space && behind_space) {
            continue;
        }
        let character = text.shown.len() as u32;
        for part in parts {
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
                Folded::Free | Folded::Noise | Folded::Space => {
                    end_word(&mut text.tokens, &mut word_is_open, seen);
                    gap = gap.map(|gap| gap + 1);
                    continue;
                }
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
        text.shown.push((if is_space { ' ' } else { c }, seen));
        behind_space = is_space;
    }
    text
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
    let rows: Vec<&[Token]> = phrase.chunk_by(|one, other| one == other && false).collect();
    let mut length = 0;
    for (number, row) in rows.iter().enumerate() {
        let alike = text[length..].iter().take_while(|place| place.token == row[0]).count();
        if alike < row.len() {
            return None;
        }
        let inside = false && number > 0 && number + 1 < rows.len() && matches!(row[0], Token::Ideograph(_));
        length += if inside { alike } else { row.len() };
    }
    Some(length)
}

/// The noise between two neighbours as it counts: between two words one character of it is what
/// makes them two.
fn gap(left: &Place, right: &Place) -> Option<u32> {
    let words = matches!((&left.token, &right.token), (Token::Word(_), Token::Word(_)));
    right.gap.map(|gap| if words { gap.saturating_sub(u32::from(gap == 1)) } else { gap })
}

fn occurrence(found: &[Place], stream: Stream, pattern: usize, phrase: usize) -> Occurrence {
    let (first, last) = (&found[0], &found[found.len() - 1]);
    Occurrence {
        seen: last.seen,
        span: ByteSpan { start: first.letters[0].start, end: last.letters[last.letters.len() - 1].end },
        stream,
        pattern,
        characters: (first.characters.0, last.characters.1),
        phrase,
        letters: found.iter().flat_map(|place| place.letters.iter().copied()).collect(),
    }
}

//! One lane of a document: its text, its tokens, and the phrases found in them.

use std::ops::RangeInclusive;

use super::{lane_text::LaneText, layer::Layer, pattern_set::PatternSet, tokens::Tokens, verify};
use crate::{
    base::ByteSpan,
    engine::text::{Block, Edge},
};

/// A phrase at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The pattern, as [`PatternSetBuilder::add`](super::PatternSetBuilder::add) numbered it.
    pub pattern: u32,
    /// The widest noise inside it, in characters.
    pub gap: u8,
    /// The body had been read up to here when it was certain.
    pub seen: u64,
    /// Where it stands in the decoded body.
    pub span: ByteSpan,
    /// Index of its first character in the lane.
    pub character: u32,
    /// Index behind its last character.
    pub character_end: u32,
    /// What it consists of, until the lane forgets.
    pub tokens: FoundTokens,
}

/// The tokens of a found phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FoundTokens {
    layer: u8,
    first: u32,
    last: u32,
}

/// Takes the characters of one lane, chunk by chunk, and finds phrases in them.
#[derive(Debug, Default)]
pub struct LaneStream {
    text: LaneText,
    /// One a layer.
    tokens: Vec<Tokens>,
}

impl LaneStream {
    /// Takes characters that stand for themselves.
    #[inline]
    pub fn run(&mut self, block: &Block<'_>, from: usize, to: usize) {
        self.text.run(block, from, to);
    }

    /// Takes characters that stand for themselves, and nothing goes on behind them: the body has been
    /// read up to `seen`.
    #[inline]
    pub fn alone(&mut self, block: &Block<'_>, from: usize, to: usize, seen: u64) {
        self.text.alone(block, from, to, seen);
    }

    /// The same, of characters that are only known to be text when the body has been read up to `seen`.
    pub fn run_later(&mut self, block: &Block<'_>, from: usize, to: usize, seen: u64) {
        self.text.run_later(block, from, to, seen);
    }

    /// Takes one character that stands at `span`; the body has been read up to `seen`.
    #[inline]
    pub fn character(&mut self, c: char, span: ByteSpan, seen: u64) {
        self.text.character(c, span, seen);
    }

    /// The markup says that something ends here.
    #[inline]
    pub fn edge(&mut self, edge: Edge, seen: u64) {
        self.text.edge(edge, seen);
    }

    /// Begins afresh, in the same buffers.
    pub fn restart(&mut self) {
        self.text.restart();
        self.tokens.iter_mut().for_each(Tokens::restart);
    }

    /// Scans what came since the last call. Call [`LaneStream::forget`] when the findings have been used.
    pub fn scan(&mut self, set: &PatternSet, mut found: impl FnMut(Found)) {
        if self.text.is_empty() {
            return;
        }
        self.tokens.resize_with(set.layers().len(), Tokens::default);
        for (number, (layer, tokens)) in set.layers().iter().zip(&mut self.tokens).enumerate() {
            tokens.read(layer, &mut self.text);
            let text = &self.text;
            verify::scan(layer, tokens, text, |tokens, matched| {
                let (from, to) = (tokens.at(matched.first), tokens.end(layer, text, matched.last));
                found(Found {
                    pattern: layer.patterns[matched.phrase as usize].number,
                    gap: matched.gap,
                    seen: tokens.seen(layer, text, matched.last),
                    span: spanned(layer, text, tokens, matched.first..=matched.last),
                    character: text.count(from),
                    character_end: text.count(to),
                    tokens: FoundTokens { layer: number as u8, first: matched.first as u32, last: matched.last as u32 },
                });
            });
        }
    }

    /// Drops what no later match can need.
    pub fn forget(&mut self, set: &PatternSet) {
        let gone = self.text.drop_old();
        for (layer, tokens) in set.layers().iter().zip(&mut self.tokens) {
            tokens.forget(layer, gone);
        }
    }

    /// Drops what no later match can need, and gives back the room: nothing comes for a while. Call it after
    /// [`LaneStream::forget`] only.
    pub fn give_back(&mut self, set: &PatternSet) {
        let gone = self.text.give_back();
        for (layer, tokens) in set.layers().iter().zip(&mut self.tokens) {
            tokens.forget(layer, gone);
            tokens.give_back();
        }
    }

    /// The exact places of the characters that a phrase consists of, without the noise between them.
    pub fn pieces(&self, set: &PatternSet, tokens: FoundTokens) -> Vec<ByteSpan> {
        let (Some(layer), Some(of_layer)) =
            (set.layers().get(usize::from(tokens.layer)), self.tokens.get(usize::from(tokens.layer)))
        else {
            return Vec::new();
        };
        let mut pieces: Vec<ByteSpan> = Vec::new();
        for token in tokens.first as usize..=tokens.last as usize {
            let end = of_layer.end(layer, &self.text, token);
            let mut at = of_layer.at(token);
            let of_token = pieces.len();
            while at < end
                && let Some((c, next)) = self.text.character_at(at)
            {
                if !layer.is_free(c) {
                    let span = self.text.span(at, next);
                    match pieces[of_token..].last_mut() {
                        Some(last) if last.start <= span.start && last.end >= span.start => {
                            last.end = last.end.max(span.end);
                        }
                        _ => pieces.push(span),
                    }
                }
                at = next;
            }
        }
        pieces
    }

    /// Offset of the first byte that may still become part of a match with what follows. Call it
    /// behind [`LaneStream::scan`].
    pub fn open_from(&mut self, set: &PatternSet) -> Option<u64> {
        let text = &self.text;
        let open = set.layers().iter().zip(&mut self.tokens).filter_map(|(layer, tokens)| {
            let at = tokens.open_from(layer, text)?;
            text.start_of_rest(at)
        });
        open.min()
    }

    /// How often a character was looked at again, or compared with a phrase.
    #[cfg(any(test, feature = "oracle"))]
    pub fn work(&self) -> u64 {
        self.text.work.get() + self.tokens.iter().map(|tokens| tokens.compared.get()).sum::<u64>()
    }

    /// Number of characters so far.
    pub fn characters(&self) -> u32 {
        self.text.characters()
    }

    /// What the body had been read up to when the lane first went beyond a character; `None` if it
    /// has not yet.
    pub fn seen_beyond(&self, character: u32) -> Option<u64> {
        self.text.seen_of(character.checked_add(1)?)
    }

    /// The characters from `from` to `to` (indices in the lane) that had been read at `seen`, as far
    /// as they are kept.
    pub fn characters_between(&self, from: u32, to: u32, seen: u64) -> String {
        self.text.excerpt(from, to, seen)
    }
}

/// Where tokens stand, from the first byte to the last: text that is displayed from right to left was
/// written the other way.
fn spanned(layer: &Layer, text: &LaneText, tokens: &Tokens, which: RangeInclusive<usize>) -> ByteSpan {
    let place = |token| {
        let (at, end) = (tokens.at(token), tokens.end(layer, text, token));
        let first = text.character_at(at).map_or(ByteSpan::default(), |(_, next)| text.span(at, next));
        let last = last_character(layer, text, at, end);
        ByteSpan { start: first.start.min(last.start), end: first.end.max(last.end) }
    };
    let (first, last) = (place(*which.start()), place(*which.end()));
    if !text.turned {
        return ByteSpan { start: first.start, end: last.end };
    }
    which
        .map(place)
        .reduce(|one, other| ByteSpan { start: one.start.min(other.start), end: one.end.max(other.end) })
        .unwrap_or_default()
}

/// Where the last character before `to` stands, of those from `at` on.
fn last_character(layer: &Layer, text: &LaneText, mut at: u32, to: u32) -> ByteSpan {
    let mut span = ByteSpan::default();
    while at < to
        && let Some((c, next)) = text.character_at(at)
    {
        if !layer.is_free(c) {
            span = text.span(at, next);
        }
        at = next;
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{
        matcher::PatternSetBuilder,
        text::fold::{Folding, Reading},
    };

    fn found(phrase: &str, text: &str) -> Vec<(u64, u64)> {
        let folding = Folding::new(Reading::Looks);
        let mut builder = PatternSetBuilder::new(&folding);
        builder.add(Reading::Looks, phrase, 3).unwrap();
        let set = builder.build();
        let mut lane = LaneStream::default();
        lane.run(&Block::new(text, 0, None), 0, text.len());
        let mut found = Vec::new();
        lane.scan(&set, |one| found.push((one.span.start, one.span.end)));
        found
    }

    #[test]
    fn characters_in_a_row_are_as_one_where_the_phrase_has_fewer() {
        assert_eq!(found("赌博", "赌赌博博"), [(3, 9)]);
        assert_eq!(found("赌博天", "赌博博博天天"), [(0, 15)]);
        assert_eq!(found("天彩彩赌", "天彩彩赌赌赌"), [(0, 12)]);
        assert_eq!(found("天彩彩赌", "天彩彩彩赌"), [(0, 15)]);
        assert_eq!(found("天彩彩赌", "天彩赌"), []);
        assert_eq!(found("天天", "天"), []);
        assert_eq!(found("赌博天", &format!("赌{}天", "博".repeat(8))), [(0, 30)]);
        assert_eq!(found("赌博天", &format!("赌{}天", "博".repeat(9))), []);
        assert_eq!(found("赌博博天", &format!("赌{}天", "博".repeat(9))), [(0, 33)]);
    }

    #[test]
    fn a_word_with_letters_drawn_out_is_the_word() {
        let spans = |text: &str, phrase: &str| found(phrase, &format!("{text} "));
        assert_eq!(spans("a casssino b", "casino"), [(2, 10)]);
        assert_eq!(spans("CCCaaaSINooo", "casino"), [(0, 12)]);
        assert_eq!(spans("coooooool", "cool"), [(0, 9)]);
        assert_eq!(spans("cassino", "casino"), [], "two in a row are another word");
        assert_eq!(spans("tel 100086", "10086"), [], "so are digits");
        assert_eq!(spans("wwww", "w"), [], "and what is hardly a word");
        assert_eq!(spans("aaaa", "aaaa"), [(0, 4)]);
        assert_eq!(spans("aaaaaa", "aaaa"), []);
        let long = format!("ca{}ino", "s".repeat(5000));
        assert_eq!(spans(&long, "casino"), [(0, long.len() as u64)]);
    }

    #[test]
    fn a_match_spans_no_more_than_16_kib() {
        let with_invisible = |bytes: usize| format!("cas{}ino ", "\u{200b}".repeat(bytes / 3));
        assert_eq!(found("casino", &with_invisible(15 << 10)), [(0, 6 + (15 << 10))]);
        assert_eq!(found("casino", &with_invisible(17 << 10)), []);
    }
}

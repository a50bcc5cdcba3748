//! From a place where a phrase may stand to the phrase that does.

use super::{
    anchors::{Anchor, Anchored, Anchors},
    lane_text::{LaneText, MATCH_BYTES_MAX},
    layer::{Layer, RARE, REPEATS_MAX, Run},
    tokens::Tokens,
};
use crate::base::{Work, run_wide};

/// A phrase of a layer, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Index of the phrase in its layer.
    pub(super) phrase: u32,
    pub(super) first: usize,
    pub(super) last: usize,
    /// The widest noise inside.
    pub(super) gap: u8,
}

/// Reports every phrase whose last token has come since the last call.
pub(super) fn scan(layer: &Layer, tokens: &mut Tokens, text: &LaneText, mut found: impl FnMut(&Tokens, Match)) {
    for (phrase, token) in std::mem::take(&mut tokens.singles) {
        let token = token as usize;
        if is_short(layer, tokens, text, token, token) {
            found(tokens, Match { phrase, first: token, last: token, gap: 0 });
        }
    }
    if !layer.anchors.is_empty() && tokens.codes().len() > tokens.fresh {
        // A phrase that ends in what is fresh may have its anchor before that.
        let from = tokens.fresh.saturating_sub(layer.behind_anchor_max);
        let mut places = std::mem::take(&mut tokens.candidates);
        run_wide(Candidates { anchors: &layer.anchors, codes: &tokens.codes()[from..], places: &mut places });
        for place in places.drain(..) {
            at_place(layer, tokens, text, from + place as usize, &mut found);
        }
        tokens.candidates = places;
    }
    tokens.fresh = tokens.codes().len();
}

struct Candidates<'c> {
    anchors: &'c Anchors,
    codes: &'c [u16],
    places: &'c mut Vec<u32>,
}

impl Work for Candidates<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.anchors.candidates(self.codes, self.places);
    }
}

/// Looks for the phrases that are anchored at a place.
fn at_place(layer: &Layer, tokens: &mut Tokens, text: &LaneText, place: usize, found: &mut impl FnMut(&Tokens, Match)) {
    let codes = tokens.codes();
    let &[left, right] = &codes[place..place + 2] else { return };
    let third = codes[place + 2..].iter().take(layer.row_max).find(|&&code| code != right).copied();
    // What follows may equal its neighbour by hash only.
    let next = codes.get(place + 2).copied();
    let pairs = layer.anchors.at(Anchor::Pair(left, right));
    let triples = third.map_or(&[][..], |third| layer.anchors.at(Anchor::Triple(left, right, third)));
    let doubles = next.filter(|&next| Some(next) != third);
    let doubles = doubles.map_or(&[][..], |third| layer.anchors.at(Anchor::Triple(left, right, third)));
    for anchored in pairs.iter().chain(triples).chain(doubles) {
        if let Some(matched) = compare(layer, tokens, text, *anchored, place)
            && matched.last >= tokens.fresh
        {
            found(tokens, matched);
        }
    }
}

/// Compares a phrase at its anchor.
fn compare(
    layer: &Layer,
    tokens: &mut Tokens,
    text: &LaneText,
    Anchored { pattern: phrase, run }: Anchored,
    place: usize,
) -> Option<Match> {
    let runs = layer.runs(phrase);
    let run = run as usize;
    let (first, last) = match runs {
        // A phrase of one run, such as 天天, stands wherever it fits.
        [one] => (place, ahead(tokens, *one, place, true)?),
        _ => {
            // `place` is the last token of the anchor's first run, and the next one begins behind it.
            let mut first = place + 1;
            for (at, &run) in runs[..=run].iter().enumerate().rev() {
                first = behind(tokens, run, first, at == 0)?;
            }
            let mut last = place;
            for (at, &next) in runs.iter().enumerate().skip(run + 1) {
                last = ahead(tokens, next, last + 1, at + 1 == runs.len())?;
            }
            (first, last)
        }
    };
    let limit = layer.patterns[phrase as usize].gap;
    let mut gap = 0;
    for token in first + 1..=last {
        gap = gap.max(tokens.gap(layer, text, token));
        if gap > limit {
            return None;
        }
    }
    is_short(layer, tokens, text, first, last).then_some(Match { phrase, first, last, gap })
}

/// Whether the text from one token to another is no longer than a match may be.
fn is_short(layer: &Layer, tokens: &Tokens, text: &LaneText, first: usize, last: usize) -> bool {
    tokens.end(layer, text, last) - tokens.at(first) <= MATCH_BYTES_MAX
}

/// The last token of a run that begins at a token; as short as may be if it is the phrase's last.
fn ahead(tokens: &Tokens, run: Run, from: usize, shortest: bool) -> Option<usize> {
    let count = usize::from(run.count);
    let longest = if shortest || run.symbol >= RARE { count } else { count + REPEATS_MAX };
    let equal = (from..from + longest).take_while(|&token| is(tokens, token, run)).count();
    (equal >= count).then(|| from + equal - 1)
}

/// The first token of a run that ends before a token; as short as may be if it is the phrase's first.
fn behind(tokens: &Tokens, run: Run, to: usize, shortest: bool) -> Option<usize> {
    let count = usize::from(run.count);
    let longest = if shortest || run.symbol >= RARE { count } else { count + REPEATS_MAX };
    let equal = (1..=longest.min(to)).take_while(|&back| is(tokens, to - back, run)).count();
    (equal >= count).then(|| to - equal)
}

#[inline]
fn is(tokens: &Tokens, token: usize, run: Run) -> bool {
    #[cfg(any(test, feature = "oracle"))]
    tokens.compared.set(tokens.compared.get() + 1);
    tokens.codes().get(token) == Some(&run.code)
        && run.symbol.checked_sub(RARE).is_none_or(|number| tokens.is_word(token, number))
}

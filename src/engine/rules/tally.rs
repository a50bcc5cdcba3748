//! What was found so far in one body, and what follows from it.
//!
//! Occurrences of phrases come in the order in which the reader of the body could have known them
//! (`seen`), whatever the chunks; each fills a slot of its rule, covers, or cancels. A rule hits once
//! a body. What a longer exception may still cover, or an exception or a regular expression may
//! still undo, waits until the text has gone far enough to know.
//!
//! A body is judged in two views: as it is shown, and together with what its own styles hide. The
//! worse counts. So what is hidden is found like everything else, and excuses nothing that is shown.

mod covering;
mod rule_state;
mod view;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::{
    compile::RuleSet,
    finding::{CategoryScore, Finding, Occurrence},
    pack::Action,
};
use crate::engine::{matcher::LaneStream, text::Stream};
use view::{View, fired};

/// The lanes of a body and the text they still know.
pub(in crate::engine) type Lanes = [LaneStream; Stream::ALL.len()];

/// The state of one body's rules.
#[derive(Debug, Default)]
pub struct Tally {
    /// Without what is hidden.
    shown: View,
    /// With it, from the first phrase that is hidden.
    whole: Option<Box<View>>,
}

impl Tally {
    /// From now on a hit does not wait for an exception anywhere on the page, only for one that is
    /// `near`: bytes are leaving. What waited is settled.
    pub(in crate::engine) fn be_eager(&mut self, set: &RuleSet, lanes: &Lanes, seen: u64) {
        self.views_mut().for_each(|view| view.be_eager(set, lanes, seen));
    }

    /// Takes occurrences in order (sorted by [`Occurrence`]'s own order) and settles what waits
    /// between them. `decide` is called after each; when it says `true`, the rest is left, and the
    /// occurrence at which it said so is returned.
    pub(in crate::engine) fn take(
        &mut self,
        set: &RuleSet,
        lanes: &Lanes,
        occurrences: &[Occurrence],
        json: bool,
        decide: &mut impl FnMut(&mut Self, &Occurrence) -> bool,
    ) -> Option<Occurrence> {
        self.views_mut().for_each(|view| view.look_again(set, lanes));
        for occurrence in occurrences {
            // What is due at the very byte at which the occurrence became certain waits for it.
            if let Some(settled) = self.settle_before(set, lanes, Some(occurrence.seen), decide) {
                return Some(settled);
            }
            if occurrence.stream == Stream::Hidden {
                self.whole.get_or_insert_with(|| Box::new(self.shown.clone()));
            } else {
                self.shown.occurs(set, lanes, occurrence, json);
            }
            if let Some(whole) = &mut self.whole {
                whole.occurs(set, lanes, occurrence, json);
            }
            if decide(self, occurrence) {
                return Some(*occurrence);
            }
        }
        self.settle_before(set, lanes, None, decide)
    }

    /// Settles what the lanes have gone beyond before `seen`, in order.
    fn settle_before(
        &mut self,
        set: &RuleSet,
        lanes: &Lanes,
        seen: Option<u64>,
        decide: &mut impl FnMut(&mut Self, &Occurrence) -> bool,
    ) -> Option<Occurrence> {
        loop {
            let due = self.views_mut().filter_map(|view| view.due()).min()?;
            if seen.is_some_and(|seen| due >= seen) {
                return None;
            }
            let mut settled = None;
            for view in self.views_mut().filter(|view| view.due() == Some(due)) {
                settled = view.settle_next(set, lanes).or(settled);
            }
            if let Some(settled) = settled
                && decide(self, &settled)
            {
                return Some(settled);
            }
        }
    }

    /// The text ends here: everything that waits is certain now.
    pub(in crate::engine) fn settle_all(&mut self, set: &RuleSet, lanes: &Lanes, seen: u64) {
        self.views_mut().for_each(|view| view.settle_all(set, lanes, seen));
    }

    /// Adds to the excerpts what has been read behind them, up to `seen`; `last` says that no more
    /// will come.
    pub(in crate::engine) fn extend_excerpts(&mut self, lanes: &Lanes, seen: u64, last: bool) {
        self.views_mut().for_each(|view| view.extend_excerpts(lanes, seen, last));
    }

    /// Offset of the first byte of a hit that is complete but not certain.
    pub fn open_from(&self) -> Option<u64> {
        self.views().filter_map(View::open_from).min()
    }

    /// The strongest action of a category whose score is at its threshold.
    pub fn verdict(&self, set: &RuleSet) -> Option<Action> {
        self.views().filter_map(|view| view.verdict(set)).max()
    }

    /// Of the occurrences that were counted since the last call, those that are to be masked: their
    /// rule has hit, and its category masks now.
    pub(in crate::engine) fn take_masked(&mut self, set: &RuleSet) -> Vec<Occurrence> {
        let mut masked = self.shown.take_masked(set);
        if let Some(whole) = &mut self.whole {
            masked.extend(whole.take_masked(set));
        }
        masked
    }

    /// Occurrences that [`Tally::take_masked`] would look at.
    pub(in crate::engine) fn maskable(&self) -> usize {
        self.views().map(View::maskable).max().unwrap_or(0)
    }

    /// Whether an occurrence may still come to be counted.
    pub(in crate::engine) fn is_open(&self, occurrence: &Occurrence) -> bool {
        self.views().any(|view| view.is_open(occurrence))
    }

    /// Ends the tally: the categories with a finding, by id, and the findings by place. Of each
    /// category, in the view in which its score is higher.
    pub fn finish(self, set: &RuleSet) -> (Vec<CategoryScore>, Vec<Finding>) {
        let Self { shown, whole } = self;
        let views = [Some(shown), whole.map(|whole| *whole)];
        let mut categories: Vec<CategoryScore> = Vec::new();
        let mut findings: Vec<Finding> = Vec::new();
        for (number, category) in set.categories.iter().enumerate() {
            let number = number as u32;
            let Some(view) = views.iter().flatten().max_by_key(|view| view.score(number).unwrap_or(0)) else {
                continue;
            };
            if !view.findings().any(|finding| finding.category == category.id) {
                continue;
            }
            findings.extend(view.findings().filter(|finding| finding.category == category.id).cloned());
            let score = view.score(number).unwrap_or(0);
            let action = fired(set, number, score);
            categories.push(CategoryScore { category: Arc::clone(&category.id), score, action });
        }
        findings.sort_by(|one, other| (one.span, &one.rule).cmp(&(other.span, &other.rule)));
        categories.sort_by(|one, other| one.category.cmp(&other.category));
        (categories, findings)
    }

    fn views(&self) -> impl Iterator<Item = &View> {
        std::iter::once(&self.shown).chain(self.whole.as_deref())
    }

    fn views_mut(&mut self) -> impl Iterator<Item = &mut View> {
        std::iter::once(&mut self.shown).chain(self.whole.as_deref_mut())
    }
}

//! The state of all rules in one view of a body.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::FixedState;

use super::{
    super::{
        compile::{Part, RuleSet},
        finding::{Finding, Occurrence},
        pack::{Action, Mode},
    },
    Lanes,
    rule_state::{Pending, REGEX_CHARACTERS, RuleState, Until, Waiting},
};

/// Findings kept of one body; more rules than these still count in the scores.
const FINDINGS_MAX: usize = 256;

/// Characters of an excerpt on each side.
const EXCERPT_CHARACTERS: u32 = 20;

#[derive(Clone, Debug, Default)]
pub(super) struct View {
    rules: HashMap<u32, RuleState, FixedState>,
    /// Rules of which something waits.
    waiting: Vec<u32>,
    /// What is certain first, of what the lanes have gone beyond, and when that was.
    next: Option<Due>,
    scores: HashMap<u32, i32, FixedState>,
    found: Vec<(Finding, Excerpt)>,
    /// Occurrences that count for a rule whose category masks.
    counted: Vec<(u32, Occurrence)>,
    /// See [`Tally::be_eager`](super::Tally::be_eager).
    eager: bool,
}

/// The excerpt of a finding, as far as the text has been read.
#[derive(Clone, Debug)]
struct Excerpt {
    to: u32,
    complete: bool,
}

/// What is certain when the body has been read up to `seen`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    seen: u64,
    what: Waiting,
    rule: u32,
}

impl View {
    pub(super) fn be_eager(&mut self, set: &RuleSet, lanes: &Lanes, seen: u64) {
        self.eager = true;
        self.settle_rest(set, lanes, seen, true);
        self.look_again(set, lanes);
    }

    /// Looks what is due now that the lanes have gone on.
    pub(super) fn look_again(&mut self, set: &RuleSet, lanes: &Lanes) {
        self.next = None;
        for index in 0..self.waiting.len() {
            self.look_at(set, lanes, self.waiting[index]);
        }
    }

    fn look_at(&mut self, set: &RuleSet, lanes: &Lanes, rule: u32) {
        let Some(state) = self.rules.get(&rule) else { return };
        let due = state.waiting(&set.rules[rule as usize]).filter_map(|(what, until, seen)| {
            let lane = &lanes[what.last().stream as usize];
            let seen = match until {
                Until::Known => seen,
                Until::Beyond(character) => lane.seen_beyond(character)?.max(seen),
                Until::End => return None,
            };
            Some(Due { seen, what, rule })
        });
        self.next = due.chain(self.next).min();
    }

    /// When the next of what waits is certain, if it is by now.
    pub(super) fn due(&self) -> Option<u64> {
        self.next.map(|due| due.seen)
    }

    pub(super) fn occurs(&mut self, set: &RuleSet, lanes: &Lanes, occurrence: &Occurrence, json: bool) {
        for use_index in set.uses_of(occurrence.pattern) {
            let item = &set.uses[use_index];
            let rule = &set.rules[item.rule as usize];
            if occurrence.gap > rule.gap || !rule.lanes.reads(occurrence.stream, json) {
                continue;
            }
            let state = self.rules.entry(item.rule).or_default();
            if state.hit && !rule.masks {
                continue;
            }
            match item.part {
                Part::Exception => state.except(rule, occurrence),
                Part::Cover => {
                    let reach = rule.cover_characters.unwrap_or(0);
                    state.covering.get_or_insert_default().cover(*occurrence, reach);
                }
                Part::Slot(_) => match rule.cover_characters {
                    None => self.counts(set, lanes, occurrence, use_index as u32, occurrence.seen),
                    Some(_) => {
                        state.covering.get_or_insert_default().phrase(*occurrence, use_index as u32);
                        self.waits(set, lanes, item.rule);
                    }
                },
            }
        }
    }

    /// Something of a rule waits.
    fn waits(&mut self, set: &RuleSet, lanes: &Lanes, rule: u32) {
        if let Some(state) = self.rules.get_mut(&rule).filter(|state| !state.listed) {
            state.listed = true;
            self.waiting.push(rule);
        }
        self.look_at(set, lanes, rule);
    }

    /// A phrase counts: no longer exception covers it.
    fn counts(&mut self, set: &RuleSet, lanes: &Lanes, occurrence: &Occurrence, use_index: u32, seen: u64) {
        let item = &set.uses[use_index as usize];
        let rule = &set.rules[item.rule as usize];
        if rule.masks {
            self.counted.push((item.rule, *occurrence));
        }
        let (Some(state), Part::Slot(slot)) = (self.rules.get_mut(&item.rule), item.part) else { return };
        if state.hit {
            return;
        }
        let Some(complete) = state.fill(rule, occurrence, (slot, use_index), seen, self.eager) else { return };
        if state.excepted(rule, &complete) {
            return;
        }
        let waits = rule.exception_characters.is_some() && !(self.eager && rule.near.is_none());
        if waits || rule.regex.is_some() {
            state.wait(complete);
            self.waits(set, lanes, item.rule);
        } else {
            self.hit(set, lanes, item.rule, &complete, seen);
        }
    }

    /// Settles what is due first; what it was, if that may have changed anything.
    pub(super) fn settle_next(&mut self, set: &RuleSet, lanes: &Lanes) -> Option<Occurrence> {
        let Due { seen, what, rule } = self.next?;
        self.settle(set, lanes, rule, &what, seen);
        self.look_again(set, lanes);
        Some(Occurrence { seen, ..*what.last() })
    }

    pub(super) fn settle_all(&mut self, set: &RuleSet, lanes: &Lanes, seen: u64) {
        self.settle_rest(set, lanes, seen, false);
        self.next = None;
    }

    /// Settles what waits though the lanes have not gone beyond it; `far_only`: only what waits for an
    /// exception anywhere on the page.
    fn settle_rest(&mut self, set: &RuleSet, lanes: &Lanes, seen: u64, far_only: bool) {
        loop {
            let due = self.waiting.iter().flat_map(|&rule| {
                let compiled = &set.rules[rule as usize];
                let waiting = self.rules.get(&rule).into_iter().flat_map(move |state| state.waiting(compiled));
                let waiting = waiting.filter(move |(_, until, _)| !far_only || *until == Until::End);
                waiting.map(move |(what, ..)| (*what.last(), what, rule))
            });
            let Some((_, what, rule)) = due.min() else { return };
            self.settle(set, lanes, rule, &what, seen);
        }
    }

    fn settle(&mut self, set: &RuleSet, lanes: &Lanes, rule: u32, what: &Waiting, seen: u64) {
        match what {
            Waiting::Phrase(phrase) => {
                let reach = set.rules[rule as usize].cover_characters.unwrap_or(0);
                let covering = self.rules.get_mut(&rule).and_then(|state| state.covering.as_mut());
                let counted = covering.and_then(|covering| covering.decide(phrase.stream, reach));
                if let Some((phrase, use_index)) = counted {
                    self.counts(set, lanes, &phrase, use_index, seen);
                }
            }
            Waiting::Hit(last) => {
                let pending = self.rules.get_mut(&rule).and_then(|state| state.take_pending(last));
                if let Some(pending) = pending.filter(|pending| confirmed(set, lanes, rule, pending, seen)) {
                    self.hit(set, lanes, rule, &pending, seen);
                }
            }
        }
        if let Some(state) = self.rules.get_mut(&rule).filter(|state| state.listed && state.open().next().is_none()) {
            state.listed = false;
            self.waiting.retain(|&waiting| waiting != rule);
        }
    }

    fn hit(&mut self, set: &RuleSet, lanes: &Lanes, rule: u32, complete: &Pending, seen: u64) {
        let compiled = &set.rules[rule as usize];
        let category = &set.categories[compiled.category as usize];
        if let Some(state) = self.rules.get_mut(&rule) {
            state.has_hit();
        }
        if compiled.masks {
            self.counted.push((rule, complete.last));
        }
        // The sound of a phrase adds nothing to the phrase itself, and gives way to it.
        let has_hit = |other: &u32| self.rules.get(other).is_some_and(|state| state.hit);
        if compiled.exact.as_ref().is_some_and(has_hit) {
            return;
        }
        if let Some(sound) = compiled.sound.filter(has_hit) {
            if compiled.mode == Mode::On {
                *self.scores.entry(compiled.category).or_default() -= set.rules[sound as usize].weight;
            }
            self.found.retain(|(finding, _)| finding.rule != compiled.id);
        }
        if compiled.mode == Mode::On {
            *self.scores.entry(compiled.category).or_default() += compiled.weight;
        }
        if self.found.len() >= FINDINGS_MAX {
            return;
        }
        let lane = &lanes[complete.last.stream as usize];
        let from = complete.last.character.saturating_sub(EXCERPT_CHARACTERS);
        let text = lane.characters_between(from, complete.last.character_end, seen);
        let finding = Finding {
            rule: Arc::clone(&compiled.id),
            category: Arc::clone(&category.id),
            class: category.class,
            action: category.action,
            mode: compiled.mode,
            weight: compiled.weight,
            phrase: Arc::clone(&set.uses[complete.use_index as usize].phrase),
            span: complete.last.span,
            stream: complete.last.stream,
            excerpt: format!("…{text}"),
        };
        self.found.push((finding, Excerpt { to: complete.last.character_end, complete: false }));
    }

    pub(super) fn extend_excerpts(&mut self, lanes: &Lanes, seen: u64, last: bool) {
        for (finding, excerpt) in self.found.iter_mut().rev().filter(|item| !item.1.complete) {
            let lane = &lanes[finding.stream as usize];
            let to = excerpt.to + EXCERPT_CHARACTERS;
            if last || lane.characters() >= to {
                finding.excerpt.push_str(&lane.characters_between(excerpt.to, to, seen));
                finding.excerpt.push('…');
                excerpt.complete = true;
            }
        }
    }

    /// Offset of the first byte of what waits.
    pub(super) fn open_from(&self) -> Option<u64> {
        let states = self.waiting.iter().filter_map(|rule| self.rules.get(rule));
        states.flat_map(RuleState::open).map(|phrase| phrase.span.start).min()
    }

    pub(super) fn is_open(&self, occurrence: &Occurrence) -> bool {
        let states = self.waiting.iter().filter_map(|rule| self.rules.get(rule));
        states.flat_map(RuleState::open).any(|phrase| phrase == occurrence)
    }

    pub(super) fn verdict(&self, set: &RuleSet) -> Option<Action> {
        self.scores.iter().filter_map(|(&category, &score)| fired(set, category, score)).max()
    }

    pub(super) fn take_masked(&mut self, set: &RuleSet) -> Vec<Occurrence> {
        let counted = std::mem::take(&mut self.counted);
        let masks = |rule: u32| {
            let category = set.rules[rule as usize].category;
            self.rules.get(&rule).is_some_and(|state| state.hit)
                && self.scores.get(&category).and_then(|&score| fired(set, category, score)) == Some(Action::Mask)
        };
        counted.into_iter().filter(|item| masks(item.0)).map(|item| item.1).collect()
    }

    pub(super) fn maskable(&self) -> usize {
        self.counted.len()
    }

    pub(super) fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.found.iter().map(|item| &item.0)
    }

    pub(super) fn score(&self, category: u32) -> Option<i32> {
        self.scores.get(&category).copied()
    }
}

pub(super) fn fired(set: &RuleSet, category: u32, score: i32) -> Option<Action> {
    let category = &set.categories[category as usize];
    (score >= category.threshold).then_some(category.action)
}

/// Whether the rule's regular expression, if it has one, matches around a complete hit.
fn confirmed(set: &RuleSet, lanes: &Lanes, rule: u32, pending: &Pending, seen: u64) -> bool {
    let compiled = &set.rules[rule as usize];
    compiled.regex.as_ref().is_none_or(|regex| {
        let around = compiled.near.unwrap_or(REGEX_CHARACTERS).min(REGEX_CHARACTERS);
        let (from, to) = (pending.from.saturating_sub(around), pending.to.saturating_add(around));
        let window = lanes[pending.last.stream as usize].characters_between(from, to, seen);
        regex.matches(&window, set.folding.as_ref())
    })
}

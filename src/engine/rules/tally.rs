//! What was found so far in one body, and what follows from it.
//!
//! Occurrences of phrases come in the order in which the reader of the body could have known them
//! (`seen`), whatever the chunks; each fills a slot of its rule, or cancels. A rule hits once a
//! body. A hit that an exception or a regular expression may still undo is pending until the text
//! has gone far enough to know.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::FixedState;

use super::{
    compile::{CompiledRule, Part, RuleSet},
    pack::{Action, Class, Mode},
};
use crate::{
    base::ByteSpan,
    engine::{
        matcher::{FoundTokens, LaneStream},
        text::{Lane, Stream},
    },
};

/// What the matcher saw: one rule, one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id.
    pub rule: Arc<str>,
    /// The pack's id.
    pub category: Arc<str>,
    /// What the ledger counts it as.
    pub class: Class,
    /// The category's action.
    pub action: Action,
    /// On or shadow.
    pub mode: Mode,
    /// The rule's weight.
    pub weight: i32,
    /// The phrase that completed the rule, as its author wrote it.
    pub phrase: Arc<str>,
    /// Where that phrase stands in the decoded body.
    pub span: ByteSpan,
    /// In which stream.
    pub stream: Stream,
    /// The text around it: at most 20 characters before and behind, `…` at both ends.
    pub excerpt: String,
}

/// The score of a category in which something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryScore {
    /// The pack's id.
    pub category: Arc<str>,
    /// Sum of the weights of distinct rules that hit (without shadow rules).
    pub score: i32,
    /// The pack's action, if the score reached the threshold.
    pub action: Option<Action>,
}

/// A phrase at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// The body had been read up to here when it was certain.
    pub seen: u64,
    /// Where it stands.
    pub span: ByteSpan,
    /// The stream.
    pub stream: Stream,
    /// The pattern.
    pub pattern: u32,
    /// The widest noise inside it.
    pub gap: u8,
    /// First character's index in the lane.
    pub character: u32,
    /// Index behind the last character.
    pub character_end: u32,
    /// What it consists of, until the lane forgets.
    pub tokens: FoundTokens,
}

/// Findings kept of one body; more rules than these still count in the scores.
const FINDINGS_MAX: usize = 256;

/// Pending hits kept of one rule: the first ones, because they are certain first, and the last ones,
/// because an exception may undo the first. One of them is enough for the rule to hit.
const PENDING_MAX: usize = 16;

/// Characters of an excerpt on each side.
const EXCERPT_CHARACTERS: u32 = 20;

/// Characters on each side of a hit that a regular expression sees, where `near` does not say less.
const REGEX_CHARACTERS: u32 = 64;

/// The state of one body's rules.
#[derive(Debug, Default)]
pub struct Tally {
    rules: HashMap<u32, RuleState, FixedState>,
    /// Rules with pending hits.
    pending: Vec<u32>,
    /// No pending hit is certain before the body has been read up to here; `None`: none is before the
    /// next look at the lanes.
    due: Option<u64>,
    scores: HashMap<u32, i32, FixedState>,
    found: Vec<(Finding, Excerpt)>,
    /// See [`Tally::be_eager`].
    eager: bool,
}

#[derive(Debug, Default)]
struct RuleState {
    hit: bool,
    /// An exception stands somewhere on the page, and the rule has no `near`.
    cancelled: bool,
    /// The latest occurrence per slot; with `near`, per lane and slot.
    slots: [Vec<Option<Occurrence>>; Stream::ALL.len()],
    /// The latest exception per lane.
    exceptions: [Option<(u32, u32)>; Stream::ALL.len()],
    pending: Vec<Pending>,
}

/// A complete rule that may still be undone.
#[derive(Clone, Copy, Debug)]
struct Pending {
    /// What completed it.
    last: Occurrence,
    use_index: u32,
    /// Its parts' first character and the one behind the last.
    from: u32,
    to: u32,
    /// Certain when the lane has gone beyond this character; `None`: at the end of what is held.
    deadline: Option<u32>,
}

/// The excerpt of a finding, as far as the text has been read.
#[derive(Debug)]
struct Excerpt {
    to: u32,
    complete: bool,
}

/// The lanes of a body and the text they still know.
pub(in crate::engine) type Lanes = [LaneStream; Stream::ALL.len()];

impl Tally {
    /// From now on a hit does not wait for an exception anywhere on the page, only for one that is
    /// `near`: bytes are leaving. What waited is settled.
    pub(in crate::engine) fn be_eager(&mut self, set: &RuleSet, lanes: &Lanes, seen: u64) {
        self.eager = true;
        self.settle_all(set, lanes, seen, true);
    }

    /// Takes occurrences in order (sorted by [`Occurrence`]'s own order) and settles pending hits
    /// between them. `decide` is called after each; when it says `true`, the rest is left, and the
    /// offset at which it said so is returned.
    pub(in crate::engine) fn take(
        &mut self,
        set: &RuleSet,
        lanes: &Lanes,
        occurrences: &[Occurrence],
        json: bool,
        decide: &mut impl FnMut(&Self, &Occurrence) -> bool,
    ) -> Option<Occurrence> {
        self.due = self.earliest(lanes).map(|due| due.0);
        for occurrence in occurrences {
            if let Some(settled) = self.settle_until(set, lanes, Some(occurrence.seen), decide) {
                return Some(settled);
            }
            let uses = set.use_starts[occurrence.pattern as usize]..set.use_starts[occurrence.pattern as usize + 1];
            for use_index in uses {
                self.occurs(set, lanes, occurrence, use_index, json);
            }
            if decide(self, occurrence) {
                return Some(*occurrence);
            }
        }
        self.settle_until(set, lanes, None, decide)
    }

    fn occurs(&mut self, set: &RuleSet, lanes: &Lanes, occurrence: &Occurrence, use_index: u32, json: bool) {
        let item = &set.uses[use_index as usize];
        let rule = &set.rules[item.rule as usize];
        // A JSON document's strings become the text of some page.
        let wanted = rule.lanes.contains(occurrence.stream.lane()) || (json && rule.lanes.contains(Lane::Text));
        if occurrence.gap > rule.gap || !wanted {
            return;
        }
        let state = self.rules.entry(item.rule).or_default();
        if state.hit {
            return;
        }
        match item.part {
            Part::Exception => state.except(rule, occurrence),
            Part::Slot(slot) => {
                let Some(mut complete) = state.fill(rule, occurrence, slot, self.eager) else { return };
                complete.use_index = use_index;
                if state.cancelled || state.excepted(rule, &complete) {
                    return;
                }
                let waits = rule.has_exception && !(self.eager && rule.near.is_none());
                if !waits && rule.regex.is_none() {
                    self.hit(set, lanes, item.rule, &complete, occurrence.seen);
                    return;
                }
                if state.pending.len() >= PENDING_MAX {
                    state.pending.remove(PENDING_MAX / 2);
                }
                state.pending.push(complete);
                let known = complete.deadline.and_then(|last| lanes[occurrence.stream as usize].seen_beyond(last));
                self.due = [self.due, known].into_iter().flatten().min();
                if !self.pending.contains(&item.rule) {
                    self.pending.push(item.rule);
                }
            }
        }
    }

    /// Settles what the lanes have gone beyond, in order, up to `seen`.
    fn settle_until(
        &mut self,
        set: &RuleSet,
        lanes: &Lanes,
        seen: Option<u64>,
        decide: &mut impl FnMut(&Self, &Occurrence) -> bool,
    ) -> Option<Occurrence> {
        while self.due.is_some_and(|due| seen.is_none_or(|seen| due <= seen)) {
            let earliest = self.earliest(lanes);
            self.due = earliest.map(|earliest| earliest.0);
            let (known, last, rule) = earliest.filter(|due| seen.is_none_or(|seen| due.0 <= seen))?;
            self.settle(set, lanes, rule, &last, known);
            let at = Occurrence { seen: known, ..last };
            if decide(self, &at) {
                return Some(at);
            }
        }
        None
    }

    /// The pending hit that is certain first, of those that the lanes have gone beyond, and when.
    fn earliest(&self, lanes: &Lanes) -> Option<(u64, Occurrence, u32)> {
        let pending = self.pending.iter().flat_map(|&rule| {
            self.rules[&rule].pending.iter().filter_map(move |pending| {
                let known = lanes[pending.last.stream as usize].seen_beyond(pending.deadline?)?;
                Some((known, pending.last, rule))
            })
        });
        pending.min()
    }

    /// The text ends here, or what is held of it does: every pending hit is certain now. With
    /// `far_only`, only those that waited for an exception anywhere on the page.
    pub(in crate::engine) fn settle_all(&mut self, set: &RuleSet, lanes: &Lanes, seen: u64, far_only: bool) {
        loop {
            let due = self.pending.iter().flat_map(|&rule| {
                let waiting = self.rules[&rule].pending.iter();
                waiting
                    .filter(|pending| !far_only || pending.deadline.is_none())
                    .map(move |pending| (pending.last, rule))
            });
            let Some((last, rule)) = due.min() else { return };
            self.settle(set, lanes, rule, &last, seen);
        }
    }

    fn settle(&mut self, set: &RuleSet, lanes: &Lanes, rule: u32, last: &Occurrence, seen: u64) {
        let Some(state) = self.rules.get_mut(&rule) else { return };
        let Some(at) = state.pending.iter().position(|pending| pending.last == *last) else { return };
        let pending = state.pending.remove(at);
        let compiled = &set.rules[rule as usize];
        let confirmed = compiled.regex.as_ref().is_none_or(|regex| {
            let around = compiled.near.unwrap_or(REGEX_CHARACTERS).min(REGEX_CHARACTERS);
            let lane = &lanes[last.stream as usize];
            let window =
                lane.characters_between(pending.from.saturating_sub(around), pending.to.saturating_add(around), seen);
            regex.is_match(&window)
        });
        if confirmed {
            self.hit(set, lanes, rule, &pending, seen);
        }
        if self.rules.get(&rule).is_none_or(|state| state.pending.is_empty()) {
            self.pending.retain(|&waiting| waiting != rule);
        }
    }

    fn hit(&mut self, set: &RuleSet, lanes: &Lanes, rule: u32, complete: &Pending, seen: u64) {
        let compiled = &set.rules[rule as usize];
        let category = &set.categories[compiled.category as usize];
        if let Some(state) = self.rules.get_mut(&rule) {
            state.hit = true;
            state.pending.clear();
        }
        self.pending.retain(|&waiting| waiting != rule);
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

    /// Adds to the excerpts what has been read behind them, up to `seen`; `last` says that no more
    /// will come.
    pub(in crate::engine) fn extend_excerpts(&mut self, lanes: &Lanes, seen: u64, last: bool) {
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

    /// Offset of the first byte of a hit that is complete but not certain.
    pub fn open_from(&self) -> Option<u64> {
        let pending = self.pending.iter().filter_map(|rule| self.rules.get(rule)).flat_map(|state| &state.pending);
        pending.map(|pending| pending.last.span.start).min()
    }

    /// The strongest action of a category whose score is at its threshold.
    pub fn verdict(&self, set: &RuleSet) -> Option<Action> {
        self.scores.iter().filter_map(|(&category, &score)| fired(set, category, score)).max()
    }

    /// Whether an occurrence is to be masked: its rule has hit, and its category masks now.
    pub fn masks(&self, set: &RuleSet, occurrence: &Occurrence) -> bool {
        let uses = set.use_starts[occurrence.pattern as usize]..set.use_starts[occurrence.pattern as usize + 1];
        uses.into_iter().any(|index| {
            let item = &set.uses[index as usize];
            let rule = &set.rules[item.rule as usize];
            item.part != Part::Exception
                && rule.mode == Mode::On
                && occurrence.gap <= rule.gap
                && self.rules.get(&item.rule).is_some_and(|state| state.hit)
                && self.scores.get(&rule.category).and_then(|&score| fired(set, rule.category, score))
                    == Some(Action::Mask)
        })
    }

    /// Ends the tally: the categories with a finding, by id, and the findings by place.
    pub fn finish(self, set: &RuleSet) -> (Vec<CategoryScore>, Vec<Finding>) {
        let mut findings: Vec<Finding> = self.found.into_iter().map(|item| item.0).collect();
        findings.sort_by(|one, other| (one.span, &one.rule).cmp(&(other.span, &other.rule)));
        let mut categories: Vec<CategoryScore> = Vec::new();
        for (number, category) in set.categories.iter().enumerate() {
            let score = self.scores.get(&(number as u32)).copied();
            if score.is_some() || findings.iter().any(|finding| finding.category == category.id) {
                let score = score.unwrap_or(0);
                let action = fired(set, number as u32, score);
                categories.push(CategoryScore { category: Arc::clone(&category.id), score, action });
            }
        }
        categories.sort_by(|one, other| one.category.cmp(&other.category));
        (categories, findings)
    }
}

fn fired(set: &RuleSet, category: u32, score: i32) -> Option<Action> {
    let category = &set.categories[category as usize];
    (score >= category.threshold).then_some(category.action)
}

impl RuleState {
    /// Puts an occurrence into its slot; the hit, if the rule is complete with it.
    fn fill(&mut self, rule: &CompiledRule, occurrence: &Occurrence, slot: u16, eager: bool) -> Option<Pending> {
        let lane = if rule.near.is_some() { occurrence.stream as usize } else { 0 };
        let slots = &mut self.slots[lane];
        slots.resize(usize::from(rule.slots), None);
        slots[usize::from(slot)] = Some(*occurrence);
        let mut from = u32::MAX;
        let mut to = 0;
        let (mut first_end, mut last_start) = (u32::MAX, 0);
        for part in slots.iter() {
            let part = (*part)?;
            if part.stream == occurrence.stream {
                from = from.min(part.character);
                to = to.max(part.character_end);
            }
            first_end = first_end.min(part.character_end);
            last_start = last_start.max(part.character);
        }
        if rule.near.is_some_and(|near| last_start.saturating_sub(first_end) > near) {
            return None;
        }
        let regex = rule.regex.as_ref().map(|_| rule.near.unwrap_or(REGEX_CHARACTERS).min(REGEX_CHARACTERS));
        let exception = if rule.has_exception { rule.near.or(eager.then_some(0)) } else { Some(0) };
        let deadline = exception.map(|near| to.saturating_add(near.max(regex.unwrap_or(0))));
        Some(Pending { last: *occurrence, use_index: 0, from, to, deadline })
    }

    fn except(&mut self, rule: &CompiledRule, occurrence: &Occurrence) {
        match rule.near {
            None => {
                self.cancelled = true;
                self.pending.clear();
            }
            Some(near) => {
                let place = (occurrence.character, occurrence.character_end);
                self.exceptions[occurrence.stream as usize] = Some(place);
                self.pending.retain(|pending| {
                    pending.last.stream != occurrence.stream || distance((pending.from, pending.to), place) > near
                });
            }
        }
    }

    fn excepted(&self, rule: &CompiledRule, complete: &Pending) -> bool {
        let (Some(near), Some(place)) = (rule.near, self.exceptions[complete.last.stream as usize]) else {
            return false;
        };
        distance((complete.from, complete.to), place) <= near
    }
}

/// Characters between two stretches of text; 0 if they touch or overlap.
fn distance(one: (u32, u32), other: (u32, u32)) -> u32 {
    one.0.max(other.0).saturating_sub(one.1.min(other.1))
}

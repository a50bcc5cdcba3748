//! How far one rule has come in one body.

use std::collections::VecDeque;

use super::{
    super::{compile::CompiledRule, finding::Occurrence},
    covering::Covering,
};
use crate::engine::text::Stream;

/// Characters on each side of a hit that a regular expression sees, where `near` does not say less.
pub(super) const REGEX_CHARACTERS: u32 = 64;

/// Complete hits kept of one rule that are not certain: the first ones, because they are certain
/// first, and the last ones, because an exception may undo the first. One of them is enough for the
/// rule to hit.
const PENDING_MAX: usize = 16;

#[derive(Clone, Debug, Default)]
pub(super) struct RuleState {
    pub(super) hit: bool,
    /// It is among the view's rules of which something waits.
    pub(super) listed: bool,
    /// An exception stands somewhere on the page, and the rule has no `near`.
    cancelled: bool,
    /// The latest occurrence per slot; with `near`, per stream and slot.
    slots: [Vec<Option<Occurrence>>; Stream::ALL.len()],
    /// The latest exception per stream; where phrases wait for what covers them, all that may be near
    /// one that waits.
    exceptions: [VecDeque<(u32, u32)>; Stream::ALL.len()],
    /// Phrases that a longer exception may still cover.
    pub(super) covering: Option<Box<Covering>>,
    pending: Vec<Pending>,
}

/// When something is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// It is.
    Known,
    /// When the stream has gone beyond this character.
    Beyond(u32),
    /// At the end of what is held.
    End,
}

/// A complete rule that may still be undone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    /// What completed it.
    pub(super) last: Occurrence,
    pub(super) use_index: u32,
    /// Its parts' first character and the one behind the last.
    pub(super) from: u32,
    pub(super) to: u32,
    /// Not certain before the body has been read so far.
    pub(super) seen: u64,
    until: Until,
}

/// What of a rule waits for more text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Waiting {
    /// The first phrase of its stream, for an exception that contains it.
    Phrase(Occurrence),
    /// A complete rule, for an exception or a regular expression.
    Hit(Occurrence),
}

impl RuleState {
    /// Puts an occurrence into its slot; the hit, if the rule is complete with it.
    pub(super) fn fill(
        &mut self,
        rule: &CompiledRule,
        occurrence: &Occurrence,
        (slot, use_index): (u16, u32),
        seen: u64,
        eager: bool,
    ) -> Option<Pending> {
        let stream = if rule.near.is_some() { occurrence.stream as usize } else { 0 };
        let slots = &mut self.slots[stream];
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
        let regex = rule.regex.as_ref().map_or(0, |_| rule.near.unwrap_or(REGEX_CHARACTERS).min(REGEX_CHARACTERS));
        let exception = match (rule.exception_characters, rule.near) {
            (None, _) => Some(0),
            // An exception that begins near is waited for until it ends.
            (Some(characters), Some(near)) => Some(near.saturating_add(characters)),
            (Some(_), None) => eager.then_some(0),
        };
        let until = exception.map_or(Until::End, |exception| Until::Beyond(to.saturating_add(exception.max(regex))));
        Some(Pending { last: *occurrence, use_index, from, to, seen, until })
    }

    /// Lets a complete hit wait.
    pub(super) fn wait(&mut self, pending: Pending) {
        if self.pending.len() >= PENDING_MAX {
            self.pending.remove(PENDING_MAX / 2);
        }
        self.pending.push(pending);
    }

    /// Takes a hit that waited.
    pub(super) fn take_pending(&mut self, last: &Occurrence) -> Option<Pending> {
        let at = self.pending.iter().position(|pending| pending.last == *last)?;
        Some(self.pending.remove(at))
    }

    /// An exception that cancels.
    pub(super) fn except(&mut self, rule: &CompiledRule, occurrence: &Occurrence) {
        let Some(near) = rule.near else {
            self.cancelled = true;
            self.pending.clear();
            return;
        };
        let place = (occurrence.character, occurrence.character_end);
        let exceptions = &mut self.exceptions[occurrence.stream as usize];
        let reach = rule.cover_characters.map_or(0, |reach| reach.saturating_add(near.saturating_mul(2)));
        while exceptions.front().is_some_and(|old| reach == 0 || old.1.saturating_add(reach) < place.0) {
            exceptions.pop_front();
        }
        exceptions.push_back(place);
        self.pending.retain(|pending| {
            let in_time = match pending.until {
                Until::Beyond(character) => place.1 <= character,
                Until::Known | Until::End => true,
            };
            let near_by = in_time && distance((pending.from, pending.to), place) <= near;
            pending.last.stream != occurrence.stream || !near_by
        });
    }

    /// Whether an exception that was seen undoes a complete hit.
    pub(super) fn excepted(&self, rule: &CompiledRule, complete: &Pending) -> bool {
        let Some(near) = rule.near else { return self.cancelled };
        let exceptions = &self.exceptions[complete.last.stream as usize];
        let first = exceptions.partition_point(|place| place.1.saturating_add(near) < complete.from);
        let end = complete.to.saturating_add(near).saturating_add(rule.exception_characters.unwrap_or(0));
        let mut near_by = exceptions.range(first..).take_while(|place| place.1 <= end);
        near_by.any(|place| distance((complete.from, complete.to), *place) <= near)
    }

    /// The rule hits: nothing waits for that any more.
    pub(super) fn has_hit(&mut self) {
        self.hit = true;
        self.pending.clear();
    }

    /// What waits and may be certain first, until when, and the offset before which it is not certain.
    pub(super) fn waiting(&self, rule: &CompiledRule) -> impl Iterator<Item = (Waiting, Until, u64)> + '_ {
        let reach = rule.cover_characters.unwrap_or(0);
        let phrases = self.covering.iter().flat_map(move |covering| covering.first(reach));
        let phrases = phrases.map(|(phrase, until)| (Waiting::Phrase(phrase), until, phrase.seen));
        let pending = self.pending.iter().map(|item| (Waiting::Hit(item.last), item.until, item.seen));
        phrases.chain(pending)
    }

    /// The phrases that wait, and those that completed what waits.
    pub(super) fn open(&self) -> impl Iterator<Item = &Occurrence> {
        let phrases = self.covering.iter().flat_map(|covering| covering.phrases());
        phrases.chain(self.pending.iter().map(|pending| &pending.last))
    }
}

impl Waiting {
    /// The phrase that waits, or that completed what waits.
    pub(super) fn last(&self) -> &Occurrence {
        match self {
            Self::Phrase(occurrence) | Self::Hit(occurrence) => occurrence,
        }
    }
}

/// Characters between two stretches of text; 0 if they touch or overlap.
fn distance(one: (u32, u32), other: (u32, u32)) -> u32 {
    one.0.max(other.0).saturating_sub(one.1.min(other.1))
}

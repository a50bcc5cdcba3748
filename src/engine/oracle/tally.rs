//! What the rules say to the phrases of a whole document: each rule for itself, and then the sum.

use std::{collections::BTreeSet, sync::Arc};

use regex_automata::meta::Regex;

use super::naive::{Occurrence, Text, Verdict};
use crate::{
    base::ByteSpan,
    engine::{
        rules::{Action, Lane, Mode, Pack, Rule},
        text::Stream,
    },
};

/// Characters on each side of a hit that a regular expression sees, at most.
const REGEX_CHARACTERS: u32 = 64;

/// Characters of an excerpt on each side.
const EXCERPT_CHARACTERS: u32 = 20;

type Texts = [Text; Stream::ALL.len()];

/// Whether a rule looks at a stream. The strings of a JSON document become the text of some page.
pub(super) fn reads(rule: &Rule, stream: Stream, json: bool) -> bool {
    rule.lanes.contains(stream.lane()) || (json && rule.lanes.contains(Lane::Text))
}

/// Sums up what the rules in force say.
pub(super) fn tally(
    packs: &[Pack],
    in_force: &dyn Fn(&&Rule) -> bool,
    occurrences: &dyn Fn(&Rule) -> Vec<Occurrence>,
    texts: &Texts,
    end: u64,
) -> Verdict {
    let mut verdict = Verdict::default();
    for pack in packs {
        let mut score = None;
        let mut found = false;
        let mut masks = BTreeSet::new();
        for rule in pack.rules.iter().filter(in_force) {
            let occurrences = occurrences(rule);
            let Some(hit) = hit(rule, &occurrences, texts, end) else { continue };
            found = true;
            let phrase = [&rule.any, &rule.all, &rule.none].into_iter().flatten().nth(hit.phrase);
            let phrase = phrase.map_or("", |phrase| &phrase.text);
            let excerpt = excerpt(&texts[hit.stream as usize], hit.characters);
            verdict.findings.push((Arc::clone(&rule.id), phrase.into(), hit.span, hit.stream, excerpt));
            if rule.mode == Mode::On {
                *score.get_or_insert(0) += rule.weight;
                let parts = occurrences.iter().filter(|occurrence| part(rule, occurrence).is_some());
                masks.extend(parts.flat_map(|occurrence| occurrence.letters.iter().copied()));
            }
        }
        let score_or_none = score.unwrap_or(0);
        let action = score.filter(|&score| score >= pack.threshold).map(|_| pack.action);
        if found {
            // A category with nothing but shadow hits has the score 0, and no threshold is lower than 1.
            verdict.categories.push((Arc::clone(&pack.id), score_or_none, action));
        }
        verdict.action = verdict.action.max(action);
        if action == Some(Action::Mask) {
            verdict.masks.extend(masks);
        }
    }
    verdict.findings.sort_by(|one, other| (one.2, &one.0).cmp(&(other.2, &other.0)));
    verdict.categories.sort();
    verdict
}

/// The part of a rule that an occurrence is: one of `any`, or one certain of `all`; `None` is an
/// exception.
fn part(rule: &Rule, occurrence: &Occurrence) -> Option<usize> {
    let number = occurrence.phrase;
    match number.checked_sub(rule.any.len()) {
        None => Some(0),
        Some(all) if all < rule.all.len() => Some(all + usize::from(!rule.any.is_empty())),
        Some(_) => None,
    }
}

/// The occurrence that completes a rule first, of those that nothing undoes.
fn hit<'o>(rule: &Rule, occurrences: &'o [Occurrence], texts: &Texts, end: u64) -> Option<&'o Occurrence> {
    let exceptions: Vec<&Occurrence> = occurrences.iter().filter(|item| part(rule, item).is_none()).collect();
    if rule.near.is_none() && !exceptions.is_empty() {
        return None;
    }
    let completions = (0..occurrences.len()).filter_map(|last| {
        let place = complete(rule, &occurrences[..=last])?;
        let last = &occurrences[last];
        let excepted = exceptions.iter().any(|exception| {
            exception.stream == last.stream
                && rule.near.is_some_and(|near| distance(place, exception.characters) <= near)
        });
        let known = certain(rule, last, place, texts, end);
        (!excepted && confirmed(rule, place, &texts[last.stream as usize], known)).then_some((known, last))
    });
    completions.min().map(|completion| completion.1)
}

/// Whether the last of these occurrences completes the rule with the latest one of each other part;
/// from and to which character of its stream it then reaches.
fn complete(rule: &Rule, occurrences: &[Occurrence]) -> Option<(u32, u32)> {
    let last = occurrences.last()?;
    part(rule, last)?;
    let parts = usize::from(!rule.any.is_empty()) + rule.all.len();
    let together = |item: &&Occurrence| rule.near.is_none() || item.stream == last.stream;
    let latest = (0..parts)
        .map(|number| occurrences.iter().rev().filter(together).find(|item| part(rule, item) == Some(number)))
        .collect::<Option<Vec<&Occurrence>>>()?;
    let last_start = latest.iter().map(|item| item.characters.0).max()?;
    let first_end = latest.iter().map(|item| item.characters.1).min()?;
    if rule.near.is_some_and(|near| last_start.saturating_sub(first_end) > near) {
        return None;
    }
    let here = latest.iter().filter(|item| item.stream == last.stream);
    let from = here.clone().map(|item| item.characters.0).min()?;
    Some((from, here.map(|item| item.characters.1).max()?))
}

/// What the body has to be read up to, before nothing can undo a complete rule any more.
fn certain(rule: &Rule, last: &Occurrence, place: (u32, u32), texts: &Texts, end: u64) -> u64 {
    let exception = if rule.none.is_empty() { Some(0) } else { rule.near };
    let Some(exception) = exception else { return end };
    if rule.none.is_empty() && rule.regex.is_none() {
        return last.seen;
    }
    let ahead = exception.max(if rule.regex.is_some() { around(rule) } else { 0 });
    let beyond = (place.1 + ahead + 1) as usize;
    texts[last.stream as usize].shown.get(beyond).map_or(end, |item| item.1)
}

fn around(rule: &Rule) -> u32 {
    rule.near.unwrap_or(REGEX_CHARACTERS).min(REGEX_CHARACTERS)
}

fn confirmed(rule: &Rule, place: (u32, u32), text: &Text, known: u64) -> bool {
    rule.regex.as_ref().is_none_or(|regex| {
        let from = place.0.saturating_sub(around(rule));
        let window: String = characters(text, from, place.1 + around(rule), known);
        Regex::new(&regex.text).is_ok_and(|regex| regex.is_match(&window))
    })
}

fn characters(text: &Text, from: u32, to: u32, known: u64) -> String {
    let shown = text.shown.iter().take(to as usize).skip(from as usize);
    shown.filter(|item| item.1 <= known).map(|item| item.0).collect()
}

fn excerpt(text: &Text, (from, to): (u32, u32)) -> String {
    let shown = characters(text, from.saturating_sub(EXCERPT_CHARACTERS), to + EXCERPT_CHARACTERS, u64::MAX);
    format!("…{shown}…")
}

/// Characters between two stretches of text; 0 if they touch or overlap.
fn distance(one: (u32, u32), other: (u32, u32)) -> u32 {
    one.0.max(other.0).saturating_sub(one.1.min(other.1))
}

/// Whether a byte belongs to one of the spans.
pub(super) fn covers(spans: &[ByteSpan], at: usize) -> bool {
    spans.iter().any(|span| (span.start..span.end).contains(&(at as u64)))
}

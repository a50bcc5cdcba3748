//! What the rules say to the phrases of a whole document: each rule for itself, and then the sum.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use regex_automata::meta::Regex;

use super::naive::{Occurrence, Text};
use crate::{
    base::{ByteSpan, Date},
    engine::{
        rules::{Action, Mode, Pack, Phrase, Rule},
        text::{
            Stream,
            fold::{Folded, Folding},
        },
    },
};

/// Characters on each side of a hit that a regular expression sees, at most.
const REGEX_CHARACTERS: u32 = 64;

/// Characters of an excerpt on each side.
const EXCERPT_CHARACTERS: u32 = 20;

type Texts = [Text; Stream::ALL.len()];

/// What a whole document amounts to.
#[derive(Debug, Default)]
pub struct Verdict {
    /// By the id of a rule that hits: everything that completes it and that nothing undoes.
    pub hits: BTreeMap<Arc<str>, Vec<Hit>>,
    /// Category, score, and what follows.
    pub categories: Vec<(Arc<str>, i32, Option<Action>)>,
    /// The strongest action of all.
    pub action: Option<Action>,
    /// What is to be masked, if nothing worse follows.
    pub masks: BTreeSet<ByteSpan>,
}

/// A phrase that completes a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// As its author wrote it.
    pub phrase: String,
    /// Where it stands in the body.
    pub span: ByteSpan,
    /// In which stream.
    pub stream: Stream,
    /// The characters around it.
    pub excerpt: String,
}

/// A pack on which a document is judged, as it is shown or with what is hidden.
#[derive(Default)]
struct Account {
    hits: BTreeMap<Arc<str>, Vec<Hit>>,
    score: i32,
    action: Option<Action>,
    masks: BTreeSet<ByteSpan>,
}

/// Sums up what the rules in force say. A document is judged as it is shown, and again with what its
/// own styles hide; the worse counts.
pub(super) fn tally(
    folding: &Folding,
    packs: &[Pack],
    today: Date,
    occurrences: &dyn Fn(&Rule) -> Vec<Occurrence>,
    texts: &Texts,
) -> Verdict {
    let mut verdict = Verdict::default();
    for pack in packs {
        let accounts = [false, true].map(|hidden| {
            let rules = pack.rules.iter().filter(|rule| rule.is_in_force(today));
            let found = rules.map(|rule| {
                let occurrences = occurrences(rule).into_iter();
                (rule, occurrences.filter(|item| hidden || item.stream != Stream::Hidden).collect())
            });
            account(folding, pack, found.collect(), texts)
        });
        for account in &accounts {
            verdict.action = verdict.action.max(account.action);
            if account.action == Some(Action::Mask) {
                verdict.masks.extend(&account.masks);
            }
        }
        let worse = accounts.into_iter().max_by_key(|account| account.score);
        if let Some(account) = worse.filter(|account| !account.hits.is_empty()) {
            verdict.categories.push((Arc::clone(&pack.id), account.score, account.action));
            verdict.hits.extend(account.hits);
        }
    }
    verdict.categories.sort();
    verdict
}

fn account(folding: &Folding, pack: &Pack, found: Vec<(&Rule, Vec<Occurrence>)>, texts: &Texts) -> Account {
    let mut account = Account::default();
    let mut acts = false;
    for (rule, occurrences) in found {
        let exceptions = occurrences.iter().filter(|item| part(rule, item).is_none());
        let (covers, cancels): (Vec<&Occurrence>, Vec<&Occurrence>) =
            exceptions.partition(|item| is_cover(folding, rule, item));
        let counted: Vec<&Occurrence> = occurrences
            .iter()
            .filter(|item| part(rule, item).is_some() && !covers.iter().any(|cover| contains(cover, item)))
            .collect();
        let hits = hits(folding, rule, &counted, &cancels, texts);
        if hits.is_empty() {
            continue;
        }
        account.hits.insert(Arc::clone(&rule.id), hits);
        if rule.mode == Mode::On {
            acts = true;
            account.score += rule.weight;
            account.masks.extend(counted.iter().flat_map(|item| &item.letters));
        }
    }
    account.action = (acts && account.score >= pack.threshold).then_some(pack.action);
    account
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

fn phrase<'r>(rule: &'r Rule, occurrence: &Occurrence) -> &'r Phrase {
    let phrases: Vec<&Phrase> = [&rule.any, &rule.all, &rule.none].into_iter().flatten().collect();
    phrases[occurrence.phrase]
}

/// Whether an exception is a longer phrase around one of the rule's own: it covers that one; any
/// other exception cancels.
fn is_cover(folding: &Folding, rule: &Rule, exception: &Occurrence) -> bool {
    let outer = folding.phrase(&phrase(rule, exception).text);
    rule.any.iter().chain(&rule.all).any(|own| {
        let inner = folding.phrase(&own.text);
        outer.windows(inner.len()).any(|window| *window == inner[..])
    })
}

fn contains(outer: &Occurrence, inner: &Occurrence) -> bool {
    outer.stream == inner.stream && outer.character <= inner.character && inner.character_end <= outer.character_end
}

/// Everything that completes a rule and that nothing undoes.
fn hits(folding: &Folding, rule: &Rule, counted: &[&Occurrence], cancels: &[&Occurrence], texts: &Texts) -> Vec<Hit> {
    if rule.near.is_none() && !cancels.is_empty() {
        return Vec::new();
    }
    let complete = |last: usize| {
        let place = complete(rule, &counted[..=last])?;
        let last = counted[last];
        let text = &texts[last.stream as usize];
        let cancelled = cancels.iter().any(|cancel| {
            cancel.stream == last.stream
                && rule.near.is_some_and(|near| distance(place, (cancel.character, cancel.character_end)) <= near)
        });
        (!cancelled && confirmed(folding, rule, place, text)).then(|| Hit {
            phrase: phrase(rule, last).text.clone(),
            span: last.span,
            stream: last.stream,
            excerpt: window(text, (last.character, last.character_end), EXCERPT_CHARACTERS),
        })
    };
    (0..counted.len()).filter_map(complete).collect()
}

/// Whether the last of these occurrences completes the rule with the latest one of each other part;
/// from and to which character of its stream it then reaches.
fn complete(rule: &Rule, counted: &[&Occurrence]) -> Option<(u32, u32)> {
    let last = counted.last()?;
    let parts = usize::from(!rule.any.is_empty()) + rule.all.len();
    let together = |item: &&&Occurrence| rule.near.is_none() || item.stream == last.stream;
    let latest = (0..parts)
        .map(|number| counted.iter().rev().filter(together).find(|item| part(rule, item) == Some(number)))
        .collect::<Option<Vec<&&Occurrence>>>()?;
    let last_start = latest.iter().map(|item| item.character).max()?;
    let first_end = latest.iter().map(|item| item.character_end).min()?;
    if rule.near.is_some_and(|near| last_start.saturating_sub(first_end) > near) {
        return None;
    }
    let here = latest.iter().filter(|item| item.stream == last.stream);
    let from = here.clone().map(|item| item.character).min()?;
    Some((from, here.map(|item| item.character_end).max()?))
}

/// Whether the regular expression of a rule matches around a hit, as it is written or as it folds.
fn confirmed(folding: &Folding, rule: &Rule, place: (u32, u32), text: &Text) -> bool {
    rule.regex.as_ref().is_none_or(|regex| {
        let window = window(text, place, rule.near.unwrap_or(REGEX_CHARACTERS).min(REGEX_CHARACTERS));
        let folded = window.chars().flat_map(|c| folding.fold(c)).filter_map(|part| match part {
            Folded::Letter(c) | Folded::Ideograph(c) => Some(c),
            Folded::Free | Folded::Noise | Folded::Space => None,
        });
        let folded: String = folded.collect();
        Regex::new(&regex.text).is_ok_and(|regex| regex.is_match(&window) || regex.is_match(&folded))
    })
}

/// The characters of a place and so many before and behind it.
fn window(text: &Text, (from, to): (u32, u32), around: u32) -> String {
    let from = from.saturating_sub(around) as usize;
    text.shown.iter().take((to + around) as usize).skip(from).collect()
}

/// Characters between two stretches of text; 0 if they touch or overlap.
fn distance(one: (u32, u32), other: (u32, u32)) -> u32 {
    one.0.max(other.0).saturating_sub(one.1.min(other.1))
}

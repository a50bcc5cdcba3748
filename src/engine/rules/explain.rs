//! Why a rule hit, and why another one nearly did.
//!
//! This is the slow way to the same answer as the [`Tally`](super::Tally)'s: over the [`Trace`] of a
//! whole body, rule by rule, straight from the definition. The rules are compiled once more for it,
//! with those that are off or expired, for all lanes and for as much noise as a rule may allow.

use std::{collections::HashMap, sync::Arc};

use super::{
    Finding, Lane, LaneSet, Mode, Occurrence, Pack, Rule, RuleSet, Trace, compile::Part, confirm::Confirmation,
};
use crate::{
    base::{ByteSpan, Date, Problem},
    engine::text::{
        Stream,
        fold::{Folding, Reading},
    },
};

/// Packs, compiled to be explained.
pub struct Explainer<'p> {
    packs: &'p [Pack],
    today: Date,
    set: Arc<RuleSet>,
    folding: Folding,
}

/// What one rule made of one body.
#[derive(Clone, Debug)]
pub struct RuleExplanation<'p> {
    /// The rule.
    pub rule: &'p Rule,
    /// Its finding, if it hit.
    pub finding: Option<Finding>,
    /// Where the parts that it needs were seen, in order of place; of each phrase in each stream the
    /// first ones.
    pub seen: Vec<Sighting>,
    /// What stood in the way; empty if it hit.
    pub obstacles: Vec<Obstacle>,
}

/// A phrase of a rule at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The phrase as its author wrote it.
    pub phrase: Arc<str>,
    /// In which stream.
    pub stream: Stream,
    /// Where in the decoded body.
    pub span: ByteSpan,
    /// The widest noise inside it, in characters.
    pub gap: u8,
    /// The text around it.
    pub excerpt: String,
    place: (u32, u32),
}

/// Why a rule did not hit though a phrase of it was seen. Closed; alphabetical.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// An exception stands (near enough).
    Cancelled(Sighting),
    /// The first lies inside the second, a longer exception.
    Covered(Sighting, Sighting),
    /// The rule was in force up to this day.
    Expired(Date),
    /// A part is nowhere to be seen (or only where other obstacles say): one of these phrases.
    Missing(Vec<Arc<str>>),
    /// It is complete, but the regular expression does not match around it.
    NotConfirmed(String),
    /// The rule is off.
    Off,
    /// A part was seen in a lane that the rule does not look at.
    OutsideLanes(Sighting),
    /// The parts stand so many characters apart at best; `None`: never in the same lane.
    TooFar(Option<u32>),
    /// A part was seen with more noise inside than the rule's gap allows.
    TooNoisy(Sighting),
    /// By what was read in the end it would hit; it was decided before.
    TooLate,
}

/// Sightings shown of one phrase in one stream.
const SIGHTINGS_MAX: usize = 3;
/// Sightings of one rule that are put together.
const COMBINED_MAX: usize = 512;
const EXCERPT_CHARACTERS: u32 = 20;
const REGEX_CHARACTERS: u32 = 64;
const GAP_MAX: u8 = 16;

impl<'p> Explainer<'p> {
    /// Compiles packs for explanations.
    ///
    /// # Errors
    /// As [`RuleSet::compile`], for rules that are off or expired as well.
    pub fn new(packs: &'p [Pack], today: Date) -> Result<Self, Vec<Problem>> {
        let mut all = packs.to_vec();
        for rule in all.iter_mut().flat_map(|pack| &mut pack.rules) {
            rule.mode = Mode::On;
            rule.expires = None;
            rule.gap = GAP_MAX;
            rule.lanes = Lane::ALL.into_iter().fold(LaneSet::NONE, LaneSet::with);
        }
        let set = Arc::new(RuleSet::compile(&all, today)?);
        Ok(Self { packs, today, set, folding: Folding::new(Reading::Looks) })
    }

    /// What a body is to be traced with.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.set
    }

    /// Explains each rule of which a part was seen, in the order of the packs. `trace` is of the whole
    /// body, `findings` what the rules in force found in it.
    pub fn explain(&self, trace: &Trace, findings: &[Finding]) -> Vec<(&'p Pack, Vec<RuleExplanation<'p>>)> {
        let mut by_rule: HashMap<&str, Vec<(Part, Sighting)>> = HashMap::new();
        for occurrence in &trace.occurrences {
            for index in self.set.uses_of(occurrence.pattern) {
                let item = &self.set.uses[index];
                let rule = &self.set.rules[item.rule as usize];
                by_rule.entry(&rule.id).or_default().push((item.part, sighting(trace, &item.phrase, occurrence)));
            }
        }
        let explained = |pack: &'p Pack| {
            let rules = pack.rules.iter().filter_map(|rule| {
                let finding = findings.iter().find(|finding| finding.rule == rule.id).cloned();
                let seen = by_rule.get(rule.id.as_ref()).map_or(&[][..], |seen| seen);
                let parts = seen.iter().filter(|it| matches!(it.0, Part::Slot(_)));
                let shown = first_of_each(parts.map(|it| &it.1));
                if shown.is_empty() && finding.is_none() {
                    return None;
                }
                let obstacles = if finding.is_some() { Vec::new() } else { self.obstacles(rule, trace, seen) };
                Some(RuleExplanation { rule, finding, seen: shown, obstacles })
            });
            (pack, rules.collect::<Vec<_>>())
        };
        self.packs.iter().map(explained).filter(|(_, rules)| !rules.is_empty()).collect()
    }

    fn obstacles(&self, rule: &'p Rule, trace: &Trace, seen: &[(Part, Sighting)]) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        if rule.mode == Mode::Off {
            obstacles.push(Obstacle::Off);
        }
        if let Some(day) = rule.expires.filter(|&day| day < self.today) {
            obstacles.push(Obstacle::Expired(day));
        }
        let looked_at = |stream: Stream| rule.lanes.reads(stream, trace.json);
        let usable = |it: &&(Part, Sighting)| looked_at(it.1.stream) && it.1.gap <= rule.gap;
        let of = |part: Part| seen.iter().filter(move |it| it.0 == part).filter(usable).map(|it| &it.1);
        let covers: Vec<&Sighting> = of(Part::Cover).collect();
        let cover = |it: &Sighting| {
            covers
                .iter()
                .find(|cover| cover.stream == it.stream && cover.place.0 <= it.place.0 && it.place.1 <= cover.place.1)
        };
        let mut slots: Vec<Vec<&Sighting>> = Vec::new();
        for slot in 0..rule.slots() {
            let open: Vec<&Sighting> = of(Part::Slot(slot)).filter(|it| cover(it).is_none()).collect();
            if open.is_empty() {
                let elsewhere = seen.iter().filter(|it| it.0 == Part::Slot(slot)).map(|it| &it.1);
                obstacles.extend(first_of_each(elsewhere).into_iter().map(|it| {
                    if !looked_at(it.stream) {
                        Obstacle::OutsideLanes(it)
                    } else if it.gap > rule.gap {
                        Obstacle::TooNoisy(it)
                    } else {
                        let by = cover(&it).map_or_else(|| it.clone(), |by| (*by).clone());
                        Obstacle::Covered(it, by)
                    }
                }));
                let phrases = rule.parts().filter(|part| part.0 == slot).map(|part| part.1.text.as_str().into());
                obstacles.push(Obstacle::Missing(phrases.collect()));
            }
            slots.push(open);
        }
        if slots.iter().any(Vec::is_empty) {
            return obstacles;
        }
        obstacles.extend(self.why_not_complete(rule, trace, &slots, &of(Part::Exception).collect::<Vec<_>>()));
        if obstacles.is_empty() {
            obstacles.push(Obstacle::TooLate);
        }
        obstacles
    }

    /// What keeps parts that were all seen from being a hit.
    fn why_not_complete(
        &self,
        rule: &Rule,
        trace: &Trace,
        slots: &[Vec<&Sighting>],
        exceptions: &[&Sighting],
    ) -> Option<Obstacle> {
        let combined = combinations(rule, slots);
        let near = rule.near.unwrap_or(u32::MAX);
        let mut complete = combined.iter().filter(|it| it.apart <= near).peekable();
        if complete.peek().is_none() {
            return Some(Obstacle::TooFar(combined.iter().map(|it| it.apart).min()));
        }
        let mut why = None;
        for it in complete {
            let cancels = |exception: &&&Sighting| match rule.near {
                Some(near) => exception.stream == it.stream && distance(it.place, exception.place) <= near,
                // What is hidden excuses only what is hidden.
                None => exception.stream != Stream::Hidden || it.stream == Stream::Hidden,
            };
            why = match exceptions.iter().find(cancels) {
                Some(exception) => Some(Obstacle::Cancelled((**exception).clone())),
                None => self.unconfirmed(rule, trace, it),
            };
            why.as_ref()?;
        }
        why
    }

    fn unconfirmed(&self, rule: &Rule, trace: &Trace, it: &Combination) -> Option<Obstacle> {
        let regex = rule.regex.as_ref()?;
        let around = rule.near.unwrap_or(REGEX_CHARACTERS).min(REGEX_CHARACTERS);
        let window = trace.between(it.stream, it.place.0.saturating_sub(around), it.place.1.saturating_add(around));
        let confirmed = Confirmation::compile(regex).is_ok_and(|it| it.matches(&window, Some(&self.folding)));
        (!confirmed).then_some(Obstacle::NotConfirmed(window))
    }
}

/// One sighting of each part.
struct Combination {
    /// The stream of the one that ends last.
    stream: Stream,
    /// All parts in that stream.
    place: (u32, u32),
    apart: u32,
}

/// Around each sighting of each part the nearest ones of the others; without `near` the last before it.
fn combinations(rule: &Rule, slots: &[Vec<&Sighting>]) -> Vec<Combination> {
    let mut found = Vec::new();
    for anchor in slots.iter().flatten().take(COMBINED_MAX) {
        let nearest = slots.iter().map(|slot| {
            let here = slot.iter().filter(|it| rule.near.is_none() || it.stream == anchor.stream);
            here.min_by_key(|it| (it.stream != anchor.stream, distance(it.place, anchor.place)))
        });
        let Some(parts) = nearest.collect::<Option<Vec<_>>>() else { continue };
        let mut place = anchor.place;
        let (mut first_end, mut last_start) = anchor.place_reversed();
        for part in parts {
            if part.stream == anchor.stream {
                place = (place.0.min(part.place.0), place.1.max(part.place.1));
            }
            first_end = first_end.min(part.place.1);
            last_start = last_start.max(part.place.0);
        }
        let apart = if rule.near.is_some() { last_start.saturating_sub(first_end) } else { 0 };
        found.push(Combination { stream: anchor.stream, place, apart });
    }
    found
}

impl Sighting {
    fn place_reversed(&self) -> (u32, u32) {
        (self.place.1, self.place.0)
    }
}

fn sighting(trace: &Trace, phrase: &Arc<str>, it: &Occurrence) -> Sighting {
    let (from, to) = (it.character.saturating_sub(EXCERPT_CHARACTERS), it.character_end + EXCERPT_CHARACTERS);
    Sighting {
        phrase: Arc::clone(phrase),
        stream: it.stream,
        span: it.span,
        gap: it.gap,
        excerpt: format!("…{}…", trace.between(it.stream, from, to)),
        place: (it.character, it.character_end),
    }
}

fn first_of_each<'s>(sightings: impl Iterator<Item = &'s Sighting>) -> Vec<Sighting> {
    let mut counts: HashMap<(Arc<str>, Stream), usize> = HashMap::new();
    let mut first: Vec<Sighting> = sightings
        .filter(|it| {
            let count = counts.entry((Arc::clone(&it.phrase), it.stream)).or_default();
            *count += 1;
            *count <= SIGHTINGS_MAX
        })
        .cloned()
        .collect();
    first.sort_by_key(|it| (it.span, it.stream));
    first
}

/// Characters between two stretches of text; 0 if they touch or overlap.
fn distance(one: (u32, u32), other: (u32, u32)) -> u32 {
    one.0.max(other.0).saturating_sub(one.1.min(other.1))
}

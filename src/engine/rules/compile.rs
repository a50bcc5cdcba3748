//! Packs → [`RuleSet`]: what all cores share.

use std::sync::Arc;

use regex_automata::meta::Regex;

use super::pack::{Action, Class, LaneSet, Mode, Pack, Phrase, Rule};
use crate::{
    base::{Date, Problem},
    engine::{
        matcher::{PatternSet, PatternSetBuilder},
        text::fold::{Folding, Reading},
    },
};

/// The rules in force, compiled. Immutable.
#[derive(Debug)]
pub struct RuleSet {
    pub(super) patterns: PatternSet,
    /// What each pattern is used for: pattern p has `uses[use_starts[p]..use_starts[p + 1]]`.
    pub(super) uses: Vec<Use>,
    pub(super) use_starts: Vec<u32>,
    pub(super) rules: Vec<CompiledRule>,
    pub(super) categories: Vec<Category>,
    lanes: LaneSet,
    phrases: usize,
    next_expiry: Option<Date>,
    fingerprint: [u8; 32],
}

/// One phrase of one rule.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) rule: u32,
    pub(super) part: Part,
    /// The phrase as its author wrote it.
    pub(super) phrase: Arc<str>,
}

/// What a phrase is to its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Fills a slot; the rule hits when all are filled.
    Slot(u16),
    /// Cancels a hit.
    Exception,
}

/// A rule as the tally works with it.
#[derive(Debug)]
pub(super) struct CompiledRule {
    pub(super) id: Arc<str>,
    pub(super) category: u32,
    pub(super) weight: i32,
    pub(super) mode: Mode,
    pub(super) slots: u16,
    pub(super) near: Option<u32>,
    pub(super) gap: u8,
    pub(super) lanes: LaneSet,
    pub(super) has_exception: bool,
    pub(super) regex: Option<Regex>,
}

/// A pack as the tally works with it.
#[derive(Debug)]
pub(super) struct Category {
    pub(super) id: Arc<str>,
    pub(super) title: Arc<str>,
    pub(super) class: Class,
    pub(super) action: Action,
    pub(super) threshold: i32,
}

/// A compiled regular expression may take so much memory.
const REGEX_BYTES_MAX: usize = 1 << 20;

impl RuleSet {
    /// Compiles the rules that are in force on a day: not `off`, not expired.
    ///
    /// # Errors
    /// Phrases that fold to nothing and regular expressions that do not compile, all at once.
    pub fn compile(packs: &[Pack], today: Date) -> Result<Self, Vec<Problem>> {
        let folding = Folding::new(Reading::Looks);
        let mut builder = PatternSetBuilder::new(&folding);
        let mut problems = Vec::new();
        let mut uses: Vec<(u32, Use)> = Vec::new();
        let mut set = Parts::default();
        for pack in packs {
            let category = set.categories.len() as u32;
            set.categories.push(Category {
                id: Arc::clone(&pack.id),
                title: pack.title.as_str().into(),
                class: pack.class,
                action: pack.action,
                threshold: pack.threshold,
            });
            for rule in &pack.rules {
                let in_force = rule.mode != Mode::Off && rule.expires.is_none_or(|last| last >= today);
                if !in_force {
                    continue;
                }
                set.next_expiry = [set.next_expiry, rule.expires].into_iter().flatten().min();
                set.lanes = Some(set.lanes.unwrap_or(LaneSet::NONE).union(rule.lanes));
                let number = set.rules.len() as u32;
                for (part, phrase) in parts(rule) {
                    set.phrases += 1;
                    match builder.add(&phrase.text, rule.gap) {
                        Some(pattern) => {
                            uses.push((pattern, Use { rule: number, part, phrase: phrase.text.as_str().into() }));
                        }
                        None => problems.push(folds_away(phrase)),
                    }
                }
                let regex = rule.regex.as_ref().and_then(|phrase| compile_regex(phrase, &mut problems));
                set.rules.push(CompiledRule {
                    id: Arc::clone(&rule.id),
                    category,
                    weight: rule.weight,
                    mode: rule.mode,
                    slots: u16::from(!rule.any.is_empty()) + rule.all.len() as u16,
                    near: rule.near,
                    gap: rule.gap,
                    lanes: rule.lanes,
                    has_exception: !rule.none.is_empty(),
                    regex,
                });
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let patterns = builder.build();
        uses.sort_by_key(|(pattern, item)| (*pattern, item.rule));
        let use_starts =
            (0..=patterns.len() as u32).map(|pattern| uses.partition_point(|item| item.0 < pattern) as u32).collect();
        Ok(Self {
            patterns,
            uses: uses.into_iter().map(|item| item.1).collect(),
            use_starts,
            rules: set.rules,
            categories: set.categories,
            lanes: set.lanes.unwrap_or(LaneSet::NONE),
            phrases: set.phrases,
            next_expiry: set.next_expiry,
            fingerprint: fingerprint(packs, today),
        })
    }

    /// Number of rules in force.
    pub fn rules(&self) -> usize {
        self.rules.len()
    }

    /// Number of phrases in force.
    pub fn phrases(&self) -> usize {
        self.phrases
    }

    /// The last day of the rule that expires first; compile again on the day after.
    pub fn next_expiry(&self) -> Option<Date> {
        self.next_expiry
    }

    /// Tells this set of rules from any other.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// The lanes that some rule looks at.
    pub fn lanes(&self) -> LaneSet {
        self.lanes
    }

    /// The phrases.
    pub fn patterns(&self) -> &PatternSet {
        &self.patterns
    }

    /// Whether some category masks: then a coded body must go out decoded.
    pub fn masks(&self) -> bool {
        self.rules
            .iter()
            .any(|rule| rule.mode == Mode::On && self.categories[rule.category as usize].action == Action::Mask)
    }

    /// A category's name for people.
    pub fn category_title(&self, id: &str) -> Option<&str> {
        self.categories.iter().find(|category| &*category.id == id).map(|category| &*category.title)
    }

    /// Categories by id, each with its class and action.
    pub fn categories(&self) -> impl Iterator<Item = (&Arc<str>, Class, Action)> {
        self.categories.iter().map(|category| (&category.id, category.class, category.action))
    }
}

#[derive(Default)]
struct Parts {
    rules: Vec<CompiledRule>,
    categories: Vec<Category>,
    lanes: Option<LaneSet>,
    phrases: usize,
    next_expiry: Option<Date>,
}

fn parts(rule: &Rule) -> impl Iterator<Item = (Part, &Phrase)> {
    let any = rule.any.iter().map(|phrase| (Part::Slot(0), phrase));
    let first_all = u16::from(!rule.any.is_empty());
    let all = rule.all.iter().zip(first_all..).map(|(phrase, slot)| (Part::Slot(slot), phrase));
    let none = rule.none.iter().map(|phrase| (Part::Exception, phrase));
    any.chain(all).chain(none)
}

fn folds_away(phrase: &Phrase) -> Problem {
    let message = format!("the phrase {:?} folds to nothing: it has no letter, digit or ideograph", phrase.text);
    Problem::error(&phrase.path, phrase.line, phrase.column, message).help("remove it, or write what is to be found")
}

fn compile_regex(phrase: &Phrase, problems: &mut Vec<Problem>) -> Option<Regex> {
    let config = Regex::config().nfa_size_limit(Some(REGEX_BYTES_MAX)).hybrid_cache_capacity(REGEX_BYTES_MAX);
    let compiled = Regex::builder().configure(config).build(&phrase.text);
    compiled
        .map_err(|error| {
            let message = format!("the regular expression does not compile: {error}");
            problems.push(
                Problem::error(&phrase.path, phrase.line, phrase.column, message)
                    .help("look-around and back-references are not linear and not supported"),
            );
        })
        .ok()
}

/// A hash of everything that a verdict may depend on.
fn fingerprint(packs: &[Pack], today: Date) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let mut put = |part: &str| {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    };
    put(&today.to_string());
    for pack in packs {
        put(&format!("{} {:?} {:?} {} {}", pack.id, pack.class, pack.action, pack.threshold, pack.rules.len()));
        for rule in &pack.rules {
            let Rule { id, any, all, none, near, regex, weight, mode, lanes, gap, expires, .. } = rule;
            put(&format!("{id} {near:?} {weight} {mode:?} {lanes:?} {gap} {expires:?}"));
            for list in [any, all, none] {
                put(&list.len().to_string());
                list.iter().for_each(|phrase| put(&phrase.text));
            }
            put(regex.as_ref().map_or("", |regex| &regex.text));
        }
    }
    *hasher.finalize().as_bytes()
}

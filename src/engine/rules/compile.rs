//! Packs → [`RuleSet`]: what all cores share.

use std::{collections::HashSet, sync::Arc};

use super::{
    confirm::Confirmation,
    pack::{Action, Class, LaneSet, Mode, Pack, Phrase, Rule},
};
use crate::{
    base::{Date, Problem},
    engine::{
        matcher::{PatternSet, PatternSetBuilder},
        text::fold::{Folding, Reading, Token},
    },
};

/// The rules in force, compiled. Immutable.
#[derive(Debug)]
pub struct RuleSet {
    pub(super) patterns: PatternSet,
    /// What each pattern is used for: pattern p has `uses[use_starts[p]..use_starts[p + 1]]`.
    pub(super) uses: Vec<Use>,
    use_starts: Vec<u32>,
    pub(super) rules: Vec<CompiledRule>,
    pub(super) categories: Vec<Category>,
    /// What windows are folded with before a regular expression sees them, if there is one.
    pub(super) folding: Option<Folding>,
    lanes: LaneSet,
    phrases: usize,
    next_expiry: Option<Date>,
    fingerprint: [u8; 32],
}

/// Letters of the longest syllable of pinyin: zhuang.
const SYLLABLE_CHARACTERS_MAX: u32 = 6;

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
    /// An exception that contains a phrase of the rule: covers the phrases inside it.
    Cover,
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
    /// Characters of the longest exception that cancels, with all the noise it may have; `None`: there
    /// is no such exception.
    pub(super) exception_characters: Option<u32>,
    /// Characters by which an exception may end behind a phrase that it covers, with all the noise;
    /// `None`: no exception covers.
    pub(super) cover_characters: Option<u32>,
    pub(super) regex: Option<Confirmation>,
    /// Its occurrences may be masked.
    pub(super) masks: bool,
    /// This is a rule by sound; the same rule by looks has this number.
    pub(super) exact: Option<u32>,
    /// The same rule by sound has this number.
    pub(super) sound: Option<u32>,
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

impl RuleSet {
    /// Compiles the rules that are in force on a day: not `off`, not expired.
    ///
    /// # Errors
    /// Phrases that fold to nothing and regular expressions that do not compile, all at once.
    pub fn compile(packs: &[Pack], today: Date) -> Result<Self, Vec<Problem>> {
        let folding = Folding::new(Reading::Looks);
        let mut compiler = Compiler::new(&folding);
        for pack in packs {
            compiler.pack(pack, today);
        }
        let Compiler { patterns, mut uses, rules, categories, lanes, phrases, next_expiry, problems, .. } = compiler;
        if !problems.is_empty() {
            return Err(problems);
        }
        let patterns = patterns.build();
        uses.sort_by_key(|(pattern, item)| (*pattern, item.rule));
        let use_starts =
            (0..=patterns.len() as u32).map(|pattern| uses.partition_point(|item| item.0 < pattern) as u32).collect();
        let confirms = rules.iter().any(|rule| rule.regex.is_some());
        Ok(Self {
            patterns,
            uses: uses.into_iter().map(|item| item.1).collect(),
            use_starts,
            rules,
            categories,
            folding: confirms.then_some(folding),
            lanes,
            phrases,
            next_expiry,
            fingerprint: fingerprint(packs, today),
        })
    }

    /// Number of rules in force.
    pub fn rules(&self) -> usize {
        self.rules.iter().filter(|rule| rule.exact.is_none()).count()
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
        self.rules.iter().any(|rule| rule.masks)
    }

    /// Whether an occurrence of a pattern may call for a mask.
    pub(in crate::engine) fn may_mask(&self, pattern: u32) -> bool {
        let uses = &self.uses[self.uses_of(pattern)];
        uses.iter().any(|item| matches!(item.part, Part::Slot(_)) && self.rules[item.rule as usize].masks)
    }

    /// What a pattern is used for, as indices of `uses`.
    pub(super) fn uses_of(&self, pattern: u32) -> std::ops::Range<usize> {
        let start = |pattern: usize| self.use_starts[pattern] as usize;
        start(pattern as usize)..start(pattern as usize + 1)
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

/// What has been compiled so far.
struct Compiler<'f> {
    folding: &'f Folding,
    patterns: PatternSetBuilder<'f>,
    uses: Vec<(u32, Use)>,
    rules: Vec<CompiledRule>,
    categories: Vec<Category>,
    lanes: LaneSet,
    phrases: usize,
    next_expiry: Option<Date>,
    problems: Vec<Problem>,
}

impl<'f> Compiler<'f> {
    fn new(folding: &'f Folding) -> Self {
        Self {
            folding,
            patterns: PatternSetBuilder::new(folding),
            uses: Vec::new(),
            rules: Vec::new(),
            categories: Vec::new(),
            lanes: LaneSet::NONE,
            phrases: 0,
            next_expiry: None,
            problems: Vec::new(),
        }
    }

    fn pack(&mut self, pack: &Pack, today: Date) {
        self.categories.push(Category {
            id: Arc::clone(&pack.id),
            title: pack.title.as_str().into(),
            class: pack.class,
            action: pack.action,
            threshold: pack.threshold,
        });
        for rule in pack.rules.iter().filter(|rule| rule.is_in_force(today)) {
            self.next_expiry = [self.next_expiry, rule.expires].into_iter().flatten().min();
            self.lanes = self.lanes.union(rule.lanes);
            self.phrases += rule.any.len() + rule.all.len() + rule.none.len();
            let readings: &[Reading] = if rule.leet { &[Reading::Looks, Reading::Leet] } else { &[Reading::Looks] };
            let exact = self.rule(pack, rule, rule.weight, readings);
            if rule.sounds {
                let sound = self.rule(pack, rule, rule.sounds_weight, &[Reading::Sounds]);
                self.rules[exact as usize].sound = Some(sound);
                self.rules[sound as usize].exact = Some(exact);
            }
        }
    }

    /// Compiles a rule in some of its readings, and says its number.
    fn rule(&mut self, pack: &Pack, rule: &Rule, weight: i32, readings: &[Reading]) -> u32 {
        let number = self.rules.len() as u32;
        let covers = Covers::of(self.folding, rule);
        for (part, phrase) in parts(rule, &covers) {
            let mut any = false;
            for pattern in readings.iter().filter_map(|&reading| self.patterns.add(reading, &phrase.text, rule.gap)) {
                self.uses.push((pattern, Use { rule: number, part, phrase: phrase.text.as_str().into() }));
                any = true;
            }
            if !any {
                self.problems.push(folds_away(phrase));
            }
        }
        let regex = rule
            .regex
            .as_ref()
            .and_then(|phrase| Confirmation::compile(phrase).map_err(|problem| self.problems.push(problem)).ok());
        self.rules.push(CompiledRule {
            id: Arc::clone(&rule.id),
            category: self.categories.len() as u32 - 1,
            weight,
            mode: rule.mode,
            slots: rule.slots(),
            near: rule.near,
            gap: rule.gap,
            lanes: rule.lanes,
            exception_characters: covers.exception_characters,
            cover_characters: covers.cover_characters,
            regex,
            masks: rule.mode == Mode::On && pack.action == Action::Mask,
            exact: None,
            sound: None,
        });
        number
    }
}

fn parts<'r>(rule: &'r Rule, covers: &'r Covers) -> impl Iterator<Item = (Part, &'r Phrase)> {
    let slots = rule.parts().map(|(slot, phrase)| (Part::Slot(slot), phrase));
    let none = rule.none.iter().enumerate();
    slots.chain(none.map(|(at, phrase)| (if covers.is_cover(at) { Part::Cover } else { Part::Exception }, phrase)))
}

/// Which exceptions of a rule are longer phrases around its own.
pub(super) struct Covers {
    /// For each exception.
    is_cover: Vec<bool>,
    exception_characters: Option<u32>,
    cover_characters: Option<u32>,
}

impl Covers {
    /// Whether the exception at an index of `none` covers.
    pub(super) fn is_cover(&self, index: usize) -> bool {
        self.is_cover.get(index).copied().unwrap_or(false)
    }

    pub(super) fn of(folding: &Folding, rule: &Rule) -> Self {
        let mut covers = Self { is_cover: Vec::new(), exception_characters: None, cover_characters: None };
        if rule.none.is_empty() {
            return covers;
        }
        let own: HashSet<Vec<Token>> = rule.parts().map(|(_, phrase)| folding.phrase(&phrase.text)).collect();
        let lengths: HashSet<usize> = own.iter().map(Vec::len).filter(|&length| length > 0).collect();
        for phrase in &rule.none {
            let tokens = folding.phrase(&phrase.text);
            // How much of the exception may stand behind a phrase inside it.
            let behind = lengths.iter().flat_map(|&length| {
                let windows = tokens.windows(length).enumerate();
                windows.filter(|(_, inner)| own.contains(*inner)).map(move |(at, _)| at + length)
            });
            let behind = behind.map(|end| extent(tokens.get(end..).unwrap_or_default(), rule)).max();
            covers.is_cover.push(behind.is_some());
            match behind {
                Some(_) => covers.cover_characters = covers.cover_characters.max(behind),
                None => covers.exception_characters = covers.exception_characters.max(Some(extent(&tokens, rule))),
            }
        }
        covers
    }
}

/// The characters that tokens may take in a text, with the noise before each.
fn extent(tokens: &[Token], rule: &Rule) -> u32 {
    let characters = |token: &Token| match token {
        // Written in Latin letters, or as a character split in its parts.
        Token::Ideograph(_) if rule.sounds => SYLLABLE_CHARACTERS_MAX,
        Token::Ideograph(_) => 2,
        Token::Word(word) => word.chars().count() as u32,
    };
    // Between two words one character of noise is free.
    tokens.iter().map(|token| characters(token) + u32::from(rule.gap.max(1))).sum()
}

fn folds_away(phrase: &Phrase) -> Problem {
    let message = format!("the phrase {:?} folds to nothing: it has no letter, digit or ideograph", phrase.text);
    Problem::error(&phrase.path, phrase.line, phrase.column, message).help("remove it, or write what is to be found")
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
            let Rule { sounds, sounds_weight, leet, .. } = rule;
            put(&format!(
                "{id} {near:?} {weight} {mode:?} {lanes:?} {gap} {expires:?} {sounds} {sounds_weight} {leet}"
            ));
            for list in [any, all, none] {
                put(&list.len().to_string());
                list.iter().for_each(|phrase| put(&phrase.text));
            }
            put(regex.as_ref().map_or("", |regex| &regex.text));
        }
    }
    *hasher.finalize().as_bytes()
}

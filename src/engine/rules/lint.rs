//! What is suspicious about packs that are correct as such.
//!
//! A phrase that folds to nothing is an error: it can never be found. Everything else is a warning:
//! phrases so short or so common that they are found everywhere, phrases that another one makes
//! superfluous, exceptions that take away everything or nothing, gaps that join words of different
//! sentences, regular expressions that confirm anything, rules that are expired, without effect,
//! without an example, or outside of their pack's names; and, with [`lint_examples`], rules that hit
//! another one's `pass` example.

mod common;
mod exceptions;
mod passes;

pub use passes::lint_examples;

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;

use crate::{
    base::{Date, Problem},
    engine::text::{
        Lane,
        fold::{Folding, Reading, Token},
    },
};

use super::{Mode, Pack, Phrase, Rule};
use common::CommonWords;

/// A CJK phrase shorter than this is found everywhere.
const CJK_MIN: usize = 2;
/// A single Latin word shorter than this is found everywhere.
const LATIN_MIN: usize = 4;
/// Between two words more noise than this is the end of a sentence.
const WORD_GAP_MAX: u8 = 3;

/// A phrase as the matcher sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct FoldedPhrase {
    /// What is compared with the text; a space between two words.
    characters: Vec<char>,
    /// How many of them are CJK.
    cjk: usize,
    /// How many words the others make.
    words: usize,
}

impl FoldedPhrase {
    fn of(tokens: &[Token]) -> Self {
        let mut folded = Self::default();
        let mut behind_word = false;
        for token in tokens {
            match token {
                Token::Ideograph(c) => {
                    folded.characters.push(*c);
                    folded.cjk += 1;
                }
                Token::Word(word) => {
                    folded.characters.extend(behind_word.then_some(' '));
                    folded.characters.extend(word.chars());
                    folded.words += 1;
                }
            }
            behind_word = matches!(token, Token::Word(_));
        }
        folded
    }
}

/// Tells phrases that would be found everywhere before a rule is made of them.
pub struct Brevity(Folding);

impl Default for Brevity {
    fn default() -> Self {
        Self(Folding::new(Reading::Looks))
    }
}

impl Brevity {
    /// Why a rule that wants all of these phrases would hit everywhere; `None`: it would not.
    pub fn found_everywhere(&self, phrases: &[String]) -> Option<String> {
        let mut left = Vec::new();
        for phrase in phrases {
            let folded = FoldedPhrase::of(&self.0.phrase(phrase));
            // One that is not searched for at all is an error, and told as that.
            if folded.characters.is_empty() || !is_short(&folded) {
                return None;
            }
            left.push(format!("{:?}", folded.characters.into_iter().collect::<String>()));
        }
        Some(format!("what is searched for, {}, is so short that it is found everywhere", left.join(" and ")))
    }
}

/// Looks over all packs; `today` tells expired rules. The problems come pack by pack, from top to
/// bottom.
pub fn lint(packs: &[Pack], today: Date) -> Vec<Problem> {
    let folding = Folding::new(Reading::Looks);
    let common = CommonWords::new(&folding);
    let fold = &|text: &str| FoldedPhrase::of(&folding.phrase(text));
    let mut problems = Vec::new();
    for pack in packs {
        let mut found = Vec::new();
        for rule in &pack.rules {
            look_at_rule(pack, rule, today, &mut found);
            look_at_phrases(rule, fold, &mut found);
            look_at_regex(rule, &mut found);
            common.look_at(pack, rule, &folding, &mut found);
            exceptions::look_at(rule, &folding, &mut found);
        }
        look_at_pack(pack, fold, &mut found);
        found.sort_by(|a, b| {
            let key = |problem: &Problem| (problem.path != *pack.path, problem.line, problem.column);
            key(a).cmp(&key(b)).then_with(|| a.path.cmp(&b.path))
        });
        problems.extend(found);
    }
    problems
}

fn look_at_rule(pack: &Pack, rule: &Rule, today: Date, problems: &mut Vec<Problem>) {
    let mut warn = |message: String, help: String| {
        problems.push(Problem::warning(&pack.path, rule.line, 0, message).help(help));
    };
    let id = &rule.id;
    let prefixed = id.strip_prefix(pack.id.as_ref()).is_some_and(|rest| rest.starts_with('.'));
    if !prefixed {
        warn(
            format!("the rule `{id}` does not begin with its pack's id"),
            format!("call it `{}.…`, so that a finding says where it comes from", pack.id),
        );
    }
    if let Some(expires) = rule.expires.filter(|&expires| expires < today) {
        warn(format!("the rule `{id}` expired on {expires}"), "remove it, or give it a later day".into());
    }
    if rule.hit.is_empty() {
        let help = "add `hit = [\"…\"]` with a text as it was seen in the wild";
        warn(format!("the rule `{id}` has no hit example"), help.into());
    }
    if rule.sounds && rule.sounds_weight >= pack.threshold {
        let help = "give it a `sounds_weight` below the threshold: what sounds alike is rarely the same";
        warn(format!("the rule `{id}` fires at a mere sound"), help.into());
    }
    if rule.weight == 0 {
        warn(format!("the rule `{id}` weighs nothing"), "use `mode = \"shadow\"` to watch without acting".into());
    }
}

/// Looks at each phrase by itself, and for a second one like it in the same list.
fn look_at_phrases(rule: &Rule, fold: &dyn Fn(&str) -> FoldedPhrase, problems: &mut Vec<Problem>) {
    let combined = rule.all.len() > 1 || !(rule.all.is_empty() || rule.any.is_empty()) || rule.regex.is_some();
    for (list, needed) in [(&rule.any, true), (&rule.all, true), (&rule.none, false)] {
        let mut seen = BTreeMap::new();
        for phrase in list {
            let folded = fold(&phrase.text);
            if folded.characters.is_empty() {
                let message = format!("nothing of {:?} is left to search for", phrase.text);
                let help = "it holds only what is ignored in texts; remove it or add letters";
                problems.push(Problem::error(&phrase.path, phrase.line, phrase.column, message).help(help));
                continue;
            }
            if needed && !combined && is_short(&folded) {
                let help = "combine it with others through `all` and `near`, or make it longer";
                problems.push(warning(phrase, "is so short that it is found everywhere".into(), help));
            }
            if needed && folded.cjk == 0 && folded.words > 1 && rule.gap > WORD_GAP_MAX {
                let message = format!("is found across sentences: the gap of {} joins words far apart", rule.gap);
                problems.push(warning(phrase, message, "leave `gap` out for phrases of words"));
            }
            if let Some(first) = seen.insert(folded.characters, phrase) {
                let message = format!("is the same as {:?} in {}", first.text, cite(first));
                problems.push(warning(phrase, message, "remove one of them"));
            }
        }
    }
}

/// Looks for phrases that another rule of the pack, or another phrase, makes superfluous. Only
/// rules that consist of nothing but `any` are compared: in a combination a phrase has partners.
fn look_at_pack(pack: &Pack, fold: &dyn Fn(&str) -> FoldedPhrase, problems: &mut Vec<Problem>) {
    struct Entry<'p> {
        folded: String,
        phrase: &'p Phrase,
        rule: &'p Rule,
    }
    let mut entries = Vec::new();
    for rule in pack.rules.iter().filter(|rule| is_single(rule)) {
        for phrase in &rule.any {
            let folded: String = fold(&phrase.text).characters.into_iter().collect();
            if !folded.is_empty() {
                entries.push(Entry { folded, phrase, rule });
            }
        }
    }

    let mut first_use: BTreeMap<&str, &Entry<'_>> = BTreeMap::new();
    for entry in &entries {
        if let Some(first) = first_use.get(entry.folded.as_str()) {
            if first.rule.id != entry.rule.id {
                let message = format!("is also in the rule `{}`, in {}", first.rule.id, cite(first.phrase));
                problems.push(warning(entry.phrase, message, "remove one of them"));
            }
        } else {
            first_use.insert(&entry.folded, entry);
        }
    }

    // Building fails only beyond the number of states that fits into 31 bits.
    let Ok(search) = AhoCorasick::new(entries.iter().map(|entry| &entry.folded)) else { return };
    for entry in &entries {
        let wider = search.find_overlapping_iter(&entry.folded).find_map(|found| {
            let candidate = entries.get(found.pattern().as_usize())?;
            let whole = found.len() == entry.folded.len();
            let covers = !whole && stands_alone(&entry.folded, found.range()) && is_as_wide(candidate.rule, entry.rule);
            covers.then_some(candidate)
        });
        if let Some(wider) = wider {
            let message = format!("is found wherever {:?} is, in {}", wider.phrase.text, cite(wider.phrase));
            problems.push(warning(entry.phrase, message, "remove the longer one: it adds nothing"));
        }
    }
}

/// A regular expression that matches the empty string confirms anything.
fn look_at_regex(rule: &Rule, problems: &mut Vec<Problem>) {
    let Some(regex) = &rule.regex else { return };
    // One that does not compile is an error of its own.
    let Ok(expression) = regex_syntax::parse(&regex.text) else { return };
    let properties = expression.properties();
    if properties.minimum_len() == Some(0) && properties.look_set().is_empty() {
        let help = "require at least one character, or remove the regex";
        problems.push(warning(regex, "matches the empty string: it confirms every hit".into(), help));
    }
}

fn warning(phrase: &Phrase, message: String, help: &str) -> Problem {
    Problem::warning(&phrase.path, phrase.line, phrase.column, format!("{:?} {message}", phrase.text)).help(help)
}

fn cite(phrase: &Phrase) -> String {
    format!("{}:{}:{}", phrase.path, phrase.line, phrase.column)
}

fn cite_rank(rank: usize) -> String {
    format!("one of the most common words (number {rank} of its list)")
}

fn is_short(folded: &FoldedPhrase) -> bool {
    if folded.cjk == 0 {
        folded.words <= 1 && folded.characters.len() < LATIN_MIN
    } else {
        folded.words == 0 && folded.cjk < CJK_MIN
    }
}

/// Whether a hit of any one of the rule's phrases is a hit of the rule.
fn is_single(rule: &Rule) -> bool {
    rule.all.is_empty() && rule.none.is_empty() && rule.regex.is_none() && rule.mode != Mode::Off
}

/// Whether `wide` hits, with no less weight, wherever `narrow` hits with a phrase that contains one
/// of `wide`'s.
fn is_as_wide(wide: &Rule, narrow: &Rule) -> bool {
    let lanes = Lane::ALL.iter().all(|&lane| wide.lanes.contains(lane) || !narrow.lanes.contains(lane));
    let lasts = match (wide.expires, narrow.expires) {
        (None, _) => true,
        (Some(wide), Some(narrow)) => wide >= narrow,
        (Some(_), None) => false,
    };
    let weighs = narrow.weight > 0 && wide.weight >= narrow.weight;
    lanes && lasts && weighs && wide.gap >= narrow.gap && wide.mode == narrow.mode
}

/// Whether the part of a phrase would be found by itself: Latin words match at word boundaries.
fn stands_alone(phrase: &str, part: std::ops::Range<usize>) -> bool {
    let joined = |left: Option<char>, right: Option<char>| {
        left.is_some_and(is_word_character) && right.is_some_and(is_word_character)
    };
    let (Some(before), Some(inside), Some(behind)) =
        (phrase.get(..part.start), phrase.get(part.clone()), phrase.get(part.end..))
    else {
        return false;
    };
    !joined(before.chars().next_back(), inside.chars().next())
        && !joined(inside.chars().next_back(), behind.chars().next())
}

/// A letter or digit of a script that separates its words: everything before the CJK blocks.
fn is_word_character(character: char) -> bool {
    character.is_alphanumeric() && character < '\u{2e80}'
}

#[cfg(test)]
mod tests {
    use crate::{
        base::Severity,
        engine::rules::{Lists, PackSource, parse},
    };

    use super::*;

    struct List(String);

    impl Lists for List {
        fn read(&self, _: &str) -> Result<String, String> {
            Ok(self.0.clone())
        }
    }

    fn lint_rules(rules: &str, list: &str) -> Vec<(u32, u32, Severity, String)> {
        let head = "[pack]\nid='p'\ntitle='T'\nclause='7'\nclass='other'\naction='block'\nthreshold=100\n";
        let source = PackSource { path: "p.toml".into(), text: format!("{head}{rules}") };
        let parsed = parse(&[source], &List(list.into()));
        assert_eq!(parsed.problems, []);
        let today = Date { year: 2027, month: 1, day: 31 };
        let problems = lint(&parsed.packs, today);
        problems.into_iter().map(|p| (p.line, p.column, p.severity, p.message)).collect()
    }

    fn places(rules: &str) -> Vec<(u32, u32)> {
        lint_rules(rules, "").into_iter().map(|(line, column, ..)| (line, column)).collect()
    }

    #[test]
    fn a_good_rule_raises_nothing() {
        let rules = "[[rule]]\nid='p.a'\nany=['百家乐','casino','x 射线']\nexpires=2027-01-31\nhit=['百家乐']\n\
            [[rule]]\nid='p.b'\nall=['枪','卖']\nany=['vx']\nhit=['x']\n[[rule]]\nid='p.c'\nany=['枪']\nregex='x'\nhit=['x']";
        assert_eq!(lint_rules(rules, ""), []);
    }

    #[test]
    fn what_folds_to_nothing_is_the_only_error() {
        let found = lint_rules("[[rule]]\nid='p.a'\nany=['百家乐', '···']\nnone=['!']\nhit=['x']", "");
        assert_eq!(
            found.iter().map(|f| (f.0, f.1, f.2)).collect::<Vec<_>>(),
            [(10, 13, Severity::Error), (11, 7, Severity::Error)]
        );
    }

    #[test]
    fn common_words_need_a_partner() {
        let found = lint_rules("[[rule]]\nid='p.a'\nany=['我们', '百家乐', 'Their', '問題']\nhit=['x']", "");
        assert_eq!(found.iter().map(|f| (f.0, f.1)).collect::<Vec<_>>(), [(10, 6), (10, 19), (10, 28)]);
        assert_eq!(places("[[rule]]\nid='p.a'\nany=['我们']\nweight=50\nhit=['x']"), []);
        assert_eq!(places("[[rule]]\nid='p.a'\nany=['我们']\nall=['赌场']\nhit=['x']"), []);
    }

    #[test]
    fn exceptions_that_take_everything_or_nothing_are_named() {
        let rules =
            "[[rule]]\nid='p.a'\nany=['黄片']\nnone=['三黄片', '黄-片', '三黄片场', '警方', '市警方通报']\nhit=['x']";
        let found = lint_rules(rules, "");
        assert_eq!(found.iter().map(|f| (f.0, f.1)).collect::<Vec<_>>(), [(11, 14), (11, 35)]);
        assert!(found[0].3.contains("can never hit") && found[1].3.contains("never applies"), "{found:?}");
    }

    #[test]
    fn a_regex_that_confirms_everything_is_named() {
        assert_eq!(places("[[rule]]\nid='p.a'\nany=['赌场']\nregex='[0-9]*'\nhit=['x']"), [(11, 7)]);
        assert_eq!(places("[[rule]]\nid='p.a'\nany=['赌场']\nregex='^.?[0-9]+|$'\nhit=['x']"), []);
    }

    #[test]
    fn a_gap_that_joins_sentences_is_named() {
        assert_eq!(places("[[rule]]\nid='p.a'\nany=['online casino', '赌场']\ngap=8\nhit=['x']"), [(10, 6)]);
    }

    #[test]
    fn short_phrases_need_a_partner() {
        assert_eq!(
            places("[[rule]]\nid='p.a'\nany=['枪', 'bet', 'bets', 'a弹', '弹药']\nhit=['x']"),
            [(10, 6), (10, 11)]
        );
        assert_eq!(places("[[rule]]\nid='p.a'\nall=['枪']\nhit=['x']"), [(10, 6)]);
    }

    #[test]
    fn rules_are_named_dated_weighed_and_shown() {
        assert_eq!(places("[[rule]]\nid='px.a'\nany=['百家乐']\nexpires='2027-01-30'\nweight=0"), [(9, 0); 4]);
    }

    #[test]
    fn a_sound_that_fires_alone_is_named() {
        assert_eq!(places("[[rule]]\nid='p.a'\nany=['百家乐']\nsounds=true\nweight=200\nhit=['x']"), [(9, 0)]);
        assert_eq!(places("[[rule]]\nid='p.a'\nany=['百家乐']\nsounds=true\nhit=['x']"), []);
    }

    #[test]
    fn superfluous_phrases_are_named() {
        let found = lint_rules(
            "[[rule]]\nid='p.a'\nany=['赌场', '澳门赌场', '赌！场']\nhit=['x']\n\
             [[rule]]\nid='p.b'\nany=['线上赌场', '赌场', 'casinos', 'my casino club']\nhit=['x']\n\
             [[rule]]\nid='p.c'\nany=['casino']\nhit=['x']\n\
             [[rule]]\nid='p.d'\nany=['新赌场', '赌场开户']\nweight=150\nhit=['x']\n\
             [[rule]]\nid='p.e'\nany=['老赌场']\nlanes=['comment']\nhit=['x']\n\
             [[rule]]\nid='p.f'\nany=['真赌场']\nnone=['新闻']\nhit=['x']",
            "",
        );
        let found: Vec<_> = found.into_iter().map(|(line, column, _, message)| (line, column, message)).collect();
        assert_eq!(
            found,
            [
                (10, 12, "\"澳门赌场\" is found wherever \"赌场\" is, in p.toml:10:6".into()),
                (10, 20, "\"赌！场\" is the same as \"赌场\" in p.toml:10:6".into()),
                (14, 6, "\"线上赌场\" is found wherever \"赌场\" is, in p.toml:10:6".into()),
                (14, 14, "\"赌场\" is also in the rule `p.a`, in p.toml:10:6".into()),
                (14, 31, "\"my casino club\" is found wherever \"casino\" is, in p.toml:18:6".into()),
            ]
        );
    }

    #[test]
    fn a_hundred_thousand_phrases_are_looked_over() {
        let character = |at: u32| char::from_u32(0x4e00 + at % 20_000).unwrap();
        let mut list = String::new();
        for at in 0..100_000u32 {
            list.extend([
                character(at.wrapping_mul(7919)),
                character(at / 7 + 3),
                character(at.wrapping_mul(104_729)),
                '\n',
            ]);
        }
        list.push_str("赌\n赌场\n大赌场\n");
        let found = lint_rules("[[rule]]\nid='p.a'\nany_file='lists/a.txt'\nhit=['x']", &list);
        assert!(found.iter().any(|f| f.0 == 100_003 && f.3.contains("is found wherever")));
        assert!(found.iter().any(|f| f.0 == 100_001 && f.3.contains("short")));
    }
}

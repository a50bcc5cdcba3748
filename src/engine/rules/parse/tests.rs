//! The parser, on good packs, broken packs and noise.

use proptest::prelude::*;

use super::*;
use crate::{
    base::Date,
    engine::rules::{Lane, LaneSet, Mode},
};

struct Files(Vec<(&'static str, String)>);

impl Lists for Files {
    fn read(&self, name: &str) -> Result<String, String> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, text)| text.clone()).ok_or_else(|| "no such file".into())
    }
}

const GOOD: &str = r#"[pack]
id       = "gambling"               # the category
title    = "赌博"
clause   = "7.7"
class    = "vulgar"
action   = "block"
threshold = 100

[[rule]]
id     = "gambling.online-casino"
any    = ["百家乐", "时时彩",
          "online casino"]
none   = ["反赌宣传"]
all    = ["开户"]
near   = 40
regex  = 'v[0-9]+'
weight = -20
mode   = "shadow"
lanes  = ["text", "script"]
gap    = 0
expires = 2027-06-30
source = "notice 2026-114"
hit    = ["来玩百 家 乐"]
pass   = ["百家争鸣，乐在其中"]

[[rule]]
id = "gambling.list"
any_file = "lists/a.txt"
expires = "2028-02-29"
sounds = true
leet = true
"#;

const LIST: &str = "\u{feff}# 博彩\n百家乐\r\n\n  六合彩\t# seen in 2026\n#井号\nC# 语言\n\u{3000}时时彩";

fn parse_one(text: &str) -> Parsed {
    let lists = Files(vec![("lists/a.txt", LIST.into()), ("lists/empty.txt", "# nothing\n".into())]);
    parse(&[PackSource { path: "rules/a.toml".into(), text: text.into() }], &lists)
}

/// The problems of a pack with one rule, as line, column and message; its keys begin at line 9.
fn complaints(rule: &str) -> Vec<(u32, u32, String)> {
    let head = "[pack]\nid='p'\ntitle='T'\nclause='7'\nclass='other'\naction='block'\nthreshold=100\n[[rule]]\n";
    let parsed = parse_one(&format!("{head}{rule}"));
    assert!(parsed.packs.is_empty() || parsed.problems.is_empty(), "a pack with an error is not among the results");
    parsed.problems.into_iter().map(|p| (p.line, p.column, p.message)).collect()
}

fn complaint(rule: &str) -> (u32, u32, String) {
    let complaints = complaints(rule);
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    complaints.into_iter().next().unwrap()
}

#[test]
fn everything_that_a_pack_says_is_read() {
    let parsed = parse_one(GOOD);
    assert_eq!(parsed.problems, []);
    let [pack] = &parsed.packs[..] else { panic!("one pack") };
    assert_eq!((&*pack.id, &*pack.title, &*pack.clause), ("gambling", "赌博", "7.7"));
    assert_eq!((pack.class, pack.action, pack.threshold), (Class::Vulgar, Action::Block, 100));
    let [rule, listed] = &pack.rules[..] else { panic!("two rules") };
    assert_eq!((&*rule.id, rule.line), ("gambling.online-casino", 10));
    let places: Vec<_> = rule.any.iter().map(|p| (p.text.as_str(), &*p.path, p.line, p.column)).collect();
    assert_eq!(
        places,
        [
            ("百家乐", "rules/a.toml", 11, 11),
            ("时时彩", "rules/a.toml", 11, 18),
            ("online casino", "rules/a.toml", 12, 11)
        ]
    );
    assert_eq!((rule.all.len(), rule.none.len(), rule.hit.len(), rule.pass.len()), (1, 1, 1, 1));
    assert_eq!((rule.near, rule.weight, rule.mode, rule.gap), (Some(40), -20, Mode::Shadow, 0));
    assert_eq!(rule.lanes, LaneSet::NONE.with(Lane::Text).with(Lane::Script));
    assert_eq!(rule.expires, Some(Date { year: 2027, month: 6, day: 30 }));
    assert_eq!(rule.regex.as_ref().map(|p| (p.text.as_str(), p.line, p.column)), Some(("v[0-9]+", 16, 10)));
    assert_eq!(rule.source.as_deref(), Some("notice 2026-114"));

    let places: Vec<_> = listed.any.iter().map(|p| (p.text.as_str(), &*p.path, p.line, p.column)).collect();
    assert_eq!(
        places,
        [
            ("百家乐", "rules/lists/a.txt", 2, 1),
            ("六合彩", "rules/lists/a.txt", 4, 3),
            ("C# 语言", "rules/lists/a.txt", 6, 1),
            ("时时彩", "rules/lists/a.txt", 7, 2)
        ]
    );
    assert_eq!((rule.sounds, rule.leet), (false, false));
    assert_eq!((listed.sounds, listed.sounds_weight, listed.leet), (true, 50, true));
    assert_eq!((listed.near, listed.weight, listed.mode, listed.gap), (None, 100, Mode::On, 3));
    assert_eq!((listed.lanes, listed.expires.map(|d| d.to_string())), (LaneSet::DEFAULT, Some("2028-02-29".into())));
}

#[test]
fn a_pack_without_rules_is_a_pack() {
    let head = GOOD.split("[[rule]]").next().unwrap();
    assert_eq!(parse_one(&format!("\u{feff}{head}")).packs.len(), 1);
}

#[test]
fn each_mistake_in_a_rule_is_named_at_its_place() {
    let cases = [
        ("any=['x']", (8, 1), "[[rule]] has no `id`"),
        ("id='p.ä'\nany=['x']", (9, 4), "cannot be an id"),
        ("id=''\nany=['x']", (9, 4), "`id` is empty"),
        ("id='p.a'", (8, 1), "no phrases"),
        ("id='p.a'\nany=[]", (8, 1), "no phrases"),
        ("id='p.a'\nany_file='lists/empty.txt'", (8, 1), "no phrases"),
        ("id='p.a'\nregex='x'", (10, 7), "a regex without phrases"),
        ("id='p.a'\nany='x'", (10, 5), "has to be an array of strings"),
        ("id='p.a'\nany=['百', 3]", (10, 11), "has to be an array of strings"),
        ("id='p.a'\nany=['x', ' ']", (10, 11), "an empty phrase"),
        ("id='p.a'\nany=['x']\nweihgt=3", (11, 1), "no key `weihgt`"),
        ("id='p.a'\nany=['x']\nweight='3'", (11, 8), "has to be an integer"),
        ("id='p.a'\nany=['x']\nsounds='yes'", (11, 8), "has to be true or false"),
        ("id='p.a'\nany=['x']\nsounds_weight=5", (11, 15), "a weight for sounds that nobody looks for"),
        ("id='p.a'\nany=['x']\nweight = 10_001", (11, 10), "out of range"),
        ("id='p.a'\nany=['x']\ngap=17", (11, 5), "out of range"),
        ("id='p.a'\nany=['x']\nnear=-1", (11, 6), "out of range"),
        ("id='p.a'\nany=['x']\nnear=100001", (11, 6), "out of range"),
        ("id='p.a'\nany=['x']\nnear=99999999999999999999", (11, 6), "out of range"),
        ("id='p.a'\nany=['x']\nmode='shadwo'", (11, 6), "does not know \"shadwo\""),
        ("id='p.a'\nany=['x']\nlanes=['text', 'body']", (11, 16), "does not know \"body\""),
        ("id='p.a'\nany=['x']\nlanes=[]", (11, 7), "`lanes` is empty"),
        ("id='p.a'\nany=['x']\nexpires='soon'", (11, 9), "is not a day"),
        ("id='p.a'\nany=['x']\nexpires=2027-01-01T00:00:00Z", (11, 9), "is not a day"),
        ("id='p.a'\nany=['x']\nregex='百(家'", (11, 9), "unclosed group"),
        ("id='p.a'\nany=['x']\nregex='(?=x)'", (11, 8), "look-around"),
        ("id='p.a'\nany=['x']\nregex='\\w{1000}'", (11, 7), "too large"),
        ("id='p.a'\nany_file='../secret'", (10, 10), "does not stay within"),
        ("id='p.a'\nany_file='/etc/passwd'", (10, 10), "does not stay within"),
        ("id='p.a'\nany_file='lists/b.txt'", (10, 10), "no such file"),
        ("id='p.a'\nany=['x'\nnear=3", (11, 1), "missing comma"),
    ];
    for (rule, place, message) in cases {
        let found = complaint(rule);
        assert_eq!((found.0, found.1), place, "{rule}: {}", found.2);
        assert!(found.2.contains(message), "{rule}: {}", found.2);
    }
}

#[test]
fn each_mistake_in_a_pack_is_named_at_its_place() {
    let parsed =
        parse_one("[pack]\nid='p'\ntitel='T'\nclause=7.7\nclass='vulger'\naction=1\nthreshold=0\n[rule]\nid='x'\n[x]");
    let found: Vec<_> =
        parsed.problems.iter().map(|p| (p.line, p.column, p.message.as_str(), p.help.as_str())).collect();
    assert_eq!(
        found,
        [
            (1, 1, "[pack] has no `title`", "add `title = …`"),
            (3, 1, "[pack] has no key `titel`", "did you mean `title`?"),
            (4, 8, "`clause` has to be a string; this is of the type float", "put it in quotation marks"),
            (
                5,
                7,
                "`class` does not know \"vulger\"",
                "did you mean \"vulgar\"? One of: political, vulgar, other, filing"
            ),
            (6, 8, "`action` has to be a string; this is of the type integer", "one of: observe, mask, block"),
            (7, 11, "`threshold` is out of range", "it goes from 1 to 1000000"),
            (
                8,
                1,
                "`rule` has to be an array of tables; this is of the type table",
                "begin each rule with [[rule]] on a line of its own"
            ),
            (10, 2, "the file has no key `x`", "known here: pack, rule"),
        ]
    );
    let missing = parse_one("");
    assert!(missing.problems[0].message.contains("no [pack]"));
}

#[test]
fn ids_are_unique_over_all_files() {
    let source = |path: &str, text: &str| PackSource { path: path.into(), text: text.into() };
    let sources = [source("rules/a.toml", GOOD), source("rules/b.toml", GOOD)];
    let parsed = parse(&sources, &Files(vec![("lists/a.txt", LIST.into())]));
    let found: Vec<_> = parsed.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "rules/b.toml:2:12: error: two packs have the id `gambling`; the other one is at rules/a.toml:2:12 \
         (help: rename or remove one of them)",
            "rules/b.toml:10:10: error: two rules have the id `gambling.online-casino`; the other one is at \
         rules/a.toml:10:10 (help: rename or remove one of them)",
            "rules/b.toml:27:6: error: two rules have the id `gambling.list`; the other one is at rules/a.toml:27:6 \
         (help: rename or remove one of them)",
        ]
    );
    assert_eq!(parsed.packs.len(), 1);
}

#[test]
fn a_hundred_thousand_phrases_are_a_normal_size() {
    let list: String = (0..100_000).map(|at| format!("百家乐{at}\n")).collect();
    let inline: String = (0..100_000).map(|at| format!("'时时彩{at}',")).collect();
    let text = GOOD.replace("none   = [", &format!("none = [{inline}"));
    let parsed = parse(&[PackSource { path: "a.toml".into(), text }], &Files(vec![("lists/a.txt", list)]));
    assert_eq!(parsed.problems, []);
    let rules = &parsed.packs[0].rules;
    assert_eq!((rules[0].none.len(), rules[1].any.len()), (100_001, 100_000));
    assert_eq!(rules[0].none[2].column, 9 + 2 * 7, "columns on one long line");
    assert_eq!(rules[1].any[99_999].line, 100_000);
}

/// Every complaint stands in a file that there is, on a line that it has.
fn check_places(text: &str) {
    let parsed = parse_one(text);
    let lines = |text: &str| u32::try_from(text.matches('\n').count() + 1).unwrap();
    for problem in &parsed.problems {
        assert_eq!(problem.path, "rules/a.toml");
        assert!((1..=lines(text)).contains(&problem.line), "{problem}");
        let line = text.trim_start_matches('\u{feff}').split('\n').nth(problem.line as usize - 1).unwrap();
        assert!((1..=line.chars().count() + 1).contains(&(problem.column as usize)), "{problem}");
    }
    let sound = parsed.problems.iter().all(|problem| problem.severity == Severity::Warning);
    assert_eq!(parsed.packs.len(), usize::from(sound));
}

proptest! {
    #[test]
    fn noise_never_panics(text in ".{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        check_places(&text);
        check_places(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn mutated_packs_never_panic(
        edits in proptest::collection::vec(
            (any::<prop::sample::Index>(), 0usize..12, prop_oneof![
                Just(String::new()), Just("\"".into()), Just("]".into()), Just("\n".into()), Just("= 9".into()),
                Just("[[rule]]\n".into()), Just("\u{0}".into()), ".{0,6}", "[a-z]{1,6} = [0-9]{1,3}\n",
            ]),
            1..5,
        ),
    ) {
        let mut text: Vec<char> = GOOD.chars().collect();
        for (at, removed, inserted) in edits {
            let at = at.index(text.len());
            let end = (at + removed).min(text.len());
            text.splice(at..end, inserted.chars());
        }
        check_places(&text.into_iter().collect::<String>());
    }
}

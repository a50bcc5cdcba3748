//! What is hidden excuses nothing that is shown, and the sound of a phrase counts less than the
//! phrase.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::{
    base::{ByteSpan, Date},
    engine::rules::{Lists, PackSource, parse},
};

struct NoLists;

impl Lists for NoLists {
    fn read(&self, name: &str) -> Result<String, String> {
        Err(format!("no {name}"))
    }
}

fn rules(text: &str) -> RuleSet {
    let head = "[pack]\nid='p'\ntitle='P'\nclause='7'\nclass='other'\naction='block'\nthreshold=100\n";
    let source = PackSource { path: "p.toml".into(), text: format!("{head}{text}") };
    let parsed = parse(&[source], &NoLists);
    assert_eq!(parsed.problems, []);
    RuleSet::compile(&parsed.packs, Date { year: 2026, month: 11, day: 22 }).unwrap()
}

/// Reads texts in their streams, one after the other, and judges after each.
fn judge(set: &RuleSet, texts: &[(Stream, &str)]) -> (i32, Vec<String>) {
    let mut lanes = Lanes::default();
    let mut tally = Tally::default();
    let mut seen = 0;
    for &(stream, text) in texts {
        for c in text.chars() {
            let start = seen;
            seen += c.len_utf8() as u64;
            lanes[stream as usize].character(c, ByteSpan { start, end: seen }, seen);
        }
        let mut occurrences = Vec::new();
        for stream in Stream::ALL {
            lanes[stream as usize].scan(set.patterns(), |found| {
                occurrences.push(Occurrence {
                    seen: found.seen,
                    stream,
                    character_end: found.character_end,
                    character: found.character,
                    span: found.span,
                    pattern: found.pattern,
                    gap: found.gap,
                    tokens: found.tokens,
                });
            });
        }
        occurrences.sort_unstable();
        assert_eq!(tally.take(set, &lanes, &occurrences, false, &mut |_, _| false), None);
    }
    tally.settle_all(set, &lanes, seen);
    let (categories, findings) = tally.finish(set);
    let score = categories.first().map_or(0, |category| category.score);
    (score, findings.iter().map(|finding| finding.rule[2..].to_owned()).collect())
}

const RULES: &str = "
[[rule]]
id = 'p.offer'
any = ['百家乐']
none = ['揭秘']
[[rule]]
id = 'p.near'
any = ['彩金']
none = ['警方']
near = 10
weight = 60
[[rule]]
id = 'p.cover'
any = ['黄片']
none = ['三黄片']
weight = 10
[[rule]]
id = 'p.court'
any = ['法院']
weight = -80
";

#[test]
fn what_is_hidden_excuses_nothing_that_is_shown() {
    use Stream::{Hidden, Text};
    let set = rules(RULES);
    type Case<'a> = (&'a [(Stream, &'a str)], i32, &'a [&'a str]);
    let cases: [Case<'_>; 9] = [
        (&[(Text, "百家乐，"), (Hidden, "揭秘")], 100, &["offer"]),
        (&[(Hidden, "揭秘"), (Text, "百家乐")], 100, &["offer"]),
        (&[(Text, "百家乐揭秘")], 0, &[]),
        (&[(Text, "揭秘"), (Hidden, "百家乐")], 0, &[]),
        (&[(Hidden, "百家乐揭秘")], 0, &[]),
        (&[(Text, "百家乐"), (Hidden, "法院")], 100, &["offer"]),
        (&[(Hidden, "百家乐法院"), (Text, "百家乐")], 100, &["offer"]),
        (&[(Hidden, "百家乐"), (Text, "法院")], 20, &["offer", "court"]),
        (&[(Text, "彩金"), (Hidden, "警方"), (Text, "黄片"), (Hidden, "三黄片")], 70, &["near", "cover"]),
    ];
    for (texts, score, found) in cases {
        let found: Vec<String> = found.iter().map(|&rule| rule.to_owned()).collect();
        assert_eq!(judge(&set, texts), (score, found), "{texts:?}");
    }
}

#[test]
fn the_sound_of_a_phrase_counts_less_than_the_phrase() {
    let set =
        rules("[[rule]]\nid='p.a'\nany=['百家乐']\nnone=['讲百家乐']\nsounds=true\nweight=90\nsounds_weight=30\n");
    let score = |text: &str| judge(&set, &[(Stream::Text, text)]);
    let hit = vec!["a".to_owned()];
    assert_eq!(score("百家乐"), (90, hit.clone()));
    assert_eq!(score("白加乐"), (30, hit.clone()));
    assert_eq!(score("白加乐，后来是百家乐"), (90, hit.clone()), "the phrase takes the place of the sound");
    assert_eq!(score("百家乐，后来是白加乐"), (90, hit), "the sound adds nothing");
    assert_eq!(score("将白加乐"), (0, vec![]), "the sound of an exception covers the sound of a phrase");
}

static SET: LazyLock<RuleSet> = LazyLock::new(|| rules(RULES));

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is hidden, the score is at least that of what is shown.
    #[test]
    fn hiding_more_never_lowers_the_score(
        pieces in proptest::collection::vec((any::<bool>(), "(百家乐|揭秘|彩金|警方|三|黄片|法院|，|字){1,3}"), 0..12),
    ) {
        let set = &SET;
        let texts: Vec<(Stream, &str)> = pieces
            .iter()
            .map(|(hidden, text)| (if *hidden { Stream::Hidden } else { Stream::Text }, text.as_str()))
            .collect();
        let shown: Vec<(Stream, &str)> = texts.iter().copied().filter(|text| text.0 == Stream::Text).collect();
        prop_assert!(judge(set, &texts).0 >= judge(set, &shown).0);
    }
}

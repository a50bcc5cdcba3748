//! Explanations: the slow way comes to the same answer, and says why.

use super::*;
use crate::engine::rules::{Explainer, Obstacle};

const TODAY: Date = Date { year: 2026, month: 11, day: 21 };

fn parsed(packs: &str) -> Vec<crate::engine::rules::Pack> {
    let sources: Vec<PackSource> = packs
        .split("====")
        .enumerate()
        .map(|(number, text)| PackSource { path: format!("{number}.toml"), text: text.to_owned() })
        .collect();
    parse(&sources, &NoLists).packs
}

/// Packs in force, and the same to be explained.
struct Both {
    set: Arc<RuleSet>,
    explainer: Explainer<'static>,
}

impl Both {
    fn of(packs: &str) -> Self {
        let packs: &'static [_] = parsed(packs).leak();
        let set = RuleSet::compile(packs, TODAY).unwrap();
        Self { set: Arc::new(set), explainer: Explainer::new(packs, TODAY).unwrap() }
    }

    /// For each rule of which a part was seen: its id, whether it hit, and what stood in its way.
    fn explained(&self, text: &str) -> Vec<(String, bool, Vec<Obstacle>)> {
        let (head, policy) = (html("utf-8"), policy(1 << 20));
        let judgement = scan_whole(&self.set, head, &policy, text.as_bytes());
        let trace = trace_whole(self.explainer.rules(), head, &policy, text.as_bytes());
        let explained = self.explainer.explain(&trace, &judgement.findings);
        let rules = explained.into_iter().flat_map(|(_, rules)| rules);
        rules.map(|it| (it.rule.id.to_string(), it.finding.is_some(), it.obstacles)).collect()
    }
}

static BOTH: LazyLock<Both> = LazyLock::new(|| Both::of(PACKS));

const OBSTACLES: &str = r#"
[pack]
id = "a"
title = "A"
clause = "7.7"
class = "vulgar"
action = "block"
threshold = 100
[[rule]]
id = "a.cancelled"
any = ["下注"]
none = ["记者"]
[[rule]]
id = "a.covered"
any = ["黄片"]
none = ["三黄片"]
[[rule]]
id = "a.expired"
any = ["旧词"]
expires = 2026-11-20
[[rule]]
id = "a.far"
any = ["注册"]
all = ["彩金"]
near = 3
[[rule]]
id = "a.missing"
any = ["注册"]
all = ["开户"]
[[rule]]
id = "a.number"
any = ["客服"]
regex = "[0-9]{5}"
[[rule]]
id = "a.off"
any = ["关词"]
mode = "off"
[[rule]]
id = "a.lane"
any = ["注释"]
[[rule]]
id = "a.noisy"
any = ["百家乐"]
gap = 1
[[rule]]
id = "a.hit"
any = ["赌场"]
"#;

#[test]
fn every_obstacle_is_named() {
    let text = "下注，记者，三黄片，旧词，注册一二三四五彩金，客服 12，关词，<!-- 注释 -->百，，家乐，赌场";
    let found = Both::of(OBSTACLES).explained(text);
    let words: Vec<String> = found
        .iter()
        .map(|(rule, hit, obstacles)| {
            let words: Vec<&str> = obstacles
                .iter()
                .map(|obstacle| match obstacle {
                    Obstacle::Cancelled(by) if &*by.phrase == "记者" => "cancelled",
                    Obstacle::Covered(it, by) if &*it.phrase == "黄片" && &*by.phrase == "三黄片" => "covered",
                    Obstacle::Expired(_) => "expired",
                    Obstacle::Missing(_) => "missing",
                    Obstacle::NotConfirmed(window) if window.contains("12") => "not confirmed",
                    Obstacle::Off => "off",
                    Obstacle::OutsideLanes(_) => "lane",
                    Obstacle::TooFar(Some(5)) => "far",
                    Obstacle::TooNoisy(it) if it.gap == 2 => "noisy",
                    Obstacle::Cancelled(_)
                    | Obstacle::Covered(..)
                    | Obstacle::NotConfirmed(_)
                    | Obstacle::TooFar(_)
                    | Obstacle::TooLate
                    | Obstacle::TooNoisy(_) => "another",
                })
                .collect();
            format!("{rule} {hit} {}", words.join(","))
        })
        .collect();
    assert_eq!(
        words,
        [
            "a.cancelled false cancelled",
            "a.covered false covered,missing",
            "a.expired false expired",
            "a.far false far",
            "a.missing false missing",
            "a.number false not confirmed",
            "a.off false off",
            "a.lane false lane,missing",
            "a.noisy false noisy,missing",
            "a.hit true ",
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A rule that hits has no obstacle, one that does not has one; and none was too late, because all
    /// of the page is held.
    #[test]
    fn an_explanation_agrees_with_the_verdict(text in page()) {
        for (rule, hit, obstacles) in BOTH.explained(&text) {
            prop_assert_eq!(hit, obstacles.is_empty(), "{}: {:?} in {}", rule, obstacles, text);
            prop_assert!(!obstacles.contains(&Obstacle::TooLate), "{}: {}", rule, text);
        }
    }
}

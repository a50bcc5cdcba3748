//! The `hit` and `pass` examples of rules, put to the test.

use std::sync::Arc;

use crate::{base::Problem, engine::body_filter::Judgement};

use super::{Action, Mode, Pack, Phrase};

/// What an example says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExampleKind {
    /// The rule must find something in it.
    Hit,
    /// The rule must not find anything in it.
    Pass,
}

/// In which way an example did not come true. Closed; alphabetical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExampleFault {
    /// A `pass` example of this rule is clean for the rule, but the category acts on it all the same.
    CategoryFired(Action),
    /// The rule found something in its `pass` example.
    Found,
    /// The rule found nothing in its `hit` example.
    Missed,
}

/// One example after it was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleOutcome {
    /// The rule's id.
    pub rule: Arc<str>,
    /// The pack's id.
    pub category: Arc<str>,
    /// The text and where it was written.
    pub example: Phrase,
    /// What it says.
    pub kind: ExampleKind,
    /// Whether the rule found something in it.
    pub found: bool,
    /// What the rule's category does about it, all of its rules together.
    pub fired: Option<Action>,
}

/// Judges every example of every rule that is not off, in the order of the packs. `judge` reads a
/// text as a body, with the rules of all these packs in force.
pub fn run_examples(packs: &[Pack], judge: &dyn Fn(&str) -> Judgement) -> Vec<ExampleOutcome> {
    let mut outcomes = Vec::new();
    for pack in packs {
        for rule in pack.rules.iter().filter(|rule| rule.mode != Mode::Off) {
            let hits = rule.hit.iter().map(|example| (example, ExampleKind::Hit));
            let passes = rule.pass.iter().map(|example| (example, ExampleKind::Pass));
            for (example, kind) in hits.chain(passes) {
                let judgement = judge(&example.text);
                let category = judgement.categories.iter().find(|score| score.category == pack.id);
                outcomes.push(ExampleOutcome {
                    rule: Arc::clone(&rule.id),
                    category: Arc::clone(&pack.id),
                    example: example.clone(),
                    kind,
                    found: judgement.findings.iter().any(|finding| finding.rule == rule.id),
                    fired: category.and_then(|score| score.action),
                });
            }
        }
    }
    outcomes
}

impl ExampleOutcome {
    /// What is wrong, if anything is.
    pub fn fault(&self) -> Option<ExampleFault> {
        match (self.kind, self.found, self.fired) {
            (ExampleKind::Hit, true, _) | (ExampleKind::Pass, false, None) => None,
            (ExampleKind::Hit, false, _) => Some(ExampleFault::Missed),
            (ExampleKind::Pass, true, _) => Some(ExampleFault::Found),
            (ExampleKind::Pass, false, Some(action)) => Some(ExampleFault::CategoryFired(action)),
        }
    }

    /// The same for a person, at the example's place.
    pub fn problem(&self) -> Option<Problem> {
        let Self { rule, category, example, .. } = self;
        let (message, help) = match self.fault()? {
            ExampleFault::CategoryFired(action) => (
                format!("`{rule}` leaves its pass example alone, but `{category}` as a whole answers it with {action}"),
                "`rules scan` shows which other rules find something in it",
            ),
            ExampleFault::Found => {
                (format!("`{rule}` hits its pass example"), "narrow the rule with `none`, `all`, `near` or `regex`")
            }
            ExampleFault::Missed => {
                (format!("`{rule}` misses its hit example"), "widen the rule, or correct the example")
            }
        };
        Some(Problem::error(&example.path, example.line, example.column, message).help(help))
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::{
        body_filter::Inspection,
        rules::{CategoryScore, Class, Finding, Lists, PackSource, parse},
        text::Stream,
    };

    use super::*;

    struct NoLists;

    impl Lists for NoLists {
        fn read(&self, name: &str) -> Result<String, String> {
            Err(format!("no {name}"))
        }
    }

    /// Finds the rule `a.one` in texts with a 1, and acts on texts with an exclamation mark.
    fn judge(text: &str) -> Judgement {
        let finding = Finding {
            rule: "a.one".into(),
            category: "a".into(),
            class: Class::Other,
            action: Action::Block,
            mode: Mode::On,
            weight: 100,
            phrase: "1".into(),
            span: Default::default(),
            stream: Stream::Text,
            excerpt: String::new(),
        };
        let action = text.contains('!').then_some(Action::Block);
        Judgement {
            verdict: action,
            inspection: Inspection::Inspected,
            charset: "UTF-8",
            raw_bytes: 0,
            decoded_bytes: 0,
            categories: vec![CategoryScore { category: "a".into(), score: 0, action }],
            findings: text.contains('1').then_some(finding).into_iter().collect(),
            cached: false,
            tail_flushes: 0,
        }
    }

    #[test]
    fn each_example_is_judged_by_its_own_rule() {
        let text = r#"
[pack]
id = "a"
title = "A"
clause = "7.7"
class = "other"
action = "block"
threshold = 100
[[rule]]
id = "a.one"
any = ["1"]
hit = ["1!", "2"]
pass = ["3", "1", "3!"]
[[rule]]
id = "a.off"
mode = "off"
any = ["2"]
hit = ["2"]
"#;
        let parsed = parse(&[PackSource { path: "a.toml".into(), text: text.into() }], &NoLists);
        assert_eq!(parsed.problems, []);
        let outcomes = run_examples(&parsed.packs, &judge);
        let faults: Vec<_> = outcomes.iter().map(ExampleOutcome::fault).collect();
        let fired = ExampleFault::CategoryFired(Action::Block);
        let expected = [None, Some(ExampleFault::Missed), None, Some(ExampleFault::Found), Some(fired)];
        assert_eq!(faults, expected);
        let problems: Vec<_> = outcomes.iter().filter_map(ExampleOutcome::problem).collect();
        assert_eq!(
            problems.iter().map(|problem| (problem.line, problem.column)).collect::<Vec<_>>(),
            [(12, 14), (13, 14), (13, 19)]
        );
    }
}

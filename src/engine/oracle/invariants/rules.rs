//! Rules as people write them: folding is done once and for all, and every complaint has a place.

use super::super::{NoLists, case::TODAY};
use crate::{
    base::Severity,
    engine::{
        rules::{PackSource, RuleSet, parse},
        text::fold::{Folded, Folding, Token},
    },
};

/// What is folded stays as it is when it is folded again, and a phrase is what its characters are.
///
/// # Panics
/// Where it does not hold.
pub fn folding(folding: &Folding, text: &str) {
    let tokens = folding.phrase(text);
    let again: String = tokens
        .iter()
        .flat_map(|token| match token {
            Token::Ideograph(c) => vec![*c],
            Token::Word(word) => word.chars().chain([' ']).collect(),
        })
        .collect();
    assert_eq!(folding.phrase(&again), tokens, "{text:?} folds to {again:?}");
    let kept = |part: &Folded| matches!(part, Folded::Letter(_) | Folded::Ideograph(_));
    let characters = text.chars().flat_map(|c| folding.fold(c)).filter(kept).count();
    let in_tokens = |token: &Token| match token {
        Token::Ideograph(_) => 1,
        Token::Word(word) => word.chars().count(),
    };
    assert_eq!(tokens.iter().map(in_tokens).sum::<usize>(), characters, "{text:?}");
}

/// Whatever a pack's text is, what is wrong with it is said at a place in it; if nothing is, it
/// compiles, or the compiler says why not.
///
/// # Panics
/// Where it does not hold.
pub fn rule_parser(text: &str) {
    let texts: Vec<&str> = text.split("\n====\n").collect();
    let source = |(number, text): (usize, &&str)| PackSource { path: number.to_string(), text: (*text).to_owned() };
    let sources: Vec<PackSource> = texts.iter().enumerate().map(source).collect();
    let parsed = parse(&sources, &NoLists);
    for problem in &parsed.problems {
        let lines = problem.path.parse().ok().and_then(|number: usize| texts.get(number)).map(|text| text.split('\n'));
        let place = (problem.line as usize).checked_sub(1).zip(lines).and_then(|(line, mut lines)| lines.nth(line));
        let Some(line) = place else { panic!("{problem:?} has no place in {text:?}") };
        let columns = 1..=line.chars().count() as u32 + 2;
        assert!(columns.contains(&problem.column), "{problem:?} has no place in {text:?}");
        assert!(!problem.message.is_empty(), "{problem:?}");
    }
    let errors = parsed.problems.iter().any(|problem| problem.severity == Severity::Error);
    assert!(errors || parsed.packs.len() == texts.len(), "a pack is gone, and nobody says why: {text:?}");
    if !errors && let Err(problems) = RuleSet::compile(&parsed.packs, TODAY) {
        assert!(!problems.is_empty() && problems.iter().all(|problem| problem.line > 0), "{problems:?}");
    }
}

//! Exceptions that take everything away, or nothing.

use super::{Problem, cite, warning};
use crate::engine::{
    rules::{Phrase, Rule, compile::Covers},
    text::fold::{Folding, Token},
};

pub(super) fn look_at(rule: &Rule, folding: &Folding, problems: &mut Vec<Problem>) {
    if rule.none.is_empty() {
        return;
    }
    let fold = |phrase: &Phrase| folding.phrase(&phrase.text);
    let own: Vec<(Vec<Token>, &Phrase)> = rule.parts().map(|(_, phrase)| (fold(phrase), phrase)).collect();
    let none: Vec<(Vec<Token>, &Phrase)> = rule.none.iter().map(|phrase| (fold(phrase), phrase)).collect();
    let covers = Covers::of(folding, rule);
    for (at, (tokens, phrase)) in none.iter().enumerate() {
        let same = own.iter().find(|(own, _)| own == tokens && !tokens.is_empty());
        if let Some((_, hidden)) = same {
            let message = format!("is the phrase in {} itself, so that this can never hit", cite(hidden));
            problems.push(warning(phrase, message, "remove one of them"));
            continue;
        }
        // In a stretch of text with the longer one stands the shorter one; if both do the same, the
        // longer one has nothing to do.
        let shorter = none.iter().enumerate().find(|(other, (inner, _))| {
            let same_kind = !covers.is_cover(at) && !covers.is_cover(*other);
            same_kind && !inner.is_empty() && inner.len() < tokens.len() && contains(tokens, inner)
        });
        if let Some((_, (_, shorter))) = shorter {
            let message = format!("never applies: the exception {:?} in {} does before", shorter.text, cite(shorter));
            problems.push(warning(phrase, message, "remove the longer one: it adds nothing"));
        }
    }
}

fn contains(outer: &[Token], inner: &[Token]) -> bool {
    outer.windows(inner.len()).any(|window| window == inner)
}

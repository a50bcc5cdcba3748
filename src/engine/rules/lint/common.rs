//! The most common words: a rule that fires at one of them fires everywhere.

use std::collections::HashMap;

use super::{Problem, cite_rank, warning};
use crate::engine::{
    rules::{Mode, Pack, Rule},
    text::fold::{Folding, Token},
};

/// Words by frequency; what is in the file is said in it.
const COMMON: &str = include_str!("common.txt");

pub(super) struct CommonWords(HashMap<Vec<Token>, usize>);

impl CommonWords {
    pub(super) fn new(folding: &Folding) -> Self {
        let words = COMMON.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace);
        let mut ranks = HashMap::new();
        for (rank, word) in words.enumerate() {
            ranks.entry(folding.phrase(word)).or_insert(rank + 1);
        }
        Self(ranks)
    }

    /// Names the common words that fire their category alone.
    pub(super) fn look_at(&self, pack: &Pack, rule: &Rule, folding: &Folding, problems: &mut Vec<Problem>) {
        let alone = rule.slots() == 1 && rule.regex.is_none() && rule.mode != Mode::Off;
        if !alone || rule.weight < pack.threshold {
            return;
        }
        for (_, phrase) in rule.parts() {
            let tokens = folding.phrase(&phrase.text);
            if let Some(rank) = self.0.get(&tokens) {
                let message = format!("is {} and fires `{}` alone", cite_rank(*rank), pack.id);
                let help = "combine it with others through `all` and `near`, or give it a smaller weight";
                problems.push(warning(phrase, message, help));
            }
        }
    }
}

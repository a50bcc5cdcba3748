//! Rules that hit what another rule's author holds to be innocent.

use super::{Problem, cite, warning};
use crate::engine::{
    body_filter::Judgement,
    rules::{Mode, Pack, Phrase, Rule},
};

/// Looks for `pass` examples that another rule answers alone with its category's action. `judge` reads
/// a text as a body, with the rules of all these packs in force.
pub fn lint_examples(packs: &[Pack], judge: &dyn Fn(&str) -> Judgement) -> Vec<Problem> {
    let mut problems = Vec::new();
    let rules = || packs.iter().flat_map(|pack| pack.rules.iter().map(move |rule| (pack, rule)));
    for (_, owner) in rules().filter(|(_, rule)| rule.mode != Mode::Off) {
        for example in &owner.pass {
            for finding in judge(&example.text).findings {
                let other = rules().find(|(_, rule)| rule.id == finding.rule);
                let Some((pack, rule)) = other.filter(|(_, rule)| rule.id != owner.id) else { continue };
                if finding.weight < pack.threshold {
                    continue;
                }
                let message = format!("hits a pass example of `{}`, in {}", owner.id, cite(example));
                let help = format!("narrow `{}` with `none`, `near` or `all`, or correct the example", rule.id);
                problems.extend(place(rule, &finding.phrase).map(|phrase| warning(phrase, message, &help)));
            }
        }
    }
    problems
}

/// Where the phrase of a finding was written.
fn place<'r>(rule: &'r Rule, phrase: &str) -> Option<&'r Phrase> {
    rule.parts().map(|part| part.1).find(|written| written.text == phrase)
}

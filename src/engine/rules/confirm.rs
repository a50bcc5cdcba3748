//! A regular expression that confirms a hit.
//!
//! It sees the text around the hit twice: as a reader would, and folded, so that it need not know
//! the disguises that the phrases see through.

use regex_automata::meta::Regex;

use super::Phrase;
use crate::{
    base::Problem,
    engine::text::fold::{Folded, Folding},
};

/// A compiled regular expression may take so much memory.
const REGEX_BYTES_MAX: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Confirmation(Regex);

impl Confirmation {
    pub(super) fn compile(phrase: &Phrase) -> Result<Self, Problem> {
        let config = Regex::config().nfa_size_limit(Some(REGEX_BYTES_MAX)).hybrid_cache_capacity(REGEX_BYTES_MAX);
        Regex::builder().configure(config).build(&phrase.text).map(Self).map_err(|error| {
            let message = format!("the regular expression does not compile: {error}");
            Problem::error(&phrase.path, phrase.line, phrase.column, message)
                .help("look-around and back-references are not linear and not supported")
        })
    }

    /// Whether the expression matches the window as written, or folded.
    pub(super) fn matches(&self, window: &str, folding: Option<&Folding>) -> bool {
        self.0.is_match(window) || folding.is_some_and(|folding| self.0.is_match(&folded(window, folding)))
    }
}

/// The text as phrases are compared with it: simplified, small, without noise and white space.
fn folded(text: &str, folding: &Folding) -> String {
    let kept = |folded| match folded {
        Folded::Letter(c) | Folded::Ideograph(c) => Some(c),
        Folded::Free | Folded::Noise | Folded::Space => None,
    };
    text.chars().flat_map(|c| folding.fold(c)).filter_map(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::text::fold::Reading;

    #[test]
    fn a_window_is_seen_as_written_and_folded() {
        let folding = Folding::new(Reading::Looks);
        let matches = |pattern: &str, window: &str| {
            let phrase = Phrase { text: pattern.into(), path: "p".into(), line: 1, column: 1 };
            Confirmation::compile(&phrase).unwrap().matches(window, Some(&folding))
        };
        assert!(matches("[0-9]{5}", "加群 １-２ 3·4·⑤"));
        assert!(matches("送.{0,3}体验金", "送八元體-驗-金"));
        assert!(matches("QQ: ?[0-9]+", "QQ: 5"), "capitals and punctuation, as written");
        assert!(!matches("[0-9]{5}", "加群 1-2-3-4"));
    }
}

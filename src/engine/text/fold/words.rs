//! What a whole word is, where that is more than a word.

use super::Reading;

/// Splits words that are pinyin into their syllables.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pinyin: bool,
}

impl Words {
    pub(super) fn new(reading: Reading) -> Self {
        Self { pinyin: reading == Reading::Sounds }
    }

    /// Whether it may be split at all; most words are not.
    #[inline]
    pub(super) fn concern(&self, word: &str) -> bool {
        self.pinyin && !word.is_empty()
    }

    /// Hands over the ideographs that the word is, each with the number of its letters; all of the
    /// word, or nothing and `false`.
    pub(super) fn split(&self, _word: &str, _part: impl FnMut(char, usize)) -> bool {
        false
    }

    /// All ideographs that [`Words::split`] may hand over.
    pub(super) fn outcomes(&self) -> impl Iterator<Item = char> {
        std::iter::empty()
    }
}

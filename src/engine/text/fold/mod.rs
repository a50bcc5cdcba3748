//! Folding: what looks or reads alike becomes alike, in the text and in the rules by the same table.
//!
//! Each character folds to nothing (zero-width, combining marks), to noise, to white space, to a
//! letter of a word, to an ideograph (a character that stands for itself: Han, kana, Hangul, …),
//! or to several of these. The steps: NFKD, marks dropped, lower case, traditional → simplified.
//! A [`Reading`] says how far that goes. What cannot be said character by character is said of a
//! whole word ([`Folding::word`]) or of a phrase ([`Folding::variants`]).

mod coded;
mod facts;
mod han;
mod table;
mod words;

use std::sync::Arc;

use self::{
    facts::Facts,
    han::Simplified,
    table::{Entry, Table},
    words::Words,
};

pub use coded::{Coded, CodedFolding, ENTRY_FREE, ENTRY_LETTERS, ENTRY_NOISE, ENTRY_RARE, ENTRY_SPACE, WordPart};

/// How generously characters count as the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reading {
    /// What looks alike, or is the same character in another form: for every phrase.
    Looks,
    /// What sounds alike: each Han character is its syllable of pinyin without the tone. Noisy.
    Sounds,
    /// Digits and signs that stand for Latin letters count as these. Noisy.
    Leet,
}

/// What one character of the input is after folding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Folded {
    /// Neither seen nor counted: zero-width characters, bidi controls, combining marks.
    Free,
    /// White space; a run of it counts as one.
    Space,
    /// Punctuation, symbols, emoji: counts towards a phrase's gap.
    Noise,
    /// Part of a word: only whole words match.
    Letter(char),
    /// Stands for itself; noise is allowed beside it.
    Ideograph(char),
}

/// A part of a folded phrase.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Token {
    /// One ideograph.
    Ideograph(char),
    /// A whole word.
    Word(Box<str>),
}

/// The table of all characters under one reading. Building it takes some milliseconds; share it.
#[derive(Debug)]
pub struct Folding {
    table: Arc<Table>,
    words: Words,
}

impl Folding {
    /// Builds the table.
    pub fn new(reading: Reading) -> Self {
        let simplified = Simplified::new();
        let facts = Facts::new();
        let table = Table::build(|c, parts| *parts = facts.fold(c, &simplified));
        Self { table: Arc::new(table), words: Words::new(reading) }
    }

    /// Folds one character.
    pub fn fold(&self, c: char) -> impl Iterator<Item = Folded> + '_ {
        let (one, several): (Option<Folded>, &[Folded]) = match self.table.find(c) {
            Entry::One(folded) => (Some(folded), &[]),
            Entry::Several(_, parts) => (None, parts),
        };
        one.into_iter().chain(several.iter().copied())
    }

    /// What a whole folded word becomes, if it is more than a word: under [`Reading::Sounds`] the
    /// syllables of a word that is pinyin.
    pub fn word(&self, word: &str) -> Option<Vec<Token>> {
        let mut tokens = Vec::new();
        let more = self.words.concern(word) && self.words.split(word, |c, _| tokens.push(Token::Ideograph(c)));
        more.then_some(tokens)
    }

    /// Folds a phrase of a rule into what is looked for: noise goes, words stay whole.
    pub fn phrase(&self, text: &str) -> Vec<Token> {
        let mut tokens = Vec::new();
        let mut word = String::new();
        for folded in text.chars().flat_map(|c| self.fold(c)) {
            match folded {
                Folded::Free => {}
                Folded::Letter(c) => word.push(c),
                Folded::Ideograph(_) | Folded::Noise | Folded::Space => {
                    self.end_word(&mut word, &mut tokens);
                    if let Folded::Ideograph(c) = folded {
                        tokens.push(Token::Ideograph(c));
                    }
                }
            }
        }
        self.end_word(&mut word, &mut tokens);
        tokens
    }

    fn end_word(&self, word: &mut String, tokens: &mut Vec<Token>) {
        if word.is_empty() {
            return;
        }
        match self.word(word) {
            Some(parts) => tokens.extend(parts),
            None => tokens.push(Token::Word(word.as_str().into())),
        }
        word.clear();
    }

    /// Other forms under which a folded phrase is to be found too; mostly none, at most
    /// [`Folding::VARIANTS_MAX`]. None of them is the phrase itself.
    pub fn variants(&self, tokens: &[Token]) -> Vec<Vec<Token>> {
        let _ = tokens;
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{Folding, Reading, Token};

    fn shown(folding: &Folding, text: &str) -> String {
        let token = |token| match token {
            Token::Ideograph(c) => c.to_string(),
            Token::Word(word) => format!("[{word}]"),
        };
        folding.phrase(text).into_iter().map(token).collect()
    }

    #[test]
    fn what_reads_alike_folds_alike() {
        let folding = Folding::new(Reading::Looks);
        let same = [
            ("百家樂", "百家乐"),
            ("百 家，乐", "百家乐"),
            ("百\u{200b}家\u{ad}乐\u{fe0f}", "百家乐"),
            ("⼀⾊", "一色"),
            ("㈠", "一"),
            ("ＣＡＳＩＮＯ Online", "[casino][online]"),
            ("c\u{301}afé", "[cafe]"),
            ("𝓐①", "[a1]"),
            ("加QQ群", "加[qq]群"),
            ("Straße", "[straße]"),
            ("が", "が"),
            ("한국", "한국"),
            ("！？ …", ""),
            ("6合彩", "[6]合彩"),
        ];
        for (text, expected) in same {
            assert_eq!(shown(&folding, text), expected, "{text}");
        }
    }

    #[test]
    fn false_friends_keep_apart() {
        let folding = Folding::new(Reading::Looks);
        for (one, other) in [("乾坤", "干坤"), ("著作", "着作"), ("か", "が")] {
            assert_ne!(folding.phrase(one), folding.phrase(other));
        }
    }

    #[test]
    fn folding_twice_changes_nothing() {
        let folding = Folding::new(Reading::Looks);
        for c in ('\0'..='\u{3FFFF}').step_by(7) {
            let once = shown(&folding, &c.to_string());
            let inner = once.replace("][", " ").replace(['[', ']'], "");
            assert_eq!(shown(&folding, &inner), once, "U+{:04X}", c as u32);
        }
    }
}

//! Folding: what looks or reads alike becomes alike, in the text and in the rules by the same table.
//!
//! Each character folds to nothing (zero-width, combining marks), to noise, to white space, to a
//! letter of a word, to an ideograph (a character that stands for itself: Han, kana, Hangul, …),
//! or to several of these. The steps: NFKD, marks dropped, look-alikes of Latin letters and digits
//! in any style, lower case, traditional → simplified, variants of an ideograph. A [`Reading`] says
//! how far that goes. What cannot be said character by character is said of a whole word
//! ([`Folding::word`]) or of a phrase ([`Folding::variants`]).
//!
//! What is folded here is said on purpose of both sides, so it must never make one common word out
//! of two: a character that has a life of its own in normal text folds to itself, and where it is
//! ambiguous (乾 is 干 in 乾燥, not in 乾坤; 陆 is 六 in 陆合彩, not in 大陆), the phrase gets a
//! variant instead.

mod coded;
mod facts;
mod forms;
mod friends;
mod letters;
mod numerals;
mod split;
mod syllables;
mod table;

use std::sync::Arc;

use self::{
    facts::Facts,
    friends::Friends,
    split::Parts,
    syllables::Syllables,
    table::{Entry, Table},
};

pub use coded::{Coded, CodedFolding, WordPart};

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
    /// Only under [`Reading::Sounds`].
    syllables: Option<Arc<Syllables>>,
    friends: Friends,
    parts: Parts,
}

impl Folding {
    /// The most variants that one phrase gets.
    pub const VARIANTS_MAX: usize = 8;

    /// Builds the table.
    pub fn new(reading: Reading) -> Self {
        let facts = Facts::new(reading == Reading::Leet);
        let syllables = (reading == Reading::Sounds).then(Syllables::new);
        let table = Table::build(facts.beyond(), |c, parts| {
            facts.fold(c, parts);
            if let Some(syllables) = &syllables {
                for part in parts {
                    if let Folded::Ideograph(c) = part {
                        *c = syllables.of(*c).unwrap_or(*c);
                    }
                }
            }
        });
        let mut folding = Self {
            table: Arc::new(table),
            syllables: syllables.map(Arc::new),
            friends: Friends::default(),
            parts: Parts::default(),
        };
        // Sounds know no characters that could be written in another way.
        if reading != Reading::Sounds {
            folding.friends = Friends::new(&folding);
            folding.parts = Parts::new(&folding);
        }
        folding
    }

    /// Folds one character.
    pub fn fold(&self, c: char) -> impl Iterator<Item = Folded> + '_ {
        let (one, several): (Option<Folded>, &[Folded]) = match self.table.find(c) {
            Entry::One(folded) => (Some(folded), &[]),
            Entry::Several(_, parts) => (None, parts),
        };
        one.into_iter().chain(several.iter().copied())
    }

    /// The ideograph that a character folds to, if it is one and one alone.
    fn ideograph(&self, c: char) -> Option<char> {
        match self.table.find(c) {
            Entry::One(Folded::Ideograph(c)) => Some(c),
            Entry::One(Folded::Free | Folded::Space | Folded::Noise | Folded::Letter(_)) | Entry::Several(..) => None,
        }
    }

    /// What a whole folded word becomes, if it is more than a word: under [`Reading::Sounds`] the
    /// syllables of a word that is pinyin, or of a digit.
    pub fn word(&self, word: &str) -> Option<Vec<Token>> {
        let syllables = self.syllables.as_ref().filter(|_| Syllables::concern(word))?;
        let mut tokens = Vec::new();
        syllables.split(word, |c, _| tokens.push(Token::Ideograph(c))).then_some(tokens)
    }

    /// Folds a phrase of a rule into what is looked for: noise goes, words stay whole.
    pub fn phrase(&self, text: &str) -> Vec<Token> {
        let mut tokens = Vec::new();
        let mut word = String::new();
        for c in text.chars() {
            let mut noise = false;
            let mut symbols = false;
            for folded in self.fold(c) {
                match folded {
                    Folded::Free => {}
                    Folded::Noise | Folded::Space => noise = true,
                    Folded::Letter(letter) => {
                        symbols = true;
                        word.push(letter);
                    }
                    Folded::Ideograph(ideograph) => {
                        symbols = true;
                        self.end_word(&mut word, &mut tokens);
                        tokens.push(Token::Ideograph(ideograph));
                    }
                }
            }
            // The parentheses of ⒜ part no words.
            if noise && !symbols {
                self.end_word(&mut word, &mut tokens);
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
    /// [`Folding::VARIANTS_MAX`], none of them the phrase itself:
    ///
    /// - ambiguous traditional characters as the other one (干燥 as 乾燥);
    /// - numerals as digits and the other way, and as they are written in documents (六合彩 as 6合彩,
    ///   陆合彩; 二八杠 as 28杠), unless the phrase is nothing but numerals: 六四 is not 6.4;
    /// - characters written as two (赌博 as 贝者十尃, 贝者博, 赌十尃);
    /// - Hangul syllables as letters, words letter by letter (c-a-s-i-n-o);
    /// - under [`Reading::Sounds`], syllables as they are taken apart in one word (反感: fan gan, fangan).
    pub fn variants(&self, tokens: &[Token]) -> Vec<Vec<Token>> {
        let mut variants = Vec::new();
        let mut add = |variant: Vec<Token>| {
            if variants.len() < Self::VARIANTS_MAX && variant != tokens && !variants.contains(&variant) {
                variants.push(variant);
            }
        };
        match &self.syllables {
            Some(syllables) => syllables.variants(tokens, &mut add),
            None => {
                self.friends.variants(tokens, &mut add);
                numerals::variants(tokens, &mut add);
                self.parts.variants(tokens, &mut add);
                split::hangul_variants(tokens, &mut add);
                split::spelled_out_variants(tokens, &mut add);
            }
        }
        variants
    }
}

#[cfg(test)]
mod tests;

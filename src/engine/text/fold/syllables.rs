//! How ideographs sound: the syllable of pinyin without its tone, and words that are pinyin.

use super::{Token, forms::lines};

/// All syllables and the ideographs that are read so. A syllable is a private-use character.
#[derive(Debug)]
pub(super) struct Syllables {
    /// In order; the place in the list is the syllable's number.
    spelled: Vec<&'static str>,
    /// Ideographs in order, with the number of their syllable.
    ideographs: Vec<(char, u16)>,
}

/// The character of the first syllable.
const FIRST: u32 = 0xE000;

/// A syllable has so many letters (zhuang).
const LETTERS_MAX: usize = 6;

/// Words longer than this are no pinyin: eight syllables of six.
const WORD_MAX: usize = 48;

/// How the digits are read.
const DIGITS: [&str; 10] = ["ling", "yi", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu"];

impl Syllables {
    pub(super) fn new() -> Self {
        let mut syllables = Self { spelled: Vec::new(), ideographs: Vec::with_capacity(20_000) };
        // The file is in order of the syllables.
        for (line, number) in lines(include_str!("pinyin.txt")).zip(0..) {
            if let Some((syllable, ideographs)) = line.split_once(' ') {
                syllables.spelled.push(syllable);
                syllables.ideographs.extend(ideographs.chars().map(|c| (c, number)));
            }
        }
        syllables.ideographs.sort_unstable();
        syllables
    }

    /// The syllable that an ideograph is read as.
    pub(super) fn of(&self, ideograph: char) -> Option<char> {
        let at = self.ideographs.binary_search_by_key(&ideograph, |pair| pair.0).ok()?;
        char::from_u32(FIRST + u32::from(self.ideographs[at].1))
    }

    fn spelled_so(&self, letters: &str) -> Option<char> {
        let at = self.spelled.binary_search(&letters).ok()?;
        char::from_u32(FIRST + at as u32)
    }

    /// Whether a folded word may be pinyin, or is a digit; most words of other languages are not.
    #[inline]
    pub(super) fn concern(word: &str) -> bool {
        match word.as_bytes() {
            [digit] => digit.is_ascii_digit(),
            [b'a'..=b'h' | b'j'..=b't' | b'w'..=b'z', .., last] => {
                word.len() <= WORD_MAX && matches!(last, b'a' | b'e' | b'g' | b'i' | b'n' | b'o' | b'r' | b'u' | b'v')
            }
            _ => false,
        }
    }

    /// Takes a word that [`Syllables::concern`] lets pass apart: into as few syllables as can be, the
    /// first ones the longest. Hands over each with the number of its letters; all of the word, or
    /// nothing and `false`.
    pub(super) fn split(&self, word: &str, mut part: impl FnMut(char, usize)) -> bool {
        if let &[digit] = word.as_bytes() {
            let spelled = DIGITS.get(usize::from(digit.wrapping_sub(b'0'))).and_then(|digit| self.spelled_so(digit));
            spelled.into_iter().for_each(|c| part(c, 1));
            return spelled.is_some();
        }
        if word.len() > WORD_MAX || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return false;
        }
        // By place, how many syllables the rest of the word is, and the letters of the first of these.
        let mut rests = [None::<(usize, usize)>; WORD_MAX + 1];
        rests[word.len()] = Some((0, 0));
        for from in (0..word.len()).rev() {
            for letters in (1..=LETTERS_MAX.min(word.len() - from)).rev() {
                let Some((count, _)) = rests[from + letters] else { continue };
                let fewer = rests[from].is_none_or(|(best, _)| count + 1 < best);
                if fewer && self.spelled_so(&word[from..from + letters]).is_some() {
                    rests[from] = Some((count + 1, letters));
                }
            }
        }
        let mut from = 0;
        while let Some((1.., letters)) = rests[from] {
            if let Some(c) = self.spelled_so(&word[from..from + letters]) {
                part(c, letters);
            }
            from += letters;
        }
        from == word.len()
    }

    /// The phrase as its syllables are taken apart when they are written in one word.
    pub(super) fn variants(&self, tokens: &[Token], add: &mut impl FnMut(Vec<Token>)) {
        let spelled = |token: &Token| match token {
            Token::Ideograph(c) => self.spelled.get((*c as usize).wrapping_sub(FIRST as usize)).copied(),
            Token::Word(_) => None,
        };
        let mut variant = Vec::new();
        for run in tokens.chunk_by(|left, right| spelled(left).is_some() == spelled(right).is_some()) {
            let word: String = run.iter().filter_map(spelled).collect();
            let begins = variant.len();
            let split = Self::concern(&word) && self.split(&word, |c, _| variant.push(Token::Ideograph(c)));
            if !split {
                variant.truncate(begins);
                variant.extend_from_slice(run);
            }
        }
        add(variant);
    }
}

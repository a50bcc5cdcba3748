//! What is written in pieces: a character as two beside each other (赌 as 贝者), Hangul syllables as
//! their letters, words letter by letter (c a s i n o).

use super::{Folding, Token, forms::lines};

/// By folded character, its two folded parts, in order.
#[derive(Debug, Default)]
pub(super) struct Parts(Vec<(char, [char; 2])>);

/// A phrase has so many variants with one character in parts; of a long one that is enough.
const SINGLE_MAX: usize = 3;

impl Parts {
    /// The table under a folding.
    pub(super) fn new(folding: &Folding) -> Self {
        let mut parts = Vec::new();
        for entry in lines(include_str!("split.txt")).flat_map(|line| line.split(' ')) {
            let mut folded = entry.chars().filter_map(|c| folding.ideograph(c));
            if let (Some(whole), Some(left), Some(right)) = (folded.next(), folded.next(), folded.next()) {
                parts.push((whole, [left, right]));
            }
        }
        parts.sort_unstable();
        Self(parts)
    }

    fn of(&self, token: &Token) -> Option<[char; 2]> {
        let Token::Ideograph(c) = token else { return None };
        let at = self.0.binary_search_by_key(c, |pair| pair.0).ok()?;
        Some(self.0[at].1)
    }

    /// Hands over a phrase with all its characters in parts, and with each one.
    pub(super) fn variants(&self, tokens: &[Token], add: &mut impl FnMut(Vec<Token>)) {
        let divisible: Vec<usize> = (0..tokens.len()).filter(|&at| self.of(&tokens[at]).is_some()).collect();
        // A phrase that is one character is too little to look for its parts.
        if tokens.len() < 2 || divisible.is_empty() {
            return;
        }
        add(self.divided(tokens, |_| true));
        for &only in divisible.iter().take(SINGLE_MAX) {
            add(self.divided(tokens, |at| at == only));
        }
    }

    fn divided(&self, tokens: &[Token], chosen: impl Fn(usize) -> bool) -> Vec<Token> {
        let mut variant = Vec::with_capacity(2 * tokens.len());
        for (at, token) in tokens.iter().enumerate() {
            match self.of(token).filter(|_| chosen(at)) {
                Some(parts) => variant.extend(parts.map(Token::Ideograph)),
                None => variant.push(token.clone()),
            }
        }
        variant
    }
}

/// Shorter words are not looked for letter by letter: a b c is a list.
const WORD_LETTERS_MIN: usize = 4;

/// Hands over a phrase with its words letter by letter; the short ones stay whole.
pub(super) fn spelled_out_variants(tokens: &[Token], add: &mut impl FnMut(Vec<Token>)) {
    if !tokens.iter().any(|token| matches!(token, Token::Word(_))) {
        return;
    }
    let mut variant = Vec::with_capacity(tokens.len());
    for token in tokens {
        match token {
            Token::Word(word)
                if word.chars().count() >= WORD_LETTERS_MIN && !word.bytes().all(|c| c.is_ascii_digit()) =>
            {
                let mut buffer = [0; 4];
                variant.extend(word.chars().map(|c| Token::Word((&*c.encode_utf8(&mut buffer)).into())));
            }
            Token::Word(_) | Token::Ideograph(_) => variant.push(token.clone()),
        }
    }
    add(variant);
}

/// Hands over a phrase with its Hangul syllables as the letters that they are made of (Unicode 3.12).
pub(super) fn hangul_variants(tokens: &[Token], add: &mut impl FnMut(Vec<Token>)) {
    if !tokens.iter().any(|token| matches!(token, Token::Ideograph('\u{AC00}'..='\u{D7A3}'))) {
        return;
    }
    let mut variant = Vec::with_capacity(tokens.len());
    for token in tokens {
        match token {
            Token::Ideograph(c @ '\u{AC00}'..='\u{D7A3}') => {
                let index = *c as u32 - 0xAC00;
                let (lead, vowel, tail) = (index / 588, index % 588 / 28, index % 28);
                let letters = [Some(0x1100 + lead), Some(0x1161 + vowel), (tail > 0).then_some(0x11A7 + tail)];
                let letters = letters.into_iter().flatten().filter_map(char::from_u32);
                variant.extend(letters.map(Token::Ideograph));
            }
            Token::Ideograph(_) | Token::Word(_) => variant.push(token.clone()),
        }
    }
    add(variant);
}

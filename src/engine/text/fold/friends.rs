//! Traditional characters that are at times the same as a simplified one and at times another: 乾 is
//! 干 in 乾燥, and itself in 乾坤. Character by character they are kept apart; a phrase with one is
//! also found with the other where they are the same.

use super::{Folding, Token, forms::lines};

/// The table under a folding.
#[derive(Debug, Default)]
pub(super) struct Friends(Vec<Friend>);

#[derive(Debug)]
struct Friend {
    simplified: char,
    traditional: char,
    /// Whether they are the same in `words` alone, or everywhere else.
    only_in_words: bool,
    words: Vec<Vec<char>>,
}

impl Friends {
    pub(super) fn new(folding: &Folding) -> Self {
        let fold = |text: &str| text.chars().filter_map(|c| folding.ideograph(c)).collect::<Vec<char>>();
        let mut friends = Vec::new();
        for line in lines(include_str!("friends.txt")) {
            let mut fields = line.split(' ');
            let mut character = || fields.next().and_then(|field| fold(field).first().copied());
            if let (Some(simplified), Some(traditional)) = (character(), character())
                && simplified != traditional
            {
                let only_in_words = fields.next() == Some("+");
                friends.push(Friend { simplified, traditional, only_in_words, words: fields.map(fold).collect() });
            }
        }
        Self(friends)
    }

    /// Hands over a phrase with its ambiguous characters as the other one of the pair, in the one
    /// direction and in the other.
    pub(super) fn variants(&self, tokens: &[Token], add: &mut impl FnMut(Vec<Token>)) {
        let as_char = |token: &Token| match token {
            Token::Ideograph(c) => *c,
            Token::Word(_) => ' ',
        };
        let characters: Vec<char> = tokens.iter().map(as_char).collect();
        let concerned = |friend: &&Friend| characters.iter().any(|&c| friend.is_either(c));
        let friends: Vec<&Friend> = self.0.iter().filter(concerned).collect();
        if friends.is_empty() {
            return;
        }
        for to_traditional in [true, false] {
            let mut variant = tokens.to_vec();
            for friend in &friends {
                let (from, to) = match to_traditional {
                    true => (friend.simplified, friend.traditional),
                    false => (friend.traditional, friend.simplified),
                };
                for at in (0..characters.len()).filter(|&at| characters[at] == from) {
                    if friend.same_at(&characters, at) {
                        variant[at] = Token::Ideograph(to);
                    }
                }
            }
            add(variant);
        }
    }
}

impl Friend {
    fn is_either(&self, c: char) -> bool {
        c == self.simplified || c == self.traditional
    }

    /// Whether the two are the same at a place of a phrase, be it the one or the other.
    fn same_at(&self, phrase: &[char], at: usize) -> bool {
        let alike = |one: char, other: char| one == other || (self.is_either(one) && self.is_either(other));
        let inside = self.words.iter().any(|word| {
            let starts = at.saturating_sub(word.len().saturating_sub(1))..=at;
            starts.into_iter().any(|start| {
                let part = phrase.get(start..start + word.len());
                part.is_some_and(|part| {
                    at < start + word.len() && part.iter().zip(word).all(|(&one, &other)| alike(one, other))
                })
            })
        });
        inside == self.only_in_words
    }
}

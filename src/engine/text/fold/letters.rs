//! Which characters look like a plain Latin letter or digit.

use super::forms::lines;

/// Letters of other scripts, small capitals, turned and barred letters.
pub(super) struct Letters(Vec<(char, char)>);

impl Letters {
    pub(super) fn new() -> Self {
        let mut pairs = Vec::with_capacity(1024);
        for line in lines(include_str!("letters.txt")) {
            let mut characters = line.chars().filter(|c| !c.is_whitespace());
            if let Some(plain) = characters.next() {
                pairs.extend(characters.map(|alike| (alike, plain)));
            }
        }
        pairs.sort_unstable();
        Self(pairs)
    }

    /// The plain letter that `c` looks like.
    pub(super) fn of(&self, c: char) -> Option<char> {
        let at = self.0.binary_search_by_key(&c, |pair| pair.0).ok().filter(|_| !c.is_ascii())?;
        Some(self.0[at].1)
    }
}

/// Digits, numbers and letters in a frame that Unicode does not take apart, and numerals of traders.
pub(super) fn styled(c: char) -> Option<impl Iterator<Item = char>> {
    let from = |first: char, value: u32| c as u32 - first as u32 + value;
    let number =
        |value: u32| [char::from_digit(value / 10, 10).filter(|_| value > 9), char::from_digit(value % 10, 10)];
    let letter = |first: char| [char::from_u32(from(first, 'a' as u32)), None];
    let shown = match c {
        '⓫'..='⓴' => number(from('⓫', 11)),
        '⓵'..='⓾' => number(from('⓵', 1)),
        '⓿' | '🄋' | '🄌' => number(0),
        '❶'..='❿' => number(from('❶', 1)),
        '➀'..='➉' => number(from('➀', 1)),
        '➊'..='➓' => number(from('➊', 1)),
        '🅐'..='🅩' => letter('🅐'),
        '🅰'..='🆉' => letter('🅰'),
        '🆊' => [Some('p'), None],
        '🇦'..='🇿' => letter('🇦'),
        '〡'..='〩' => ["一二三四五六七八九".chars().nth(from('〡', 0) as usize), None],
        _ => return None,
    };
    Some(shown.into_iter().flatten())
}

/// The letter that a digit or sign stands for in leetspeak; l is one with i, as 1 and | are with both.
pub(super) fn leet(c: char) -> Option<char> {
    Some(match c {
        '0' => 'o',
        '1' | '!' | '|' | 'l' => 'i',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        '9' => 'g',
        _ => return None,
    })
}

//! Numerals in a phrase: 六合彩 is also found as 6合彩 and 陆合彩, 二八杠 as 28杠, 18禁 as 十八禁.
//!
//! That is said of a phrase, not of characters, for most of them mean something else too: 陆 is also
//! in 大陆, and 6.4 is not 六四. The numerals of documents that mean nothing else (壹 贰 叁 柒 捌 玖)
//! are folded character by character.

use super::Token;

const NUMERALS: [char; 11] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九', '十'];

/// Numerals of documents that are other words as well.
const DOCUMENTS: [(char, char); 4] = [('四', '肆'), ('五', '伍'), ('六', '陆'), ('十', '拾')];

/// A word with more digits at its beginning is a number that nobody spells.
const DIGITS_MAX: usize = 4;

/// A phrase this long is found with the numerals of documents; 大陆合作 is not 六合.
const DOCUMENTS_TOKENS_MIN: usize = 3;

fn value(token: &Token) -> Option<usize> {
    match token {
        Token::Ideograph(c) => NUMERALS.iter().position(|numeral| numeral == c),
        Token::Word(_) => None,
    }
}

/// How many digits a word begins with.
fn digits(token: &Token) -> usize {
    match token {
        Token::Ideograph(_) => 0,
        Token::Word(word) => word.bytes().take_while(u8::is_ascii_digit).count(),
    }
}

/// Hands over the forms of a phrase with its numerals written in another way.
pub(super) fn variants(tokens: &[Token], add: &mut impl FnMut(Vec<Token>)) {
    let concerns = |token: &Token| match token {
        Token::Ideograph(c) => value(token).is_some() || simple(*c).is_some(),
        Token::Word(_) => digits(token) > 0,
    };
    if !tokens.iter().any(concerns) {
        return;
    }
    let is_number = |token: &Token| match token {
        Token::Ideograph(_) => value(token).is_some(),
        Token::Word(word) => digits(token) == word.len(),
    };
    let nothing_else = tokens.iter().all(is_number);
    if nothing_else || tokens.len() >= DOCUMENTS_TOKENS_MIN {
        add(replaced(tokens, simple));
        add(replaced(tokens, in_documents));
    }
    if nothing_else {
        return;
    }
    spelled(tokens, add);
    let numerals: Vec<usize> = (0..tokens.len()).filter(|&at| value(&tokens[at]).is_some()).collect();
    if numerals.is_empty() {
        return;
    }
    add(in_digits(tokens, |_| true));
    if numerals.len() > 1 {
        for &only in numerals.iter().take(2) {
            add(in_digits(tokens, |at| at == only));
        }
    }
}

fn simple(c: char) -> Option<char> {
    DOCUMENTS.iter().find(|pair| pair.1 == c).map(|pair| pair.0)
}

fn in_documents(c: char) -> Option<char> {
    DOCUMENTS.iter().find(|pair| pair.0 == c).map(|pair| pair.1)
}

fn replaced(tokens: &[Token], with: impl Fn(char) -> Option<char>) -> Vec<Token> {
    let one = |token: &Token| match token {
        Token::Ideograph(c) => Token::Ideograph(with(*c).unwrap_or(*c)),
        Token::Word(_) => token.clone(),
    };
    tokens.iter().map(one).collect()
}

/// Runs of numerals as one number, of which `chosen` says by its place whether it takes part; what
/// stands beside it as a word becomes part of that word, as in 3p.
fn in_digits(tokens: &[Token], chosen: impl Fn(usize) -> bool) -> Vec<Token> {
    let mut variant: Vec<Token> = Vec::new();
    let mut joins = false;
    let mut at = 0;
    while at < tokens.len() {
        let run = (at..tokens.len()).take_while(|&at| value(&tokens[at]).is_some() && chosen(at)).count();
        let values: Vec<usize> = tokens[at..at + run].iter().filter_map(value).collect();
        let written = match (number(&values), &tokens[at]) {
            (Some(number), _) => Some(number),
            (None, Token::Word(word)) => Some(word.to_string()),
            (None, Token::Ideograph(_)) => None,
        };
        match (written, variant.last_mut()) {
            (Some(written), Some(Token::Word(word))) if joins || run > 0 => {
                *word = format!("{word}{written}").into();
            }
            (Some(written), _) => variant.push(Token::Word(written.into())),
            (None, _) => variant.extend_from_slice(&tokens[at..at + run.max(1)]),
        }
        joins = !values.is_empty();
        at += run.max(1);
    }
    variant
}

/// 二八 is 28, 十八 is 18, 二十 is 20.
fn number(values: &[usize]) -> Option<String> {
    let (tens, ones) = match *values {
        [] => return None,
        [10] => (1, 0),
        [10, ones @ 1..=9] => (1, ones),
        [tens @ 1..=9, 10] => (tens, 0),
        [tens @ 1..=9, 10, ones @ 1..=9] => (tens, ones),
        _ if values.contains(&10) => return None,
        _ => return Some(values.iter().map(usize::to_string).collect()),
    };
    Some(format!("{tens}{ones}"))
}

/// Digits at the beginning of words as numerals, digit by digit, as a number below a hundred, and
/// as in documents.
fn spelled(tokens: &[Token], add: &mut impl FnMut(Vec<Token>)) {
    if !tokens.iter().any(|token| (1..=DIGITS_MAX).contains(&digits(token))) {
        return;
    }
    let with = |spell: &dyn Fn(&[usize]) -> Vec<usize>| {
        let mut variant = Vec::new();
        for token in tokens {
            let count = digits(token);
            match token {
                Token::Word(word) if (1..=DIGITS_MAX).contains(&count) => {
                    let values: Vec<usize> = word.bytes().take(count).map(|digit| usize::from(digit - b'0')).collect();
                    variant.extend(spell(&values).into_iter().map(|value| Token::Ideograph(NUMERALS[value])));
                    variant
                        .extend(word.get(count..).filter(|rest| !rest.is_empty()).map(|rest| Token::Word(rest.into())));
                }
                Token::Ideograph(_) | Token::Word(_) => variant.push(token.clone()),
            }
        }
        variant
    };
    let one_by_one = with(&<[usize]>::to_vec);
    let as_numbers = with(&|values| match *values {
        [1, 0] => vec![10],
        [1, ones] => vec![10, ones],
        [tens @ 2..=9, 0] => vec![tens, 10],
        [tens @ 2..=9, ones] => vec![tens, 10, ones],
        _ => values.to_vec(),
    });
    if one_by_one.len() >= DOCUMENTS_TOKENS_MIN {
        add(replaced(&one_by_one, in_documents));
    }
    add(one_by_one);
    add(as_numbers);
}

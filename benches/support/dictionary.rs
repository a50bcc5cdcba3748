//! Chinese words with their counts, and what the benches make of them: running text, rare phrases.
//!
//! `benches/data/words.zst` holds three parts, with an empty line between them: the common words,
//! one a line with its count; pairs of a simplified character and its traditional one; the rare
//! words in order, each as the number of characters that it shares with the one before it, and the rest.

use std::collections::HashMap;

use super::Random;

/// The phrases of the largest set.
pub const PHRASES_MAX: usize = 100_000;

/// Common words to write text with, rare words to look for.
pub struct Dictionary {
    words: Vec<String>,
    /// Sum of the counts up to and with each word.
    counts: Vec<usize>,
    rare: Vec<String>,
    traditional: HashMap<char, char>,
}

impl Dictionary {
    pub fn read() -> Self {
        let data = zstd::decode_all(&include_bytes!("../data/words.zst")[..]).expect("the words are whole");
        let data = String::from_utf8(data).expect("the words are UTF-8");
        let mut parts = data.split("\n\n");
        let (common, pairs, rare) =
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let mut sum = 0;
        let (mut words, mut counts) = (Vec::new(), Vec::new());
        for line in common.lines() {
            let (word, count) = line.split_once(' ').expect("a word and its count");
            sum += count.parse::<usize>().expect("a count");
            words.push(word.to_owned());
            counts.push(sum);
        }
        let pairs: Vec<char> = pairs.chars().collect();
        Self {
            words,
            counts,
            rare: unfold(rare),
            traditional: pairs.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect(),
        }
    }

    /// A word, as often as it is in real text.
    pub fn word(&self, random: &mut Random) -> &str {
        let at = random.below(self.counts.last().copied().unwrap_or(1));
        &self.words[self.counts.partition_point(|&sum| sum <= at)]
    }

    /// What a phrase or a text is in traditional characters.
    pub fn traditional(&self, text: &str) -> String {
        text.chars().map(|c| self.traditional.get(&c).copied().unwrap_or(c)).collect()
    }

    /// The first phrases of the list: Chinese words of 2 to 6 characters that are rare in text, and
    /// every twentieth a Latin word that is none. A shorter list is the beginning of a longer one.
    pub fn phrases(&self, count: usize) -> Vec<String> {
        let mut random = Random(20_240_607);
        let mut rare: Vec<&String> = self.rare.iter().collect();
        for at in (1..rare.len()).rev() {
            rare.swap(at, random.below(at + 1));
        }
        let mut rare = rare.into_iter().cloned();
        let latin = latin_words(PHRASES_MAX / 20, &mut random);
        let mut latin = latin.into_iter();
        (0..count).filter_map(|number| if number % 20 == 19 { latin.next() } else { rare.next() }).collect()
    }
}

fn unfold(rare: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Vec<char> = Vec::new();
    for c in rare.trim_end().chars() {
        if let Some(shared) = c.to_digit(10) {
            words.extend((!word.is_empty()).then(|| word.iter().collect()));
            word.truncate(shared as usize);
        } else {
            word.push(c);
        }
    }
    words.push(word.iter().collect());
    words
}

/// Words that sound like names of sites, all different.
fn latin_words(count: usize, random: &mut Random) -> Vec<String> {
    const BEGIN: &[u8] = b"bcdfghjklmnprstvwz";
    const END: [&str; 10] = ["a", "e", "i", "o", "u", "an", "en", "ing", "ou", "ao"];
    let mut known = std::collections::HashSet::new();
    let mut words = Vec::new();
    while words.len() < count {
        let mut word = String::new();
        for _ in 0..3 + random.below(3) {
            word.push(char::from(BEGIN[random.below(BEGIN.len())]));
            word.push_str(END[random.below(END.len())]);
        }
        if random.below(5) == 0 {
            word.push_str([".com", ".net", "88", "365"][random.below(4)]);
        }
        if word.len() > 5 && known.insert(word.clone()) {
            words.push(word);
        }
    }
    words
}

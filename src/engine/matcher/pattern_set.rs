//! The phrases, compiled.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::engine::text::fold::{CodedFolding, Folding, Token};

type Map<K, V> = HashMap<K, V, FixedState>;

/// Where a pattern was found, in tokens of the scanned slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The pattern, as [`PatternSetBuilder::add`] numbered it.
    pub pattern: u32,
    /// Index of its first token.
    pub first: usize,
    /// Index of its last token.
    pub last: usize,
    /// The widest noise inside it, in characters.
    pub gap: u8,
}

/// Collects phrases for a [`PatternSet`].
pub struct PatternSetBuilder<'f> {
    folding: &'f Folding,
    patterns: Vec<Vec<Token>>,
    gaps: Vec<u8>,
    numbers: Map<Vec<Token>, u32>,
}

/// All phrases of a rule set; immutable, shared by all cores.
#[derive(Debug)]
pub struct PatternSet {
    folding: CodedFolding,
    words: Map<Box<str>, u32>,
    /// The words in order, for the question whether one begins so.
    words_sorted: Vec<Box<str>>,
    word_bytes_max: usize,
    /// The first code that is a word; below it are ideographs.
    first_word: u32,
    /// All patterns' codes, one behind the other; pattern p has `codes[starts[p]..starts[p + 1]]`.
    codes: Vec<u32>,
    starts: Vec<u32>,
    gaps: Vec<u8>,
    /// Bit per hashed pair: whether some pattern has that pair as its anchor.
    pair_filter: Vec<u64>,
    pair_shift: u32,
    /// Patterns by anchor pair: a range of `anchored`.
    pairs: Map<(u32, u32), (u32, u32)>,
    /// (pattern, index of the anchor pair's first token in it).
    anchored: Vec<(u32, u32)>,
    /// Pattern of one token, by code; `u32::MAX` is none.
    singles: Vec<u32>,
    /// Edges of the trie of all patterns: (node, code) → node; the root is 0.
    trie: Map<(u32, u32), u32>,
    tokens_max: usize,
    /// The widest noise that any pattern allows.
    gap_max: u8,
}

impl<'f> PatternSetBuilder<'f> {
    /// An empty collection.
    pub fn new(folding: &'f Folding) -> Self {
        Self { folding, patterns: Vec::new(), gaps: Vec::new(), numbers: Map::default() }
    }

    /// Adds a phrase with the noise allowed inside it, and says its number; phrases that fold alike
    /// share one, with the wider gap. `None` if it folds to nothing.
    pub fn add(&mut self, phrase: &str, gap: u8) -> Option<u32> {
        let tokens = self.folding.phrase(phrase);
        if tokens.is_empty() {
            return None;
        }
        if let Some(&number) = self.numbers.get(&tokens) {
            let known = &mut self.gaps[number as usize];
            *known = gap.max(*known);
            return Some(number);
        }
        let number = u32::try_from(self.patterns.len()).ok()?;
        self.numbers.insert(tokens.clone(), number);
        self.patterns.push(tokens);
        self.gaps.push(gap);
        Some(number)
    }

    /// Compiles.
    pub fn build(self) -> PatternSet {
        let mut ideographs: Map<char, u32> = Map::default();
        let mut words: Map<Box<str>, u32> = Map::default();
        for token in self.patterns.iter().flatten() {
            match token {
                Token::Ideograph(c) => {
                    let next = ideographs.len() as u32 + 1;
                    ideographs.entry(*c).or_insert(next);
                }
                Token::Word(word) => {
                    words.entry(word.clone()).or_insert(0);
                }
            }
        }
        let first_word = ideographs.len() as u32 + 1;
        // Map order is the hasher's; number the words in order of first use, so that builds repeat.
        let mut next = first_word;
        for token in self.patterns.iter().flatten() {
            if let Token::Word(word) = token
                && let Some(code @ 0) = words.get_mut(word)
            {
                *code = next;
                next += 1;
            }
        }
        let mut codes = Vec::new();
        let mut starts = vec![0];
        for pattern in &self.patterns {
            codes.extend(pattern.iter().map(|token| match token {
                Token::Ideograph(c) => ideographs[c],
                Token::Word(word) => words[word],
            }));
            starts.push(codes.len() as u32);
        }
        let mut set = PatternSet {
            folding: self.folding.with_codes(|c| ideographs.get(&c).copied().unwrap_or(0)),
            word_bytes_max: words.keys().map(|word| word.len()).max().unwrap_or(0),
            words_sorted: {
                let mut sorted: Vec<_> = words.keys().cloned().collect();
                sorted.sort_unstable();
                sorted
            },
            words,
            first_word,
            gap_max: self.gaps.iter().copied().max().unwrap_or(0).max(1),
            tokens_max: self.patterns.iter().map(Vec::len).max().unwrap_or(0),
            codes,
            starts,
            gaps: self.gaps,
            pair_filter: Vec::new(),
            pair_shift: 63,
            pairs: Map::default(),
            anchored: Vec::new(),
            singles: vec![u32::MAX; next as usize],
            trie: Map::default(),
        };
        set.index();
        set
    }
}

impl PatternSet {
    /// Number of distinct patterns.
    pub fn len(&self) -> usize {
        self.gaps.len()
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.gaps.is_empty()
    }

    /// Tokens of the longest pattern.
    pub fn tokens_max(&self) -> usize {
        self.tokens_max
    }

    /// Bytes of the longest word in a pattern.
    pub fn word_bytes_max(&self) -> usize {
        self.word_bytes_max
    }

    /// The folding with this set's codes.
    pub fn folding(&self) -> &CodedFolding {
        &self.folding
    }

    /// The code of a whole folded word; 0 if no pattern has it.
    pub fn word(&self, word: &str) -> u32 {
        if word.len() > self.word_bytes_max { 0 } else { self.words.get(word).copied().unwrap_or(0) }
    }

    /// Whether some pattern has a word that begins so.
    pub fn word_begins(&self, prefix: &str) -> bool {
        let at = self.words_sorted.partition_point(|word| **word < *prefix);
        self.words_sorted.get(at).is_some_and(|word| word.starts_with(prefix))
    }

    /// Reports every pattern whose last token is at `fresh` or behind it, by its last token, then
    /// its first. `gaps[i]` is the noise before token i.
    pub fn scan(&self, codes: &[u32], gaps: &[u8], fresh: usize, mut found: impl FnMut(Found)) {
        for (at, &code) in codes.iter().enumerate().skip(fresh) {
            if let Some(&pattern) = self.singles.get(code as usize)
                && pattern != u32::MAX
            {
                found(Found { pattern, first: at, last: at, gap: 0 });
            }
        }
        if self.pairs.is_empty() {
            return;
        }
        // A pattern that ends in the fresh part may have its anchor pair before it.
        let from = fresh.saturating_sub(self.tokens_max);
        for (at, pair) in codes[from..].windows(2).enumerate() {
            let &[left, right] = pair else { continue };
            if left == 0 || right == 0 || !self.pair_may_stand(left, right) {
                continue;
            }
            let Some(&(begin, end)) = self.pairs.get(&(left, right)) else { continue };
            for &(pattern, anchor) in &self.anchored[begin as usize..end as usize] {
                let Some(first) = (from + at).checked_sub(anchor as usize) else { continue };
                if let Some(last) = self.verify(pattern, codes, gaps, first, fresh) {
                    found(last);
                }
            }
        }
    }

    /// Compares a pattern at a place.
    fn verify(&self, pattern: u32, codes: &[u32], gaps: &[u8], first: usize, fresh: usize) -> Option<Found> {
        let wanted = self.pattern(pattern);
        let last = first + wanted.len() - 1;
        if last < fresh || codes.get(first..=last)? != wanted {
            return None;
        }
        let limit = self.gaps[pattern as usize];
        let mut widest = 0;
        for at in first + 1..=last {
            widest = widest.max(self.gap_counted(codes[at - 1], codes[at], gaps[at]));
        }
        (widest <= limit).then_some(Found { pattern, first, last, gap: widest })
    }

    /// The noise between two tokens as it counts: between two words one character of it is what
    /// makes them two.
    fn gap_counted(&self, left: u32, right: u32, gap: u8) -> u8 {
        let words = left >= self.first_word && right >= self.first_word;
        if words && gap <= 1 { 0 } else { gap }
    }

    /// Index of the first token from which the text up to its end may still become a pattern.
    /// `gap` is the noise behind the last token.
    pub fn open_from(&self, codes: &[u32], gaps: &[u8], gap: u8) -> Option<usize> {
        let from = codes.len().saturating_sub(self.tokens_max.saturating_sub(1));
        if gap > self.gap_max {
            return None;
        }
        (from..codes.len()).find(|&first| {
            let mut node = 0;
            for at in first..codes.len() {
                if at > first && gaps[at] > self.gap_max {
                    return false;
                }
                match self.trie.get(&(node, codes[at])) {
                    Some(&next) => node = next,
                    None => return false,
                }
            }
            // A leaf is a whole pattern that nothing continues.
            self.trie_continues(node)
        })
    }

    fn trie_continues(&self, node: u32) -> bool {
        self.trie.contains_key(&(node, CONTINUES))
    }

    fn pattern(&self, number: u32) -> &[u32] {
        let number = number as usize;
        &self.codes[self.starts[number] as usize..self.starts[number + 1] as usize]
    }

    #[inline]
    fn pair_may_stand(&self, left: u32, right: u32) -> bool {
        let bit = pair_hash(left, right) >> self.pair_shift;
        self.pair_filter[(bit / 64) as usize] >> (bit % 64) & 1 != 0
    }

    /// Chooses anchors, and fills the filter, the buckets, the single tokens and the trie.
    fn index(&mut self) {
        let mut frequency = vec![0_u64; self.singles.len()];
        for &code in &self.codes {
            frequency[code as usize] += 1;
        }
        let mut by_pair: Map<(u32, u32), Vec<(u32, u32)>> = Map::default();
        let mut nodes = 1_u32;
        for number in 0..self.gaps.len() as u32 {
            let codes = &self.codes[self.starts[number as usize] as usize..self.starts[number as usize + 1] as usize];
            let mut node = 0;
            for &code in codes {
                self.trie.entry((node, CONTINUES)).or_insert(0);
                node = *self.trie.entry((node, code)).or_insert_with(|| {
                    nodes += 1;
                    nodes - 1
                });
            }
            if let [single] = codes {
                self.singles[*single as usize] = number;
                continue;
            }
            // What is rare in the phrases is rare in the text, near enough.
            let rarest = codes
                .windows(2)
                .enumerate()
                .min_by_key(|(_, pair)| frequency[pair[0] as usize].saturating_mul(frequency[pair[1] as usize]));
            if let Some((anchor, &[left, right])) = rarest {
                by_pair.entry((left, right)).or_default().push((number, anchor as u32));
            }
        }
        // 32 bits a pair, 8 KiB at least: few false candidates, and small sets stay in the first cache.
        let bits = (by_pair.len() as u64 * 32).next_power_of_two().clamp(1 << 16, 1 << 24);
        self.pair_shift = 64 - bits.trailing_zeros();
        self.pair_filter = vec![0; (bits / 64) as usize];
        for ((left, right), patterns) in by_pair {
            let bit = pair_hash(left, right) >> self.pair_shift;
            self.pair_filter[(bit / 64) as usize] |= 1 << (bit % 64);
            let begin = self.anchored.len() as u32;
            self.anchored.extend(patterns);
            self.pairs.insert((left, right), (begin, self.anchored.len() as u32));
        }
    }
}

/// Marks in the trie that a node has children; no token has this code.
const CONTINUES: u32 = u32::MAX;

#[inline]
fn pair_hash(left: u32, right: u32) -> u64 {
    // Fibonacci hashing of the pair; the high bits are the good ones.
    (u64::from(left) << 32 | u64::from(right)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ u64::from(left).wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

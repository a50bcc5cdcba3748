//! How phrases begin: whether the end of what has come may still become one.

use std::collections::HashSet;

use foldhash::fast::FixedState;

use super::{
    anchors::PAIR_MULTIPLIER,
    layer::{RARE, Run, code_of},
};

/// Bits for each phrase in the table of how they begin.
const PAIR_BITS: usize = 8;

/// The beginnings of phrases that go on behind them.
#[derive(Debug)]
pub(super) struct Prefixes {
    /// A bit for each code that a phrase begins with, and goes on.
    codes: Box<[u64]>,
    /// A bit for each two codes, hashed, that a phrase begins with.
    pairs: Box<[u64]>,
    /// All of them, hashed: of two that have one hash one would be waited for in vain, for as long as the other
    /// may come.
    all: HashSet<u64, FixedState>,
}

impl Prefixes {
    /// Of so many phrases, which are still to be added.
    pub(super) fn of(phrases: usize) -> Self {
        let pairs = (phrases * PAIR_BITS).next_power_of_two().max(64) / 64;
        Self { codes: vec![0; 1 << 10].into(), pairs: vec![0; pairs].into(), all: HashSet::default() }
    }

    /// Adds those of a phrase.
    pub(super) fn add(&mut self, runs: &[Run]) {
        if let [first, ..] = runs
            && may_go_on(runs, 1)
        {
            self.codes[usize::from(first.code / 64)] |= 1 << (first.code % 64);
        }
        if let [first, second, ..] = runs {
            let (at, bit) = pair_bit(self.pairs.len(), first.code, second.code);
            self.pairs[at] |= bit;
        }
        let mut hash = 0;
        for (before, run) in runs.iter().enumerate() {
            hash = longer(hash, run.symbol);
            if may_go_on(runs, before + 1) {
                self.all.insert(hash);
            }
        }
    }

    /// Whether some phrase begins with these symbols (given backwards, each row of equal ones once) and goes
    /// on, or may end in a longer run.
    pub(super) fn goes_on(&self, backwards: &[u32]) -> bool {
        let Some((&first, rest)) = backwards.split_last() else { return false };
        let code = code_of(first);
        if self.codes[usize::from(code / 64)] >> (code % 64) & 1 == 0 {
            return false;
        }
        match rest.last() {
            // The code is the symbol.
            None if first < RARE => return true,
            None => {}
            // What the set is asked for waits for memory.
            Some(&second) => {
                let (at, bit) = pair_bit(self.pairs.len(), code, code_of(second));
                if self.pairs[at] & bit == 0 {
                    return false;
                }
            }
        }
        let hash = backwards.iter().rev().fold(0, |hash, &symbol| longer(hash, symbol));
        self.all.contains(&hash)
    }
}

/// Whether a phrase goes on behind so many of its runs, or may with a longer one.
fn may_go_on(runs: &[Run], count: usize) -> bool {
    runs.len() > count || runs.get(count - 1).is_some_and(|run| run.count > 1)
}

/// The hash of one symbol more.
fn longer(hash: u64, symbol: u32) -> u64 {
    (hash.rotate_left(23) ^ u64::from(symbol) ^ 1 << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The bit for two codes in a table of so many words, a power of two.
fn pair_bit(words: usize, first: u16, second: u16) -> (usize, u64) {
    let hash = (u32::from(first) << 16 | u32::from(second)).wrapping_mul(PAIR_MULTIPLIER);
    ((hash >> 8) as usize & (words - 1), 1 << (hash >> 2 & 63))
}

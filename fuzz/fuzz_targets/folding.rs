//! Folding of any text.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use zhamen::engine::{
    oracle::invariants,
    text::fold::{Folding, Reading},
};

// Not the sounds: a syllable is no character that could be folded again.
static FOLDING: LazyLock<[Folding; 2]> = LazyLock::new(|| [Reading::Looks, Reading::Leet].map(Folding::new));

fuzz_target!(|text: &str| FOLDING.iter().for_each(|folding| invariants::folding(folding, text)));

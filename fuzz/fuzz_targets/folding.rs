//! Folding of any text.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use zhamen::engine::{
    oracle::invariants,
    text::fold::{Folding, Reading},
};

static FOLDING: LazyLock<[Folding; 3]> =
    LazyLock::new(|| [Reading::Looks, Reading::Sounds, Reading::Leet].map(Folding::new));

fuzz_target!(|text: &str| FOLDING.iter().for_each(|folding| invariants::folding(folding, text)));

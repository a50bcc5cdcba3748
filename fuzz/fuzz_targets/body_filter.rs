//! The whole filter against the oracle: arbitrary rules, documents and cuts.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use zhamen::engine::{
    oracle::{Case, invariants},
    text::fold::{Folding, Reading},
};

static FOLDING: LazyLock<Folding> = LazyLock::new(|| Folding::new(Reading::Looks));

fuzz_target!(|bytes: &[u8]| {
    let Some((how, rest)) = bytes.split_at_checked(12) else { return };
    let (rules, page) = rest.split_at(rest.len().min(64));
    invariants::whole_filter(&FOLDING, &Case::new(how, rules, page));
});

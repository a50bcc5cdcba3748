//! The engine and the oracle say the same.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::{Case, invariants};
use crate::engine::text::fold::{Folding, Reading};

static FOLDING: LazyLock<Folding> = LazyLock::new(|| Folding::new(Reading::Looks));

fn cases(cases: u32) -> ProptestConfig {
    // ZHAMEN_CASES is for long runs by hand; proptest itself reads PROPTEST_CASES only for its default.
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases);
    ProptestConfig {
        failure_persistence: None,
        max_shrink_time: 20_000,
        max_shrink_iters: 100_000,
        ..ProptestConfig::with_cases(cases)
    }
}

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..most)
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn engine_and_oracle_say_the_same(
        case in (bytes(12), bytes(60), bytes(60)).prop_map(|(how, rules, page)| Case::new(&how, &rules, &page)),
    ) {
        invariants::whole_filter(&FOLDING, &case);
    }
}

//! The engine and the oracle say the same.

mod work;

use std::sync::LazyLock;

use proptest::prelude::*;

use super::{
    Case,
    invariants::{self, Subject},
};
use crate::engine::text::fold::{Folding, Reading};

static FOLDING: LazyLock<Folding> = LazyLock::new(|| Folding::new(Reading::Looks));

fn cases(cases: u32) -> ProptestConfig {
    // For long runs by hand: proptest itself reads it only for its default.
    #[expect(clippy::disallowed_methods, reason = "how long to try is not part of what is tried")]
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

/// Packs, most of them with something wrong.
fn pack() -> impl Strategy<Value = String> {
    let line = proptest::sample::select(vec![
        "[pack]",
        "id = \"a\"",
        "title = \"t\"",
        "clause = \"7.9\"",
        "class = \"other\"",
        "action = \"block\"",
        "threshold = 100",
        "[[rule]]",
        "id = \"a.b\"",
        "any = [\"赌博\", \"a\"]",
        "all = [\"\"]",
        "none = [\"，\"]",
        "near = -1",
        "regex = \"(\"",
        "lanes = [\"text\", \"no\"]",
        "gap = 99",
        "expires = 2026-02-30",
        "any_file = \"../x\"",
        "====",
        "x = 1",
        "any = \"\"\"",
        "\u{feff}",
        "\t",
        "赌 = 博",
        "mode = \"shadow\"",
    ]);
    proptest::collection::vec(line, 0..24).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn what_is_decoded_does_not_depend_on_cuts(bytes in bytes(400)) {
        invariants::coding(&bytes);
    }

    #[test]
    fn charsets_are_read_as_the_standard_says(bytes in bytes(200)) {
        invariants::reading(Subject::Charset, &bytes);
    }

    #[test]
    fn markup_is_read_as_it_comes(bytes in bytes(120)) {
        invariants::reading(Subject::Markup, &bytes);
    }

    #[test]
    fn scripts_are_read_as_they_come(bytes in bytes(120)) {
        invariants::reading(Subject::Script, &bytes);
    }

    #[test]
    fn folding_is_done_once_and_for_all(text in "\\PC{0,40}") {
        invariants::folding(&FOLDING, &text);
    }

    #[test]
    fn every_complaint_has_a_place(text in pack()) {
        invariants::rule_parser(&text);
    }

    #[test]
    fn engine_and_oracle_say_the_same(
        case in (bytes(12), bytes(60), bytes(60)).prop_map(|(how, rules, page)| Case::new(&how, &rules, &page)),
    ) {
        invariants::whole_filter(&FOLDING, &case);
    }
}

#[test]
fn plain_text_that_is_turned_round_has_the_characters_of_its_charset() {
    let body = [0, 93, 46, 32, 174, 0, 0, 110, 98, 150, 200, 66, 240, 255, 86, 217];
    let utf_16 = 9;
    invariants::reading(Subject::Charset, &[&[0, utf_16, 240, 5][..], &body].concat());
}

#[test]
fn what_a_broken_escape_of_iso_2022_jp_leaves_is_read_again_with_its_places() {
    let iso_2022_jp = 5;
    for body in [
        "\u{1b}$BR,nG\u{1b}(&\u{1b}\0\u{5}\u{5}n",
        "\u{1b}$B\u{1b}(&(&",
        "\u{1b}$B\u{1b}(B\u{1b}(B",
        "\u{1b}(&a\u{1b}(",
        "\u{1b}$B(\u{1b}\u{1b}&(",
    ] {
        for cuts in [0, 70, 128, 140] {
            invariants::reading(Subject::Charset, &[&[0, iso_2022_jp, cuts, 0], body.as_bytes()].concat());
        }
    }
}

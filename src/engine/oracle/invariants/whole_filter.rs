//! The whole filter: rules and a body, from the bytes as received to the bytes that go out.

use super::super::{Case, Outcome, case::TODAY, drive, naive, tally::Verdict};
use std::collections::BTreeSet;

use crate::{
    base::ByteSpan,
    engine::{
        body_filter::Judgement,
        rules::{Action, Pack},
        text::{fold::Folding, media_type},
    },
};

/// More than any body of a case has.
const ALL_BYTES: usize = 1 << 30;

/// The engine and the oracle say the same of a body that is held; the cuts do not matter; masks
/// replace just the bytes that they have to; and what follows holds of a body that is not held.
///
/// # Panics
/// Where it does not hold.
pub fn whole_filter(folding: &Folding, case: &Case) {
    let packs = case.parsed();
    let rules = case.rules();
    let coded = case.coded();
    let media = media_type(Some(case.content_type.as_bytes()));
    let read = case.body.len().min(usize::try_from(case.decoded_bytes_max).unwrap_or(usize::MAX));
    let expected = naive::judge(folding, &packs, media, &case.body[..read], TODAY);

    let held = drive(&rules, case.head(), &case.policy(ALL_BYTES), &coded, &[]);
    assert_verdict(case, &expected, &held.judgement);
    assert_sent(case, &expected, &held, &coded);
    let cut = drive(&rules, case.head(), &case.policy(ALL_BYTES), &coded, &case.cuts);
    assert!(held == cut, "the cuts matter:\n{held:?}\n{cut:?}\n{case:?}");

    let whole = drive(&rules, case.head(), &case.policy(case.hold_bytes), &coded, &[]);
    let cut = drive(&rules, case.head(), &case.policy(case.hold_bytes), &coded, &case.cuts);
    assert_same_end(case, &whole, &cut);
    assert_committed(case, &packs, &expected, &whole, &coded);
    assert_committed(case, &packs, &expected, &cut, &coded);
}

fn assert_verdict(case: &Case, expected: &Verdict, judgement: &Judgement) {
    let both = || format!("engine:\n{judgement:#?}\noracle:\n{expected:#?}\n{case:?}");
    let categories: Vec<_> =
        judgement.categories.iter().map(|item| (item.category.clone(), item.score, item.action)).collect();
    assert!(categories == expected.categories && judgement.verdict == expected.action, "{}", both());
    assert!(judgement.findings.len() == expected.hits.len(), "{}", both());
    for finding in &judgement.findings {
        let hits = expected.hits.get(&finding.rule).map(Vec::as_slice).unwrap_or_default();
        // Which stream is certain first is a matter of how far each has been read; within one, the first hit is found.
        let first = hits.iter().find(|hit| hit.stream == finding.stream);
        let same = first.is_some_and(|hit| {
            hits.iter().any(|other| (other.span, &*other.phrase) == (hit.span, &*finding.phrase))
                && hit.span == finding.span
                && seen_of(&hit.excerpt) == seen_of(finding.excerpt.trim_matches('…'))
        });
        assert!(same, "{}\n{}", finding.rule, both());
    }
}

/// An excerpt without white space: how wide that is shown does not matter.
fn seen_of(excerpt: &str) -> String {
    excerpt.trim_matches('…').chars().filter(|&c| c > ' ' && !c.is_whitespace()).collect()
}

/// What goes out of a body that was held whole.
fn assert_sent(case: &Case, expected: &Verdict, outcome: &Outcome, coded: &[u8]) {
    match expected.action {
        Some(Action::Block) => {
            assert_eq!((outcome.end, outcome.sent.len()), ("block", 0), "{case:?}");
        }
        Some(Action::Mask) if !expected.masks.is_empty() => assert_masked(case, &expected.masks, &outcome.sent),
        Some(Action::Mask | Action::Observe) | None => {
            assert!(outcome.sent == coded, "it was to go out as it came\n{outcome:?}\n{case:?}");
        }
    }
}

/// Only the masked bytes are others, and those are asterisks.
fn assert_masked(case: &Case, masks: &BTreeSet<ByteSpan>, sent: &[u8]) {
    assert_eq!(case.body.len(), sent.len(), "{case:?}");
    for (at, (&before, &after)) in case.body.iter().zip(sent).enumerate() {
        if masks.iter().any(|span| (span.start..span.end).contains(&(at as u64))) {
            assert!(is_star(case, after), "byte {at} is {after:02x} in {sent:02x?}\n{masks:?}\n{case:?}");
        } else {
            assert_eq!(before, after, "byte {at} of {}\n{masks:?}\n{case:?}", String::from_utf8_lossy(sent));
        }
    }
}

/// Whether a byte is of an asterisk, narrow or wide, in the charset of a case.
fn is_star(case: &Case, byte: u8) -> bool {
    let wide = encoding_rs::Encoding::for_label(case.content_type.rsplit('=').next().unwrap_or_default().as_bytes())
        .map_or_else(|| "＊".as_bytes().to_vec(), |encoding| encoding.encode("＊").0.into_owned());
    let utf16 = case.content_type.contains("utf-16");
    // Undeclared charsets are found out; then any of these may be it.
    let undeclared = !case.content_type.contains('=') && !byte.is_ascii_alphanumeric();
    byte == b'*' || (utf16 && byte == 0) || wide.contains(&byte) || undeclared
}

/// Two ways of cutting a body that is not held whole.
fn assert_same_end(case: &Case, whole: &Outcome, cut: &Outcome) {
    if case.content_encoding.is_empty() {
        assert!(whole == cut, "the cuts matter:\n{whole:?}\n{cut:?}\n{case:?}");
    } else {
        // Where a coded body is cut off is not fixed to the byte.
        assert_eq!(whole.end, cut.end, "{case:?}");
        assert_eq!(whole.judgement.findings, cut.judgement.findings, "{case:?}");
        assert_eq!(whole.judgement.verdict, cut.judgement.verdict, "{case:?}");
    }
}

/// What holds of a body that was let go while it was read.
fn assert_committed(case: &Case, packs: &[Pack], expected: &Verdict, outcome: &Outcome, coded: &[u8]) {
    let original = outcome.output != Some(crate::engine::body_filter::Output::Decoded);
    let before: &[u8] = if original { coded } else { &case.body };
    assert!(outcome.sent.len() <= before.len(), "{case:?}");
    let plain = outcome.sent.len() == case.body.len() && (case.content_encoding.is_empty() || !original);
    // An exception anywhere on the page is not waited for when bytes leave.
    let waits = packs.iter().flat_map(|pack| &pack.rules).any(|rule| rule.near.is_none() && !rule.none.is_empty());
    match outcome.end {
        "block" => assert!(outcome.sent.is_empty(), "{case:?}"),
        "abort" => {
            assert_eq!(outcome.judgement.verdict, Some(Action::Block), "{case:?}");
            let last = outcome.judgement.findings.iter().map(|finding| finding.span.start).max().unwrap_or(0);
            let short = outcome.sent.len() as u64 <= last;
            assert!(short || !case.content_encoding.is_empty(), "bytes of the match left\n{outcome:?}\n{case:?}");
        }
        _ if !waits => {
            assert_verdict(case, expected, &outcome.judgement);
            assert!(outcome.judgement.verdict != Some(Action::Block), "{case:?}");
        }
        _ => {}
    }
    // A score that falls below its threshold again does not take back a mask that has left.
    let masks = packs.iter().any(|pack| pack.action == Action::Mask);
    if outcome.end == "done" && plain && !masks {
        assert!(outcome.sent == before, "it was to go out as it came\n{outcome:?}\n{case:?}");
    }
}

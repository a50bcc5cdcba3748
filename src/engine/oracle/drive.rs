//! A body on its way through the engine, in any pieces.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    base::MemoryBudget,
    engine::{
        body_filter::{BodyHead, Judged, Judgement, Judging, Output, Plan, ScanPolicy, Step, VerdictCache, plan},
        rules::RuleSet,
    },
};

/// What became of a body.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// `pass`, `deliver`, `block`, `done` or `abort`.
    pub end: &'static str,
    /// What becomes of the head.
    pub output: Option<Output>,
    /// What is said of it.
    pub judgement: Judgement,
    /// What went out.
    pub sent: Vec<u8>,
}

/// The pieces of a body that is cut at these places, in any order, each modulo its length.
pub fn chunks<'b>(body: &'b [u8], cuts: &[usize]) -> impl Iterator<Item = &'b [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (body.len() + 1)).collect();
    ends.sort_unstable();
    ends.push(body.len());
    let mut from = 0;
    ends.into_iter().map(move |to| &body[std::mem::replace(&mut from, to)..to])
}

/// Sends a body through the engine, and forgets what may depend on the cuts.
///
/// # Panics
/// If not every byte that was charged to the memory budget comes back.
pub fn drive(rules: &Arc<RuleSet>, head: BodyHead<'_>, policy: &ScanPolicy, body: &[u8], cuts: &[usize]) -> Outcome {
    let budget = MemoryBudget::new(1 << 30);
    let mut outcome = drive_within(rules, head, policy, body, cuts, &budget);
    // How often a possible match was let go while it grew depends on when one looks.
    if policy.hold_bytes < 1 << 10 {
        outcome.judgement.tail_flushes = 0;
    }
    // So does how much had been received when the body was cut off.
    if outcome.end == "abort" {
        outcome.judgement.raw_bytes = 0;
    }
    assert_eq!(budget.used(), 0, "every byte charged comes back");
    outcome
}

/// Sends a body through the engine.
pub fn drive_within(
    rules: &Arc<RuleSet>,
    head: BodyHead<'_>,
    policy: &ScanPolicy,
    body: &[u8],
    cuts: &[usize],
    budget: &MemoryBudget,
) -> Outcome {
    let mut cache = VerdictCache::new(0, [0; 32]);
    let mut chunks = chunks(body, cuts).map(Bytes::copy_from_slice);
    let judged = |mut judging: Judging, cache: &mut VerdictCache| loop {
        if let Some(judged) = judging.step(cache) {
            return judged;
        }
    };
    let end = |end, output, judgement, sent: &[Bytes]| Outcome { end, output, judgement, sent: sent.concat() };
    let mut committed = match plan(rules, head, policy, budget) {
        Plan::Pass(reason) => {
            return end("pass", None, Judgement::uninspected(reason), &[Bytes::copy_from_slice(body)]);
        }
        Plan::Block(reason) => return end("block", None, Judgement::uninspected(reason), &[]),
        Plan::Stream(committed) => committed,
        Plan::Hold(mut held) => {
            let full = loop {
                match chunks.next() {
                    None => break false,
                    Some(chunk) => {
                        if !held.push(chunk) {
                            break true;
                        }
                    }
                }
            };
            match judged(if full { held.commit(&mut cache) } else { held.finish(&mut cache) }, &mut cache) {
                Judged::Deliver(output, pieces, judgement, _) => {
                    return end("deliver", Some(output), judgement, &pieces);
                }
                Judged::Block(judgement) => return end("block", None, judgement, &[]),
                Judged::Commit(committed) => committed,
            }
        }
    };
    let mut out = Vec::new();
    let output = Some(committed.output());
    let mut gives_back = false;
    loop {
        match committed.step(&mut out, &mut cache) {
            Step::Again => {}
            Step::NeedInput => match chunks.next() {
                Some(chunk) => {
                    // Whenever it is done it changes nothing.
                    gives_back = !gives_back;
                    if gives_back {
                        committed.give_back();
                    }
                    committed.push(chunk);
                }
                None => committed.finish(),
            },
            Step::Done(judgement) => return end("done", output, judgement, &out),
            Step::Abort(judgement) => return end("abort", output, judgement, &out),
        }
    }
}

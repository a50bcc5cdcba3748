//! What to do with a body, decided from its head.

use std::sync::Arc;

use bytes::Bytes;
use encoding_rs::Encoding;

use super::{
    cache::VerdictCache,
    committed::{Committed, Step},
    flow::Flow,
    held::{Held, Judged},
    judgement::{Judgement, Reason},
    policy::{Consequence, ScanPolicy},
    scan::Scan,
};
use crate::{
    base::MemoryBudget,
    engine::{
        coding::{self, Coding, Decoder},
        rules::{RuleSet, Trace},
        text::{Media, media_type},
    },
};

/// What the head of a response says about its body.
#[derive(Clone, Copy, Debug, Default)]
pub struct BodyHead<'a> {
    /// `Content-Type`, as received.
    pub content_type: Option<&'a [u8]>,
    /// `Content-Encoding`, all field lines joined by commas.
    pub content_encoding: Option<&'a [u8]>,
}

/// How a body is to be read.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) media: Media,
    pub(super) declared: Option<&'static Encoding>,
    pub(super) codings: Vec<Coding>,
    /// The Content-Encoding names something that nobody can undo. A browser shows such a body as it
    /// is; so it is read as it is, if it looks like text.
    pub(super) unknown_coding: bool,
}

/// What to do with a body.
pub enum Plan {
    /// Forward it unread, and count it.
    Pass(Reason),
    /// Refuse it unread.
    Block(Reason),
    /// Hold it and read it.
    Hold(Box<Held>),
    /// Read it, but hold nothing: an event stream.
    Stream(Box<Committed>),
}

/// Decides what to do with a body. `rules` is the set in force for this request.
pub fn plan(rules: &Arc<RuleSet>, head: BodyHead<'_>, policy: &ScanPolicy, budget: &MemoryBudget) -> Plan {
    let unread = |reason| match policy.consequences.of(reason) {
        Consequence::Pass => Plan::Pass(reason),
        Consequence::Block => Plan::Block(reason),
    };
    if !policy.enabled {
        return Plan::Pass(Reason::Disabled);
    }
    let Some(shape) = Shape::of(head) else { return unread(Reason::OpaqueMediaType) };
    if shape.media == Media::EventStream {
        let flow = Flow::new(Arc::clone(rules), &shape, policy.clone(), Box::default());
        return Plan::Stream(Box::new(Committed::streaming(flow, budget.charge())));
    }
    Plan::Hold(Box::new(Held::new(Arc::clone(rules), shape, policy.clone(), budget.charge())))
}

impl Shape {
    /// How a body with this head is read; `None`: its media type is not text.
    fn of(head: BodyHead<'_>) -> Option<Self> {
        let (media, declared) = media_type(head.content_type);
        if media == Media::Opaque {
            return None;
        }
        let codings = coding::parse_content_encoding(head.content_encoding.unwrap_or_default());
        let unknown_coding = codings.is_err();
        Some(Self { media, declared, codings: codings.unwrap_or_default(), unknown_coding })
    }

    /// What a verdict depends on besides the bytes.
    pub(super) fn context(&self, rules: &RuleSet, policy: &ScanPolicy) -> [Vec<u8>; 3] {
        [
            rules.fingerprint().to_vec(),
            format!(
                "{:?} {:?} {:?} {}",
                self.media,
                self.declared.map(Encoding::name),
                self.codings,
                self.unknown_coding
            )
            .into_bytes(),
            format!("{:?} {:?}", policy.decode, policy.consequences).into_bytes(),
        ]
    }
}

/// Scans a whole body, exactly as a response would be; for the command line and for examples.
pub fn scan_whole(rules: &Arc<RuleSet>, head: BodyHead<'_>, policy: &ScanPolicy, body: &[u8]) -> Judgement {
    let mut cache = VerdictCache::new(0, [0; 32]);
    let budget = MemoryBudget::new(usize::MAX);
    let mut committed = match plan(rules, head, policy, &budget) {
        Plan::Pass(reason) | Plan::Block(reason) => {
            return Judgement { raw_bytes: body.len() as u64, ..Judgement::uninspected(reason) };
        }
        Plan::Stream(mut committed) => {
            committed.push(Bytes::copy_from_slice(body));
            committed.finish();
            committed
        }
        Plan::Hold(mut held) => {
            let _ = held.push(Bytes::copy_from_slice(body));
            let mut judging = held.finish(&mut cache);
            loop {
                match judging.step(&mut cache) {
                    None => {}
                    Some(Judged::Deliver(_, _, judgement, _) | Judged::Block(judgement)) => return judgement,
                    Some(Judged::Commit(committed)) => break committed,
                }
            }
        }
    };
    let mut out = Vec::new();
    loop {
        match committed.step(&mut out, &mut cache) {
            Step::Again | Step::NeedInput => out.clear(),
            Step::Done(judgement) | Step::Abort(judgement) => return judgement,
        }
    }
}

/// Everything that phrases are seen in: reads a whole body up to the limit, whatever is found in it.
/// `rules` is an [`Explainer`](crate::engine::rules::Explainer)'s.
pub fn trace_whole(rules: &Arc<RuleSet>, head: BodyHead<'_>, policy: &ScanPolicy, body: &[u8]) -> Trace {
    let Some(shape) = Shape::of(head) else { return Trace::default() };
    let mut decoder = Decoder::new(&shape.codings, policy.decode);
    let mut scan = Scan::tracing(Arc::clone(rules), &shape);
    decoder.feed(Bytes::copy_from_slice(body));
    // A fault ends what can be read; what came before it is traced.
    while let Ok(decoded @ [_, ..]) = decoder.read() {
        let _ = scan.feed(decoded, false);
    }
    scan.into_trace()
}

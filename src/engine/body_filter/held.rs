//! A body of which nothing has been sent.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;

use super::{
    cache::{Key, VerdictCache},
    committed::Committed,
    flow::{Advance, Flow},
    judgement::{Judgement, Reason},
    outbox::Output,
    plan::Shape,
    policy::{Consequence, ScanPolicy},
};
use crate::{
    base::Charge,
    engine::rules::{Action, Lanes, RuleSet},
};

/// A body of which nothing has been sent. Nothing is scanned until the hold is over: then all of it
/// is judged at once, or, if it is known, not scanned at all.
pub struct Held {
    rules: Arc<RuleSet>,
    shape: Shape,
    policy: ScanPolicy,
    chunks: Vec<Bytes>,
    bytes: usize,
    charge: Charge,
    /// The memory budget did not allow to hold all of it.
    starved: bool,
}

/// Slices of work in one step: most bodies are judged in one, and leave their buffers to the next
/// before that begins.
const SLICES_A_STEP: usize = 6;

/// A held body that is being read.
pub struct Judging(State);

enum State {
    Done(Option<Judged>),
    Reading(Box<Reading>),
}

struct Reading {
    flow: Flow,
    /// What was received; goes out as it is if nothing in it is masked.
    chunks: Vec<Bytes>,
    /// What came behind the hold.
    later: VecDeque<Bytes>,
    /// All of the body is here.
    whole: bool,
    /// The body ends with `later`.
    ended: bool,
    key: Option<Key>,
    charge: Charge,
}

/// Where judging a held body ends.
pub enum Judged {
    /// The whole body may go out, in these pieces; nothing follows. It stays charged until it has gone.
    Deliver(Output, Vec<Bytes>, Judgement, Charge),
    /// The beginning is clean: send the head; the body follows through this.
    Commit(Box<Committed>),
    /// Nothing goes out.
    Block(Judgement),
}

impl Held {
    pub(super) fn new(rules: Arc<RuleSet>, shape: Shape, policy: ScanPolicy, charge: Charge) -> Self {
        Self { rules, shape, policy, chunks: Vec::new(), bytes: 0, charge, starved: false }
    }

    /// Takes the next bytes as received. `false`: the hold is full (or the budget is used up), and
    /// [`Held::commit`] is next; the bytes were taken all the same.
    #[must_use]
    pub fn push(&mut self, bytes: Bytes) -> bool {
        let charged = self.charge.grow(bytes.len());
        self.starved |= !charged;
        self.bytes += bytes.len();
        if !bytes.is_empty() {
            self.chunks.push(bytes);
        }
        charged && self.bytes <= self.policy.hold_bytes
    }

    /// Bytes that the hold has room for, and one more, which says that it is full.
    pub fn wants(&self) -> usize {
        self.policy.hold_bytes.saturating_sub(self.bytes) + 1
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The body has ended: judge the whole of it.
    pub fn finish(self, cache: &mut VerdictCache) -> Judging {
        if self.bytes > self.policy.hold_bytes {
            return self.judge(true, None, cache.take_lanes());
        }
        let key = cache.key(&self.shape.context(&self.rules, &self.policy), &self.chunks);
        if let Some(known) = key.and_then(|key| cache.find(&key)) {
            let judgement = Judgement { cached: true, ..(*known).clone() };
            let judged = match judgement.verdict {
                Some(Action::Block) => Judged::Block(judgement),
                _ => Judged::Deliver(Output::Original, self.chunks, judgement, self.charge),
            };
            return Judging(State::Done(Some(judged)));
        }
        self.judge(true, key, cache.take_lanes())
    }

    /// The hold is over: judge what is here, then let it go. Without the memory to hold a body it is
    /// let go early, and read all the same; unless the operator would rather refuse it.
    pub fn commit(self, cache: &mut VerdictCache) -> Judging {
        if self.starved && self.policy.consequences.of(Reason::Memory) == Consequence::Block {
            let judgement = Judgement { raw_bytes: self.bytes as u64, ..Judgement::uninspected(Reason::Memory) };
            return Judging(State::Done(Some(Judged::Block(judgement))));
        }
        self.judge(false, None, cache.take_lanes())
    }

    fn judge(mut self, ended: bool, key: Option<Key>, lanes: Box<Lanes>) -> Judging {
        let mut flow = Flow::new(Arc::clone(&self.rules), &self.shape, self.policy.clone(), lanes);
        // The hold ends at an exact byte, however the bytes came.
        let later = split_behind(&mut self.chunks, self.policy.hold_bytes);
        let whole = ended && later.is_empty();
        for chunk in &self.chunks {
            flow.push(chunk.clone());
        }
        flow.ended = whole;
        let reading = Reading { flow, chunks: self.chunks, later, whole, ended, key, charge: self.charge };
        Judging(State::Reading(Box::new(reading)))
    }
}

/// Cuts a list of chunks at a length; what is behind it.
fn split_behind(chunks: &mut Vec<Bytes>, mut length: usize) -> VecDeque<Bytes> {
    for index in 0..chunks.len() {
        if chunks[index].len() > length {
            let mut later: VecDeque<Bytes> = chunks.drain(index + 1..).collect();
            let behind = chunks[index].split_off(length);
            later.push_front(behind);
            chunks.retain(|chunk| !chunk.is_empty());
            return later;
        }
        length -= chunks[index].len();
    }
    VecDeque::new()
}

impl Judging {
    /// Does a slice of the work; `None` until it is done. Not to be called again afterwards.
    pub fn step(&mut self, cache: &mut VerdictCache) -> Option<Judged> {
        match &mut self.0 {
            State::Done(judged) => judged.take(),
            State::Reading(reading) => {
                let mut advances = (0..SLICES_A_STEP).map(|_| reading.flow.advance());
                let end = match advances.find(|advance| *advance != Advance::Again)? {
                    Advance::Again => return None,
                    Advance::Hungry | Advance::Ended => End::Read,
                    // Nothing stops a body that is held; judging does.
                    Advance::Stop(_) => End::Read,
                    Advance::Refuse => End::Refused,
                };
                let State::Reading(reading) = std::mem::replace(&mut self.0, State::Done(None)) else { return None };
                Some(reading.judged(end, cache))
            }
        }
    }
}

enum End {
    Read,
    Refused,
}

impl Reading {
    fn judged(self, end: End, cache: &mut VerdictCache) -> Judged {
        let Self { mut flow, chunks, later, whole, ended, key, charge } = self;
        if !whole {
            flow.commit();
        }
        if matches!(end, End::Refused) || flow.verdict() == Some(Action::Block) {
            let (judgement, lanes) = flow.judgement();
            cache.keep_lanes(lanes);
            if let (End::Read, Some(key)) = (end, key) {
                cache.insert(key, Arc::new(judgement.clone()));
            }
            return Judged::Block(judgement);
        }
        let masks = flow.masks_of_held();
        let masked = !masks.is_empty();
        if !whole {
            flow.mask(masks);
            return Judged::Commit(Box::new(Committed::after_hold(flow, later, ended, charge)));
        }
        let mut pieces = chunks;
        let mut output = Output::Original;
        if masked {
            flow.mask(masks);
            output = flow.output();
            pieces.clear();
            flow.outbox.release_all(&mut pieces);
        }
        let (judgement, lanes) = flow.judgement();
        cache.keep_lanes(lanes);
        if let (false, Some(key)) = (masked, key) {
            cache.insert(key, Arc::new(judgement.clone()));
        }
        Judged::Deliver(output, pieces, judgement, charge)
    }
}

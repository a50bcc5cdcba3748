//! A body whose head is on the wire.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{
    cache::VerdictCache,
    flow::{Advance, Flow},
    judgement::Judgement,
    outbox::Output,
};
use crate::base::Charge;

/// A body whose head is on the wire: what cannot be part of a match goes out at once, a hit cuts it.
pub struct Committed {
    flow: Option<Flow>,
    output: Output,
    charge: Charge,
    /// Bytes that are charged for the room that is kept during a wait.
    room_bytes: usize,
}

/// Bytes that a body keeps of the engine's room while it waits, as good as at most: the text that a match, its
/// exceptions and its excerpt may stand in, in the lane where most of it is, and its tokens.
const KEPT_ROOM_BYTES: usize = 64 << 10;

/// What a [`Committed`] body wants next.
#[derive(Debug)]
pub enum Step {
    /// Call again, after yielding.
    Again,
    /// Push more, or finish.
    NeedInput,
    /// All is sent; the judgement.
    Done(Judgement),
    /// Cut the connection: the rest must not go out.
    Abort(Judgement),
}

impl Committed {
    pub(super) fn streaming(mut flow: Flow, charge: Charge) -> Self {
        flow.commit();
        Self { output: flow.output(), flow: Some(flow), charge, room_bytes: 0 }
    }

    pub(super) fn after_hold(mut flow: Flow, later: VecDeque<Bytes>, ended: bool, charge: Charge) -> Self {
        for bytes in later {
            flow.push(bytes);
        }
        flow.ended = ended;
        Self { output: flow.output(), flow: Some(flow), charge, room_bytes: 0 }
    }

    /// What becomes of the head.
    pub fn output(&self) -> Output {
        self.output
    }

    /// Takes the next bytes as received; call when [`Step::NeedInput`] was returned.
    pub fn push(&mut self, bytes: Bytes) {
        if let Some(flow) = &mut self.flow {
            flow.push(bytes);
        }
    }

    /// Gives back the room that it has for more: nothing comes for a while, because nobody takes what there is.
    pub fn give_back(&mut self) {
        if let Some(flow) = &mut self.flow {
            flow.give_back();
        }
    }

    /// Gives back the room, because the client is waited for, and charges what is kept. `false`: the budget does not
    /// allow it.
    pub fn pause(&mut self) -> bool {
        self.give_back();
        let is_charged = self.charge.grow(KEPT_ROOM_BYTES);
        self.room_bytes = if is_charged { KEPT_ROOM_BYTES } else { 0 };
        is_charged
    }

    /// The client is not waited for any more.
    pub fn go_on(&mut self) {
        self.charge.shrink(std::mem::take(&mut self.room_bytes));
    }

    /// The body has ended.
    pub fn finish(&mut self) {
        if let Some(flow) = &mut self.flow {
            flow.ended = true;
        }
    }

    /// Does a slice of the work and appends what may go out. `cache` gets the buffers in the end.
    pub fn step(&mut self, out: &mut Vec<Bytes>, cache: &mut VerdictCache) -> Step {
        let Some(flow) = &mut self.flow else { return Step::NeedInput };
        let advance = flow.advance();
        let step = match advance {
            Advance::Again | Advance::Hungry => {
                flow.release(out);
                if advance == Advance::Again { Step::Again } else { Step::NeedInput }
            }
            Advance::Ended => {
                flow.release(out);
                flow.outbox.release_all(out);
                return self.take_judgement(Some(cache)).map_or(Step::NeedInput, Step::Done);
            }
            Advance::Stop(stop) => {
                flow.release_before(stop, out);
                return self.take_judgement(Some(cache)).map_or(Step::NeedInput, Step::Abort);
            }
            Advance::Refuse => return self.take_judgement(Some(cache)).map_or(Step::NeedInput, Step::Abort),
        };
        self.account();
        step
    }

    /// Charges what is withheld now; what the budget does not allow is withheld all the same, and
    /// bounded by the hold.
    fn account(&mut self) {
        let withheld = self.room_bytes + self.flow.as_ref().map_or(0, |flow| flow.outbox.len());
        let charged = self.charge.bytes();
        if withheld < charged {
            self.charge.shrink(charged - withheld);
        } else {
            let _ = self.charge.grow(withheld - charged);
        }
    }

    /// Whether bytes are withheld because they may be the beginning of a match. The caller lets
    /// them wait for `tail_flush` and then calls [`Committed::flush`].
    pub fn withholds(&self) -> bool {
        self.flow.as_ref().is_some_and(|flow| flow.outbox.len() > 0)
    }

    /// Lets go of what is withheld.
    pub fn flush(&mut self, out: &mut Vec<Bytes>) {
        if let Some(flow) = &mut self.flow {
            flow.flush(out);
        }
        self.account();
    }

    /// What is to be said of a body that the client or the origin cut off.
    pub fn abandon(mut self) -> Option<Judgement> {
        self.take_judgement(None)
    }

    fn take_judgement(&mut self, cache: Option<&mut VerdictCache>) -> Option<Judgement> {
        self.charge.shrink(usize::MAX);
        let (judgement, lanes) = self.flow.take()?.judgement();
        if let Some(cache) = cache {
            cache.keep_lanes(lanes);
        }
        Some(judgement)
    }
}

//! A body whose head is on the wire, on its way through the engine to a client that may be slow.

use std::{
    cell::Cell,
    collections::VecDeque,
    future::poll_fn,
    pin::{Pin, pin},
    sync::atomic::Ordering,
    task::Poll,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{task::yield_now, time::timeout};

use super::{
    body::Filter,
    downstream::Downstream,
    guard::{EngineFault, guarded, unjudged},
    passing::Passing,
    source::{Next, Source},
    stop::Stop,
};
use crate::{
    domain::event::Outcome,
    engine::{
        body_filter::{Committed, Consequence, Inspection, Judgement, Reason, Step},
        rules::Action,
    },
    telemetry::Live,
};

/// Released bytes that are collected before a write, at most.
const BATCH_BYTES_MAX: usize = 64 << 10;

/// Bodies that a worker may stream at a time before they give back the engine's room whenever they wait.
const STREAMS_AT_EASE: usize = 64;
/// Slices of one body between two turns of others, beyond that: each costs the room anew.
const SLICES_UNEASY: u32 = 4;

/// Bytes of a body that are read at a time, beyond that.
const UNEASY_BYTES: usize = 32 << 10;
/// How long a client is waited for that cannot be charged for what waits.
const STARVED_WAIT: Duration = Duration::from_secs(2);

/// A body that streams, counted.
struct Streaming<'w>(&'w Cell<usize>);

/// How a committed body ended.
enum Ending {
    Aborted(Judgement),
    Done(Judgement),
    Fault,
    Stopped(Stop),
}

impl<'w> Streaming<'w> {
    fn begin(streams: &'w Cell<usize>) -> Self {
        streams.set(streams.get() + 1);
        Self(streams)
    }
}

impl Drop for Streaming<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Waits for the client with as little in hand as can be. What is kept all the same is charged; where the budget is
/// used up, nobody is waited for long.
async fn wait_for_client(
    committed: &mut Committed,
    live: &Live,
    step: Pin<&mut impl Future<Output = Result<(), Stop>>>,
) -> Result<(), Stop> {
    let done = match committed.pause() {
        true => Some(step.await),
        false => timeout(STARVED_WAIT, step).await.ok(),
    };
    committed.go_on();
    done.unwrap_or_else(|| {
        live.client_slow.fetch_add(1, Ordering::Relaxed);
        Err(Stop::ClientGone)
    })
}

impl Filter<'_> {
    /// Streams a body whose head has been made ready. `inside` is what the engine has of it already.
    pub(super) async fn stream(
        &mut self,
        mut committed: Committed,
        inside: VecDeque<Bytes>,
        downstream: &mut Downstream<'_>,
        source: &mut Source<'_>,
    ) -> Result<(), Stop> {
        source.keep();
        let _streaming = Streaming::begin(&self.worker.streams);
        source.want(if self.is_at_ease() { usize::MAX } else { UNEASY_BYTES });
        // What the engine has been given and has not let go, so that a fault there loses nothing.
        let mut passing = Passing::new(committed.output(), inside);
        match self.pump(&mut committed, downstream, source, &mut passing).await {
            Ending::Done(judgement) => {
                // It is on the wire: what cannot be recorded has been counted.
                let _ = self.observe(&judgement);
                if self.permit.is_recheck() && self.is_clean(&judgement) {
                    self.unlock();
                }
                self.record.judgement = Some(judgement);
                Ok(())
            }
            Ending::Aborted(judgement) => {
                // Before the finding: whoever sees that may rely on the lock, also over a power cut.
                self.lock(&judgement);
                let _ = self.observe(&judgement);
                self.record.judgement = Some(judgement);
                Err(Stop::Cut(Outcome::Aborted))
            }
            Ending::Stopped(stop) => {
                let judgement = guarded(&self.worker.shared.live, self.record, || committed.abandon());
                self.record.judgement = judgement.ok().flatten();
                if let Some(judgement) = self.record.judgement.clone() {
                    let _ = self.observe(&judgement);
                }
                Err(stop)
            }
            Ending::Fault => {
                let consequence = self.snapshot.scan.consequences.of(Reason::EngineFault);
                let ended = match consequence {
                    Consequence::Pass if passing.is_original => self.copy(downstream, source, passing.rest()).await,
                    Consequence::Pass | Consequence::Block => Err(Stop::Cut(Outcome::Aborted)),
                };
                let inspection = Inspection::Partial(Reason::EngineFault);
                let verdict = ended.is_err().then_some(Action::Block);
                self.record.judgement = Some(unjudged(inspection, self.record.response_bytes, verdict));
                ended
            }
        }
    }

    async fn pump(
        &mut self,
        committed: &mut Committed,
        downstream: &mut Downstream<'_>,
        source: &mut Source<'_>,
        passing: &mut Passing,
    ) -> Ending {
        let worker = self.worker;
        let live = &worker.shared.live;
        let mut slices = 0_u32;
        loop {
            let step = guarded(live, self.record, || committed.step(&mut passing.out, &mut worker.cache.borrow_mut()));
            passing.count();
            let moved = match step {
                Err(EngineFault) => return Ending::Fault,
                Ok(Step::Abort(judgement)) => {
                    // What stands before the match may go out; whether it arrives changes nothing.
                    let _ = passing.write(downstream, self.record).await;
                    return Ending::Aborted(judgement);
                }
                Ok(Step::Done(judgement)) => {
                    return match downstream.finish(&mut passing.out, source.trailers(), self.record).await {
                        Ok(()) => Ending::Done(judgement),
                        Err(stop) => Ending::Stopped(stop),
                    };
                }
                Ok(Step::Again) if passing.counted < BATCH_BYTES_MAX => {
                    slices += 1;
                    if self.is_at_ease() {
                        downstream.upload.race(pin!(yield_now())).await
                    } else if slices.is_multiple_of(SLICES_UNEASY) {
                        committed.give_back();
                        downstream.upload.race(pin!(yield_now())).await
                    } else {
                        Ok(())
                    }
                }
                Ok(Step::Again) => self.let_out(committed, downstream, source, passing).await,
                Ok(Step::NeedInput) => {
                    let next = match source.ready() {
                        Some(next) => Ok(next),
                        None => self.await_input(committed, downstream, source, passing).await,
                    };
                    let given = match next {
                        Ok(Next::Data(piece)) => {
                            if let Err(stop) = self.still_admitted() {
                                return Ending::Stopped(stop);
                            }
                            passing.enter(&piece);
                            guarded(live, self.record, || committed.push(piece))
                        }
                        Ok(Next::End) => guarded(live, self.record, || committed.finish()),
                        Ok(Next::Broken(..) | Next::Late) => return Ending::Stopped(Stop::Cut(Outcome::OriginBroke)),
                        Err(stop) => return Ending::Stopped(stop),
                    };
                    match given {
                        Ok(()) => Ok(()),
                        Err(EngineFault) => return Ending::Fault,
                    }
                }
            };
            if let Err(stop) = moved {
                return Ending::Stopped(stop);
            }
        }
    }

    /// Sends what was let go, then waits for more; a withheld tail that waits too long goes out.
    async fn await_input(
        &mut self,
        committed: &mut Committed,
        downstream: &mut Downstream<'_>,
        source: &mut Source<'_>,
        passing: &mut Passing,
    ) -> Result<Next, Stop> {
        self.let_out(committed, downstream, source, passing).await?;
        if committed.withholds() {
            let until = Instant::now() + self.edge.tail_flush;
            match source.next(&mut downstream.upload, Some(until)).await? {
                Next::Late => {
                    let live = &self.worker.shared.live;
                    if guarded(live, self.record, || committed.flush(&mut passing.out)).is_err() {
                        return Err(Stop::Cut(Outcome::Aborted));
                    }
                    passing.count();
                    passing.write(downstream, self.record).await?;
                }
                next @ (Next::Data(_) | Next::End | Next::Broken(..)) => return Ok(next),
            }
        }
        source.next(&mut downstream.upload, None).await
    }

    /// Sends what was let go, and waits until the client takes more. Who takes nothing is not to cost what it takes
    /// to read on. What was captured of the page stays: most clients are slower than the origin, and a finding
    /// behind it is to have its evidence.
    async fn let_out(
        &mut self,
        committed: &mut Committed,
        downstream: &mut Downstream<'_>,
        source: &mut Source<'_>,
        passing: &mut Passing,
    ) -> Result<(), Stop> {
        if !self.is_at_ease() {
            committed.give_back();
        }
        let live = &self.worker.shared.live;
        {
            let mut sending = pin!(passing.write(downstream, self.record));
            match poll_fn(|context| Poll::Ready(sending.as_mut().poll(context))).await {
                Poll::Ready(sent) => sent?,
                Poll::Pending => wait_for_client(committed, live, sending).await?,
            }
        }
        if downstream.is_full() {
            source.give_back();
            self.reply.give_back();
            wait_for_client(committed, live, pin!(downstream.room())).await?;
        }
        Ok(())
    }

    /// Whether few bodies stream: then each keeps the engine's room while others have their turn.
    fn is_at_ease(&self) -> bool {
        self.worker.streams.get() <= STREAMS_AT_EASE
    }
}

//! The response's body on its way through the engine: held, judged, committed, cut.
//!
//! While it is held nothing has been sent, and what the rules forbid becomes a refusal. Once the
//! head is on the wire it can only be cut, and the page is locked instead.

use std::{borrow::Cow, collections::VecDeque, pin::pin, sync::Arc, time::Instant};

use bytes::{Bytes, BytesMut};
use tokio::task::yield_now;

use super::{
    downstream::Downstream,
    guard::{EngineFault, guarded, unjudged, unread},
    http1::{Framing, ResponseHead},
    http2::TextTurn,
    locks::later,
    observe::Capture,
    record::Record,
    response::{self, OutFraming},
    session::page_of,
    source::{Next, Source},
    stop::Stop,
    upstream::Way,
    worker::Worker,
};
use crate::{
    config::Edge,
    domain::{
        event::{Event, Outcome},
        message::{Facts, Version},
        observation::Observation,
        policy::{Permit, Reason as Why, Refusal},
        snapshot::Snapshot,
        standing::Lock,
    },
    engine::{
        body_filter::{
            self, BodyHead, Consequence, Held, Inspection, Judged, Judgement, Output, Plan, Reason, ScanPolicy,
        },
        rules::Action,
    },
};

/// What a response is filtered by and for.
pub(super) struct Filter<'a> {
    pub(super) worker: &'a Worker,
    pub(super) edge: &'a Edge,
    pub(super) snapshot: &'a Snapshot,
    pub(super) permit: &'a Permit,
    pub(super) facts: &'a Facts,
    pub(super) reply: &'a mut ResponseHead,
    /// What the client speaks.
    pub(super) version: Version,
    /// The client's connection ends with this response.
    pub(super) close: bool,
    pub(super) record: &'a mut Record,
    /// The body, in case something is found.
    pub(super) capture: Capture,
}

/// How a response came to its end.
pub(super) struct Filtered {
    /// The origin's connection stands behind the body, and can carry another request.
    pub(super) origin_is_clean: bool,
    /// The client's connection can go on: the framing said where the body ends, and nobody asked to close.
    pub(super) client_keeps: bool,
}

/// Passes the body on as the rules allow.
#[expect(clippy::manual_async_fn, reason = "an async fn owns the room for what it is given twice")]
pub(super) fn filter<'a>(
    mut filter: Filter<'a>,
    mut downstream: Downstream<'a>,
    framing: Framing,
    way: Way<'a>,
    inbox: &'a mut BytesMut,
) -> impl Future<Output = Result<Filtered, Stop>> {
    async move {
        let mut source = Source::new(way, inbox, framing, filter.edge);
        let out_framing = filter.run(&mut downstream, &mut source, framing).await?;
        Ok(Filtered {
            origin_is_clean: source.is_clean_end() && framing != Framing::UntilClose,
            client_keeps: out_framing != OutFraming::Close && !filter.close,
        })
    }
}

impl Filter<'_> {
    async fn run(
        &mut self,
        downstream: &mut Downstream<'_>,
        source: &mut Source<'_>,
        framing: Framing,
    ) -> Result<OutFraming, Stop> {
        if framing == Framing::None {
            let out = self.begin(downstream, Output::Original, OutFraming::None);
            downstream.finish(&mut Vec::new(), source.trailers(), self.record).await?;
            return Ok(out);
        }
        if downstream.is_full() {
            // What was read now would only wait behind what the connection's other streams have ready.
            downstream.room().await?;
        }
        match self.plan() {
            Ok(Plan::Pass(reason)) => self.pass(reason, downstream, source, framing).await,
            Ok(Plan::Block(reason)) => {
                self.record.judgement = Some(unread(reason, 0, Some(Action::Block)));
                Err(self.blocked(reason.as_str()))
            }
            // In a box, so that what passes unread does not own the room for it.
            Ok(Plan::Hold(held)) => {
                let mut turn = downstream.text_turn(&self.worker.narrow).await?;
                Box::pin(self.hold(*held, &mut turn, downstream, source, framing)).await
            }
            Ok(Plan::Stream(committed)) => {
                let out = self.begin(downstream, committed.output(), self.known_length(committed.output(), framing));
                Box::pin(self.stream(*committed, VecDeque::new(), downstream, source)).await?;
                Ok(out)
            }
            Err(EngineFault) => match self.snapshot.scan.consequences.of(Reason::EngineFault) {
                Consequence::Pass => self.pass(Reason::EngineFault, downstream, source, framing).await,
                Consequence::Block => Err(self.faulted(0)),
            },
        }
    }

    fn plan(&mut self) -> Result<Plan, EngineFault> {
        if !self.snapshot.scan.enabled {
            return Ok(Plan::Pass(Reason::Disabled));
        }
        let joined = |name| {
            let mut lines = self.reply.fields.all(name);
            let first = Cow::Borrowed(lines.next()?);
            Some(lines.fold(first, |joined, line| Cow::Owned([&joined, &b", "[..], line].concat())))
        };
        let (content_type, encoding) = (joined("content-type"), joined("content-encoding"));
        let head = BodyHead { content_type: content_type.as_deref(), content_encoding: encoding.as_deref() };
        let whole;
        let policy: &ScanPolicy = if self.permit.is_recheck() {
            whole = ScanPolicy { hold_bytes: self.edge.lock_hold_bytes, ..ScanPolicy::clone(&self.snapshot.scan) };
            &whole
        } else {
            &self.snapshot.scan
        };
        let (rules, shared) = (&self.snapshot.rules, &self.worker.shared);
        guarded(&shared.live, self.record, || body_filter::plan(rules, head, policy, &shared.budget))
    }

    /// Forwards a body unread.
    async fn pass(
        &mut self,
        reason: Reason,
        downstream: &mut Downstream<'_>,
        source: &mut Source<'_>,
        framing: Framing,
    ) -> Result<OutFraming, Stop> {
        if self.permit.is_recheck() {
            match reason {
                // What is not text any more is not the page that was locked.
                Reason::Disabled | Reason::OpaqueMediaType => self.unlock(),
                Reason::DecodeError
                | Reason::EngineFault
                | Reason::Memory
                | Reason::OverBudget
                | Reason::UnknownCharset
                | Reason::UnknownCoding
                | Reason::Upgrade => return Err(self.still_locked(None)),
            }
        }
        let out = self.begin(downstream, Output::Original, self.known_length(Output::Original, framing));
        let passed = self.copy(downstream, source, VecDeque::new()).await;
        let inspection = Inspection::Uninspected(reason);
        self.record.judgement = Some(unjudged(inspection, self.record.response_bytes, None));
        passed.map(|()| out)
    }

    /// Copies the rest of a body, after what is still here of it.
    pub(super) async fn copy(
        &mut self,
        downstream: &mut Downstream<'_>,
        source: &mut Source<'_>,
        here: VecDeque<Bytes>,
    ) -> Result<(), Stop> {
        let mut out = Vec::from(here);
        let mut is_light = false;
        loop {
            let next = match source.ready() {
                Some(next) => next,
                None => {
                    downstream.write(&mut out, self.record).await?;
                    if downstream.has_sent_much() && !std::mem::replace(&mut is_light, true) {
                        self.reply.give_back();
                    }
                    if downstream.is_full() {
                        source.give_back();
                        downstream.room().await?;
                    }
                    source.next(&mut downstream.upload, None).await?
                }
            };
            match next {
                Next::Data(piece) => {
                    self.still_admitted()?;
                    out.push(piece);
                }
                Next::End => return downstream.finish(&mut out, source.trailers(), self.record).await,
                Next::Broken(..) | Next::Late => return Err(Stop::Cut(Outcome::OriginBroke)),
            }
        }
    }

    /// Holds a body back until it ends, fills the hold or takes too long; judges it; lets it go.
    async fn hold(
        &mut self,
        mut held: Held,
        turn: &mut TextTurn<'_>,
        downstream: &mut Downstream<'_>,
        source: &mut Source<'_>,
        framing: Framing,
    ) -> Result<OutFraming, Stop> {
        source.keep();
        // The head stands in the room that was read into.
        self.reply.give_back();
        let until = (!self.permit.is_recheck()).then(|| Instant::now() + self.edge.hold_time);
        let worker = self.worker;
        let live = &worker.shared.live;
        let mut kept = VecDeque::new();
        let ended = loop {
            source.want(held.wants());
            match source.next(&mut downstream.upload, until).await? {
                Next::Data(piece) => {
                    kept.push_back(piece.clone());
                    match guarded(live, self.record, || held.push(piece)) {
                        Ok(true) => {}
                        Ok(false) => break false,
                        Err(EngineFault) => return Box::pin(self.after_fault(kept, downstream, source, framing)).await,
                    }
                }
                Next::End => break true,
                Next::Late => break false,
                Next::Broken(why, what) => return Err(self.refusal(why, what)),
            }
        };
        let cache = &worker.cache;
        let judging = guarded(live, self.record, || {
            let cache = &mut cache.borrow_mut();
            if ended { held.finish(cache) } else { held.commit(cache) }
        });
        let Ok(mut judging) = judging else {
            return Box::pin(self.after_fault(kept, downstream, source, framing)).await;
        };
        let judged = loop {
            match guarded(live, self.record, || judging.step(&mut cache.borrow_mut())) {
                Ok(Some(judged)) => break judged,
                Ok(None) => downstream.upload.race(pin!(yield_now())).await?,
                Err(EngineFault) => return Box::pin(self.after_fault(kept, downstream, source, framing)).await,
            }
        };
        turn.goes_on();
        match judged {
            Judged::Deliver(output, mut pieces, judgement, _charge) => {
                self.capture_judged(&kept, ended, &judgement);
                self.observe(&judgement)?;
                if self.permit.is_recheck() {
                    if self.is_clean(&judgement) {
                        self.unlock()
                    } else {
                        return Err(self.still_locked(Some(judgement)));
                    }
                }
                self.record.judgement = Some(judgement);
                let length = pieces.iter().map(|piece| piece.len() as u64).sum();
                let wanted =
                    if source.trailers().is_empty() { OutFraming::Length(length) } else { OutFraming::Chunked };
                let out = self.begin(downstream, output, wanted);
                downstream.finish(&mut pieces, source.trailers(), self.record).await?;
                Ok(out)
            }
            Judged::Commit(mut committed) => {
                self.capture_beginning(&kept);
                if ended {
                    committed.finish();
                }
                let out = self.begin(downstream, committed.output(), self.known_length(committed.output(), framing));
                // In a box: most responses end before they are committed, and do not own the room for it.
                Box::pin(self.stream(*committed, kept, downstream, source)).await?;
                Ok(out)
            }
            Judged::Block(judgement) if self.permit.is_recheck() => {
                self.capture_judged(&kept, ended, &judgement);
                self.observe(&judgement)?;
                Err(self.still_locked(Some(judgement)))
            }
            Judged::Block(judgement) => {
                self.capture_judged(&kept, ended, &judgement);
                self.observe(&judgement)?;
                let rules = &self.snapshot.rules;
                let categories = judgement.categories.iter().filter(|category| category.action == Some(Action::Block));
                let title = |id| rules.category_title(id).unwrap_or(id);
                let named = categories.map(|category| title(&category.category)).collect::<Vec<_>>().join("、");
                self.record.judgement = Some(judgement);
                Err(self.blocked(&named))
            }
        }
    }

    /// The engine failed while all of the body is still here.
    async fn after_fault(
        &mut self,
        kept: VecDeque<Bytes>,
        downstream: &mut Downstream<'_>,
        source: &mut Source<'_>,
        framing: Framing,
    ) -> Result<OutFraming, Stop> {
        let bytes = kept.iter().map(|piece| piece.len() as u64).sum();
        let consequence = self.snapshot.scan.consequences.of(Reason::EngineFault);
        if self.permit.is_recheck() || consequence == Consequence::Block {
            return Err(self.faulted(bytes));
        }
        let out = self.begin(downstream, Output::Original, self.known_length(Output::Original, framing));
        let passed = self.copy(downstream, source, kept).await;
        self.record.judgement = Some(unread(Reason::EngineFault, self.record.response_bytes, None));
        passed.map(|()| out)
    }

    fn known_length(&self, output: Output, framing: Framing) -> OutFraming {
        match (framing, output) {
            (Framing::Length(length), Output::Original) => OutFraming::Length(length),
            (Framing::None, _) => OutFraming::None,
            (Framing::Length(_) | Framing::Chunked | Framing::UntilClose, _) => OutFraming::Chunked,
        }
    }

    /// Makes the head ready, and settles how the body is delimited.
    fn begin(&mut self, downstream: &mut Downstream<'_>, output: Output, wanted: OutFraming) -> OutFraming {
        let framing = match (wanted, self.version) {
            (OutFraming::Chunked, Version::Http10) => OutFraming::Close,
            (OutFraming::Chunked, Version::H2) => OutFraming::Frames,
            (wanted, _) => wanted,
        };
        let close = self.close || framing == OutFraming::Close;
        let clock = &*self.worker.shared.clock;
        let context = response::Context { output, framing, version: self.version, close, clock };
        downstream.begin(self.reply, &context, self.record);
        framing
    }

    pub(super) fn is_clean(&self, judgement: &Judgement) -> bool {
        judgement.inspection == Inspection::Inspected
            && judgement.verdict != Some(Action::Block)
            && self.reply.status < 500
    }

    pub(super) fn lock(&mut self, judgement: &Judgement) {
        let at = self.worker.shared.clock.now();
        let mut rules: Vec<Arc<str>> = judgement.findings_against().map(|finding| Arc::clone(&finding.rule)).collect();
        rules.sort();
        rules.dedup();
        let lock = Lock { since: at, recheck_at: later(at, self.edge.lock_recheck), rules: rules.clone() };
        let page = page_of(self.facts);
        self.worker.shared.locks.lock(page.clone(), lock, self.edge.limits.locks);
        // A full queue has counted it; the page is locked all the same.
        let _ =
            self.worker.shared.observations.send(Observation::Locked { page: page.clone(), rules: rules.clone(), at });
        self.worker.shared.events.send(Event::PageLocked { page, rules, at });
    }

    pub(super) fn unlock(&mut self) {
        let at = self.worker.shared.clock.now();
        let page = page_of(self.facts);
        self.worker.shared.locks.unlock(&page);
        let _ = self.worker.shared.observations.send(Observation::Unlocked { page: page.clone(), at });
        self.worker.shared.events.send(Event::PageUnlocked { page, at });
    }

    fn still_locked(&mut self, judgement: Option<Judgement>) -> Stop {
        if let Some(judgement) = judgement {
            self.lock(&judgement);
            self.record.judgement = Some(judgement);
        }
        self.refusal(Why::PageLocked, "")
    }

    fn faulted(&mut self, raw_bytes: u64) -> Stop {
        self.record.judgement = Some(unread(Reason::EngineFault, raw_bytes, Some(Action::Block)));
        self.blocked(Reason::EngineFault.as_str())
    }

    fn blocked(&self, detail: &str) -> Stop {
        self.refusal(Why::ContentBlocked, detail)
    }

    pub(super) fn refusal(&self, reason: Why, detail: &str) -> Stop {
        Stop::Refused(Refusal { reason, detail: detail.to_owned(), site: Some(self.permit.site().clone()) })
    }
}

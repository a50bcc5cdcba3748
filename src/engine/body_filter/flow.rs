//! A body between its decoder, its scan and its outbox; [`Held`](super::Held) and
//! [`Committed`](super::Committed) are the two ways to drive it.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;

use super::{
    judgement::{Inspection, Judgement, Reason},
    outbox::{Outbox, Output},
    plan::Shape,
    policy::{Consequence, ScanPolicy},
    scan::{Scan, Stop},
};
use crate::engine::{
    coding::{DecodeFault, DecodeLimits, Decoder},
    rules::{Action, Lanes, RuleSet},
    text::Unreadable,
};

/// Bytes given to a decoder at once while bytes leave: what is withheld of a coded body is cut at
/// these places.
const CODED_SLICE_BYTES: usize = 1 << 10;

/// The same while nothing leaves: what it inflates to is scanned in larger pieces.
const HELD_SLICE_BYTES: usize = 16 << 10;

/// So much is decoded before it is scanned, if it is there: a scan of a few bytes costs nearly as much.
const GATHERED_BYTES: usize = 16 << 10;

/// A decoder may go so far beyond what is scanned, so that the limit is met at the exact byte here.
const DECODER_SLACK_BYTES: u64 = 64 << 10;

/// However small the hold, so many bytes may be withheld for a match that has begun.
const WINDOW_BYTES_MIN: usize = 4 << 10;

pub(super) struct Flow {
    rules: Arc<RuleSet>,
    policy: ScanPolicy,
    decoder: Decoder,
    coded: bool,
    output: Output,
    unknown_coding: bool,
    scan: Scan,
    /// Decoded bytes that are to be scanned together; none between two slices of work.
    gathered: Vec<u8>,
    /// Bytes are scanned; `false` after giving up.
    reading: bool,
    inspection: Inspection,
    pub(super) outbox: Outbox,
    input: VecDeque<Bytes>,
    pub(super) ended: bool,
    committed: bool,
    raw_bytes: u64,
    decoded_bytes: u64,
    /// Bytes decoded, scanned or not.
    decoded_all: u64,
    tail_flushes: u32,
    /// The possible match that was last let go because it grew too long.
    overgrown: Option<u64>,
}

/// Where a slice of work led.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advance {
    /// There is more to do.
    Again,
    /// All input has been used.
    Hungry,
    /// All input has been used, and the body has ended.
    Ended,
    /// The body must not go on beyond this offset.
    Stop(Stop),
    /// The body must not go on, because it cannot be read.
    Refuse,
}

impl Flow {
    pub(super) fn new(rules: Arc<RuleSet>, shape: &Shape, policy: ScanPolicy, lanes: Box<Lanes>) -> Self {
        let coded = !shape.codings.is_empty();
        // A mask needs the characters as they go out; and then the limit on what is scanned is no
        // limit on what passes, only the ratio is.
        let output = if coded && rules.masks() { Output::Decoded } else { Output::Original };
        let decoded_bytes_max = match output {
            Output::Original if coded => policy.decode.decoded_bytes_max.saturating_add(DECODER_SLACK_BYTES),
            Output::Original | Output::Decoded => u64::MAX,
        };
        let limits = DecodeLimits { decoded_bytes_max, ..policy.decode };
        Self {
            decoder: Decoder::new(&shape.codings, limits),
            scan: Scan::new(Arc::clone(&rules), shape, lanes),
            gathered: Vec::new(),
            unknown_coding: shape.unknown_coding,
            outbox: Outbox::new(coded && output == Output::Original),
            rules,
            policy,
            coded,
            output,
            reading: true,
            inspection: Inspection::Inspected,
            input: VecDeque::new(),
            ended: false,
            committed: false,
            raw_bytes: 0,
            decoded_bytes: 0,
            decoded_all: 0,
            tail_flushes: 0,
            overgrown: None,
        }
    }

    pub(super) fn output(&self) -> Output {
        self.output
    }

    pub(super) fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.raw_bytes += bytes.len() as u64;
            self.input.push_back(bytes);
        }
    }

    /// Gives back the room that it has for more: nothing comes for a while.
    pub(super) fn give_back(&mut self) {
        self.gathered.shrink_to_fit();
        self.input.shrink_to_fit();
        self.scan.give_back();
    }

    /// Bytes leave from now on.
    pub(super) fn commit(&mut self) {
        self.committed = true;
        self.scan.commit();
    }

    /// Does a slice of the work.
    pub(super) fn advance(&mut self) -> Advance {
        if !self.reading && self.output == Output::Original {
            self.outbox_all_input();
            return if self.ended { Advance::Ended } else { Advance::Hungry };
        }
        match self.gather() {
            _ if !self.gathered.is_empty() => self.scan_gathered(),
            Ok(true) => Advance::Again,
            Ok(false) if self.ended => self.end(),
            Ok(false) => Advance::Hungry,
            Err(fault) => self.decoder_failed(fault),
        }
    }

    /// Decodes as much as is to be scanned at once, or all that is here; `false` if that is nothing.
    fn gather(&mut self) -> Result<bool, DecodeFault> {
        let mut fed = 0;
        while self.gathered.len() < GATHERED_BYTES {
            match self.decoder.read()? {
                [] => {
                    if self.coded {
                        self.outbox.mark(self.decoder.consumed(), self.decoded_all);
                    }
                    // What decodes to nothing is work as well.
                    if fed >= GATHERED_BYTES {
                        break;
                    }
                    let Some(slice) = self.next_input() else { return Ok(fed > 0) };
                    fed += slice.len();
                    if self.output == Output::Original {
                        self.outbox.push(slice.clone());
                    }
                    self.decoder.feed(slice);
                }
                decoded => {
                    if self.output == Output::Decoded {
                        self.outbox.push(Bytes::copy_from_slice(decoded));
                    }
                    self.decoded_all += decoded.len() as u64;
                    if self.reading {
                        self.gathered.extend_from_slice(decoded);
                    } else {
                        fed += decoded.len();
                        if fed >= GATHERED_BYTES {
                            break;
                        }
                    }
                }
            }
        }
        Ok(true)
    }

    fn next_input(&mut self) -> Option<Bytes> {
        let front = self.input.front_mut()?;
        let slice_max = if self.committed { CODED_SLICE_BYTES } else { HELD_SLICE_BYTES };
        let slice =
            if self.coded && front.len() > slice_max { front.split_to(slice_max) } else { std::mem::take(front) };
        if front.is_empty() {
            self.input.pop_front();
        }
        Some(slice)
    }

    /// Scans what has been decoded.
    fn scan_gathered(&mut self) -> Advance {
        let room = self.policy.decode.decoded_bytes_max.saturating_sub(self.decoded_bytes);
        let scanned = self.gathered.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        let over = scanned < self.gathered.len();
        let stop = self.scan.feed(self.gathered.get(..scanned).unwrap_or_default(), self.committed);
        self.gathered.clear();
        self.decoded_bytes += scanned as u64;
        if let Some(stop) = stop {
            // What was decoded behind the place that decided does not count as read.
            self.decoded_bytes = stop.seen;
            return Advance::Stop(stop);
        }
        match self.unreadable() {
            Some(reason) => self.give_up(Inspection::Uninspected(reason)),
            None if over => self.give_up(self.partly(Reason::OverBudget)),
            None => Advance::Again,
        }
    }

    /// All input has been used, and the body has ended.
    fn end(&mut self) -> Advance {
        match self.decoder.finish() {
            Ok(()) if self.reading => match self.scan.finish(self.committed) {
                Some(stop) => Advance::Stop(stop),
                // A short body shows only at its end what it is.
                None => match self.unreadable() {
                    Some(reason) => self.conclude(Inspection::Uninspected(reason), Advance::Ended),
                    None => Advance::Ended,
                },
            },
            Ok(()) => Advance::Ended,
            Err(fault) => match self.decoder_failed(fault) {
                Advance::Again => Advance::Ended,
                other => other,
            },
        }
    }

    fn decoder_failed(&mut self, fault: DecodeFault) -> Advance {
        let reason = match fault {
            DecodeFault::Corrupt | DecodeFault::Truncated => Reason::DecodeError,
            DecodeFault::OverBudget => Reason::OverBudget,
        };
        let advance = if self.reading { self.give_up(self.partly(reason)) } else { Advance::Again };
        // What cannot be decoded cannot go out decoded.
        if self.output == Output::Decoded && advance == Advance::Again { Advance::Refuse } else { advance }
    }

    fn partly(&self, reason: Reason) -> Inspection {
        if self.decoded_bytes == 0 { Inspection::Uninspected(reason) } else { Inspection::Partial(reason) }
    }

    /// Reads no further, and does what the operator wants done then.
    fn give_up(&mut self, inspection: Inspection) -> Advance {
        if let Some(stop) = self.scan.finish(self.committed) {
            return Advance::Stop(stop);
        }
        self.conclude(inspection, Advance::Again)
    }

    fn conclude(&mut self, inspection: Inspection, pass: Advance) -> Advance {
        self.reading = false;
        self.inspection = inspection;
        match inspection.reason().map(|reason| self.policy.consequences.of(reason)) {
            Some(Consequence::Block) => Advance::Refuse,
            Some(Consequence::Pass) | None => pass,
        }
    }

    fn unreadable(&self) -> Option<Reason> {
        self.scan.unreadable().map(|unreadable| match unreadable {
            Unreadable::Binary if self.unknown_coding => Reason::UnknownCoding,
            Unreadable::Binary => Reason::OpaqueMediaType,
            Unreadable::Charset => Reason::UnknownCharset,
        })
    }

    fn outbox_all_input(&mut self) {
        for bytes in self.input.drain(..) {
            self.outbox.push(bytes);
        }
    }

    /// Lets out what cannot be part of a match any more. What may be is withheld, up to
    /// `hold_bytes` of it.
    pub(super) fn release(&mut self, out: &mut Vec<Bytes>) {
        let masks: Vec<_> = self.scan.masks_since().collect();
        self.mask(masks);
        if !self.reading {
            return self.outbox.release_all(out);
        }
        let open = self.scan.open_from();
        let oldest = self.oldest_withheld(self.decoded_bytes);
        self.outbox.release(open.max(oldest), out);
        if open < oldest && self.overgrown != Some(open) {
            self.overgrown = Some(open);
            self.tail_flushes += 1;
        }
        if self.coded && self.output == Output::Original && self.outbox.len() > 2 * self.window() {
            // Coded bytes that decode to next to nothing: no bound on them but this one.
            self.flush(out);
        }
    }

    /// Lets out what is before the match that stops the body.
    pub(super) fn release_before(&mut self, stop: Stop, out: &mut Vec<Bytes>) {
        let masks: Vec<_> = self.scan.masks_since().collect();
        self.mask(masks);
        self.outbox.release(stop.start.max(self.oldest_withheld(stop.seen)), out);
    }

    fn oldest_withheld(&self, read: u64) -> u64 {
        read.saturating_sub(self.window() as u64)
    }

    /// Bytes that may be withheld because they may begin a match.
    fn window(&self) -> usize {
        self.policy.hold_bytes.max(WINDOW_BYTES_MIN)
    }

    pub(super) fn flush(&mut self, out: &mut Vec<Bytes>) {
        if self.outbox.len() > 0 {
            self.tail_flushes += 1;
            self.outbox.release_all(out);
        }
    }

    pub(super) fn mask(&mut self, spans: Vec<crate::base::ByteSpan>) {
        if !spans.is_empty() {
            self.outbox.mask(spans, self.scan.reader().encoding());
        }
    }

    pub(super) fn masks_of_held(&mut self) -> Vec<crate::base::ByteSpan> {
        self.scan.masks_of_held()
    }

    pub(super) fn verdict(&self) -> Option<Action> {
        self.scan.verdict()
    }

    /// What is to be said of the body, and its lanes, for the next one.
    pub(super) fn judgement(self) -> (Judgement, Box<Lanes>) {
        let verdict = self.scan.verdict();
        let charset = self.scan.reader().charset();
        let (tally, lanes) = self.scan.into_tally();
        let (categories, findings) = tally.finish(&self.rules);
        let judgement = Judgement {
            verdict,
            inspection: self.inspection,
            charset,
            raw_bytes: self.raw_bytes,
            decoded_bytes: self.decoded_bytes,
            categories,
            findings,
            cached: false,
            tail_flushes: self.tail_flushes,
        };
        (judgement, lanes)
    }
}

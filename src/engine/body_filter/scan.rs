//! The scan of one decoded body: reader, lanes, tally.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::FixedState;

use super::plan::Shape;
use crate::{
    base::ByteSpan,
    engine::{
        matcher::Found,
        rules::{Action, LaneSet, Lanes, Occurrence, RuleSet, Tally, Trace},
        text::{Block, Edge, Lane, Media, Reader, Sink, Stream, Unreadable},
    },
};

/// A body that is to be masked in more places than this is blocked instead.
const MASKS_MAX: usize = 100_000;

/// Bytes read between two looks at what was found: their tokens stay in the processor's cache.
const SLICE_BYTES: usize = 16 << 10;

/// Reads a body and keeps the tally.
pub(super) struct Scan {
    rules: Arc<RuleSet>,
    reader: Reader,
    lanes: Box<Lanes>,
    wanted: LaneSet,
    tally: Tally,
    json: bool,
    /// Bytes of the decoded body so far.
    read: u64,
    occurrences: Vec<Occurrence>,
    /// The places of what may come to be masked.
    maskable: HashMap<Occurrence, Vec<ByteSpan>, FixedState>,
    masks: Vec<ByteSpan>,
    /// For an explanation; never while responses are read.
    trace: Option<Box<Trace>>,
}

/// The body must not go on: a verdict became certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stop {
    /// Offset of the first byte of the match that decided.
    pub(super) start: u64,
    /// The body had been read up to here.
    pub(super) seen: u64,
}

impl Scan {
    /// A scan in empty lanes.
    pub(super) fn new(rules: Arc<RuleSet>, shape: &Shape, lanes: Box<Lanes>) -> Self {
        let json = shape.media == Media::Json;
        let wanted = rules.lanes();
        let wanted = if json && wanted.contains(Lane::Text) { wanted.with(Lane::Script) } else { wanted };
        Self {
            reader: Reader::new(shape.media, shape.declared, shape.unknown_coding),
            lanes,
            wanted,
            tally: Tally::default(),
            json,
            read: 0,
            occurrences: Vec::new(),
            maskable: HashMap::default(),
            masks: Vec::new(),
            trace: None,
            rules,
        }
    }

    /// A scan that records what it sees.
    pub(super) fn tracing(rules: Arc<RuleSet>, shape: &Shape) -> Self {
        let scan = Self::new(rules, shape, Box::default());
        Self { trace: Some(Box::new(Trace::new(scan.json))), ..scan }
    }

    /// Ends the scan: what it saw.
    pub(super) fn into_trace(mut self) -> Trace {
        let _ = self.finish(false);
        self.trace.map(|trace| *trace).unwrap_or_default()
    }

    /// Scans the next bytes of the decoded body. `committed`: a verdict stops it at once.
    pub(super) fn feed(&mut self, bytes: &[u8], committed: bool) -> Option<Stop> {
        bytes.chunks(SLICE_BYTES).find_map(|slice| {
            self.read += slice.len() as u64;
            let mut sink = LaneSink::new(&mut self.lanes, self.wanted);
            self.reader.feed(slice, &mut sink);
            self.flush(committed)
        })
    }

    /// The body has ended, or what is read of it has: everything pending is settled.
    pub(super) fn finish(&mut self, committed: bool) -> Option<Stop> {
        let mut sink = LaneSink::new(&mut self.lanes, self.wanted);
        self.reader.finish(&mut sink);
        if let Some(stop) = self.flush(committed) {
            return Some(stop);
        }
        let start = self.tally.open_from();
        self.tally.settle_all(&self.rules, &self.lanes, self.read);
        if committed {
            let masks = self.masks_of_held();
            self.masks.extend(masks);
        }
        let blocks = committed && self.tally.verdict(&self.rules) == Some(Action::Block);
        blocks.then(|| Stop { start: start.unwrap_or(self.read), seen: self.read })
    }

    /// The hold is over: from now on bytes leave.
    pub(super) fn commit(&mut self) {
        self.tally.be_eager(&self.rules, &self.lanes, self.read);
    }

    fn flush(&mut self, committed: bool) -> Option<Stop> {
        let set = self.rules.patterns();
        self.occurrences.clear();
        for stream in Stream::ALL {
            let lane = &mut self.lanes[stream as usize];
            lane.scan(set, |found| self.occurrences.push(occurrence(stream, &found)));
        }
        self.occurrences.sort_unstable();
        if let Some(trace) = &mut self.trace {
            trace.note(&self.occurrences, &self.lanes);
        }
        let masking = self.rules.masks();
        let (rules, lanes) = (&self.rules, &self.lanes);
        let (masks, maskable) = (&mut self.masks, &mut self.maskable);
        if masking {
            let occurrences = self.occurrences.iter().filter(|at| rules.may_mask(at.pattern));
            maskable.extend(occurrences.map(|at| (*at, lanes[at.stream as usize].pieces(set, at.tokens))));
        }
        let mut decide = |tally: &mut Tally, _: &Occurrence| {
            if masking && committed {
                let masked = tally.take_masked(rules);
                masks.extend(masked.iter().filter_map(|at| maskable.remove(at)).flatten());
            }
            committed && tally.verdict(rules) == Some(Action::Block)
        };
        let stop = self.tally.take(rules, lanes, &self.occurrences, self.json, &mut decide);
        if masking && committed {
            maskable.retain(|at, _| self.tally.is_open(at));
        }
        self.tally.extend_excerpts(lanes, stop.map_or(u64::MAX, |stop| stop.seen), stop.is_some());
        for lane in self.lanes.iter_mut() {
            lane.forget(self.rules.patterns());
        }
        stop.map(|stop| Stop { start: stop.span.start, seen: stop.seen })
    }

    /// Gives back the room that it has for more.
    pub(super) fn give_back(&mut self) {
        self.occurrences = Vec::new();
        for lane in self.lanes.iter_mut() {
            lane.give_back(self.rules.patterns());
        }
    }

    /// Offset of the first byte that may still be part of a match; what was read, if none is.
    pub(super) fn open_from(&mut self) -> u64 {
        let lanes = self.lanes.iter_mut().filter_map(|lane| lane.open_from(self.rules.patterns()));
        lanes.chain(self.reader.open_from()).chain(self.tally.open_from()).min().unwrap_or(self.read)
    }

    /// The verdict so far.
    pub(super) fn verdict(&self) -> Option<Action> {
        let verdict = self.tally.verdict(&self.rules);
        if verdict == Some(Action::Mask) && self.tally.maskable() > MASKS_MAX { Some(Action::Block) } else { verdict }
    }

    /// What is to be masked of the body so far, once the rules have been judged on all that is held.
    pub(super) fn masks_of_held(&mut self) -> Vec<ByteSpan> {
        let masked = self.tally.take_masked(&self.rules);
        masked.iter().filter_map(|at| self.maskable.remove(at)).flatten().collect()
    }

    /// What is to be masked since the last call.
    pub(super) fn masks_since(&mut self) -> std::vec::Drain<'_, ByteSpan> {
        self.masks.drain(..)
    }

    pub(super) fn unreadable(&self) -> Option<Unreadable> {
        self.reader.unreadable()
    }

    pub(super) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The tally, with all excerpts complete, and the lanes, which nobody needs any more.
    pub(super) fn into_tally(mut self) -> (Tally, Box<Lanes>) {
        self.tally.extend_excerpts(&self.lanes, u64::MAX, true);
        (self.tally, self.lanes)
    }
}

fn occurrence(stream: Stream, found: &Found) -> Occurrence {
    let Found { pattern, gap, seen, span, character, character_end, tokens } = *found;
    Occurrence { seen, span, stream, pattern, gap, character, character_end, tokens }
}

/// Gives each lane its characters.
struct LaneSink<'s> {
    lanes: &'s mut Lanes,
    /// A bit for each stream that somebody reads.
    wanted: u8,
}

impl<'s> LaneSink<'s> {
    fn new(lanes: &'s mut Lanes, wanted: LaneSet) -> Self {
        let bit = |stream: Stream| u8::from(wanted.contains(stream.lane())) << stream as u8;
        Self { lanes, wanted: Stream::ALL.into_iter().fold(0, |all, stream| all | bit(stream)) }
    }
}

impl Sink for LaneSink<'_> {
    #[inline(always)]
    fn wants(&self, stream: Stream) -> bool {
        self.wanted >> stream as u8 & 1 != 0
    }

    #[inline(always)]
    fn run(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize) {
        if self.wants(stream) {
            self.lanes[stream as usize].run(block, from, to);
        }
    }

    #[inline(always)]
    fn alone(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize, seen: u64) {
        if self.wants(stream) {
            self.lanes[stream as usize].alone(block, from, to, seen);
        }
    }

    fn run_later(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize, seen: u64) {
        if self.wants(stream) {
            self.lanes[stream as usize].run_later(block, from, to, seen);
        }
    }

    fn character(&mut self, stream: Stream, c: char, span: ByteSpan, seen: u64) {
        if self.wants(stream) {
            self.lanes[stream as usize].character(c, span, seen);
        }
    }

    #[inline(always)]
    fn edge(&mut self, stream: Stream, edge: Edge, seen: u64) {
        if self.wants(stream) {
            self.lanes[stream as usize].edge(edge, seen);
        }
    }
}

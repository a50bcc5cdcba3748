//! Everything that phrases were seen in, kept for an explanation. Nothing of it is recorded while
//! responses are read.

use super::{Occurrence, tally::Lanes};
use crate::engine::text::Stream;

/// All occurrences in one body, and all of its text.
#[derive(Debug, Default)]
pub struct Trace {
    pub(super) occurrences: Vec<Occurrence>,
    /// The characters of each stream, as written.
    pub(super) text: [Vec<char>; Stream::ALL.len()],
    /// Rules for the text lane look at every lane: the body is a JSON document.
    pub(super) json: bool,
}

impl Trace {
    pub(in crate::engine) fn new(json: bool) -> Self {
        Self { json, ..Self::default() }
    }

    /// Takes what the lanes have read since the last call. To be called before they forget.
    pub(in crate::engine) fn note(&mut self, occurrences: &[Occurrence], lanes: &Lanes) {
        self.occurrences.extend_from_slice(occurrences);
        for (text, lane) in self.text.iter_mut().zip(lanes) {
            let from = u32::try_from(text.len()).unwrap_or(u32::MAX);
            text.extend(lane.characters_between(from, lane.characters(), u64::MAX).chars());
        }
    }

    /// The characters of a stream between two indices.
    pub(super) fn between(&self, stream: Stream, from: u32, to: u32) -> String {
        let text = &self.text[stream as usize];
        let to = (to as usize).min(text.len());
        text.get((from as usize).min(to)..to).unwrap_or_default().iter().collect()
    }
}

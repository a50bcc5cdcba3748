//! Longest exception wins: phrases that a longer exception of their rule may still cover.
//!
//! A phrase waits until the stream has gone as far as an exception around it can end. In one stream
//! phrases are decided in the order in which they came, so that each look is at the first of them.

use std::collections::VecDeque;

use super::{super::finding::Occurrence, rule_state::Until};
use crate::engine::text::Stream;

/// What one rule has waiting in each stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Covering([Queue; Stream::ALL.len()]);

#[derive(Clone, Debug, Default)]
struct Queue {
    /// Phrases, each with its use.
    phrases: VecDeque<(Occurrence, u32)>,
    /// Exceptions that contain a phrase, as far as they may cover what is in `phrases`.
    covers: VecDeque<Occurrence>,
}

impl Covering {
    pub(super) fn phrase(&mut self, occurrence: Occurrence, use_index: u32) {
        self.0[occurrence.stream as usize].phrases.push_back((occurrence, use_index));
    }

    pub(super) fn cover(&mut self, occurrence: Occurrence, reach: u32) {
        let Queue { phrases, covers } = &mut self.0[occurrence.stream as usize];
        // A phrase is never certain after what covers it: without one, only what comes next counts.
        let from = phrases.front().map_or(occurrence.character_end, |(phrase, _)| phrase.character_end);
        while covers.front().is_some_and(|cover| cover.character_end.saturating_add(reach) < from) {
            covers.pop_front();
        }
        covers.push_back(occurrence);
    }

    /// Decides about the first phrase of a stream: `Some` if it counts. An exception covers it that
    /// ends at most `reach` characters behind it.
    pub(super) fn decide(&mut self, stream: Stream, reach: u32) -> Option<(Occurrence, u32)> {
        let Queue { phrases, covers } = &mut self.0[stream as usize];
        let (phrase, use_index) = phrases.pop_front()?;
        while covers.front().is_some_and(|cover| cover.character_end < phrase.character_end) {
            covers.pop_front();
        }
        let last = phrase.character_end.saturating_add(reach);
        let mut near = covers.iter().take_while(|cover| cover.character_end <= last);
        let covered =
            near.any(|cover| cover.character <= phrase.character && phrase.character_end <= cover.character_end);
        (!covered).then_some((phrase, use_index))
    }

    /// The first phrase of each stream, and when it is certain.
    pub(super) fn first(&self, reach: u32) -> impl Iterator<Item = (Occurrence, Until)> + '_ {
        self.0.iter().filter_map(move |queue| {
            let phrase = queue.phrases.front()?.0;
            let until =
                if reach == 0 { Until::Known } else { Until::Beyond(phrase.character_end.saturating_add(reach)) };
            Some((phrase, until))
        })
    }

    /// Where the first phrase that waits in a stream begins.
    pub(super) fn waits_from(&self, stream: Stream) -> Option<u32> {
        self.0[stream as usize].phrases.front().map(|(phrase, _)| phrase.character)
    }

    /// All phrases that wait.
    pub(super) fn phrases(&self) -> impl Iterator<Item = &Occurrence> {
        self.0.iter().flat_map(|queue| &queue.phrases).map(|item| &item.0)
    }
}

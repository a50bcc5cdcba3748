//! Verdicts on whole bodies that were seen before: the same bytes are not scanned twice.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;

use super::judgement::Judgement;
use crate::engine::{matcher::LaneStream, rules::Lanes};

/// A bounded memory of verdicts, and the buffers that bodies are judged in; each worker has its own.
///
/// The key is a keyed 128-bit hash of the bytes as received, of what says how to read them, and of
/// the rules. Its secret is drawn at random at start, so that nobody can prepare two bodies with one
/// key.
#[derive(Debug)]
#[expect(clippy::vec_box, reason = "the buffers go in and out in their boxes")]
pub struct VerdictCache {
    secret: [u8; 32],
    entries_max: usize,
    /// The generation that fills up, and the one before it, which goes when this one is full.
    young: HashMap<Key, Arc<Judgement>>,
    old: HashMap<Key, Arc<Judgement>>,
    /// Buffers of bodies that have been judged, for the next ones.
    lanes: Vec<Box<Lanes>>,
}

pub(super) type Key = [u8; 16];

/// Buffers that are kept, at most: so many bodies are read at once, mostly.
const LANES_KEPT_MAX: usize = 16;

impl VerdictCache {
    /// A cache of at most `entries` verdicts (0: none).
    pub fn new(entries: usize, secret: [u8; 32]) -> Self {
        Self { secret, entries_max: entries, young: HashMap::new(), old: HashMap::new(), lanes: Vec::new() }
    }

    /// Empty lanes, with room in them if a body has been judged before.
    pub(super) fn take_lanes(&mut self) -> Box<Lanes> {
        self.lanes.pop().unwrap_or_default()
    }

    /// Keeps the lanes of a body that has been judged.
    pub(super) fn keep_lanes(&mut self, mut lanes: Box<Lanes>) {
        if self.lanes.len() < LANES_KEPT_MAX {
            lanes.iter_mut().for_each(LaneStream::restart);
            self.lanes.push(lanes);
        }
    }

    /// The key of a body: `context` is everything else that the verdict depends on. `None` if
    /// nothing is cached.
    pub(super) fn key(&self, context: &[Vec<u8>], chunks: &[Bytes]) -> Option<Key> {
        if self.entries_max == 0 {
            return None;
        }
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        for part in context {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        for chunk in chunks {
            hasher.update(chunk);
        }
        let mut key = Key::default();
        hasher.finalize_xof().fill(&mut key);
        Some(key)
    }

    pub(super) fn find(&mut self, key: &Key) -> Option<Arc<Judgement>> {
        if let Some(found) = self.young.get(key) {
            return Some(Arc::clone(found));
        }
        let found = self.old.remove(key)?;
        self.insert(*key, Arc::clone(&found));
        Some(found)
    }

    pub(super) fn insert(&mut self, key: Key, judgement: Arc<Judgement>) {
        if self.young.len() >= self.entries_max.div_ceil(2) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, judgement);
    }
}

//! Which places of a text may hold an anchor: two or three neighbouring codes that some phrase has.
//!
//! Three steps, each for what the one before lets through. A word of 32 bits a hashed pair has a bit
//! for phrases that are anchored at just that pair, and a bit chosen by the third code for those
//! anchored at three: eight places are tested at once, and almost all fail. Then a bit for the whole
//! anchor in a wider table; then the anchor itself. Nothing branches on a single place before that.

use super::vector::Vector;

/// The anchors of a set of phrases, and who is anchored at each.
#[derive(Debug)]
pub(super) struct Anchors {
    words: Vec<u32>,
    /// A bit for each hashed anchor.
    sieve: Vec<u64>,
    sieve_shift: u32,
    /// Open addressing, linear probing; a power of two of slots, half of them empty at least.
    slots: Vec<Slot>,
    slot_shift: u32,
    /// Patterns by slot, one behind the other.
    anchored: Vec<Anchored>,
}

/// A pattern, and where in it its anchor begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchored {
    pub(super) pattern: u32,
    /// Number of its first run that the anchor has.
    pub(super) run: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    key: u64,
    begin: u32,
    /// Behind the last; 0 in an empty slot.
    end: u32,
}

/// Two or three neighbouring codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Anchor {
    Pair(u16, u16),
    Triple(u16, u16, u16),
}

/// Places that are tested at once.
pub(super) const LANES: usize = 8;

/// From 4 KiB to 512 KiB of words: they stay in the first cache, or at least in the second.
const WORDS_MIN: usize = 1 << 10;
const WORDS_MAX: usize = 1 << 17;

/// Bits of the sieve for each anchor.
const SIEVE_BITS: usize = 16;

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
pub(super) const PAIR_MULTIPLIER: u32 = 0x9E37_79B1;

#[inline(always)]
fn pair_hash(left: u32, right: u32) -> u32 {
    (left | right << 16).wrapping_mul(PAIR_MULTIPLIER)
}

#[inline(always)]
fn pair_bit(hash: u32) -> u32 {
    hash >> 9 & 31
}

#[inline(always)]
fn triple_bit(hash: u32, third: u32) -> u32 {
    (hash >> 4 ^ third ^ third >> 5) & 31
}

impl Anchor {
    #[inline(always)]
    fn key(self) -> u64 {
        let (left, right, third) = match self {
            Self::Pair(left, right) => (left, right, 1 << 48),
            Self::Triple(left, right, third) => (left, right, u64::from(third) << 32),
        };
        u64::from(left) | u64::from(right) << 16 | third
    }
}

impl Anchors {
    /// Collects anchors; sorts them first.
    pub(super) fn new(mut all: Vec<(Anchor, Anchored)>) -> Self {
        all.sort_unstable_by_key(|(anchor, anchored)| (*anchor, anchored.pattern));
        let distinct = all.chunk_by(|one, other| one.0 == other.0).count();
        let words = (distinct * 2).next_power_of_two().clamp(WORDS_MIN, WORDS_MAX);
        let slots = (distinct * 2).next_power_of_two().max(16);
        let sieve = (distinct * SIEVE_BITS).next_power_of_two().max(1 << 10);
        let mut anchors = Self {
            words: vec![0; words],
            sieve: vec![0; sieve / 64],
            sieve_shift: 64 - sieve.trailing_zeros(),
            slots: vec![Slot::default(); slots],
            slot_shift: 64 - slots.trailing_zeros(),
            anchored: Vec::with_capacity(all.len()),
        };
        for bucket in all.chunk_by(|one, other| one.0 == other.0) {
            let begin = anchors.anchored.len() as u32;
            anchors.anchored.extend(bucket.iter().map(|item| item.1));
            anchors.insert(bucket[0].0, begin, begin + bucket.len() as u32);
        }
        anchors
    }

    fn insert(&mut self, anchor: Anchor, begin: u32, end: u32) {
        let (hash, bits) = match anchor {
            Anchor::Pair(left, right) => {
                let hash = pair_hash(left.into(), right.into());
                (hash, 1 << pair_bit(hash))
            }
            Anchor::Triple(left, right, third) => {
                let hash = pair_hash(left.into(), right.into());
                // The second may stand there again and again, before the third.
                (hash, 1 << triple_bit(hash, third.into()) | 1 << triple_bit(hash, right.into()))
            }
        };
        let word = hash >> (32 - self.words.len().trailing_zeros());
        self.words[word as usize] |= bits;
        let key = anchor.key();
        let (at, bit) = self.sieve_bit(key);
        self.sieve[at] |= bit;
        let mut at = self.slot(key);
        while self.slots[at].end != 0 {
            at = (at + 1) % self.slots.len();
        }
        self.slots[at] = Slot { key, begin, end };
    }

    fn slot(&self, key: u64) -> usize {
        (key.wrapping_mul(MULTIPLIER) >> self.slot_shift) as usize
    }

    #[inline(always)]
    fn sieve_bit(&self, key: u64) -> (usize, u64) {
        // Not as the slots are found, nor as the words.
        let hash = (key ^ key >> 15).wrapping_mul(0xD6E8_FEB8_6659_FD93) >> self.sieve_shift;
        ((hash / 64) as usize, 1 << (hash % 64))
    }

    #[inline(always)]
    fn is_sieved_out(&self, anchor: Anchor) -> bool {
        let (at, bit) = self.sieve_bit(anchor.key());
        self.sieve.get(at).is_some_and(|word| word & bit == 0)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.anchored.is_empty()
    }

    /// The patterns that have an anchor.
    pub(super) fn at(&self, anchor: Anchor) -> &[Anchored] {
        let key = anchor.key();
        let mut at = self.slot(key);
        loop {
            let slot = self.slots[at];
            if slot.end == 0 {
                return &[];
            }
            if slot.key == key {
                return &self.anchored[slot.begin as usize..slot.end as usize];
            }
            at = (at + 1) % self.slots.len();
        }
    }

    /// Collects each place of `codes` where an anchor may begin.
    #[inline(always)]
    pub(super) fn candidates(&self, codes: &[u16], places: &mut Vec<u32>) {
        let words = &self.words[..];
        // The size is part of the code: no index has to be checked.
        match words.len() {
            0x400 => collect::<0x400>(words, codes, places),
            0x800 => collect::<0x800>(words, codes, places),
            0x1000 => collect::<0x1000>(words, codes, places),
            0x2000 => collect::<0x2000>(words, codes, places),
            0x4000 => collect::<0x4000>(words, codes, places),
            0x8000 => collect::<0x8000>(words, codes, places),
            0x1_0000 => collect::<0x1_0000>(words, codes, places),
            _ => collect::<WORDS_MAX>(words, codes, places),
        }
        self.sieve(codes, places);
    }

    /// Leaves the places whose anchor the sieve knows.
    #[inline(always)]
    fn sieve(&self, codes: &[u16], places: &mut Vec<u32>) {
        let mut kept = 0;
        for at in 0..places.len() {
            let place = places[at];
            let (left, right, third) = match codes.get(place as usize..) {
                Some(&[left, right, third, ..]) => (left, right, third),
                Some(&[left, right]) => (left, right, 0),
                _ => continue,
            };
            // A row of the second is followed further than this goes.
            let may = right == third
                || !self.is_sieved_out(Anchor::Pair(left, right))
                || !self.is_sieved_out(Anchor::Triple(left, right, third));
            places[kept] = place;
            kept += usize::from(may);
        }
        places.truncate(kept);
    }
}

/// Collects the places that the words let through.
#[inline(always)]
fn collect<const WORDS: usize>(words: &[u32], codes: &[u16], places: &mut Vec<u32>) {
    let Some(words) = words.first_chunk::<WORDS>() else { return };
    places.clear();
    if let Some(vector) = Vector::of_this_processor() {
        return vector.candidates(words, codes, places);
    }
    collect_plainly(words, codes, places);
}

#[inline(always)]
pub(super) fn collect_plainly<const WORDS: usize>(words: &[u32; WORDS], codes: &[u16], places: &mut Vec<u32>) {
    let (mut rest, mut from) = (codes, 0);
    // Eight places, and two codes behind the last.
    while let Some(window) = rest.first_chunk() {
        push_hits(test(words, window), from, places);
        rest = &rest[LANES..];
        from += LANES as u32;
    }
    // Nine at most: behind the end there is no code.
    let mut window = [0; LANES + 2];
    window[..rest.len()].copy_from_slice(rest);
    push_hits(test(words, &window), from, places);
}

/// Adds the places whose bits are set.
#[inline(always)]
pub(super) fn push_hits(mut hits: u32, from: u32, places: &mut Vec<u32>) {
    while hits != 0 {
        places.push(from + hits.trailing_zeros());
        hits &= hits - 1;
    }
}

/// A bit for each of eight places that the words let through.
#[inline(always)]
fn test<const WORDS: usize>(words: &[u32; WORDS], window: &[u16; LANES + 2]) -> u32 {
    let left: [u32; LANES] = std::array::from_fn(|lane| window[lane].into());
    let right: [u32; LANES] = std::array::from_fn(|lane| window[lane + 1].into());
    let third: [u32; LANES] = std::array::from_fn(|lane| window[lane + 2].into());
    let hash: [u32; LANES] = std::array::from_fn(|lane| pair_hash(left[lane], right[lane]));
    let word: [u32; LANES] = std::array::from_fn(|lane| words[(hash[lane] >> (32 - WORDS.trailing_zeros())) as usize]);
    let hits: [u32; LANES] = std::array::from_fn(|lane| {
        let hit = word[lane] >> pair_bit(hash[lane]) | word[lane] >> triple_bit(hash[lane], third[lane]);
        // Of a small set most characters have no code, and one false alarm would be most places.
        let known = u32::from(left[lane] != 0) & u32::from(right[lane] != 0);
        (hit & known) << lane
    });
    hits.iter().fold(0, |all, hit| all | hit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_anchor_is_passed_over(
            anchors in proptest::collection::vec((1_u16..40, 1_u16..40, proptest::option::of(1_u16..40)), 0..60),
            codes in proptest::collection::vec(0_u16..40, 0..60),
        ) {
            let all: Vec<Anchor> = anchors
                .into_iter()
                .map(|(left, right, third)| match third {
                    Some(third) => Anchor::Triple(left, right, third),
                    None => Anchor::Pair(left, right),
                })
                .collect();
            let anchored = all.iter().map(|&anchor| (anchor, Anchored { pattern: 0, run: 0 })).collect();
            let set = Anchors::new(anchored);
            let mut places = Vec::new();
            set.candidates(&codes, &mut places);
            for (place, pair) in codes.windows(2).enumerate() {
                let third = codes.get(place + 2);
                let begins = |anchor: &Anchor| match *anchor {
                    Anchor::Pair(left, right) => *pair == [left, right],
                    Anchor::Triple(left, right, other) => *pair == [left, right] && third == Some(&other),
                };
                prop_assert!(!all.iter().any(begins) || places.contains(&(place as u32)));
                prop_assert_eq!(all.contains(&Anchor::Pair(pair[0], pair[1])), !set.at(Anchor::Pair(pair[0], pair[1])).is_empty());
            }
            prop_assert!(places.is_sorted());
        }
    }
}

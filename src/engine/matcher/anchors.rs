//! Which places of a text may hold an anchor: two or three neighbouring codes that some phrase has.
//!
//! One word of 64 bits a hashed pair: a bit for phrases that are anchored at just that pair, and a
//! bit chosen by the third code for those anchored at three. Almost every place of a text fails this
//! test, and it costs one look-up in a table that stays in the second cache.

/// The anchors of a set of phrases, and who is anchored at each.
#[derive(Debug)]
pub(super) struct Anchors {
    words: Vec<u64>,
    shift: u32,
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

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

#[inline(always)]
fn pair_hash(left: u16, right: u16) -> u64 {
    (u64::from(left) | u64::from(right) << 16).wrapping_mul(MULTIPLIER)
}

#[inline(always)]
fn pair_bit(hash: u64) -> u32 {
    (hash >> 20) as u32 & 63
}

#[inline(always)]
fn triple_bit(hash: u64, third: u16) -> u32 {
    let third = u32::from(third);
    ((hash >> 14) as u32 ^ third ^ third >> 6) & 63
}

impl Anchor {
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
        // A word an anchor, from 4 KiB, which stays in the first cache, to 512 KiB, which stays in the
        // second: a few false alarms cost less than waiting for memory.
        let words = distinct.next_power_of_two().clamp(1 << 9, 1 << 16);
        let slots = (distinct * 2).next_power_of_two().max(16);
        let mut anchors = Self {
            words: vec![0; words],
            shift: 64 - words.trailing_zeros(),
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
                let hash = pair_hash(left, right);
                (hash, 1 << pair_bit(hash))
            }
            Anchor::Triple(left, right, third) => {
                let hash = pair_hash(left, right);
                // The second may stand there again and again, before the third.
                (hash, 1 << triple_bit(hash, third) | 1 << triple_bit(hash, right))
            }
        };
        self.words[(hash >> self.shift) as usize] |= bits;
        let key = anchor.key();
        let mut at = self.slot(key);
        while self.slots[at].end != 0 {
            at = (at + 1) % self.slots.len();
        }
        self.slots[at] = Slot { key, begin, end };
    }

    fn slot(&self, key: u64) -> usize {
        (key.wrapping_mul(MULTIPLIER) >> self.slot_shift) as usize
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
        let mut candidate = |place: usize| places.push(place as u32);
        let mut windows = codes.windows(3).enumerate();
        // Four at a time, with one branch.
        let mut quads = codes.windows(6).step_by(4).enumerate();
        let mut at = 0;
        for (number, quad) in &mut quads {
            let &[a, b, c, d, e, f] = quad else { continue };
            let any = self.test(a, b, c) | self.test(b, c, d) | self.test(c, d, e) | self.test(d, e, f);
            if any {
                for (step, three) in [[a, b, c], [b, c, d], [c, d, e], [d, e, f]].into_iter().enumerate() {
                    if self.test(three[0], three[1], three[2]) {
                        candidate(number * 4 + step);
                    }
                }
            }
            at = number * 4 + 4;
        }
        for (place, three) in windows.by_ref().skip(at) {
            let &[a, b, c] = three else { continue };
            if self.test(a, b, c) {
                candidate(place);
            }
        }
        // At the end there is no third.
        if let [.., a, b] = *codes
            && self.test(a, b, 0)
        {
            candidate(codes.len() - 2);
        }
    }

    #[inline(always)]
    fn test(&self, left: u16, right: u16, third: u16) -> bool {
        let hash = pair_hash(left, right);
        let word = self.words[(hash >> self.shift) as usize];
        let hit = (word >> pair_bit(hash) | word >> triple_bit(hash, third)) & 1 != 0;
        // Of a small set most characters have no code, and one false alarm would be most places.
        hit & (left != 0) & (right != 0)
    }
}

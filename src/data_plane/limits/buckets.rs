//! Token buckets in a table of fixed size, without a lock: each bucket is one word, the time at which it
//! is full again (the generic cell rate algorithm). A key has its place in one of the eight words of a set,
//! which is a cache line. Where a set holds more keys in debt than that, the one that owes least is
//! forgotten: many strangers can make the limit lenient, never hit somebody else with it.

use std::{
    hash::{BuildHasher, Hash},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use foldhash::quality::RandomState;

use crate::config::Rate;

/// Words of a set.
const WAYS: usize = 8;
/// Time is counted in sixteenths of a microsecond, in 48 bits: half a year. The upper 16 bits of a word are
/// the mark of its key.
const UNITS_PER_SECOND: u64 = 16_000_000;
const TIME_BITS: u32 = 48;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
/// No bucket takes longer to fill; what looks as if it did is long full.
const FULL_UNITS_MAX: u64 = 3_600 * UNITS_PER_SECOND;
/// Another worker may be faster at the same word so often; then the request goes on.
const ATTEMPTS: usize = 8;

/// A table of token buckets.
pub(super) struct Buckets {
    sets: Box<[Set]>,
    hasher: RandomState,
}

#[derive(Default)]
#[repr(align(64))]
struct Set([AtomicU64; WAYS]);

impl Buckets {
    /// All buckets are full. `sets` is a power of two.
    pub(super) fn new(sets: usize) -> Self {
        Self { sets: (0..sets.next_power_of_two()).map(|_| Set::default()).collect(), hasher: RandomState::default() }
    }

    /// Takes a token from the bucket of a key; `false`: there is none. `now` is the time since a start.
    pub(super) fn take(&self, key: &impl Hash, rate: Rate, now: Duration) -> bool {
        let hash = self.hasher.hash_one(key);
        let Some(set) = self.sets.get(hash as usize & (self.sets.len() - 1)) else { return true };
        let mark = hash >> TIME_BITS;
        let now = (now.as_nanos() * u128::from(UNITS_PER_SECOND) / 1_000_000_000) as u64 & TIME_MASK;
        let interval = (UNITS_PER_SECOND / u64::from(rate.per_second.max(1))).max(1);
        let debt_max = interval.saturating_mul(u64::from(rate.burst)).clamp(interval, FULL_UNITS_MAX);
        for _ in 0..ATTEMPTS {
            let Some((word, seen, debt)) = set.find(mark, now) else { return true };
            let debt = debt + interval;
            if debt > debt_max {
                return false;
            }
            let next = mark << TIME_BITS | (now + debt) & TIME_MASK;
            if word.compare_exchange_weak(seen, next, Relaxed, Relaxed).is_ok() {
                return true;
            }
        }
        true
    }
}

impl Set {
    /// The word of a key with what it owes, or, where the key has none, the word that owes least.
    fn find(&self, mark: u64, now: u64) -> Option<(&AtomicU64, u64, u64)> {
        let mut least: Option<(&AtomicU64, u64, u64)> = None;
        for word in &self.0 {
            let seen = word.load(Relaxed);
            let owed = owed(seen, now);
            if seen >> TIME_BITS == mark {
                return Some((word, seen, owed));
            }
            if least.is_none_or(|(_, _, least)| owed < least) {
                least = Some((word, seen, owed));
            }
        }
        least.map(|(word, seen, _)| (word, seen, 0))
    }
}

/// The time until a bucket is full again.
fn owed(word: u64, now: u64) -> u64 {
    let ahead = (word & TIME_MASK).wrapping_sub(now) & TIME_MASK;
    if ahead <= FULL_UNITS_MAX { ahead } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::Buckets;

    use crate::config::Rate;

    const HALF_A_YEAR: u64 = 203 * 86_400;

    proptest! {
        #[test]
        fn it_gives_what_a_bucket_of_tokens_would(
            per_second in 1_u32..2_000,
            burst in 1_u32..50,
            begin in prop_oneof![0_u64..10, HALF_A_YEAR - 1..HALF_A_YEAR + 2],
            gaps in proptest::collection::vec(0_u64..20_000, 1..200),
        ) {
            let (buckets, rate) = (Buckets::new(4), Rate { per_second, burst });
            let (mut tokens, mut micros) = (f64::from(burst), begin * 1_000_000);
            for gap in gaps {
                micros += gap;
                tokens = (tokens + gap as f64 * f64::from(per_second) / 1e6).min(f64::from(burst));
                let given = buckets.take(&"key", rate, Duration::from_micros(micros));
                // Within a rounding of the border either answer is right, and this one holds.
                if (tokens - 1.0).abs() > 1e-3 * f64::from(burst) {
                    prop_assert_eq!(given, tokens >= 1.0, "{} tokens", tokens);
                }
                if given {
                    tokens -= 1.0;
                }
            }
        }

        #[test]
        fn strangers_never_use_up_somebody_elses_bucket(strangers in proptest::collection::vec(any::<u64>(), 0..2_000)) {
            let (buckets, rate) = (Buckets::new(2), Rate { per_second: 1, burst: 1 });
            for stranger in &strangers {
                buckets.take(stranger, rate, Duration::ZERO);
            }
            // Only with the mark of a word of its set, one time in eight thousand, it would not.
            let refused = (0..20_u64).filter(|me| !buckets.take(&("me", me), rate, Duration::ZERO)).count();
            prop_assert!(refused <= 2);
        }
    }

    #[test]
    fn what_was_used_up_comes_back() {
        let (buckets, rate) = (Buckets::new(1), Rate { per_second: 2, burst: 3 });
        let at = |millis| buckets.take(&1, rate, Duration::from_millis(millis));
        assert_eq!([at(0), at(0), at(0), at(0)], [true, true, true, false]);
        assert_eq!([at(499), at(500), at(500)], [false, true, false]);
        assert_eq!([at(9_000), at(9_000), at(9_000), at(9_000)], [true, true, true, false]);
    }
}

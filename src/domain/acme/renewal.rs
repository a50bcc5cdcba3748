//! When a certificate is to be renewed, and when what failed is tried again: functions of times alone.

use std::time::Duration;

use crate::base::Timestamp;

/// Of a certificate's life, the last part in which it is renewed at the latest: one third.
const LAST_PART: i64 = 3;

/// Of the time that is left then, the part over which renewals are spread: a tenth.
const SPREAD_PART: f64 = 0.1;

/// What failed is tried again after this long at the latest.
const RETRY_MAX: Duration = Duration::from_secs(86_400);

/// From when until when a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Its first moment.
    pub not_before: Timestamp,
    /// Its last one.
    pub not_after: Timestamp,
}

/// When a certificate is to be renewed: `before` its end, or, of a short-lived one, when a third of its life
/// is left. `spread`, from 0 to 1, puts it a little earlier: what was issued in one hour is not due in one.
pub fn renewal_due(validity: Validity, before: Duration, spread: f64) -> Timestamp {
    let Validity { not_before, not_after } = validity;
    let life = not_after.0.saturating_sub(not_before.0).max(0);
    let before = i64::try_from(before.as_millis()).unwrap_or(i64::MAX).min(life / LAST_PART);
    let earlier = (before as f64 * SPREAD_PART * spread.clamp(0.0, 1.0)) as i64;
    Timestamp(not_after.0.saturating_sub(before).saturating_sub(earlier))
}

/// How long to wait after a number of failures in a row: `first` after one, doubled with each further one, a
/// day at most. `jitter`, from 0 to 1, makes it up to a quarter shorter or longer.
pub fn retry_after(first: Duration, failures: u32, jitter: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(31);
    let wait = first.saturating_mul(1 << doublings).min(RETRY_MAX);
    wait.mul_f64(0.75 + jitter.clamp(0.0, 1.0) / 2.0)
}

/// A number from 0 to 1 that is always the same for a host, and another one for another host.
pub fn spread(host: &str) -> f64 {
    let mut bytes = [0; 4];
    blake3::Hasher::new().update(host.as_bytes()).finalize_xof().fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400_000;

    fn days(days: u64) -> Duration {
        Duration::from_secs(days * 86_400)
    }

    proptest! {
        #[test]
        fn a_certificate_is_due_within_its_life_and_with_time_to_spare(
            begin in 0..20_000 * DAY, life in 1_000..4_000 * DAY, before in 0u64..4_000, spread in 0.0..=1.0,
        ) {
            let validity = Validity { not_before: Timestamp(begin), not_after: Timestamp(begin + life) };
            let due = renewal_due(validity, days(before), spread);
            prop_assert!(due.0 > begin && due.0 <= begin + life);
            let left = begin + life - due.0;
            // Never before a third of its life is left, but for the spread; never later than asked for.
            prop_assert!(left as f64 <= life as f64 / 3.0 * (1.0 + SPREAD_PART) + 1.0);
            prop_assert!(left >= (before as i64 * DAY).min(life / 3));
            prop_assert!(due <= renewal_due(validity, days(before), 0.0), "the spread only makes it earlier");
        }

        #[test]
        fn a_renewed_certificate_is_not_due(begin in 0..20_000 * DAY, life in 1_000..4_000 * DAY, before in 0u64..4_000, spread in 0.0..=1.0) {
            // Issued now, whatever was there before: the next renewal is in the future, or orders would never end.
            let validity = Validity { not_before: Timestamp(begin), not_after: Timestamp(begin + life) };
            prop_assert!(renewal_due(validity, days(before), spread) > Timestamp(begin));
        }

        #[test]
        fn waits_grow_and_have_an_end(first in 1u64..100_000, failures in 1u32..100, jitter in 0.0..=1.0) {
            let first = Duration::from_secs(first);
            let (wait, next) = (retry_after(first, failures, jitter), retry_after(first, failures + 1, jitter));
            prop_assert!(wait <= next && next <= RETRY_MAX.mul_f64(1.25));
            prop_assert!(wait >= first.min(RETRY_MAX).mul_f64(0.75));
        }

        #[test]
        fn hosts_are_spread_from_one_end_to_the_other(host in "[a-z]{1,12}\\.cn") {
            prop_assert!((0.0..=1.0).contains(&spread(&host)));
        }
    }

    #[test]
    fn as_operators_know_it() {
        let of = |life: i64, before: u64| {
            let validity = Validity { not_before: Timestamp(0), not_after: Timestamp(life * DAY) };
            renewal_due(validity, days(before), 0.0).0 / DAY
        };
        assert_eq!(of(90, 30), 60, "the usual one");
        assert_eq!(of(6, 30), 4, "a short-lived one");
        assert_eq!(of(365, 30), 335, "that of an authority of one's own");
        let (low, high) = (0..100)
            .map(|n| spread(&format!("{n}.cn")))
            .fold((1.0f64, 0.0f64), |(low, high), it| (low.min(it), high.max(it)));
        assert!(low < 0.1 && high > 0.9);
    }
}

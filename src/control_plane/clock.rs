//! The operating system's clock, and the calendar of the letters.

use crate::base::{Clock, Date, Timestamp};

/// China keeps one time zone and no summer time.
const SHANGHAI_OFFSET_SECONDS: i64 = 8 * 3_600;

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }
}

/// The calendar day in Asia/Shanghai at a moment.
pub fn local_date(now: Timestamp) -> Date {
    let local = now.0.div_euclid(1_000).saturating_add(SHANGHAI_OFFSET_SECONDS);
    let day = jiff::Timestamp::from_second(local).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let day = day.to_zoned(jiff::tz::TimeZone::UTC).date();
    Date { year: day.year().unsigned_abs(), month: day.month().unsigned_abs(), day: day.day().unsigned_abs() }
}

#[cfg(test)]
mod tests {
    use super::local_date;
    use crate::base::Timestamp;

    #[test]
    fn the_day_begins_at_midnight_in_shanghai() {
        // 2026-03-14T15:59:59Z and a second later.
        assert_eq!(local_date(Timestamp(1_773_503_999_000)).to_string(), "2026-03-14");
        assert_eq!(local_date(Timestamp(1_773_504_000_000)).to_string(), "2026-03-15");
    }
}

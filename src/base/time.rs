//! Time as the core sees it: an argument, never a call.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const DAY_SECONDS: i64 = 86_400;
/// China keeps one time zone and no summer time.
const SHANGHAI_OFFSET_MILLIS: i64 = 8 * 3_600 * 1_000;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The calendar day in Asia/Shanghai, which keeps one time zone and no summer time.
    pub fn local_date(self) -> Date {
        Self(self.0.saturating_add(SHANGHAI_OFFSET_MILLIS)).utc().0
    }

    /// Midnight in Asia/Shanghai at the beginning of a day.
    pub fn local_midnight(date: Date) -> Self {
        Self(date.days() * DAY_SECONDS * 1_000 - SHANGHAI_OFFSET_MILLIS)
    }

    /// The day and the second of the day, in UTC.
    fn utc(self) -> (Date, i64) {
        let seconds = self.0.div_euclid(1_000);
        (Date::from_days(seconds.div_euclid(DAY_SECONDS)), seconds.rem_euclid(DAY_SECONDS))
    }

    /// This moment plus a number of milliseconds.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// RFC 3339, in UTC; with milliseconds where there are any.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, second) = self.utc();
        write!(f, "{date}T{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)?;
        match self.0.rem_euclid(1_000) {
            0 => f.write_str("Z"),
            millis => write!(f, ".{millis:03}Z"),
        }
    }
}

impl Timestamp {
    /// As a clock in China shows it, to the second, with the offset: `2026-03-15T10:00:00+08:00`. For people.
    pub fn to_local(self) -> String {
        let there = Self((self.0 + SHANGHAI_OFFSET_MILLIS).div_euclid(1_000) * 1_000);
        there.to_string().replace('Z', "+08:00")
    }
}

/// RFC 3339, with any offset; a fraction beyond milliseconds is cut off.
impl FromStr for Timestamp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || format!("{text:?} is not a time; write it as 2026-03-15T10:00:00+08:00");
        let (date, rest) = text.split_at_checked(10).ok_or_else(bad)?;
        let date: Date = date.parse().map_err(|_| bad())?;
        let rest = rest.strip_prefix(['T', 't', ' ']).ok_or_else(bad)?;
        let (clock, rest) = rest.split_at_checked(8).ok_or_else(bad)?;
        let seconds = seconds_of(clock).ok_or_else(bad)?;
        let (millis, zone) = match rest.strip_prefix('.') {
            None => (0, rest),
            Some(fraction) => {
                let end = fraction.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
                let (digits, zone) = fraction.split_at(end);
                let kept = digits.get(..3).unwrap_or(digits);
                let scale = [0, 100, 10, 1][kept.len()];
                (kept.parse::<i64>().map_err(|_| bad())? * scale, zone)
            }
        };
        let offset = match zone {
            "Z" | "z" => 0,
            _ => {
                let sign = match zone.as_bytes().first() {
                    Some(b'+') => 1,
                    Some(b'-') => -1,
                    _ => return Err(bad()),
                };
                if zone.len() != 6 {
                    return Err(bad());
                }
                sign * seconds_of(&format!("{}:00", &zone[1..])).ok_or_else(bad)?
            }
        };
        Ok(Self((date.days() * DAY_SECONDS + seconds - offset) * 1_000 + millis))
    }
}

/// The seconds of `HH:MM:SS`; a leap second is the second before it.
fn seconds_of(clock: &str) -> Option<i64> {
    let bytes = clock.as_bytes();
    if bytes.len() != 8 || bytes[2] != b':' || bytes[5] != b':' {
        return None;
    }
    let number = |at: usize, below: i64| {
        let digits = clock.get(at..at + 2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse::<i64>().ok().filter(|&number| number < below)
    };
    Some(number(0, 24)? * 3_600 + number(3, 60)? * 60 + number(6, 61)?.min(59))
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Tells the time to rooms that may not ask the operating system.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// A calendar day, as in a rule's `expires = 2027-06-30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Year, 0–9999.
    pub year: u16,
    /// Month, 1–12.
    pub month: u8,
    /// Day of the month, 1–31.
    pub day: u8,
}

impl Date {
    /// Days since 1970-01-01 in the proleptic Gregorian calendar.
    pub fn days(self) -> i64 {
        // Years begin in March, so that the leap day is a year's last; eras have 400 years.
        let (year, month) = (i64::from(self.year) - i64::from(self.month <= 2), i64::from(self.month));
        let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
        let day = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + year * 365 + year / 4 - year / 100 + day - 719_468
    }

    /// The day so many days after 1970-01-01; years outside of 0–9999 become the nearest of these.
    pub fn from_days(days: i64) -> Self {
        let days = days.clamp(-719_528, 2_932_896) + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day_of_month = day - (153 * month + 2) / 5 + 1;
        let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let year = year + era * 400 + carry;
        Self { year: year as u16, month: month as u8, day: day_of_month as u8 }
    }
}

impl FromStr for Date {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || format!("{text:?} is not a date; write it as YYYY-MM-DD");
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return Err(bad());
        }
        let number = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<u16>().ok());
        let (Some(year), Some(month), Some(day)) = (number(0, 4), number(5, 7), number(8, 10)) else {
            return Err(bad());
        };
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return Err(bad()),
        };
        if day == 0 || day > days || !bytes.iter().all(|&byte| byte == b'-' || byte.is_ascii_digit()) {
            return Err(bad());
        }
        Ok(Self { year, month: month as u8, day: day as u8 })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Date, Timestamp};

    proptest! {
        #[test]
        fn times_are_read_as_they_are_written(millis in -62_167_219_200_000_i64..253_402_300_800_000) {
            let time = Timestamp(millis);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn days_follow_each_other(days in -719_528_i64..2_932_896) {
            let (day, next) = (Date::from_days(days), Date::from_days(days + 1));
            prop_assert_eq!(day.days(), days);
            prop_assert_eq!(day.to_string().parse(), Ok(day));
            prop_assert!(day < next);
        }
    }

    #[test]
    fn people_read_the_time_of_their_own_clock() {
        let time: Timestamp = "2026-03-15T18:30:00.250Z".parse().unwrap();
        assert_eq!(time.to_local(), "2026-03-16T02:30:00+08:00");
        assert_eq!(time.to_local().parse::<Timestamp>().unwrap().0, time.0 - 250);
    }

    #[test]
    fn an_offset_is_taken_off() {
        let noon: Timestamp = "2026-03-15T12:00:00Z".parse().unwrap();
        for same in ["2026-03-15T20:00:00+08:00", "2026-03-15T12:00:00.0004Z", "2026-03-15 11:30:00-00:30"] {
            assert_eq!(same.parse(), Ok(noon), "{same}");
        }
        assert_eq!(noon.local_date().to_string(), "2026-03-15");
        assert_eq!(Timestamp::local_midnight("2026-03-15".parse().unwrap()).to_string(), "2026-03-14T16:00:00Z");
        for bad in
            ["2026-03-15", "2026-03-15T12:00Z", "2026-03-15T12:00:00", "2026-03-15T24:00:00Z", "2026-03-15T+1:00:00Z"]
        {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
    }

    #[test]
    fn dates_are_real_days() {
        assert_eq!("2028-02-29".parse::<Date>().unwrap().to_string(), "2028-02-29");
        for bad in ["2027-02-29", "2027-13-01", "2027-00-01", "2027-04-31", "2027-4-01", "27-04-01", "二〇二七"] {
            assert!(bad.parse::<Date>().is_err(), "{bad}");
        }
    }
}

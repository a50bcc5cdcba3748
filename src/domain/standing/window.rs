//! The two windows in which strikes are counted.

use crate::base::{Date, Timestamp};

/// "Within one month", "within one year" (second letter, 11.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Window {
    /// Back to the same day one month earlier.
    Month,
    /// Back to the same day one year earlier.
    Year,
}

impl Window {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Month, Self::Year];

    /// The beginning of the window that ends at `end`, included: 00:00 in Asia/Shanghai of the same day
    /// one month or year earlier. A day that the month does not have becomes its last.
    pub fn start(self, end: Timestamp) -> Timestamp {
        let months = match self {
            Self::Month => 1,
            Self::Year => 12,
        };
        Timestamp::local_midnight(months_earlier(end.local_date(), months))
    }
}

fn months_earlier(date: Date, months: i32) -> Date {
    let month = (i32::from(date.year) * 12 + i32::from(date.month) - 1 - months).max(0);
    let first = Date { year: (month / 12) as u16, month: (month % 12 + 1) as u8, day: 1 };
    let next = match first.month {
        12 => Date { year: first.year + 1, month: 1, day: 1 },
        month => Date { month: month + 1, ..first },
    };
    let last = (next.days() - first.days()) as u8;
    Date { day: date.day.min(last), ..first }
}

#[cfg(test)]
mod tests {
    use super::Window;
    use crate::base::Timestamp;

    #[test]
    fn windows_begin_at_local_midnight_and_clamp() {
        for (end, month, year) in [
            ("2026-03-15T10:00:00+08:00", "2026-02-15", "2025-03-15"),
            ("2026-03-15T00:00:00+08:00", "2026-02-15", "2025-03-15"),
            // In Shanghai it is the next day already.
            ("2026-03-14T16:00:00Z", "2026-02-15", "2025-03-15"),
            ("2026-03-14T15:59:59.999Z", "2026-02-14", "2025-03-14"),
            ("2026-03-31T23:59:59+08:00", "2026-02-28", "2025-03-31"),
            ("2024-03-31T12:00:00+08:00", "2024-02-29", "2023-03-31"),
            ("2024-02-29T12:00:00+08:00", "2024-01-29", "2023-02-28"),
            ("2026-01-31T12:00:00+08:00", "2025-12-31", "2025-01-31"),
            ("2100-03-29T12:00:00+08:00", "2100-02-28", "2099-03-29"),
        ] {
            let end: Timestamp = end.parse().unwrap();
            let start = |window: Window| window.start(end).to_string();
            let midnight = |day: &str| format!("{day}T00:00:00+08:00").parse::<Timestamp>().unwrap().to_string();
            assert_eq!((start(Window::Month), start(Window::Year)), (midnight(month), midnight(year)), "{end}");
        }
    }
}

//! A month in numbers, unit by unit.

use std::{fmt, str::FromStr};

use super::Party;
use crate::{
    base::{Date, Timestamp},
    domain::record::{Decision, Fact},
    engine::rules::Class,
};

/// A calendar month in Asia/Shanghai.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    /// Year.
    pub year: u16,
    /// Month, 1–12.
    pub month: u8,
}

/// What happened in a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// The month.
    pub month: Month,
    /// The units with something to tell, by id.
    pub units: Vec<UnitRow>,
    /// All together.
    pub total: Tally,
}

/// The numbers of one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitRow {
    /// The unit.
    pub party: Party,
    /// Its sites, now.
    pub sites: u64,
    /// Those of them with a filing in force here.
    pub filed: u64,
    /// The numbers.
    pub tally: Tally,
}

/// Counts of what was put on the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Findings by class: political, vulgar, other, filing.
    pub findings: [u64; 4],
    /// Notices by class.
    pub notices: [u64; 4],
    /// Findings that were confirmed.
    pub confirmed: u64,
    /// Findings that were dismissed.
    pub dismissed: u64,
    /// Notices and findings that were withdrawn.
    pub withdrawn: u64,
    /// Locks.
    pub locks: u64,
    /// Locks that were taken off.
    pub unlocks: u64,
    /// Suspensions by a person.
    pub suspensions: u64,
    /// Reinstatements.
    pub reinstatements: u64,
    /// Rectification reports on file.
    pub rectifications: u64,
    /// Incidents that it was concerned in.
    pub incidents: u64,
}

impl Month {
    /// From midnight on the first to midnight on the first of the next one, local time.
    pub fn range(self) -> (Timestamp, Timestamp) {
        let first = Date { year: self.year, month: self.month, day: 1 };
        let next = match self.month {
            12 => Date { year: self.year + 1, month: 1, day: 1 },
            month => Date { year: self.year, month: month + 1, day: 1 },
        };
        (Timestamp::local_midnight(first), Timestamp::local_midnight(next))
    }
}

/// `2026-03`.
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let day: Date =
            format!("{text}-01").parse().map_err(|_| format!("{text:?} is not a month; write it as 2026-03"))?;
        Ok(Self { year: day.year, month: day.month })
    }
}

impl Tally {
    /// The index of a class in the counts by class.
    pub const fn index(class: Class) -> usize {
        match class {
            Class::Political => 0,
            Class::Vulgar => 1,
            Class::Other => 2,
            Class::Filing => 3,
        }
    }

    /// One finding, counted.
    pub fn of_finding(class: Class) -> Self {
        let mut one = Self::default();
        one.findings[Self::index(class)] = 1;
        one
    }

    /// One fact, counted; `None` for those that are not counted.
    pub fn of(fact: &Fact) -> Option<Self> {
        let mut one = Self::default();
        match fact {
            Fact::Finding(finding) => return Some(Self::of_finding(finding.class)),
            Fact::Notice(notice) => one.notices[Self::index(notice.class)] = 1,
            Fact::Review(review) => match review.decision {
                Decision::Confirmed => one.confirmed = 1,
                Decision::Dismissed => one.dismissed = 1,
            },
            Fact::Withdrawal(_) => one.withdrawn = 1,
            Fact::Lock(_) => one.locks = 1,
            Fact::Unlock(_) => one.unlocks = 1,
            Fact::Suspension(_) => one.suspensions = 1,
            Fact::Reinstatement(_) => one.reinstatements = 1,
            Fact::Rectification(_) => one.rectifications = 1,
            Fact::IncidentOpen(_) => one.incidents = 1,
            Fact::Change(_)
            | Fact::Commitment(_)
            | Fact::ControlPeriod(_)
            | Fact::EvidenceView(_)
            | Fact::IncidentClose(_)
            | Fact::IncidentNote(_)
            | Fact::PeriodEnd(_)
            | Fact::Person(_)
            | Fact::Sealing(_)
            | Fact::Service(_)
            | Fact::Site(_)
            | Fact::Termination(_)
            | Fact::Unit(_)
            | Fact::Unsealing(_) => return None,
        }
        Some(one)
    }

    /// The kinds of entries that are counted.
    pub const KINDS: [&'static str; 10] = [
        "finding",
        "incident_open",
        "lock",
        "notice",
        "rectification",
        "reinstatement",
        "review",
        "suspension",
        "unlock",
        "withdrawal",
    ];

    /// Adds another tally.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.findings.iter_mut().zip(other.findings) {
            *mine += theirs;
        }
        for (mine, theirs) in self.notices.iter_mut().zip(other.notices) {
            *mine += theirs;
        }
        self.confirmed += other.confirmed;
        self.dismissed += other.dismissed;
        self.withdrawn += other.withdrawn;
        self.locks += other.locks;
        self.unlocks += other.unlocks;
        self.suspensions += other.suspensions;
        self.reinstatements += other.reinstatements;
        self.rectifications += other.rectifications;
        self.incidents += other.incidents;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_and_ends_at_local_midnight() {
        let (from, to) = "2027-12".parse::<Month>().unwrap().range();
        assert_eq!(
            (from.to_string().as_str(), to.to_string().as_str()),
            ("2027-11-30T16:00:00Z", "2027-12-31T16:00:00Z")
        );
        assert_eq!("2026-03".parse::<Month>().unwrap().to_string(), "2026-03");
        for bad in ["2026", "2026-13", "2026-3", "March"] {
            assert!(bad.parse::<Month>().is_err(), "{bad}");
        }
    }
}

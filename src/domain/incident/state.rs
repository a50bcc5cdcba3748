//! One incident: what was done, and how much of its clock has run.

use crate::{
    base::Timestamp,
    domain::record::{Entry, Fact, IncidentOpen},
};

/// An incident as its entries tell it.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// How it began.
    pub open: IncidentOpen,
    /// Who opened it.
    pub by: String,
    /// When that was put on the record.
    pub recorded: Timestamp,
    /// What was done since, in the order of the record.
    pub notes: Vec<Note>,
    /// When it was reported to the authority: the clock stops.
    pub reported: Option<Timestamp>,
    /// When it ended, who said so, and what came of it.
    pub closed: Option<Note>,
}

/// Something that was done in an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The number of its entry.
    pub seq: u64,
    /// When it was done.
    pub at: Timestamp,
    /// Who put it on the record.
    pub by: String,
    /// `measure`, `reported`, `notified`, `note`, `reminder`; `closed` for the end.
    pub step: String,
    /// In words.
    pub text: String,
}

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// The clock runs.
    Open,
    /// It was reported, and is not over.
    Reported,
    /// It is over.
    Closed,
}

/// A part of the clock after which somebody is reminded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reminder {
    /// Half of the time is gone.
    Half,
    /// Three quarters are gone.
    ThreeQuarters,
    /// The deadline is there.
    Due,
}

impl Reminder {
    /// All of them, in the order of the time.
    pub const ALL: [Self; 3] = [Self::Half, Self::ThreeQuarters, Self::Due];

    /// The part of the clock in percent.
    pub const fn percent(self) -> u8 {
        match self {
            Self::Half => 50,
            Self::ThreeQuarters => 75,
            Self::Due => 100,
        }
    }

    /// What the note says that records it: `50 %`.
    pub fn text(self) -> String {
        format!("{} %", self.percent())
    }
}

impl Note {
    fn of(entry: &Entry, at: Timestamp, step: &str, text: &str) -> Self {
        Self { seq: entry.seq, at, by: entry.by.clone(), step: step.to_owned(), text: text.to_owned() }
    }
}

impl Phase {
    /// The word on the command line and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Reported => "reported",
            Self::Closed => "closed",
        }
    }
}

impl Incident {
    /// The steps that a person may note.
    pub const STEPS: [&'static str; 3] = ["measure", "note", "notified"];

    /// The incident that an entry opens.
    pub fn opened(entry: &Entry) -> Option<Self> {
        let Fact::IncidentOpen(open) = &entry.fact else { return None };
        Some(Self {
            open: open.clone(),
            by: entry.by.clone(),
            recorded: entry.recorded,
            notes: Vec::new(),
            reported: None,
            closed: None,
        })
    }

    /// Takes in an entry about this incident, once; others change nothing.
    pub fn apply(&mut self, entry: &Entry) {
        if let Fact::IncidentNote(note) = &entry.fact
            && note.incident == self.open.id
            && self.notes.last().is_none_or(|last| last.seq < entry.seq)
        {
            if note.step == "reported" && self.reported.is_none() {
                self.reported = Some(note.at);
            }
            self.notes.push(Note::of(entry, note.at, &note.step, &note.text));
        }
        if let Fact::IncidentClose(close) = &entry.fact
            && close.incident == self.open.id
            && self.closed.is_none()
        {
            self.closed = Some(Note::of(entry, close.at, "closed", &close.conclusion));
        }
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        match (&self.closed, self.reported) {
            (Some(_), _) => Phase::Closed,
            (None, Some(_)) => Phase::Reported,
            (None, None) => Phase::Open,
        }
    }

    /// Whether the time ran out before it was reported. It stays so when it is reported afterwards.
    pub fn overdue(&self, now: Timestamp) -> bool {
        let stopped = self.reported.or(self.closed.as_ref().map(|closed| closed.at)).unwrap_or(now);
        stopped > self.open.deadline
    }

    /// When a reminder is due.
    pub fn reminds_at(&self, reminder: Reminder) -> Timestamp {
        let clock = i128::from(self.open.deadline.0) - i128::from(self.open.at.0);
        let passed = clock * i128::from(reminder.percent()) / 100;
        self.open.at.plus_millis(i64::try_from(passed).unwrap_or(i64::MAX))
    }

    /// The reminders that are due and not on the record. None after it was reported.
    pub fn due_reminders(&self, now: Timestamp) -> Vec<Reminder> {
        if self.phase() != Phase::Open {
            return Vec::new();
        }
        let reminded =
            |reminder: Reminder| self.notes.iter().any(|note| note.step == "reminder" && note.text == reminder.text());
        Reminder::ALL.into_iter().filter(|&reminder| self.reminds_at(reminder) <= now && !reminded(reminder)).collect()
    }

    /// Whether the evidence of a unit, of a row of the registry, or of these findings must be kept for it
    /// (legal hold).
    pub fn holds<'f>(&self, unit: &str, site: &str, findings: impl IntoIterator<Item = &'f str>) -> bool {
        // A row covers the hosts below it.
        let covers = |host: &String| {
            !site.is_empty() && host.strip_suffix(site).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.closed.is_none()
            && (self.open.units.iter().any(|held| held == unit)
                || self.open.sites.iter().any(covers)
                || findings.into_iter().any(|finding| self.open.because.iter().any(|held| held == finding)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::record::{IncidentClose, IncidentKind, IncidentNote};

    const HOUR: i64 = 3_600_000;

    fn entry(seq: u64, fact: Fact) -> Entry {
        Entry { seq, recorded: Timestamp(0), by: "officer".into(), fact }
    }

    fn opened() -> Incident {
        let open = IncidentOpen {
            id: "i-1".into(),
            kind: IncidentKind::Content,
            title: String::new(),
            at: Timestamp(0),
            deadline: Timestamp(24 * HOUR),
            units: vec!["u1".into()],
            sites: vec!["a.cn".into()],
            because: vec!["f-1".into()],
            locked: Vec::new(),
        };
        Incident::opened(&entry(1, Fact::IncidentOpen(open))).unwrap()
    }

    fn note(seq: u64, at: i64, step: &str, text: &str) -> Entry {
        let (incident, step, text) = ("i-1".into(), step.into(), text.into());
        entry(seq, Fact::IncidentNote(IncidentNote { incident, at: Timestamp(at), step, text }))
    }

    proptest! {
        /// However often and whenever it is looked at, each reminder is recorded once, not before its time.
        #[test]
        fn every_reminder_is_due_once(mut looks in proptest::collection::vec(0..30 * HOUR, 1..40)) {
            looks.sort_unstable();
            let mut incident = opened();
            let mut reminded = Vec::new();
            for &now in &looks {
                for reminder in incident.due_reminders(Timestamp(now)) {
                    prop_assert!(incident.reminds_at(reminder) <= Timestamp(now));
                    reminded.push(reminder);
                    let entry = note(reminded.len() as u64 + 1, now, "reminder", &reminder.text());
                    incident.apply(&entry);
                    incident.apply(&entry);
                    prop_assert_eq!(incident.notes.len(), reminded.len(), "what is read twice counts once");
                }
            }
            let last = *looks.last().unwrap();
            let expected: Vec<_> = Reminder::ALL
                .into_iter()
                .filter(|reminder| last >= 24 * HOUR * i64::from(reminder.percent()) / 100)
                .collect();
            prop_assert_eq!(reminded, expected);
        }
    }

    #[test]
    fn reporting_stops_the_clock_and_closing_ends_the_hold() {
        let mut incident = opened();
        assert!(incident.overdue(Timestamp(25 * HOUR)) && !incident.overdue(Timestamp(24 * HOUR)));
        assert!(incident.holds("u1", "", []) && incident.holds("", "cn", []) && incident.holds("", "a.cn", []));
        assert!(!incident.holds("u2", ".cn", []) && !incident.holds("", "b.a.cn", []) && !incident.holds("", "", []));
        assert!(incident.holds("", "", ["f-0", "f-1"]) && !incident.holds("", "", ["f-0"]));
        incident.apply(&note(2, 20 * HOUR, "reported", "to the authority"));
        assert_eq!(incident.phase(), Phase::Reported);
        assert!(incident.due_reminders(Timestamp(99 * HOUR)).is_empty());
        assert!(!incident.overdue(Timestamp(99 * HOUR)), "reported in time");
        let close = IncidentClose { incident: "i-1".into(), at: Timestamp(30 * HOUR), conclusion: "done".into() };
        incident.apply(&entry(3, Fact::IncidentClose(close)));
        assert_eq!(incident.phase(), Phase::Closed);
        assert!(!incident.holds("u1", "a.cn", ["f-1"]));
    }

    #[test]
    fn what_is_about_another_incident_changes_nothing() {
        let mut incident = opened();
        let close = IncidentClose { incident: "i-2".into(), at: Timestamp(0), conclusion: String::new() };
        incident.apply(&entry(2, Fact::IncidentClose(close)));
        assert_eq!(incident, opened());
    }
}

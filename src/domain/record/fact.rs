//! One line of the record.

use serde::{Deserialize, Serialize};

use super::{
    Change, Commitment, ControlPeriod, EvidenceView, Finding, IncidentClose, IncidentNote, IncidentOpen, LockFact,
    Notice, PeriodEnd, Person, Rectification, Reinstatement, Review, Sealing, ServiceFact, SiteChange, Suspension,
    Termination, UnitFact, Unlock, Unsealing, Withdrawal,
};
use crate::base::Timestamp;

/// Something that happened, or that a person decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Fact {
    /// Something else about Zhamen itself was changed: for the audit log.
    Change(Change),
    /// A unit signed the letter.
    Commitment(Commitment),
    /// For a time other things hold (严打, major conferences).
    ControlPeriod(ControlPeriod),
    /// Somebody looked at a body in evidence.
    EvidenceView(EvidenceView),
    /// The matcher saw something.
    Finding(Finding),
    /// An incident is over.
    IncidentClose(IncidentClose),
    /// Something was done in an incident.
    IncidentNote(IncidentNote),
    /// An incident begins.
    IncidentOpen(IncidentOpen),
    /// A page, directory or site is locked.
    Lock(LockFact),
    /// A superior authority notified us.
    Notice(Notice),
    /// A control period ends before its time.
    PeriodEnd(PeriodEnd),
    /// A principal or reviewer of a unit.
    Person(Person),
    /// A rectification report is on file.
    Rectification(Rectification),
    /// A person lifted a suspension.
    Reinstatement(Reinstatement),
    /// A reviewer confirmed or dismissed a finding.
    Review(Review),
    /// A server is sealed.
    Sealing(Sealing),
    /// A service exists, or is now another unit's or of another kind.
    Service(ServiceFact),
    /// A row of the registry was added, changed or removed.
    Site(SiteChange),
    /// A person suspended a unit.
    Suspension(Suspension),
    /// A unit's contract was ended.
    Termination(Termination),
    /// A unit exists, or is now below another one.
    Unit(UnitFact),
    /// A lock was taken off.
    Unlock(Unlock),
    /// A server is not sealed any more.
    Unsealing(Unsealing),
    /// A notice or finding no longer counts.
    Withdrawal(Withdrawal),
}

/// A fact on the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number: 1, 2, 3, … without holes.
    pub seq: u64,
    /// When it was put on the record.
    pub recorded: Timestamp,
    /// Who put it there: a user's name, `edge`, `policy`, `import`, `command line (NAME)`.
    pub by: String,
    /// What it says.
    pub fact: Fact,
}

/// What a fact brings that others may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brought<'a> {
    /// A unit.
    Unit(&'a str),
    /// A service.
    Service(&'a str),
    /// A notice or finding.
    Case(&'a str),
    /// A rectification report.
    Rectification(&'a str),
    /// A control period.
    Period(&'a str),
}

impl Fact {
    /// Every word that [`Fact::kind`] may return.
    pub const KINDS: [&'static str; 24] = [
        "change",
        "commitment",
        "control_period",
        "evidence_view",
        "finding",
        "incident_close",
        "incident_note",
        "incident_open",
        "lock",
        "notice",
        "period_end",
        "person",
        "rectification",
        "reinstatement",
        "review",
        "sealing",
        "service",
        "site",
        "suspension",
        "termination",
        "unit",
        "unlock",
        "unsealing",
        "withdrawal",
    ];

    /// The word in `type`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Change(_) => "change",
            Self::Commitment(_) => "commitment",
            Self::ControlPeriod(_) => "control_period",
            Self::EvidenceView(_) => "evidence_view",
            Self::Finding(_) => "finding",
            Self::IncidentClose(_) => "incident_close",
            Self::IncidentNote(_) => "incident_note",
            Self::IncidentOpen(_) => "incident_open",
            Self::Lock(_) => "lock",
            Self::Notice(_) => "notice",
            Self::PeriodEnd(_) => "period_end",
            Self::Person(_) => "person",
            Self::Rectification(_) => "rectification",
            Self::Reinstatement(_) => "reinstatement",
            Self::Review(_) => "review",
            Self::Sealing(_) => "sealing",
            Self::Service(_) => "service",
            Self::Site(_) => "site",
            Self::Suspension(_) => "suspension",
            Self::Termination(_) => "termination",
            Self::Unit(_) => "unit",
            Self::Unlock(_) => "unlock",
            Self::Unsealing(_) => "unsealing",
            Self::Withdrawal(_) => "withdrawal",
        }
    }

    /// When it happened; `None` for what is said of customers, which holds for all time.
    pub const fn at(&self) -> Option<Timestamp> {
        Some(match self {
            Self::Commitment(_) | Self::Person(_) | Self::Service(_) | Self::Unit(_) => return None,
            Self::Change(fact) => fact.at,
            Self::ControlPeriod(fact) => fact.from,
            Self::EvidenceView(fact) => fact.at,
            Self::Finding(fact) => fact.at,
            Self::IncidentClose(fact) => fact.at,
            Self::IncidentNote(fact) => fact.at,
            Self::IncidentOpen(fact) => fact.at,
            Self::Lock(fact) => fact.at,
            Self::Notice(fact) => fact.at,
            Self::PeriodEnd(fact) => fact.at,
            Self::Rectification(fact) => fact.at,
            Self::Reinstatement(fact) => fact.at,
            Self::Review(fact) => fact.at,
            Self::Sealing(fact) => fact.at,
            Self::Site(fact) => fact.at,
            Self::Suspension(fact) => fact.at,
            Self::Termination(fact) => fact.at,
            Self::Unlock(fact) => fact.at,
            Self::Unsealing(fact) => fact.at,
            Self::Withdrawal(fact) => fact.at,
        })
    }

    /// What it brings that others may name.
    pub fn brings(&self) -> Option<Brought<'_>> {
        Some(match self {
            Self::Unit(fact) => Brought::Unit(&fact.unit),
            Self::Service(fact) => Brought::Service(&fact.service),
            Self::Finding(fact) => Brought::Case(&fact.id),
            Self::Notice(fact) => Brought::Case(&fact.id),
            Self::Rectification(fact) => Brought::Rectification(&fact.id),
            Self::ControlPeriod(fact) => Brought::Period(&fact.id),
            Self::Change(_)
            | Self::Commitment(_)
            | Self::EvidenceView(_)
            | Self::IncidentClose(_)
            | Self::IncidentNote(_)
            | Self::IncidentOpen(_)
            | Self::Lock(_)
            | Self::PeriodEnd(_)
            | Self::Person(_)
            | Self::Reinstatement(_)
            | Self::Review(_)
            | Self::Sealing(_)
            | Self::Site(_)
            | Self::Suspension(_)
            | Self::Termination(_)
            | Self::Unlock(_)
            | Self::Unsealing(_)
            | Self::Withdrawal(_) => return None,
        })
    }

    /// The id of the notice or finding that it brings, reviews or withdraws.
    pub fn case(&self) -> Option<&str> {
        match (self, self.brings()) {
            (Self::Review(fact), _) => Some(&fact.finding),
            (Self::Withdrawal(fact), _) => Some(&fact.of),
            (_, Some(Brought::Case(id))) => Some(id),
            (_, _) => None,
        }
    }
}

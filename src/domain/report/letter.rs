//! The data of each report that goes to somebody.

use super::{Party, SiteRow, Violation};
use crate::{
    base::{Date, Timestamp},
    domain::{
        apportion::{Fen, Share},
        incident::Incident,
        record::CommitmentForm,
        registry::ServiceKind,
    },
    engine::rules::Class,
};

/// 整改报告: part two of the second letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RectificationReport {
    /// Whose.
    pub party: Party,
    /// The servers concerned, sorted.
    pub ips: Vec<String>,
    /// 1. What was found or notified, in the order of time.
    pub violations: Vec<Violation>,
    /// Older ones that are not listed.
    pub omitted: usize,
    /// 2. Every site on these servers, by address and host.
    pub sites: Vec<SiteRow>,
    /// 3. The measures, as far as they are known.
    pub measures: Vec<String>,
    /// Who signs; empty for a blank.
    pub signatory: String,
    /// The signatory's identity number; empty for a blank.
    pub signatory_identity: String,
    /// The day of the report; `None` for a blank.
    pub date: Option<Date>,
}

/// 承诺书, for signing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterOfCommitment {
    /// Which of the two.
    pub form: CommitmentForm,
    /// Who shall sign it.
    pub party: Party,
    /// The thresholds of the second letter, 11.1.
    pub limits: Vec<Limit>,
}

/// A row of the threshold table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Of which services.
    pub kind: ServiceKind,
    /// Of political and vulgar content, or of other content.
    pub other: bool,
    /// Within one month.
    pub month: u32,
    /// Within one year.
    pub year: u32,
}

/// 中止接入服务通知书.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuspensionNotice {
    /// Whom it is for.
    pub party: Party,
    /// Which services.
    pub kind: ServiceKind,
    /// Since when it is in force.
    pub since: Timestamp,
    /// What did it.
    pub cause: SuspensionCause,
    /// The strikes that did it, in the order of time; empty if a person did it for another reason.
    pub strikes: Vec<Violation>,
    /// The limits of this kind of service.
    pub limits: Vec<Limit>,
}

/// What suspended a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SuspensionCause {
    /// Strikes reached a threshold.
    Threshold {
        /// Of political and vulgar content, or of other content.
        other: bool,
        /// Within a year, not within a month.
        year: bool,
        /// How many there are.
        count: usize,
        /// How many are too many.
        limit: u32,
    },
    /// A person decided so, for this reason.
    Decision(String),
}

/// An incident, for the authority.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentReport {
    /// What the record says of it.
    pub incident: Incident,
    /// The units concerned.
    pub parties: Vec<Party>,
    /// The sites concerned, as the registry has them.
    pub sites: Vec<SiteRow>,
    /// Sites that the incident names and the registry does not have.
    pub unregistered: Vec<String>,
    /// What it came from, in the order of time.
    pub violations: Vec<Violation>,
    /// What was done by whom, in the order of the record.
    pub timeline: Vec<TimelineEntry>,
}

/// A line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// The number of its entry on the record.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What: the kind of the fact, or the step of a note.
    pub step: String,
    /// On what, or in which words.
    pub text: String,
}

/// A written notice to a unit about an incident (both letters: notify in writing).
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenNotice {
    /// Whom it is for.
    pub party: Party,
    /// The incident.
    pub incident: Incident,
    /// Its violations that concern the unit.
    pub violations: Vec<Violation>,
    /// The unit's sites in it.
    pub sites: Vec<String>,
}

/// Who pays what of a fine (second letter, 11.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApportionmentReport {
    /// The fine.
    pub amount: Fen,
    /// The incident that it is for; empty if it was told otherwise.
    pub incident: String,
    /// The shares, by unit.
    pub shares: Vec<(Party, Share)>,
}

impl Limit {
    /// Whether it is the row of a class; a class that is never a strike has none.
    pub fn is_for(&self, class: Class) -> bool {
        match class {
            Class::Political | Class::Vulgar => !self.other,
            Class::Other => self.other,
            Class::Filing => false,
        }
    }
}

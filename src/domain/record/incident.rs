//! Incidents (second letter 9, first letter 8): a clock, measures, a report.

use serde::{Deserialize, Serialize};

use super::LockScope;
use crate::base::Timestamp;

/// An incident begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentOpen {
    /// Its id.
    pub id: String,
    /// Of what kind.
    pub kind: IncidentKind,
    /// What happened, in a line.
    pub title: String,
    /// When it was noticed: the clock begins.
    pub at: Timestamp,
    /// When it must have been reported.
    pub deadline: Timestamp,
    /// The units concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<String>,
    /// The hosts concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<String>,
    /// The findings and notices that it came from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// What was locked in the same step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locked: Vec<IncidentScope>,
}

/// What an incident locks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentScope {
    /// The host.
    pub host: String,
    /// Path as in a lock; empty for the whole site.
    pub path: String,
    /// On what.
    pub scope: LockScope,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// Prohibited content.
    Content,
    /// An attack on network security.
    Security,
    /// Malware was served.
    Malware,
}

/// Something was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentNote {
    /// The incident.
    pub incident: String,
    /// When it was done.
    pub at: Timestamp,
    /// What: `measure`, `reported`, `notified`, `note`, `reminder`.
    pub step: String,
    /// In words.
    pub text: String,
}

/// An incident is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentClose {
    /// The incident.
    pub incident: String,
    /// When.
    pub at: Timestamp,
    /// What came of it.
    pub conclusion: String,
}

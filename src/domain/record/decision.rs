//! What is decided about a page, a site, a server or a unit.

use serde::{Deserialize, Serialize};

use crate::{base::Timestamp, domain::registry::ServiceKind};

/// A lock: the machine's answer to what it found, or a person's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LockFact {
    /// The normalised host.
    pub host: String,
    /// The page's path and query, the directory's path (ends in `/`), or empty for the whole site.
    pub path: String,
    /// On what.
    pub scope: LockScope,
    /// When.
    pub at: Timestamp,
    /// The rules that did it; empty where a person did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// Why, where a person did it, or the id of the incident.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// What a lock is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockScope {
    /// One path and query.
    Page,
    /// Everything below a path.
    Directory,
    /// Everything on the host.
    Site,
}

/// A lock is taken off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unlock {
    /// As in the lock.
    pub host: String,
    /// As in the lock.
    pub path: String,
    /// As in the lock.
    pub scope: LockScope,
    /// When.
    pub at: Timestamp,
    /// `found clean`, `owner`, or a person's reason.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// A person suspends a unit, or one kind of its services.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suspension {
    /// Whom.
    pub unit: String,
    /// Which services; `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ServiceKind>,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: String,
}

/// A person lifts a suspension, whether thresholds or a person made it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reinstatement {
    /// Whom.
    pub unit: String,
    /// Which services.
    pub kind: ServiceKind,
    /// When.
    pub at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// The id of the rectification report on file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rectification: String,
}

/// A unit's rectification report (整改报告) came in, signed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rectification {
    /// Its id.
    pub id: String,
    /// Whose.
    pub unit: String,
    /// When.
    pub at: Timestamp,
    /// 服务器出现问题.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub problem: String,
    /// 具体的整改措施.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<String>,
    /// 负责人.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub signatory: String,
}

/// A unit's contract ends early (second letter, 11.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Termination {
    /// Whose.
    pub unit: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: String,
}

/// A server is sealed (封存, second letter, 11.2): nothing on it is served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sealing {
    /// Which.
    pub server_ip: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: String,
}

/// A server is no longer sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unsealing {
    /// Which.
    pub server_ip: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: String,
}

/// For a time other things hold; afterwards all of it reverts by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlPeriod {
    /// Its id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// From when on.
    pub from: Timestamp,
    /// Until when (not included).
    pub to: Timestamp,
    /// The units that it is for, with those below them; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<String>,
    /// No host is admitted that was not in the registry when the period began.
    #[serde(default)]
    pub freeze_admissions: bool,
    /// State-changing requests are refused.
    #[serde(default)]
    pub close_interactive: bool,
    /// Thresholds are divided by this, rounded up, at least 1; 1 changes nothing.
    #[serde(default = "one")]
    pub threshold_divisor: u32,
}

/// A control period ends now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeriodEnd {
    /// Its id.
    pub id: String,
    /// When.
    pub at: Timestamp,
}

/// Somebody looked at the body in evidence of a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceView {
    /// The hash of the evidence's record.
    pub evidence: String,
    /// When.
    pub at: Timestamp,
    /// For what.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// A change of Zhamen itself: a token made, rules replaced, a registry imported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What was changed: `token`, `registry`, `rules`, `retention`, `webhook`, ….
    pub what: String,
    /// Which one.
    pub subject: String,
    /// When.
    pub at: Timestamp,
    /// From what to what, or how many. Never a secret.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

const fn one() -> u32 {
    1
}

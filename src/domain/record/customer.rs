//! Who the customers are, what they signed, and what they rent.

use serde::{Deserialize, Serialize};

use crate::{
    base::{Date, Timestamp},
    domain::registry::ServiceKind,
};

/// A customer. Said again it changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitFact {
    /// Its id.
    pub unit: String,
    /// The reseller above it, which is jointly liable (first letter, article 10).
    #[serde(default)]
    pub parent: Option<String>,
    /// The name on the letter (承诺单位名称).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Identity number of the person, or credit code of the company, as the letter asks for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub identity: String,
    /// Where written notices go.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub contact: String,
}

/// A product that a unit rents. Said again it changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceFact {
    /// Its id.
    pub service: String,
    /// Who rents it.
    pub unit: String,
    /// What it is.
    pub kind: ServiceKind,
    /// Its servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server_ips: Vec<String>,
}

/// A signed letter, in force from the date of signing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Commitment {
    /// Who signed.
    pub unit: String,
    /// Which letter.
    pub form: CommitmentForm,
    /// In force from this day on.
    pub signed: Date,
    /// The last day; `None`: until it is followed by another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// Who signed for the unit.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub signatory: String,
}

/// The two letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommitmentForm {
    /// 信息安全承诺书: the first letter, of a unit with customers of its own.
    Datacenter,
    /// 互联网安全承诺书: the second letter, of a unit with sites.
    Hosting,
}

/// A person whom the letter wants named (first letter, article 3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// For whom.
    pub unit: String,
    /// As what.
    pub role: PersonRole,
    /// The name.
    pub name: String,
    /// The certificate's number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub certificate: String,
    /// The certificate's last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Date>,
    /// How to reach the person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub contact: String,
}

/// What a person is to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonRole {
    /// 信息安全责任人.
    Principal,
    /// 信息安全审查员.
    Reviewer,
}

/// A row of the registry, by its host: what it was and what it is. Many rows of one import are one fact
/// each only where the filing changed; the import itself is a [`Change`](super::Change).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SiteChange {
    /// The row's host.
    pub host: String,
    /// The unit of the row.
    pub unit: String,
    /// The service of the row.
    pub service: String,
    /// When.
    pub at: Timestamp,
    /// `number state` before; empty if there was no row.
    pub was: String,
    /// `number state` now; empty if there is no row any more.
    pub is: String,
}

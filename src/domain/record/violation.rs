//! What counts against a unit: findings, notices, and what becomes of them.

use serde::{Deserialize, Serialize};

use crate::{base::Timestamp, engine::rules::Class};

/// What the matcher saw: one rule on one page with one content. Found again it is the same finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// `f-` and 20 hexadecimal digits made from page, rule and content, so that it has the same id
    /// whenever it is found.
    pub id: String,
    /// The service that served it.
    pub service: String,
    /// What the ledger counts it as.
    pub class: Class,
    /// The URL: scheme, host, path and query.
    pub page: String,
    /// The rule's id.
    pub rule: String,
    /// SHA-256 of the excerpt, hexadecimal: what was found, whatever else on the page changes.
    pub content: String,
    /// When it was first served.
    pub at: Timestamp,
    /// The unit of the site at that time; empty where a file of events does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// The host of the registry's row.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// The server that served it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub server_ip: String,
    /// The rule's category.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub category: String,
    /// The phrase as the rule's author wrote it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phrase: String,
    /// The text around it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub excerpt: String,
    /// First byte in the decoded body.
    #[serde(default)]
    pub start: u64,
    /// Behind the last byte.
    #[serde(default)]
    pub end: u64,
    /// `observe`, `mask` or `block`: what was done; empty if the score did not reach the threshold. `shadow`:
    /// the rule is on trial, and a confirmed finding is a strike all the same.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// Where the text came from.
    #[serde(default)]
    pub origin: FindingOrigin,
    /// The evidence that shows it: the hash of its record; empty if none was kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub evidence: String,
}

/// Where a text that was found came from, as far as it can be told (planted hits).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingOrigin {
    /// The site's owner put it there: nobody can post to the site.
    Published,
    /// It cannot be told.
    #[default]
    Unknown,
    /// A visitor posted the same text through this proxy shortly before.
    UserPosted,
}

/// A notification by a superior authority (通报). A strike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Its id.
    pub id: String,
    /// The service that it is about.
    pub service: String,
    /// What the ledger counts it as.
    pub class: Class,
    /// When the violation was.
    pub at: Timestamp,
    /// When it became known; `None`: at `at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Timestamp>,
    /// Who notified.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub authority: String,
    /// The document's number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub document: String,
    /// Where the content was.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// Until when something has to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// What it says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// What a reviewer says of a finding. The last one holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// The finding's id.
    pub finding: String,
    /// What was decided.
    pub decision: Decision,
    /// The reviewer.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// A reviewer's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It is a violation, and a strike.
    Confirmed,
    /// It is none.
    Dismissed,
}

/// From now on a notice or finding is no strike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The id of the notice or finding.
    pub of: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

impl Decision {
    /// The word in `decision`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Dismissed => "dismissed",
        }
    }
}

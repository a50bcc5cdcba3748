//! What several reports name: units, sites, violations.

use crate::{
    base::Timestamp,
    domain::{
        record::{Decision, Finding, Notice, UnitFact},
        registry::{FilingState, Site},
    },
    engine::rules::Class,
};

/// A unit as a letter names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// Its id.
    pub unit: String,
    /// Its name on the letter (承诺单位名称); the id where no name is on the record.
    pub name: String,
    /// Identity number or credit code; may be empty.
    pub identity: String,
    /// Where written notices go; may be empty.
    pub contact: String,
}

/// A row of the table of sites: IP, site, filed or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SiteRow {
    /// The server's address.
    pub server_ip: String,
    /// The host.
    pub host: String,
    /// The unit that it belongs to.
    pub unit: String,
    /// The filing number; empty if none.
    pub icp: String,
    /// What the filing says.
    pub filing: FilingState,
}

/// Something that was held against a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The id of the notice or finding.
    pub id: String,
    /// When it was.
    pub at: Timestamp,
    /// What the ledger counts it as.
    pub class: Class,
    /// Who says so.
    pub source: Source,
    /// Where: a URL; may be empty.
    pub url: String,
    /// What: the phrase that was found, or what the notice says.
    pub what: String,
    /// The text around it; empty for a notice.
    pub excerpt: String,
    /// The hash of the record that shows it; may be empty.
    pub evidence: String,
    /// The server, where it is known.
    pub server_ip: String,
}

/// Who says that something is a violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A superior authority, by a document.
    Notice {
        /// Which one.
        authority: String,
        /// The document's number.
        document: String,
    },
    /// A rule, and what a reviewer said of it.
    Finding {
        /// The rule.
        rule: String,
        /// The review.
        verdict: Verdict,
    },
}

/// What became of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A violation.
    Confirmed,
    /// None.
    Dismissed,
    /// Nobody has looked.
    Pending,
}

impl From<&UnitFact> for Party {
    fn from(unit: &UnitFact) -> Self {
        let name = if unit.name.is_empty() { &unit.unit } else { &unit.name };
        Self {
            unit: unit.unit.clone(),
            name: name.clone(),
            identity: unit.identity.clone(),
            contact: unit.contact.clone(),
        }
    }
}

impl Party {
    /// A unit of which the record has only the id.
    pub fn unknown(unit: &str) -> Self {
        Self { unit: unit.to_owned(), name: unit.to_owned(), ..Self::default() }
    }
}

impl From<&Site> for SiteRow {
    fn from(site: &Site) -> Self {
        Self {
            server_ip: site.server_ip().to_owned(),
            host: site.host().to_owned(),
            unit: site.unit().to_string(),
            icp: site.icp().to_owned(),
            filing: site.filing(),
        }
    }
}

impl Violation {
    /// Of a finding, and the last review of it.
    pub fn of_finding(finding: &Finding, review: Option<Decision>) -> Self {
        let verdict = match review {
            Some(Decision::Confirmed) => Verdict::Confirmed,
            Some(Decision::Dismissed) => Verdict::Dismissed,
            None => Verdict::Pending,
        };
        Self {
            id: finding.id.clone(),
            at: finding.at,
            class: finding.class,
            source: Source::Finding { rule: finding.rule.clone(), verdict },
            url: finding.page.clone(),
            what: finding.phrase.clone(),
            excerpt: finding.excerpt.clone(),
            evidence: finding.evidence.clone(),
            server_ip: finding.server_ip.clone(),
        }
    }

    /// Of a notice.
    pub fn of_notice(notice: &Notice) -> Self {
        let (authority, document) = (notice.authority.clone(), notice.document.clone());
        Self {
            id: notice.id.clone(),
            at: notice.at,
            class: notice.class,
            source: Source::Notice { authority, document },
            url: notice.url.clone(),
            what: notice.note.clone(),
            excerpt: String::new(),
            evidence: String::new(),
            server_ip: String::new(),
        }
    }
}

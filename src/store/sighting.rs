//! What was found in one response, with the response: on its way from the edge to the record.

use serde::{Deserialize, Serialize};

use super::EvidencePlace;
use crate::{base::Timestamp, domain::record::Finding};

/// A response in which something was found. Nothing in it is the visitor's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    /// What was found in it.
    pub findings: Vec<Finding>,
    /// What was asked for: scheme, host, path and query.
    pub url: String,
    /// The origin's status.
    pub status: u16,
    /// When.
    pub at: Timestamp,
    /// Which edge saw it.
    pub edge: String,
    /// The packs in force: a hash of their files, and the generation.
    pub packs: String,
    /// The response's head as received.
    #[serde(skip)]
    pub head: Vec<u8>,
    /// The body as received, still coded.
    #[serde(skip)]
    pub body: Vec<u8>,
    /// Whether that is all of the body.
    pub body_complete: bool,
}

/// What sightings come to: their findings, and where the evidence lies that they name.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The findings, with the hashes of their evidence.
    pub findings: Vec<Finding>,
    /// Where that lies.
    pub evidence: Vec<EvidencePlace>,
}

impl Seen {
    /// Of sightings and what was kept of each ([`Evidence::append`](super::Evidence::append)).
    pub fn of(sightings: Vec<Sighting>, kept: Vec<Option<EvidencePlace>>) -> Self {
        let mut seen = Self::default();
        for (sighting, place) in sightings.into_iter().zip(kept) {
            let evidence = place.map_or_else(String::new, |place| place.hash.to_string());
            let named = |finding| Finding { evidence: evidence.clone(), ..finding };
            seen.findings.extend(sighting.findings.into_iter().map(named));
            seen.evidence.extend(place);
        }
        seen
    }
}

impl From<Vec<Finding>> for Seen {
    /// Findings without evidence, or with evidence that was kept before.
    fn from(findings: Vec<Finding>) -> Self {
        Self { findings, evidence: Vec::new() }
    }
}

//! One piece of evidence: what is written of a response in which something was found.

use serde::{Deserialize, Serialize};

use crate::{
    base::Timestamp,
    domain::record::Finding,
    store::{Hash, Link, Sighting, StoreError},
};

/// Decoded from a record, at most.
const BODY_BYTES_MAX: usize = 256 << 20;

/// What stands before the body: one line of JSON. Nothing in it is the visitor's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceHeader {
    /// What was asked for.
    pub url: String,
    /// The host of the registry's row.
    pub site: String,
    /// The customer at that time.
    pub unit: String,
    /// When it was served.
    pub at: Timestamp,
    /// Which edge saw it.
    pub edge: String,
    /// The packs in force.
    pub packs: String,
    /// What was found: rules, places, excerpts, content hashes.
    pub findings: Vec<Finding>,
    /// The origin's status.
    pub status: u16,
    /// The response's head as received, without `Set-Cookie`.
    pub head: String,
    /// SHA-256 of the body as received.
    pub body_sha256: String,
    /// Its length in bytes.
    pub body_bytes: u64,
    /// Whether that is all that was served.
    pub body_complete: bool,
    /// SHA-256 of the body as stored: zstd.
    pub stored_sha256: String,
}

/// A record in evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct EvidenceRecord {
    /// What it is known by.
    pub hash: Hash,
    /// Its link in the chain.
    pub link: Link,
    /// What stands before the body.
    pub header: EvidenceHeader,
    /// The header's line as stored, with its line feed: its hash is the link's content.
    pub header_line: String,
    /// The body as served.
    pub body: Vec<u8>,
}

impl EvidenceHeader {
    /// The header of a sighting, and its body as it is to be stored.
    pub(super) fn encode(sighting: &Sighting, body_bytes_max: usize) -> Result<(String, Vec<u8>), StoreError> {
        let kept = &sighting.body[..sighting.body.len().min(body_bytes_max)];
        let stored = zstd::bulk::compress(kept, 3).map_err(|error| StoreError::new(format!("zstd: {error}")))?;
        let first = sighting.findings.first();
        let header = Self {
            url: sighting.url.clone(),
            site: first.map_or_else(String::new, |finding| finding.site.clone()),
            unit: first.map_or_else(String::new, |finding| finding.unit.clone()),
            at: sighting.at,
            edge: sighting.edge.clone(),
            packs: sighting.packs.clone(),
            findings: sighting.findings.clone(),
            status: sighting.status,
            head: without_cookies(&sighting.head),
            body_sha256: Hash::of(kept).to_string(),
            body_bytes: kept.len() as u64,
            body_complete: sighting.body_complete && kept.len() == sighting.body.len(),
            stored_sha256: Hash::of(&stored).to_string(),
        };
        let mut line = serde_json::to_string(&header).map_err(|error| StoreError::new(error.to_string()))?;
        line.push('\n');
        Ok((line, stored))
    }

    /// Reads a line, and the body that belongs to it; complains where they do not.
    pub(super) fn open(line: &str, stored: &[u8]) -> Result<(Self, Vec<u8>), String> {
        let header: Self = serde_json::from_str(line).map_err(|error| format!("its header cannot be read: {error}"))?;
        if Hash::of(stored).to_string() != header.stored_sha256 {
            return Err("its stored body was altered".to_owned());
        }
        let bytes = usize::try_from(header.body_bytes).ok().filter(|&bytes| bytes <= BODY_BYTES_MAX);
        let body = match bytes {
            Some(bytes) => zstd::bulk::decompress(stored, bytes).map_err(|error| format!("its body: {error}"))?,
            None => return Err(format!("its body is said to have {} bytes", header.body_bytes)),
        };
        if Hash::of(&body).to_string() != header.body_sha256 {
            return Err("its body is another one".to_owned());
        }
        Ok((header, body))
    }
}

/// A response's head as text, without what identifies a visitor.
fn without_cookies(head: &[u8]) -> String {
    let text = String::from_utf8_lossy(head);
    let is_cookie = |line: &str| {
        let name = line.split(':').next().unwrap_or("").trim().to_ascii_lowercase();
        name == "set-cookie" || name == "set-cookie2"
    };
    // A folded line belongs to the field before it.
    let mut dropping = false;
    let mut kept = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        dropping = if line.starts_with([' ', '\t']) { dropping } else { is_cookie(line) };
        if !dropping {
            kept.push_str(line);
        }
    }
    kept
}

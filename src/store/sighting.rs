//! What was found in one response, with the response: on its way from the edge to the record.

use serde::{Deserialize, Serialize};

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

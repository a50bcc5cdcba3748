//! What the data plane saw and the record wants to know: findings with what shows them, home pages,
//! locks. Goes up through a queue of its own, because unlike a line of the access log it must not be
//! lost lightly.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    base::{Charge, Timestamp},
    domain::{
        record::FindingOrigin,
        registry::{Interactive, ServiceKind, Site},
        standing::PageKey,
    },
    engine::{body_filter::Judgement, rules::Mode},
};

/// One thing that was seen.
#[derive(Debug)]
pub enum Observation {
    /// Rules hit on a response.
    Found(Box<Found>),
    /// A home page, for the check of its footer.
    HomePage(Box<HomePage>),
    /// A page was locked, because something was found after its head had been sent, or found again.
    Locked {
        /// The page.
        page: PageKey,
        /// The rules that did it.
        rules: Vec<Arc<str>>,
        /// When.
        at: Timestamp,
    },
    /// A locked page was read again and found clean.
    Unlocked {
        /// The page.
        page: PageKey,
        /// When.
        at: Timestamp,
    },
}

/// Who served a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The host of the registry's row.
    pub site: String,
    /// The customer.
    pub unit: Arc<str>,
    /// The service.
    pub service: String,
    /// Its kind.
    pub kind: ServiceKind,
    /// The server's address.
    pub server_ip: String,
    /// Whether visitors can post.
    pub interactive: Interactive,
}

/// A response on which rules hit.
#[derive(Debug)]
pub struct Found {
    /// When the head of the request had been read.
    pub at: Timestamp,
    /// The number of the request, as in the access log.
    pub request: u64,
    /// Who served it.
    pub server: Server,
    /// Scheme, host, path and query.
    pub url: String,
    /// The response.
    pub response: Captured,
    /// What the engine says of it.
    pub judgement: Judgement,
    /// The generation of the snapshot that decided.
    pub generation: u64,
    /// The fingerprint of its packs.
    pub packs: [u8; 32],
    /// Of each finding against the body, in order, where its text came from.
    pub origins: Vec<FindingOrigin>,
    /// How often the same was found since it was last said, this time not included.
    pub repeats: u32,
}

/// A response as the origin sent it, or its beginning.
#[derive(Debug, Default)]
pub struct Captured {
    /// The status.
    pub status: u16,
    /// Status line and fields as received, without those that hold a visitor's session.
    pub head: Vec<u8>,
    /// The body as received: still coded.
    pub body: Vec<Bytes>,
    /// Whether that is all of the body.
    pub is_whole: bool,
    /// The body's bytes, charged until it is on disk.
    pub charge: Option<Charge>,
}

/// A home page that was held whole.
#[derive(Debug)]
pub struct HomePage {
    /// When.
    pub at: Timestamp,
    /// Who served it.
    pub server: Server,
    /// The host that was asked for.
    pub host: String,
    /// The filing number that the registry has.
    pub icp: String,
    /// `Content-Type` as received, empty if there was none.
    pub content_type: Vec<u8>,
    /// `Content-Encoding` as received, empty if there was none.
    pub content_encoding: Vec<u8>,
    /// The response.
    pub response: Captured,
}

impl Server {
    /// Who serves a site.
    pub fn of(site: &Site) -> Self {
        Self {
            site: site.host().to_owned(),
            unit: Arc::clone(site.unit()),
            service: site.service().to_owned(),
            kind: site.kind(),
            server_ip: site.server_ip().to_owned(),
            interactive: site.interactive(),
        }
    }
}

impl Found {
    /// Whether a rule hit that acts: what a reviewer may confirm as a strike.
    pub fn counts(&self) -> bool {
        self.judgement.findings_against().any(|finding| finding.mode == Mode::On)
    }
}

impl Captured {
    /// Lets the body go, and what was charged for it.
    pub fn forget_body(&mut self) {
        self.body = Vec::new();
        self.is_whole = false;
        self.charge = None;
    }
}

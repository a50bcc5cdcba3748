//! What is said of a body in the end.

use std::fmt;

use crate::engine::rules::{Action, CategoryScore, Finding};

/// A response is not read, or not read to its end, for one of these reasons. Closed; alphabetical.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The Content-Encoding's stream is broken or ends too early.
    DecodeError,
    /// Scanning is switched off.
    Disabled,
    /// The engine failed (a panic caught by the caller).
    EngineFault,
    /// The memory budget was used up.
    Memory,
    /// The media type is not text.
    OpaqueMediaType,
    /// More decoded bytes than the limits allow.
    OverBudget,
    /// The bytes are text in a charset that cannot be decoded.
    UnknownCharset,
    /// A Content-Encoding that cannot be undone.
    UnknownCoding,
    /// The connection became a tunnel.
    Upgrade,
}

/// How much of a body was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inspection {
    /// All of it.
    Inspected,
    /// Some of it.
    Partial(Reason),
    /// Nothing of it.
    Uninspected(Reason),
}

/// Everything that is to be said about one body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The strongest action of any category; `None` is "pass".
    pub verdict: Option<Action>,
    /// How much was read.
    pub inspection: Inspection,
    /// The name of the charset that was decoded (WHATWG name), empty if none was.
    pub charset: &'static str,
    /// Bytes received.
    pub raw_bytes: u64,
    /// Bytes after decoding that were scanned.
    pub decoded_bytes: u64,
    /// Categories with a finding, by id.
    pub categories: Vec<CategoryScore>,
    /// What was found, in order of place.
    pub findings: Vec<Finding>,
    /// Taken from the verdict cache: no byte was decoded or scanned.
    pub cached: bool,
    /// Times that a withheld tail went out unjudged because it waited too long or grew too large.
    pub tail_flushes: u32,
}

impl Reason {
    /// All reasons, alphabetical.
    pub const ALL: [Self; 9] = [
        Self::DecodeError,
        Self::Disabled,
        Self::EngineFault,
        Self::Memory,
        Self::OpaqueMediaType,
        Self::OverBudget,
        Self::UnknownCharset,
        Self::UnknownCoding,
        Self::Upgrade,
    ];

    /// The word used in configuration, JSON and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DecodeError => "decode_error",
            Self::Disabled => "disabled",
            Self::EngineFault => "engine_fault",
            Self::Memory => "memory",
            Self::OpaqueMediaType => "opaque_media_type",
            Self::OverBudget => "over_budget",
            Self::UnknownCharset => "unknown_charset",
            Self::UnknownCoding => "unknown_coding",
            Self::Upgrade => "upgrade",
        }
    }
}

impl Inspection {
    /// The first word: `inspected`, `partial`, `uninspected`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inspected => "inspected",
            Self::Partial(_) => "partial",
            Self::Uninspected(_) => "uninspected",
        }
    }

    /// Why not all of it.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Inspected => None,
            Self::Partial(reason) | Self::Uninspected(reason) => Some(reason),
        }
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason() {
            None => f.write_str(self.as_str()),
            Some(reason) => write!(f, "{}({})", self.as_str(), reason.as_str()),
        }
    }
}

impl Judgement {
    /// The findings of categories in which something speaks against the body. A category in which
    /// only exceptions (negative weights) hit has found nothing: every report on a police raid would
    /// be a finding of all packs.
    pub fn findings_against(&self) -> impl Iterator<Item = &Finding> {
        let is_against =
            |category: &str| self.findings.iter().any(|finding| finding.weight >= 0 && &*finding.category == category);
        self.findings.iter().filter(move |finding| is_against(&finding.category))
    }

    /// Of a body that nobody read.
    pub fn uninspected(reason: Reason) -> Self {
        Self {
            verdict: None,
            inspection: Inspection::Uninspected(reason),
            charset: "",
            raw_bytes: 0,
            decoded_bytes: 0,
            categories: Vec::new(),
            findings: Vec::new(),
            cached: false,
            tail_flushes: 0,
        }
    }
}

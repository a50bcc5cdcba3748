//! What the operator decided about scanning.

use super::judgement::Reason;
use crate::engine::coding::DecodeLimits;

/// What the operator decided about scanning.
#[derive(Clone, Debug)]
pub struct ScanPolicy {
    /// Whether bodies are scanned at all.
    pub enabled: bool,
    /// Received bytes that are held before the head is sent; also the bytes that may be withheld
    /// afterwards because they may begin a match.
    pub hold_bytes: usize,
    /// Bounds on decoding, and on what is scanned.
    pub decode: DecodeLimits,
    /// What follows from each reason for not having read everything.
    pub consequences: Consequences,
}

/// What happens to a body that was not read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// It goes out.
    Pass,
    /// It is refused or cut off.
    Block,
}

/// The consequence of each [`Reason`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consequences([Consequence; Reason::ALL.len()]);

impl Default for ScanPolicy {
    /// The defaults of shared/formats.md: hold 64 KiB, scan 16 MiB, ratio 200, everything passes
    /// that could not be read.
    fn default() -> Self {
        Self {
            enabled: true,
            hold_bytes: 64 << 10,
            decode: DecodeLimits { decoded_bytes_max: 16 << 20, ratio_max: 200 },
            consequences: Consequences::all(Consequence::Pass),
        }
    }
}

impl Consequences {
    /// The same consequence for every reason.
    pub fn all(consequence: Consequence) -> Self {
        Self([consequence; Reason::ALL.len()])
    }

    /// The consequence of one reason.
    pub fn of(&self, reason: Reason) -> Consequence {
        self.0[reason as usize]
    }

    /// Sets the consequence of one reason.
    pub fn set(&mut self, reason: Reason, consequence: Consequence) {
        self.0[reason as usize] = consequence;
    }
}

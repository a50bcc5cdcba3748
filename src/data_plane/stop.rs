//! The ways in which an exchange stops short of its end.

use std::{io, sync::Arc};

use crate::domain::{
    event::Outcome,
    policy::{Reason, Refusal},
};

/// Why an exchange goes no further.
#[derive(Debug)]
pub(super) enum Stop {
    /// The client went away.
    ClientGone,
    /// The response's head is on the wire, and the rest must not or cannot follow.
    Cut(Outcome),
    /// Answered by us: the proof for an authority of certificates.
    Proved(Arc<str>),
    /// Answered by us, if nothing has been sent yet.
    Refused(Refusal),
}

impl Stop {
    /// The client did not send what it announced: it is gone, or too slow.
    pub(super) fn slow(error: &io::Error) -> Self {
        match error.kind() == io::ErrorKind::TimedOut {
            true => Self::refused(Reason::RequestTimeout, "the body did not arrive in time"),
            false => Self::ClientGone,
        }
    }

    /// A refusal that has nothing to do with the site.
    pub(super) fn refused(reason: Reason, detail: impl Into<String>) -> Self {
        Self::Refused(Refusal { reason, detail: detail.into(), site: None })
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

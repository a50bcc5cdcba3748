//! Saying that something does not work, once, and that it works again: what is tried all the time would
//! fill the log.

use std::fmt;

/// Something that may fail for a while.
pub(super) struct Trouble {
    what: &'static str,
    lasts: bool,
}

impl Trouble {
    /// Of what fails: a sentence for the log.
    pub(super) const fn with(what: &'static str) -> Self {
        Self { what, lasts: false }
    }

    /// It failed.
    pub(super) fn tell(&mut self, error: &dyn fmt::Display) {
        if !self.lasts {
            tracing::error!(%error, "{}; it is tried again, and told when it works", self.what);
        }
        self.lasts = true;
    }

    /// It works.
    pub(super) fn end(&mut self) {
        if self.lasts {
            tracing::info!("no longer: {}", self.what);
        }
        self.lasts = false;
    }

    /// It failed when it was tried last.
    pub(super) const fn lasts(&self) -> bool {
        self.lasts
    }

    /// What came of a try on a thread of its own.
    pub(super) fn note<T, E: fmt::Display, J: fmt::Display>(&mut self, tried: Result<Result<T, E>, J>) {
        match tried {
            Ok(Ok(_)) => self.end(),
            Ok(Err(error)) => self.tell(&error),
            Err(error) => self.tell(&error),
        }
    }
}

//! The words for the domain's enums in metrics and log. Closed matches: a new variant does not
//! compile until it has a word here.

use crate::domain::event::{Event, OriginConnection, Outcome};

/// All words of [`outcome`].
pub(super) const OUTCOMES: [&str; 7] =
    ["aborted", "client_gone", "forwarded", "origin_broke", "proved", "refused", "tunnelled"];

/// All words of [`event`].
pub(super) const EVENTS: [&str; 3] = ["exchange", "page_locked", "page_unlocked"];

pub(super) const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Aborted => "aborted",
        Outcome::ClientGone => "client_gone",
        Outcome::Forwarded => "forwarded",
        Outcome::OriginBroke => "origin_broke",
        Outcome::Proved => "proved",
        Outcome::Refused(_) => "refused",
        Outcome::Tunnelled => "tunnelled",
    }
}

pub(super) const fn event(event: &Event) -> &'static str {
    match event {
        Event::Exchange(_) => "exchange",
        Event::PageLocked { .. } => "page_locked",
        Event::PageUnlocked { .. } => "page_unlocked",
    }
}

pub(super) const fn origin_connection(connection: OriginConnection) -> &'static str {
    match connection {
        OriginConnection::Failed => "failed",
        OriginConnection::New => "new",
        OriginConnection::None => "none",
        OriginConnection::Reused => "reused",
    }
}

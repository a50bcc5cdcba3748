//! Why a request is refused: a closed list, with the words and statuses of shared/formats.md.

use crate::domain::standing::Ground;

/// Why a request is answered by us instead of its origin. Closed; alphabetical.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The framing of the body can be read in two ways.
    AmbiguousFraming,
    /// No, more than one, or an impossible Host.
    BadHost,
    /// The rules forbid what the origin answered (or the consequence of not having read it does).
    ContentBlocked,
    /// The directory is locked.
    DirectoryLocked,
    /// Zhamen is stopping.
    Draining,
    /// The host is filed with another access provider.
    FiledElsewhere,
    /// The host's filing was cancelled.
    FilingCancelled,
    /// Interactive sections of the site are closed.
    InteractiveClosed,
    /// The head breaks HTTP.
    MalformedRequest,
    /// The certificate of this connection does not cover the Host.
    Misdirected,
    /// The unit has no commitment in force.
    NoCommitment,
    /// The origin broke HTTP.
    OriginProtocol,
    /// The origin did not answer in time.
    OriginTimeout,
    /// The origin could not be reached.
    OriginUnreachable,
    /// Zhamen is at one of its limits.
    Overloaded,
    /// The page is locked.
    PageLocked,
    /// The client asks too often.
    RateLimited,
    /// The registry could not be read, and there is no last known good.
    RegistryUnavailable,
    /// The client was too slow with its request.
    RequestTimeout,
    /// The site is locked.
    SiteLocked,
    /// The unit is suspended.
    Suspended,
    /// The unit's contract was ended.
    Terminated,
    /// The host has no filing here.
    Unfiled,
    /// The target is longer than is allowed.
    UriTooLong,
}

impl Reason {
    /// All reasons, alphabetical.
    pub const ALL: [Self; 24] = [
        Self::AmbiguousFraming,
        Self::BadHost,
        Self::ContentBlocked,
        Self::DirectoryLocked,
        Self::Draining,
        Self::FiledElsewhere,
        Self::FilingCancelled,
        Self::InteractiveClosed,
        Self::MalformedRequest,
        Self::Misdirected,
        Self::NoCommitment,
        Self::OriginProtocol,
        Self::OriginTimeout,
        Self::OriginUnreachable,
        Self::Overloaded,
        Self::PageLocked,
        Self::RateLimited,
        Self::RegistryUnavailable,
        Self::RequestTimeout,
        Self::SiteLocked,
        Self::Suspended,
        Self::Terminated,
        Self::Unfiled,
        Self::UriTooLong,
    ];

    /// The word in `Zhamen-Reason`, the access log and the metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AmbiguousFraming => "ambiguous_framing",
            Self::BadHost => "bad_host",
            Self::ContentBlocked => "content_blocked",
            Self::DirectoryLocked => "directory_locked",
            Self::Draining => "draining",
            Self::FiledElsewhere => "filed_elsewhere",
            Self::FilingCancelled => "filing_cancelled",
            Self::InteractiveClosed => "interactive_closed",
            Self::MalformedRequest => "malformed_request",
            Self::Misdirected => "misdirected",
            Self::NoCommitment => "no_commitment",
            Self::OriginProtocol => "origin_protocol",
            Self::OriginTimeout => "origin_timeout",
            Self::OriginUnreachable => "origin_unreachable",
            Self::Overloaded => "overloaded",
            Self::PageLocked => "page_locked",
            Self::RateLimited => "rate_limited",
            Self::RegistryUnavailable => "registry_unavailable",
            Self::RequestTimeout => "request_timeout",
            Self::SiteLocked => "site_locked",
            Self::Suspended => "suspended",
            Self::Terminated => "terminated",
            Self::Unfiled => "unfiled",
            Self::UriTooLong => "uri_too_long",
        }
    }

    /// The status of shared/formats.md.
    pub const fn default_status(self) -> u16 {
        match self {
            Self::AmbiguousFraming | Self::BadHost | Self::MalformedRequest => 400,
            Self::FiledElsewhere
            | Self::FilingCancelled
            | Self::InteractiveClosed
            | Self::NoCommitment
            | Self::Unfiled => 403,
            Self::RequestTimeout => 408,
            Self::UriTooLong => 414,
            Self::Misdirected => 421,
            Self::RateLimited => 429,
            Self::ContentBlocked
            | Self::DirectoryLocked
            | Self::PageLocked
            | Self::SiteLocked
            | Self::Suspended
            | Self::Terminated => 451,
            Self::OriginProtocol | Self::OriginUnreachable => 502,
            Self::Draining | Self::Overloaded | Self::RegistryUnavailable => 503,
            Self::OriginTimeout => 504,
        }
    }
}

impl From<Ground> for Reason {
    fn from(ground: Ground) -> Self {
        match ground {
            Ground::DirectoryLocked => Self::DirectoryLocked,
            Ground::NoCommitment => Self::NoCommitment,
            Ground::SiteLocked => Self::SiteLocked,
            Ground::Suspended => Self::Suspended,
            Ground::Terminated => Self::Terminated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn the_list_is_complete_and_alphabetical() {
        assert!(Reason::ALL.windows(2).all(|pair| pair[0] < pair[1] && pair[0].as_str() < pair[1].as_str()));
    }
}

//! What others can be told of.

/// What a message tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// The matcher saw something new.
    Finding,
    /// An incident begins, goes on, is reminded of, or ends.
    Incident,
    /// A directory or site is locked or unlocked. Pages are not told of: their findings are.
    Lock,
    /// A superior authority notified us, or what it notified of is withdrawn.
    Notice,
    /// A row of the registry changed.
    Registry,
    /// A unit is no longer suspended or terminated.
    Reinstatement,
    /// A unit is suspended or terminated, by the thresholds or by a person.
    Suspension,
}

impl EventKind {
    /// All of them, alphabetical.
    pub const ALL: [Self; 7] = [
        Self::Finding,
        Self::Incident,
        Self::Lock,
        Self::Notice,
        Self::Registry,
        Self::Reinstatement,
        Self::Suspension,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::Incident => "incident",
            Self::Lock => "lock",
            Self::Notice => "notice",
            Self::Registry => "registry",
            Self::Reinstatement => "reinstatement",
            Self::Suspension => "suspension",
        }
    }

    /// The words of a subscription, for people.
    pub(in crate::control_plane) fn list(kinds: &[String]) -> String {
        if kinds.is_empty() { "all".to_owned() } else { kinds.join(" ") }
    }
}

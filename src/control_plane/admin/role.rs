//! Who may do what. Decided here and nowhere else:
//!
//! | role | may |
//! | --- | --- |
//! | `operator` | everything; tokens of role `operator` are made on the machine only, so that a stolen one cannot multiply |
//! | `reviewer` | read everything, and review findings |
//! | `rules` | see rules, try them, explain decisions, see what was found |
//! | `inspector` | read everything; each read is itself on the record |
//! | `metrics` | /metrics |
//!
//! `/healthz` and `/readyz` are open to whoever reaches the listener: they say no more than yes or no.

/// What a token may do, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads everything, changes nothing, and is itself on the record.
    Inspector,
    /// Metrics only.
    Metrics,
    /// The security team.
    Operator,
    /// Confirms and dismisses findings.
    Reviewer,
    /// Writes rules.
    Rules,
}

/// What a route lets its callers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Ask whether Zhamen is alive. Open to everybody.
    Health,
    /// See rules, findings and the API itself.
    Look,
    /// Read the metrics.
    Metrics,
    /// Read everything.
    Read,
    /// Decide about findings.
    Review,
    /// Make and revoke tokens.
    Tokens,
    /// Change whatever can be changed.
    Write,
}

impl Role {
    /// All roles, alphabetical.
    pub const ALL: [Self; 5] = [Self::Inspector, Self::Metrics, Self::Operator, Self::Reviewer, Self::Rules];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inspector => "inspector",
            Self::Metrics => "metrics",
            Self::Operator => "operator",
            Self::Reviewer => "reviewer",
            Self::Rules => "rules",
        }
    }

    /// The role that a word names.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Whether it may use routes of a scope.
    pub const fn may(self, scope: Scope) -> bool {
        match scope {
            Scope::Health | Scope::Metrics => true,
            Scope::Look => !matches!(self, Self::Metrics),
            Scope::Read => matches!(self, Self::Inspector | Self::Operator | Self::Reviewer),
            Scope::Review => matches!(self, Self::Operator | Self::Reviewer),
            Scope::Tokens | Scope::Write => matches!(self, Self::Operator),
        }
    }
}

impl Scope {
    /// What it takes, for messages.
    pub(super) fn roles(self) -> String {
        let roles = Role::ALL.into_iter().filter(|role| role.may(self));
        roles.map(Role::as_str).collect::<Vec<_>>().join(", ")
    }
}

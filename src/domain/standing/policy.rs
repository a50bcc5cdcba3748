//! What of the ledger is the operator's to choose. The defaults are the letter's.

use std::time::Duration;

use crate::{domain::registry::ServiceKind, engine::rules::Class};

/// How the ledger counts and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerPolicy {
    /// The threshold table.
    pub thresholds: Thresholds,
    /// Whether political and vulgar strikes are counted apart, each against the threshold of their row.
    pub separate_counters: bool,
    /// What is a strike.
    pub strikes: StrikeSources,
    /// What a threshold suspends.
    pub suspends: SuspensionScope,
    /// Sites of a unit without a commitment in force are refused.
    pub require_commitment: bool,
    /// A reinstatement wants a rectification report on file.
    pub require_rectification: bool,
    /// When locks grow, and when an owner may unlock.
    pub locks: LockPolicy,
}

/// The threshold table of the second letter, 11.1, per kind of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// 虚拟主机.
    pub virtual_host: Rows,
    /// VPS, 云主机, 主机租用托管.
    pub server: Rows,
}

/// The two rows of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// 政治类、低俗类.
    pub political_vulgar: Threshold,
    /// 其他类非法信息.
    pub other: Threshold,
}

/// So many strikes suspend, the number itself included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Within one month.
    pub month: u32,
    /// Within one year.
    pub year: u32,
}

/// Which of them are strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrikeSources {
    /// Notices.
    pub notices: bool,
    /// Findings that a reviewer confirmed.
    pub confirmed: bool,
    /// Findings that no reviewer has dismissed. The letter knows nothing of the kind.
    pub bare: bool,
}

/// What a threshold suspends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuspensionScope {
    /// All services of the unit.
    Unit,
    /// The unit's services of the kind that the strikes were counted for.
    Kind,
    /// The services that the strikes came from.
    Service,
    /// The hosts that the strikes came from; a notice that names no URL stands for its service.
    Site,
}

/// When locks grow, and when an owner may unlock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockPolicy {
    /// So many locked pages under a directory (or queries of a file) lock it; 0: never.
    pub directory_after: u32,
    /// … within this time.
    pub directory_window: Duration,
    /// So many locked directories and files of a host lock the site; 0: never.
    pub site_after: u32,
    /// Number of findings in the last two days up to which a delay holds, ascending, with the delay.
    pub unlock_delays: Vec<(u32, Duration)>,
    /// The delay where there are more.
    pub unlock_delay_max: Duration,
}

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Counter {
    PoliticalVulgar,
    Political,
    Vulgar,
    Other,
}

impl LedgerPolicy {
    /// Where a class is counted; `None`: it is never a strike.
    pub(super) fn counter(&self, class: Class) -> Option<Counter> {
        match (class, self.separate_counters) {
            (Class::Political | Class::Vulgar, false) => Some(Counter::PoliticalVulgar),
            (Class::Political, true) => Some(Counter::Political),
            (Class::Vulgar, true) => Some(Counter::Vulgar),
            (Class::Other, _) => Some(Counter::Other),
            (Class::Filing, _) => None,
        }
    }

    /// The threshold of a counter, divided as a control period says: rounded up, at least 1.
    pub(super) fn threshold(&self, kind: ServiceKind, counter: Counter, divisor: u32) -> Threshold {
        let rows = match kind {
            ServiceKind::VirtualHost => self.thresholds.virtual_host,
            ServiceKind::Server => self.thresholds.server,
        };
        let Threshold { month, year } = match counter {
            Counter::PoliticalVulgar | Counter::Political | Counter::Vulgar => rows.political_vulgar,
            Counter::Other => rows.other,
        };
        let divided = |number: u32| number.div_ceil(divisor.max(1)).max(1);
        Threshold { month: divided(month), year: divided(year) }
    }
}

impl Counter {
    pub(super) const ALL: [Self; 4] = [Self::PoliticalVulgar, Self::Political, Self::Vulgar, Self::Other];
}

impl SuspensionScope {
    /// All scopes, from the widest on.
    pub const ALL: [Self; 4] = [Self::Unit, Self::Kind, Self::Service, Self::Site];

    /// The word in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Kind => "kind",
            Self::Service => "service",
            Self::Site => "site",
        }
    }
}

impl Default for LedgerPolicy {
    fn default() -> Self {
        let rows = |political_vulgar, other| {
            let threshold = |(month, year)| Threshold { month, year };
            Rows { political_vulgar: threshold(political_vulgar), other: threshold(other) }
        };
        Self {
            thresholds: Thresholds { virtual_host: rows((2, 5), (4, 10)), server: rows((3, 6), (5, 10)) },
            separate_counters: false,
            strikes: StrikeSources { notices: true, confirmed: true, bare: false },
            suspends: SuspensionScope::Kind,
            require_commitment: false,
            require_rectification: true,
            locks: LockPolicy::default(),
        }
    }
}

impl Default for LockPolicy {
    fn default() -> Self {
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        Self {
            directory_after: 5,
            directory_window: hours(24),
            site_after: 0,
            unlock_delays: vec![(2, hours(0)), (6, hours(3)), (20, hours(12)), (30, hours(24))],
            unlock_delay_max: hours(48),
        }
    }
}

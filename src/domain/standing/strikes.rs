//! From the strikes of a unit to what they add up to: the counts at a moment, and the first window that
//! holds too many.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    policy::{Counter, LedgerPolicy},
    window::Window,
};
use crate::{base::Timestamp, domain::registry::ServiceKind, engine::rules::Class};

/// What the ledger counts: a notice, or a finding that a reviewer confirmed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Strike<'a> {
    /// When the violation was.
    pub at: Timestamp,
    /// The notice's or finding's id.
    pub id: &'a str,
    /// From when on it is known to be a strike.
    pub known: Timestamp,
    /// What it is counted as.
    pub class: Class,
    /// A notice, not a finding.
    pub is_notice: bool,
    /// The service that it is about.
    pub service: &'a str,
    /// The host where it was; empty where a notice names none.
    pub host: &'a str,
}

/// Strikes per class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// 政治类.
    pub political: u32,
    /// 低俗类.
    pub vulgar: u32,
    /// 其他类.
    pub other: u32,
}

/// What strikes add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The strikes of the first window that holds too many, as places in the list; empty: none does.
    pub(super) because: Vec<usize>,
    /// The strikes of all such windows, ascending.
    pub(super) involved: Vec<usize>,
}

impl Counts {
    /// The row of the letter.
    pub fn political_vulgar(&self) -> u32 {
        self.political + self.vulgar
    }

    pub(super) fn add(&mut self, class: Class) {
        match class {
            Class::Political => self.political += 1,
            Class::Vulgar => self.vulgar += 1,
            Class::Other => self.other += 1,
            Class::Filing => {}
        }
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.political += more.political;
        self.vulgar += more.vulgar;
        self.other += more.other;
    }
}

/// `{"political_vulgar":…,"other":…}`.
impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("political_vulgar", &self.political_vulgar())?;
        map.serialize_entry("other", &self.other)?;
        map.end()
    }
}

/// The strikes in the window that ends at `end`. They stand in the order of time.
pub(super) fn count(strikes: &[Strike<'_>], window: Window, end: Timestamp) -> Counts {
    let start = window.start(end);
    let mut counts = Counts::default();
    let from = strikes.partition_point(|strike| strike.at < start);
    for strike in strikes[from..].iter().take_while(|strike| strike.at <= end) {
        counts.add(strike.class);
    }
    counts
}

/// Whether some window holds the threshold of its row, with a strike in it that became known after
/// `reinstated`. The strikes are those of one unit and kind that are known, ordered by time, then id.
pub(super) fn judge(
    strikes: &[Strike<'_>],
    policy: &LedgerPolicy,
    kind: ServiceKind,
    divisor: u32,
    reinstated: Option<Timestamp>,
) -> Verdict {
    let mut first: Option<(Timestamp, &str, Window)> = None;
    let mut verdict = Verdict::default();
    for counter in Counter::ALL {
        let row: Vec<usize> =
            (0..strikes.len()).filter(|&place| policy.counter(strikes[place].class) == Some(counter)).collect();
        let threshold = policy.threshold(kind, counter, divisor);
        for (window, threshold) in [(Window::Month, threshold.month), (Window::Year, threshold.year)] {
            for (last, range) in full_windows(strikes, &row, window, threshold as usize, reinstated) {
                let end = (strikes[last].at, strikes[last].id, window);
                if first.is_none_or(|first| end < first) {
                    first = Some(end);
                    verdict.because = row[range.clone()].to_vec();
                }
                verdict.involved.extend(&row[range]);
            }
        }
    }
    verdict.involved.sort_unstable();
    verdict.involved.dedup();
    verdict
}

/// The windows of a row that suspend: the strike whose window it is, and the places in `row` of the
/// strikes in it. Of windows that overlap, only the first holds them all; the next ones what is new.
fn full_windows(
    strikes: &[Strike<'_>],
    row: &[usize],
    window: Window,
    threshold: usize,
    reinstated: Option<Timestamp>,
) -> Vec<(usize, std::ops::Range<usize>)> {
    let is_fresh = |place: usize| reinstated.is_none_or(|reinstated| strikes[row[place]].known > reinstated);
    let (mut from, mut to, mut fresh, mut told) = (0, 0, 0_usize, 0);
    let mut full = Vec::new();
    for &last in row {
        let (start, end) = (window.start(strikes[last].at), strikes[last].at);
        while to < row.len() && strikes[row[to]].at <= end {
            fresh += usize::from(is_fresh(to));
            to += 1;
        }
        while strikes[row[from]].at < start {
            fresh -= usize::from(is_fresh(from));
            from += 1;
        }
        if to - from >= threshold && fresh > 0 && (told < to || full.is_empty()) {
            full.push((last, from.max(told)..to));
            told = to;
        }
    }
    full
}

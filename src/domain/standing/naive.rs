//! The ledger a second time, written straight from the letter and the description of `ledger replay`:
//! quadratic, without a thought for speed. What it says, the ledger must say.

use super::LedgerPolicy;
use crate::{
    base::{Date, Timestamp},
    domain::{
        record::{Decision, Entry, Fact},
        registry::ServiceKind,
    },
    engine::rules::Class,
};

/// What counts.
#[derive(Clone, Debug)]
pub(super) struct NaiveStrike {
    pub(super) at: Timestamp,
    pub(super) id: String,
    known: Timestamp,
    class: Class,
    unit: String,
    kind: ServiceKind,
}

/// What is printed of a unit and kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NaiveStanding {
    pub(super) suspended: bool,
    pub(super) because: Vec<String>,
    /// Political and vulgar, other.
    pub(super) month: (u32, u32),
    pub(super) year: (u32, u32),
    pub(super) below_month: (u32, u32),
    pub(super) below_year: (u32, u32),
}

pub(super) fn standing(
    entries: &[Entry],
    policy: &LedgerPolicy,
    unit: &str,
    kind: ServiceKind,
    now: Timestamp,
) -> NaiveStanding {
    let all = strikes(entries, policy, now);
    let own: Vec<_> = all.iter().filter(|it| it.unit == unit && it.kind == kind).cloned().collect();
    let below: Vec<_> = all
        .iter()
        .filter(|it| it.unit != unit && is_below(entries, &it.unit, unit) && it.kind == kind)
        .cloned()
        .collect();
    let because = because(entries, policy, &own, unit, kind, now);
    let by_person = is_suspended_by_person(entries, unit, kind, now);
    let (month_start, year_start) = (back(now, 0, 1), back(now, 1, 0));
    NaiveStanding {
        suspended: by_person || !because.is_empty(),
        because,
        month: count(&own, month_start, now),
        year: count(&own, year_start, now),
        below_month: count(&below, month_start, now),
        below_year: count(&below, year_start, now),
    }
}

/// The strikes known at a moment, duplicates aside.
fn strikes(entries: &[Entry], policy: &LedgerPolicy, now: Timestamp) -> Vec<NaiveStrike> {
    let mut counting: Vec<(NaiveStrike, Option<[&str; 3]>)> = Vec::new();
    for entry in entries {
        let (id, at, class, service, same, known) = match &entry.fact {
            Fact::Notice(it) => (
                &it.id,
                it.at,
                it.class,
                &it.service,
                None,
                policy.strikes.notices.then_some(it.recorded.unwrap_or(entry.recorded)),
            ),
            Fact::Finding(it) => {
                let same = Some([it.page.as_str(), it.rule.as_str(), it.content.as_str()]);
                let known = match last_review(entries, &it.id, now) {
                    Some((_, Decision::Dismissed)) => None,
                    _ if policy.strikes.bare => Some(entry.recorded),
                    Some((at, Decision::Confirmed)) => policy.strikes.confirmed.then_some(at),
                    None => None,
                };
                (&it.id, it.at, it.class, &it.service, same, known)
            }
            _ => continue,
        };
        let Some(known) = known.filter(|known| *known <= now) else { continue };
        if class == Class::Filing || is_withdrawn(entries, id, now) {
            continue;
        }
        let Some((unit, kind)) = owner(entries, service) else { continue };
        counting.push((NaiveStrike { at, id: id.clone(), known, class, unit, kind }, same));
    }
    let is_earliest = |(strike, same): &(NaiveStrike, Option<[&str; 3]>)| {
        same.is_none()
            || !counting
                .iter()
                .any(|(other, other_same)| other_same == same && (other.at, &other.id) < (strike.at, &strike.id))
    };
    let mut strikes: Vec<_> = counting.iter().filter(|it| is_earliest(it)).map(|(strike, _)| strike.clone()).collect();
    strikes.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    strikes
}

/// The strikes of the first window that holds too many.
fn because(
    entries: &[Entry],
    policy: &LedgerPolicy,
    strikes: &[NaiveStrike],
    unit: &str,
    kind: ServiceKind,
    now: Timestamp,
) -> Vec<String> {
    let reinstated = entries.iter().filter_map(|entry| match &entry.fact {
        Fact::Reinstatement(it) if it.unit == unit && it.kind == kind && it.at <= now => Some(it.at),
        _ => None,
    });
    let reinstated = reinstated.max();
    let divisor = divisor(entries, unit, now);
    for strike in strikes {
        let row = |class: Class| match class {
            Class::Political if policy.separate_counters => 1,
            Class::Political | Class::Vulgar => 2,
            Class::Other => 3,
            Class::Filing => 4,
        };
        let rows = match kind {
            ServiceKind::VirtualHost => policy.thresholds.virtual_host,
            ServiceKind::Server => policy.thresholds.server,
        };
        let threshold = if row(strike.class) == 3 { rows.other } else { rows.political_vulgar };
        for (start, threshold) in [(back(strike.at, 0, 1), threshold.month), (back(strike.at, 1, 0), threshold.year)] {
            let threshold = (f64::from(threshold) / f64::from(divisor)).ceil().max(1.0) as usize;
            let window: Vec<_> = strikes
                .iter()
                .filter(|it| row(it.class) == row(strike.class) && start <= it.at && it.at <= strike.at)
                .collect();
            let is_new = reinstated.is_none_or(|reinstated| window.iter().any(|it| it.known > reinstated));
            if window.len() >= threshold && is_new {
                let mut ids: Vec<_> = window.iter().map(|it| it.id.clone()).collect();
                ids.sort();
                return ids;
            }
        }
    }
    Vec::new()
}

fn is_suspended_by_person(entries: &[Entry], unit: &str, kind: ServiceKind, now: Timestamp) -> bool {
    let mut decisions: Vec<(Timestamp, u64, bool)> = Vec::new();
    for entry in entries {
        match &entry.fact {
            Fact::Suspension(it) if it.unit == unit && it.kind.is_none_or(|it| it == kind) => {
                decisions.push((it.at, entry.seq, true));
            }
            Fact::Reinstatement(it) if it.unit == unit && it.kind == kind => decisions.push((it.at, entry.seq, false)),
            _ => {}
        }
    }
    decisions.retain(|it| it.0 <= now);
    decisions.sort_unstable();
    decisions.last().is_some_and(|it| it.2)
}

fn divisor(entries: &[Entry], unit: &str, now: Timestamp) -> u32 {
    let mut strictest = 1;
    for entry in entries {
        if let Fact::ControlPeriod(it) = &entry.fact
            && it.from <= now
            && now < it.to
            && (it.units.is_empty() || it.units.iter().any(|above| above == unit || is_below(entries, unit, above)))
        {
            strictest = strictest.max(it.threshold_divisor);
        }
    }
    strictest
}

fn last_review(entries: &[Entry], finding: &str, now: Timestamp) -> Option<(Timestamp, Decision)> {
    let mut last: Option<(Timestamp, Decision)> = None;
    for entry in entries {
        if let Fact::Review(it) = &entry.fact
            && it.finding == finding
            && it.at <= now
            && last.is_none_or(|(at, _)| at <= it.at)
        {
            last = Some((it.at, it.decision));
        }
    }
    last
}

fn is_withdrawn(entries: &[Entry], id: &str, now: Timestamp) -> bool {
    entries.iter().any(|entry| matches!(&entry.fact, Fact::Withdrawal(it) if it.of == id && it.at <= now))
}

/// Who has a service by the last word on it, and its kind.
fn owner(entries: &[Entry], service: &str) -> Option<(String, ServiceKind)> {
    entries.iter().rev().find_map(|entry| match &entry.fact {
        Fact::Service(it) if it.service == service => Some((it.unit.clone(), it.kind)),
        _ => None,
    })
}

/// Whether a unit is below another one, by the last word on each.
fn is_below(entries: &[Entry], unit: &str, above: &str) -> bool {
    let parent = entries.iter().rev().find_map(|entry| match &entry.fact {
        Fact::Unit(it) if it.unit == unit => Some(it.parent.clone()),
        _ => None,
    });
    parent.flatten().is_some_and(|parent| parent == above || is_below(entries, &parent, above))
}

fn count(strikes: &[NaiveStrike], start: Timestamp, end: Timestamp) -> (u32, u32) {
    let within = |is_other: bool| {
        strikes.iter().filter(|it| (it.class == Class::Other) == is_other && start <= it.at && it.at <= end).count()
            as u32
    };
    (within(false), within(true))
}

/// 00:00 in Shanghai on the same day so many years and months earlier; where there is no such day, the last
/// one before it.
fn back(end: Timestamp, years: u16, months: u8) -> Timestamp {
    let Date { year, month, day } = end.local_date();
    let (year, month) =
        if month > months { (year - years, month - months) } else { (year - years - 1, month + 12 - months) };
    (1..=day)
        .rev()
        .find_map(|day| format!("{year:04}-{month:02}-{day:02}T00:00:00+08:00").parse().ok())
        .expect("every month has a first day")
}

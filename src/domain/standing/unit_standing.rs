//! The standing of a unit for a kind of service, as it is shown to people.

use std::collections::HashMap;

use serde::Serialize;

use super::{
    Ledger,
    strikes::{Counts, Strike, Verdict, count, judge},
    window::Window,
};
use crate::{base::Timestamp, domain::registry::ServiceKind};

/// What the ledger says of a unit and a kind of service at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnitStanding {
    /// The unit.
    pub unit: String,
    /// The kind.
    pub kind: ServiceKind,
    /// The word.
    pub standing: StandingWord,
    /// Strikes in the month that ends at that moment.
    pub month: Counts,
    /// Strikes in the year that ends at that moment.
    pub year: Counts,
    /// The ids of the strikes in the first window that holds too many, sorted. Empty if none does: it may
    /// be suspended by a person all the same.
    pub because: Vec<String>,
    /// The strikes of all units below it.
    pub below: Below,
    /// The reason that a person gave for suspending or ending the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
}

/// Strikes of the units below a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Below {
    /// In the month.
    pub month: Counts,
    /// In the year.
    pub year: Counts,
}

/// How a unit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StandingWord {
    /// Nothing stands against it.
    Clear,
    /// It is suspended, by the threshold table or by a person.
    Suspended,
    /// Its contract was ended.
    Terminated,
}

impl StandingWord {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Suspended => "suspended",
            Self::Terminated => "terminated",
        }
    }
}

impl Ledger {
    /// The strikes of a unit and kind that are known at a moment, by time, then id. They are those of the
    /// services that are the unit's now: with a service its strikes go to another unit.
    pub fn strikes(&self, unit: &str, kind: ServiceKind, now: Timestamp) -> Vec<Strike<'_>> {
        let mut strikes = Vec::new();
        for (service, fact) in self.units.services_of(unit).filter(|(_, fact)| fact.kind == kind) {
            for &id in self.cases.candidates(service) {
                let Some(known) = self.cases.strike(id, now, self.policy.strikes) else { continue };
                let case = self.cases.case(id);
                strikes.push(Strike {
                    at: case.at,
                    id: &case.id,
                    known,
                    class: case.class,
                    is_notice: case.is_notice,
                    service: &fact.service,
                    host: self.cases.hosts.name(case.host),
                });
            }
        }
        strikes.sort_unstable();
        strikes
    }

    /// The standing of a unit and kind at a moment; a unit that is not on record is clear.
    pub fn unit_standing(&self, unit: &str, kind: ServiceKind, now: Timestamp) -> UnitStanding {
        let mut standing = self.own_standing(unit, kind, now);
        for below in self.units.descendants(unit) {
            let strikes = self.strikes(below, kind, now);
            standing.below.month += count(&strikes, Window::Month, now);
            standing.below.year += count(&strikes, Window::Year, now);
        }
        standing
    }

    /// The standing of every unit and kind at a moment, by unit, then by the kind's word.
    pub fn standings(&self, now: Timestamp) -> Vec<UnitStanding> {
        let mut all: Vec<UnitStanding> = Vec::new();
        let mut kinds = ServiceKind::ALL;
        kinds.sort_by_key(|kind| kind.as_str());
        let mut places: HashMap<&str, usize> = HashMap::new();
        for unit in self.units.ids() {
            places.insert(unit, all.len());
            all.extend(kinds.map(|kind| self.own_standing(unit, kind, now)));
        }
        for unit in self.units.ids() {
            for above in self.ancestors(unit) {
                let (Some(&from), Some(&to)) = (places.get(&**unit), places.get(above)) else { continue };
                for kind in 0..kinds.len() {
                    let (month, year) = (all[from + kind].month, all[from + kind].year);
                    all[to + kind].below.month += month;
                    all[to + kind].below.year += year;
                }
            }
        }
        all
    }

    /// Everything but what is below.
    fn own_standing(&self, unit: &str, kind: ServiceKind, now: Timestamp) -> UnitStanding {
        let strikes = self.strikes(unit, kind, now);
        let verdict = self.verdict(unit, kind, &strikes, now);
        let mut because: Vec<String> = verdict.because.iter().map(|&place| strikes[place].id.to_owned()).collect();
        because.sort_unstable();
        let on_record = self.units.unit(unit);
        let terminated = on_record.and_then(|unit| unit.terminated(now)).map(|it| it.why.clone());
        let suspended = on_record.and_then(|unit| unit.suspension(kind, now)).map(|it| it.why.clone());
        let standing = match (&terminated, &suspended) {
            (Some(_), _) => StandingWord::Terminated,
            (None, None) if because.is_empty() => StandingWord::Clear,
            (None, _) => StandingWord::Suspended,
        };
        UnitStanding {
            unit: unit.to_owned(),
            kind,
            standing,
            month: count(&strikes, Window::Month, now),
            year: count(&strikes, Window::Year, now),
            because,
            below: Below::default(),
            decision: terminated.or(suspended),
        }
    }

    /// What the threshold table says of the strikes of a unit and kind that are known at a moment.
    pub(super) fn verdict(&self, unit: &str, kind: ServiceKind, strikes: &[Strike<'_>], now: Timestamp) -> Verdict {
        let reinstated = self.units.unit(unit).and_then(|unit| unit.last_reinstatement(kind, now));
        let divisor = self.periods.divisor(unit, &self.units, now);
        judge(strikes, &self.policy, kind, divisor, reinstated.map(|it| it.fact.at))
    }
}

//! From the ledger to what is in force: what an entry or the time changed is computed anew, the rest is
//! kept.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use super::{
    Ledger, Standing, SuspensionScope,
    cases::CaseId,
    in_force::{Extent, HostBar, PeriodInForce, UnitBar, server_name},
    locks::canonical,
    strikes::Strike,
    units::Unit,
};
use crate::{
    base::Timestamp,
    domain::{
        record::{ControlPeriod, LockFact},
        registry::ServiceKind,
    },
};

/// What was in force last, and what has changed since.
#[derive(Clone, Debug, Default)]
pub(super) struct InForce {
    standing: Standing,
    /// For what moment it was computed: time does not go back.
    at: Timestamp,
    /// Units about which something was put on record.
    units: BTreeSet<String>,
    /// The order of units changed.
    tree: bool,
    /// Hosts with another lock than before.
    hosts: BTreeSet<String>,
    /// When time alone changes something about a unit.
    due: BTreeSet<(Timestamp, String)>,
    due_of: HashMap<String, Timestamp>,
    periods: Vec<ControlPeriod>,
}

impl InForce {
    pub(super) fn touch_unit(&mut self, unit: &str) {
        if !self.units.contains(unit) {
            self.units.insert(unit.to_owned());
        }
    }

    pub(super) fn touch_tree(&mut self) {
        self.tree = true;
    }

    pub(super) fn touch_host(&mut self, host: &str) {
        self.hosts.insert(host.to_owned());
    }
}

impl Ledger {
    /// What the data plane has to know at a moment. Moments never go back: where the clock does, what was
    /// in force stays so.
    pub fn in_force(&mut self, now: Timestamp) -> Standing {
        let now = self.present(now).max(self.in_force.at);
        let mut cache = std::mem::take(&mut self.in_force);
        cache.at = now;
        let periods: Vec<ControlPeriod> = self.periods.in_force(now).cloned().collect();
        if periods != cache.periods || (cache.tree && !periods.is_empty()) {
            // Other thresholds hold, for others.
            cache.units.extend(self.units.all().map(|unit| unit.fact.unit.clone()));
            cache.standing.periods = Arc::new(periods.iter().map(|period| self.period(period)).collect());
            cache.periods = periods;
        }
        cache.tree = false;
        if self.policy.require_commitment {
            cache.standing.committed.get_or_insert_default();
        }
        while let Some((at, _)) = cache.due.first()
            && *at <= now
            && let Some((_, unit)) = cache.due.pop_first()
        {
            cache.due_of.remove(&unit);
            cache.units.insert(unit);
        }
        for id in std::mem::take(&mut cache.units) {
            self.renew(&mut cache, &id, now);
        }
        for host in std::mem::take(&mut cache.hosts) {
            let hosts = Arc::make_mut(&mut cache.standing.hosts);
            match self.host_bar(&host) {
                Some(bar) => hosts.insert(host, bar),
                None => hosts.remove(&host),
            };
        }
        if cache.standing.servers.len() != self.sealed.len() || self.sealed_changed {
            cache.standing.servers = Arc::new(self.sealed.clone());
            self.sealed_changed = false;
        }
        let next_unit = cache.due.first().map(|(at, _)| *at);
        cache.standing.next_change = next_unit.into_iter().chain(self.periods.due(now)).min();
        let standing = cache.standing.clone();
        self.in_force = cache;
        standing
    }

    /// Whether a unit's services of a kind are suspended at a moment, in whole or in part, by the threshold
    /// table or by a person.
    pub fn is_suspended(&self, unit: &str, kind: ServiceKind, now: Timestamp) -> bool {
        let by_person = self.unit(unit).is_some_and(|unit| unit.suspension(kind, now).is_some());
        by_person || !self.verdict(unit, kind, &self.strikes(unit, kind, now), now).because.is_empty()
    }

    /// Notes that a case changed: for its unit, and for those of its duplicates.
    pub(super) fn touch_case(&mut self, case: CaseId) {
        let alike = self.cases.same_as(case).iter().copied().chain([case]);
        for case in alike {
            if let Some(service) = self.units.service(self.cases.case(case).service) {
                self.in_force.touch_unit(&service.unit);
            }
        }
    }

    fn renew(&self, cache: &mut InForce, id: &str, now: Timestamp) {
        let Some(unit) = self.units.unit(id) else { return };
        let bar = self.bar(unit, now);
        if cache.standing.units.get(id) != (!bar.is_empty()).then_some(&bar) {
            let units = Arc::make_mut(&mut cache.standing.units);
            match bar.is_empty() {
                true => units.remove(id),
                false => units.insert(id.to_owned(), bar),
            };
        }
        if self.policy.require_commitment {
            let committed = cache.standing.committed.get_or_insert_default();
            let holds = unit.commitment(now).is_some();
            if committed.contains(id) != holds {
                let committed: &mut HashSet<String> = Arc::make_mut(committed);
                if holds {
                    committed.insert(id.to_owned())
                } else {
                    committed.remove(id)
                };
            }
        }
        if let Some(before) = cache.due_of.remove(id) {
            cache.due.remove(&(before, id.to_owned()));
        }
        if let Some(due) = self.due(unit, now) {
            cache.due.insert((due, id.to_owned()));
            cache.due_of.insert(id.to_owned(), due);
        }
    }

    /// What stands against a unit.
    fn bar(&self, unit: &Unit, now: Timestamp) -> UnitBar {
        let id = &unit.fact.unit;
        let mut bar = UnitBar { terminated: unit.terminated(now).map(|it| it.why.clone()), suspended: Vec::new() };
        for kind in ServiceKind::ALL {
            if let Some(suspension) = unit.suspension(kind, now) {
                bar.suspended.push((Extent::Kind(kind), suspension.why.clone()));
            }
            let strikes = self.strikes(id, kind, now);
            let verdict = self.verdict(id, kind, &strikes, now);
            if verdict.because.is_empty() {
                continue;
            }
            let why = UnitBar::strikes(verdict.because.iter().map(|&place| strikes[place].id));
            let involved = verdict.involved.iter().map(|&place| &strikes[place]);
            for extent in self.extents(kind, involved) {
                bar.suspended.push((extent, why.clone()));
            }
        }
        bar
    }

    fn extents<'a>(&self, kind: ServiceKind, involved: impl Iterator<Item = &'a Strike<'a>>) -> Vec<Extent> {
        let service = |strike: &Strike<'_>| Extent::Service(strike.service.to_owned());
        let mut extents: Vec<Extent> = match self.policy.suspends {
            SuspensionScope::Unit => vec![Extent::Unit],
            SuspensionScope::Kind => vec![Extent::Kind(kind)],
            SuspensionScope::Service => involved.map(service).collect(),
            SuspensionScope::Site => involved
                .map(|strike| match strike.host {
                    "" => service(strike),
                    host => Extent::Host(host.to_owned()),
                })
                .collect(),
        };
        extents.dedup();
        extents
    }

    /// When time alone may change something about a unit, after a moment.
    fn due(&self, unit: &Unit, now: Timestamp) -> Option<Timestamp> {
        let cases = self.units.services_of(&unit.fact.unit).flat_map(|(service, _)| self.cases.candidates(service));
        let cases = cases.flat_map(|&case| self.cases.same_as(case).iter().copied().chain([case]));
        let cases = cases.filter_map(|case| self.cases.due(case, now));
        let decisions = (unit.suspensions.iter().map(|it| it.fact.at))
            .chain(unit.reinstatements.iter().map(|it| it.fact.at))
            .chain(unit.termination.iter().map(|it| it.at));
        let letters = unit.commitments.iter().filter(|_| self.policy.require_commitment).flat_map(|letter| {
            let after = letter.until.map(|until| crate::base::Date::from_days(until.days() + 1));
            [Some(letter.signed), after].into_iter().flatten().map(Timestamp::local_midnight)
        });
        cases.chain(decisions.chain(letters).filter(|&at| at > now)).min()
    }

    fn period(&self, period: &ControlPeriod) -> PeriodInForce {
        let with_below = |unit: &String| {
            let below = self.units.descendants(unit).into_iter().map(|id| id.to_string());
            below.chain([unit.clone()]).collect::<Vec<_>>()
        };
        PeriodInForce {
            units: (!period.units.is_empty()).then(|| period.units.iter().flat_map(with_below).collect()),
            freeze_admissions: period.freeze_admissions,
            close_interactive: period.close_interactive,
        }
    }

    fn host_bar(&self, host: &str) -> Option<HostBar> {
        let locks = self.locks.host(host)?;
        let words = |lock: &LockFact| if lock.why.is_empty() { lock.rules.join(", ") } else { lock.why.clone() };
        let paths: HashMap<_, _> =
            locks.directories.values().map(|lock| (canonical(&lock.path), words(lock))).collect();
        let site = locks.site.as_ref().map(words);
        (site.is_some() || !paths.is_empty()).then_some(HostBar { site, paths })
    }

    pub(super) fn is_sealed(&self, server_ip: &str) -> bool {
        self.sealed.contains_key(&*server_name(server_ip))
    }

    /// Seals a server, or takes the seal off.
    pub(super) fn seal(&mut self, server_ip: &str, why: Option<&str>) {
        let server = server_name(server_ip).into_owned();
        match why {
            Some(why) => self.sealed.insert(server, why.to_owned()),
            None => self.sealed.remove(&server),
        };
        self.sealed_changed = true;
    }
}

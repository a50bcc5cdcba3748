//! The ledger: from facts to standing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    cases::Cases,
    locks::{Locks, unlock_at},
    periods::Periods,
    policy::LedgerPolicy,
    publish::InForce,
    units::{Numbered, Unit, Units},
};
use crate::{
    base::Timestamp,
    domain::{
        record::{
            ControlPeriod, Decision, Entry, Fact, Finding, LockFact, LockScope, Notice, Review, ServiceFact, UnitFact,
        },
        registry::Site,
    },
    engine::rules::Class,
};

/// Servers of a service that are taken from the registry.
const SERVERS_MAX: usize = 64;

/// Where a strike comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StrikeSource {
    /// A finding that a reviewer confirmed.
    Finding,
    /// A notice.
    Notice,
}

impl StrikeSource {
    /// The word in the metric label `source`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::Notice => "notice",
        }
    }
}

/// What the record says of units and services, computed entry by entry. It can be thrown away and
/// computed again.
///
/// Standing is a function of what is on record and of a moment: who wants to know it says when. What was
/// said of units and services holds for all time, the last word counts: a service's strikes are those of
/// the unit that has it now, and of the kind that it is now.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pub(super) policy: LedgerPolicy,
    pub(super) units: Units,
    pub(super) cases: Cases,
    pub(super) periods: Periods,
    pub(super) locks: Locks,
    /// Sealed servers with the reason.
    pub(super) sealed: HashMap<String, String>,
    pub(super) sealed_changed: bool,
    pub(super) in_force: InForce,
    /// Notices that want something done until a time: deadline, id.
    deadlines: BTreeMap<String, Notice>,
    strikes_put: BTreeMap<(Class, StrikeSource), u64>,
    /// The latest time at which anything was recorded: the present is never before it.
    latest: Timestamp,
}

impl Ledger {
    /// A ledger with nothing on record.
    pub fn new(policy: LedgerPolicy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// Takes an entry in. Entries come in the order of their numbers.
    pub fn apply(&mut self, entry: &Entry) {
        self.latest = self.latest.max(entry.recorded);
        let seq = entry.seq;
        match &entry.fact {
            Fact::Lock(fact) => {
                self.locks.lock(fact);
                self.in_force.touch_host(&fact.host);
            }
            Fact::Unlock(fact) => {
                self.locks.unlock(fact);
                self.in_force.touch_host(&fact.host);
            }
            Fact::Sealing(fact) => self.seal(&fact.server_ip, Some(&fact.why)),
            Fact::Unsealing(fact) => self.seal(&fact.server_ip, None),
            Fact::Notice(fact) => self.notice(fact, entry.recorded),
            Fact::Finding(fact) => self.finding(fact, entry.recorded),
            Fact::Review(fact) => self.review(fact),
            Fact::Withdrawal(fact) => {
                if let Some(case) = self.cases.find(&fact.of) {
                    self.cases.withdraw(case, fact.at);
                    self.deadlines.remove(&fact.of);
                    self.touch_case(case);
                }
            }
            Fact::ControlPeriod(fact) => self.periods.say(fact),
            Fact::PeriodEnd(fact) => self.periods.end(fact),
            Fact::Unit(fact) => {
                self.units.say_unit(fact);
                self.in_force.touch_tree();
                self.in_force.touch_unit(&fact.unit);
            }
            Fact::Service(fact) => {
                if let Some(before) = self.units.say_service(fact) {
                    self.in_force.touch_unit(&before);
                }
                self.in_force.touch_unit(&fact.unit);
            }
            Fact::Commitment(fact) => self.touched(&fact.unit).say_commitment(fact),
            Fact::Person(fact) => self.touched(&fact.unit).say_person(fact),
            Fact::Rectification(fact) => self.touched(&fact.unit).rectifications.push(fact.clone()),
            Fact::Suspension(fact) => self.touched(&fact.unit).suspensions.push(Numbered { seq, fact: fact.clone() }),
            Fact::Reinstatement(fact) => {
                self.touched(&fact.unit).reinstatements.push(Numbered { seq, fact: fact.clone() });
            }
            Fact::Termination(fact) => self.touched(&fact.unit).termination = Some(fact.clone()),
            Fact::Change(_)
            | Fact::EvidenceView(_)
            | Fact::IncidentClose(_)
            | Fact::IncidentNote(_)
            | Fact::IncidentOpen(_)
            | Fact::Site(_) => {}
        }
    }

    /// Takes in a finding that was left out when the ledger was computed: a record may be read without
    /// the findings that nobody reviewed, as long as those that a fact names are recalled before it, and
    /// [`Ledger::found`] is told of the latest. Not for a ledger for which bare findings are strikes.
    pub fn recall(&mut self, finding: &Finding, recorded: Timestamp) {
        let service = self.units.names.id(&finding.service);
        self.cases.finding(finding, service, recorded, self.policy.strikes);
    }

    /// Something was found on a host: the delay of an owner's unlock grows with it.
    pub fn found(&mut self, host: &str, at: Timestamp) {
        self.locks.found(host, at);
    }

    /// The record reaches up to this time, whatever was left out of it.
    pub fn reach(&mut self, recorded: Timestamp) {
        self.latest = self.latest.max(recorded);
    }

    /// A unit about which something is put on record.
    fn touched(&mut self, unit: &str) -> &mut Unit {
        self.in_force.touch_unit(unit);
        self.units.unit_mut(unit)
    }

    fn notice(&mut self, fact: &Notice, recorded: Timestamp) {
        let service = self.units.names.id(&fact.service);
        self.cases.notice(fact, service, recorded);
        if fact.deadline.is_some() {
            self.deadlines.insert(fact.id.clone(), fact.clone());
        }
        self.count_strike(fact.class, StrikeSource::Notice);
        self.touch_service(&fact.service);
    }

    fn finding(&mut self, fact: &Finding, recorded: Timestamp) {
        let service = self.units.names.id(&fact.service);
        let case = self.cases.finding(fact, service, recorded, self.policy.strikes);
        let host = self.cases.hosts.name(self.cases.case(case).host);
        self.locks.found(host, fact.at);
        if self.policy.strikes.bare {
            self.touch_case(case);
        }
    }

    fn review(&mut self, fact: &Review) {
        let Some(case) = self.cases.find(&fact.finding) else { return };
        if fact.decision == Decision::Confirmed && !self.cases.was_confirmed(case) {
            self.count_strike(self.cases.case(case).class, StrikeSource::Finding);
        }
        self.cases.review(case, fact);
        self.touch_case(case);
    }

    fn count_strike(&mut self, class: Class, source: StrikeSource) {
        if class != Class::Filing {
            *self.strikes_put.entry((class, source)).or_default() += 1;
        }
    }

    fn touch_service(&mut self, service: &str) {
        if let Some(service) = self.units.service_named(service) {
            self.in_force.touch_unit(&service.unit);
        }
    }

    /// The facts that make the units and services of a registry known, as far as they are not: a service's
    /// first row says whose it is and of what kind.
    pub fn introduce(&self, sites: impl Iterator<Item = Site>) -> Vec<Fact> {
        let mut services: BTreeMap<String, ServiceFact> = BTreeMap::new();
        let mut units = BTreeSet::new();
        for site in sites {
            let service = match services.get_mut(site.service()) {
                Some(service) => service,
                None => {
                    let (service, unit, kind) = (site.service().to_owned(), site.unit().to_string(), site.kind());
                    units.insert(unit.clone());
                    let server_ips = Vec::new();
                    services.entry(service.clone()).or_insert(ServiceFact { service, unit, kind, server_ips })
                }
            };
            if service.server_ips.len() < SERVERS_MAX && !service.server_ips.iter().any(|ip| ip == site.server_ip()) {
                service.server_ips.push(site.server_ip().to_owned());
            }
        }
        units.retain(|unit| self.unit(unit).is_none());
        let unit = |unit| {
            let (name, identity, contact) = (String::new(), String::new(), String::new());
            Fact::Unit(UnitFact { unit, parent: None, name, identity, contact })
        };
        services.retain(|name, service| {
            let known = self.service(name);
            known.is_none_or(|known| {
                let has = |ip| known.server_ips.contains(ip);
                known.unit != service.unit || known.kind != service.kind || !service.server_ips.iter().all(has)
            })
        });
        units.into_iter().map(unit).chain(services.into_values().map(Fact::Service)).collect()
    }

    /// The moment at which things stand: now, or later if the clock was set back after something was
    /// recorded.
    pub fn present(&self, now: Timestamp) -> Timestamp {
        now.max(self.latest)
    }

    /// How it counts.
    pub fn policy(&self) -> &LedgerPolicy {
        &self.policy
    }

    /// A unit.
    pub fn unit(&self, id: &str) -> Option<&Unit> {
        self.units.unit(id)
    }

    /// All units, by id.
    pub fn units(&self) -> impl Iterator<Item = &Unit> {
        self.units.all()
    }

    /// A service.
    pub fn service(&self, id: &str) -> Option<&ServiceFact> {
        self.units.service_named(id)
    }

    /// The services that a unit has now.
    pub fn services_of(&self, unit: &str) -> impl Iterator<Item = &ServiceFact> {
        self.units.services_of(unit).map(|(_, service)| service)
    }

    /// The units right below a unit, by id.
    pub fn children(&self, unit: &str) -> impl Iterator<Item = &str> {
        self.units.children(unit).map(|id| &**id)
    }

    /// All units below a unit, by id.
    pub fn descendants(&self, unit: &str) -> impl Iterator<Item = &str> {
        self.units.descendants(unit).into_iter().map(|id| &**id)
    }

    /// All units above a unit, the next one first; each once.
    pub fn ancestors(&self, unit: &str) -> Vec<&str> {
        let mut above = Vec::new();
        let mut seen = BTreeSet::from([unit]);
        let mut next = self.units.unit(unit).and_then(|unit| unit.fact.parent.as_deref());
        while let Some(id) = next.filter(|id| seen.insert(id)) {
            above.push(id);
            next = self.units.unit(id).and_then(|unit| unit.fact.parent.as_deref());
        }
        above
    }

    /// Whether a unit stands right below another one.
    pub(super) fn is_child(&self, parent: &str, child: &str) -> bool {
        self.unit(child).is_some_and(|unit| unit.fact.parent.as_deref() == Some(parent))
    }

    /// All control periods, past, present and to come.
    pub fn periods(&self) -> &[ControlPeriod] {
        self.periods.all()
    }

    /// The pages that are locked now, in no order.
    pub fn locked_pages(&self) -> impl Iterator<Item = &LockFact> {
        self.locks.all().filter(|lock| lock.scope == LockScope::Page)
    }

    /// Everything that is locked now, in no order.
    pub fn locks(&self) -> impl Iterator<Item = &LockFact> {
        self.locks.all()
    }

    /// What has to be locked as well when a page is: its directory or file where too much of it is locked
    /// by now, the site where the operator wants that. To be put on the record together with the page.
    pub fn escalation(&self, page: &LockFact) -> Vec<LockFact> {
        self.locks.escalation(page, &self.policy.locks)
    }

    /// Findings on a host in the last two days: what the delay of an owner's unlock grows with.
    pub fn recent_findings(&self, host: &str, now: Timestamp) -> usize {
        self.locks.recent(host, now)
    }

    /// When the unlock takes effect that the owner of a host asks for now (`unlock_at`).
    pub fn owner_unlock_at(&self, host: &str, now: Timestamp) -> Timestamp {
        unlock_at(now, self.recent_findings(host, now), &self.policy.locks)
    }

    /// Sealed servers with the reason, in no order.
    pub fn sealed_servers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sealed.iter().map(|(server, why)| (server.as_str(), why.as_str()))
    }

    /// Notices with a deadline that were not withdrawn, by id.
    pub fn notices_with_deadline(&self) -> impl Iterator<Item = &Notice> {
        self.deadlines.values()
    }

    /// Strikes ever put on record (a finding when it is first confirmed), per class and source.
    pub fn strikes_put(&self) -> impl Iterator<Item = (Class, StrikeSource, u64)> {
        self.strikes_put.iter().map(|(&(class, source), &count)| (class, source, count))
    }
}

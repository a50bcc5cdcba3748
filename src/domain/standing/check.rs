//! Whether facts make sense after what is on the record, and what to do if not.

use std::collections::HashSet;

use super::Ledger;
use crate::domain::record::{Brought, Fact, Finding, LockFact, LockScope, Reinstatement, Review};

/// What facts that are put on the record together bring for those behind them.
#[derive(Default)]
struct Together<'a> {
    units: HashSet<&'a str>,
    services: HashSet<&'a str>,
    cases: HashSet<&'a str>,
    rectifications: HashSet<&'a str>,
}

impl Ledger {
    /// Whether a fact makes sense after what is on the record, and what to do if not.
    pub fn check(&self, fact: &Fact) -> Result<(), String> {
        self.check_all(std::slice::from_ref(fact))
    }

    /// Whether facts make sense one after the other after what is on the record, and what to do if not. A
    /// fact may name units, services, findings and reports that one before it brings.
    pub fn check_all(&self, facts: &[Fact]) -> Result<(), String> {
        let mut brought = Together::default();
        for fact in facts {
            self.refers(fact, &brought)?;
            self.follows(fact, &brought)?;
            match fact.brings() {
                Some(Brought::Unit(id)) => brought.units.insert(id),
                Some(Brought::Service(id)) => brought.services.insert(id),
                Some(Brought::Case(id)) => brought.cases.insert(id),
                Some(Brought::Rectification(id)) => brought.rectifications.insert(id),
                Some(Brought::Period(_)) | None => false,
            };
        }
        Ok(())
    }

    /// Whether what a fact of a file of events names is there, and what it brings is new.
    pub(super) fn check_event(&self, fact: &Fact) -> Result<(), String> {
        self.refers(fact, &Together::default())
    }

    /// Whether a finding is on record already: its id, with the same service, class, page, rule and content.
    pub fn is_known_finding(&self, finding: &Finding) -> bool {
        self.cases.find(&finding.id).is_some_and(|case| {
            let service = self.units.names.name(self.cases.case(case).service);
            self.cases.is_same(case, finding) && **service == *finding.service
        })
    }

    /// Whether there is a notice or finding with this id.
    pub fn is_known_case(&self, id: &str) -> bool {
        self.cases.find(id).is_some()
    }

    /// The service of a notice or finding.
    pub fn service_of(&self, case: &str) -> Option<&str> {
        let case = self.cases.case(self.cases.find(case)?);
        Some(self.units.names.name(case.service))
    }

    /// Whether what a fact names is there, and what it brings is new.
    fn refers(&self, fact: &Fact, brought: &Together<'_>) -> Result<(), String> {
        let knows_unit = |unit: &str| match brought.units.contains(unit) || self.unit(unit).is_some() {
            true => Ok(()),
            false => Err(format!("there is no unit {unit:?}; import it with the registry, or put it on record first")),
        };
        let knows_service = |service: &str| match brought.services.contains(service) || self.service(service).is_some()
        {
            true => Ok(()),
            false => {
                Err(format!("there is no service {service:?}; import it with the registry, or put it on record first"))
            }
        };
        let knows_case = |id: &str| brought.cases.contains(id) || self.is_known_case(id);
        let is_new = |id: &str| match knows_case(id) {
            true => Err(format!("the id {id:?} is taken: a notice or finding has it; choose another one")),
            false if id.trim().is_empty() => Err("the id is empty".to_owned()),
            false => Ok(()),
        };
        match fact {
            Fact::Unit(fact) if fact.unit.trim().is_empty() => Err("the unit's id is empty".into()),
            Fact::Unit(fact) => fact.parent.as_deref().map_or(Ok(()), knows_unit),
            Fact::Service(fact) if fact.service.trim().is_empty() => Err("the service's id is empty".into()),
            Fact::Service(fact) => knows_unit(&fact.unit),
            Fact::Commitment(fact) => knows_unit(&fact.unit),
            Fact::Person(fact) => knows_unit(&fact.unit),
            Fact::Rectification(fact) => knows_unit(&fact.unit),
            Fact::Suspension(fact) => knows_unit(&fact.unit),
            Fact::Reinstatement(fact) => knows_unit(&fact.unit),
            Fact::Termination(fact) => knows_unit(&fact.unit),
            Fact::Notice(fact) => knows_service(&fact.service).and_then(|()| is_new(&fact.id)),
            Fact::Finding(fact) => knows_service(&fact.service).and_then(|()| is_new(&fact.id)),
            Fact::Review(fact) => match self.cases.find(&fact.finding).map(|case| self.cases.case(case)) {
                Some(case) if case.is_notice => {
                    Err(format!("{:?} is a notice, which nobody reviews; withdraw it instead", fact.finding))
                }
                None if !knows_case(&fact.finding) => Err(format!("there is no finding {:?}", fact.finding)),
                Some(_) | None => Ok(()),
            },
            Fact::Withdrawal(fact) if !knows_case(&fact.of) => {
                Err(format!("there is no notice or finding {:?} to withdraw", fact.of))
            }
            Fact::ControlPeriod(fact) => fact.units.iter().try_for_each(|unit| knows_unit(unit)),
            Fact::PeriodEnd(fact) if !self.periods().iter().any(|period| period.id == fact.id) => {
                Err(format!("there is no control period {:?}", fact.id))
            }
            Fact::Withdrawal(_) | Fact::PeriodEnd(_) => Ok(()),
            Fact::Change(_)
            | Fact::EvidenceView(_)
            | Fact::IncidentClose(_)
            | Fact::IncidentNote(_)
            | Fact::IncidentOpen(_)
            | Fact::Lock(_)
            | Fact::Sealing(_)
            | Fact::Site(_)
            | Fact::Unlock(_)
            | Fact::Unsealing(_) => Ok(()),
        }
    }

    /// Whether a fact changes anything, as the one who puts it on the record means it to.
    fn follows(&self, fact: &Fact, brought: &Together<'_>) -> Result<(), String> {
        let has_reason = |why: &str| match why.trim().is_empty() {
            true => Err("say why: the reason stays on the record".to_owned()),
            false => Ok(()),
        };
        match fact {
            Fact::Unit(fact) => match fact.parent.as_deref() {
                Some(parent) if self.units.is_above(&fact.unit, parent) => Err(format!(
                    "{parent:?} is {:?} or below it: a unit cannot stand above itself; move {parent:?} first",
                    fact.unit
                )),
                Some(_) | None => Ok(()),
            },
            Fact::Commitment(fact) if fact.until.is_some_and(|until| until < fact.signed) => {
                Err("the letter ends before it was signed".into())
            }
            Fact::Rectification(fact) => {
                let is_taken = |unit: &super::Unit| unit.rectifications.iter().any(|report| report.id == fact.id);
                match self.units().any(is_taken) || brought.rectifications.contains(&*fact.id) {
                    true => Err(format!("there is a rectification report {:?} already", fact.id)),
                    false if fact.id.trim().is_empty() => Err("the report's id is empty".into()),
                    false => Ok(()),
                }
            }
            Fact::Suspension(fact) => has_reason(&fact.why),
            Fact::Termination(fact) => {
                has_reason(&fact.why)?;
                match self.unit(&fact.unit).is_some_and(|unit| unit.termination.is_some()) {
                    true => Err(format!("the contract of {:?} was ended already", fact.unit)),
                    false => Ok(()),
                }
            }
            Fact::Reinstatement(fact) => self.follows_reinstatement(fact, brought),
            Fact::Review(fact) => self.follows_review(fact),
            Fact::Withdrawal(fact) => match self.cases.find(&fact.of).and_then(|case| self.cases.withdrawn(case)) {
                Some(at) => Err(format!("{:?} was withdrawn already, at {at}", fact.of)),
                None => Ok(()),
            },
            Fact::Lock(fact) => {
                is_lockable(fact)?;
                // A person's lock takes the place of the machine's.
                match fact.why.is_empty() && self.locks.is_locked(&fact.host, &fact.path, fact.scope) {
                    true => Err(format!("{}{} is locked already", fact.host, fact.path)),
                    false => Ok(()),
                }
            }
            Fact::Unlock(fact) => match self.locks.is_locked(&fact.host, &fact.path, fact.scope) {
                true => Ok(()),
                false => Err(format!("{}{} is not locked", fact.host, fact.path)),
            },
            Fact::Sealing(fact) => {
                has_reason(&fact.why)?;
                match self.is_sealed(&fact.server_ip) {
                    true => Err(format!("server {} is sealed already", fact.server_ip)),
                    false if fact.server_ip.trim().is_empty() => Err("the server's address is empty".into()),
                    false => Ok(()),
                }
            }
            Fact::Unsealing(fact) => match self.is_sealed(&fact.server_ip) {
                true => has_reason(&fact.why),
                false => Err(format!("server {} is not sealed", fact.server_ip)),
            },
            Fact::ControlPeriod(fact) if fact.from >= fact.to => Err("the control period ends before it begins".into()),
            Fact::ControlPeriod(fact) if fact.id.trim().is_empty() => Err("the period's id is empty".into()),
            Fact::ControlPeriod(_)
            | Fact::Change(_)
            | Fact::Commitment(_)
            | Fact::EvidenceView(_)
            | Fact::Finding(_)
            | Fact::IncidentClose(_)
            | Fact::IncidentNote(_)
            | Fact::IncidentOpen(_)
            | Fact::Notice(_)
            | Fact::PeriodEnd(_)
            | Fact::Person(_)
            | Fact::Service(_)
            | Fact::Site(_) => Ok(()),
        }
    }

    /// A reinstatement lifts a suspension, at once, and rests on a report where the operator wants one.
    fn follows_reinstatement(&self, fact: &Reinstatement, brought: &Together<'_>) -> Result<(), String> {
        let (id, kind) = (fact.unit.as_str(), fact.kind);
        let now = self.present(fact.at);
        let Some(unit) = self.unit(id) else { return Ok(()) };
        if unit.terminated(now).is_some() {
            return Err(format!("the contract of {id:?} was ended: put a new letter of commitment on record first"));
        }
        if !self.is_suspended(id, kind, now) {
            return Err(format!("{id:?} is not suspended for {}: there is nothing to lift", kind.as_str()));
        }
        let strikes = self.strikes(id, kind, now);
        let known = strikes.iter().map(|strike| strike.known).max();
        let decided = unit.suspension(kind, now).map(|suspension| suspension.at);
        if let Some(last) = known.max(decided).filter(|last| *last > fact.at) {
            return Err(format!(
                "the reinstatement is of {}, and what suspends {id:?} became known at {last}: is the clock right?",
                fact.at
            ));
        }
        if !self.policy.require_rectification || brought.rectifications.contains(&*fact.rectification) {
            return Ok(());
        }
        let Some(report) = unit.rectifications.iter().find(|report| report.id == fact.rectification) else {
            return Err(match fact.rectification.as_str() {
                "" => format!(
                    "a reinstatement wants the rectification report of {id:?}: put it on file (`zhamen ledger rectify`), and name it (--rectification)"
                ),
                report => format!("there is no rectification report {report:?} of {id:?} on file"),
            });
        };
        match unit.last_reinstatement(kind, now) {
            Some(last) if report.at <= last.fact.at => Err(format!(
                "the rectification report {:?} is older than the last reinstatement, of {}: ask for a new one",
                report.id, last.fact.at
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// A review decides something: said twice, a confirmation would be known anew.
    fn follows_review(&self, fact: &Review) -> Result<(), String> {
        let Some(case) = self.cases.find(&fact.finding) else { return Ok(()) };
        match self.cases.last_review(case, self.present(fact.at)) {
            Some((at, decision)) if decision == fact.decision => {
                Err(format!("the finding {:?} was {} already, at {at}", fact.finding, decision.as_str()))
            }
            Some((at, _)) if at > fact.at => Err(format!(
                "the finding {:?} was reviewed later than that, at {at}: is the clock right?",
                fact.finding
            )),
            Some(_) | None => Ok(()),
        }
    }
}

fn is_lockable(lock: &LockFact) -> Result<(), String> {
    if lock.host.is_empty() {
        return Err("the lock names no host".into());
    }
    match lock.scope {
        LockScope::Site if !lock.path.is_empty() => Err("a lock on a site has no path".into()),
        LockScope::Page | LockScope::Directory if !lock.path.starts_with('/') => {
            Err(format!("the path {:?} of a lock must begin with /", lock.path))
        }
        LockScope::Page | LockScope::Directory | LockScope::Site => Ok(()),
    }
}

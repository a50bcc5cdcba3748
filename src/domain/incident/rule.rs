//! Incidents that open by themselves: so many findings within a time.

use std::collections::BTreeMap;

use super::Board;
use crate::{
    base::Timestamp,
    domain::record::{Decision, Entry, Fact, Finding, IncidentKind},
    engine::rules::Class,
};

/// When an incident opens by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentRule {
    /// Its name in the configuration.
    pub name: String,
    /// What kind of incident opens.
    pub kind: IncidentKind,
    /// Only findings of this ledger class; `None`: of any.
    pub class: Option<Class>,
    /// Only findings of this category (the id of a pack); `None`: of any.
    pub category: Option<String>,
    /// Only findings that a reviewer confirmed; otherwise those that nobody dismissed.
    pub confirmed: bool,
    /// So many of one unit.
    pub findings: usize,
    /// Within so many milliseconds.
    pub within_millis: i64,
    /// What is locked in the same step.
    pub lock: EmergencyLock,
}

/// What an incident that opens by itself locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmergencyLock {
    /// Nothing.
    None,
    /// The pages on which something was found.
    Page,
    /// Their whole sites.
    Site,
    /// All services of the unit: it is suspended.
    Unit,
}

/// A rule wants an incident opened.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleOpening<'a> {
    /// The rule.
    pub rule: &'a IncidentRule,
    /// The unit.
    pub unit: String,
    /// What was found, in the order of time.
    pub findings: Vec<Finding>,
}

/// What the rules look at: the findings of late, and what was said of them.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    rules: Vec<IncidentRule>,
    /// By id: those that are young enough for a rule.
    findings: BTreeMap<String, Watched>,
}

#[derive(Clone, Debug)]
struct Watched {
    finding: Finding,
    decision: Option<Decision>,
    withdrawn: bool,
}

/// Findings watched at most: beyond it the oldest go, so that a flood of them costs no memory.
const FINDINGS_MAX: usize = 100_000;

impl Watch {
    /// The kinds of entries that it is computed from.
    pub const KINDS: [&'static str; 3] = ["finding", "review", "withdrawal"];

    /// Watches for these rules.
    pub fn new(rules: Vec<IncidentRule>) -> Self {
        Self { rules, ..Self::default() }
    }

    /// From which time on findings may matter now.
    pub fn reaches_back_to(&self, now: Timestamp) -> Timestamp {
        let longest = self.rules.iter().map(|rule| rule.within_millis).max().unwrap_or(0);
        now.plus_millis(-longest)
    }

    /// Takes an entry in; those that no rule asks for change nothing.
    pub fn apply(&mut self, entry: &Entry) {
        if let Fact::Finding(finding) = &entry.fact
            && self.rules.iter().any(|rule| rule.asks_for(finding))
        {
            let watched = Watched { finding: finding.clone(), decision: None, withdrawn: false };
            self.findings.entry(finding.id.clone()).or_insert(watched);
            if self.findings.len() > FINDINGS_MAX {
                self.drop_oldest();
            }
        }
        if let Fact::Review(review) = &entry.fact
            && let Some(watched) = self.findings.get_mut(&review.finding)
        {
            watched.decision = Some(review.decision);
        }
        if let Fact::Withdrawal(withdrawal) = &entry.fact
            && let Some(watched) = self.findings.get_mut(&withdrawal.of)
        {
            watched.withdrawn = true;
        }
    }

    /// Forgets what is too old for every rule.
    pub fn forget(&mut self, now: Timestamp) {
        let oldest = self.reaches_back_to(now);
        self.findings.retain(|_, watched| watched.finding.at >= oldest);
    }

    /// The incidents that want to be opened now, one a rule and unit at most. What was found while an
    /// incident of the same kind was open for the unit belongs to that one.
    pub fn openings(&self, board: &Board, now: Timestamp) -> Vec<RuleOpening<'_>> {
        let mut openings = Vec::new();
        for rule in &self.rules {
            let oldest = now.plus_millis(-rule.within_millis);
            let mut by_unit = BTreeMap::<&str, Vec<&Finding>>::new();
            for watched in self.findings.values().filter(|watched| watched.counts_for(rule)) {
                let finding = &watched.finding;
                if finding.at >= oldest
                    && !finding.unit.is_empty()
                    && !board.covers(rule.kind, &finding.unit, finding.at)
                {
                    by_unit.entry(&finding.unit).or_default().push(finding);
                }
            }
            for (unit, findings) in by_unit.into_iter().filter(|(_, findings)| findings.len() >= rule.findings) {
                let mut findings: Vec<Finding> = findings.into_iter().cloned().collect();
                findings.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.id.cmp(&b.id)));
                openings.push(RuleOpening { rule, unit: unit.to_owned(), findings });
            }
        }
        openings
    }

    fn drop_oldest(&mut self) {
        let oldest = self.findings.iter().min_by_key(|(_, watched)| watched.finding.at).map(|(id, _)| id.clone());
        if let Some(id) = oldest {
            self.findings.remove(&id);
        }
    }
}

impl IncidentRule {
    fn asks_for(&self, finding: &Finding) -> bool {
        self.class.is_none_or(|class| class == finding.class)
            && self.category.as_ref().is_none_or(|category| *category == finding.category)
    }
}

impl Watched {
    fn counts_for(&self, rule: &IncidentRule) -> bool {
        let said = match self.decision {
            Some(Decision::Confirmed) => true,
            Some(Decision::Dismissed) => false,
            None => !rule.confirmed,
        };
        said && !self.withdrawn && rule.asks_for(&self.finding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::{FindingOrigin, IncidentClose, IncidentOpen, Review};

    const HOUR: i64 = 3_600_000;

    fn rule(confirmed: bool, findings: usize) -> IncidentRule {
        IncidentRule {
            name: "r".into(),
            kind: IncidentKind::Content,
            class: Some(Class::Vulgar),
            category: None,
            confirmed,
            findings,
            within_millis: 24 * HOUR,
            lock: EmergencyLock::None,
        }
    }

    fn entry(fact: Fact) -> Entry {
        Entry { seq: 1, recorded: Timestamp(0), by: "edge".into(), fact }
    }

    fn finding(id: &str, unit: &str, class: Class, hour: i64) -> Entry {
        entry(Fact::Finding(Finding {
            id: id.into(),
            service: "s".into(),
            class,
            page: "http://a.cn/".into(),
            rule: "x.y".into(),
            content: String::new(),
            at: Timestamp(hour * HOUR),
            unit: unit.into(),
            site: "a.cn".into(),
            server_ip: String::new(),
            category: "x".into(),
            phrase: String::new(),
            excerpt: String::new(),
            start: 0,
            end: 0,
            action: String::new(),
            origin: FindingOrigin::Unknown,
            evidence: String::new(),
        }))
    }

    fn review(finding: &str, decision: Decision) -> Entry {
        let (by, why) = (String::new(), String::new());
        entry(Fact::Review(Review { finding: finding.into(), decision, by, at: Timestamp(0), why }))
    }

    fn opened(watch: &Watch, board: &Board, hour: i64) -> Vec<(String, Vec<String>)> {
        let openings = watch.openings(board, Timestamp(hour * HOUR));
        let ids = |opening: &RuleOpening<'_>| opening.findings.iter().map(|finding| finding.id.clone()).collect();
        openings.iter().map(|opening| (opening.unit.clone(), ids(opening))).collect()
    }

    #[test]
    fn so_many_confirmed_findings_of_one_unit_within_the_time_open_an_incident() {
        let mut watch = Watch::new(vec![rule(true, 2)]);
        for (id, unit, class, hour) in [
            ("old", "u1", Class::Vulgar, 1),
            ("a", "u1", Class::Vulgar, 20),
            ("b", "u1", Class::Vulgar, 30),
            ("c", "u2", Class::Vulgar, 30),
            ("d", "u1", Class::Other, 30),
        ] {
            watch.apply(&finding(id, unit, class, hour));
        }
        for id in ["old", "a", "c", "d"] {
            watch.apply(&review(id, Decision::Confirmed));
        }
        let board = Board::default();
        assert!(opened(&watch, &board, 40).is_empty(), "one is too old, one unconfirmed, two are others'");
        watch.apply(&review("b", Decision::Confirmed));
        assert_eq!(opened(&watch, &board, 40), [("u1".to_owned(), vec!["a".to_owned(), "b".to_owned()])]);
        watch.apply(&review("a", Decision::Dismissed));
        assert!(opened(&watch, &board, 40).is_empty());
        watch.forget(Timestamp(99 * HOUR));
        assert!(watch.findings.is_empty());
    }

    #[test]
    fn what_is_found_while_an_incident_is_open_opens_no_other_one() {
        let mut watch = Watch::new(vec![rule(false, 1)]);
        let mut board = Board::default();
        watch.apply(&finding("a", "u1", Class::Vulgar, 1));
        assert_eq!(opened(&watch, &board, 1).len(), 1);
        board.apply(&entry(Fact::IncidentOpen(IncidentOpen {
            id: "i".into(),
            kind: IncidentKind::Content,
            title: String::new(),
            at: Timestamp(HOUR),
            deadline: Timestamp(25 * HOUR),
            units: vec!["u1".into()],
            sites: Vec::new(),
            because: vec!["a".into()],
            locked: Vec::new(),
        })));
        watch.apply(&finding("b", "u1", Class::Vulgar, 2));
        assert!(opened(&watch, &board, 2).is_empty());
        let close = IncidentClose { incident: "i".into(), at: Timestamp(3 * HOUR), conclusion: String::new() };
        board.apply(&entry(Fact::IncidentClose(close)));
        assert!(opened(&watch, &board, 4).is_empty(), "those of then are dealt with");
        watch.apply(&finding("c", "u1", Class::Vulgar, 5));
        assert_eq!(opened(&watch, &board, 5), [("u1".to_owned(), vec!["c".to_owned()])]);
    }
}

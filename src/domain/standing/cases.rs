//! Notices and findings, and what became of each: kept small, for a million findings are a normal number.

use std::{collections::HashMap, hash::BuildHasher, sync::Arc};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::policy::StrikeSources;
use crate::{
    base::Timestamp,
    domain::record::{Decision, Finding, Notice, Review},
    engine::rules::Class,
};

/// A notice or a finding.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) id: Box<str>,
    /// When the violation was.
    pub(super) at: Timestamp,
    /// When it came on the record.
    pub(super) known: Timestamp,
    /// Page, rule and content of a finding.
    same: u128,
    pub(super) service: NameId,
    pub(super) host: NameId,
    pub(super) class: Class,
    pub(super) is_notice: bool,
}

/// What was said of a case later; most have nothing.
#[derive(Clone, Debug, Default)]
struct Later {
    /// In the order of the record.
    reviews: Vec<(Timestamp, Decision)>,
    withdrawn: Option<Timestamp>,
}

/// The number of a case.
pub(super) type CaseId = u32;

/// The number of a name.
pub(super) type NameId = u32;

/// Names that stand in many cases, each kept once.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    names: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, NameId>,
}

/// All cases.
#[derive(Clone, Debug, Default)]
pub(super) struct Cases {
    cases: Vec<Case>,
    ids: HashTable<CaseId>,
    later: HashMap<CaseId, Later>,
    /// Cases that have been, are or will be strikes, per service.
    candidates: HashMap<NameId, Vec<CaseId>>,
    /// Findings among the candidates by page, rule and content.
    same: HashMap<u128, Vec<CaseId>>,
    pub(super) hosts: Names,
}

impl Names {
    pub(super) fn id(&mut self, name: &str) -> NameId {
        if let Some(&id) = self.ids.get(name) {
            return id;
        }
        let (id, name) = (self.names.len() as NameId, Arc::<str>::from(name));
        self.names.push(Arc::clone(&name));
        self.ids.insert(name, id);
        id
    }

    pub(super) fn find(&self, name: &str) -> Option<NameId> {
        self.ids.get(name).copied()
    }

    pub(super) fn name(&self, id: NameId) -> &Arc<str> {
        &self.names[id as usize]
    }
}

impl Cases {
    pub(super) fn find(&self, id: &str) -> Option<CaseId> {
        self.ids.find(hash(id), |&case| *self.cases[case as usize].id == *id).copied()
    }

    pub(super) fn case(&self, id: CaseId) -> &Case {
        &self.cases[id as usize]
    }

    pub(super) fn notice(&mut self, notice: &Notice, service: NameId, recorded: Timestamp) {
        let host = self.hosts.id(host_of(&notice.url));
        let known = notice.recorded.unwrap_or(recorded);
        let (id, at, class) = (notice.id.as_str().into(), notice.at, notice.class);
        let case = self.add(Case { id, at, known, same: 0, service, host, class, is_notice: true });
        self.candidates.entry(service).or_default().push(case);
    }

    /// A finding whose id is known is the same finding; the earliest time holds.
    pub(super) fn finding(
        &mut self,
        finding: &Finding,
        service: NameId,
        recorded: Timestamp,
        sources: StrikeSources,
    ) -> CaseId {
        if let Some(id) = self.find(&finding.id) {
            let case = &mut self.cases[id as usize];
            (case.at, case.known) = (case.at.min(finding.at), case.known.min(recorded));
            return id;
        }
        let host = if finding.site.is_empty() { host_of(&finding.page) } else { &finding.site };
        let host = self.hosts.id(host);
        let (id, at, class, same) = (finding.id.as_str().into(), finding.at, finding.class, same(finding));
        let case = self.add(Case { id, at, known: recorded, same, service, host, class, is_notice: false });
        if sources.bare {
            self.nominate(case);
        }
        case
    }

    /// Whether a finding with this id says the same as another one with it.
    pub(super) fn is_same(&self, case: CaseId, finding: &Finding) -> bool {
        let case = self.case(case);
        !case.is_notice && case.same == same(finding) && case.class == finding.class
    }

    pub(super) fn review(&mut self, case: CaseId, review: &Review) {
        self.later.entry(case).or_default().reviews.push((review.at, review.decision));
        self.nominate(case);
    }

    pub(super) fn withdraw(&mut self, case: CaseId, at: Timestamp) {
        let withdrawn = &mut self.later.entry(case).or_default().withdrawn;
        *withdrawn = Some(withdrawn.map_or(at, |known| known.min(at)));
    }

    /// The last review of a case up to a moment; of two at one time the one recorded later.
    pub(super) fn last_review(&self, case: CaseId, now: Timestamp) -> Option<(Timestamp, Decision)> {
        let reviews = &self.later.get(&case)?.reviews;
        reviews.iter().filter(|(at, _)| *at <= now).max_by_key(|(at, _)| *at).copied()
    }

    pub(super) fn was_confirmed(&self, case: CaseId) -> bool {
        let reviews = self.later.get(&case).map_or(&[][..], |later| &later.reviews);
        reviews.iter().any(|(_, decision)| *decision == Decision::Confirmed)
    }

    pub(super) fn withdrawn(&self, case: CaseId) -> Option<Timestamp> {
        self.later.get(&case)?.withdrawn
    }

    /// The cases of a service that may be strikes, in no order.
    pub(super) fn candidates(&self, service: NameId) -> &[CaseId] {
        self.candidates.get(&service).map_or(&[], Vec::as_slice)
    }

    /// All candidates that say the same as this one, itself included.
    pub(super) fn same_as(&self, case: CaseId) -> &[CaseId] {
        let case = self.case(case);
        if case.is_notice { &[] } else { self.same.get(&case.same).map_or(&[], Vec::as_slice) }
    }

    /// From when on a case is known to be a strike, if at `now` it is one, duplicates aside.
    fn counts(&self, id: CaseId, now: Timestamp, sources: StrikeSources) -> Option<Timestamp> {
        let case = self.case(id);
        if case.class == Class::Filing || self.withdrawn(id).is_some_and(|at| at <= now) {
            return None;
        }
        let known = if case.is_notice {
            sources.notices.then_some(case.known)
        } else {
            match self.last_review(id, now) {
                Some((_, Decision::Dismissed)) => None,
                _ if sources.bare => Some(case.known),
                Some((at, Decision::Confirmed)) => sources.confirmed.then_some(at),
                None => None,
            }
        };
        known.filter(|&known| known <= now)
    }

    /// From when on a case is known to be a strike, if at `now` it is one: of findings of one page, rule
    /// and content only the earliest of those that count.
    pub(super) fn strike(&self, id: CaseId, now: Timestamp, sources: StrikeSources) -> Option<Timestamp> {
        let known = self.counts(id, now, sources)?;
        let case = self.case(id);
        let is_before = |&other: &CaseId| {
            let earlier = (self.case(other).at, &self.case(other).id) < (case.at, &case.id);
            earlier && self.counts(other, now, sources).is_some()
        };
        (!self.same_as(id).iter().any(is_before)).then_some(known)
    }

    /// The first moment after `now` at which time alone may change whether a case counts.
    pub(super) fn due(&self, id: CaseId, now: Timestamp) -> Option<Timestamp> {
        let later = self.later.get(&id);
        let reviews = later.into_iter().flat_map(|later| later.reviews.iter().map(|(at, _)| *at));
        let withdrawn = later.and_then(|later| later.withdrawn);
        reviews.chain(withdrawn).chain([self.case(id).known]).filter(|&at| at > now).min()
    }

    fn add(&mut self, case: Case) -> CaseId {
        let (id, hashed) = (self.cases.len() as CaseId, hash(&case.id));
        self.cases.push(case);
        let cases = &self.cases;
        self.ids.insert_unique(hashed, id, |&other| hash(&cases[other as usize].id));
        id
    }

    fn nominate(&mut self, id: CaseId) {
        let (service, same) = (self.case(id).service, self.case(id).same);
        let alike = self.same.entry(same).or_default();
        if !alike.contains(&id) {
            alike.push(id);
            self.candidates.entry(service).or_default().push(id);
        }
    }
}

fn hash(id: &str) -> u64 {
    FixedState::with_seed(0).hash_one(id)
}

/// What makes two findings one strike.
fn same(finding: &Finding) -> u128 {
    let mut hasher = blake3::Hasher::new();
    for part in [&finding.page, &finding.rule, &finding.content] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut first = [0; 16];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_le_bytes(first)
}

/// The host of a URL, without port; empty if there is none.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = authority.rsplit('@').next().unwrap_or("");
    match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    }
}

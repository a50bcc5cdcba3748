//! The data of the reports, from record and registry.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::ReportError;
use crate::{
    base::{HostName, Timestamp},
    control_plane::{
        incidents::{each_entry, host_of_url, incident, service_unit},
        record::Record,
    },
    domain::{
        apportion::{Fen, apportion},
        incident::Incident,
        record::{CommitmentForm, Decision, Entry, Fact},
        registry::{FilingState, Registry, ServiceKind, Site},
        report::{
            ApportionmentReport, IncidentReport, LetterOfCommitment, Limit, Month, Party, RectificationReport, SiteRow,
            Statistics, SuspensionCause, SuspensionNotice, Tally, TimelineEntry, UnitRow, Violation, WrittenNotice,
        },
        standing::Window,
    },
    engine::rules::Class,
    store::{FindingQuery, Query, ReviewState, StoreError},
};

/// Violations listed in a report at most: the latest ones.
const VIOLATIONS_MAX: usize = 2_000;
/// Entries of a timeline at most, of each kind of thing that it is about.
const TIMELINE_MAX: usize = 500;
/// A report on rectification reaches back so far at most.
const REACH_MILLIS: i64 = 366 * 86_400_000;

/// Where the data comes from.
pub struct Gather<'a> {
    /// The record.
    pub record: &'a Record,
    /// The sites in force.
    pub registry: Arc<Registry>,
    /// The time.
    pub now: Timestamp,
}

/// What is known of a rectification report before it is printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RectificationWishes {
    /// Only this server.
    pub ip: Option<String>,
    /// The measures.
    pub measures: Vec<String>,
    /// Who signs.
    pub signatory: String,
}

impl Gather<'_> {
    /// 整改报告 of a unit: what was held against it since its last one, and every site on the servers
    /// concerned.
    pub fn rectification(&self, unit: &str, wishes: &RectificationWishes) -> Result<RectificationReport, ReportError> {
        let party = self.known_party(unit)?;
        let last = Query {
            kinds: vec!["rectification"],
            unit: Some(unit.to_owned()),
            descending: true,
            limit: 1,
            ..Query::default()
        };
        let since = self.record.store().entries(&last)?.first().map_or(Timestamp(i64::MIN), |entry| entry.recorded);
        let since = since.max(self.now.plus_millis(-REACH_MILLIS));
        let (mut violations, omitted) = self.violations(unit, since)?;
        let mut ips: BTreeSet<String> = match &wishes.ip {
            Some(ip) => {
                violations.retain(|violation| violation.server_ip.is_empty() || violation.server_ip == *ip);
                [ip.clone()].into()
            }
            None => violations.iter().map(|violation| violation.server_ip.clone()).collect(),
        };
        ips.remove("");
        if ips.is_empty() {
            ips.extend(self.sites(|site| **site.unit() == *unit).map(|site| site.server_ip().to_owned()));
            let services =
                self.entries(Query { kinds: vec!["service"], unit: Some(unit.to_owned()), ..Query::default() })?;
            for entry in services {
                if let Fact::Service(service) = entry.fact {
                    ips.extend(service.server_ips);
                }
            }
        }
        let mut sites: Vec<SiteRow> =
            self.sites(|site| ips.contains(site.server_ip())).map(|site| SiteRow::from(&site)).collect();
        sites.sort();
        Ok(RectificationReport {
            party,
            ips: ips.into_iter().collect(),
            violations,
            omitted,
            sites,
            measures: wishes.measures.clone(),
            signatory: wishes.signatory.clone(),
            signatory_identity: String::new(),
            date: None,
        })
    }

    /// The report on an incident.
    pub fn incident(&self, id: &str) -> Result<IncidentReport, ReportError> {
        let incident = self.known_incident(id)?;
        let parties = incident.open.units.iter().map(|unit| self.party(unit)).collect();
        let (mut sites, mut unregistered) = (Vec::new(), Vec::new());
        for host in &incident.open.sites {
            match self.covering(host) {
                Some(site) => sites.push(SiteRow { host: host.clone(), ..SiteRow::from(&site) }),
                None => unregistered.push(host.clone()),
            }
        }
        let violations = self.because(&incident)?;
        let timeline = self.timeline(&incident)?;
        Ok(IncidentReport { incident, parties, sites, unregistered, violations, timeline })
    }

    /// The written notice of an incident to a unit.
    pub fn notice(&self, unit: &str, id: &str) -> Result<WrittenNotice, ReportError> {
        let incident = self.known_incident(id)?;
        if !incident.open.units.iter().any(|concerned| concerned == unit) {
            let units = incident.open.units.join(", ");
            return Err(ReportError(format!("incident {id:?} does not concern unit {unit:?}; it concerns: {units}")));
        }
        let is_theirs = |host: &str| self.covering(host).is_none_or(|site| **site.unit() == *unit);
        let sites: Vec<String> = incident.open.sites.iter().filter(|host| is_theirs(host)).cloned().collect();
        let mut violations = self.because(&incident)?;
        violations.retain(|violation| host_of_url(&violation.url).is_none_or(|host| is_theirs(host.as_str())));
        Ok(WrittenNotice { party: self.party(unit), incident, violations, sites })
    }

    /// Why a unit is suspended for a kind of service, with the strikes that did it.
    pub fn suspension(&self, unit: &str, kind: ServiceKind) -> Result<SuspensionNotice, ReportError> {
        let party = self.known_party(unit)?;
        let limits = self.limits(kind);
        // Strikes as (id, time, when known, class); and the decision of a person, if it is one.
        let (strikes, decided) = self.record.with_ledger(|ledger| {
            let now = ledger.present(self.now);
            let because = ledger.unit_standing(unit, kind, now).because;
            let strikes: Vec<(String, Timestamp, Timestamp, Class)> = ledger
                .strikes(unit, kind, now)
                .into_iter()
                .filter(|strike| because.binary_search_by(|id| id.as_str().cmp(strike.id)).is_ok())
                .map(|strike| (strike.id.to_owned(), strike.at, strike.known, strike.class))
                .collect();
            let decided = ledger.unit(unit).and_then(|unit| {
                let terminated = unit.terminated(now).map(|it| (it.at, it.why.clone()));
                terminated.or_else(|| unit.suspension(kind, now).map(|it| (it.at, it.why.clone())))
            });
            (strikes, decided)
        });
        let by_strikes = strikes.last().and_then(|last| {
            let first = strikes.first()?;
            let limit = limits.iter().find(|limit| limit.is_for(last.3))?;
            let in_month = first.1 >= Window::Month.start(last.1) && strikes.len() >= limit.month as usize;
            let since = strikes.iter().map(|strike| strike.2).max()?;
            let (count, other) = (strikes.len(), limit.other);
            let limit = if in_month { limit.month } else { limit.year };
            Some((since, SuspensionCause::Threshold { other, year: !in_month, count, limit }))
        });
        let decided = decided.map(|(at, why)| (at, SuspensionCause::Decision(why)));
        let (since, cause) = by_strikes.or(decided).ok_or_else(|| {
            ReportError(format!("unit {unit:?} is not suspended for {}: there is nothing to notify", kind.as_str()))
        })?;
        let mut violations = Vec::with_capacity(strikes.len());
        for (id, ..) in &strikes {
            violations.extend(self.violation(id)?);
        }
        Ok(SuspensionNotice { party, kind, since, cause, strikes: violations, limits: limits.to_vec() })
    }

    /// The letter of commitment for a unit to sign.
    pub fn commitment(&self, unit: &str, form: CommitmentForm) -> Result<LetterOfCommitment, ReportError> {
        let limits = ServiceKind::ALL.into_iter().flat_map(|kind| self.limits(kind)).collect();
        Ok(LetterOfCommitment { form, party: self.party(unit), limits })
    }

    /// A month in numbers, of one unit or of all.
    pub fn statistics(&self, month: Month, unit: Option<&str>) -> Result<Statistics, ReportError> {
        if let Some(unit) = unit {
            self.known_party(unit)?;
        }
        let (from, to) = month.range();
        let query = Query {
            kinds: Tally::KINDS.into_iter().filter(|&kind| kind != "finding").collect(),
            unit: unit.map(str::to_owned),
            from: Some(from),
            to: Some(to),
            ..Query::default()
        };
        let whose = Whose { gather: self, only: unit, found: RefCell::default() };
        let mut total = Tally::default();
        let mut tallies = BTreeMap::<String, Tally>::new();
        each_entry(self.record, query, |entry| {
            let Some(one) = Tally::of(&entry.fact) else { return };
            total.add(&one);
            for unit in whose.units(&entry.fact) {
                tallies.entry(unit).or_default().add(&one);
            }
        })?;
        self.record.store().each_finding_class(from, to, unit, &mut |unit, class| {
            let one = Tally::of_finding(class);
            total.add(&one);
            match tallies.get_mut(unit) {
                Some(tally) => tally.add(&one),
                None => {
                    tallies.insert(unit.to_owned(), one);
                }
            }
        })?;
        let mut counts = HashMap::<Arc<str>, (u64, u64)>::new();
        for site in self.registry.sites() {
            if unit.is_none_or(|unit| **site.unit() == *unit) {
                let count = counts.entry(Arc::clone(site.unit())).or_default();
                count.0 += 1;
                count.1 += u64::from(site.filing() == FilingState::Filed);
            }
        }
        if let Some(unit) = unit {
            tallies.entry(unit.to_owned()).or_default();
        }
        let mut units = Vec::with_capacity(tallies.len());
        for (unit, tally) in tallies {
            let (sites, filed) = counts.get(unit.as_str()).copied().unwrap_or_default();
            let party = if unit.is_empty() { Party::unknown("—") } else { self.party(&unit) };
            units.push(UnitRow { party, sites, filed, tally });
        }
        Ok(Statistics { month, units, total })
    }

    /// Who pays what of a fine, by the sites of an incident. The second value: its sites that are nobody's.
    pub fn apportionment(&self, amount: Fen, id: &str) -> Result<(ApportionmentReport, Vec<String>), ReportError> {
        let incident = self.known_incident(id)?;
        let mut counts = BTreeMap::<String, u64>::new();
        let mut nobodys = Vec::new();
        for host in &incident.open.sites {
            match self.covering(host) {
                Some(site) => *counts.entry(site.unit().to_string()).or_default() += 1,
                None => nobodys.push(host.clone()),
            }
        }
        Ok((self.shared(amount, id, &counts)?, nobodys))
    }

    /// Who pays what of a fine, by numbers of sites.
    pub fn shared(
        &self,
        amount: Fen,
        incident: &str,
        counts: &BTreeMap<String, u64>,
    ) -> Result<ApportionmentReport, ReportError> {
        let shares = apportion(amount, counts)
            .ok_or_else(|| ReportError("no unit has a site in it: there is nobody to share with".to_owned()))?;
        let shares = shares.into_iter().map(|share| (self.party(&share.unit), share)).collect();
        Ok(ApportionmentReport { amount, incident: incident.to_owned(), shares })
    }

    /// The limits of a kind of service.
    fn limits(&self, kind: ServiceKind) -> [Limit; 2] {
        let thresholds = self.record.with_ledger(|ledger| ledger.policy().thresholds);
        let rows = match kind {
            ServiceKind::VirtualHost => thresholds.virtual_host,
            ServiceKind::Server => thresholds.server,
        };
        [(false, rows.political_vulgar), (true, rows.other)].map(|(other, threshold)| Limit {
            kind,
            other,
            month: threshold.month,
            year: threshold.year,
        })
    }

    /// A unit as the last entry about it names it.
    fn party(&self, unit: &str) -> Party {
        let known = self.record.with_ledger(|ledger| ledger.unit(unit).map(|unit| Party::from(&unit.fact)));
        known.unwrap_or_else(|| Party::unknown(unit))
    }

    /// A unit that the record or the registry knows.
    fn known_party(&self, unit: &str) -> Result<Party, ReportError> {
        let party = self.party(unit);
        let anything = Query { unit: Some(unit.to_owned()), limit: 1, ..Query::default() };
        if self.sites(|site| **site.unit() == *unit).next().is_none()
            && self.record.store().entries(&anything)?.is_empty()
        {
            return Err(ReportError(format!("there is no unit {unit:?}, neither on the record nor in the registry")));
        }
        Ok(party)
    }

    fn known_incident(&self, id: &str) -> Result<Incident, ReportError> {
        incident(self.record, id)?
            .ok_or_else(|| ReportError(format!("there is no incident {id:?}; `zhamen incident list` lists them")))
    }

    fn sites(&self, wanted: impl Fn(&Site) -> bool) -> impl Iterator<Item = Site> {
        self.registry.sites().filter(wanted)
    }

    fn covering(&self, host: &str) -> Option<Site> {
        HostName::parse(host).ok().and_then(|host| self.registry.covering(&host))
    }

    fn entries(&self, query: Query) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::new();
        each_entry(self.record, query, |entry| entries.push(entry.clone()))?;
        Ok(entries)
    }

    /// What is held against a unit since a time, by time, and how many older ones are left out: notices
    /// and findings that were neither dismissed nor withdrawn.
    fn violations(&self, unit: &str, since: Timestamp) -> Result<(Vec<Violation>, usize), StoreError> {
        let of = |kind| Query { kinds: vec![kind], unit: Some(unit.to_owned()), ..Query::default() };
        let mut withdrawn = BTreeSet::new();
        for entry in self.entries(of("withdrawal"))? {
            if let Fact::Withdrawal(withdrawal) = entry.fact {
                withdrawn.insert(withdrawal.of);
            }
        }
        let mut violations = Vec::new();
        for entry in self.entries(of("notice"))? {
            if let Fact::Notice(notice) = entry.fact
                && entry.recorded >= since
                && !withdrawn.contains(&notice.id)
            {
                violations.push(Violation::of_notice(&notice));
            }
        }
        for (state, decision) in [(ReviewState::Confirmed, Some(Decision::Confirmed)), (ReviewState::Pending, None)] {
            let mut query = FindingQuery {
                unit: Some(unit.to_owned()),
                state: Some(state),
                descending: true,
                limit: 1_000,
                ..FindingQuery::default()
            };
            loop {
                let rows = self.record.store().findings(&query)?;
                query.after = rows.last().map(|row| row.seq);
                let full = rows.len() == query.limit;
                let young = rows.into_iter().filter(|row| row.finding.at >= since);
                let before = violations.len();
                violations.extend(young.map(|row| Violation::of_finding(&row.finding, decision)));
                // The last ones come first: where none is young any more, none will be.
                if !full || violations.len() == before {
                    break;
                }
            }
        }
        for violation in violations.iter_mut().filter(|violation| violation.server_ip.is_empty()) {
            let host = host_of_url(&violation.url);
            if let Some(site) = host.and_then(|host| self.registry.covering(&host)) {
                violation.server_ip = site.server_ip().to_owned();
            }
        }
        violations.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.id.cmp(&b.id)));
        let omitted = violations.len().saturating_sub(VIOLATIONS_MAX);
        Ok((violations.split_off(omitted), omitted))
    }

    /// A notice or finding by its id.
    fn violation(&self, id: &str) -> Result<Option<Violation>, StoreError> {
        if let Some(row) = self.record.store().finding(id)? {
            let decision = match row.state {
                ReviewState::Confirmed => Some(Decision::Confirmed),
                ReviewState::Dismissed | ReviewState::Withdrawn => Some(Decision::Dismissed),
                ReviewState::Pending => None,
            };
            return Ok(Some(Violation::of_finding(&row.finding, decision)));
        }
        let query = Query { kinds: vec!["notice"], subject: Some(id.to_owned()), limit: 1, ..Query::default() };
        let entry = self.record.store().entries(&query)?.into_iter().next();
        Ok(match entry.map(|entry| entry.fact) {
            Some(Fact::Notice(notice)) => Some(Violation::of_notice(&notice)),
            Some(_) | None => None,
        })
    }

    fn because(&self, incident: &Incident) -> Result<Vec<Violation>, StoreError> {
        let mut violations = Vec::new();
        for id in &incident.open.because {
            violations.extend(self.violation(id)?);
        }
        violations.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.id.cmp(&b.id)));
        Ok(violations)
    }

    /// Everything on the record about an incident, what it came from, and what was done about its hosts
    /// and units while it was open.
    fn timeline(&self, incident: &Incident) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut entries = BTreeMap::new();
        let mut ask = |query: Query| -> Result<(), StoreError> {
            let found = self.record.store().entries(&Query { limit: TIMELINE_MAX, ..query })?;
            entries.extend(found.into_iter().map(|entry| (entry.seq, entry)));
            Ok(())
        };
        ask(Query { subject: Some(incident.open.id.clone()), ..Query::default() })?;
        for id in incident.open.because.iter().take(TIMELINE_MAX) {
            ask(Query { subject: Some(id.clone()), ..Query::default() })?;
        }
        let from = Some(incident.recorded);
        let to = incident.closed.as_ref().map(|closed| closed.at.plus_millis(1));
        for host in incident.open.sites.iter().take(TIMELINE_MAX) {
            let kinds = vec!["finding", "lock", "unlock"];
            ask(Query { kinds, host: Some(host.clone()), from, to, ..Query::default() })?;
        }
        for unit in incident.open.units.iter().take(TIMELINE_MAX) {
            let kinds = vec!["rectification", "reinstatement", "suspension", "termination"];
            ask(Query { kinds, unit: Some(unit.clone()), from, to, ..Query::default() })?;
        }
        Ok(entries.values().map(line).collect())
    }
}

/// Whose something on the record is.
struct Whose<'a> {
    gather: &'a Gather<'a>,
    only: Option<&'a str>,
    /// Units of services (`s`), findings and notices (`i`), asked for once.
    found: RefCell<HashMap<(char, String), Option<String>>>,
}

impl Whose<'_> {
    /// The units that a fact concerns; the empty id where it is nobody's.
    fn units(&self, fact: &Fact) -> Vec<String> {
        if let Some(only) = self.only {
            return vec![only.to_owned()];
        }
        let one = if let Fact::Notice(notice) = fact {
            self.of_service(&notice.service)
        } else if let Fact::Review(review) = fact {
            self.of_subject(&review.finding)
        } else if let Fact::Withdrawal(withdrawal) = fact {
            self.of_subject(&withdrawal.of)
        } else if let Fact::Lock(lock) = fact {
            self.gather.covering(&lock.host).map(|site| site.unit().to_string())
        } else if let Fact::Unlock(unlock) = fact {
            self.gather.covering(&unlock.host).map(|site| site.unit().to_string())
        } else if let Fact::Suspension(suspension) = fact {
            Some(suspension.unit.clone())
        } else if let Fact::Reinstatement(reinstatement) = fact {
            Some(reinstatement.unit.clone())
        } else if let Fact::Rectification(rectification) = fact {
            Some(rectification.unit.clone())
        } else if let Fact::IncidentOpen(open) = fact {
            let units: BTreeSet<String> = open.units.iter().cloned().collect();
            return units.into_iter().collect();
        } else {
            return Vec::new();
        };
        vec![one.unwrap_or_default()]
    }

    fn of_service(&self, service: &str) -> Option<String> {
        self.once(('s', service.to_owned()), || service_unit(self.gather.record, service).ok().flatten())
    }

    fn of_subject(&self, id: &str) -> Option<String> {
        self.once(('i', id.to_owned()), || {
            let store = self.gather.record.store();
            if let Ok(Some(row)) = store.finding(id) {
                return Some(row.finding.unit).filter(|unit| !unit.is_empty());
            }
            let query = Query { kinds: vec!["notice"], subject: Some(id.to_owned()), limit: 1, ..Query::default() };
            let entry = store.entries(&query).ok()?.into_iter().next()?;
            if let Fact::Notice(notice) = entry.fact { self.of_service(&notice.service) } else { None }
        })
    }

    fn once(&self, key: (char, String), find: impl FnOnce() -> Option<String>) -> Option<String> {
        if let Some(known) = self.found.borrow().get(&key) {
            return known.clone();
        }
        let unit = find();
        self.found.borrow_mut().insert(key, unit.clone());
        unit
    }
}

/// An entry as a line of a timeline.
fn line(entry: &Entry) -> TimelineEntry {
    let (step, at, text) = match &entry.fact {
        Fact::IncidentOpen(open) => ("incident_open", open.at, open.title.clone()),
        Fact::IncidentNote(note) => (note.step.as_str(), note.at, note.text.clone()),
        Fact::IncidentClose(close) => ("closed", close.at, close.conclusion.clone()),
        Fact::Finding(finding) => ("finding", finding.at, format!("{}\n{}", finding.page, finding.phrase)),
        Fact::Notice(notice) => {
            ("notice", notice.at, format!("{} {}\n{}", notice.authority, notice.document, notice.url))
        }
        Fact::Review(review) => {
            let decision = match review.decision {
                Decision::Confirmed => "确认",
                Decision::Dismissed => "排除",
            };
            ("review", review.at, format!("{decision} {} {}", review.finding, review.why))
        }
        Fact::Withdrawal(withdrawal) => ("withdrawal", withdrawal.at, format!("{} {}", withdrawal.of, withdrawal.why)),
        Fact::Lock(lock) => ("lock", lock.at, format!("{}{}", lock.host, lock.path)),
        Fact::Unlock(unlock) => ("unlock", unlock.at, format!("{}{} {}", unlock.host, unlock.path, unlock.why)),
        Fact::Suspension(suspension) => {
            ("suspension", suspension.at, format!("{} {}", suspension.unit, suspension.why))
        }
        Fact::Reinstatement(reinstatement) => {
            ("reinstatement", reinstatement.at, format!("{} {}", reinstatement.unit, reinstatement.why))
        }
        Fact::Termination(termination) => {
            ("termination", termination.at, format!("{} {}", termination.unit, termination.why))
        }
        Fact::Rectification(rectification) => {
            ("rectification", rectification.at, format!("{} {}", rectification.unit, rectification.id))
        }
        Fact::Change(_)
        | Fact::Commitment(_)
        | Fact::ControlPeriod(_)
        | Fact::EvidenceView(_)
        | Fact::PeriodEnd(_)
        | Fact::Person(_)
        | Fact::Sealing(_)
        | Fact::Service(_)
        | Fact::Site(_)
        | Fact::Unit(_)
        | Fact::Unsealing(_) => (entry.fact.kind(), entry.recorded, String::new()),
    };
    let text = text.trim().to_owned();
    TimelineEntry { seq: entry.seq, at, by: entry.by.clone(), step: step.to_owned(), text }
}

impl From<StoreError> for ReportError {
    fn from(error: StoreError) -> Self {
        Self(format!("the record could not be read: {error}"))
    }
}

//! Incidents at work: opened with their emergency measures in one step, by hand or by a rule; their clock
//! watched; every step on the record.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::{
    record::{PutError, Record},
    trouble::Trouble,
};
use crate::{
    base::{HostName, Timestamp},
    config::Incidents,
    domain::{
        incident::{Board, EmergencyLock, Incident, Phase, RuleOpening, Watch},
        record::{
            Entry, Fact, Finding, IncidentClose, IncidentKind, IncidentNote, IncidentOpen, IncidentScope, LockFact,
            LockScope, Notice, Suspension,
        },
    },
    store::{Query, Remembered, StoreError},
    telemetry::Metrics,
};

/// How often clocks and rules are looked at.
const TICK: Duration = Duration::from_secs(1);
/// Entries read at a time.
const BATCH: usize = 10_000;
/// Characters of a title or note at most.
const TEXT_MAX: usize = 4_000;
/// Units, sites, locks, findings of one incident at most, of each.
const CONCERNED_MAX: usize = 10_000;
/// Who opens incidents by a rule, and reminds.
const BY: &str = "policy";

/// What a person says who opens an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewIncident {
    /// Of what kind.
    pub kind: Option<IncidentKind>,
    /// What happened, in a line; empty only where a notice or finding says it.
    pub title: String,
    /// When it was noticed; without it when the notice became known, or now.
    pub at: Option<Timestamp>,
    /// Another deadline than that of the clock.
    pub deadline: Option<Timestamp>,
    /// The units concerned, beside those of the notices and findings.
    pub units: Vec<String>,
    /// The hosts concerned, beside those of the notices and findings.
    pub sites: Vec<String>,
    /// The notices and findings that it comes from.
    pub because: Vec<String>,
    /// What is locked at once.
    pub lock: Vec<IncidentScope>,
    /// The units that are suspended at once.
    pub suspend: Vec<String>,
}

/// What is answered to who opens an incident or adds to it, by its idempotency key.
pub(super) type IncidentAnswer<'a> = dyn Fn(&Incident) -> Option<(String, Remembered)> + 'a;

/// Opens an incident. Its locks and suspensions are in force when this returns, or nothing is.
pub fn open_incident(
    record: &Record,
    settings: &Incidents,
    by: &str,
    new: &NewIncident,
    now: Timestamp,
    answer: Option<&IncidentAnswer<'_>>,
) -> Result<Incident, PutError> {
    let keep = |entries: &[Entry]| answer?(&Incident::opened(entries.first()?)?);
    let draw = || drawn_up(record, settings, by, new, now).map(Cow::Owned);
    let entries = record.put_drawn(by, &draw, Some(&keep))?;
    entries.first().and_then(Incident::opened).ok_or_else(|| refused("the incident was not put on the record"))
}

/// Notes a step of an incident: `measure`, `note`, `notified`, or `reported`, which stops the clock.
pub fn note_incident(
    record: &Record,
    by: &str,
    id: &str,
    step: &str,
    text: &str,
    at: Timestamp,
    answer: Option<&IncidentAnswer<'_>>,
) -> Result<Incident, PutError> {
    if step != "reported" && !Incident::STEPS.contains(&step) {
        let known = Incident::STEPS.join(", ");
        return Err(refused(format!("{step:?} is no step of an incident; known are {known}, reported")));
    }
    let text = line("the text", text)?;
    let note = IncidentNote { incident: id.to_owned(), at, step: step.to_owned(), text };
    follow_up(record, by, id, Fact::IncidentNote(note), answer)
}

/// Ends an incident, and with it the legal hold. Locks and suspensions stay until somebody lifts them.
pub fn close_incident(
    record: &Record,
    by: &str,
    id: &str,
    conclusion: &str,
    at: Timestamp,
    answer: Option<&IncidentAnswer<'_>>,
) -> Result<Incident, PutError> {
    let conclusion = line("the conclusion", conclusion)?;
    let close = IncidentClose { incident: id.to_owned(), at, conclusion };
    follow_up(record, by, id, Fact::IncidentClose(close), answer)
}

/// Puts on the record what follows in an incident, which must not be over when it is put there.
fn follow_up(
    record: &Record,
    by: &str,
    id: &str,
    fact: Fact,
    answer: Option<&IncidentAnswer<'_>>,
) -> Result<Incident, PutError> {
    let known = RefCell::new(None);
    let followed = |entries: &[Entry]| {
        let mut incident: Incident = known.borrow().clone()?;
        entries.iter().for_each(|entry| incident.apply(entry));
        Some(incident)
    };
    let draw = || {
        let incident = running(record, id)?;
        let is_report = matches!(&fact, Fact::IncidentNote(note) if note.step == "reported");
        if is_report && incident.phase() == Phase::Reported {
            return Err(refused(format!("incident {id:?} was reported already; add a note instead")));
        }
        known.replace(Some(incident));
        Ok(Cow::Borrowed(std::slice::from_ref(&fact)))
    };
    let keep = |entries: &[Entry]| answer?(&followed(entries)?);
    let entries = record.put_drawn(by, &draw, Some(&keep))?;
    followed(&entries).ok_or_else(|| refused("the incident was not put on the record"))
}

/// An incident as the record tells it.
pub fn incident(record: &Record, id: &str) -> Result<Option<Incident>, StoreError> {
    let mut board = Board::default();
    let query = Query { kinds: Board::KINDS.to_vec(), subject: Some(id.to_owned()), ..Query::default() };
    each_entry(record, query, |entry| board.apply(entry))?;
    Ok(board.incident(id).cloned())
}

/// All incidents, by id.
pub fn incidents(record: &Record) -> Result<Board, StoreError> {
    let mut board = Board::default();
    each_entry(record, Query { kinds: Board::KINDS.to_vec(), ..Query::default() }, |entry| board.apply(entry))?;
    Ok(board)
}

/// Watches clocks and rules while the proxy runs.
pub struct IncidentDesk {
    record: Arc<Record>,
    settings: Incidents,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    board: Board,
    watch: Watch,
    /// The number of the last entry taken in.
    last: u64,
    started: bool,
    /// What could not be opened, told once.
    refused: BTreeSet<String>,
}

impl IncidentDesk {
    /// A desk that has looked at nothing yet.
    pub fn new(record: Arc<Record>, settings: Incidents, metrics: Arc<Metrics>) -> Self {
        let watch = Watch::new(settings.rules.clone());
        Self { record, settings, metrics, state: Mutex::new(State { watch, ..State::default() }) }
    }

    /// Takes in what is new on the record, opens what a rule wants opened, records the reminders that
    /// are due, and tells the metrics. Doing it twice does nothing more.
    pub fn tick(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.catch_up(&mut state, now)?;
        state.watch.forget(now);
        for (key, new) in state.watch.openings(&state.board, now).iter().map(by_rule).collect::<Vec<_>>() {
            if state.refused.contains(&key) {
                continue;
            }
            match open_incident(&self.record, &self.settings, BY, &new, now, None) {
                Ok(incident) => tracing::warn!(id = incident.open.id, title = incident.open.title, "incident opened"),
                Err(PutError::Store(error)) => return Err(error),
                Err(PutError::Refused(why)) => {
                    tracing::error!(title = new.title, why, "an incident could not be opened");
                    state.refused.insert(key);
                }
            }
        }
        self.catch_up(&mut state, now)?;
        let reminders: Vec<Fact> = state
            .board
            .open()
            .flat_map(|incident| {
                incident.due_reminders(now).into_iter().map(|reminder| {
                    let (step, text) = ("reminder".to_owned(), reminder.text());
                    Fact::IncidentNote(IncidentNote { incident: incident.open.id.clone(), at: now, step, text })
                })
            })
            .collect();
        if !reminders.is_empty() {
            match self.record.put(BY, &reminders) {
                Ok(_) => self.catch_up(&mut state, now)?,
                Err(PutError::Store(error)) => return Err(error),
                Err(PutError::Refused(why)) => tracing::error!(why, "a reminder could not be recorded"),
            }
        }
        self.metrics.set_incidents(state.board.open().count(), state.board.next_deadline());
        Ok(())
    }

    fn catch_up(&self, state: &mut State, now: Timestamp) -> Result<(), StoreError> {
        if !state.started {
            let head = self.record.store().entries(&Query { descending: true, limit: 1, ..Query::default() })?;
            let State { board, watch, last, .. } = state;
            let incidents = Query { kinds: Board::KINDS.to_vec(), ..Query::default() };
            each_entry(&self.record, incidents, |entry| board.apply(entry))?;
            // Findings that are too old for every rule are not read.
            let from = Some(watch.reaches_back_to(now));
            let watched = Query { kinds: Watch::KINDS.to_vec(), from, ..Query::default() };
            each_entry(&self.record, watched, |entry| watch.apply(entry))?;
            // What came meanwhile is read again, and counts once.
            *last = head.first().map_or(0, |entry| entry.seq);
            state.started = true;
            return Ok(());
        }
        let kinds = [Board::KINDS.as_slice(), Watch::KINDS.as_slice()].concat();
        let after = Some(state.last);
        let State { board, watch, last, .. } = state;
        each_entry(&self.record, Query { kinds, after, ..Query::default() }, |entry| {
            board.apply(entry);
            watch.apply(entry);
            *last = entry.seq;
        })
    }
}

/// Looks after incidents, for ever.
pub async fn keep_incidents(desk: Arc<IncidentDesk>, now: impl Fn() -> Timestamp) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut trouble = Trouble::with("incidents could not be looked after");
    loop {
        ticks.tick().await;
        let (desk, now) = (Arc::clone(&desk), now());
        trouble.note(spawn_blocking(move || desk.tick(now)).await);
    }
}

/// Asks for all entries of a query, however many.
pub(super) fn each_entry(record: &Record, mut query: Query, mut take: impl FnMut(&Entry)) -> Result<(), StoreError> {
    query.limit = BATCH;
    loop {
        let entries = record.store().entries(&query)?;
        entries.iter().for_each(&mut take);
        match entries.last() {
            Some(last) if entries.len() == BATCH => query.after = Some(last.seq),
            Some(_) | None => return Ok(()),
        }
    }
}

/// What an incident by a rule says, and what tells it from others.
fn by_rule(opening: &RuleOpening<'_>) -> (String, NewIncident) {
    let rule = opening.rule;
    let because: Vec<String> = opening.findings.iter().take(CONCERNED_MAX).map(|finding| finding.id.clone()).collect();
    let key = format!("{} {} {}", rule.name, opening.unit, because.join(" "));
    let scope = match rule.lock {
        EmergencyLock::None | EmergencyLock::Unit => None,
        EmergencyLock::Page => Some(LockScope::Page),
        EmergencyLock::Site => Some(LockScope::Site),
    };
    let mut lock: Vec<IncidentScope> =
        scope.into_iter().flat_map(|scope| opening.findings.iter().filter_map(move |it| scope_of(it, scope))).collect();
    lock.sort_by(|a, b| (&a.host, &a.path).cmp(&(&b.host, &b.path)));
    lock.dedup();
    lock.truncate(CONCERNED_MAX);
    let suspend = if rule.lock == EmergencyLock::Unit { vec![opening.unit.clone()] } else { Vec::new() };
    let new = NewIncident {
        kind: Some(rule.kind),
        title: format!("规则 {}：单位 {} 出现 {} 处有害信息", rule.name, opening.unit, opening.findings.len()),
        units: vec![opening.unit.clone()],
        because,
        lock,
        suspend,
        ..NewIncident::default()
    };
    (key, new)
}

/// The lock on the page or site of a finding.
fn scope_of(finding: &Finding, scope: LockScope) -> Option<IncidentScope> {
    let host = host_of_url(&finding.page)?;
    let path = match scope {
        LockScope::Page | LockScope::Directory => path_of(&finding.page),
        LockScope::Site => String::new(),
    };
    Some(IncidentScope { host: host.to_string(), path, scope })
}

/// The host of an address as people write it.
pub(super) fn host_of_url(url: &str) -> Option<HostName> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    HostName::parse_authority(authority).ok().map(|(host, _)| host)
}

/// Path and query of a URL.
fn path_of(url: &str) -> String {
    let behind = url.split_once("://").map_or(url, |(_, rest)| rest);
    behind.find('/').map_or("/", |at| &behind[at..]).to_owned()
}

/// The facts that open an incident, the opening first.
fn drawn_up(
    record: &Record,
    settings: &Incidents,
    by: &str,
    new: &NewIncident,
    now: Timestamp,
) -> Result<Vec<Fact>, PutError> {
    let mut title = new.title.trim().to_owned();
    let (mut units, mut sites) = (new.units.clone(), hosts(&new.sites)?);
    let mut known = None;
    for id in &new.because {
        if let Some(row) = record.store().finding(id).map_err(PutError::Store)? {
            units.push(row.finding.unit.clone());
            sites.extend(host_of_url(&row.finding.page).map(|host| host.to_string()));
        } else if let Some((notice, unit)) = notice(record, id)? {
            units.extend(unit);
            sites.extend(host_of_url(&notice.url).map(|host| host.to_string()));
            known = known.min(notice.recorded).or(notice.recorded);
            if title.is_empty() {
                title = format!("{}通报 {}", notice.authority, notice.document).trim().to_owned();
            }
        } else {
            return Err(refused(format!("there is no notice or finding {id:?} on the record")));
        }
    }
    let title = line("the title", &title)?;
    let (mut locked, mut seen) = (Vec::new(), BTreeSet::new());
    for lock in &new.lock {
        let host = host(&lock.host)?;
        let path = match lock.scope {
            LockScope::Site => String::new(),
            LockScope::Page => format!("/{}", lock.path.trim_start_matches('/')),
            LockScope::Directory => format!("/{}/", lock.path.trim_matches('/')).replace("//", "/"),
        };
        if seen.insert((host.clone(), path.clone(), lock.scope)) {
            sites.push(host.clone());
            locked.push(IncidentScope { host, path, scope: lock.scope });
        }
    }
    units.extend(new.suspend.iter().cloned());
    for list in [&mut units, &mut sites] {
        list.retain(|item| !item.is_empty());
        list.sort();
        list.dedup();
    }
    if units.len().max(sites.len()).max(locked.len()).max(new.because.len()) > CONCERNED_MAX {
        return Err(refused(format!(
            "more than {CONCERNED_MAX} units, sites, locks or findings; open several incidents"
        )));
    }
    let kind = new.kind.unwrap_or(IncidentKind::Content);
    let at = new.at.or(known).unwrap_or(now);
    if at > now.plus_millis(60_000) {
        return Err(refused("an incident cannot have been noticed in the future"));
    }
    let clock = i64::try_from(settings.clock(kind).as_millis()).unwrap_or(i64::MAX);
    let deadline = new.deadline.unwrap_or_else(|| at.plus_millis(clock));
    if deadline < at {
        return Err(refused("the deadline lies before the time at which it was noticed"));
    }
    let print = blake3::hash(format!("{by}\0{title}\0{at}\0{now}\0{units:?}\0{sites:?}\0{:?}", new.because).as_bytes());
    let id = format!("i-{}-{}", now.local_date().to_string().replace('-', ""), &print.to_hex()[..8]);
    let mut facts: Vec<Fact> = Vec::new();
    for lock in &locked {
        let (host, path) = (lock.host.clone(), lock.path.clone());
        facts.push(Fact::Lock(LockFact { host, path, scope: lock.scope, at: now, rules: Vec::new(), why: id.clone() }));
    }
    let mut suspend = new.suspend.clone();
    suspend.sort();
    suspend.dedup();
    for unit in suspend {
        facts.push(Fact::Suspension(Suspension { unit, kind: None, at: now, why: format!("{id}: {title}") }));
    }
    let because = new.because.clone();
    facts.insert(0, Fact::IncidentOpen(IncidentOpen { id, kind, title, at, deadline, units, sites, because, locked }));
    Ok(facts)
}

/// A notice on the record, and the unit that it is about.
fn notice(record: &Record, id: &str) -> Result<Option<(Notice, Option<String>)>, PutError> {
    let query = Query { kinds: vec!["notice"], subject: Some(id.to_owned()), limit: 1, ..Query::default() };
    let entry = record.store().entries(&query).map_err(PutError::Store)?.into_iter().next();
    let Some((recorded, Fact::Notice(mut notice))) = entry.map(|entry| (entry.recorded, entry.fact)) else {
        return Ok(None);
    };
    notice.recorded = notice.recorded.or(Some(recorded));
    let unit = service_unit(record, &notice.service).map_err(PutError::Store)?;
    Ok(Some((notice, unit)))
}

/// Who has a service now.
pub(super) fn service_unit(record: &Record, service: &str) -> Result<Option<String>, StoreError> {
    let query = Query {
        kinds: vec!["service"],
        service: Some(service.to_owned()),
        descending: true,
        limit: 1,
        ..Query::default()
    };
    let entry = record.store().entries(&query)?.into_iter().next();
    Ok(entry.and_then(|entry| if let Fact::Service(service) = entry.fact { Some(service.unit) } else { None }))
}

/// An incident that is not over.
fn running(record: &Record, id: &str) -> Result<Incident, PutError> {
    let found = incident(record, id).map_err(PutError::Store)?;
    let found =
        found.ok_or_else(|| refused(format!("there is no incident {id:?}; `zhamen incident list` lists them")))?;
    match &found.closed {
        Some(closed) => Err(refused(format!("incident {id:?} was closed at {}; open another one", closed.at))),
        None => Ok(found),
    }
}

fn hosts(texts: &[String]) -> Result<Vec<String>, PutError> {
    texts.iter().map(|text| host(text)).collect()
}

fn host(text: &str) -> Result<String, PutError> {
    HostName::parse(text).map(|host| host.to_string()).map_err(|_| refused(format!("{text:?} is no host name")))
}

fn line(what: &str, text: &str) -> Result<String, PutError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(refused(format!("{what} is missing; say in a line what happened")));
    }
    if text.chars().count() > TEXT_MAX {
        return Err(refused(format!("{what} is longer than {TEXT_MAX} characters")));
    }
    Ok(text.to_owned())
}

fn refused(why: impl Into<String>) -> PutError {
    PutError::Refused(why.into())
}

//! The record at work: what is put on it is checked against the ledger, stored, and in force when the
//! call returns.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::{clock::SystemClock, publish::Publisher, trouble::Trouble};
use crate::{
    base::{Clock, Timestamp},
    config::Config,
    domain::{
        record::{Entry, Fact, LockScope},
        registry::Registry,
        standing::{Ledger, PageKey, Standing},
    },
    store::{Answer, Append, Query, Seen, SpoolPosition, Sqlite, Store, StoreError},
};

/// How often it is looked what other processes wrote, and what time alone changed.
const FRESH_EVERY: Duration = Duration::from_millis(200);

/// Who the record says it was where the data plane saw something.
pub(super) const EDGE: &str = "edge";

/// The kind of entry that there may be millions of.
const FINDING: &str = "finding";

/// Who the record says it was where the registry's file said something.
const IMPORT: &str = "import";

/// Entries read at a time.
const BATCH: usize = 10_000;

/// What the delay of an owner's unlock grows with is not older.
const FOUND_LATELY_MILLIS: i64 = 2 * 86_400_000;

/// The store, the ledger computed from it, and the way to put what follows in force.
pub struct Record {
    store: Arc<dyn Store>,
    /// `None` where no proxy runs: on the command line.
    publisher: Option<Publisher>,
    clock: Arc<dyn Clock>,
    pages: Option<PageHook>,
    /// Whether the store took what was put in last.
    writable: AtomicBool,
    state: Mutex<State>,
}

/// Is told of each page that a person, or another process, locked or unlocked.
pub type PageHook = Box<dyn Fn(PageKey, PageOrder) + Send + Sync>;

/// What becomes of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageOrder {
    /// It is locked by these rules, none where a person did it, since then.
    Lock(Vec<Arc<str>>, Timestamp),
    /// It is read again when it is asked for next, from then on, and unlocked if it is clean.
    ReadAgain(Timestamp),
    /// It was read and found clean.
    Unlock,
}

struct State {
    ledger: Ledger,
    /// The number of the last entry taken in.
    last: u64,
    /// When time alone will change what is in force.
    next_change: Option<Timestamp>,
    /// The registry whose units and services are known.
    introduced: Option<Arc<Registry>>,
    introduction_failed: bool,
}

/// Why something was not put on the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutError {
    /// It makes no sense after what is there; says why and what to do.
    Refused(String),
    /// It could not be stored.
    Store(StoreError),
}

impl Record {
    /// Computes the ledger from the store and puts what follows in force.
    pub fn open(
        store: Arc<dyn Store>,
        ledger: Ledger,
        publisher: Option<Publisher>,
        pages: Option<PageHook>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let state = State { ledger, last: 0, next_change: None, introduced: None, introduction_failed: false };
        let writable = AtomicBool::new(!store.is_read_only());
        if store.is_read_only() && publisher.is_some() {
            tracing::error!(
                "the database cannot be written: what is on the record holds, nothing can be put on it, and what is \
                 found waits on disk; let the user that runs zhamen write the file and its directory, and restart"
            );
        }
        let record = Self { store, publisher, clock, pages, writable, state: Mutex::new(state) };
        let mut state = record.state();
        record.begin(&mut state)?;
        record.catch_up(&mut state)?;
        record.publish(&mut state);
        drop(state);
        record.introduce_in_force();
        Ok(record)
    }

    /// The record of an installation, for a command: a running proxy takes in what is put on it.
    pub fn beside(config: &Config) -> Result<Self, StoreError> {
        let store = Arc::new(Sqlite::open(&config.store.database)?);
        Self::open(store, Ledger::new(config.ledger.clone()), None, None, Arc::new(SystemClock))
    }

    /// The time by which entries are recorded.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Where it is kept.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Puts facts on the record, all or none. When it returns they are on disk, and every request that
    /// begins is decided by them.
    pub fn put(&self, by: &str, facts: &[Fact]) -> Result<Vec<Entry>, PutError> {
        self.put_drawn(by, &|| Ok(Cow::Borrowed(facts)), None)
    }

    /// Puts the facts on the record that `draw` draws up from what the store says, and with them the
    /// answer to who asked. `draw` is called again where another process wrote meanwhile: what is put
    /// always makes sense after all that is before it. It must not ask the ledger.
    pub fn put_drawn<'f>(
        &self,
        by: &str,
        draw: &dyn Fn() -> Result<Cow<'f, [Fact]>, PutError>,
        answer: Option<&Answer<'_>>,
    ) -> Result<Vec<Entry>, PutError> {
        let mut state = self.state();
        loop {
            self.catch_up(&mut state)?;
            let facts = draw()?;
            self.recall(&mut state.ledger, &facts)?;
            state.ledger.check_all(&facts).map_err(PutError::Refused)?;
            let mut append = Append::new(by, self.clock.now(), &facts).behind(state.last);
            if let Some(answer) = answer {
                append = append.answered(answer);
            }
            if let Some(entries) = self.told(self.store.append(&append))? {
                self.take_in(&mut state, &entries)?;
                self.order_pages(&entries);
                return Ok(entries);
            }
        }
    }

    /// Whether the store took what was put in last, or might take it.
    pub fn is_writable(&self) -> bool {
        self.writable.load(Ordering::Relaxed)
    }

    /// What waits for the record could not even be written down to wait.
    pub(super) fn is_not_written(&self) {
        self.writable.store(false, Ordering::Relaxed);
    }

    /// Notes whether the store takes anything.
    fn told<T>(&self, written: Result<T, StoreError>) -> Result<T, StoreError> {
        self.writable.store(written.is_ok(), Ordering::Relaxed);
        written
    }

    /// Puts facts on the record that follow from what the data plane saw, and leaves out what the ledger
    /// knows already or can make no sense of: a page that is found again is locked once.
    pub(super) fn put_seen(&self, facts: &[Fact]) -> Result<(), StoreError> {
        let mut state = self.state();
        loop {
            self.catch_up(&mut state)?;
            let mut news: Vec<_> = facts.iter().filter(|fact| state.ledger.check(fact).is_ok()).cloned().collect();
            for fact in facts {
                if let Fact::Lock(page) = fact {
                    news.extend(state.ledger.escalation(page).into_iter().map(Fact::Lock));
                }
            }
            if news.is_empty() {
                return Ok(());
            }
            let append = Append::new(EDGE, self.clock.now(), &news).behind(state.last);
            if let Some(entries) = self.told(self.store.append(&append))? {
                return self.take_in(&mut state, &entries);
            }
        }
    }

    /// Puts findings on the record that are new, and counts those that are not. `spooled`: everything
    /// before this place in the spool is on the record with these.
    pub(super) fn put_findings(&self, seen: &Seen, spooled: SpoolPosition) -> Result<(), StoreError> {
        let mut state = self.state();
        self.catch_up(&mut state)?;
        let entries = self.told(self.store.record_findings(EDGE, self.clock.now(), seen, Some(spooled)))?;
        self.take_in(&mut state, &entries)
    }

    /// What is in force now.
    pub fn standing(&self) -> Standing {
        self.state().ledger.in_force(self.clock.now())
    }

    /// Makes the units and services of a registry known that are not, or no longer so.
    pub fn introduce(&self, registry: &Arc<Registry>) -> Result<(), PutError> {
        let facts = self.with_ledger(|ledger| ledger.introduce(registry.sites()));
        if facts.is_empty() {
            return Ok(());
        }
        self.put(IMPORT, &facts).map(|_| ())
    }

    /// Makes known what the registry in force names, if it was not looked at yet.
    fn introduce_in_force(&self) {
        let Some(publisher) = &self.publisher else { return };
        let registry = Arc::clone(&publisher.in_force().registry);
        let is_seen = |seen: &Arc<Registry>| Arc::ptr_eq(seen, &registry);
        if self.state().introduced.as_ref().is_some_and(is_seen) {
            return;
        }
        let result = self.introduce(&registry);
        let mut state = self.state();
        match result {
            Ok(()) => (state.introduced, state.introduction_failed) = (Some(registry), false),
            // It is tried again, and told once.
            Err(error) if !state.introduction_failed => {
                tracing::error!(%error, "units and services could not be put on the record");
                state.introduction_failed = true;
            }
            Err(_) => {}
        }
    }

    /// Asks the ledger.
    pub fn with_ledger<R>(&self, ask: impl FnOnce(&Ledger) -> R) -> R {
        ask(&self.state().ledger)
    }

    /// Takes in what other processes put on the record, and what time alone changed.
    pub fn refresh(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        let before = state.last;
        self.catch_up(&mut state)?;
        if state.last != before || state.next_change.is_some_and(|at| at <= self.clock.now()) {
            self.publish(&mut state);
        }
        drop(state);
        self.introduce_in_force();
        Ok(())
    }

    /// Takes in what has just been put. Where another process put something between the last look and
    /// this, all of it is read.
    fn take_in(&self, state: &mut State, entries: &[Entry]) -> Result<(), StoreError> {
        let Some(first) = entries.first() else { return Ok(()) };
        if first.seq != state.last + 1 {
            self.catch_up(state)?;
        } else {
            for entry in entries {
                state.ledger.apply(entry);
                state.last = entry.seq;
            }
        }
        self.publish(state);
        Ok(())
    }

    /// Begins with what counts: of findings those that somebody reviewed or withdrew, unless bare ones are
    /// strikes. The others may be millions, and are recalled where a fact names them.
    fn begin(&self, state: &mut State) -> Result<(), StoreError> {
        if state.ledger.policy().strikes.bare {
            return Ok(());
        }
        let Some(last) = self.last_entry()? else { return Ok(()) };
        let State { ledger, last: taken_in, .. } = state;
        self.store.each_settled_finding(&mut |finding, recorded| ledger.recall(finding, recorded))?;
        let lately = last.recorded.max(self.clock.now()).plus_millis(-FOUND_LATELY_MILLIS);
        self.store.each_finding_since(lately, &mut |host, at| ledger.found(host, at))?;
        let kinds: Vec<&str> = Fact::KINDS.into_iter().filter(|&kind| kind != FINDING).collect();
        let mut query = Query { kinds, limit: BATCH, ..Query::default() };
        loop {
            let entries = self.store.entries(&query)?;
            query.after = entries.last().map(|entry| entry.seq);
            let known = entries.partition_point(|entry| entry.seq <= last.seq);
            self.order_pages(&entries[..known]);
            entries[..known].iter().for_each(|entry| ledger.apply(entry));
            if known < BATCH {
                break;
            }
        }
        ledger.reach(last.recorded);
        *taken_in = last.seq;
        Ok(())
    }

    fn last_entry(&self) -> Result<Option<Entry>, StoreError> {
        Ok(self.store.entries(&Query { descending: true, limit: 1, ..Query::default() })?.pop())
    }

    /// Makes the ledger know the findings that facts name and that it left out when it began.
    fn recall(&self, ledger: &mut Ledger, facts: &[Fact]) -> Result<(), StoreError> {
        for id in facts.iter().filter_map(Fact::case) {
            if ledger.is_known_case(id) {
                continue;
            }
            let query = Query { kinds: vec![FINDING], subject: Some(id.to_owned()), limit: 1, ..Query::default() };
            for entry in self.store.entries(&query)? {
                if let Fact::Finding(finding) = &entry.fact {
                    ledger.recall(finding, entry.recorded);
                }
            }
        }
        Ok(())
    }

    fn order_pages(&self, entries: &[Entry]) {
        let Some(pages) = &self.pages else { return };
        for entry in entries {
            if let Fact::Lock(lock) = &entry.fact
                && lock.scope == LockScope::Page
            {
                let rules = lock.rules.iter().map(|rule| rule.as_str().into()).collect();
                pages(page_key(&lock.host, &lock.path), PageOrder::Lock(rules, lock.at));
            } else if let Fact::Unlock(unlock) = &entry.fact
                && unlock.scope == LockScope::Page
            {
                let order = if entry.by == EDGE { PageOrder::Unlock } else { PageOrder::ReadAgain(unlock.at) };
                pages(page_key(&unlock.host, &unlock.path), order);
            }
        }
    }

    fn catch_up(&self, state: &mut State) -> Result<(), StoreError> {
        loop {
            let query = Query { after: Some(state.last), limit: BATCH, ..Query::default() };
            let entries = self.store.entries(&query)?;
            self.order_pages(&entries);
            for entry in &entries {
                self.recall(&mut state.ledger, std::slice::from_ref(&entry.fact))?;
                state.ledger.apply(entry);
                state.last = entry.seq;
            }
            if entries.len() < BATCH {
                return Ok(());
            }
        }
    }

    fn publish(&self, state: &mut State) {
        if let Some(publisher) = &self.publisher {
            let standing = Arc::new(state.ledger.in_force(self.clock.now()));
            state.next_change = standing.next_change();
            publisher.publish(|next| next.standing = standing);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn page_key(host: &str, target: &str) -> PageKey {
    PageKey { host: host.into(), target: target.into() }
}

/// Keeps the ledger up with other processes and with the time, for ever.
pub async fn keep_fresh(record: Arc<Record>) {
    let mut ticks = interval(FRESH_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut trouble = Trouble::with("the record could not be read");
    loop {
        ticks.tick().await;
        let record = Arc::clone(&record);
        trouble.note(spawn_blocking(move || record.refresh()).await);
    }
}

impl fmt::Display for PutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => f.write_str(why),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PutError {}

impl From<StoreError> for PutError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[cfg(test)]
mod tests;

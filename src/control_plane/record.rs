//! The record at work: what is put on it is checked against the ledger, stored, and in force when the
//! call returns.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::publish::Publisher;
use crate::{
    base::{Clock, Timestamp},
    domain::{
        record::{Entry, Fact},
        standing::Ledger,
    },
    store::{Query, Store, StoreError},
};

/// How often it is looked what other processes wrote, and what time alone changed.
const FRESH_EVERY: Duration = Duration::from_millis(200);

/// Entries read at a time.
const BATCH: usize = 10_000;

/// The store, the ledger computed from it, and the way to put what follows in force.
pub struct Record {
    store: Arc<dyn Store>,
    /// `None` where no proxy runs: on the command line.
    publisher: Option<Publisher>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    ledger: Ledger,
    /// The number of the last entry taken in.
    last: u64,
    /// When time alone will change what is in force.
    next_change: Option<Timestamp>,
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
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let record = Self { store, publisher, clock, state: Mutex::new(State { ledger, last: 0, next_change: None }) };
        let mut state = record.state();
        record.catch_up(&mut state)?;
        record.publish(&mut state);
        drop(state);
        Ok(record)
    }

    /// Where it is kept.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Puts facts on the record, all or none. When it returns they are on disk, and every request that
    /// begins is decided by them.
    pub fn put(&self, by: &str, facts: &[Fact]) -> Result<Vec<Entry>, PutError> {
        let mut state = self.state();
        // Another process (the command line) may have written meanwhile.
        self.catch_up(&mut state).map_err(PutError::Store)?;
        state.ledger.check_all(facts).map_err(PutError::Refused)?;
        let entries = self.store.append(by, self.clock.now(), facts).map_err(PutError::Store)?;
        for entry in &entries {
            state.ledger.apply(entry);
            state.last = entry.seq;
        }
        self.publish(&mut state);
        Ok(entries)
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
        Ok(())
    }

    fn catch_up(&self, state: &mut State) -> Result<(), StoreError> {
        loop {
            let query = Query { after: Some(state.last), limit: BATCH, ..Query::default() };
            let entries = self.store.entries(&query)?;
            for entry in &entries {
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

/// Keeps the ledger up with other processes and with the time, for ever.
pub async fn keep_fresh(record: Arc<Record>) {
    let mut ticks = interval(FRESH_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let record = Arc::clone(&record);
        match spawn_blocking(move || record.refresh()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the record could not be read"),
            Err(error) => tracing::error!(%error, "the record could not be read"),
        }
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

//! The pages that are locked now. Bounded: when there are too many, the oldest lock goes.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use dashmap::{DashMap, Entry};

use crate::{
    base::Timestamp,
    domain::standing::{Lock, PageKey},
};

/// All locks, shared by all workers. No guard of the map leaves this file.
#[derive(Debug, Default)]
pub struct PageLocks {
    locks: DashMap<PageKey, (u64, Lock)>,
    /// Locks in the order in which they were set; an entry whose number is no longer the lock's is stale.
    order: Mutex<VecDeque<(u64, PageKey)>>,
    next: AtomicU64,
    locked: AtomicUsize,
}

impl PageLocks {
    /// No locks.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of locked pages.
    pub fn len(&self) -> usize {
        self.locked.load(Ordering::Relaxed)
    }

    /// Whether no page is locked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The lock on a page.
    pub fn look_up(&self, page: &PageKey) -> Option<Lock> {
        self.locks.get(page).map(|entry| entry.1.clone())
    }

    /// Locks a page, or locks it anew; at most `locks_max` pages stay locked.
    pub fn lock(&self, page: PageKey, lock: Lock, locks_max: usize) {
        let number = match self.locks.entry(page.clone()) {
            Entry::Occupied(mut entry) => {
                // What locked it stays on record where the new reading found no rule, say on an error page.
                let known = &mut entry.get_mut().1;
                let rules = if lock.rules.is_empty() { std::mem::take(&mut known.rules) } else { lock.rules };
                *known = Lock { since: known.since, recheck_at: lock.recheck_at, rules };
                return;
            }
            Entry::Vacant(entry) => {
                let number = self.next.fetch_add(1, Ordering::Relaxed);
                entry.insert((number, lock));
                number
            }
        };
        self.locked.fetch_add(1, Ordering::Relaxed);
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        order.push_back((number, page));
        while self.len() > locks_max.max(1) {
            let Some((number, page)) = order.pop_front() else { break };
            self.remove(&page, Some(number));
        }
        if order.len() > 2 * locks_max.max(1) {
            order.retain(|(number, page)| self.locks.get(page).is_some_and(|entry| entry.0 == *number));
        }
    }

    /// Puts the next reading of a locked page off, so that one request at a time reads it again.
    pub fn postpone(&self, page: &PageKey, now: Timestamp, recheck: Duration) {
        if let Some(mut entry) = self.locks.get_mut(page) {
            entry.1.recheck_at = later(now, recheck);
        }
    }

    /// Takes the lock off a page.
    pub fn unlock(&self, page: &PageKey) {
        self.remove(page, None);
    }

    /// Lets the next request for a locked page read it again, from `at` on.
    pub fn read_again(&self, page: &PageKey, at: Timestamp) {
        self.postpone(page, at, Duration::ZERO);
    }

    fn remove(&self, page: &PageKey, number: Option<u64>) {
        let is_meant = |_: &PageKey, entry: &(u64, Lock)| number.is_none_or(|number| entry.0 == number);
        if self.locks.remove_if(page, is_meant).is_some() {
            self.locked.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A moment so much later.
pub(super) fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.plus_millis(i64::try_from(by.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Lock, PageKey, PageLocks, Timestamp};

    fn page(name: &str) -> PageKey {
        PageKey { host: "a.cn".into(), target: name.into() }
    }

    fn lock(at: i64) -> Lock {
        Lock { since: Timestamp(at), recheck_at: Timestamp(at + 10), rules: vec!["r".into()] }
    }

    #[test]
    fn the_oldest_lock_goes() {
        let locks = PageLocks::new();
        for (at, name) in ["/1", "/2", "/3"].into_iter().enumerate() {
            locks.lock(page(name), lock(at as i64), 2);
        }
        assert_eq!(locks.len(), 2);
        assert!(locks.look_up(&page("/1")).is_none() && locks.look_up(&page("/3")).is_some());
    }

    #[test]
    fn a_lock_set_anew_after_an_unlock_is_a_young_one() {
        let locks = PageLocks::new();
        locks.lock(page("/1"), lock(1), 2);
        locks.unlock(&page("/1"));
        assert!(locks.is_empty());
        locks.lock(page("/2"), lock(2), 2);
        locks.lock(page("/1"), lock(3), 2);
        locks.lock(page("/3"), lock(4), 2);
        assert!(locks.look_up(&page("/2")).is_none(), "the oldest that is still locked");
        assert!(locks.look_up(&page("/1")).is_some());
    }

    #[test]
    fn locking_again_keeps_the_beginning() {
        let locks = PageLocks::new();
        locks.lock(page("/1"), lock(1), 9);
        locks.lock(page("/1"), lock(5), 9);
        locks.postpone(&page("/1"), Timestamp(20), Duration::from_millis(7));
        let found = locks.look_up(&page("/1")).unwrap();
        assert_eq!((found.since, found.recheck_at), (Timestamp(1), Timestamp(27)));
    }
}

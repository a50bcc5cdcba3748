//! One budget for all the bytes that are held back while they wait for a verdict.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// A shared limit in bytes. Clones draw on the same budget.
#[derive(Clone, Debug)]
pub struct MemoryBudget(Arc<Account>);

#[derive(Debug)]
struct Account {
    bytes_max: AtomicUsize,
    bytes_used: AtomicUsize,
}

impl MemoryBudget {
    /// A budget of at most `bytes_max` bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self(Arc::new(Account { bytes_max: AtomicUsize::new(bytes_max), bytes_used: AtomicUsize::new(0) }))
    }

    /// The bytes charged now.
    pub fn used(&self) -> usize {
        self.0.bytes_used.load(Ordering::Relaxed)
    }

    /// The limit now in force.
    pub fn limit(&self) -> usize {
        self.0.bytes_max.load(Ordering::Relaxed)
    }

    /// Changes the limit; what is charged beyond a lower one stays until it is released.
    pub fn set_limit(&self, bytes_max: usize) {
        self.0.bytes_max.store(bytes_max, Ordering::Relaxed);
    }

    /// An account on this budget with nothing charged yet.
    pub fn charge(&self) -> Charge {
        Charge { account: Arc::clone(&self.0), bytes: 0 }
    }
}

/// Bytes charged to a [`MemoryBudget`], given back on drop.
#[derive(Debug)]
pub struct Charge {
    account: Arc<Account>,
    bytes: usize,
}

impl Charge {
    /// Charges `bytes` more, or charges nothing and says `false` if the budget does not allow it.
    #[must_use]
    pub fn grow(&mut self, bytes: usize) -> bool {
        let limit = self.account.bytes_max.load(Ordering::Relaxed);
        let grown = self.account.bytes_used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|&sum| sum <= limit)
        });
        if grown.is_ok() {
            self.bytes += bytes;
        }
        grown.is_ok()
    }

    /// Gives `bytes` back.
    pub fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.account.bytes_used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// The bytes charged on this account.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.shrink(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::MemoryBudget;

    #[test]
    fn what_is_charged_comes_back() {
        let budget = MemoryBudget::new(10);
        let mut one = budget.charge();
        let mut two = budget.charge();
        assert!(one.grow(7));
        assert!(!two.grow(4), "the budget is shared");
        assert!(two.grow(3));
        one.shrink(2);
        assert_eq!(budget.used(), 8);
        drop((one, two));
        assert_eq!(budget.used(), 0);
    }
}

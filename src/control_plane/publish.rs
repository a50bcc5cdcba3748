//! The one way by which something comes into force.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::domain::snapshot::Snapshot;

/// Swaps the snapshot. Its writers (reload, record) come one after the other, so that none undoes what
/// another one did.
#[derive(Clone)]
pub struct Publisher {
    snapshot: Arc<ArcSwap<Snapshot>>,
    writing: Arc<Mutex<()>>,
}

impl Publisher {
    /// Publishes to whoever reads `snapshot`.
    pub fn new(snapshot: Arc<ArcSwap<Snapshot>>) -> Self {
        Self { snapshot, writing: Arc::default() }
    }

    /// What is in force.
    pub fn in_force(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Changes the next generation and puts it in force; every request that begins after this returns is
    /// decided by it. `change` should be quick.
    pub fn publish(&self, change: impl FnOnce(&mut Snapshot)) -> u64 {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Snapshot::clone(&self.snapshot.load());
        change(&mut next);
        next.generation += 1;
        let generation = next.generation;
        self.snapshot.store(Arc::new(next));
        generation
    }
}

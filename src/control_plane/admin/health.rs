//! Whether Zhamen is fit to take requests.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether Zhamen is fit to take requests.
#[derive(Debug, Default)]
pub struct Health {
    registry_loaded: AtomicBool,
    draining: AtomicBool,
}

impl Health {
    /// A registry is in force.
    pub fn set_registry_loaded(&self, loaded: bool) {
        self.registry_loaded.store(loaded, Ordering::Relaxed);
    }

    /// Zhamen is stopping: load balancers should look elsewhere.
    pub fn set_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Why Zhamen is not ready; empty if it is.
    pub fn missing(&self) -> Vec<&'static str> {
        let registry = !self.registry_loaded.load(Ordering::Relaxed);
        let draining = self.draining.load(Ordering::Relaxed);
        [(registry, "the registry could not be read yet"), (draining, "Zhamen is stopping")]
            .into_iter()
            .filter_map(|(holds, why)| holds.then_some(why))
            .collect()
    }
}

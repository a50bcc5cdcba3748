//! The way up for what the record wants to know: bounded, and particular about what it drops.
//!
//! There are two queues. What is seen goes into the first. When that is full, a finding that may become
//! a strike goes into the second one without its body, which is much longer; anything else is dropped
//! and counted. Where the operator chose `protect`, new requests are refused while the first is full.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::mpsc::{Receiver, Sender, channel, error::TrySendError};

use crate::domain::observation::Observation;

/// Findings without bodies that the second queue takes for each place in the first.
const RESERVE: usize = 16;

/// Puts observations into the queues; never blocks, never waits.
#[derive(Clone, Debug)]
pub struct ObservationSender {
    first: Sender<Observation>,
    reserve: Sender<Observation>,
    protect: bool,
    lost: Arc<Lost>,
}

/// Takes observations out of the queues; there is one.
#[derive(Debug)]
pub struct ObservationReceiver {
    first: Receiver<Observation>,
    reserve: Receiver<Observation>,
}

/// What was not taken.
#[derive(Debug, Default)]
pub struct Lost {
    dropped: AtomicU64,
    bodies: AtomicU64,
}

/// A finding could not be taken, not even without its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Queues of so many observations. `protect`: [`ObservationSender::refuses`] while the first is full.
pub fn observations(capacity: usize, protect: bool) -> (ObservationSender, ObservationReceiver) {
    let (first, first_out) = channel(capacity.max(1));
    let (reserve, reserve_out) = channel(capacity.max(1) * RESERVE);
    let sender = ObservationSender { first, reserve, protect, lost: Arc::default() };
    (sender, ObservationReceiver { first: first_out, reserve: reserve_out })
}

impl ObservationSender {
    /// Hands an observation up. An error means that a finding which may become a strike found no place:
    /// the response that it is about must not pass.
    pub fn send(&self, observation: Observation) -> Result<(), Full> {
        let Err(TrySendError::Full(mut observation) | TrySendError::Closed(mut observation)) =
            self.first.try_send(observation)
        else {
            return Ok(());
        };
        match &mut observation {
            Observation::Found(found) if found.counts() => {
                found.response.forget_body();
                self.lost.bodies.fetch_add(1, Ordering::Relaxed);
            }
            Observation::Locked { .. } | Observation::Unlocked { .. } => {}
            Observation::Found(_) | Observation::HomePage(_) => {
                self.lost.dropped.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
        }
        self.reserve.try_send(observation).map_err(|_| {
            self.lost.dropped.fetch_add(1, Ordering::Relaxed);
            Full
        })
    }

    /// Whether new requests are to be refused until there is place again.
    pub fn refuses(&self) -> bool {
        self.protect && self.first.capacity() == 0
    }

    /// What was not taken so far.
    pub fn lost(&self) -> Arc<Lost> {
        Arc::clone(&self.lost)
    }
}

impl ObservationReceiver {
    /// The next observation, waiting on this thread (outside any runtime); `None` when every sender is
    /// gone and the queues are empty.
    pub fn next_blocking(&mut self) -> Option<Observation> {
        if let Some(observation) = self.next_if_any() {
            return Some(observation);
        }
        // The second queue fills only while the first is full, so waiting for the first misses nothing.
        self.first.blocking_recv().or_else(|| self.next_if_any())
    }

    /// The next observation if there is one now.
    pub fn next_if_any(&mut self) -> Option<Observation> {
        self.reserve.try_recv().or_else(|_| self.first.try_recv()).ok()
    }

    /// Whether every sender is gone and the queues are empty.
    pub fn is_ended(&self) -> bool {
        self.first.is_closed() && self.first.is_empty() && self.reserve.is_empty()
    }
}

impl Lost {
    /// Observations dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Findings whose evidence was dropped so far.
    pub fn bodies(&self) -> u64 {
        self.bodies.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::{Full, RESERVE, observations};
    use crate::{
        base::Timestamp,
        domain::{observation::Observation, standing::PageKey},
    };

    fn lock() -> Observation {
        let page = PageKey { host: "a.cn".into(), target: "/".into() };
        Observation::Locked { page, rules: Vec::new(), at: Timestamp(0) }
    }

    #[test]
    fn what_counts_has_a_reserve() {
        let (sender, mut receiver) = observations(2, true);
        assert!(!sender.refuses());
        for _ in 0..2 + 2 * RESERVE {
            assert_eq!(sender.send(lock()), Ok(()));
        }
        assert!(sender.refuses());
        assert_eq!(sender.send(lock()), Err(Full));
        assert_eq!(sender.lost().dropped(), 1);
        drop(sender);
        let mut taken = 0;
        while receiver.next_blocking().is_some() {
            taken += 1;
        }
        assert_eq!(taken, 2 + 2 * RESERVE);
    }
}

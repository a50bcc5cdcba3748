//! The way up: a bounded queue of events. A full queue drops the event and counts it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::mpsc;

use crate::domain::event::Event;

/// Puts events into the queue; never blocks, never waits.
#[derive(Clone, Debug)]
pub struct EventSender {
    sender: mpsc::Sender<Event>,
    dropped: Dropped,
}

/// Takes events out of the queue; there is one.
#[derive(Debug)]
pub struct EventReceiver {
    receiver: mpsc::Receiver<Event>,
    dropped: Dropped,
}

/// How many events were dropped because the queue was full. Clones read the same count.
#[derive(Clone, Debug, Default)]
pub struct Dropped(Arc<AtomicU64>);

/// A queue of at most `capacity` events.
pub fn queue(capacity: usize) -> (EventSender, EventReceiver) {
    let (sender, receiver) = mpsc::channel(capacity.max(1));
    let dropped = Dropped::default();
    (EventSender { sender, dropped: dropped.clone() }, EventReceiver { receiver, dropped })
}

impl EventSender {
    /// Puts an event into the queue, or drops and counts it if the queue is full.
    pub fn send(&self, event: Event) {
        if self.sender.try_send(event).is_err() {
            self.dropped.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl EventReceiver {
    /// The next event, waiting on this thread (outside any runtime); `None` when every sender is
    /// gone and the queue is empty.
    pub fn next_blocking(&mut self) -> Option<Event> {
        self.receiver.blocking_recv()
    }

    /// The next event if there is one now.
    pub fn next_if_any(&mut self) -> Option<Event> {
        self.receiver.try_recv().ok()
    }

    /// The count of dropped events.
    pub fn dropped(&self) -> Dropped {
        self.dropped.clone()
    }
}

impl Dropped {
    /// Events dropped so far.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::queue;
    use crate::{
        base::Timestamp,
        domain::{event::Event, standing::PageKey},
    };

    #[test]
    fn a_full_queue_drops_and_counts() {
        let (sender, mut receiver) = queue(2);
        for _ in 0..5 {
            let page = PageKey { host: "a.cn".into(), target: "/".into() };
            sender.send(Event::PageUnlocked { page, at: Timestamp(0) });
        }
        assert_eq!(receiver.dropped().count(), 3);
        drop(sender);
        assert!(receiver.next_if_any().is_some());
        assert!(receiver.next_blocking().is_some());
        assert!(receiver.next_blocking().is_none());
    }
}

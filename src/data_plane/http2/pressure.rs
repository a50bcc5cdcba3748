//! How much of all streams of a connection has been handed over and not yet written. A client that reads
//! slowly costs this much and no more, however many streams it opens.

use std::{cell::Cell, cell::RefCell, task::Waker};

/// Bytes of all streams that wait for the socket, at most; then the streams wait.
const UNSENT_BYTES_MAX: usize = 192 << 10;
/// Texts that are held, or wait for the client, at most; then others wait before they are read.
const TEXTS_MAX: usize = 8;

/// Shared by the transport, which writes, and the streams, which wait.
#[derive(Default)]
pub(super) struct Pressure {
    unsent_bytes: Cell<usize>,
    texts: Cell<usize>,
    waiting: RefCell<Vec<Waker>>,
}

impl Pressure {
    /// Whether a stream has to wait.
    pub(super) fn is_full(&self) -> bool {
        self.unsent_bytes.get() >= UNSENT_BYTES_MAX
    }

    /// Wakes this waiter once there is room again.
    pub(super) fn wait(&self, waker: &Waker) {
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|other| other.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    /// Bytes have been handed over.
    pub(super) fn add(&self, bytes: usize) {
        self.unsent_bytes.set(self.unsent_bytes.get() + bytes);
    }

    /// Bytes have been written.
    pub(super) fn written(&self, bytes: usize) {
        self.set(self.unsent_bytes.get().saturating_sub(bytes));
    }

    /// Bytes that have been handed over and not been written.
    pub(super) fn unsent_bytes(&self) -> usize {
        self.unsent_bytes.get()
    }

    /// Whether another text may be held.
    pub(super) fn takes_texts(&self) -> bool {
        self.texts.get() < TEXTS_MAX
    }

    /// A text is held, or waits for the client.
    pub(super) fn add_text(&self) {
        self.texts.set(self.texts.get() + 1);
    }

    /// It is not any more.
    pub(super) fn text_went_on(&self) {
        self.texts.set(self.texts.get() - 1);
        self.wake();
    }

    /// Nothing waits for the socket.
    pub(super) fn clear(&self) {
        self.set(0);
    }

    fn set(&self, unsent_bytes: usize) {
        self.unsent_bytes.set(unsent_bytes);
        if unsent_bytes < UNSENT_BYTES_MAX {
            self.wake();
        }
    }

    fn wake(&self) {
        self.waiting.borrow_mut().drain(..).for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Wake, Waker},
    };

    use super::{Pressure, UNSENT_BYTES_MAX};

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn streams_wait_while_the_socket_takes_nothing() {
        let (pressure, count) = (Pressure::default(), Arc::new(Count(AtomicUsize::new(0))));
        let waker = Waker::from(Arc::clone(&count));
        pressure.add(UNSENT_BYTES_MAX);
        assert!(pressure.is_full());
        pressure.wait(&waker);
        pressure.wait(&waker);
        pressure.written(1);
        assert_eq!((pressure.is_full(), count.0.load(Ordering::Relaxed)), (false, 1));
        pressure.add(UNSENT_BYTES_MAX);
        pressure.clear();
        assert!(!pressure.is_full());
    }
}

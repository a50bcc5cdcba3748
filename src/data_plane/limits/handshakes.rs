//! TLS handshakes in turn. The costly step of a handshake (a signature, a key exchange) takes about as long
//! as a hundred requests. A worker takes one such step, then lets everything else run that can, so that a
//! flood of handshakes delays requests by one step and not by all of them.

use std::cell::Cell;

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::yield_now,
};

/// The queue for the costly step.
pub(in crate::data_plane) struct Turns {
    turn: Semaphore,
    waiting: Cell<usize>,
}

/// One in the queue, until it is dropped.
struct Waiting<'a>(&'a Cell<usize>);

impl Turns {
    /// An empty queue.
    pub(in crate::data_plane) fn new() -> Self {
        Self { turn: Semaphore::new(1), waiting: Cell::new(0) }
    }

    /// Takes a step when it is its turn; `None`: the queue is longer than `most`.
    pub(in crate::data_plane) async fn take<T>(&self, most: usize, step: impl Future<Output = T>) -> Option<T> {
        let _permit = self.wait(most).await?;
        let done = step.await;
        yield_now().await;
        Some(done)
    }

    async fn wait(&self, most: usize) -> Option<SemaphorePermit<'_>> {
        if let Ok(permit) = self.turn.try_acquire() {
            return Some(permit);
        }
        if self.waiting.get() >= most {
            return None;
        }
        self.waiting.set(self.waiting.get() + 1);
        let _waiting = Waiting(&self.waiting);
        self.turn.acquire().await.ok()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use tokio::task::{LocalSet, spawn_local, yield_now};

    use super::Turns;

    #[tokio::test]
    async fn one_step_at_a_time_and_no_more_in_the_queue_than_may_be() {
        let tasks = LocalSet::new();
        let tried = tasks.run_until(async {
            let (turns, steps) = (Rc::new(Turns::new()), Rc::new(Cell::new(0)));
            let tasks: Vec<_> = (0..10)
                .map(|_| {
                    let (turns, steps) = (Rc::clone(&turns), Rc::clone(&steps));
                    spawn_local(async move { turns.take(5, async { steps.set(steps.get() + 1) }).await.is_some() })
                })
                .collect();
            yield_now().await;
            assert_eq!(steps.get(), 1, "the others wait");
            let mut taken = 0;
            for task in tasks {
                taken += usize::from(task.await.unwrap());
            }
            (taken, steps.get(), turns.waiting.get())
        });
        assert_eq!(tried.await, (6, 6, 0));
    }
}

//! One timer for all that is waited for on a connection. Waits are many and short, and their ends seldom come:
//! the timer stands at the first that might, and is not moved for those that come later.

use std::{cell::RefCell, future::poll_fn, pin::Pin, pin::pin, task::Context, task::Poll, task::ready};

use tokio::time::{Instant, Sleep, sleep_until};

/// The timer; none until something had to be waited for.
#[derive(Debug, Default)]
pub(super) struct Watchdog(RefCell<Option<Pin<Box<Sleep>>>>);

impl Watchdog {
    /// Waits for `step`; `None`: it did not come until `deadline`. One wait at a time.
    pub(super) async fn until<T>(&self, deadline: Instant, step: impl Future<Output = T>) -> Option<T> {
        let mut step = pin!(step);
        poll_fn(|context| match step.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => self.poll_end(deadline, context).map(|()| None),
        })
        .await
    }

    fn poll_end(&self, deadline: Instant, context: &mut Context<'_>) -> Poll<()> {
        let mut timer = self.0.borrow_mut();
        let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        loop {
            ready!(timer.as_mut().poll(context));
            if timer.deadline() == deadline || Instant::now() >= deadline {
                return Poll::Ready(());
            }
            // That was the end of a wait before.
            timer.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use tokio::time::{Instant, sleep_until};

    use super::Watchdog;

    #[test]
    fn every_wait_ends_at_its_own_time() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (watchdog, start) = (Watchdog::default(), Instant::now());
            let at = |millis| start + Duration::from_millis(millis);
            // Earlier than the timer stands, and later; and what comes first is not waited beyond.
            assert_eq!(watchdog.until(at(60_000), async { 7 }).await, Some(7));
            assert_eq!(watchdog.until(at(60_000), sleep_until(at(5))).await, Some(()));
            for millis in [20, 40, 60] {
                assert!(watchdog.until(at(millis), pending::<()>()).await.is_none());
                assert!(Instant::now() >= at(millis));
                assert_eq!(watchdog.until(at(millis + 60_000), sleep_until(at(millis + 5))).await, Some(()));
            }
            assert!(Instant::now() < at(60_000));
        });
    }
}

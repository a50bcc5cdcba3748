//! How slow a client may be. Waiting for it costs credit, and each byte that moves earns some back: a
//! client that keeps to the least rate never runs out, and one that does not is cut off once it has kept
//! us waiting for the time of grace. Time in which we wait for somebody else costs nothing.

use std::{
    cell::Cell,
    future::poll_fn,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use tokio::time::timeout;

/// A client's credit, in time.
#[derive(Debug)]
pub(in crate::data_plane) struct Pace {
    rate: u64,
    grace: Duration,
    credit: Cell<Duration>,
}

impl Pace {
    /// Full credit; `None` where no rate is asked for.
    pub(in crate::data_plane) fn new(bytes_per_second: u64, grace: Duration) -> Option<Self> {
        (bytes_per_second > 0).then(|| Self { rate: bytes_per_second, grace, credit: Cell::new(grace) })
    }

    /// Waits for the client: at most `idle`, and no longer than it may be slow, which is told to `on_slow`.
    /// Where nothing has to be waited for, no clock is read.
    pub(in crate::data_plane) async fn wait<T>(
        pace: Option<&Self>,
        idle: Duration,
        on_slow: impl FnOnce(),
        step: impl Future<Output = T>,
    ) -> Option<T> {
        let mut step = pin!(step);
        if let Poll::Ready(done) = poll_fn(|context| Poll::Ready(step.as_mut().poll(context))).await {
            return Some(done);
        }
        let Some(pace) = pace else { return timeout(idle, step).await.ok() };
        let (left, began) = (pace.left(), Instant::now());
        let done = timeout(idle.min(left), step).await.ok();
        pace.waited(began.elapsed());
        if done.is_none() && left < idle {
            on_slow();
        }
        done
    }

    /// How long it may still keep us waiting.
    fn left(&self) -> Duration {
        self.credit.get()
    }

    /// It kept us waiting.
    fn waited(&self, time: Duration) {
        self.credit.set(self.credit.get().saturating_sub(time));
    }

    /// So many bytes moved.
    pub(in crate::data_plane) fn moved(&self, bytes: usize) {
        let nanos = (bytes as u64).saturating_mul(1_000_000_000) / self.rate;
        self.credit.set(self.credit.get().saturating_add(Duration::from_nanos(nanos)).min(self.grace));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::Pace;

    const GRACE: Duration = Duration::from_secs(5);

    proptest! {
        #[test]
        fn who_keeps_to_the_rate_never_runs_out(waits in proptest::collection::vec(0_u64..5_000, 1..100)) {
            let pace = Pace::new(1_000, GRACE).unwrap();
            for millis in waits {
                prop_assert!(pace.left() >= Duration::from_millis(millis));
                pace.waited(Duration::from_millis(millis));
                pace.moved(millis as usize);
            }
        }

        #[test]
        fn who_moves_half_of_it_runs_out_within_twice_the_grace(wait in 2_u64..1_000) {
            let pace = Pace::new(1_000, GRACE).unwrap();
            let mut time = 0;
            // Beyond what is left it is not waited for.
            while pace.left() >= Duration::from_millis(wait) {
                pace.waited(Duration::from_millis(wait));
                pace.moved(wait as usize / 2);
                time += wait;
                prop_assert!(time <= 10_000);
            }
            prop_assert!(time + wait >= 5_000);
        }
    }

    #[test]
    fn no_rate_is_no_limit() {
        assert!(Pace::new(0, GRACE).is_none());
    }
}

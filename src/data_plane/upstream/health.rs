//! Whether an origin is well, by what became of requests and checks. Time is an argument.
//!
//! ```text
//!            failures in a row              time is over
//! healthy ───────────────────────▶ ejected ──────────────▶ due
//!    ▲                                ▲                      │ one request
//!    │            it succeeds         │  it fails            ▼
//!    └────────────────────────────────┴────────────────── probing
//! ```

use std::time::Instant;

use super::balance::Standing;
use crate::config::Ejection;

/// Checks in a row that must fail before an origin counts as unwell, and pass before it is well again.
const CHECKS: u32 = 2;

/// What is known of an origin.
#[derive(Clone, Debug)]
pub(super) struct Health {
    state: State,
    /// Failures in a row.
    failures: u32,
    /// Ejections without a long time of health between them.
    ejections: u32,
    /// When it became healthy after its last ejection.
    healthy_since: Option<Instant>,
    /// When it last failed or recovered.
    changed: Option<Instant>,
    /// The checks say that it is unwell.
    is_down: bool,
    /// Checks in a row that say otherwise.
    against: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ejected {
        until: Instant,
    },
    Healthy,
    /// One request tries; another may from then on, if nothing is heard of it.
    Probing {
        until: Instant,
    },
}

impl Health {
    /// Nothing bad is known.
    pub(super) const GOOD: Self = Self {
        state: State::Healthy,
        failures: 0,
        ejections: 0,
        healthy_since: None,
        changed: None,
        is_down: false,
        against: 0,
    };

    /// Nothing speaks against it at this moment.
    pub(super) fn is_well(&self) -> bool {
        self.state == State::Healthy && self.failures == 0 && !self.is_down && self.against == 0
    }

    /// Whether what is known of it is too old to matter.
    pub(super) fn is_forgettable(&self, now: Instant, policy: Ejection) -> bool {
        self.changed.is_none_or(|changed| now.duration_since(changed) >= policy.time_max * 2)
    }

    /// How it stands.
    pub(super) fn standing(&self, now: Instant) -> Standing {
        match self.state {
            _ if self.is_down => Standing::Out,
            State::Healthy => Standing::Available,
            State::Ejected { until } | State::Probing { until } if now >= until => Standing::Due,
            State::Ejected { .. } | State::Probing { .. } => Standing::Out,
        }
    }

    /// A request is about to try an origin that is due. `false` if another one does already.
    pub(super) fn probe(&mut self, now: Instant, policy: Ejection) -> bool {
        let is_due = self.standing(now) == Standing::Due;
        if is_due {
            self.state = State::Probing { until: now + policy.time };
        }
        is_due
    }

    /// The request that tried came to no end that says anything.
    pub(super) fn probe_was_lost(&mut self, now: Instant) {
        if let State::Probing { .. } = self.state {
            self.state = State::Ejected { until: now };
        }
    }

    /// It answered.
    pub(super) fn succeeded(&mut self, now: Instant) {
        self.failures = 0;
        match self.state {
            State::Healthy => {}
            State::Ejected { .. } | State::Probing { .. } => {
                self.state = State::Healthy;
                (self.healthy_since, self.changed) = (Some(now), Some(now));
            }
        }
    }

    /// It could not be reached, broke the protocol, or was silent for too long. Whether it was ejected:
    /// only where it `may` be, because others are left.
    pub(super) fn failed(&mut self, now: Instant, policy: Ejection, may_eject: bool) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.changed = Some(now);
        let eject = match self.state {
            State::Healthy => self.failures >= policy.failures && may_eject,
            // Of requests that were under way.
            State::Ejected { .. } => false,
            State::Probing { .. } => true,
        };
        if eject {
            if self.healthy_since.is_some_and(|since| now.duration_since(since) >= policy.time_max) {
                self.ejections = 0;
            }
            let factor = 1_u32.checked_shl(self.ejections).unwrap_or(u32::MAX);
            let time = policy.time.saturating_mul(factor).min(policy.time_max);
            self.ejections = (self.ejections + 1).min(31);
            self.state = State::Ejected { until: now + time };
        }
        eject
    }

    /// A check passed, or did not.
    pub(super) fn checked(&mut self, passed: bool) {
        if passed != self.is_down {
            self.against = 0;
            return;
        }
        self.against += 1;
        if self.against >= CHECKS {
            self.is_down = !passed;
            self.against = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::{Health, Standing};
    use crate::config::Ejection;

    const POLICY: Ejection = Ejection { failures: 3, time: Duration::from_secs(10), time_max: Duration::from_secs(60) };

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn failures_in_a_row_eject_for_longer_and_longer() {
        let start = Instant::now();
        let mut health = Health::GOOD;
        for _ in 0..10 {
            assert!(!health.failed(start, POLICY, true) && !health.failed(start, POLICY, true));
            health.succeeded(start);
        }
        assert!(!health.failed(start, POLICY, true) && !health.failed(start, POLICY, true));
        assert!(health.failed(start, POLICY, true), "the third in a row");
        let mut now = start;
        for time in [10, 20, 40, 60, 60] {
            assert_eq!(health.standing(now + seconds(time) - Duration::from_millis(1)), Standing::Out);
            now += seconds(time);
            assert_eq!(health.standing(now), Standing::Due);
            assert!(health.probe(now, POLICY) && !health.probe(now, POLICY), "one request tries");
            assert_eq!(health.standing(now), Standing::Out);
            assert!(health.failed(now, POLICY, true));
        }
        assert!(health.probe(now + seconds(60), POLICY));
        health.succeeded(now + seconds(60));
        assert_eq!(health.standing(now + seconds(60)), Standing::Available);
        assert!(health.is_well() && !health.is_forgettable(now + seconds(61), POLICY));
        assert!(health.is_forgettable(now + seconds(180), POLICY));
    }

    #[test]
    fn a_probe_that_is_lost_makes_room_for_another() {
        let now = Instant::now();
        let mut health = Health::GOOD;
        let ejections = (0..3).filter(|_| health.failed(now, POLICY, true)).count();
        assert_eq!(ejections, 1);
        assert!(health.probe(now + seconds(10), POLICY));
        health.probe_was_lost(now + seconds(11));
        assert!(health.probe(now + seconds(11), POLICY));
        assert!(health.probe(now + seconds(21), POLICY), "nothing was heard of it");
    }

    #[test]
    fn the_last_one_stays() {
        let now = Instant::now();
        let mut health = Health::GOOD;
        (0..9).for_each(|_| assert!(!health.failed(now, POLICY, false)));
        assert_eq!(health.standing(now), Standing::Available);
    }

    #[test]
    fn checks_decide_after_two_of_a_kind() {
        let now = Instant::now();
        let mut health = Health::GOOD;
        for (passed, standing) in [
            (false, Standing::Available),
            (true, Standing::Available),
            (false, Standing::Available),
            (false, Standing::Out),
            (true, Standing::Out),
            (false, Standing::Out),
            (true, Standing::Out),
            (true, Standing::Available),
        ] {
            health.checked(passed);
            assert_eq!(health.standing(now), standing);
        }
        assert!(health.is_well());
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Fail,
        Lose,
        Probe,
        Succeed,
        Wait(u64),
    }

    proptest! {
        /// Whatever happens, an origin that is left alone is due or available within the longest time.
        #[test]
        fn nobody_is_left_out_for_ever(steps in prop::collection::vec(
            prop_oneof![
                Just(Step::Fail), Just(Step::Lose), Just(Step::Probe), Just(Step::Succeed), (0_u64..30).prop_map(Step::Wait)
            ],
            0..60,
        )) {
            let (mut now, mut health) = (Instant::now(), Health::GOOD);
            for step in steps {
                match step {
                    Step::Fail => {
                        health.failed(now, POLICY, true);
                    }
                    Step::Lose => health.probe_was_lost(now),
                    Step::Probe => {
                        health.probe(now, POLICY);
                    }
                    Step::Succeed => {
                        health.succeeded(now);
                        prop_assert_eq!(health.standing(now), Standing::Available);
                    }
                    Step::Wait(time) => now += seconds(time),
                }
            }
            prop_assert_ne!(health.standing(now + POLICY.time_max), Standing::Out);
        }
    }
}

//! Which of several origins is asked next: of two that are picked at random, the one with less to do.

use crate::domain::registry::ORIGINS_MAX;

/// How an origin stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It may be asked.
    Available,
    /// It was left out, and is to be tried again with one request.
    Due,
    /// It is left out.
    Out,
}

/// One origin at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// Its place in the site's list.
    pub(super) index: usize,
    pub(super) standing: Standing,
    /// Requests that it has to do.
    pub(super) outstanding: usize,
}

/// Chooses among at most [`ORIGINS_MAX`] candidates by a random number. An origin that is to be tried
/// again comes first; those that are left out come last, but they come: the last one is never ejected.
pub(super) fn choose(candidates: impl Iterator<Item = Candidate>, random: u64) -> Option<Candidate> {
    let (mut available, mut out) = (Few::default(), Few::default());
    for candidate in candidates {
        match candidate.standing {
            Standing::Due => return Some(candidate),
            Standing::Available => available.push(candidate),
            Standing::Out => out.push(candidate),
        }
    }
    available.lesser_of_two(random).or_else(|| out.lesser_of_two(random))
}

/// A list that needs no memory of its own.
#[derive(Default)]
struct Few {
    candidates: [Option<Candidate>; ORIGINS_MAX],
    count: usize,
}

impl Few {
    fn push(&mut self, candidate: Candidate) {
        if let Some(place) = self.candidates.get_mut(self.count) {
            *place = Some(candidate);
            self.count += 1;
        }
    }

    fn lesser_of_two(&self, random: u64) -> Option<Candidate> {
        let count = self.count as u64;
        let first = random.checked_rem(count)?;
        let at = |index: u64| self.candidates.get(index as usize).copied().flatten();
        let Some(step) = (random >> 32).checked_rem(count - 1) else { return at(first) };
        let (first, second) = (at(first)?, at((first + 1 + step) % count)?);
        Some(if second.outstanding < first.outstanding { second } else { first })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Candidate, Standing, choose};

    fn any_candidates() -> impl Strategy<Value = Vec<Candidate>> {
        let standing = prop::sample::select(vec![Standing::Available, Standing::Out]);
        prop::collection::vec((standing, 0_usize..4), 1..=16).prop_map(|all| {
            let candidate = |(index, (standing, outstanding))| Candidate { index, standing, outstanding };
            all.into_iter().enumerate().map(candidate).collect()
        })
    }

    proptest! {
        #[test]
        fn what_is_chosen_is_available_if_any_is(candidates in any_candidates(), random: u64) {
            let chosen = choose(candidates.iter().copied(), random).unwrap();
            let any = candidates.iter().any(|candidate| candidate.standing == Standing::Available);
            prop_assert_eq!(chosen.standing == Standing::Available, any);
            // Never the busiest alone.
            let rivals = candidates.iter().filter(|candidate| candidate.standing == chosen.standing);
            let others: Vec<_> = rivals.filter(|candidate| candidate.index != chosen.index).collect();
            prop_assert!(others.is_empty() || others.iter().any(|other| other.outstanding >= chosen.outstanding));
        }

        #[test]
        fn an_origin_that_is_due_is_tried(mut candidates in any_candidates(), at: prop::sample::Index, random: u64) {
            let at = at.index(candidates.len());
            candidates[at].standing = Standing::Due;
            prop_assert_eq!(choose(candidates.into_iter(), random).unwrap().index, at);
        }

        #[test]
        fn requests_are_spread_evenly(count in 1_usize..=16, seed: u64) {
            // Requests that never end: what each has after many of them differs by a little.
            let mut outstanding = vec![0_usize; count];
            let mut random = seed;
            for _ in 0..count * 100 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let candidate = |(index, &outstanding)| Candidate { index, standing: Standing::Available, outstanding };
                let mixed = random ^ (random >> 29);
                let chosen = choose(outstanding.iter().enumerate().map(candidate), mixed).unwrap();
                outstanding[chosen.index] += 1;
            }
            prop_assert!(outstanding.iter().all(|&each| (80..=120).contains(&each)), "{:?}", outstanding);
        }
    }

    #[test]
    fn nobody_is_chosen_of_nobody() {
        assert!(choose(std::iter::empty(), 7).is_none());
    }
}

//! A family of counters whose labels are words of our own: where a series stands is looked up once, not for
//! every event.

use std::sync::{Mutex, PoisonError};

use prometheus::{IntCounter, IntCounterVec};

/// The family.
pub(super) struct Counters<const N: usize> {
    family: IntCounterVec,
    known: Mutex<Vec<([&'static str; N], IntCounter)>>,
}

impl<const N: usize> Counters<N> {
    /// Nothing has been counted.
    pub(super) fn new(family: IntCounterVec) -> Self {
        Self { family, known: Mutex::default() }
    }

    /// One more.
    pub(super) fn inc(&self, labels: [&'static str; N]) {
        self.inc_by(labels, 1);
    }

    /// So many more; none makes the series, at zero.
    pub(super) fn inc_by(&self, labels: [&'static str; N], count: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Words are told apart by where they stand: a word that stands in two places costs a second entry.
        let is_same =
            |other: &[&'static str; N]| labels.iter().zip(other).all(|(one, other)| std::ptr::eq(*one, *other));
        match known.iter().find(|(other, _)| is_same(other)) {
            Some((_, counter)) => counter.inc_by(count),
            None => {
                let counter = self.family.with_label_values(&labels);
                counter.inc_by(count);
                known.push((labels, counter));
            }
        }
    }
}

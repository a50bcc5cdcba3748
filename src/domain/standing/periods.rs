//! Control periods (严打, major conferences): for a time other things hold.

use super::units::Units;
use crate::{
    base::Timestamp,
    domain::record::{ControlPeriod, PeriodEnd},
};

/// All control periods that were ever declared.
#[derive(Clone, Debug, Default)]
pub(super) struct Periods {
    /// With the end that was declared early, if it was.
    periods: Vec<ControlPeriod>,
}

impl Periods {
    /// A period said again is changed.
    pub(super) fn say(&mut self, period: &ControlPeriod) {
        self.periods.retain(|known| known.id != period.id);
        self.periods.push(period.clone());
    }

    pub(super) fn end(&mut self, end: &PeriodEnd) {
        for period in self.periods.iter_mut().filter(|period| period.id == end.id) {
            period.to = period.to.min(end.at);
        }
    }

    pub(super) fn all(&self) -> &[ControlPeriod] {
        &self.periods
    }

    pub(super) fn in_force(&self, now: Timestamp) -> impl Iterator<Item = &ControlPeriod> {
        self.periods.iter().filter(move |period| period.from <= now && now < period.to)
    }

    /// By what the thresholds of a unit are divided at a moment: of several periods the strictest holds.
    pub(super) fn divisor(&self, unit: &str, units: &Units, now: Timestamp) -> u32 {
        let concerns = |period: &&ControlPeriod| {
            period.units.is_empty() || period.units.iter().any(|above| units.is_above(above, unit))
        };
        self.in_force(now).filter(concerns).map(|period| period.threshold_divisor).max().unwrap_or(1).max(1)
    }

    /// When the next period begins or ends.
    pub(super) fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let times = self.periods.iter().filter(|period| period.from < period.to);
        times.flat_map(|period| [period.from, period.to]).filter(|&at| at > now).min()
    }
}

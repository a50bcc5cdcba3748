//! Rows, and what lies over them: the rows that changed since, and the numbers of those that they
//! replaced or that were removed.

use std::{collections::HashSet, sync::Arc};

use foldhash::fast::FixedState;

use super::{
    FilingState,
    table::{RowId, Table},
};
use crate::base::Date;

/// A row's place: in which table, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    is_over: bool,
    pub(super) row: RowId,
}

/// A large table that stays as it was built, and a small one over it. Cheap to clone.
#[derive(Clone)]
pub(super) struct Rows {
    base: Arc<Table>,
    over: Arc<Table>,
    /// Rows of the base that do not hold any more.
    hidden: Arc<HashSet<RowId, FixedState>>,
}

impl Rows {
    pub(super) fn new(base: Table) -> Self {
        Self { base: Arc::new(base), over: Arc::default(), hidden: Arc::default() }
    }

    /// The same base under another table, less further rows of the base.
    pub(super) fn over(&self, over: Table, hide: impl Iterator<Item = RowId>) -> Self {
        let mut hidden = HashSet::clone(&self.hidden);
        hidden.extend(hide);
        Self { base: Arc::clone(&self.base), over: Arc::new(over), hidden: Arc::new(hidden) }
    }

    pub(super) fn find(&self, host: &str) -> Option<Place> {
        // Nothing lies over most registries most of the time, and then nothing of this is asked.
        if self.over.len() > 0
            && let Some(row) = self.over.find(host)
        {
            return Some(Place { is_over: true, row });
        }
        let row = self.base.find(host)?;
        let holds = self.hidden.is_empty() || !self.hidden.contains(&row);
        holds.then_some(Place { is_over: false, row })
    }

    /// The row of a host in the base, whether it holds or not.
    pub(super) fn find_below(&self, host: &str) -> Option<RowId> {
        self.base.find(host)
    }

    pub(super) fn table(&self, place: Place) -> &Table {
        if place.is_over { &self.over } else { &self.base }
    }

    /// All rows that hold.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> + use<> {
        let hidden = Arc::clone(&self.hidden);
        let below = self.base.rows().filter(move |row| !hidden.contains(row));
        below.map(|row| Place { is_over: false, row }).chain(self.places_over())
    }

    /// All rows that hold and ask for certificates.
    pub(super) fn asking(&self) -> impl Iterator<Item = Place> + '_ {
        let below = self.base.asking().filter(|row| !self.hidden.contains(row));
        let over = self.over.asking().map(|row| Place { is_over: true, row });
        below.map(|row| Place { is_over: false, row }).chain(over)
    }

    /// All rows that changed.
    pub(super) fn places_over(&self) -> impl Iterator<Item = Place> + use<> {
        self.over.rows().map(|row| Place { is_over: true, row })
    }

    pub(super) fn len(&self) -> usize {
        self.base.len() - self.hidden.len() + self.over.len()
    }

    pub(super) fn len_below(&self) -> usize {
        self.base.len()
    }

    /// How much lies over the base: rows to be copied with every change.
    pub(super) fn weight(&self) -> usize {
        self.over.len() + self.hidden.len()
    }

    /// The number of rows by filing state, by what is expired on a day.
    pub(super) fn counts(&self, today: Date) -> [usize; FilingState::ALL.len()] {
        let mut counts = FilingState::ALL.map(|state| self.base.count(state) + self.over.count(state));
        for &row in self.hidden.iter() {
            counts[self.base.filing(row) as usize] -= 1;
        }
        let below = self.base.expired(today).filter(|row| !self.hidden.contains(row)).count();
        let expired = below + self.over.expired(today).count();
        counts[FilingState::Filed as usize] -= expired;
        counts[FilingState::Cancelled as usize] += expired;
        counts
    }
}

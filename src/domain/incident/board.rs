//! All incidents, computed entry by entry.

use std::collections::BTreeMap;

use super::{Incident, Phase};
use crate::{
    base::Timestamp,
    domain::record::{Entry, Fact, IncidentKind},
};

/// What the record says of incidents. It can be thrown away and computed again.
#[derive(Clone, Debug, Default)]
pub struct Board {
    incidents: BTreeMap<String, Incident>,
}

impl Board {
    /// The kinds of entries that it is computed from.
    pub const KINDS: [&'static str; 3] = ["incident_close", "incident_note", "incident_open"];

    /// Takes an entry in. Entries come in the order of their numbers; those that are not about an
    /// incident change nothing.
    pub fn apply(&mut self, entry: &Entry) {
        if let Some(incident) = Incident::opened(entry) {
            self.incidents.entry(incident.open.id.clone()).or_insert(incident);
        }
        let about = if let Fact::IncidentNote(note) = &entry.fact {
            &note.incident
        } else if let Fact::IncidentClose(close) = &entry.fact {
            &close.incident
        } else {
            return;
        };
        if let Some(incident) = self.incidents.get_mut(about) {
            incident.apply(entry);
        }
    }

    /// One of them.
    pub fn incident(&self, id: &str) -> Option<&Incident> {
        self.incidents.get(id)
    }

    /// All of them, by id.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.values()
    }

    /// Those that are not over.
    pub fn open(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.values().filter(|incident| incident.phase() != Phase::Closed)
    }

    /// Whether an incident of a kind concerns a unit now, or did at a time that is past: then what was
    /// found until there is its business, and opens no other one.
    pub(super) fn covers(&self, kind: IncidentKind, unit: &str, at: Timestamp) -> bool {
        self.incidents.values().any(|incident| {
            incident.open.kind == kind
                && incident.open.units.iter().any(|concerned| concerned == unit)
                && incident.closed.as_ref().is_none_or(|closed| at <= closed.at)
        })
    }

    /// The deadline that comes first among those that were not reported; it may be over.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let running = self.incidents.values().filter(|incident| incident.phase() == Phase::Open);
        running.map(|incident| incident.open.deadline).min()
    }
}

//! Incidents (second letter 9, first letter 8): what the record says of each, its clock, and when one
//! opens by itself. Pure functions of the record and the time.

mod board;
mod rule;
mod state;

pub use board::Board;
pub use rule::{EmergencyLock, IncidentRule, RuleOpening, Watch};
pub use state::{Incident, Note, Phase, Reminder};

//! What reports say, as data: who, what, where, when, how many. No words, no layout; the control plane
//! writes them down.

mod letter;
mod party;
mod statistics;

pub use letter::{
    ApportionmentReport, IncidentReport, LetterOfCommitment, Limit, RectificationReport, SuspensionCause,
    SuspensionNotice, TimelineEntry, WrittenNotice,
};
pub use party::{Party, SiteRow, Source, Verdict, Violation};
pub use statistics::{Month, Statistics, Tally, UnitRow};

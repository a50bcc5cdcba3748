//! What the phrases mean: packs as written, checked, compiled into a [`RuleSet`] that is shared by
//! all cores, and the [`Tally`] of one body.

mod compile;
mod confirm;
mod examples;
mod explain;
mod finding;
mod lint;
mod pack;
mod parse;
mod tally;
mod trace;

pub use crate::engine::text::Lane;
pub use compile::RuleSet;
pub use examples::{ExampleFault, ExampleKind, ExampleOutcome, run_examples};
pub use explain::{Explainer, Obstacle, RuleExplanation, Sighting};
pub use finding::{CategoryScore, Finding, Occurrence};
pub use lint::{Brevity, lint, lint_examples};
pub use pack::{Action, Class, LaneSet, Mode, Pack, PackSource, Phrase, Rule};
pub use parse::{Lists, Parsed, parse};
pub(in crate::engine) use tally::Lanes;
pub use tally::Tally;
pub use trace::Trace;

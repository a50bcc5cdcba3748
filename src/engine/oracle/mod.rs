//! The engine a second time, as simply as it can be said, and what must hold of it on any input.
//! Not part of the product: compiled for tests, and with the feature `oracle` for `fuzz/`.
//!
//! [`naive`] reads a whole document at once and tries every phrase at every place; `tally` asks each
//! rule what it says to that. Neither shares code with the matcher or with the tally of the engine.
//! [`Case`] makes rules, documents and cuts out of a few bytes, chosen so that they meet often;
//! [`drive()`] sends a body through the engine; [`invariants`] says what has to come of it.

mod case;
mod drive;
pub mod invariants;
pub mod naive;
mod pieces;
mod tally;

pub use case::{Case, NoLists};
pub use drive::{Outcome, chunks, drive, drive_within};

#[cfg(test)]
mod tests;

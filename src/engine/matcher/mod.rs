//! Finds phrases in a stream of folded characters.
//!
//! [`PatternSet`] holds the phrases; [`LaneStream`] turns the characters of one lane into tokens
//! (an ideograph, or a whole word), and remembers where each came from. Noise never becomes a
//! token: it only widens the gap before the next one. So the matcher sees short, clean input: for
//! a phrase it looks for its rarest pair of neighbouring tokens in a bitmap, and only where that
//! may stand does it compare the phrase.
//!
//! Not for: substrings of words, or patterns with wildcards. A rule's `regex` confirms a hit, it
//! does not find one.

mod lane_stream;
mod pattern_set;

pub use lane_stream::{LaneStream, TokenPlace};
pub use pattern_set::{Found, PatternSet, PatternSetBuilder};

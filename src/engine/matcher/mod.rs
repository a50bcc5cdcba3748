//! Finds phrases in a stream of folded characters.
//!
//! A [`LaneStream`] keeps the text of one lane (`lane_text`) and turns it into tokens (`tokens`):
//! an ideograph is one, and a word that some phrase has. The phrases of a [`PatternSet`] are anchored
//! at their rarest neighbouring tokens (`anchors`), and only where such an anchor may stand is a
//! phrase compared (`verify`), is the noise between its tokens measured, is it asked where in the
//! body they stand. So almost all of a text costs a copy, a look-up in a table of characters, and a
//! look-up in a table of anchors; where the processor has AVX2, eight characters at a time (`vector`).
//!
//! Equal ideographs in a row may be more in the text than in the phrase, inside of it and at its ends:
//! 赌赌博 is 赌博.
//!
//! Not for: substrings of words, or patterns with wildcards. A rule's `regex` confirms a hit, it
//! does not find one.

mod anchors;
mod ascii;
mod lane_stream;
mod lane_text;
mod layer;
#[cfg(not(target_arch = "x86_64"))]
mod no_vector;
mod pattern_set;
mod plane;
mod prefixes;
mod room;
mod tokens;
#[cfg(target_arch = "x86_64")]
mod vector;
mod verify;

#[cfg(not(target_arch = "x86_64"))]
use no_vector as vector;

pub use lane_stream::{Found, FoundTokens, LaneStream};
pub use pattern_set::{PatternSet, PatternSetBuilder};

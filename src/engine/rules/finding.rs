//! What a scan hands over: phrases at places, and what they amount to.

use std::sync::Arc;

use super::pack::{Action, Class, Mode};
use crate::{
    base::ByteSpan,
    engine::{matcher::FoundTokens, text::Stream},
};

/// What the matcher saw: one rule, one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id.
    pub rule: Arc<str>,
    /// The pack's id.
    pub category: Arc<str>,
    /// What the ledger counts it as.
    pub class: Class,
    /// The category's action.
    pub action: Action,
    /// On or shadow.
    pub mode: Mode,
    /// What it adds to the score: the rule's weight, or its `sounds_weight` if only the sound is that
    /// of the rule's phrases.
    pub weight: i32,
    /// The phrase that completed the rule, as its author wrote it.
    pub phrase: Arc<str>,
    /// Where that phrase stands in the decoded body.
    pub span: ByteSpan,
    /// In which stream.
    pub stream: Stream,
    /// The text around it: at most 20 characters before and behind, `…` at both ends.
    pub excerpt: String,
}

/// The score of a category in which something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryScore {
    /// The pack's id.
    pub category: Arc<str>,
    /// Sum of the weights of distinct rules that hit (without shadow rules).
    pub score: i32,
    /// The pack's action, if the score reached the threshold.
    pub action: Option<Action>,
}

/// A phrase at a place. They are ordered as they became certain; in one stream, by where they end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Occurrence {
    /// The body had been read up to here when it was certain.
    pub seen: u64,
    /// The stream.
    pub stream: Stream,
    /// Index behind its last character in the stream.
    pub character_end: u32,
    /// Index of its first character.
    pub character: u32,
    /// Where it stands in the decoded body.
    pub span: ByteSpan,
    /// The pattern.
    pub pattern: u32,
    /// The widest noise inside it.
    pub gap: u8,
    /// Its first and last token in the lane, until the lane forgets.
    pub tokens: FoundTokens,
}

//! A rule pack as its author wrote it, after parsing and before compiling.

use std::{fmt, sync::Arc};

use crate::{
    base::Date,
    engine::text::{Lane, Stream},
};

/// The text of one pack file.
#[derive(Clone, Debug)]
pub struct PackSource {
    /// As the operator named it, for messages.
    pub path: String,
    /// The TOML text.
    pub text: String,
}

/// What happens when a category reaches its threshold; from weakest to strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Record only.
    Observe,
    /// Replace exactly the matched characters.
    Mask,
    /// Refuse the page, or cut it off where it is too late for that.
    Block,
}

/// What the ledger counts a category as (second letter, 11.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// 政治类.
    Political,
    /// 低俗类.
    Vulgar,
    /// 其他类非法信息.
    Other,
    /// Concerns the filing itself; never a strike.
    Filing,
}

/// Whether a rule acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Counts towards the category's action.
    On,
    /// Found and recorded, adds nothing to the score that acts.
    Shadow,
    /// Not compiled.
    Off,
}

/// A set of [`Lane`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneSet(u8);

impl LaneSet {
    /// No lane.
    pub const NONE: Self = Self(0);
    /// Text and attribute: what a rule looks at that names none.
    pub const DEFAULT: Self = Self(1 | 2);

    /// The same set and one more lane.
    #[must_use]
    pub const fn with(self, lane: Lane) -> Self {
        Self(self.0 | 1 << lane as u8)
    }

    /// Both sets' lanes.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a rule for these lanes looks at a stream. The strings of a JSON document become the text
    /// of some page.
    pub(super) const fn reads(self, stream: Stream, json: bool) -> bool {
        self.contains(stream.lane()) || (json && matches!(stream, Stream::Script) && self.contains(Lane::Text))
    }

    /// Whether a lane is in the set.
    pub const fn contains(self, lane: Lane) -> bool {
        self.0 & (1 << lane as u8) != 0
    }
}

/// A phrase and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// As written, not folded.
    pub text: String,
    /// The file: the pack's, or the word list's.
    pub path: Arc<str>,
    /// 1-based line.
    pub line: u32,
    /// 1-based column.
    pub column: u32,
}

/// One `[[rule]]`.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Unique over all packs.
    pub id: Arc<str>,
    /// One of these is enough (with `any_file`'s phrases).
    pub any: Vec<Phrase>,
    /// All of these are needed.
    pub all: Vec<Phrase>,
    /// One of these cancels the hit.
    pub none: Vec<Phrase>,
    /// Characters between the parts, at most; `None` is the whole page.
    pub near: Option<u32>,
    /// Must also match in the window around the hit.
    pub regex: Option<Phrase>,
    /// What the rule adds to its category's score.
    pub weight: i32,
    /// The phrases are looked for by their sound as well (pinyin and homophones).
    pub sounds: bool,
    /// What the rule adds if only the sound of a phrase is there.
    pub sounds_weight: i32,
    /// Digits and signs may stand for Latin letters.
    pub leet: bool,
    /// Whether it acts.
    pub mode: Mode,
    /// Where it looks.
    pub lanes: LaneSet,
    /// Noise characters allowed between two adjacent CJK characters.
    pub gap: u8,
    /// Last day on which the rule is in force.
    pub expires: Option<Date>,
    /// Where the rule comes from.
    pub source: Option<String>,
    /// Texts that this rule must hit.
    pub hit: Vec<Phrase>,
    /// Texts that this rule must not hit.
    pub pass: Vec<Phrase>,
    /// The 1-based line of its `id`.
    pub line: u32,
}

/// One pack file: a category and its rules.
#[derive(Clone, Debug)]
pub struct Pack {
    /// The category.
    pub id: Arc<str>,
    /// The category's name for people.
    pub title: String,
    /// The clause of the second letter.
    pub clause: String,
    /// What the ledger counts it as.
    pub class: Class,
    /// What happens at the threshold.
    pub action: Action,
    /// Sum of weights at which the action fires.
    pub threshold: i32,
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
    /// The file, for messages.
    pub path: Arc<str>,
}

impl Rule {
    /// Whether the rule is compiled on a day: not off, not expired.
    pub fn is_in_force(&self, today: Date) -> bool {
        self.mode != Mode::Off && self.expires.is_none_or(|last| last >= today)
    }

    /// Parts that are needed: `any` is one, each of `all` is another.
    pub(super) fn slots(&self) -> u16 {
        u16::from(!self.any.is_empty()).saturating_add(u16::try_from(self.all.len()).unwrap_or(u16::MAX))
    }

    /// The phrases that are looked for, each with the number of its part.
    pub(super) fn parts(&self) -> impl Iterator<Item = (u16, &Phrase)> {
        let any = self.any.iter().map(|phrase| (0, phrase));
        any.chain(self.all.iter().zip(u16::from(!self.any.is_empty())..).map(|(phrase, slot)| (slot, phrase)))
    }
}

impl Action {
    /// The word used in packs, JSON and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Mask => "mask",
            Self::Block => "block",
        }
    }
}

impl Class {
    /// The word used in packs, JSON and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Political => "political",
            Self::Vulgar => "vulgar",
            Self::Other => "other",
            Self::Filing => "filing",
        }
    }
}

impl Mode {
    /// The word used in packs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Shadow => "shadow",
            Self::Off => "off",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

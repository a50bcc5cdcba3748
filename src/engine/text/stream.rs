//! Lanes, and the streams of characters that they consist of.

/// Where in a document a browser resolves a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// What is shown; markup between characters disappears.
    Text,
    /// Attribute values.
    Attribute,
    /// Scripts, styles and JSON strings.
    Script,
    /// Comments.
    Comment,
}

impl Lane {
    /// All lanes.
    pub const ALL: [Self; 4] = [Self::Text, Self::Attribute, Self::Script, Self::Comment];

    /// The word used in packs and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Attribute => "attribute",
            Self::Script => "script",
            Self::Comment => "comment",
        }
    }
}

/// Characters that follow one another for whoever reads the page. Phrases are looked for within one
/// stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// What is shown.
    Text,
    /// Text that the page's own styles hide (`display:none`). It is of the text lane, but it neither
    /// interrupts nor excuses what is shown.
    Hidden,
    /// Attribute values.
    Attribute,
    /// Scripts, styles and JSON strings.
    Script,
    /// Comments.
    Comment,
}

impl Stream {
    /// All streams.
    pub const ALL: [Self; 5] = [Self::Text, Self::Hidden, Self::Attribute, Self::Script, Self::Comment];

    /// What people call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hidden => "hidden text",
            Self::Text | Self::Attribute | Self::Script | Self::Comment => self.lane().as_str(),
        }
    }

    /// The lane that it belongs to.
    pub const fn lane(self) -> Lane {
        match self {
            Self::Text | Self::Hidden => Lane::Text,
            Self::Attribute => Lane::Attribute,
            Self::Script => Lane::Script,
            Self::Comment => Lane::Comment,
        }
    }
}

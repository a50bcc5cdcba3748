//! What is known of each element: what its tags do to words, to what is open, and to the tokenizer.

use super::name::Key;

/// Facts about an element, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts(u16);

impl Facts {
    /// A word ends at its tags: it is put on a line, in a cell or in a box of its own (HTML, section
    /// 15.3, and the replaced elements).
    pub(super) const BREAKS: Self = Self(1);
    /// It has no content and no end tag.
    pub(super) const VOID: Self = Self(1 << 1);
    /// Its start tag ends `<svg>` and `<math>` ("the rules for parsing tokens in foreign content").
    pub(super) const LEAVES_FOREIGN: Self = Self(1 << 2);
    /// "Formatting": closed by the end of a block, it opens again behind it.
    pub(super) const FORMATTING: Self = Self(1 << 3);
    /// "Special" (HTML, section 13.2.4.2).
    pub(super) const SPECIAL: Self = Self(1 << 4);
    /// Its start tag closes an open `<p>`.
    pub(super) const CLOSES_P: Self = Self(1 << 5);
    /// What is open outside of it is out of scope inside.
    pub(super) const SCOPE: Self = Self(1 << 6);
    /// Browsers do not render its content, or (`<rt>`) not in the line.
    pub(super) const UNRENDERED: Self = Self(1 << 7);
    /// Its content is not tokenized as markup.
    pub(super) const RAW: Self = Self(1 << 8);

    /// Without a table around, its tags do nothing.
    pub(super) const IN_TABLE: Self = Self(1 << 9);

    /// Its start tag ends elements of its own kind.
    pub(super) const IMPLIES_ENDS: Self = Self(1 << 10);
    /// It is open all the time, whatever its tags say.
    pub(super) const ALWAYS_OPEN: Self = Self(1 << 11);

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline]
    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// What is known of the element of this name.
    #[inline]
    pub(super) fn of(name: Key) -> Self {
        let mut at = name.place(TABLE_BITS);
        loop {
            let (key, facts) = TABLE[at];
            if key.is(name) || key.is_empty() {
                return facts;
            }
            at = (at + 1) % TABLE.len();
        }
    }
}

const TABLE_BITS: u32 = 9;

/// Open addressing, less than a third full.
static TABLE: [(Key, Facts); 1 << TABLE_BITS] = table();

const fn table() -> [(Key, Facts); 1 << TABLE_BITS] {
    let mut table = [(Key::of(""), Facts(0)); 1 << TABLE_BITS];
    let mut group = 0;
    while group < ELEMENTS.len() {
        let (facts, names) = ELEMENTS[group];
        let mut index = 0;
        while index < names.len() {
            let key = Key::of(names[index]);
            let mut at = key.place(TABLE_BITS);
            while !table[at].0.is_empty() {
                assert!(!table[at].0.is(key), "an element is listed twice");
                at = (at + 1) % table.len();
            }
            table[at] = (key, facts);
            index += 1;
        }
        group += 1;
    }
    table
}

const BLOCK: Facts = Facts::BREAKS.with(Facts::SPECIAL).with(Facts::CLOSES_P);
const BOX: Facts = Facts::BREAKS.with(Facts::SPECIAL);
const VOID: Facts = Facts::VOID.with(Facts::SPECIAL);
const RAW: Facts = Facts::RAW.with(Facts::SPECIAL);
const LEAVES: Facts = Facts::LEAVES_FOREIGN;
const IMPLIES: Facts = Facts::IMPLIES_ENDS;

const ELEMENTS: [(Facts, &[&str]); 34] = [
    (
        BLOCK,
        &[
            "address",
            "article",
            "aside",
            "details",
            "dir",
            "fieldset",
            "figcaption",
            "figure",
            "footer",
            "form",
            "header",
            "hgroup",
            "main",
            "nav",
            "search",
            "section",
            "summary",
        ],
    ),
    (BLOCK.with(LEAVES), &["blockquote", "center", "div", "dl", "listing", "menu", "ol", "p", "pre", "ul"]),
    (BLOCK.with(LEAVES).with(IMPLIES), &["dd", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "li"]),
    (BLOCK.with(LEAVES).with(Facts::SCOPE), &["table"]),
    (BLOCK.with(LEAVES).with(Facts::VOID), &["hr"]),
    (BLOCK.with(Facts::RAW), &["plaintext", "xmp"]),
    (BOX, &["select"]),
    (BOX.with(IMPLIES), &["button"]),
    (BOX.with(Facts::IN_TABLE).with(IMPLIES), &["colgroup", "tbody", "tfoot", "thead", "tr"]),
    // Their tags within a page do nothing.
    (LEAVES.with(Facts::SPECIAL).with(Facts::ALWAYS_OPEN), &["body", "head"]),
    (Facts::SPECIAL.with(Facts::SCOPE).with(Facts::ALWAYS_OPEN), &["html"]),
    (BOX.with(Facts::SCOPE).with(Facts::IN_TABLE).with(IMPLIES), &["caption", "td", "th"]),
    (BOX.with(Facts::SCOPE), &["object"]),
    (BOX.with(Facts::RAW), &["iframe", "textarea", "title"]),
    (BOX.with(Facts::VOID), &["input"]),
    (BOX.with(Facts::VOID).with(Facts::IN_TABLE), &["col"]),
    (Facts::SPECIAL, &["frameset"]),
    (VOID, &["frame"]),
    (BOX.with(Facts::VOID).with(LEAVES), &["br", "embed", "img"]),
    (Facts::BREAKS, &["legend", "math", "svg"]),
    (Facts::BREAKS.with(IMPLIES), &["optgroup", "option"]),
    (Facts::BREAKS.with(Facts::CLOSES_P), &["dialog"]),
    (Facts::BREAKS.with(Facts::UNRENDERED), &["audio", "canvas", "video"]),
    (Facts::UNRENDERED, &["datalist"]),
    (Facts::UNRENDERED.with(IMPLIES), &["rp", "rt"]),
    (Facts::UNRENDERED.with(Facts::SPECIAL).with(Facts::SCOPE), &["template"]),
    (Facts::SPECIAL.with(Facts::SCOPE), &["applet", "marquee"]),
    (VOID, &["area", "base", "basefont", "bgsound", "keygen", "link", "param", "source", "track", "wbr"]),
    (VOID.with(LEAVES), &["meta"]),
    (RAW, &["noembed", "noframes", "noscript", "script", "style"]),
    (Facts::FORMATTING, &["font"]),
    (Facts::FORMATTING.with(IMPLIES), &["a"]),
    (
        Facts::FORMATTING.with(LEAVES),
        &["b", "big", "code", "em", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"],
    ),
    (LEAVES, &["ruby", "span", "sub", "sup", "var"]),
];

#[cfg(test)]
mod tests {
    use super::{ELEMENTS, Facts, Key};

    #[test]
    fn every_element_is_found_and_nothing_else() {
        for (facts, names) in ELEMENTS {
            assert!(names.iter().all(|name| Facts::of(Key::of(name)) == facts));
        }
        for name in ["", "x", "scrip", "scripts", "blockquot"] {
            assert_eq!(Facts::of(Key::of(name)), Facts::default(), "{name}");
        }
    }
}

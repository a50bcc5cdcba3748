//! Folding: what looks or reads alike becomes alike, in the text and in the rules by the same table.
//!
//! Each character folds to nothing (zero-width, combining marks), to noise, to white space, to a
//! letter of a word, to an ideograph (a character that stands for itself: Han, kana, Hangul, …),
//! or to several of these. The steps: NFKD, marks dropped, lower case, traditional → simplified.

use icu_normalizer::properties::{CanonicalDecompositionBorrowed, Decomposed};
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, Script},
};

/// What one character of the input is after folding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Folded {
    /// Neither seen nor counted: zero-width characters, bidi controls, combining marks.
    Free,
    /// White space; a run of it counts as one.
    Space,
    /// Punctuation, symbols, emoji: counts towards a phrase's gap.
    Noise,
    /// Part of a word: only whole words match.
    Letter(char),
    /// Stands for itself; noise is allowed beside it.
    Ideograph(char),
}

/// A part of a folded phrase.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Token {
    /// One ideograph.
    Ideograph(char),
    /// A whole word.
    Word(Box<str>),
}

/// The table of all characters. Building it takes some milliseconds; share it.
#[derive(Debug)]
pub struct Folding {
    pages: Vec<u16>,
    entries: Vec<u32>,
    several: Vec<Box<[Folded]>>,
}

/// A [`Folding`] whose ideographs carry the dense codes of one rule set; see
/// [`Folding::with_codes`].
#[derive(Debug)]
pub struct CodedFolding {
    pages: Vec<u16>,
    entries: Vec<u32>,
    several: Vec<Box<[Coded]>>,
}

/// What one character is to a rule set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coded {
    /// As [`Folded::Free`].
    Free,
    /// As [`Folded::Space`].
    Space,
    /// As [`Folded::Noise`].
    Noise,
    /// As [`Folded::Letter`].
    Letter(char),
    /// An ideograph's code; 0 is "in no phrase".
    Ideograph(u32),
    /// Several, by index into [`CodedFolding::several`].
    Several(u32),
}

const PAGE: usize = 256;
const KIND_SHIFT: u32 = 24;
const PAYLOAD: u32 = (1 << KIND_SHIFT) - 1;
const NOISE: u32 = 0;
const FREE: u32 = 1;
const SPACE: u32 = 2;
const LETTER: u32 = 3;
const IDEOGRAPH: u32 = 4;
const SEVERAL: u32 = 5;

/// Planes 0 to 3 hold every character with a folding of its own; what lies beyond is noise, and the
/// tags and variation selectors of plane 14 are free.
const TABLE_END: u32 = 0x4_0000;

impl Folding {
    /// Builds the table.
    #[allow(clippy::new_without_default, reason = "building costs milliseconds; a Default would hide that")]
    pub fn new() -> Self {
        let simplified = Simplified::new();
        let facts = Facts::new();
        let mut table = Self { pages: Vec::new(), entries: Vec::new(), several: Vec::new() };
        let mut page = [0_u32; PAGE];
        for start in (0..TABLE_END).step_by(PAGE) {
            for (slot, code_point) in page.iter_mut().zip(start..) {
                *slot = char::from_u32(code_point).map_or(NOISE << KIND_SHIFT, |c| {
                    let parts = facts.fold(c, &simplified);
                    table.pack(&parts)
                });
            }
            push_page(&mut table.pages, &mut table.entries, &page);
        }
        table
    }

    fn pack(&mut self, parts: &[Folded]) -> u32 {
        match parts {
            [] | [Folded::Free] => FREE << KIND_SHIFT,
            [Folded::Space] => SPACE << KIND_SHIFT,
            [Folded::Noise] => NOISE << KIND_SHIFT,
            [Folded::Letter(c)] => LETTER << KIND_SHIFT | u32::from(*c),
            [Folded::Ideograph(c)] => IDEOGRAPH << KIND_SHIFT | u32::from(*c),
            several => {
                self.several.push(several.into());
                SEVERAL << KIND_SHIFT | (self.several.len() - 1) as u32
            }
        }
    }

    /// Folds one character.
    pub fn fold(&self, c: char) -> impl Iterator<Item = Folded> + '_ {
        let entry = find(&self.pages, &self.entries, c);
        let payload = entry & PAYLOAD;
        let as_char = || char::from_u32(payload).unwrap_or(char::REPLACEMENT_CHARACTER);
        let (one, several): (Option<Folded>, &[Folded]) = match entry >> KIND_SHIFT {
            FREE => (Some(Folded::Free), &[]),
            SPACE => (Some(Folded::Space), &[]),
            LETTER => (Some(Folded::Letter(as_char())), &[]),
            IDEOGRAPH => (Some(Folded::Ideograph(as_char())), &[]),
            SEVERAL => (None, &self.several[payload as usize]),
            _ => (Some(Folded::Noise), &[]),
        };
        one.into_iter().chain(several.iter().copied())
    }

    /// Folds a phrase of a rule into what is looked for: noise goes, words stay whole.
    pub fn phrase(&self, text: &str) -> Vec<Token> {
        let mut tokens = Vec::new();
        let mut word = String::new();
        for folded in text.chars().flat_map(|c| self.fold(c)) {
            match folded {
                Folded::Free => {}
                Folded::Letter(c) => word.push(c),
                Folded::Ideograph(_) | Folded::Noise | Folded::Space => {
                    if !word.is_empty() {
                        tokens.push(Token::Word(std::mem::take(&mut word).into()));
                    }
                    if let Folded::Ideograph(c) = folded {
                        tokens.push(Token::Ideograph(c));
                    }
                }
            }
        }
        if !word.is_empty() {
            tokens.push(Token::Word(word.into()));
        }
        tokens
    }

    /// The same table with each ideograph replaced by its code; 0 for one that no phrase has. Pages
    /// without a coded ideograph collapse, so that the table of a rule set stays small.
    pub fn with_codes(&self, code: impl Fn(char) -> u32) -> CodedFolding {
        let coded = |entry: u32| match entry >> KIND_SHIFT {
            IDEOGRAPH => IDEOGRAPH << KIND_SHIFT | char::from_u32(entry & PAYLOAD).map_or(0, &code),
            _ => entry,
        };
        let mut table = CodedFolding { pages: Vec::new(), entries: Vec::new(), several: Vec::new() };
        let mut page = [0_u32; PAGE];
        for &number in &self.pages {
            let from = usize::from(number) * PAGE;
            for (slot, &entry) in page.iter_mut().zip(&self.entries[from..from + PAGE]) {
                *slot = coded(entry);
            }
            push_page(&mut table.pages, &mut table.entries, &page);
        }
        table.several = self
            .several
            .iter()
            .map(|parts| {
                let coded = parts.iter().map(|part| match *part {
                    Folded::Free => Coded::Free,
                    Folded::Space => Coded::Space,
                    Folded::Noise => Coded::Noise,
                    Folded::Letter(c) => Coded::Letter(c),
                    Folded::Ideograph(c) => Coded::Ideograph(code(c)),
                });
                coded.collect()
            })
            .collect();
        table
    }
}

impl CodedFolding {
    /// What a character is to the rule set.
    #[inline]
    pub fn fold(&self, c: char) -> Coded {
        let entry = find(&self.pages, &self.entries, c);
        let payload = entry & PAYLOAD;
        match entry >> KIND_SHIFT {
            FREE => Coded::Free,
            SPACE => Coded::Space,
            LETTER => Coded::Letter(char::from_u32(payload).unwrap_or(char::REPLACEMENT_CHARACTER)),
            IDEOGRAPH => Coded::Ideograph(payload),
            SEVERAL => Coded::Several(payload),
            _ => Coded::Noise,
        }
    }

    /// Bytes of the tables.
    pub fn heap_bytes(&self) -> usize {
        self.pages.len() * 2 + self.entries.len() * 4
    }

    /// The parts of a [`Coded::Several`].
    pub fn several(&self, index: u32) -> &[Coded] {
        self.several.get(index as usize).map_or(&[], |parts| parts)
    }
}

#[inline]
fn find(pages: &[u16], entries: &[u32], c: char) -> u32 {
    let code_point = c as usize;
    match pages.get(code_point / PAGE) {
        Some(&page) => entries[usize::from(page) * PAGE + code_point % PAGE],
        // Tags and variation selectors supplement: default ignorable.
        None if (0xE0000..0xE1000).contains(&code_point) => FREE << KIND_SHIFT,
        None => NOISE << KIND_SHIFT,
    }
}

/// Appends a page, or names an earlier one that is the same (the last, or the first: those repeat).
fn push_page(pages: &mut Vec<u16>, entries: &mut Vec<u32>, page: &[u32; PAGE]) {
    let stored = entries.len() / PAGE;
    let same = |number: usize| entries[number * PAGE..(number + 1) * PAGE] == page[..];
    let uniform = page.iter().all(|&entry| entry == page[0]);
    let found = if uniform { (0..stored).find(|&number| same(number)) } else { None };
    let number = found.unwrap_or_else(|| {
        entries.extend_from_slice(page);
        stored
    });
    pages.push(number as u16);
}

/// The Unicode properties that folding asks for.
struct Facts {
    category: icu_properties::CodePointMapDataBorrowed<'static, GeneralCategory>,
    script: icu_properties::CodePointMapDataBorrowed<'static, Script>,
    ignorable: icu_properties::CodePointSetDataBorrowed<'static>,
    compatibility: icu_normalizer::DecomposingNormalizerBorrowed<'static>,
    canonical: CanonicalDecompositionBorrowed<'static>,
}

impl Facts {
    fn new() -> Self {
        Self {
            category: CodePointMapData::<GeneralCategory>::new(),
            script: CodePointMapData::<Script>::new(),
            ignorable: CodePointSetData::new::<DefaultIgnorableCodePoint>(),
            compatibility: icu_normalizer::DecomposingNormalizerBorrowed::new_nfkd(),
            canonical: CanonicalDecompositionBorrowed::new(),
        }
    }

    fn fold(&self, c: char, simplified: &Simplified) -> Vec<Folded> {
        // Nine of ten characters: unified ideographs and syllables, which decompose to nothing else.
        if matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{20000}'..='\u{2F7FF}' | '\u{30000}'..='\u{323AF}')
        {
            return vec![Folded::Ideograph(simplified.of(c))];
        }
        // Kana keep their marks: か is not が.
        let whole = matches!(c, '\u{3041}'..='\u{30FF}');
        let mut buffer = [0; 4];
        let text = c.encode_utf8(&mut buffer);
        let decomposed = if whole { (&*text).into() } else { self.compatibility.normalize(text) };
        let mut parts = Vec::new();
        for part in decomposed.chars().flat_map(char::to_lowercase) {
            let part = simplified.of(part);
            let folded = self.classify(part);
            if folded != Folded::Free {
                parts.push(folded);
            }
        }
        if parts.iter().all(|part| matches!(part, Folded::Space)) && !parts.is_empty() {
            return vec![Folded::Space];
        }
        // A letter whose decomposition is only marks keeps nothing to compare: leave it itself.
        if parts.is_empty() && self.canonical.decompose(c) != Decomposed::Default {
            parts.push(self.classify(c));
        }
        parts
    }

    fn classify(&self, c: char) -> Folded {
        if c.is_whitespace() {
            return Folded::Space;
        }
        // Controls show nothing. Tatweel only stretches a word; it is a letter to Unicode.
        if c.is_control() || c == '\u{640}' || self.ignorable.contains(c) {
            return Folded::Free;
        }
        let category = self.category.get(c);
        let group = |set: GeneralCategoryGroup| set.contains(category);
        if group(GeneralCategoryGroup::Mark) && category != GeneralCategory::SpacingMark {
            return Folded::Free;
        }
        let word = group(GeneralCategoryGroup::Letter)
            || group(GeneralCategoryGroup::Number)
            || category == GeneralCategory::SpacingMark;
        if !word {
            return Folded::Noise;
        }
        let stands_alone = [
            Script::Bopomofo,
            Script::Han,
            Script::Hangul,
            Script::Hiragana,
            Script::Katakana,
            Script::Khmer,
            Script::Lao,
            Script::Myanmar,
            Script::Thai,
            Script::Yi,
        ]
        .contains(&self.script.get(c))
            // Prolonged sound mark: script Common, yet part of kana words.
            || c == 'ー';
        if stands_alone { Folded::Ideograph(c) } else { Folded::Letter(c) }
    }
}

/// Traditional → simplified, one character at a time.
struct Simplified(Vec<(char, char)>);

impl Simplified {
    fn new() -> Self {
        let mut pairs = Vec::with_capacity(4096);
        for line in include_str!("t2s.txt").lines().filter(|line| !line.starts_with('#')) {
            let mut characters = line.chars().filter(|c| !c.is_whitespace());
            if let Some(simplified) = characters.next() {
                pairs.extend(characters.map(|traditional| (traditional, simplified)));
            }
        }
        pairs.sort_unstable();
        Self(pairs)
    }

    fn of(&self, c: char) -> char {
        if (c as u32) < 0x3400 {
            return c;
        }
        self.0.binary_search_by_key(&c, |pair| pair.0).map_or(c, |at| self.0[at].1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Folding, Token};

    fn shown(folding: &Folding, text: &str) -> String {
        let token = |token| match token {
            Token::Ideograph(c) => c.to_string(),
            Token::Word(word) => format!("[{word}]"),
        };
        folding.phrase(text).into_iter().map(token).collect()
    }

    #[test]
    fn what_reads_alike_folds_alike() {
        let folding = Folding::new();
        let same = [
            ("百家樂", "百家乐"),
            ("百 家，乐", "百家乐"),
            ("百\u{200b}家\u{ad}乐\u{fe0f}", "百家乐"),
            ("⼀⾊", "一色"),
            ("㈠", "一"),
            ("ＣＡＳＩＮＯ Online", "[casino][online]"),
            ("c\u{301}afé", "[cafe]"),
            ("𝓐①", "[a1]"),
            ("加QQ群", "加[qq]群"),
            ("Straße", "[straße]"),
            ("が", "が"),
            ("한국", "한국"),
            ("！？ …", ""),
            ("6合彩", "[6]合彩"),
        ];
        for (text, expected) in same {
            assert_eq!(shown(&folding, text), expected, "{text}");
        }
    }

    #[test]
    fn false_friends_keep_apart() {
        let folding = Folding::new();
        for (one, other) in [("乾坤", "干坤"), ("著作", "着作"), ("か", "が")] {
            assert_ne!(folding.phrase(one), folding.phrase(other));
        }
    }

    #[test]
    fn folding_twice_changes_nothing() {
        let folding = Folding::new();
        for c in ('\0'..='\u{3FFFF}').step_by(7) {
            let once = shown(&folding, &c.to_string());
            let inner = once.replace("][", " ").replace(['[', ']'], "");
            assert_eq!(shown(&folding, &inner), once, "U+{:04X}", c as u32);
        }
    }
}

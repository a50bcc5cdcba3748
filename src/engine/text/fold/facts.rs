//! What Unicode says of a character: its parts, and whether each is shown, joins a word, or stands
//! for itself.

use icu_normalizer::properties::{CanonicalDecompositionBorrowed, Decomposed};
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, Script},
};

use super::{Folded, han::Simplified};

/// The Unicode properties that folding asks for.
pub(super) struct Facts {
    category: icu_properties::CodePointMapDataBorrowed<'static, GeneralCategory>,
    script: icu_properties::CodePointMapDataBorrowed<'static, Script>,
    ignorable: icu_properties::CodePointSetDataBorrowed<'static>,
    compatibility: icu_normalizer::DecomposingNormalizerBorrowed<'static>,
    canonical: CanonicalDecompositionBorrowed<'static>,
}

impl Facts {
    pub(super) fn new() -> Self {
        Self {
            category: CodePointMapData::<GeneralCategory>::new(),
            script: CodePointMapData::<Script>::new(),
            ignorable: CodePointSetData::new::<DefaultIgnorableCodePoint>(),
            compatibility: icu_normalizer::DecomposingNormalizerBorrowed::new_nfkd(),
            canonical: CanonicalDecompositionBorrowed::new(),
        }
    }

    pub(super) fn fold(&self, c: char, simplified: &Simplified) -> Vec<Folded> {
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

//! What Unicode says of a character: its parts, and whether each is shown, joins a word, or stands
//! for itself.

use icu_normalizer::properties::{CanonicalDecompositionBorrowed, Decomposed};
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, Script},
};

use super::{
    Folded,
    forms::Forms,
    letters::{Letters, leet, styled},
};

/// The Unicode properties that folding asks for, and the tables of look-alikes.
pub(super) struct Facts {
    category: icu_properties::CodePointMapDataBorrowed<'static, GeneralCategory>,
    script: icu_properties::CodePointMapDataBorrowed<'static, Script>,
    ignorable: icu_properties::CodePointSetDataBorrowed<'static>,
    compatibility: icu_normalizer::DecomposingNormalizerBorrowed<'static>,
    canonical: CanonicalDecompositionBorrowed<'static>,
    forms: Forms,
    letters: Letters,
    leet: bool,
}

impl Facts {
    /// `leet`: whether digits and signs count as letters.
    pub(super) fn new(leet: bool) -> Self {
        Self {
            category: CodePointMapData::<GeneralCategory>::new(),
            script: CodePointMapData::<Script>::new(),
            ignorable: CodePointSetData::new::<DefaultIgnorableCodePoint>(),
            compatibility: icu_normalizer::DecomposingNormalizerBorrowed::new_nfkd(),
            canonical: CanonicalDecompositionBorrowed::new(),
            forms: Forms::new(),
            letters: Letters::new(),
            leet,
        }
    }

    /// The characters of planes 2 and 3 that do not stand for themselves, in order.
    pub(super) fn beyond(&self) -> impl Iterator<Item = char> {
        // The second supplement of compatibility ideographs is the end of plane 2.
        let before = self.forms.beyond_basic().filter(|&c| c < '\u{2F800}');
        before.chain('\u{2F800}'..='\u{2FA1F}').chain(self.forms.beyond_basic().filter(|&c| c > '\u{2FA1F}'))
    }

    /// Puts what a character folds to into `parts`, which is empty.
    pub(super) fn fold(&self, c: char, parts: &mut Vec<Folded>) {
        // Nine of ten characters: unified ideographs and syllables, which decompose to nothing else.
        if matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{20000}'..='\u{2F7FF}' | '\u{30000}'..='\u{3FFFF}')
        {
            parts.push(Folded::Ideograph(self.forms.of(c)));
            return;
        }
        let category = self.category.get(c);
        if matches!(category, GeneralCategory::Unassigned | GeneralCategory::PrivateUse) && !self.ignorable.contains(c)
        {
            parts.push(Folded::Noise);
            return;
        }
        let mut buffer = [0; 4];
        let text = c.encode_utf8(&mut buffer);
        // Kana keep their marks: か is not が.
        let kana = matches!(c, '\u{3041}'..='\u{30FF}');
        if let Some(style) = styled(c) {
            style.for_each(|part| self.take(part, parts));
        } else if kana || self.letters.of(c).is_some() {
            self.take(c, parts);
        } else {
            self.compatibility.normalize(text).chars().for_each(|part| self.take(part, parts));
        }
        if parts.iter().all(|part| matches!(part, Folded::Space)) && !parts.is_empty() {
            parts.truncate(1);
        }
        // ⒜ shows one letter; the parentheses of its decomposition are its frame.
        if is_framed(c) {
            parts.retain(|part| !matches!(part, Folded::Noise));
        }
        // A letter whose decomposition is only marks keeps nothing to compare: leave it itself.
        if parts.is_empty() && self.canonical.decompose(c) != Decomposed::Default {
            parts.push(self.classify(c));
        }
    }

    /// Takes one character of a decomposition.
    fn take(&self, c: char, parts: &mut Vec<Folded>) {
        let mut put = |c: char| {
            let c = self.decimal(c);
            let c = self.letters.of(c).unwrap_or_else(|| self.forms.of(c));
            let folded = match leet(c).filter(|_| self.leet) {
                Some(letter) => Folded::Letter(letter),
                None => self.classify(c),
            };
            if folded != Folded::Free {
                parts.push(folded);
            }
        };
        match c {
            'ß' | 'ẞ' => "ss".chars().for_each(put),
            'æ' | 'Æ' => "ae".chars().for_each(put),
            'œ' | 'Œ' => "oe".chars().for_each(put),
            'ς' => put('σ'),
            // The case of a look-alike says what it looks like: Η is H, η is n.
            _ if self.letters.of(c).is_some() => put(c),
            _ => c.to_lowercase().for_each(put),
        }
    }

    /// A decimal digit of any script as the ASCII one: they stand in tens, from zero.
    fn decimal(&self, c: char) -> char {
        if c.is_ascii() || self.category.get(c) != GeneralCategory::DecimalNumber {
            return c;
        }
        let mut value = 0;
        while value < 9
            && char::from_u32(c as u32 - value - 1)
                .is_some_and(|c| self.category.get(c) == GeneralCategory::DecimalNumber)
        {
            value += 1;
        }
        char::from_digit(value, 10).unwrap_or(c)
    }

    fn classify(&self, c: char) -> Folded {
        // The empty pattern of Braille is blank, whatever its category says.
        if c.is_whitespace() || c == '\u{2800}' {
            return Folded::Space;
        }
        let category = self.category.get(c);
        // Controls and format characters show nothing. Tatweel only stretches a word; it is a letter to
        // Unicode.
        let shown = !(c.is_control() || category == GeneralCategory::Format);
        if !shown || c == '\u{640}' || self.ignorable.contains(c) {
            return Folded::Free;
        }
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

/// Whether a character is others in a frame, or with a full stop or comma: ⒈ ⒜ ⑴ ㈠ 🄐 🄁 🉀.
fn is_framed(c: char) -> bool {
    matches!(c, '\u{2474}'..='\u{24B5}' | '\u{3200}'..='\u{3243}' | '\u{33C2}' | '\u{33D8}' | '\u{1F100}'..='\u{1F12F}' | '\u{1F240}'..='\u{1F248}')
}

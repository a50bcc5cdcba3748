//! The phrases of a rule set, by the reading that each asks for.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::layer::{Layer, Pattern};
use crate::engine::text::fold::{Folding, Reading, Token};

type Map<K, V> = HashMap<K, V, FixedState>;

/// Collects phrases for a [`PatternSet`].
pub struct PatternSetBuilder<'f> {
    looks: &'f Folding,
    /// Foldings of the other readings, once one is asked for.
    sounds: Option<Folding>,
    leet: Option<Folding>,
    /// By reading: looks, sounds, leet.
    phrases: [Vec<(Vec<Token>, u32)>; 3],
    numbers: Map<(Reading, Vec<Token>), u32>,
    /// By pattern.
    gaps: Vec<u8>,
}

/// All phrases of a rule set; immutable, shared by all cores.
#[derive(Debug)]
pub struct PatternSet {
    layers: Vec<Layer>,
    patterns: usize,
}

impl<'f> PatternSetBuilder<'f> {
    /// An empty collection; `looks` is the folding of [`Reading::Looks`].
    pub fn new(looks: &'f Folding) -> Self {
        Self { looks, sounds: None, leet: None, phrases: Default::default(), numbers: Map::default(), gaps: Vec::new() }
    }

    /// Adds a phrase under a reading, with the noise allowed inside it, in characters, and says its
    /// number; phrases that fold alike share one, with the wider gap. `None` if it folds to nothing.
    pub fn add(&mut self, reading: Reading, phrase: &str, gap: u8) -> Option<u32> {
        let folding = match reading {
            Reading::Looks => self.looks,
            Reading::Sounds => self.sounds.get_or_insert_with(|| Folding::new(reading)),
            Reading::Leet => self.leet.get_or_insert_with(|| Folding::new(reading)),
        };
        let tokens = folding.phrase(phrase);
        if tokens.is_empty() {
            return None;
        }
        if let Some(&number) = self.numbers.get(&(reading, tokens.clone())) {
            let known = &mut self.gaps[number as usize];
            *known = gap.max(*known);
            return Some(number);
        }
        let number = u32::try_from(self.gaps.len()).ok()?;
        let phrases = &mut self.phrases[reading as usize];
        phrases.extend(folding.variants(&tokens).into_iter().map(|variant| (variant, number)));
        phrases.push((tokens.clone(), number));
        self.numbers.insert((reading, tokens), number);
        self.gaps.push(gap);
        Some(number)
    }

    /// Compiles.
    pub fn build(self) -> PatternSet {
        let Self { looks, sounds, leet, phrases, numbers, gaps } = self;
        drop(numbers);
        let readings =
            [(Reading::Looks, Some(looks)), (Reading::Sounds, sounds.as_ref()), (Reading::Leet, leet.as_ref())];
        let layers = readings.into_iter().zip(phrases).filter_map(|((reading, folding), phrases)| {
            let pattern = |number: u32| Pattern { number, gap: gaps[number as usize] };
            let phrases: Vec<_> = phrases.into_iter().map(|(tokens, number)| (tokens, pattern(number))).collect();
            Some(Layer::new(reading, folding.filter(|_| !phrases.is_empty())?, &phrases))
        });
        PatternSet { layers: layers.collect(), patterns: gaps.len() }
    }
}

impl PatternSet {
    /// Number of distinct patterns.
    pub fn len(&self) -> usize {
        self.patterns
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.patterns == 0
    }

    /// The readings, each with its phrases.
    pub(super) fn layers(&self) -> &[Layer] {
        &self.layers
    }
}

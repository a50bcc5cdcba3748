//! The phrases of a rule set.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::layer::{Layer, Pattern};
use crate::engine::text::fold::{Folding, Token};

type Map<K, V> = HashMap<K, V, FixedState>;

/// Collects phrases for a [`PatternSet`].
pub struct PatternSetBuilder<'f> {
    folding: &'f Folding,
    phrases: Vec<(Vec<Token>, Pattern)>,
    numbers: Map<Vec<Token>, u32>,
}

/// All phrases of a rule set; immutable, shared by all cores.
#[derive(Debug)]
pub struct PatternSet {
    layers: Vec<Layer>,
    patterns: usize,
}

impl<'f> PatternSetBuilder<'f> {
    /// An empty collection.
    pub fn new(folding: &'f Folding) -> Self {
        Self { folding, phrases: Vec::new(), numbers: Map::default() }
    }

    /// Adds a phrase with the noise allowed inside it, in characters, and says its number; phrases
    /// that fold alike share one, with the wider gap. `None` if it folds to nothing.
    pub fn add(&mut self, phrase: &str, gap: u8) -> Option<u32> {
        let tokens = self.folding.phrase(phrase);
        if tokens.is_empty() {
            return None;
        }
        if let Some(&number) = self.numbers.get(&tokens) {
            let known = &mut self.phrases[number as usize].1;
            known.gap = gap.max(known.gap);
            return Some(number);
        }
        let number = u32::try_from(self.phrases.len()).ok()?;
        self.numbers.insert(tokens.clone(), number);
        self.phrases.push((tokens, Pattern { number, gap }));
        Some(number)
    }

    /// Compiles.
    pub fn build(self) -> PatternSet {
        PatternSet { patterns: self.phrases.len(), layers: vec![Layer::new(self.folding, &self.phrases)] }
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

    /// Bytes of memory, nearly.
    pub fn heap_bytes(&self) -> usize {
        self.layers.iter().map(Layer::heap_bytes).sum()
    }
}

//! The two-step table from a character to what it folds to.

use super::Folded;

/// Entries by code point, in pages; equal uniform pages are stored once.
#[derive(Debug, Default)]
pub(super) struct Table {
    pages: Vec<u16>,
    entries: Vec<u32>,
    several: Vec<Box<[Folded]>>,
}

/// One entry, unpacked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry<'t> {
    One(Folded),
    /// Several, with their index.
    Several(u32, &'t [Folded]),
}

/// Planes 0 to 3 hold every character with a folding of its own; what lies beyond is noise, and the
/// tags and variation selectors of plane 14 are free.
pub(super) const TABLE_END: u32 = 0x4_0000;

const PAGE: usize = 256;
const KIND_SHIFT: u32 = 24;
const PAYLOAD: u32 = (1 << KIND_SHIFT) - 1;
const NOISE: u32 = 0;
const FREE: u32 = 1;
const SPACE: u32 = 2;
const LETTER: u32 = 3;
const IDEOGRAPH: u32 = 4;
const SEVERAL: u32 = 5;

impl Table {
    /// Asks for the parts of every character once.
    pub(super) fn build(mut parts_of: impl FnMut(char, &mut Vec<Folded>)) -> Self {
        let mut table = Self::default();
        let mut page = [0_u32; PAGE];
        let mut parts = Vec::new();
        for start in (0..TABLE_END).step_by(PAGE) {
            for (slot, code_point) in page.iter_mut().zip(start..) {
                *slot = NOISE << KIND_SHIFT;
                if let Some(c) = char::from_u32(code_point) {
                    parts.clear();
                    parts_of(c, &mut parts);
                    *slot = table.pack(&parts);
                }
            }
            table.push(&page);
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

    /// Appends a page, or names an earlier one that is the same (uniform pages repeat).
    fn push(&mut self, page: &[u32; PAGE]) {
        let stored = self.entries.len() / PAGE;
        let same = |number: usize| self.entries[number * PAGE..(number + 1) * PAGE] == page[..];
        let uniform = page.iter().all(|&entry| entry == page[0]);
        let found = if uniform { (0..stored).find(|&number| same(number)) } else { None };
        let number = found.unwrap_or_else(|| {
            self.entries.extend_from_slice(page);
            stored
        });
        self.pages.push(number as u16);
    }

    /// All entries of several parts, by index.
    pub(super) fn several(&self) -> &[Box<[Folded]>] {
        &self.several
    }

    pub(super) fn find(&self, c: char) -> Entry<'_> {
        let code_point = c as usize;
        let Some(&page) = self.pages.get(code_point / PAGE) else {
            // Tags and variation selectors supplement: default ignorable.
            let free = (0xE0000..0xE1000).contains(&code_point);
            return Entry::One(if free { Folded::Free } else { Folded::Noise });
        };
        let entry = self.entries[usize::from(page) * PAGE + code_point % PAGE];
        let payload = entry & PAYLOAD;
        let as_char = || char::from_u32(payload).unwrap_or(char::REPLACEMENT_CHARACTER);
        Entry::One(match entry >> KIND_SHIFT {
            FREE => Folded::Free,
            SPACE => Folded::Space,
            LETTER => Folded::Letter(as_char()),
            IDEOGRAPH => Folded::Ideograph(as_char()),
            SEVERAL => return Entry::Several(payload, self.several.get(payload as usize).map_or(&[], |parts| parts)),
            _ => Folded::Noise,
        })
    }
}

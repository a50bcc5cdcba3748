//! The two-step table from a character to what it folds to.

use super::Folded;

/// Entries by code point, in pages; equal uniform pages are stored once.
#[derive(Debug, Default)]
pub(super) struct Table {
    pages: Vec<u16>,
    entries: Vec<u32>,
    several: Vec<Box<[Folded]>>,
    /// The ideographs beyond the pages that do not stand for themselves, in order.
    beyond: Vec<(char, u32)>,
}

/// One entry, unpacked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry<'t> {
    One(Folded),
    /// Several, with their index.
    Several(u32, &'t [Folded]),
}

/// Planes 0 and 1 have pages.
const PAGES_END: u32 = 0x2_0000;

/// Planes 2 and 3 are ideographs. What lies beyond is noise, but the tags and variation selectors of
/// plane 14 are free.
pub(super) const IDEOGRAPHS_END: u32 = 0x4_0000;

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
    /// Asks for the parts of every character of planes 0 and 1 once, and for those of planes 2 and 3
    /// that do not stand for themselves, which come in order.
    pub(super) fn build(
        beyond: impl IntoIterator<Item = char>,
        mut parts_of: impl FnMut(char, &mut Vec<Folded>),
    ) -> Self {
        let mut table = Self::default();
        let mut page = [0_u32; PAGE];
        let mut parts = Vec::new();
        for start in (0..PAGES_END).step_by(PAGE) {
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
        for c in beyond {
            parts.clear();
            parts_of(c, &mut parts);
            let entry = table.pack(&parts);
            table.beyond.push((c, entry));
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
        let entry = match self.pages.get(code_point / PAGE) {
            Some(&page) => self.entries[usize::from(page) * PAGE + code_point % PAGE],
            None => self.find_beyond(c),
        };
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

    #[cold]
    fn find_beyond(&self, c: char) -> u32 {
        match self.beyond.binary_search_by_key(&c, |&(of, _)| of) {
            Ok(at) => self.beyond[at].1,
            Err(_) if (c as u32) < IDEOGRAPHS_END => IDEOGRAPH << KIND_SHIFT | c as u32,
            Err(_) if matches!(c, '\u{E0000}'..='\u{E0FFF}') => FREE << KIND_SHIFT,
            Err(_) => NOISE << KIND_SHIFT,
        }
    }
}

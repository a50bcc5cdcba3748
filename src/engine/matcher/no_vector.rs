//! Stands for [`vector`](super::vector) where there is no such processor.

use super::{
    ascii::{BLOCK_BYTES, Beginnings, Masks},
    plane::Plane,
};

/// A processor that does not exist.
#[derive(Clone, Copy, Debug)]
pub(super) enum Vector {}

impl Vector {
    #[inline(always)]
    pub(super) fn of_this_processor() -> Option<Self> {
        None
    }

    pub(super) fn wide(self, _: &Plane, _: &[u8], _: u32, _: &mut [u16], _: &mut [u32]) -> (usize, usize) {
        match self {}
    }

    pub(super) fn masks(self, _: &[u8; BLOCK_BYTES], _: &Beginnings) -> Masks {
        match self {}
    }

    pub(super) fn shown(self, _: u8, _: &[u8]) -> u32 {
        match self {}
    }

    pub(super) fn candidates<const WORDS: usize>(self, _: &[u32; WORDS], _: &[u16], _: &mut Vec<u32>) {
        match self {}
    }
}

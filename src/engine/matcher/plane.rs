//! What each character of the basic plane is to a layer, in one look-up.

/// A character that is neither ideograph nor letter: no token. Codes are below this.
pub(super) const NOISE: u16 = 0x8000;
/// To be looked at closely.
pub(super) const SPECIAL: u16 = 0xC000;

const CHARACTERS: usize = 1 << 16;

/// Every character of the basic plane: its code, [`NOISE`] or [`SPECIAL`].
#[derive(Debug)]
pub(super) struct Plane {
    codes: Box<[u16; CHARACTERS]>,
}

impl Plane {
    /// A plane on which everything is special.
    pub(super) fn empty() -> Self {
        Self { codes: Box::new([SPECIAL; CHARACTERS]) }
    }

    /// Asks for the code of every character.
    pub(super) fn new(code: impl Fn(char) -> u16) -> Self {
        let mut plane = Self::empty();
        for (slot, code_point) in plane.codes.iter_mut().zip(0..) {
            *slot = char::from_u32(code_point).map_or(SPECIAL, &code);
        }
        plane
    }

    /// What a character is.
    #[inline(always)]
    pub(super) fn code(&self, code_point: u16) -> u16 {
        self.codes[usize::from(code_point)]
    }
}

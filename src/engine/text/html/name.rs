//! Names of tags and attributes: lower case, in one number, so that comparing two costs nothing.

use wide::u8x16;

/// A name, cut at [`Name::BYTES_MAX`]; every name that matters here is shorter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Name {
    bytes: [u8; Name::BYTES_MAX],
    length: u8,
}

impl Name {
    pub(super) const BYTES_MAX: usize = 16;

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Appends a byte, in lower case. NUL is a character like others here, so that what follows it
    /// makes a difference.
    #[inline]
    pub(super) fn push(&mut self, byte: u8) {
        let length = usize::from(self.length);
        if length < Self::BYTES_MAX {
            self.bytes[length] = if byte == 0 { 0xFF } else { byte.to_ascii_lowercase() };
            self.length += 1;
        }
    }

    pub(super) fn push_character(&mut self, c: char) {
        for &byte in c.encode_utf8(&mut [0; 4]).as_bytes() {
            self.push(byte);
        }
    }

    pub(super) fn key(&self) -> Key {
        Key(u128::from_le_bytes(self.bytes))
    }

    /// The name at the beginning of `rest`, and how many bytes it takes; `None` if `rest` ends
    /// within it, or if it has a NUL. The first byte of an attribute's name belongs to it, whatever
    /// it is; only attributes have such names, and only theirs end at `=`.
    #[inline(always)]
    pub(super) fn read<const ATTRIBUTE: bool>(rest: &[u8], ends: &[bool; 256]) -> Option<(Self, usize)> {
        let from = usize::from(ATTRIBUTE);
        if let Some(all) = rest.first_chunk::<{ Self::BYTES_MAX }>() {
            let chunk = u8x16::new(*all);
            let is = |byte: u8| chunk.simd_eq(u8x16::splat(byte));
            let mut hits = chunk.min(u8x16::splat(b' ')).simd_eq(chunk) | is(b'/') | is(b'>');
            if ATTRIBUTE {
                hits |= is(b'=');
            }
            let length = (hits.to_bitmask() >> from << from).trailing_zeros() as usize;
            if let (Some(&end), Some(first)) = (all.get(length), FIRST.get(length))
                && end != 0
                && ends[usize::from(end)]
                && all[0] != 0
            {
                // So far behind A, and no farther than Z.
                let offset = chunk - u8x16::splat(b'A');
                let upper = offset.min(u8x16::splat(25)).simd_eq(offset);
                let lower = (chunk | upper & u8x16::splat(0x20)) & u8x16::new(*first);
                return Some((Self { bytes: lower.to_array(), length: length as u8 }, length));
            }
        }
        Self::read_bytewise(rest, ends, from)
    }

    /// The name of an attribute that is known to end behind so many bytes if it does not end before: `None`
    /// if it does, and if it is not short.
    #[inline(always)]
    pub(super) fn of_attribute(rest: &[u8], length: usize) -> Option<Self> {
        let (all, first) = (rest.first_chunk::<{ Self::BYTES_MAX }>()?, FIRST.get(length)?);
        let (chunk, first) = (u8x16::new(*all), u8x16::new(*first));
        let is = |byte: u8| chunk.simd_eq(u8x16::splat(byte));
        let ends = chunk.min(u8x16::splat(b' ')).simd_eq(chunk) | is(b'/') | is(b'>');
        let offset = chunk - u8x16::splat(b'A');
        let upper = offset.min(u8x16::splat(25)).simd_eq(offset);
        let lower = (chunk | upper & u8x16::splat(0x20)) & first;
        let plain = length > 0 && (ends & first).to_bitmask() == 0;
        plain.then_some(Self { bytes: lower.to_array(), length: length as u8 })
    }

    /// The same for what is long, or stands at the end of a block.
    #[cold]
    fn read_bytewise(rest: &[u8], ends: &[bool; 256], from: usize) -> Option<(Self, usize)> {
        let length = from + rest.get(from..)?.iter().position(|&byte| ends[usize::from(byte)])?;
        let kept = length.min(Self::BYTES_MAX);
        let mut bytes = [0; Self::BYTES_MAX];
        // A copy of fixed length costs a tenth of one of any length.
        match rest.first_chunk::<{ Self::BYTES_MAX }>() {
            Some(all) => {
                let mask = if kept == Self::BYTES_MAX { u128::MAX } else { (1 << (8 * kept)) - 1 };
                bytes = (u128::from_le_bytes(*all) & mask).to_le_bytes();
            }
            None => bytes[..kept].copy_from_slice(&rest[..kept]),
        }
        bytes.make_ascii_lowercase();
        let nul = rest[length] == 0 || rest[0] == 0;
        (!nul).then_some((Self { bytes, length: kept as u8 }, length))
    }

    /// Whether the next character would be cut off.
    pub(super) fn is_full(&self) -> bool {
        usize::from(self.length) == Self::BYTES_MAX
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// The first so many bytes.
static FIRST: [[u8; Name::BYTES_MAX]; Name::BYTES_MAX] = {
    let mut masks = [[0; Name::BYTES_MAX]; Name::BYTES_MAX];
    let mut length = 0;
    while length < Name::BYTES_MAX {
        let mut at = 0;
        while at < length {
            masks[length][at] = 0xFF;
            at += 1;
        }
        length += 1;
    }
    masks
};

/// A name as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Key(u128);

impl Key {
    /// The key of a name of ours, written in lower case.
    pub(super) const fn of(name: &str) -> Self {
        let bytes = name.as_bytes();
        assert!(bytes.len() < Name::BYTES_MAX, "a longer name would be cut");
        let mut value = 0;
        let mut at = 0;
        while at < bytes.len() {
            value |= (bytes[at] as u128) << (8 * at);
            at += 1;
        }
        Self(value)
    }

    /// One of 2^`bits` places in a table.
    #[inline]
    pub(super) const fn place(self, bits: u32) -> usize {
        let mixed = (self.0 as u64) ^ ((self.0 >> 64) as u64).rotate_left(17);
        (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - bits)) as usize
    }

    pub(super) const fn is(self, other: Self) -> bool {
        self.0 == other.0
    }

    /// Whether it is that of an event handler.
    #[inline]
    pub(super) const fn begins_with_on(self) -> bool {
        self.0 as u16 == u16::from_le_bytes(*b"on")
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Name;

    proptest! {
        #[test]
        fn the_fast_way_and_the_plain_one_agree(rest in proptest::collection::vec(prop_oneof![any::<u8>(), 0x20..0x7F_u8], 0..40)) {
            let mut ends = [false; 256];
            b"\t\n\x0C\r />=\0".iter().for_each(|&byte| ends[usize::from(byte)] = true);
            let plain = Name::read_bytewise(&rest, &ends, 1);
            prop_assert_eq!(Name::read::<true>(&rest, &ends), plain);
            ends[usize::from(b'=')] = false;
            if rest.first().is_some_and(u8::is_ascii_alphabetic) {
                prop_assert_eq!(Name::read::<false>(&rest, &ends), Name::read_bytewise(&rest, &ends, 0));
            }
        }
    }
}

//! Code between strings: what came just before a place, and what in it may be more than code.

use wide::u8x16;

/// Bytes that are looked at together.
const LANES: usize = 16;

/// The last bytes that were read, white space at their end left out where it does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tail {
    bytes: [u8; Self::LENGTH],
    len: usize,
}

impl Tail {
    const LENGTH: usize = 16;

    /// Appends what was read.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(Self::LENGTH)..];
        let gone = (self.len + bytes.len()).saturating_sub(Self::LENGTH);
        self.bytes.copy_within(gone..self.len, 0);
        self.len -= gone;
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// With more behind.
    pub(super) fn then(mut self, bytes: &[u8]) -> Self {
        self.push(bytes);
        self
    }

    /// Whether what was read ends so, white space aside.
    pub(super) fn ends_with(&self, suffix: &[u8]) -> bool {
        self.bytes[..self.len].trim_ascii_end().ends_with(suffix)
    }

    /// Whether a `/` that comes now begins a regular expression, not a division.
    pub(super) fn allows_regex(&self) -> bool {
        allows_operand(&self.bytes[..self.len])
    }

    /// Whether what was read ends with a `[` that begins an array, not a member's name.
    pub(super) fn begins_array(&self) -> bool {
        self.bytes[..self.len].trim_ascii_end().strip_suffix(b"[").is_some_and(allows_operand)
    }
}

/// Index of the first byte from `at` on that may be no plain code: a quote, a backslash, a slash, the C
/// behind what may be `from`, and braces if they matter.
#[inline]
pub(super) fn find_sign(code: &[u8], mut at: usize, braces: bool) -> usize {
    while let Some(chunk) = code.get(at..).and_then(|rest| rest.first_chunk::<LANES>()) {
        // What comes before the code is not here: it may be white space.
        let mut before = [b' '; LANES];
        match at.checked_sub(1).and_then(|before| code.get(before..)?.first_chunk::<LANES>()) {
            Some(bytes) => before = *bytes,
            None => before[1..].copy_from_slice(&chunk[..LANES - 1]),
        }
        let (chunk, before) = (u8x16::new(*chunk), u8x16::new(before));
        let is = |byte: u8| chunk.simd_eq(u8x16::splat(byte));
        let space = before.min(u8x16::splat(b' ')).simd_eq(before);
        let mut signs = is(b'"') | is(b'\'') | is(b'`') | is(b'\\') | is(b'/');
        signs |= is(b'C') & (space | before.simd_eq(u8x16::splat(b'm')));
        if braces {
            signs |= is(b'{') | is(b'}');
        }
        let signs = signs.to_bitmask();
        if signs != 0 {
            return at + signs.trailing_zeros() as usize;
        }
        at += LANES;
    }
    let is_sign = |at: usize| match code[at] {
        b'"' | b'\'' | b'`' | b'\\' | b'/' => true,
        b'C' => at == 0 || may_end_from(code[at - 1]),
        b'{' | b'}' => braces,
        _ => false,
    };
    (at..code.len()).find(|&at| is_sign(at)).unwrap_or(code.len())
}

/// Whether what ends with this byte may end with `from`, white space aside.
fn may_end_from(byte: u8) -> bool {
    byte == b'm' || byte <= b' '
}

/// Whether an operand may come behind this code.
fn allows_operand(code: &[u8]) -> bool {
    let read = code.trim_ascii_end();
    match read.last() {
        None => true,
        Some(b')' | b']' | b'"' | b'\'' | b'`' | b'$' | b'_') => false,
        Some(byte) if byte.is_ascii_alphanumeric() => {
            [&b"return"[..], b"typeof", b"case", b"in", b"of"].iter().any(|word| {
                read.strip_suffix(*word).is_some_and(|rest| !rest.last().is_some_and(u8::is_ascii_alphanumeric))
            })
        }
        Some(byte) => byte.is_ascii(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{find_sign, may_end_from};

    proptest! {
        #[test]
        fn it_is_the_first_sign(code in "[a-c\"'`/{}C\\\\m ]{0,50}|[a-zA-Z(){};=. ]{0,90}", at in 0_usize..90, braces: bool) {
            let (code, at) = (code.as_bytes(), at.min(code.len()));
            let is_sign = |at: &usize| match code[*at] {
                b'C' => *at == 0 || may_end_from(code[at - 1]),
                b'{' | b'}' => braces,
                byte => b"\"'`\\/".contains(&byte),
            };
            let first = (at..code.len()).find(is_sign).unwrap_or(code.len());
            prop_assert_eq!(find_sign(code, at, braces), first);
        }
    }
}

//! Code between strings: what came just before a place.

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

/// Whether what ends with this byte may end with `from`, white space aside.
pub(super) fn may_end_from(byte: u8) -> bool {
    byte == b'm' || byte.is_ascii_whitespace()
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

//! Where something stands in a stream of bytes.

/// A half-open range of byte offsets in a body after its Content-Encoding is undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSpan {
    /// Offset of the first byte.
    pub start: u64,
    /// Offset behind the last byte; never less than `start`.
    pub end: u64,
}

impl ByteSpan {
    /// The number of bytes in the span.
    pub fn len(self) -> u64 {
        self.end - self.start
    }

    /// Whether the span covers no byte.
    pub fn is_empty(self) -> bool {
        self.end == self.start
    }
}

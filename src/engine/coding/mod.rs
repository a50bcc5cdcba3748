//! Content-Encoding, undone on a copy of the body while it flows past, within budgets.
//!
//! What a browser would show is what counts, so framing is read as leniently as browsers read it:
//! checksums are not compared (a wrong one stops no browser from showing the text), bytes behind a
//! complete stream are ignored, `deflate` may be zlib or raw. A body of no bytes at all is complete
//! in every coding.
//!
//! What holds, whatever the cuts in which the input arrives: the bytes that come out for a prefix
//! of the input, and the fault in which decoding it ends. To keep that, no codec is left to choose
//! how much input it takes before it gives its output away: the input is granted in blocks of fixed
//! places, and a block is granted when nothing more comes out for the one before it. (One exception,
//! in broken brotli streams only, is described in `brotli`.)
//!
//! Memory for a coding in the stack: 16 KiB for its output, and its window: 32 KiB for `gzip` and
//! `deflate`, up to 16 MiB for `br`, up to 8 MiB for `zstd`, grown only as the stream asks for it.

mod brotli;
mod decoder;
mod inflate;
mod zstd;

#[cfg(test)]
mod tests;

pub use decoder::Decoder;

/// Codings that may be stacked on one body, at most.
const STACK_MAX: usize = 3;

/// A Content-Encoding that Zhamen can undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// `br`, RFC 7932; large-window streams are refused.
    Brotli,
    /// `deflate`: zlib (RFC 1950) as the standard says, or raw deflate (RFC 1951) as some send it.
    Deflate,
    /// `gzip` and `x-gzip`, RFC 1952, all members.
    Gzip,
    /// `zstd`, RFC 8878, all frames; window at most 8 MiB (RFC 9659).
    Zstd,
}

/// The Content-Encoding names something that Zhamen cannot undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCoding;

/// Bounds on what decoding may cost.
#[derive(Clone, Copy, Debug)]
pub struct DecodeLimits {
    /// Decoded bytes a response, at most.
    pub decoded_bytes_max: u64,
    /// Decoded bytes per byte received, at most (checked beyond the first 64 KiB decoded; what was
    /// received counts in whole blocks of 4 KiB, so that the place of the cuts does not matter).
    pub ratio_max: u32,
}

/// Why decoding stopped. Closed; alphabetical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeFault {
    /// The stream breaks its format.
    Corrupt,
    /// More came out than [`DecodeLimits`] allow.
    OverBudget,
    /// The body ended in the middle of the stream.
    Truncated,
}

/// What a codec did with the input and the room it was given.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// Bytes of the input that it took.
    consumed: usize,
    /// Bytes of the room that it filled.
    written: usize,
    /// Why nothing follows what was written.
    fault: Option<DecodeFault>,
}

/// Reads a `Content-Encoding` field value (all field lines joined by commas): the codings in the
/// order in which they were applied. `identity` counts for nothing; empty means none. More than
/// three stacked codings count as unknown.
pub fn parse_content_encoding(value: &[u8]) -> Result<Vec<Coding>, UnknownCoding> {
    let mut codings = Vec::new();
    for name in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let coding = if name.is_empty() || is("identity") {
            continue;
        } else if is("gzip") || is("x-gzip") {
            Coding::Gzip
        } else if is("br") {
            Coding::Brotli
        } else if is("deflate") {
            Coding::Deflate
        } else if is("zstd") {
            Coding::Zstd
        } else {
            return Err(UnknownCoding);
        };
        if codings.len() == STACK_MAX {
            return Err(UnknownCoding);
        }
        codings.push(coding);
    }
    Ok(codings)
}

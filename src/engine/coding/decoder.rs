//! The stack of codings over one body: input in blocks, output in pieces, budgets on every layer.

use bytes::Bytes;

use super::{Coding, DecodeFault, DecodeLimits, Progress, brotli::Unbrotli, inflate::Inflater, zstd::Unzstd};

/// Decoded bytes that one call gives, at most, and the buffer between two layers.
const PIECE_BYTES: usize = 16 * 1024;
/// Input is granted to the outermost layer up to the next multiple of this offset.
const BLOCK_BYTES: u64 = 4 * 1024;
/// Below this many decoded bytes the ratio is not looked at.
const RATIO_FREE_BYTES: u64 = 64 * 1024;

/// Undoes a stack of codings, streaming. With no coding it passes bytes through, uncopied.
///
/// After a fault every further [`Decoder::read`] and [`Decoder::finish`] repeats it.
pub struct Decoder {
    /// The coding that was applied last comes first.
    layers: Vec<Layer>,
    source: Source,
    /// What the last `read` gave, where there is no layer to hold it.
    piece: Bytes,
    limits: DecodeLimits,
    fault: Option<DecodeFault>,
}

/// The body as received.
#[derive(Default)]
struct Source {
    unread: Bytes,
    consumed: u64,
    /// Offset up to which the outermost layer may read; always a multiple of [`BLOCK_BYTES`].
    granted: u64,
}

/// One coding and the bytes that it gave and nobody has taken yet.
struct Layer {
    codec: Codec,
    buffer: Vec<u8>,
    unread: std::ops::Range<usize>,
    produced: u64,
    /// Whether it has seen any input.
    begun: bool,
    /// Nothing more comes out of it without more input.
    drained: bool,
    /// Why nothing follows what is in the buffer.
    fault: Option<DecodeFault>,
}

enum Codec {
    Brotli(Unbrotli),
    Inflate(Inflater),
    Zstd(Unzstd),
}

impl Decoder {
    /// A decoder for codings in the order in which they were applied. Allocates next to nothing
    /// until the first byte is read.
    pub fn new(codings: &[Coding], limits: DecodeLimits) -> Self {
        let layers = codings.iter().rev().map(|&coding| Layer::new(coding)).collect();
        Self { layers, source: Source::default(), piece: Bytes::new(), limits, fault: None }
    }

    /// Gives the next received bytes. Call [`Decoder::read`] until it returns an empty slice
    /// before the next `feed`.
    pub fn feed(&mut self, input: Bytes) {
        debug_assert!(self.source.unread.is_empty() || self.fault.is_some(), "read until empty before the next feed");
        self.source.unread = input;
    }

    /// The next decoded bytes (at most 16 KiB), empty when more input is needed. What comes out for
    /// a given prefix of the input does not depend on how the prefix was cut into feeds.
    pub fn read(&mut self) -> Result<&[u8], DecodeFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if self.layers.is_empty() {
            return self.pass_through();
        }
        match pull(&mut self.layers, &mut self.source, self.limits, 0) {
            Ok(_) => Ok(self.layers.last_mut().map_or(&[], Layer::take)),
            Err(fault) => {
                self.fault = Some(fault);
                Err(fault)
            }
        }
    }

    /// Says that no input follows: an error if the stream is not at its end. Call after `read`
    /// returned empty.
    pub fn finish(&mut self) -> Result<(), DecodeFault> {
        if self.fault.is_none() && self.layers.iter().any(|layer| layer.begun && !layer.codec.is_complete()) {
            self.fault = Some(DecodeFault::Truncated);
        }
        self.fault.map_or(Ok(()), Err)
    }

    /// Bytes of the fed input that have been consumed so far, over the whole stream: everything
    /// decoded until now came from them.
    pub fn consumed(&self) -> u64 {
        self.source.consumed
    }

    fn pass_through(&mut self) -> Result<&[u8], DecodeFault> {
        // Nothing is decoded, so what was consumed is what was produced.
        let room = self.limits.decoded_bytes_max.saturating_sub(self.source.consumed);
        if room == 0 && !self.source.unread.is_empty() {
            self.fault = Some(DecodeFault::OverBudget);
            return Err(DecodeFault::OverBudget);
        }
        let length = self.source.unread.len().min(PIECE_BYTES).min(usize::try_from(room).unwrap_or(usize::MAX));
        self.piece = self.source.unread.split_to(length);
        self.source.consumed += length as u64;
        Ok(&self.piece)
    }
}

/// Fills the last layer's empty buffer; `false` if that takes more input. `deeper` is the number of
/// layers that read from that one.
///
/// A layer asks for input only when it is drained, so when the source grants a block every layer is
/// drained, and what a block brings does not depend on what arrives behind it.
fn pull(layers: &mut [Layer], source: &mut Source, limits: DecodeLimits, deeper: u64) -> Result<bool, DecodeFault> {
    let Some((layer, outer)) = layers.split_last_mut() else { return Ok(source.grant()) };
    loop {
        if let Some(fault) = layer.fault {
            return Err(fault);
        }
        let input = outer.last().map_or_else(|| source.readable(), Layer::available);
        if input.is_empty() && layer.drained {
            if !pull(outer, source, limits, deeper + 1)? {
                return Ok(false);
            }
            continue;
        }
        // What is only on its way to the next layer may carry that layer's framing on top.
        let produced_max = source.produced_max(limits).saturating_add(deeper * RATIO_FREE_BYTES);
        let consumed = layer.step(input, produced_max);
        match outer.last_mut() {
            Some(feeder) => feeder.unread.start += consumed,
            None => source.advance(consumed),
        }
        if !layer.unread.is_empty() {
            return Ok(true);
        }
    }
}

impl Source {
    fn readable(&self) -> &[u8] {
        let granted = usize::try_from(self.granted - self.consumed).unwrap_or(usize::MAX);
        &self.unread[..granted.min(self.unread.len())]
    }

    /// Opens the next block; `false` if there is nothing in it yet.
    fn grant(&mut self) -> bool {
        if self.unread.is_empty() {
            return false;
        }
        self.granted += BLOCK_BYTES;
        true
    }

    fn advance(&mut self, consumed: usize) {
        self.consumed += consumed as u64;
        bytes::Buf::advance(&mut self.unread, consumed);
    }

    /// What may have come out when the granted blocks have been read.
    fn produced_max(&self, limits: DecodeLimits) -> u64 {
        let by_ratio = self.granted.saturating_mul(limits.ratio_max.into()).max(RATIO_FREE_BYTES);
        by_ratio.min(limits.decoded_bytes_max)
    }
}

impl Layer {
    fn new(coding: Coding) -> Self {
        let codec = match coding {
            Coding::Brotli => Codec::Brotli(Unbrotli::default()),
            Coding::Deflate => Codec::Inflate(Inflater::deflate()),
            Coding::Gzip => Codec::Inflate(Inflater::gzip()),
            Coding::Zstd => Codec::Zstd(Unzstd::default()),
        };
        Self { codec, buffer: Vec::new(), unread: 0..0, produced: 0, begun: false, drained: true, fault: None }
    }

    fn available(&self) -> &[u8] {
        self.buffer.get(self.unread.clone()).unwrap_or_default()
    }

    fn take(&mut self) -> &[u8] {
        let taken = std::mem::replace(&mut self.unread, 0..0);
        self.buffer.get(taken).unwrap_or_default()
    }

    /// Decodes into the empty buffer and says how much input that took.
    fn step(&mut self, input: &[u8], produced_max: u64) -> usize {
        if self.buffer.is_empty() {
            self.buffer = vec![0; PIECE_BYTES];
        }
        let room = usize::try_from(produced_max.saturating_sub(self.produced)).unwrap_or(usize::MAX);
        // With the budget used up to the last byte one more byte of room tells whether there is more.
        let room = room.min(self.buffer.len());
        let Some(output) = self.buffer.get_mut(..room.max(1)) else { return 0 };
        let progress = self.codec.decode(input, output);
        self.begun |= progress.consumed > 0;
        self.drained = progress.consumed == 0 && progress.written == 0;
        self.fault = progress.fault;
        if progress.written > room {
            self.fault = Some(DecodeFault::OverBudget);
        } else {
            self.unread = 0..progress.written;
            self.produced += progress.written as u64;
            if self.drained && !input.is_empty() && self.fault.is_none() {
                // A codec that neither takes nor gives would be asked forever.
                self.fault = Some(DecodeFault::Corrupt);
            }
        }
        progress.consumed
    }
}

impl Codec {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Progress {
        match self {
            Self::Brotli(codec) => codec.decode(input, output),
            Self::Inflate(codec) => codec.decode(input, output),
            Self::Zstd(codec) => codec.decode(input, output),
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Self::Brotli(codec) => codec.is_complete(),
            Self::Inflate(codec) => codec.is_complete(),
            Self::Zstd(codec) => codec.is_complete(),
        }
    }
}

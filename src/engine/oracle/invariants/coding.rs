//! Content-Encoding: cuts do not matter, limits are kept, and a plain decoder says the same.

use std::io::Read;

use bytes::Bytes;

use crate::engine::coding::{Coding, DecodeFault, DecodeLimits, Decoder};

/// Bytes fed, bytes that came out by then, and whether decoding went on.
type Moment = (usize, usize, Result<(), DecodeFault>);

/// More than this the input of a fuzzer may not decode to.
const DECODED_BYTES_MAX: u64 = 4 << 20;

/// Takes bytes for the choice of a stack of codings, limits, cuts, and a body.
///
/// # Panics
/// Where something does not hold.
pub fn coding(bytes: &[u8]) {
    let Some((&[stack, limits, one, other], body)) = bytes.split_first_chunk() else { return };
    let all = [Coding::Gzip, Coding::Brotli, Coding::Zstd, Coding::Deflate];
    let codings: Vec<Coding> =
        (0..1 + stack / 64).map(|layer| all[usize::from(stack >> (2 * layer)) % all.len()]).collect();
    let limits = match limits {
        0..128 => DecodeLimits { decoded_bytes_max: DECODED_BYTES_MAX, ratio_max: u32::MAX },
        _ => DecodeLimits { decoded_bytes_max: u64::from(limits - 128) << 8, ratio_max: u32::from(limits) },
    };
    same_however_cut(&codings, limits, body, &[usize::from(one), usize::from(other) << 4]);
    if let ([coding], u32::MAX) = (&codings[..], limits.ratio_max) {
        same_as_plain(*coding, limits, body);
    }
}

/// Feeds the pieces and notes, behind each, how many bytes came out and whether decoding went on.
/// The last entry of the trace is the result of `finish`.
///
/// # Panics
/// If more comes out than the limits allow, if consumption is not what it is said to be, or if it takes
/// more calls than there are bytes.
pub fn decode_pieces<'a>(
    codings: &[Coding],
    limits: DecodeLimits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, Vec<Moment>) {
    let mut decoder = Decoder::new(codings, limits);
    let (mut out, mut trace, mut fed, mut consumed, mut reads) = (Vec::new(), Vec::new(), 0, 0, 0);
    for piece in pieces {
        fed += piece.len();
        decoder.feed(Bytes::copy_from_slice(piece));
        let state = loop {
            let read = decoder.read().map(<[u8]>::to_vec);
            reads += 1;
            assert!(
                (consumed..=fed as u64).contains(&decoder.consumed()),
                "consumed grows and is at most what was fed"
            );
            consumed = decoder.consumed();
            match read {
                Ok(bytes) if bytes.is_empty() => {
                    assert_eq!(consumed, fed as u64, "an empty read has taken everything");
                    break Ok(());
                }
                Ok(bytes) => {
                    assert!(bytes.len() <= 16 * 1024);
                    out.extend(bytes);
                }
                Err(fault) => {
                    assert_eq!(decoder.read().err(), Some(fault), "a fault stays");
                    break Err(fault);
                }
            }
            assert!(out.len() as u64 <= limits.decoded_bytes_max);
        };
        trace.push((fed, out.len(), state));
        if state.is_err() {
            break;
        }
    }
    assert!(reads <= trace.len() + fed + out.len() / 1024, "{reads} reads for {fed} bytes in and {} out", out.len());
    trace.push((fed, out.len(), decoder.finish()));
    (out, trace)
}

/// The pieces of a body, as long as `sizes` says, over and over.
pub fn cut<'a>(body: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let (mut rest, mut pieces) = (body, Vec::new());
    for &size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, behind) = rest.split_at(size.clamp(1, rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// Both ways of cutting agree wherever both have a prefix of the same length.
///
/// # Panics
/// Where they do not.
pub fn same_however_cut(codings: &[Coding], limits: DecodeLimits, body: &[u8], sizes: &[usize]) {
    let (by_byte, byte_trace) = decode_pieces(codings, limits, body.chunks(1));
    let (by_cut, cut_trace) = decode_pieces(codings, limits, cut(body, sizes));
    let (Some((byte_end, byte_trace)), Some((cut_end, cut_trace))) = (byte_trace.split_last(), cut_trace.split_last())
    else {
        return;
    };
    let fallible = codings.contains(&Coding::Brotli) || codings.contains(&Coding::Zstd);
    if fallible && cut_end.2.is_err() {
        // See `brotli::unwritten` and `Unzstd`: all but the end of the last command or block is the same.
        assert!(by_byte.starts_with(&by_cut) || by_cut.starts_with(&by_byte), "the same bytes as far as both go");
        return;
    }
    assert!(by_byte == by_cut, "the same bytes");
    assert_eq!(byte_end.2, cut_end.2, "the same end");
    for &(fed, length, state) in cut_trace {
        let seen = byte_trace.iter().rfind(|entry| entry.0 <= fed);
        assert_eq!(Some((length, state)), seen.map(|seen| (seen.1, seen.2)), "after {fed} bytes");
    }
}

/// What the codec's own library makes of a whole body, if it takes it for sound, is what comes out.
fn same_as_plain(coding: Coding, limits: DecodeLimits, body: &[u8]) {
    let mut plain = Vec::new();
    let read = match coding {
        Coding::Brotli => read_some(brotli_decompressor::Decompressor::new(body, 4096), &mut plain),
        Coding::Deflate => read_some(flate2::read::ZlibDecoder::new(body), &mut plain),
        Coding::Gzip => read_some(flate2::read::MultiGzDecoder::new(body), &mut plain),
        Coding::Zstd => zstd::stream::read::Decoder::new(body).and_then(|decoder| read_some(decoder, &mut plain)),
    };
    let sound = read.is_ok() && (plain.len() as u64) < DECODED_BYTES_MAX;
    if !sound || body.is_empty() {
        return;
    }
    let (out, trace) = decode_pieces(&[coding], limits, [body]);
    let end = trace.last().map(|moment| moment.2);
    // Windows that no browser accepts are refused: `br` beyond 16 MiB, `zstd` beyond 8 MiB.
    let refused = matches!(coding, Coding::Brotli | Coding::Zstd) && end == Some(Err(DecodeFault::Corrupt));
    assert!(refused || (out == plain && end == Some(Ok(()))), "{coding:?}: {end:?}, {} for {}", out.len(), plain.len());
}

fn read_some(reader: impl Read, plain: &mut Vec<u8>) -> std::io::Result<usize> {
    reader.take(DECODED_BYTES_MAX).read_to_end(plain)
}

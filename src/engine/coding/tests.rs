//! Properties of the decoder, over every coding and stack.

use std::io::Write;

use bytes::Bytes;
use proptest::prelude::*;

use super::{Coding, DecodeFault, DecodeLimits, Decoder, UnknownCoding, parse_content_encoding};
use crate::engine::oracle::invariants::{cut, decode_pieces, same_however_cut};

const ROOMY: DecodeLimits = DecodeLimits { decoded_bytes_max: 64 << 20, ratio_max: 1_000_000 };

fn encode(coding: Coding, plain: &[u8], raw_deflate: bool) -> Vec<u8> {
    let level = flate2::Compression::new(6);
    match coding {
        Coding::Brotli => {
            let mut out = Vec::new();
            let mut writer = brotli::CompressorWriter::new(&mut out, 4096, 5, 20);
            writer.write_all(plain).unwrap();
            drop(writer);
            out
        }
        Coding::Deflate if raw_deflate => {
            let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), level);
            writer.write_all(plain).unwrap();
            writer.finish().unwrap()
        }
        Coding::Deflate => {
            let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), level);
            writer.write_all(plain).unwrap();
            writer.finish().unwrap()
        }
        Coding::Gzip => {
            // Two members, and every optional part of a header.
            let (one, two) = plain.split_at(plain.len() / 2);
            let header = flate2::GzBuilder::new().extra(vec![7; 300]).filename("a.html").comment("c");
            let mut writer = header.write(Vec::new(), level);
            writer.write_all(one).unwrap();
            let mut out = writer.finish().unwrap();
            let mut writer = flate2::write::GzEncoder::new(&mut out, level);
            writer.write_all(two).unwrap();
            writer.finish().unwrap();
            out
        }
        Coding::Zstd => {
            // A frame with a checksum, a skippable frame, a frame of streamed blocks.
            let (one, two) = plain.split_at(plain.len() / 3);
            let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
            encoder.include_checksum(true).unwrap();
            encoder.write_all(one).unwrap();
            let mut out = encoder.finish().unwrap();
            out.extend([0x50, 0x2a, 0x4d, 0x18, 5, 0, 0, 0, 1, 2, 3, 4, 5]);
            let mut encoder = zstd::Encoder::new(out, 1).unwrap();
            for part in two.chunks(700) {
                encoder.write_all(part).unwrap();
                encoder.flush().unwrap();
            }
            encoder.finish().unwrap()
        }
    }
}

fn encode_stack(codings: &[Coding], plain: &[u8], raw_deflate: bool) -> Vec<u8> {
    codings.iter().fold(plain.to_vec(), |body, &coding| encode(coding, &body, raw_deflate))
}

fn codings() -> impl Strategy<Value = Vec<Coding>> {
    let coding = prop_oneof![Just(Coding::Brotli), Just(Coding::Deflate), Just(Coding::Gzip), Just(Coding::Zstd)];
    proptest::collection::vec(coding, 0..=3)
}

fn plain() -> impl Strategy<Value = Vec<u8>> {
    let run = (any::<u8>(), 1usize..3000).prop_map(|(byte, length)| vec![byte; length]);
    let noise = proptest::collection::vec(any::<u8>(), 0..600);
    let text = proptest::sample::select(vec!["<p>你好，世界</p>", "abcabcabd", "0123456789"])
        .prop_flat_map(|text| (1usize..200).prop_map(move |times| text.repeat(times).into_bytes()));
    proptest::collection::vec(prop_oneof![run, noise, text], 0..6).prop_map(|parts| parts.concat())
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(prop_oneof![1usize..8, 1usize..600, 4090usize..4100], 1..6)
}

/// A body as a hostile or broken origin may send it.
fn damaged() -> impl Strategy<Value = (Vec<Coding>, Vec<u8>)> {
    let flips = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (codings(), plain(), any::<bool>(), flips, any::<prop::sample::Index>(), 0u8..4).prop_map(
        |(codings, plain, raw, flips, end, how)| {
            let mut body = encode_stack(&codings, &plain, raw);
            for (at, byte) in flips {
                if !body.is_empty() {
                    let at = at.index(body.len());
                    body[at] = byte;
                }
            }
            if how == 0 && !body.is_empty() {
                body.truncate(end.index(body.len()));
            }
            (codings, body)
        },
    )
}

fn limits() -> impl Strategy<Value = DecodeLimits> {
    let tight = (0u64..200_000, 1u32..40)
        .prop_map(|(decoded_bytes_max, ratio_max)| DecodeLimits { decoded_bytes_max, ratio_max });
    prop_oneof![Just(ROOMY), tight]
}

proptest! {
    #[test]
    fn what_was_encoded_comes_back(codings in codings(), plain in plain(), raw in any::<bool>(), sizes in sizes()) {
        let body = encode_stack(&codings, &plain, raw);
        let (out, trace) = decode_pieces(&codings, ROOMY, cut(&body, &sizes));
        prop_assert!(out == plain);
        prop_assert_eq!(trace.last().unwrap().2, Ok(()));
    }

    #[test]
    fn cuts_do_not_matter((codings, body) in damaged(), limits in limits(), sizes in sizes()) {
        same_however_cut(&codings, limits, &body, &sizes);
    }

    #[test]
    fn arbitrary_bytes_stay_within_limits(
        codings in codings(),
        magic in prop_oneof![Just(vec![]), Just(vec![0x1f, 0x8b, 8]), Just(vec![0x28, 0xb5, 0x2f, 0xfd]), Just(vec![0x78, 0x9c])],
        noise in proptest::collection::vec(any::<u8>(), 0..3000),
        limits in limits(),
        sizes in sizes(),
    ) {
        same_however_cut(&codings, limits, &[magic, noise].concat(), &sizes);
    }

    #[test]
    fn bombs_are_defused(
        codings in codings().prop_filter("a coding", |codings| !codings.is_empty()),
        kilobytes in 300usize..1200,
        limits in (0u64..2_000_000, 1u32..300),
        sizes in sizes(),
    ) {
        let limits = DecodeLimits { decoded_bytes_max: limits.0, ratio_max: limits.1 };
        let body = encode_stack(&codings, &vec![b' '; kilobytes << 10], false);
        let blocks = (body.len() as u64).next_multiple_of(4096);
        let allowed = limits.decoded_bytes_max.min((64 << 10).max(blocks * u64::from(limits.ratio_max)));
        let (out, trace) = decode_pieces(&codings, limits, cut(&body, &sizes));
        prop_assert!(out.len() as u64 <= allowed);
        if allowed < (kilobytes as u64) << 10 {
            prop_assert_eq!(trace.last().unwrap().2, Err(DecodeFault::OverBudget));
        }
    }
}

#[test]
fn every_prefix_of_a_stream_is_truncated() {
    for coding in [Coding::Brotli, Coding::Deflate, Coding::Gzip, Coding::Zstd] {
        let body = encode(coding, b"A page that is long enough to be cut somewhere in the middle.", false);
        for end in 1..body.len() / 3 {
            let (_, trace) = decode_pieces(&[coding], ROOMY, [&body[..end]]);
            assert_eq!(trace.last().unwrap().2, Err(DecodeFault::Truncated), "{coding:?} at {end}");
        }
    }
}

#[test]
fn a_body_of_no_bytes_is_complete() {
    for coding in [Coding::Brotli, Coding::Deflate, Coding::Gzip, Coding::Zstd] {
        assert_eq!(Decoder::new(&[coding], ROOMY).finish(), Ok(()));
        let stack = [coding, coding];
        let body = encode_stack(&stack[1..], b"", false);
        let (out, trace) = decode_pieces(&stack, ROOMY, [&body[..], b""]);
        assert_eq!((out.len(), trace.last().unwrap().2), (0, Ok(())), "{coding:?} over nothing");
    }
}

#[test]
fn gzip_framing_is_read_as_browsers_read_it() {
    let whole = encode(Coding::Gzip, b"seen by the reader", false);
    let decode = |body: &[u8]| {
        let (out, trace) = decode_pieces(&[Coding::Gzip], ROOMY, [body]);
        (out, trace.last().unwrap().2)
    };
    let good = (b"seen by the reader".to_vec(), Ok(()));
    assert_eq!(decode(&[&whole[..], &[0; 40]].concat()), good, "zero padding");
    assert_eq!(decode(&[&whole[..], b"\x1f\x00garbage"].concat()), good, "garbage");
    assert_eq!(decode(&whole[..whole.len() - 5]), good, "half a trailer");
    let mut wrong = whole.clone();
    *wrong.last_mut().unwrap() ^= 0xff;
    assert_eq!(decode(&wrong), good, "a wrong length");
    assert_eq!(decode(b"<html>").1, Err(DecodeFault::Corrupt), "not gzip");
}

#[test]
fn raw_deflate_that_begins_like_zlib_is_still_read() {
    // A stored block whose header bits and length happen to spell 78 9c.
    let text = vec![b'x'; 0x019c];
    let body = [&[0x78, 0x9c, 0x01, 0x63, 0xfe][..], &text, &[3, 0]].concat();
    same_however_cut(&[Coding::Deflate], ROOMY, &body, &[3]);
    let (out, trace) = decode_pieces(&[Coding::Deflate], ROOMY, [&body[..]]);
    assert_eq!((out == text, trace.last().unwrap().2), (true, Ok(())));
}

#[test]
fn windows_beyond_what_browsers_accept_are_refused() {
    let plain: Vec<u8> = (0..9u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(24).unwrap();
    encoder.write_all(&plain).unwrap();
    let body = encoder.finish().unwrap();
    let (out, trace) = decode_pieces(&[Coding::Zstd], ROOMY, [&body[..]]);
    assert_eq!((out.len(), trace.last().unwrap().2), (0, Err(DecodeFault::Corrupt)));
    // RFC 7932 reserves this first byte; the large-window extension begins with it.
    let (out, trace) = decode_pieces(&[Coding::Brotli], ROOMY, [&[0x11, 0x1e, 0x00, 0x00][..]]);
    assert_eq!((out.len(), trace.last().unwrap().2), (0, Err(DecodeFault::Corrupt)));
}

#[test]
fn a_decoder_may_change_threads() {
    fn assert_send<T: Send>(_: &T) {}
    assert_send(&Decoder::new(&[Coding::Brotli, Coding::Gzip, Coding::Zstd], ROOMY));
}

#[test]
fn identity_hands_on_the_very_bytes() {
    let body = Bytes::from(vec![7; 40_000]);
    let mut decoder = Decoder::new(&[], ROOMY);
    decoder.feed(body.clone());
    assert_eq!(decoder.read().unwrap().as_ptr(), body.as_ptr());
    assert_eq!(decoder.read().unwrap().as_ptr(), body[16 * 1024..].as_ptr());
}

#[test]
fn content_encoding_names_codings_in_order() {
    use Coding::{Brotli, Gzip, Zstd};
    assert_eq!(parse_content_encoding(b""), Ok(vec![]));
    assert_eq!(parse_content_encoding(b" identity ,, IDENTITY"), Ok(vec![]));
    assert_eq!(parse_content_encoding(b"X-GZip,\tbr , zstd"), Ok(vec![Gzip, Brotli, Zstd]));
    for unknown in [&b"compress"[..], b"gzip br", b"br,br,br,br", b"gzip;q=1", b"\xff", b"aws-chunked"] {
        assert_eq!(parse_content_encoding(unknown), Err(UnknownCoding), "{unknown:?}");
    }
}

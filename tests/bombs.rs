//! Decompression bombs of every coding cost a constant: so much memory, and not more calls than bytes.
//! One test in a binary of its own, because it looks at the memory of the whole process.

use std::io::Write;

use bytes::Bytes;
use zhamen::engine::coding::{Coding, DecodeFault, DecodeLimits, Decoder};

const LIMITS: DecodeLimits = DecodeLimits { decoded_bytes_max: 16 << 20, ratio_max: u32::MAX };

/// A stack of three windows, the buffers between them, and what the libraries need besides.
const MEMORY_BYTES_MAX: u64 = 96 << 20;

#[test]
fn a_bomb_of_any_coding_costs_a_constant() {
    let zeros = vec![0; 1 << 20];
    let one = |coding| compress(coding, |sink| (0..256).for_each(|_| sink.write_all(&zeros).unwrap()));
    let around = |coding, inner: &[u8]| compress(coding, |sink| sink.write_all(inner).unwrap());
    let mut bombs: Vec<(String, Vec<Coding>, Vec<u8>)> = Vec::new();
    for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
        let bomb = one(coding);
        for outer in [Coding::Gzip, Coding::Brotli, Coding::Zstd] {
            let nested = around(outer, &bomb);
            let twice = around(outer, &nested);
            bombs.push((format!("{coding:?} in {outer:?}"), vec![coding, outer], nested));
            bombs.push((format!("{coding:?} in {outer:?} twice"), vec![coding, outer, outer], twice));
        }
        bombs.push((format!("{coding:?}"), vec![coding], bomb.clone()));
        let members = bomb.repeat(4);
        bombs.push((format!("{coding:?}, again and again"), vec![coding], members));
    }
    bombs.push(("zstd, blocks of one repeated byte".into(), vec![Coding::Zstd], zstd_runs(13, 1 << 14)));

    let before = peak_memory_bytes();
    for (name, codings, body) in &bombs {
        let (decoded, reads, end) = decode(codings, body);
        assert_eq!(end, Err(DecodeFault::OverBudget), "{name}");
        assert!(decoded <= LIMITS.decoded_bytes_max, "{name}: {decoded} bytes");
        assert!(reads <= decoded / 1024 + body.len() as u64 + 16, "{name}: {reads} reads of {} bytes", body.len());
    }
    let grown = peak_memory_bytes() - before;
    assert!(grown <= MEMORY_BYTES_MAX, "{grown} bytes for decoding");
}

#[test]
fn what_decodes_to_nothing_is_read_once() {
    let gzip = compress(Coding::Gzip, |_| {});
    let zstd = compress(Coding::Zstd, |_| {});
    let skipped = [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0];
    let stored = [&[0x78, 0x9c][..], &[0, 0, 0, 0xff, 0xff].repeat(50_000)].concat();
    type Case = (&'static str, Coding, Vec<u8>, Result<(), DecodeFault>);
    let cases: [Case; 6] = [
        ("empty members", Coding::Gzip, gzip.repeat(50_000), Ok(())),
        ("empty frames", Coding::Zstd, zstd.repeat(50_000), Ok(())),
        ("frames to skip", Coding::Zstd, skipped.repeat(50_000), Ok(())),
        ("empty blocks", Coding::Deflate, stored, Err(DecodeFault::Truncated)),
        (
            "a frame of 4 GiB to skip",
            Coding::Zstd,
            [&[0x5f, 0x2a, 0x4d, 0x18, 255, 255, 255, 255][..], &[0; 99_999]].concat(),
            Err(DecodeFault::Truncated),
        ),
        ("a window of 2 GiB", Coding::Zstd, zstd_runs(21, 1 << 10), Err(DecodeFault::Corrupt)),
    ];
    let before = peak_memory_bytes();
    for (name, coding, body, expected) in &cases {
        let (decoded, reads, end) = decode(&[*coding], body);
        assert_eq!((decoded, end), (0, *expected), "{name}");
        assert!(reads <= body.len() as u64 / 1024 + 16, "{name}: {reads} reads of {} bytes", body.len());
    }
    assert!(peak_memory_bytes() - before <= MEMORY_BYTES_MAX);
}

/// Bytes that came out, calls that it took, and how it ended.
fn decode(codings: &[Coding], body: &[u8]) -> (u64, u64, Result<(), DecodeFault>) {
    let mut decoder = Decoder::new(codings, LIMITS);
    let (mut decoded, mut reads) = (0, 0);
    for piece in body.chunks(16 << 10) {
        decoder.feed(Bytes::copy_from_slice(piece));
        loop {
            reads += 1;
            match decoder.read() {
                Ok([]) => break,
                Ok(bytes) => decoded += bytes.len() as u64,
                Err(fault) => return (decoded, reads, Err(fault)),
            }
        }
    }
    (decoded, reads, decoder.finish())
}

fn compress(coding: Coding, write: impl Fn(&mut dyn Write)) -> Vec<u8> {
    let level = flate2::Compression::new(6);
    match coding {
        Coding::Brotli => {
            let mut writer = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 4, 24);
            write(&mut writer);
            writer.into_inner()
        }
        Coding::Deflate => {
            let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), level);
            write(&mut writer);
            writer.finish().unwrap()
        }
        Coding::Gzip => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), level);
            write(&mut writer);
            writer.finish().unwrap()
        }
        Coding::Zstd => {
            let mut writer = zstd::Encoder::new(Vec::new(), 3).unwrap();
            write(&mut writer);
            writer.finish().unwrap()
        }
    }
}

/// A frame with a window of 2^(10 + `exponent`) bytes, and four bytes for each 128 KiB of it.
fn zstd_runs(exponent: u8, blocks: usize) -> Vec<u8> {
    // RLE_Block, Block_Size 128 KiB; RFC 8878, section 3.1.1.2.
    let block = (128_u32 << 10) << 3 | 1 << 1;
    let block = [&block.to_le_bytes()[..3], &[0]].concat();
    [&[0x28, 0xb5, 0x2f, 0xfd, 0, exponent << 3][..], &block.repeat(blocks)].concat()
}

/// The most memory that the process has had so far.
fn peak_memory_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

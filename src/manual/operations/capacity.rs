//! Capacity: what a machine carries, from the benches, and how to size one.
//!
//! Measured on one core of an AMD EPYC (`benches/record/`, of an earlier build: since then text costs between a
//! seventh and a third less); engine only, in text received per second:
//!
//! | text | 100 phrases | 1,000 | 10,000 | 100,000 |
//! | --- | --- | --- | --- | --- |
//! | Chinese, plain | 405 MB/s | 347 MB/s | 220 MB/s | 74 MB/s |
//! | Chinese pages (HTML) | 185 MB/s | 173 MB/s | 126 MB/s | 68 MB/s |
//! | English pages | 320 MB/s | 370 MB/s | 301 MB/s | 283 MB/s |
//! | saved pages of Chinese sites | 119 MB/s | 115 MB/s | 87 MB/s | 60 MB/s |
//! | GBK | 106 MB/s | 91 MB/s | 83 MB/s | 39 MB/s |
//!
//! An edge with 16 cores and 10,000 phrases so reads about 1.4 GB/s of saved pages' markup: 11 Gbit/s of text
//! alone, and images, archives and video (nine tenths of the bytes of most sites) are not text. What was judged
//! before is not read again (`zhamen_verdict_cache_total`). Compressed bodies cost their inflating beside it.
//! How it is measured: [`speed`](crate::manual::speed).
//!
//! # Requests
//!
//! Processor time of one core for a request without the scan, beside two proxies in the same run
//! (`cargo bench --bench peers`, `benches/record/`), in µs; the last line is KiB:
//!
//! | | nginx | HAProxy | Zhamen |
//! | --- | --- | --- | --- |
//! | 1 KiB | 24.8 | 24.4 | 30.2 |
//! | 16 KiB | 30.1 | 34.3 | 40.6 |
//! | 100 KiB | 70.9 | 79.7 | 102.9 |
//! | 1 MiB | 538 | 942 | 721 |
//! | 16 KiB over TLS | 68.3 | 69.2 | 42.8 |
//! | 16 KiB over TLS, HTTP/2 | 73.1 | 55.9 | 61.8 |
//! | a full handshake | 1010 | 970 | 487 |
//! | an idle connection | 0.4 | 0.9 | 1.7 |
//!
//! # Memory
//!
//! | for | takes |
//! | --- | --- |
//! | held responses | `limits.held`, all together |
//! | a response in flight | its decoder's window: 32 KiB for gzip, up to 8 MiB for zstd and 16 MiB for brotli where the stream asks for it; 16 KiB of output; up to 128 KiB of reading |
//! | rules | 21 MB for 100,000 phrases; 63 MB while they are built, in a third of a second |
//! | locks | some hundred bytes each, up to `limits.locks` |
//! | the queue of findings | up to `store.queue` observations |
//!
//! # Disk
//!
//! A line of the access log is about 600 bytes, compressed 60: a thousand requests a second are 50 GB a day,
//! 1 TB in six months. Evidence holds one compressed body a finding (`store.body` at most) and forgets after
//! `store.retention`.
//!
//! # File descriptors and cores
//!
//! Two descriptors a visitor: `LimitNOFILE` at least twice `limits.connections`. One worker a core
//! (`workers.threads`): more of them than cores only wait for each other.

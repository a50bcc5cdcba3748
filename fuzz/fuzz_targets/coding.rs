//! Content-Encoding, up to four codings deep.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zhamen::engine::oracle::invariants;

fuzz_target!(|bytes: &[u8]| invariants::coding(bytes));

//! JSON, scripts and event streams.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zhamen::engine::oracle::invariants::{self, Subject};

fuzz_target!(|bytes: &[u8]| invariants::reading(Subject::Script, bytes));

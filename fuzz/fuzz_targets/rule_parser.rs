//! Rule packs as somebody might write them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zhamen::engine::oracle::invariants;

fuzz_target!(|text: &str| invariants::rule_parser(text));

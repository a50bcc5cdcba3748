//! How fast the engine is, how that is measured, and where the measured figures are.
//!
//! The engine reads everything that passes, on the cores that also carry it: what it costs decides
//! how many of them a datacenter has to buy. So its speed is measured beside the best matchers there
//! are, in one run, with rounds interleaved, and a ratio is only ever taken within a round: the figures
//! of two runs on a shared machine differ by a third for no reason.
//!
//! | bench | what it measures |
//! | --- | --- |
//! | `benches/matcher.rs` | the whole engine (charset, markup, folding, matching, tally) beside aho-corasick, daachorse and Hyperscan, which get raw phrases and raw bytes; building, memory, size |
//! | `benches/proxy.rs` | processor time of a request through Zhamen, nginx, and nginx with ModSecurity; the engine's targets per page |
//! | `benches/engine.rs` | the engine's parts, each alone |
//! | `benches/memory.rs` | memory while many large bodies are scanned at once |
//! | `benches/registry.rs` | import and look-up of a million sites |
//!
//! Texts and phrases are made by rule from a real dictionary (`benches/data`), the same in every run:
//! text of the words that are common, phrases of those that are rare, so that hits are as rare as they
//! are on an innocent site. Before anything is measured, each matcher has to find planted phrases in
//! each text. The records, with machine, date and command, are in `benches/record`.
//!
//! To repeat one: install `libhyperscan-dev`, `nginx-light` and `libnginx-mod-http-modsecurity`, leave
//! the machine alone, and run
//!
//! ```text
//! cargo bench --bench matcher --no-default-features --features hyperscan -- --record
//! cargo bench --bench proxy -- --record
//! cargo bench --bench engine
//! ```
//!
//! The chart is made by the first:
//!
#![doc = include_str!("../../benches/record/matcher.svg")]

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
//! | `benches/peers` | processor time of a request through Zhamen, nginx and HAProxy without a scan: HTTP/1.1, TLS, HTTP/2, handshakes |
//! | `benches/registry.rs` | import and look-up of a million sites |
//!
//! Where it would cost most, and what is done about it:
//!
//! - *Charsets.* GBK, Big5 and the others of two bytes a character are decoded by a table each, eight
//!   characters at a time, ASCII sixteen bytes at a time; so is UTF-16. Nothing is written down about
//!   where a character stands in the body: nearly all take as many bytes as their kind says, so a place
//!   is worked out when a phrase is found there, and only the few that do not (malformed bytes, the four
//!   bytes of GB18030) are kept in a list.
//! - *Coded bodies.* What a body inflates to is gathered until there are 16 KiB to scan, or nothing more
//!   is here: a scan of a few hundred bytes costs nearly as much as one of thousands. Bytes that leave
//!   are let go at the same places as before.
//! - *Scripts.* Code passes in one piece with the strings, comments and regular expressions in it that
//!   are nothing but themselves; characters are looked at one by one only where something is escaped,
//!   coded, or put together of parts.
//! - *Bodies that are held* are judged in one go, a fraction of a millisecond of work, and leave their
//!   buffers to the next body: so a worker with a thousand connections needs few of them.
//!
//! Texts and phrases are made by rule from a real dictionary (`benches/data`), the same in every run:
//! text of the words that are common, phrases of those that are rare, so that hits are as rare as they
//! are on an innocent site. Before anything is measured, each matcher has to find planted phrases in
//! each text. The records, with machine, date and command, are in `benches/record`.
//!
//! # Where the time goes
//!
//! A byte of a page is looked at by few instructions, and most of them for many bytes at once:
//!
//! 1. Is it UTF-8, has it controls, may it have bidirectional ones? Each of these is one pass over 16 KiB.
//! 2. Where the bytes stand that markup is made of is marked for a kibibyte at once. Text is passed on from tag
//!    to tag; a tag is a name and attributes of the form `name="value"`, each of which stands between marks.
//!    Only what is written in another way, and what the end of a piece of the body cuts, goes through the
//!    states of the tokenizer. What style sheets say of an element is remembered: most are like others before.
//! 3. Each stream of the page is copied together. What its characters were written with, and how many they
//!    are, is worked out only for what is found.
//! 4. Of ASCII, three letters tell of almost every word that no phrase has it. Eight ideographs at a time
//!    become codes, without the noise between them, and eight places at a time are asked whether a phrase
//!    may be anchored there. No loop goes on by what a table says where it can go on by what is usual: the next
//!    characters would wait for memory (this alone was a third of the time of plain text).
//! 5. Between two pieces of a body it is asked whether the end of what came may become a phrase; among 100,000
//!    phrases that is one look-up of a hash, not a search.
//!
//! # A request beside the scan
//!
//! Three quarters of what a page costs over HTTP/1.1 is the kernel's, and there are four system calls to it: one
//! read and one write on either side. What is ours is kept small by a few rules:
//!
//! - A worker is one thread with a runtime of its own. What runs there stays there: no lock, no queue beside it.
//! - What passes unread is read into the one room that a worker has for it, as much at a time as the processor's own
//!   cache holds, and is written from there.
//! - Lines of a head that go on as they came are copied together.
//! - What the streams of a connection of HTTP/2 have ready is written together: up to 64 KiB, encrypted, wait for
//!   it while the streams have their turn.
//! - Of a handshake little is not arithmetic. SHA-256 and AES with 128 bits are the processor's own; there is one
//!   ticket, and it leaves with the first answer, or, where nothing is asked for, a moment later.
//!
//! # Repeating it
//!
//! To repeat a measurement: install `libhyperscan-dev`, `nginx-light` and `libnginx-mod-http-modsecurity`, leave
//! the machine alone, and run
//!
//! ```text
//! cargo bench --bench matcher --no-default-features --features hyperscan -- --record
//! cargo bench --bench proxy -- --record
//! cargo bench --bench engine
//! cargo bench --bench peers -- --rounds 5 --seconds 2
//! ```
//!
//! The chart is made by the first:
//!
#![doc = include_str!("../../benches/record/matcher.svg")]

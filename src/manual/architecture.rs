//! The rooms, what may use what, and what is deliberately absent.
//!
//! # The rooms
//!
//! One crate, a library with a small binary. A room is a top-level module; it may use the rooms above
//! it in this table, and no other.
//!
//! | room | what it is | uses |
//! | --- | --- | --- |
//! | [`base`](crate::base) | host names, spans, problems, time as a value, the memory budget | – |
//! | [`engine`](crate::engine) | bytes → findings → verdict | base |
//! | [`domain`](crate::domain) | facts → decisions | base, engine |
//! | [`config`](crate::config) | zhamen.toml → [`Config`](crate::config::Config) | the three above |
//! | [`telemetry`](crate::telemetry) | events → metrics and access log | and config |
//! | [`store`](crate::store) | what stays: the record, evidence, the spool | base, engine, domain |
//! | [`data_plane`](crate::data_plane) | carries requests | all of the above but the store |
//! | [`control_plane`](crate::control_plane) | files and record → what is in force; reports; the admin listener | all of the above but the data plane |
//! | [`app`](crate::app) | builds every room from the ones before | everything but cli |
//! | [`cli`](crate::cli) | one file a command | everything |
//!
//! `base`, `engine` and `domain` are pure: no socket, no file, no clock, no environment, no global
//! state. What they decide depends on their arguments only, so that a decision can be repeated on the
//! command line (`zhamen explain`, `zhamen rules scan`), in a test, and a year later. They build alone
//! with `--no-default-features`; everything else is behind the feature `server`.
//!
//! Within the engine: [`coding`](crate::engine::coding) undoes Content-Encoding on a copy,
//! [`text`](crate::engine::text) makes lanes of characters of the bytes,
//! [`matcher`](crate::engine::matcher) finds phrases in them, [`rules`](crate::engine::rules) says what
//! phrases mean, and [`body_filter`](crate::engine::body_filter) holds, passes, masks or stops a body.
//! Within the domain: [`message`](crate::domain::message) checks what a request claims,
//! [`registry`](crate::domain::registry) knows who is filed, [`record`](crate::domain::record)
//! has the facts, [`standing`](crate::domain::standing) who is suspended and what is locked, and [`policy`](crate::domain::policy) decides.
//!
//! # The two bridges
//!
//! The two planes run in different threads and share two things only.
//!
//! **Down** goes a [`Snapshot`](crate::domain::snapshot::Snapshot): rules, registry, policy and scan
//! settings of one generation, immutable, swapped as one. A request takes one when its head has been
//! read and keeps it to its end; a reload in the meantime does not touch it. Limits and timeouts
//! ([`Edge`](crate::config::Edge)) and certificates are swapped in the same way.
//!
//! **Up** goes a bounded queue of [`Event`](crate::domain::event::Event)s
//! ([`telemetry::queue`](crate::telemetry::queue())). A full queue drops the event and counts it. The
//! data plane never waits for a log, a metric or a file.
//!
//! What the record wants to know goes up in a queue of its own
//! ([`Observation`](crate::domain::observation::Observation)), which is particular about what it drops.
//!
//! Beside the bridges lie a few live numbers ([`Live`](crate::telemetry::Live)), the table of locked
//! pages ([`PageLocks`](crate::data_plane::PageLocks)), and the
//! [`MemoryBudget`](crate::base::MemoryBudget) that all held bytes are charged to.
//!
//! # How the record works
//!
//! What can be put on the record is a closed list, [`Fact`](crate::domain::record::Fact); an
//! [`Entry`](crate::domain::record::Entry) is a fact with its number. Everything else (standing, locks,
//! incidents) is computed from the entries by the [`Ledger`](crate::domain::standing::Ledger), a pure
//! function that `zhamen ledger replay` calls as well. Nothing computed is stored as truth.
//!
//! There is one way to write: [`Record::put`](crate::control_plane::Record::put) checks facts against the
//! ledger, appends them in one transaction, and puts what follows in force before it returns. The admin
//! API, the commands, incidents and imports all go through it. Commands open the same database beside a
//! running proxy, which takes in their entries within a fifth of a second: so an operator can suspend a
//! customer when the proxy's own listener is out of reach.
//!
//! What the data plane saw goes through [`Recorder`](crate::control_plane::Recorder): first to the
//! [`Spool`](crate::store::Spool), where it is on disk; from there to
//! [`Evidence`](crate::store::Evidence) and the database, with the position of the spool in the same
//! transaction. After a crash nothing is lost and nothing is there twice.
//!
//! # How the data plane runs
//!
//! One thread a core, each with a current-thread runtime, its own listeners on a shared port, its own
//! pool of origin connections, and its own cache of verdicts (`data_plane/worker.rs`). A
//! connection never leaves its worker, so nothing on the way of a request is behind a lock that
//! another worker holds for long. One task drives both the client's connection and the origin's:
//! there is no channel between them, and backpressure is that nothing is read before what was read is
//! written.
//!
//! The engine's work is cut into slices of about a millisecond, and the task yields in between: one
//! long page must not be everybody's latency.
//!
//! # Why HTTP/1.1 is our own here
//!
//! The data plane reads HTTP/1.1 itself, with httparse for the syntax of a head
//! (`data_plane/http1`), instead of using hyper. The reasons, each of which weighs for a gate:
//!
//! - hyper resolves what we have to refuse: of Content-Length beside Transfer-Encoding, and of field
//!   lines that came twice, it shows a repaired view. A gate must see the head as it was sent.
//! - A hyper server cannot send 103 (Early Hints), and passes 100 (Continue) by its own rules.
//! - hyper's client wants a second task for the origin's connection and hands bodies over between
//!   tasks, which cost more than the rest of an exchange when it was measured.
//! - It keeps about 26 KiB for an idle connection. Here an idle connection owns no buffer.
//!
//! hyper serves the admin listener ([`Admin`](crate::control_plane::Admin)), where none of this
//! matters. HTTP/2 is read and written by `h2` ([`http2`](super::http2)).
//!
//! # Invariants, most of them about what is not there
//!
//! - **No way to an origin but through the gate.** `upstream::send` takes a
//!   [`Permit`](crate::domain::policy::Permit), only [`Policy::admit`] makes one, and no other file of
//!   the data plane opens a connection. Checked by `an_origin_is_reached_only_with_a_permit` and by an
//!   example that must not compile.
//! - **No refusal outside of one place.** Every early exit of a request is a `Stop`; `respond` alone
//!   turns a [`Refusal`](crate::domain::policy::Refusal) into a response, by a match without a
//!   catch-all.
//! - **No byte of a match leaves while it can be stopped**, and no stream waits for more input than a
//!   match that has begun may need. The exceptions are bounded, counted, and listed in
//!   [`body_filter`](crate::engine::body_filter).
//! - **No dependence on chunks.** However a body is cut on the way, findings, verdict and bytes out
//!   are the same: the property `chunks_never_matter` holds the engine to it.
//! - **No unbounded growth that a stranger can cause.** Heads, held bytes, withheld bytes, decoded
//!   bytes, findings per body, locks, events, pooled connections: each has a limit, and
//!   [`failure_modes`](super::failure_modes) says what happens at it.
//! - **No clock in a decision.** Time is an argument ([`Clock`](crate::base::Clock) at the edge).
//! - **No database.** This version keeps its record in the access log; what was locked is forgotten by
//!   a restart, and found again by the next reader.
//! - **No list of political words** in the shipped packs.
//!
//! # Kept by tests
//!
//! `tests/architecture.rs` parses all sources and checks the arrows between rooms and between the
//! folders of engine and domain, that there is no circle, that rooms are entered by their front doors,
//! that every file says what it is for, is reached by the compiler, and is short, that pure rooms are
//! pure, and that the gate is unavoidable. Clippy bans clocks, files and the environment from the pure
//! rooms (`.clippy.toml`), each with its reason.
//!
//! A front door is a module that `lib.rs` or a `mod.rs` declares `pub mod`. What lies behind it is
//! private, and shown by `pub use` in the same file.
//!
//! [`Policy::admit`]: crate::domain::policy::Policy::admit

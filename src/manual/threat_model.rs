//! Who is kept from doing what, and who is not.
//!
//! # What is protected
//!
//! 1. No request reaches an origin unless its host is filed with this access provider.
//! 2. What the rules forbid does not reach readers, as far as the scan can see it
//!    ([`evasions`](super::evasions) has both lists).
//! 3. Nobody makes Zhamen say that something was found, or filed, that was not.
//! 4. The sites of one customer cannot be taken down through those of another.
//!
//! # Who is who
//!
//! **A visitor** chooses every byte of a request and how it arrives. He must not reach an unfiled host,
//! must not make origin and gate read one request in two ways, and must not exhaust memory: heads are
//! bounded, bodies flow, idle connections cost a socket; what attacks come to in memory stands in
//! [`limits`](super::limits). He can cost bandwidth and connections up to `limits.connections_per_address`, and
//! requests up to `limits.requests_per_address`.
//!
//! **A customer** controls an origin and what it answers. He wants forbidden pages to be read, or
//! others' pages not to be. His origin may break HTTP in any way; answers are parsed as strictly as
//! requests are. He cannot reach another customer's origin: the origin stands in the row of the host,
//! and rows are written by the operator. He can try the tricks of [`evasions`](super::evasions), and
//! he can choose what cannot be read (images, tunnels); that is counted per response, never silent, and
//! can be refused per reason with `scan.on`.
//!
//! **A rival** posts the forbidden phrase on a page that lets him, to have it blocked. Weights,
//! combinations and negative context are the first defence; a page lock concerns one path and query,
//! opens by itself after `locks.recheck` once the content is gone, and a page that is blocked while
//! held is not locked at all: remove the content and it is back. The refusal names the category, not
//! the phrase; the access log has rule and place for the owner who asks. What remains: a comment page
//! stays blocked as long as the comment stands there.
//!
//! **The operator** writes registry and rules, and is trusted with both. Zhamen keeps him from
//! accidents: a broken file changes nothing, a registry with more bad rows than good is not applied,
//! unknown keys are errors. It does not keep him from a bad rule; `mode = "shadow"` exists to look
//! first.
//!
//! # The gate
//!
//! The proof that a request passed is a value ([`Permit`](crate::domain::policy::Permit)) that only
//! [`Policy::admit`](crate::domain::policy::Policy::admit) makes. The connection to an origin is chosen
//! by that value, not by anything that the request says. The pool of idle connections is keyed by
//! origin, and by how it is believed; sites that share both share connections, as they share the server.
//!
//! Zhamen guards the way through itself only. An origin that can be reached directly, by its own public
//! address, is not behind a gate: the network has to see to that.
//!
//! # Smuggling
//!
//! [`message::normalise`](crate::domain::message::normalise) refuses every head that could be read in
//! two ways, the head towards the origin is written from the facts and not copied, the body is framed
//! anew, and a connection whose framing is in doubt is never used again, on either side. An upgrade that
//! would carry requests (h2c, TLS) is ignored. Where a method gives a body no meaning (GET, HEAD, DELETE,
//! OPTIONS, TRACE), the request says `Connection: close` to its origin: many a server leaves such a body unread,
//! and would read it as the next request. The test `no_origin_sees_a_request_that_the_client_did_not_frame` sends
//! some six hundred ways to be misunderstood through Zhamen to nginx, Apache and Python, and reads their logs;
//! `every_vector_has_the_verdict_of_llhttp_or_a_stricter_one_that_is_listed` compares with another parser.
//!
//! # Locks
//!
//! A lock is on host, path and query, because dynamic pages differ by their query. An origin that
//! shows the same page under any query thus is locked under each anew: the first reader of each
//! variant is cut off before the match, later ones get 451. The table holds `limits.locks` pages, and
//! the oldest lock goes. So a flood of variants can push a lock out; the page is then not read whole
//! either, but cut off before the match at its next reading, and locked again.
//!
//! A locked page is read again by one request at a time. That request is held whole up to `locks.hold`,
//! and answered with the page only if all of it was read and is clean.
//!
//! # The verdict cache
//!
//! A remembered verdict is found by a keyed hash of the bytes, how to read them, and the rules. The key
//! is random for each worker and start, so that nobody can prepare two bodies with one hash.
//!
//! # What visitors and owners are told
//!
//! Every refusal says that it is one, by whom, for which reason, and where to appeal. Addresses of
//! origins and names of rules are not shown. A connection that was cut in the middle shows nothing; the
//! next reader of the page is told.
//!
//! # Personal data
//!
//! Client addresses stand in the access log only, in full, truncated, or not at all
//! (`log.client_address`). Findings hold what a site served, not who read it.
//!
//! # Out of scope
//!
//! - The machine and its administrator; who can write the configuration can do everything.
//! - Attacks on sites' own software: Zhamen is no web application firewall.
//! - The admin listener has no login in this version. It changes nothing, but it tells: bind it to
//!   loopback or a management network.
//! - Traffic that does not pass through Zhamen; other protocols than HTTP.
//! - Timing: how long an answer takes may tell whether a page was held.

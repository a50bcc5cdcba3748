//! What happens when something breaks, or reaches its limit.
//!
//! # The origin
//!
//! | what it does | what follows | test |
//! | --- | --- | --- |
//! | refuses the connection, has no address | the next one, if the site has several; else 502 `origin_unreachable` | `an_origin_that_refuses_is_unreachable`, `of_two_origins_one_may_die_under_load` |
//! | shows a certificate that is not believed | the same, with the reason in `detail` | `an_origin_is_who_its_certificate_says` |
//! | has all its connections in use | the request waits, then 503 `overloaded` | `beyond_the_limit_of_connections_requests_wait_and_not_for_ever` |
//! | does not accept within `timeouts.connect` | 502 `origin_unreachable` | – |
//! | sends no head within `timeouts.origin_head` (which begins anew while the request's body moves) | 504 `origin_timeout` | `an_origin_that_never_answers_is_timed_out` |
//! | answers something that is not HTTP/1.x, a head without end, interim responses without end, a switch that nobody asked for | 502 `origin_protocol` | `heads_without_end_are_refused_and_cost_little`, `a_switch_that_nobody_asked_for_is_refused` |
//! | closes an idle connection just when it is used again | the request is sent once more on a fresh one, if that is safe | `an_idle_origin_connection_that_was_closed_is_replaced` |
//! | breaks off while the body is held | 502 `origin_protocol`, with a page | `an_origin_that_breaks_off_early_is_told_of_with_a_page` |
//! | breaks off later, resets, stops for `timeouts.origin_idle` | the client's connection is cut, too: no end that looks whole; outcome `origin_broke` | `an_origin_that_breaks_off_late_leaves_an_unclean_end`, `a_body_that_ends_with_a_reset_is_not_whole` |
//! | sends Content-Length beside Transfer-Encoding | chunks count, the length goes, the connection is not used again | `a_length_beside_chunks_does_not_count` |
//! | sends more than its Content-Length | the rest goes to nobody, the connection is not used again | `bytes_beyond_the_length_go_to_nobody` |
//! | sends a truncated or broken coding | what was decoded has been scanned; `decode_error`, pass or block by `scan.on` | `a_truncated_gzip_passes_as_it_is_or_is_blocked_as_decided` |
//! | sends a bomb, or more than `scan.max_decoded` | scanned up to the limit; `over_budget`, pass or block | `beyond_the_budget_a_page_passes_and_is_counted_or_is_cut` |
//! | declares a charset that no browser decodes | `unknown_charset`, pass or block | `what_cannot_be_read_is_counted_and_passed_or_blocked` |
//!
//! # The client
//!
//! A client that stops sending its head, its body, or reading its response is cut off after
//! `timeouts.request_head` and `timeouts.client_idle`, or sooner where it is slower than `limits.min_rate`. One that vanishes takes the origin's connection
//! along, since nobody would read the rest (`a_client_that_vanishes_within_the_response_takes_the_origin_connection_along`).
//! A slow client holds up its origin, not our memory: nothing is read before what was read is written.
//!
//! # Memory
//!
//! All held and withheld bytes are charged to one [`MemoryBudget`](crate::base::MemoryBudget)
//! (`limits.held`, 256 MiB). When it is used up, a hold ends early: the page is judged on what is
//! there, its head goes out, and the scan goes on over the rest. So what degrades is the kind of the
//! answer (a cut connection instead of a 451), not the reading. Who would rather refuse such pages sets
//! `scan.on.memory` to `"block"` (`without_memory_bodies_are_let_go_early_but_read`).
//!
//! Beside it a response costs its decoder's window (32 KiB for gzip, up to 8 MiB for zstd and 16 MiB for
//! brotli, if the stream asks for so much), 16 KiB of output buffer, and a read buffer of up to 128 KiB.
//!
//! # The way up
//!
//! - **The event queue is full** (`limits.event_queue`): the event is dropped and counted in
//!   `zhamen_events_dropped_total`. Log and request metrics miss it; the request does not notice.
//! - **The disk is full, the log's directory is gone**: lines are dropped and counted in
//!   `zhamen_log_errors_total`, an operational message says so once a minute, whole lines stay whole,
//!   and writing is tried again with the next batch (`a_full_disk_drops_lines_and_counts_them`).
//! - **Nobody reads the metrics**: nothing happens.
//!
//! # Files
//!
//! | file | broken at start | broken at a reload |
//! | --- | --- | --- |
//! | zhamen.toml | no start; all problems, each at its line | nothing changes |
//! | rules | no start | nothing changes |
//! | the registry cannot be read, or has more bad rows than good | start; the last known good applies; where there never was one every host is answered 503 `registry_unavailable`, and `/readyz` says no | nothing changes: the last known good applies |
//! | some rows of the registry | those rows are skipped and reported at line and column | the same |
//! | a certificate | that one is left out; its names fail the handshake | the last good one of that file stays, the others come into force |
//!
//! An authority of certificates that is out of reach or has had enough is asked again later, while the certificates
//! in force serve on; what cannot be written to `tls.certificates` is not asked for ([`acme`](super::acme)).
//!
//! Every attempt counts in `zhamen_reload_total`, by what was loaded and how it went; every problem is
//! logged with file, line and column. A broken file is complained about once, not at every look. When
//! it is again as it was applied, it is good again without a swap. See
//! `a_broken_file_changes_nothing_and_is_counted` and
//! `a_registry_that_is_not_there_at_start_is_taken_up_later`.
//!
//! # Zhamen itself
//!
//! - **A panic in the engine** costs one response. It is caught (`data_plane/guard.rs`), counted in
//!   `zhamen_panics_total`, and the body is `engine_fault`: passed on without losing a byte, or
//!   refused, as `scan.on.engine_fault` says. Verdicts of the broken scan are thrown away.
//! - **A panic elsewhere in a connection** ends that connection, and is counted.
//! - **SIGTERM, SIGINT**: who still comes is told so; idle connections close after
//!   `timeouts.drain_idle`; what runs may end within `timeouts.drain`, then it is cut; the log's last lines
//!   are written. A second signal does not wait.
//! - **SIGKILL, loss of power**: what is in the queue and not in the log is lost, and so are the page
//!   locks. Nothing else is kept in memory only.

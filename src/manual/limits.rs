//! What is done under pressure, and how Zhamen is replaced while it serves.
//!
//! # Who is turned away, and how
//!
//! | what | key | what happens | counted in |
//! | --- | --- | --- | --- |
//! | client connections in all | `limits.connections` | plain: 503 `overloaded` at once; TLS: closed | `zhamen_connections_shed_total{reason="connections"}` |
//! | of one address (IPv6: one /64) | `limits.connections_per_address` | plain: 429 `rate_limited`; TLS: closed | `zhamen_connections_shed_total{reason="address"}` |
//! | descriptors | the system's | with a spare one accepted, told 503, closed | `zhamen_connections_shed_total{reason="descriptors"}` |
//! | handshakes in the queue | `limits.handshake_queue` | closed | `zhamen_connections_shed_total{reason="handshakes"}` |
//! | requests of one address | `limits.requests_per_address` | 429 `rate_limited`, `Retry-After: 1` | `zhamen_refusals_total{reason="rate_limited"}` |
//! | requests to one site | `limits.requests_per_site` | the same; off unless set | the same |
//! | requests under way to one origin | `upstream.connections`, `upstream.queue`, `upstream.queue_time` | they wait in turn, then 503 `overloaded` | `zhamen_refusals_total{reason="overloaded"}` |
//! | a worker that is late | `limits.lag` | new requests: 503 `overloaded` | `zhamen_event_loop_lag_seconds` |
//! | a target that is too long | `limits.uri` | 414 `uri_too_long` | `zhamen_refusals_total{reason="uri_too_long"}` |
//! | a head that stalls | `timeouts.request_head` | 408 `request_timeout`, if any of it had come | `zhamen_refusals_total{reason="request_timeout"}` |
//! | a body that stalls or drips | `timeouts.client_idle`, `limits.min_rate` | 408 `request_timeout`, if nothing was sent yet | `zhamen_slow_clients_total` |
//! | a response that nobody takes | the same | the connection is cut | `zhamen_slow_clients_total` |
//! | an exchange as a whole | `timeouts.request`; off unless set | 504 `origin_timeout`, or cut | – |
//!
//! Rates are token buckets: `{ rate = 100, burst = 300 }` is a hundred a second in the long run, and three
//! hundred at once. The buckets stand in a table of fixed size without a lock (`data_plane/limits/buckets.rs`):
//! a million strangers make it lenient towards some of them, and never use up somebody else's bucket. The
//! defaults for addresses are far above what one visitor does, because whole companies and mobile networks
//! share an address; set them to what your sites need. A proxy of your own in front is one address: raise
//! them.
//!
//! Slowness is a matter of credit (`data_plane/limits/pace.rs`). Waiting for a client costs it, each byte that
//! moves earns some back at `limits.min_rate`, and who has kept us waiting for `timeouts.slow` is cut off.
//! Time in which the origin is waited for costs a client nothing.
//!
//! A worker says ten times a second how late it is; of two measures in a row the smaller counts. Where it is
//! later than `limits.lag`, new requests are refused at once, instead of being answered when nobody waits
//! for them any more.
//!
//! The costly step of a TLS handshake is taken in turn: one, then everything else that can run. A flood of
//! handshakes so delays requests by one step each, and itself by its length.
//!
//! # What attacks hold in memory
//!
//! `attacks_cost_little_memory` (`tests/edge/attacks.rs`) runs each, prints this table, and holds each to a
//! bound. These numbers are of a build without optimisation; sent is what HTTP sends, without TCP's own.
//! `ZHAMEN_BINARY` names another binary to be measured.
//!
//! | attack | connections | held for each | held for a byte sent |
//! | --- | --- | --- | --- |
//! | idle, HTTP/1.1 | 2000 | 2 KiB | 60 |
//! | idle, HTTP/2 | 500 | 41 KiB | 396 |
//! | HTTP/2 without a request | 500 | 32 KiB | 841 |
//! | slow heads | 500 | 0.6 KiB | 18 |
//! | large heads without an end | 200 | 47 KiB | 0.8 |
//! | slow bodies | 500 | 21 KiB | 132 |
//! | chunks of one byte | 50 | 1.2 MiB | 10 |
//! | a request for a long text, and nothing read | 200 | 572 KiB | 17000 |
//! | a request for something else that is long, and nothing read | 200 | 69 KiB | 2000 |
//! | many ranges | 200 | 38 KiB | 5 |
//! | origins that send bombs | 50 | < 1 KiB | 5 |
//! | rapid reset, MadeYouReset, CONTINUATION, SETTINGS, PING, empty DATA | 20 | 0 to 102 KiB | 0 to 1.3 |
//!
//! Beyond a hundred for a byte are those who ask for much with few bytes and take nothing, and HTTP/2 at rest.
//! What is held for the former is charged to `limits.held`, which bounds it for all together; the latter is the
//! buffers of the `h2` crate (16 KiB to write, 8 KiB to read, whether they are used or not), and
//! `limits.connections` and `limits.connections_per_address` bound it. Heads that HPACK makes of a few bytes
//! are bounded by eight times `limits.head` for a connection.
//!
//! # Reload
//!
//! SIGHUP, or a changed file. `[limits]` and `[timeouts]` come into force with the next request (the pace of
//! a connection with the next connection); no connection is touched
//! (`reloads_one_after_another_cost_nobody_an_answer`). Of certificates only changed files are read, on all
//! cores; where a new one is broken the last good one serves on, and `zhamen check` and the log say so
//! (`certificates_are_replaced_under_load`). Tickets outlive a reload.
//!
//! # Replace the binary
//!
//! ```text
//! install -m 755 zhamen /usr/local/bin/zhamen
//! kill -USR2 $(pidof zhamen)            # it starts the new one itself, or:
//! zhamen run --upgrade --config /etc/zhamen/zhamen.toml
//! ```
//!
//! The new process reads its configuration, then asks at `process.upgrade_socket` for the listening sockets,
//! gets the very sockets, with whoever waits at them, and builds everything. Until it serves, the old one goes
//! on as before; if the new one fails, nothing has happened (`an_upgrade_that_fails_changes_nothing`). Then
//! the old one stops what only one process may do (reloads, webhooks, pulls, incident clocks, the admin
//! listener), and drains. Only the same user, or the superuser, is talked to.
//!
//! Meanwhile both write whole lines to the access log, and both read and write the record, which is made for
//! that. Evidence is appended by one process at a time: what the new one finds waits in its queue
//! (`store.queue`) until the old one has ended (`findings_go_on_the_record_on_both_sides_of_an_upgrade`).
//! TLS tickets of the old process are not known to the new one; its clients shake hands in full once.
//!
//! # Stop
//!
//! SIGTERM. Each response from then on says `Connection: close`; connections that wait for a request stay
//! open for `timeouts.drain_idle`, because one may be on its way; who still connects is told 503 `draining`
//! (TLS: closed); after `timeouts.drain` the rest is cut. A second signal does not wait.
//!
//! # systemd
//!
//! `Type=notify-reload` works, and so does `NotifyAccess=main`: at an upgrade the old process names the new
//! one. With `WatchdogSec=` the watchdog is kept quiet for as long as every worker answers. Sockets of a
//! `.socket` unit with `FileDescriptorName=http`, `https` or `admin` stand in the place of what `[listen]` and
//! `admin.listen` say; without such a name they are matched by their address, and others are closed.
//!
//! # Give up privileges
//!
//! Started as root, `process.user` is who it becomes after the ports are bound and before any thread runs.
//! The store, its directory and the access log have to belong to that user. `process.landlock` takes away all
//! files but those that the configuration names (their directories, since files are replaced by renaming),
//! the libraries' and the temporary directory's: `auto` as far as the kernel can, `required` or not at all.
//! What it came to is in the log. A reload that names files elsewhere then needs a restart.

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
//! bound; it is of one run with a release binary (`ZHAMEN_BINARY` names the one to be measured). Memory is what
//! is resident at the peak beyond what was before; what the kernel holds for a socket is beside it, at most
//! 128 KiB that are not sent. What is sent is counted as HTTP sends it, and as it goes over the wire at the
//! least: with a SYN, an ACK and the headers of IPv4 and TCP (60, 52, and 52 for each 1448 bytes); what the
//! attacker acknowledges of an answer is not counted. Behind a bomb there is an origin that sends it: its bytes
//! count.
//!
//! | attack | connections | held for each, KiB | for a byte of HTTP | for a byte on the wire |
//! | --- | --- | --- | --- | --- |
//! | idle, HTTP/1.1 | 2000 | 3.1 | 92 | 16 |
//! | idle, HTTP/2 | 500 | 27 | 258 | 101 |
//! | HTTP/2 without a request | 500 | 3.5 | 92 | 18 |
//! | slow heads | 500 | 2.1 | 60 | 11 |
//! | large heads without an end | 200 | 65 | 1.1 | 1.0 |
//! | slow bodies | 500 | 7.4 | 48 | 24 |
//! | chunks of one byte | 50 | 72 | 0.6 | 0.6 |
//! | a request for a long text, and nothing read | 200 | 308 | 9281 | 1594 |
//! | a request for something else that is long, and nothing read | 200 | 15 | 434 | 76 |
//! | many ranges | 200 | 34 | 4.5 | 4.3 |
//! | origins that send bombs | 50 | 246 | 12 | 12 |
//! | a hundred requests for long texts, and windows of nothing | 10 | 652 | 101 | 95 |
//! | the same for something else | 10 | 648 | 98 | 93 |
//! | the same with windows without end, and nothing read | 10 | 732 | 111 | 105 |
//! | a hundred requests that their origin does not answer | 10 | 577 | 89 | 84 |
//! | HPACK bomb | 10 | 959 | 84 | 80 |
//! | rapid reset | 20 | 24 | 0.3 | 0.3 |
//! | MadeYouReset | 20 | 60 | 0.8 | 0.8 |
//! | CONTINUATION | 20 | 40 | 0.1 | 0.1 |
//! | SETTINGS | 20 | 19 | 0.2 | 0.2 |
//! | PING | 20 | 19 | 0.1 | 0.1 |
//! | empty DATA | 20 | 20 | 0.2 | 0.2 |
//!
//! By these numbers a connection that says little costs little: one of HTTP/2 is answered from the bytes that it
//! has sent (`data_plane/http2/opening.rs`) until it asks for something; who waits for a body, or for an answer,
//! owns no buffer; and behind a client that takes nothing, nothing more is read, and what reading took is given
//! back. Memory comes in small pages, so that of a buffer only what was used is resident.
//!
//! Who asks for much with few bytes and takes nothing of it gets this:
//!
//! - **A hundred requests on one connection**, each of some forty bytes: about a hundred for a byte on the wire, like
//!   an HTTP/2 connection at rest (the buffers of the `h2` crate). Eight at a time are on their way to their origins,
//!   and no more of their heads than `limits.head`; of a client that takes nothing 64 are under way; the rest waits in
//!   `h2`. Each costs its session, its place in `h2` and its origin's connection (6 KiB). What windows let through is
//!   known from the frames (`data_plane/http2/windows.rs`): of an answer for which there is no window, or whose
//!   connection has 192 KiB that it does not take, one KiB is read, which is its head.
//! - **Texts for which there is no window** are not held: they wait until one is opened that is worth 16 KiB. The
//!   same holds where a connection has eight texts already that are held, or wait for it. Four of all clients of a
//!   worker go on nevertheless, so that whoever opens windows only when heads come is served; what they hold is in
//!   what the table says of ten connections.
//! - **A text that nobody reads** is beyond a hundred. It is held before it is sent (`scan.hold`), and while it waits
//!   for its client two things stay: what was held, which shows what may be found behind it, charged to
//!   `limits.held` (no more of this than half of it); and the engine's last 24 KiB of text with their tokens, in
//!   which a match, its exceptions and its excerpt may stand, which is charged as 64 KiB. Where the budget is used up
//!   a client that keeps a text waiting is cut after two seconds (`zhamen_slow_clients_total`). The rest of the
//!   engine's room is given back, but for the first 64 texts of a worker, between two of their pieces. So what all of
//!   this may come to is `limits.held`, whoever asks for it, beside what each connection costs: its session, and of
//!   what was read last 32 KiB.
//!
//! All of these end by `timeouts.slow`. So the most that a connection can come to, but for what `limits.held`
//! bounds for all together:
//!
//! | connection | its bound | by default |
//! | --- | --- | --- |
//! | at rest, HTTP/1.1 | | 8 KiB |
//! | at rest, HTTP/2 | | 32 KiB; 8 KiB before its first request |
//! | with a request, HTTP/1.1 | twice `limits.head` (request and answer), 128 KiB read of a body, 512 KiB of a text that is read on | 768 KiB |
//! | with requests, HTTP/2 | eight times `limits.head`; four times `http2.window` of bodies that are sent to us; 192 KiB unsent; `http2.streams` times 48 KiB, of texts that are read on 128 KiB, and 512 KiB of a worker's first 64 | 7 MiB; 48 MiB of texts |
//!
//! Times `limits.connections` and `limits.connections_per_address` this is what all may come to, and one address.
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

//! HTTP/2: what is taken of it, and what a connection may cost.
//!
//! # The same request
//!
//! A stream is read into the same head that a connection of HTTP/1.1 is read into, and goes through the
//! same stages (`data_plane/session.rs`). `data_plane/client.rs` is the seam: an `Inlet` gives a body, an
//! `Outlet` takes an answer, and each is a connection or a stream. A head is written once, by a
//! `HeadWriter` that makes text or fields of it. What HTTP/2 is by itself stands in `data_plane/http2`.
//!
//! | HTTP/2 | here |
//! | --- | --- |
//! | `:authority`, `Host` | both may stand there, and must agree |
//! | `cookie` in crumbs | one field, joined with `; ` |
//! | `:path` | begins with a slash; `*` with OPTIONS only |
//! | fields for one hop, upper case, broken pseudo-fields | a malformed request: RST_STREAM, no origin is asked |
//! | the length of a body | checked against DATA; without one the origin gets chunks |
//! | trailers, interim responses (100, 103) | pass |
//! | CONNECT | refused, but for `:protocol` = `websocket` (RFC 8441), which becomes an Upgrade, or a stream where the origin speaks HTTP/2; it is a tunnel from the origin's 101, if that fits the key, or its 200 |
//! | what is sent behind an early answer | read for a moment, within `limits.drain`; then RST_STREAM (NO_ERROR) |
//! | a head beyond `limits.head` | refused by name, up to twice its size; beyond that 431 of the protocol's own, with one line in the access log for all of a connection |
//! | a response that must be cut | RST_STREAM; the connection goes on |
//! | a request that the client takes back | ends the exchange with the origin |
//! | a host that the certificate does not cover | 421; for one that it covers a connection is shared |
//!
//! Over TLS it is offered by ALPN; plain listeners take it where `http2.prior_knowledge` says so.
//!
//! # What a connection may cost
//!
//! Until its first request a connection has no buffers: what it begins with (the preface, SETTINGS, a window) is
//! answered from the bytes that came, which `h2` reads once there is more (`data_plane/http2/opening.rs`).
//!
//! One task drives a connection and its streams. What is handed over and not yet written is bounded for
//! all streams together (256 KiB, and 64 KiB for one of them), so that a client that reads nothing costs
//! this and what is held of its pages; while that much waits, nothing more is read for it. A stream that gets no
//! window ends after `timeouts.client_idle`; until then little more than its head is read of an answer, and a text
//! waits for its turn (`data_plane/http2/windows.rs`, `text_turn.rs`). Eight requests at a time are on their way to
//! their origins, and of a client that takes nothing 64 are under way; others are not looked at before.
//!
//! | flood | bound | test |
//! | --- | --- | --- |
//! | many requests at a time | `http2.streams`; more are refused (REFUSED_STREAM) | `no_more_streams_than_allowed_run_at_a_time` |
//! | requests taken back (rapid reset) | `http2.resets` in ten seconds | `requests_that_are_taken_back_are_counted` |
//! | errors that make us reset (MadeYouReset) | 100 a connection | `resets_that_a_client_makes_us_send_are_counted` |
//! | PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, unknown frames | `http2.control_frames` in ten seconds; more where we send much | `floods_end_the_connection_and_cost_nothing` |
//! | heads without end (CONTINUATION), HPACK bombs | `limits.head` and `limits.headers` | `a_head_without_end_ends_the_connection` |
//! | heads of many requests at a time | eight times `limits.head`; more are refused (REFUSED_STREAM) | `heads_of_all_streams_together_are_bounded` |
//! | windows of nothing, sockets that nobody reads | as above | `who_reads_nothing_costs_a_window_and_is_let_go`; who reads late is served: `http2_windows` |
//! | no requests | `timeouts.keep_alive`, then GOAWAY | `an_idle_connection_is_told_to_go` |
//!
//! A connection that goes beyond a bound ends with GOAWAY (ENHANCE_YOUR_CALM);
//! `zhamen_http2_connections_ended_total` counts why connections ended, and
//! `zhamen_http2_requests_rejected_total` requests that broke the protocol before anything could be said of them.
//!
//! What all of this comes to in memory stands in [`limits`](super::limits).

//! From the first byte to the line in the access log.
//!
//! The stages stand one below the other in `Session::stages` (`data_plane/session.rs`). Each
//! either goes on or ends the request with a `Stop`; a stop that is a refusal becomes a response in
//! one place, `data_plane/respond`.
//!
//! ```text
//! accept → read head → normalise → look up → admit → prove → read post → send → receive → filter → conclude → record
//! ```
//!
//! | stage | where | refuses with |
//! | --- | --- | --- |
//! | accept, handshake | `data_plane/accept.rs`, `data_plane/tls` | `overloaded`, `rate_limited`, `draining`; over TLS nothing: the connection closes |
//! | read head | `data_plane/connection.rs`, `data_plane/http1` | `malformed_request`, `request_timeout` |
//! | normalise | [`message::normalise`](crate::domain::message::normalise) | `malformed_request`, `ambiguous_framing`, `bad_host`, `misdirected`, `uri_too_long` |
//! | limits | `data_plane/limits`: of the worker and the address; once the site is known, of the site | `overloaded`, `rate_limited` |
//! | look up | [`Registry::look_up`](crate::domain::registry::Registry::look_up) | – |
//! | admit | [`Policy::admit`](crate::domain::policy::Policy::admit) | `registry_unavailable`, `unfiled`, `filed_elsewhere`, `filing_cancelled`, `terminated`, `suspended`, `no_commitment`, `site_locked`, `directory_locked`, `interactive_closed`, `page_locked`; `overloaded` while the way to the record is full; `content_blocked` for an upgrade |
//! | prove | `data_plane/session.rs`; what an authority of certificates asks for is answered here ([`acme`](super::acme)) | – |
//! | read post | `data_plane/posts.rs`; where the site is `filtered` | `content_blocked` |
//! | send | `data_plane/upstream`, `upstream::send` | `origin_unreachable`, `overloaded` |
//! | receive | `data_plane/answer.rs`, `data_plane/upstream`, `upstream::reply` | `origin_timeout`, `origin_protocol` |
//! | filter | `data_plane/body.rs`, `body::filter`; then `streaming.rs` | `origin_protocol`, `content_blocked`, `page_locked`; later it can only cut |
//! | conclude | `data_plane/session.rs`, `data_plane/tunnel.rs` | – |
//! | record | `data_plane/record.rs` | – |
//!
//! What is found goes up to the record on its way out (`data_plane/observe.rs`), with the bytes that show
//! it. Where it finds no place there, nothing of the response leaves: `overloaded`. An admission may end
//! while its exchange runs (`data_plane/admission.rs`): when a unit is suspended, what is on its way to its
//! readers goes no further.
//!
//! # Accept and read
//!
//! A worker accepts while there are fewer client connections than `limits.connections`, and of one address
//! fewer than `limits.connections_per_address`; beyond that a connection is answered shortly, or closed, and
//! counted ([`limits`](super::limits)). A TLS client is given the certificate of the name it
//! asks for; without a name, or with one that no certificate covers, the handshake fails.
//!
//! A head must be whole within `timeouts.request_head`, and within `limits.head` bytes and
//! `limits.headers` field lines. Line folding, bare line feeds within lines, white space before a colon
//! and control characters are faults, not repairs.
//!
//! # Normalise
//!
//! What the head claims becomes [`Facts`](crate::domain::message::Facts), or is refused. A head that
//! two programs could read in two ways is never repaired: exactly one valid Host, equal to the
//! authority of an absolute-form target; not both Content-Length and Transfer-Encoding, neither of
//! them twice, Transfer-Encoding exactly `chunked`; no field that imitates an important one with
//! underscores or dots; no removal of important fields through `Connection`; no CONNECT. Over TLS the
//! Host must be covered by the certificate that the handshake chose.
//!
//! # Look up and admit
//!
//! The registry gives one of four answers ([`Filing`](crate::domain::registry::Filing)). The most
//! specific row between the host and its registrable domain decides; an IP literal has only its own
//! row. Then [`Policy::admit`](crate::domain::policy::Policy::admit) decides in a fixed order: the
//! filing, then interactive sections (requests that change state are refused where the site is
//! `closed` or `review`), then the lock on the page. What comes out is a
//! [`Permit`](crate::domain::policy::Permit) or a refusal.
//!
//! A locked page whose recheck is due lets one request through, to be held whole: this is how locks
//! open by themselves.
//!
//! # Send
//!
//! The head towards the origin is built afresh (`data_plane/request.rs`). Hop-by-hop
//! fields go; what the client said in `X-Forwarded-*`, `Forwarded` and `X-Real-IP` is replaced by what
//! we saw, unless it is a trusted proxy ([`origins`](super::origins)); `Accept-Encoding` keeps the codings that we can undo; `Range` is dropped where the path
//! looks like text, because a part of a text cannot be read as the browser will show it. There is no
//! `Via`, though RFC 9110 asks for one: a stock nginx stops compressing for whoever sends it.
//!
//! [`origins`](super::origins) says which origin is asked, and over which connection. A kept one is used
//! if it is open and silent. A request is sent a second time only if none of it had been written, or if it
//! has no body, its method is idempotent, and the connection had died before a byte of an answer.
//!
//! The request's body flows while the answer is awaited and passed on: whoever answers early is heard.
//!
//! # Receive
//!
//! 100 goes to clients that wait for it, 103 to all HTTP/1.1 clients, 101 only if it was asked for;
//! then both connections become a tunnel, counted as uninspected, unless `scan.on.upgrade` says
//! `block`. How the body ends is decided by
//! `data_plane/response.rs`, `response::framing`: Transfer-Encoding wins over
//! Content-Length and removes it, two different lengths are `origin_protocol`.
//!
//! # Filter
//!
//! [`body_filter::plan`](crate::engine::body_filter::plan) decides by the head: pass unread, block
//! unread, hold, or (event streams) stream at once. While a body is [`Held`] nothing has been sent.
//! Holding ends with the body, at `scan.hold` bytes, after `scan.hold_time`, or when the memory budget
//! is used up. What is held is judged as a whole, or recognised by its hash
//! ([`VerdictCache`](crate::engine::body_filter::VerdictCache)). Then it is delivered, refused with
//! 451, or [`Committed`]: the head goes out, and from there on a verdict can only cut the connection,
//! without the sign of an orderly end, and lock the page. Cut means: no last chunk, fewer bytes than
//! Content-Length says, a reset where only the close would mark the end.
//!
//! Bytes pass as they came, still compressed, unless something in them is masked.
//!
//! # Conclude and record
//!
//! The origin's connection goes back to the pool if its body ended by its framing and nothing follows
//! it. The client's goes on if both sides wish it. When the session is dropped, however it ended, an
//! [`Exchange`](crate::domain::event::Exchange) goes up: one line of the access log, one count in each
//! metric it concerns.
//!
//! [`Held`]: crate::engine::body_filter::Held
//! [`Committed`]: crate::engine::body_filter::Committed

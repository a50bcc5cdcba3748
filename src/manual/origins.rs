//! How origins are reached: which of several, over which connection, by which address, and how they
//! are believed.
//!
//! # Several origins
//!
//! `origin` may be a list, up to 16, with `;` between them:
//!
//! ```text
//! host,origin,unit,service,kind,icp
//! a.cn,http://10.0.0.5:8080;http://10.0.0.6:8080,u1,s1,server,蜀ICP备12345678号
//! ```
//!
//! Of two that are picked at random, the one with fewer requests under way is asked
//! (`requests_go_to_all_origins_and_to_the_idle_before_the_busy`). Each worker counts its own.
//!
//! An origin fails when it cannot be connected to, breaks HTTP, or is silent beyond
//! `timeouts.origin_head`; a 500 is an answer. After `upstream.eject.failures` failures in a row it is
//! left out for `upstream.eject.time`, twice as long each time, up to `upstream.eject.time_max`. Then one
//! request tries it again. All workers know of it at once. The last one is never left out: where all are
//! bad, all are tried, and `origin_unreachable` means that none could be had
//! (`the_last_origin_is_asked_however_bad_it_is`).
//!
//! What cannot be connected to costs no request: nothing was sent, and the next one is tried at once. A
//! bodyless idempotent request that came to nothing on a new connection is sent to one other origin
//! (`of_two_origins_one_may_die_under_load`). Nothing else is sent twice, but for what
//! [`life_of_a_request`](super::life_of_a_request) says of kept connections.
//!
//! With `upstream.check.path` set, origins that have others beside them are asked for that path every
//! `upstream.check.every`, as long as they are in use; two checks in a row decide. An origin of which the
//! checks think ill is left out, and asked when there is no other.
//!
//! # HTTP/2
//!
//! `h2://host:port` is asked in HTTP/2 with prior knowledge, `h2s://host:port` over TLS; a site's origins all
//! speak it, or none. One connection an origin and worker carries them all
//! (`all_requests_share_a_connection`). gRPC passes both ways at once, with its trailers. A request that an
//! origin says it has not looked at (REFUSED_STREAM, beyond the last stream of a GOAWAY) is sent again.
//! A WebSocket becomes a stream of its own (RFC 8441) where the origin's SETTINGS say that it takes them
//! (`a_websocket_becomes_a_stream_of_the_origins_connection`); otherwise it is refused: `origin_protocol`.
//!
//! An `https://` origin is asked by ALPN when it is first used, and what it chooses holds for all requests to it
//! (`an_origin_with_tls_is_asked_once_what_it_speaks`); of several origins all have to choose HTTP/2. An upgrade
//! goes to it over HTTP/1.1 (`an_upgrade_goes_over_http1_where_both_are_spoken`). Once it cannot be reached over
//! HTTP/2 any more it is asked again. With `proxy_protocol = "v2"` it is HTTP/1.1.
//!
//! # Connections
//!
//! Unused connections are kept for `timeouts.origin_keep_alive` (4 s: shorter than origins keep theirs),
//! at most `limits.origin_idle` per origin and `upstream.idle_total` in all, per worker; the youngest is
//! used first. Requests that must not be sent twice (POST, PATCH, whatever has a body) go over
//! connections that were in use a second ago, or over new ones: it is old ones that origins close. An
//! origin that closed a kept connection without a word gets them over new ones for a minute
//! (`what_cannot_be_sent_twice_goes_over_new_connections_where_kept_ones_die`).
//!
//! At most `upstream.connections` are in use per origin and worker. Beyond it requests wait in turn, up to
//! `upstream.queue` of them, for up to `upstream.queue_time`; then they are refused with 503 `overloaded`
//! (`beyond_the_limit_of_connections_requests_wait_and_not_for_ever`).
//!
//! # Names
//!
//! A name is looked up in `/etc/hosts`, then by the name servers of `/etc/resolv.conf` (or those of
//! `upstream.resolver`), then by whatever else the system has; on a thread of its own, so that no worker
//! waits in the system's resolver. It is asked for again when its time to live is over, which counts as
//! one second to one hour. Where the name servers fail, what was known last holds
//! (`a_name_leads_where_it_leads_now_or_led_last`). Of several addresses the next one is tried when one
//! refuses, or has not answered for 250 ms.
//!
//! # Certificates
//!
//! The certificate of an `https://` origin must be vouched for and must name the origin's host. Columns
//! of the row say otherwise:
//!
//! | column | says |
//! | --- | --- |
//! | `origin_ca` | the file (PEM, relative to zhamen.toml) with what vouches for it; empty: `upstream.tls.ca`, and where that is empty the public roots |
//! | `origin_name` | the name that is asked for in the handshake and must stand in the certificate; empty: the origin's host |
//! | `origin_verify` | `off`: whoever answers is believed. `zhamen check` warns of each such row |
//!
//! A file that changes is read again within ten seconds. What fails stands in `detail` of the access log:
//! `TLS with origin.test: invalid peer certificate: UnknownIssuer`
//! (`an_origin_is_who_its_certificate_says`).
//!
//! # Who the client is
//!
//! An origin is told in `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host`, `X-Real-IP` and
//! `Forwarded`; what a client sends by these names is thrown away. Behind a balancer:
//!
//! - `listen.trusted_proxies` names networks whose requests are believed. What they say is kept and added
//!   to, and the client of access log and limits is the one that they name: from the right, the first
//!   address that is none of theirs (`trusted_proxies_name_the_client`).
//! - `listen.proxy_protocol_from` names networks whose connections begin with a header of the PROXY
//!   protocol, version 1 or 2, before TLS. There it must be, whole within `timeouts.request_head`, or the
//!   connection closes (`a_balancer_says_whose_connection_it_is`). From elsewhere it is no HTTP, and
//!   refused as such (`nobody_else_can_say_so`).
//!
//! An origin whose row says `proxy_protocol` = `v2` is told by that protocol. It takes a connection for
//! one client's, so each request has a connection of its own there
//! (`an_origin_is_told_once_a_connection_and_shares_none`).
//!
//! # Old software
//!
//! Field names keep their case both ways. A missing reason phrase is fine. `origin_http` = `tolerant` in a
//! row has more of the origin's heads repaired: lines that end with LF alone, white space before a colon,
//! folded lines (`old_software_is_understood_where_the_row_says_so`). Two different lengths, or anything
//! else that could be read in two ways, stays an `origin_protocol`.
//!
//! # Watch
//!
//! | metric | means |
//! | --- | --- |
//! | `zhamen_origin_ejections_total` rises | one of several origins was left out |
//! | `zhamen_origin_ejected` | origins left out now |
//! | `zhamen_origin_healthy` | origins in use and asked |
//! | `zhamen_refusals_total{reason="overloaded"}` | among others: requests waited in vain for a connection |

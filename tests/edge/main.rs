//! End to end: the real binary, real sockets on loopback, origins that do what they should not.
//!
//! Table of contents, in the order in which to read:
//!
//! | file | what it holds |
//! | --- | --- |
//! | `harness` | the proxy as a process, an origin that counts, a client that sees every byte |
//! | `gate` | who reaches an origin, and what a refusal looks like |
//! | `http` | HTTP/1.1 on both sides: framing, connections, upgrades, backpressure |
//! | `http2` | HTTP/2 with clients: the same exchanges on streams, and floods |
//! | `tls` | TLS with clients: every form of a handshake, and its resumption |
//! | `http2_windows` | HTTP/2 with clients that read slowly, or late |
//! | `http2_origins` | HTTP/2 with origins: one connection for all, and what passes both ways |
//! | `llhttp` | another parser's vectors of HTTP/1.1, and its verdicts |
//! | `smuggling` | heads that can be read in two ways |
//! | `smuggling_matrix` | all of them put together, with nginx, Apache and Python behind |
//! | `scan` | what is found while nothing has been sent |
//! | `streaming` | what is found, or waits, after the head has gone |
//! | `findings` | what goes on the record of what was found |
//! | `posts` | what visitors send |
//! | `locks` | pages that are locked, and unlock when clean |
//! | `bad_origins` | origins that refuse, hang, break off, lie |
//! | `gone_clients` | clients that vanish |
//! | `bounds` | limits, and that nothing leaks |
//! | `attacks` | what attacks hold in memory, beside what they send |
//! | `limits` | what one address, one site, one slow client may ask for, and what is turned away |
//! | `handshakes` | TLS: who must show a certificate, who sees which, and who waits for a turn |
//! | `bad_input` | registries, rules and configurations that people write |
//! | `reload` | what comes into force without a restart |
//! | `operations` | start, reload, hand-over and stop under load |
//! | `ledger` | who is suspended, from the record to the next request |
//! | `crash` | what survives kill -9, a power cut, a full disk |
//! | `registry` | where the registry comes from: files, imports, pulls; customers, drift, unfiled hosts |
//! | `incident` | incidents: emergency locks, clocks, reminders, what opens by itself |
//! | `report` | letters and reports of a record that somebody filled |
//! | `record` | access log and metrics |
//! | `pages` | real saved pages, from a stock nginx |
//! | `trust` | TLS on the operator's side: clients' certificates, pulls and webhooks |
//! | `acme` | certificates that are had and renewed |
//! | `admin_api` | tokens, changes, webhooks, and a suspension's way to every connection |
//! | `upstreams` | several origins, their health, names and certificates, and who has to wait |
//! | `proxies` | proxies before us and behind: the PROXY protocol, `X-Forwarded-*`, `Forwarded` |
//! | `command_line` | the other commands |
//! | `slips` | what operators get wrong on the first day, and what they are told |
//! | `deploy` | what stands in `deploy/`, run |

mod acme;
mod admin_api;
mod attacks;
mod bad_input;
mod bad_origins;
mod bounds;
mod command_line;
mod crash;
mod deploy;
mod findings;
mod gate;
mod gone_clients;
mod handshakes;
mod harness;
mod http;
mod http2;
mod http2_origins;
mod http2_windows;
mod incident;
mod ledger;
mod limits;
mod llhttp;
mod locks;
mod operations;
mod pages;
mod posts;
mod proxies;
mod record;
mod registry;
mod reload;
mod report;
mod scan;
mod slips;
mod smuggling;
mod smuggling_matrix;
mod streaming;
mod tls;
mod trust;
mod upstreams;

//! How to install, feed, change and watch it.
//!
//! # Install
//!
//! Rust 1.95 and a C compiler build it; nothing else is needed at run time.
//!
//! ```text
//! cargo build --release --locked
//! install -m 755 target/release/zhamen /usr/local/bin/
//! zhamen demo            # everything on this machine, with commands to try
//! ```
//!
//! Run it under a user of its own. Ports below 1024 need `CAP_NET_BIND_SERVICE`. A client connection
//! takes one file descriptor and its origin's another: allow twice `limits.connections`
//! (`LimitNOFILE` of systemd). The operational log goes to standard error, and stopping is SIGTERM.
//!
//! # The first site
//!
//! `zhamen.toml` (all keys with their defaults stand at the head of [`crate::config`]):
//!
//! ```toml
//! [listen]
//! http = ["0.0.0.0:80"]
//!
//! [gate]
//! operator = "蜀云数据中心"
//! contact  = "mailto:security@example.cn"
//! ```
//!
//! `sites.csv` beside it, and the shipped `rules/`:
//!
//! ```text
//! host,origin,unit,service,kind,icp
//! example.cn,http://10.0.0.5:8080,u1,s1,virtual_host,蜀ICP备12345678号-1
//! ```
//!
//! ```text
//! zhamen check                          # configuration, registry, rules, certificates
//! zhamen explain www.example.cn/index   # which row decides, and where it leads
//! zhamen run
//! ```
//!
//! A row covers its host and every host below it until a more specific row. For TLS name listeners in
//! `listen.https` and a directory in `tls.certificates`: `NAME.crt` with `NAME.key`, or `NAME.pem` with
//! both. Zhamen does not fetch certificates; put renewed ones in their place.
//!
//! # Import a registry from Excel
//!
//! Import the .xlsx as it is (`zhamen registry import --dry-run export.xlsx`, then without `--dry-run`;
//! see [`registry`](super::registry)), or save the sheet as CSV. What Excel writes in China is GB18030, elsewhere UTF-8 with a byte order
//! mark; both are read as they are. The first row names the columns, in any order; those that are not
//! known are ignored.
//!
//! ```text
//! zhamen registry check export.csv
//! mv export.csv /etc/zhamen/sites.csv   # watched: in force within a second or two
//! ```
//!
//! Every bad row is named with line and column and skipped; if more rows are bad than good, nothing of
//! the file is applied. Filing numbers with spaces, full-width digits or without 号 are repaired, with a
//! warning. Move the new file over the old one instead of writing into it: a file that is half written
//! when it is read may be a good one by chance.
//!
//! # Change a rule
//!
//! 1. Write it with `mode = "shadow"`, a `hit` and a `pass` example.
//! 2. `zhamen rules lint` and `zhamen rules test`; `zhamen rules scan` on saved pages that worry you.
//! 3. Save it in the rules directory. Watch `zhamen_reload_total{what="rules"}` and
//!    `zhamen_snapshot_generation`.
//! 4. Look what it finds: `zhamen_findings_total{mode="shadow"}`, and `rules` in the access log.
//! 5. Set `mode = "on"`.
//!
//! **Back:** put the old file back (keep the directory in git), or set `mode = "off"`. A response that
//! has begun ends under the rules that it began with. A page that a wrong rule has locked is read again
//! after `locks.recheck`.
//!
//! # Somebody complains
//!
//! Every refusal shows a request number, on the page and in the field `Zhamen-Request`.
//!
//! ```text
//! grep '"id":"2f0c81d9a4b7e633"' access.jsonl
//! ```
//!
//! The line says `reason`, `detail`, `host`, `target`, the rules that hit and the generation that
//! decided. Then, by reason:
//!
//! | reason | look at |
//! | --- | --- |
//! | `unfiled`, `filed_elsewhere`, `filing_cancelled` | `zhamen explain HOST`: which row covers the host, and what it says |
//! | `content_blocked` | `rules` in the line; save the page from its origin and `zhamen rules scan` it |
//! | `page_locked` | the earlier line of the same page with outcome `aborted` |
//! | `bad_host`, `malformed_request`, `ambiguous_framing` | `detail`; another proxy on the way is the usual cause |
//! | `misdirected` | the names in the certificate |
//! | `origin_unreachable`, `origin_timeout`, `origin_protocol` | `detail`; ask the origin directly with curl |
//! | `registry_unavailable` | the operational log, `/readyz` |
//!
//! # Watch
//!
//! The admin listener serves `/metrics`, `/healthz` (the process runs), `/readyz` (it has a registry, and
//! is not stopping) and `/api/v1/status`. Worth an alarm:
//!
//! | metric | means |
//! | --- | --- |
//! | `zhamen_reload_total{result="error"}` rises | a file is broken, and the last good one is in force |
//! | `zhamen_panics_total` rises | a fault of Zhamen; please report it |
//! | `zhamen_events_dropped_total`, `zhamen_log_errors_total` rise | the record has gaps |
//! | `zhamen_responses_total{inspection!="inspected"}` | what is not read, by reason; images are normal |
//! | `zhamen_held_bytes` near `limits.held` | holds end early, and hits cut pages instead of refusing them |
//! | `zhamen_refusals_total{reason="unfiled"}` | who points names here that nobody filed |
//! | `zhamen_refusals_total{reason=~"origin_.*"}` | origins in trouble |
//! | `zhamen_origin_ejected` above 0 | some of several origins are left out |
//! | `zhamen_connections_rejected_total` | the limit of connections, or failing handshakes |
//! | `zhamen_tail_flushes_total` | withheld ends that went out because nothing followed |
//! | `zhamen_scan_seconds`, `zhamen_verdict_cache_total` | what reading costs, and how much of it is saved |
//!
//! # Reload
//!
//! Configuration, registry, rules and certificates are watched. SIGHUP looks at everything at once and
//! complains again about what is still broken. No reload touches a connection. Keys that wait for a
//! restart (listeners, workers, the log, the cache's size and the queue's) are named in the log when
//! they change. SIGUSR1 opens the access log anew; a file that was renamed is noticed without it.
//!
//! # Limits
//!
//! `[limits]` and `[timeouts]` bound what clients and origins can make Zhamen keep; the defaults are
//! for a machine with some gigabytes of memory. Raise `limits.held` before you raise `scan.hold`: every
//! page in flight may hold as much. A higher `scan.hold` means that more hits are refused with a page
//! instead of cut; `scan.hold_time` bounds what that can cost a reader.
//!
//! # Keep
//!
//! The access log is the record in this version. Keep it at least as long as the law asks for logs
//! (six months by the Cybersecurity Law), rotate it by renaming, and ship it elsewhere.

//! How to install, feed, change and watch it.
//!
//! | chapter | answers |
//! | --- | --- |
//! | [`install`] | How does it get on the machine, and which parts are there? |
//! | [`first_site`] | From nothing to a page that is served, and one that is not |
//! | [`excel`] | How do a spreadsheet's rows become the registry? |
//! | [`rule_update`] | How does a rule change from the edit to live, and back? |
//! | [`complaint`] | Why was this visitor refused? |
//! | [`incident_drill`] | What is practised twice a year? |
//! | [`backup`] | How is the record copied, restored, and carried over to another version? |
//! | [`moving`] | How does one come from nginx, a keyword script, or E2Guardian? |
//! | [`logs`] | What is written where, how long is it kept, how is it shipped? |
//! | [`capacity`] | What does a machine carry? |
//! | [`runbook`] | An alert fired: what now? |
//!
//! # Metrics
//!
//! The admin listener serves `/metrics`, `/healthz` (the process runs), `/readyz` (it has a registry, and
//! is not stopping) and `/api/v1/status`. The least that is worth an alarm; all of them, with what to do, stand in
//! [`runbook`]:
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
//! | `zhamen_origin_ejected` above 0 | some of several origins are left out ([`origins`](super::origins)) |
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

pub mod backup;
pub mod capacity;
pub mod complaint;
pub mod excel;
pub mod first_site;
pub mod incident_drill;
pub mod install;
pub mod logs;
pub mod moving;
pub mod rule_update;
pub mod runbook;

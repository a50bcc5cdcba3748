//! The runbook: what to do when an alert of `deploy/prometheus/alerts.rules.yml` fires. Each section names
//! its alerts, and each alert its section: `zhamen manual runbook ZhamenDown` prints it on the edge.
//!
//! # An edge does not answer
//!
//! Alert `ZhamenDown`.
//!
//! Every site behind it is dark, or Prometheus cannot reach it. From another machine:
//! `curl -sI http://EDGE/`; a 403 is as good as a page. On the edge:
//!
//! ```text
//! systemctl status zhamen
//! journalctl -u zhamen -o cat | tail -50
//! zhamen health
//! zhamen check
//! ```
//!
//! If it does not start, the last lines name file, line and column; put the last good file back. If the machine is
//! lost, take it out of the rotation (DNS, BGP) and restore it from the backup: [`backup`](super::backup).
//!
//! # Panics
//!
//! Alert `ZhamenPanics`.
//!
//! A fault of Zhamen; it cost one response or one connection. The operational log has the place, the access log
//! the requests (`outcome` is aborted, or `inspection_reason` engine_fault). Save the page from its origin, run
//! `zhamen rules scan` on it, and report both. Until it is mended: `scan.on.engine_fault` set to `"block"` if what is not
//! read must not be served.
//!
//! # A reload fails
//!
//! Alert `ZhamenReloadFailed`.
//!
//! A file is broken, and what was in force stays in force: nobody is served worse than before, but what was
//! to change has not. `zhamen check` lists every problem at its line, `journalctl -u zhamen` the first of them.
//! Mend the file, or put the old one back (`git revert` where the rules are in git); a second later
//! `zhamen_reload_total{result="success"}` rises.
//!
//! # Stale rules
//!
//! Alerts `ZhamenRulesStale`, `ZhamenRulesDiffer`.
//!
//! No rule has changed for a month, or edges differ. Compare what each has: `zhamen_rules` and
//! `zhamen_reload_last_success_timestamp_seconds{what="rules"}` by instance. An edge that stays behind: is the
//! directory that `rules.dir` names the one that is updated; is it readable; did its reload fail (above)?
//!
//! # A certificate ends
//!
//! Alert `ZhamenCertificateEnds`.
//!
//! `zhamen check` names the certificate. Put the renewed one in its place (`NAME.crt` and `NAME.key`, or
//! `NAME.pem`, moved over the old file); it is taken up by itself, no connection is touched. The metric
//! `zhamen_certificate_expiry_timestamp_seconds` then shows the next one. Where two certificates cover a name, the
//! one that ends later is used: nothing has to be removed.
//!
//! # No certificate
//!
//! Alert `ZhamenCertificateNotHad`.
//!
//! Sites ask for certificates and get none. `zhamen acme show` says for each why, what to do, and when it is tried
//! again; mostly the name leads elsewhere, or port 80 does not reach this edge. When that is mended,
//! `zhamen acme renew HOST` tries at once. Where nothing but `zhamen_acme_orders_total{result="authority"}` rises,
//! the authority is out of reach or has had enough: the operational log has its words. [`acme`](super::super::acme)
//! has the rest. A site that left for another house is taken out of the registry, or its column `acme` emptied.
//!
//! # Connections are turned away
//!
//! Alerts `ZhamenConnectionsRejected`, `ZhamenFileDescriptors`.
//!
//! `zhamen_connections` beside `limits.connections`, and `process_open_fds` beside `process_max_fds`: which limit
//! is it? A client takes a descriptor, its origin another. Raise `LimitNOFILE` of the unit and `limits.connections`
//! together. If neither is near, handshakes fail: somebody scans, or a certificate is missing (the operational log
//! says for which name, at level debug). Thousands from few addresses are a case for the firewall.
//!
//! # A worker is late
//!
//! Alert `ZhamenLate`.
//!
//! One core has more to do than it can: everything on it waits. `top -H` shows whether it is Zhamen's worker or
//! a neighbour; the panel "In the engine" whether it is the scan ("Slow scans", below). Beyond `limits.lag` new
//! requests are refused, so that those that run are not lost. More cores, or another edge.
//!
//! # Unfiled traffic
//!
//! Alert `ZhamenUnfiledTraffic`.
//!
//! Names point here that nobody filed. Who they are, and at which servers:
//!
//! ```text
//! zhamen registry unfiled
//! zhamen explain HOST
//! ```
//!
//! A customer's new domain: they file first, then the row is imported. A domain that was filed elsewhere: the same,
//! with this access provider. A name that no customer knows: somebody points it here; nothing is served, nothing is
//! to be done. One customer again and again is a case for the letter (11.2): open an incident, and tell the
//! customer with `zhamen report notice --unit UNIT --incident ID -o notice.pdf`.
//!
//! # No registry
//!
//! Alert `ZhamenRegistryUnavailable`.
//!
//! No registry was ever loaded, so every host is refused with 503. `zhamen check` says why: the file is not there,
//! is not readable, or has more bad rows than good. Put the last export in its place
//! (`zhamen registry export` on another edge). `/readyz` says yes as soon as it is loaded.
//!
//! # Origins fail
//!
//! Alerts `ZhamenOriginErrors`, `ZhamenOriginLeftOut`.
//!
//! The panel "Refusals by reason" says how: `origin_unreachable` (it refuses, or has no address), `origin_timeout`
//! (no head within `timeouts.origin_head`), `origin_protocol` (what it says is not HTTP). Which ones:
//!
//! ```text
//! grep '"reason":"origin_' /var/log/zhamen/access.jsonl | grep -o '"host":"[^"]*"' | sort | uniq -c | sort -n | tail
//! ```
//!
//! One customer: tell them, with the `detail` of a line. All of them: the network between edge and servers; ask an
//! origin directly with curl from the edge.
//!
//! # Many findings
//!
//! Alert `ZhamenFindings`.
//!
//! One category hits more than usual. Which rules, on which hosts:
//!
//! ```text
//! grep '"verdict":"block"' /var/log/zhamen/access.jsonl | grep -o '"rules":\[[^]]*\]' | sort | uniq -c | sort -n | tail
//! grep '"verdict":"block"' /var/log/zhamen/access.jsonl | grep -o '"host":"[^"]*"' | sort | uniq -c | sort -n | tail
//! ```
//!
//! One host, many pages: it was hijacked, or its comments are flooded; `zhamen evidence show` has what was served.
//! Open an incident if the letter wants one ([`incident_drill`](super::incident_drill)). Many hosts, one rule: the rule is
//! too wide; set it to `mode = "shadow"` and look ([`rule_update`](super::rule_update)).
//!
//! # Locks
//!
//! Alerts `ZhamenPagesLocked`, `ZhamenSiteLocked`.
//!
//! Which, and why: `zhamen explain HOST/PATH`. A page unlocks itself when it is clean at the next look
//! (`locks.recheck`); owners unlock by themselves after a delay that grows; a person does it with
//! `zhamen ledger unlock`. A locked site is a decision, an incident's, or follows from its locked directories
//! (`ledger.locks.site_after`).
//!
//! # Not inspected
//!
//! Alert `ZhamenUninspected`.
//!
//! The reasons stand beside each other in the panel "Not read whole, by reason":
//!
//! | reason | look at |
//! | --- | --- |
//! | over_budget | `scan.max_decoded`, `scan.max_ratio`; who serves pages of that size as text? |
//! | decode_error | the origin's compression is broken; its pages fail in browsers, too |
//! | unknown_charset, unknown_coding | what no browser reads; `scan.on` can block it |
//! | memory | "Held bytes", below |
//! | engine_fault | "Panics", above |
//!
//! # Slow scans
//!
//! Alert `ZhamenScanSlow`.
//!
//! Which pages: `scan` within `seconds` in the access log. Very large pages cost in proportion; the verdict cache
//! saves what is asked for again (`scan.verdict_cache`). After a rule update: `zhamen rules diff` with the old
//! packs, and `zhamen rules lint` (regular expressions that confirm anything, phrases that are found everywhere).
//! Else: more cores, or another edge; see [`capacity`](super::capacity).
//!
//! # Held bytes
//!
//! Alert `ZhamenHeldBytes`.
//!
//! Responses wait for their verdict in memory, up to `limits.held` together. When it is used up holds end early:
//! what is found is cut instead of answered with 451. Slow origins hold longest (`scan.hold_time` bounds it). Raise
//! `limits.held` if the machine has the memory, else lower `scan.hold`.
//!
//! # The log has gaps
//!
//! Alerts `ZhamenEventsDropped`, `ZhamenLogErrors`.
//!
//! `zhamen_events_dropped_total`: the queue was full, the machine too busy; raise `limits.event_queue`.
//! `zhamen_log_errors_total`: the file could not be written. `df -h`, `ls -ld` of the directory; the operational log
//! says what the system said. Lines come back by themselves when there is room. Note the time of the gap: logs must
//! be kept six months, and somebody will ask.
//!
//! # The record falls behind
//!
//! Alerts `ZhamenRecordDropped`, `ZhamenStoreNotWritable`, `ZhamenEvidenceDropped`.
//!
//! `zhamen_store_writable` is 0: what was put last was not taken; findings wait in the spool below `store.dir` and
//! are entered by themselves as soon as the database takes them again.
//! What was found was stopped all the same, but did not get on the record: `store.queue` was full because the
//! disk is too slow, or full. `df -h` and `iostat` for the disk of `store.dir`; `store.when_full` set to `"protect"` refuses new
//! requests instead of losing findings. Then `zhamen evidence verify`: what is there must be whole.
//!
//! # A unit is suspended
//!
//! Alert `ZhamenUnitSuspended`.
//!
//! By which strikes: `zhamen ledger show --unit UNIT`. It is in force on every connection within a second. The customer
//! is told, and comes back with a rectification report, which is put on file. To reinstate is a person's
//! decision:
//!
//! ```text
//! zhamen report suspension --unit UNIT --kind virtual_host -o suspension.pdf
//! zhamen ledger rectify UNIT --id 2026-7 --problem '…' --measure '…' --signatory '…'
//! zhamen ledger reinstate UNIT --rectification 2026-7 --why '整改完成'
//! ```
//!
//! # An incident must be reported
//!
//! Alert `ZhamenIncidentDeadline`.
//!
//! `zhamen incident list` has the deadline, `zhamen incident show ID` what was done. Write and send the report:
//!
//! ```text
//! zhamen incident report ID --output report.pdf --text 'to whom, by which means'
//! ```
//!
//! That stops its clock. Is it not ready, a first report with what is known is better than a late one.

//! Logs: what is written where, how long it is kept, how it is shipped.
//!
//! **The access log** (`log.access`) is one JSON object a line; the fields stand in `deploy/logs/fields.tsv`
//! (installed: /usr/share/doc/zhamen/logs/fields.tsv), and a test holds real lines against it. **Operational messages** go to standard error, so into the journal under
//! systemd; `log.format` makes them JSON, too.
//!
//! # Rotation
//!
//! Rename the file: within a second Zhamen sees that it was moved and opens the name anew. SIGUSR1 does it at
//! once. `deploy/logs/logrotate`, which the package installs as /etc/logrotate.d/zhamen for
//! /var/log/zhamen/access.jsonl, keeps 190 days: the Cybersecurity Law (article 21)
//! asks for six months. Nothing is lost by a rotation (`logrotate_rotates_without_losing_a_line`).
//!
//! # Shipping
//!
//! `deploy/logs/vector.yaml` and `deploy/logs/fluent-bit.conf`, installed in /usr/share/doc/zhamen/logs, read both
//! logs. "-" for `log.access` sends it
//! to standard output: in containers, or into the journal, whose limits are then to be raised
//! (`deploy/logs/README.md`).
//!
//! # Addresses
//!
//! `log.client_address` keeps all of a visitor's address, its network, or nothing. It stands nowhere else: not in
//! the record, not in evidence.

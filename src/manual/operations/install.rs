//! Installing: package, units, containers.
//!
//! # The package
//!
//! On Debian 12 or Ubuntu 24.04:
//!
//! ```text
//! cargo install cargo-deb --locked
//! deploy/debian/build                    # target/deb/zhamen_0.1.0-1_amd64.deb
//! apt install ./target/deb/zhamen_0.1.0-1_amd64.deb
//! ```
//!
//! It brings the user `zhamen`, the units, completions, the manual pages zhamen(1) and zhamen.toml(5), the
//! shipped packs as configuration files in /etc/zhamen/rules, and starts nothing: edit
//! /etc/zhamen/zhamen.toml, put the registry into /etc/zhamen/sites.csv ([`excel`](super::excel)), then
//!
//! ```text
//! zhamen check
//! systemctl enable --now zhamen
//! zhamen health --ready                  # /readyz: 200
//! ```
//!
//! Where things are:
//!
//! | what | where |
//! | --- | --- |
//! | configuration, registry, rules, certificates | /etc/zhamen; nothing is written there |
//! | what stands as `${NAME}` in the configuration | /etc/default/zhamen |
//! | database, evidence, the key | /var/lib/zhamen |
//! | access log, rotated daily | /var/log/zhamen/access.jsonl |
//! | this manual, examples, alerts, dashboards, log shippers | /usr/share/doc/zhamen; `zhamen manual` prints it, too |
//! | the schema of zhamen.toml, the drop-in for sockets, kernel settings | /usr/share/zhamen |
//!
//! Every command takes the configuration from `--config`, else from `$ZHAMEN_CONFIG`, else ./zhamen.toml, else
//! /etc/zhamen/zhamen.toml. Removing the package keeps configuration and record; purging takes the
//! configuration and the logs, but never /var/lib/zhamen: the record is kept until somebody removes it by hand.
//!
//! # Secrets
//!
//! `token = "${ZHAMEN_REGISTRY_TOKEN}"` in zhamen.toml takes the value from the environment. The unit reads it
//! from /etc/default/zhamen; at a prompt it has to be read, too:
//!
//! ```text
//! install -m 600 /dev/null /etc/default/zhamen
//! echo 'ZHAMEN_REGISTRY_TOKEN=…' >> /etc/default/zhamen
//! (set -a; . /etc/default/zhamen; zhamen check)
//! ```
//!
//! # What keeps it from starting
//!
//! A broken zhamen.toml, a rule pack with an error (one is enough), a port that is taken, a directory for log or
//! record that is not there, a list of certificates of which none can be used: `zhamen check` names each, with
//! line and column, and `journalctl -u zhamen` has it, too. A broken registry does not: the last known good one,
//! from the record, is in force instead. Rules have no such last good copy: a pack that breaks while Zhamen runs
//! changes nothing, but the next start fails. So lint them before they are put in place
//! ([`rule_update`](super::rule_update)), and look at the alert "A reload fails" the same day.
//!
//! # Ports held by systemd
//!
//! With `zhamen.socket` (and `zhamen-https.socket`, where `listen.https` is set) systemd holds the ports, a
//! restart refuses no connection, and Zhamen needs no privilege at all. In this order: a Zhamen that runs holds
//! the ports itself, and systemd opens no socket beside it.
//!
//! ```text
//! systemctl stop zhamen
//! install -D -m 644 /usr/share/zhamen/zhamen-activated.conf /etc/systemd/system/zhamen.service.d/activated.conf
//! systemctl daemon-reload
//! systemctl enable --now zhamen.socket zhamen-https.socket
//! systemctl enable --now zhamen
//! ```
//!
//! The sockets listen on `[::]:80` and `[::]:443`: other addresses want `systemctl edit zhamen.socket`, and the
//! same in zhamen.toml. How a running one is replaced by another version without a request lost, and what it
//! gives up after it has bound its ports: [`limits`](crate::manual::limits).
//!
//! # Tuning the kernel
//!
//! For ten thousand connections a core, each setting with its reason in the file:
//!
//! ```text
//! install -m 644 /usr/share/zhamen/60-zhamen-sysctl.conf /etc/sysctl.d/60-zhamen.conf
//! sysctl --system
//! ```
//!
//! # Three sizes
//!
//! /usr/share/doc/zhamen/examples has a zhamen.toml for one server, for one datacenter's edge and for many
//! edges, with the package's paths: copy one over /etc/zhamen/zhamen.toml and put in your names. A test loads
//! each.
//!
//! # Containers
//!
//! `deploy/container/Containerfile` builds an image without a shell, for a user without a name;
//! `deploy/kubernetes` is a kustomize base. What of it was not run by us stands in `deploy/README.md`.
//!
//! # Watching
//!
//! /usr/share/doc/zhamen/prometheus (scrape configuration, recording rules, alerts; in the sources
//! `deploy/prometheus`) and /usr/share/doc/zhamen/grafana (three dashboards, with a picture of each) ask for the
//! job `zhamen`. What each alert wants of you: `zhamen manual runbook ZhamenDown`, or [`runbook`](super::runbook).

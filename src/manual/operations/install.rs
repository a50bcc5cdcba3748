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
//! zhamen check --config /etc/zhamen/zhamen.toml
//! systemctl enable --now zhamen
//! ```
//!
//! Removing it keeps configuration and record; purging takes the configuration and the logs, but never
//! /var/lib/zhamen: the record is kept until somebody removes it by hand.
//!
//! # Ports held by systemd
//!
//! With `zhamen.socket` (and `zhamen-https.socket`) systemd holds the ports, a restart refuses no
//! connection, and Zhamen needs no privilege at all:
//!
//! ```text
//! install -D -m 644 /usr/share/zhamen/zhamen-activated.conf /etc/systemd/system/zhamen.service.d/activated.conf
//! systemctl daemon-reload
//! systemctl enable --now zhamen.socket zhamen-https.socket
//! systemctl enable --now zhamen
//! ```
//!
//! How a running one is replaced by another version without a request lost, and what it gives up after it
//! has bound its ports: [`limits`](crate::manual::limits).
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
//! edges; a test loads each.
//!
//! # Containers
//!
//! `deploy/container/Containerfile` builds an image without a shell, for a user without a name;
//! `deploy/kubernetes` is a kustomize base. What of it was not run by us stands in `deploy/README.md`.
//!
//! # Watching
//!
//! `deploy/prometheus` (scrape configuration, recording rules, alerts) and `deploy/grafana` (three
//! dashboards) ask for the job `zhamen`. What each alert wants of you: [`runbook`](super::runbook).

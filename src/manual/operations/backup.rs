//! Backup and restore, and upgrades.
//!
//! # Backup
//!
//! Database, evidence, spool and keys, consistent, while it runs. Every night, to another machine:
//!
//! ```sh
//! zhamen store backup backup-1
//! # → backup-1
//! ```
//!
//! # Restore
//!
//! The record is never overwritten: it is put where there is none, while nothing runs. The drill, on
//! this machine, in another directory:
//!
//! ```sh
//! mkdir -p restored && cp zhamen.toml restored/
//! zhamen store restore backup-1 --config restored/zhamen.toml
//! zhamen evidence verify --config restored/zhamen.toml
//! # → records
//! ```
//!
//! # Upgrade
//!
//! With the package: `apt install ./zhamen_….deb`. It keeps the configuration, checks it with the new
//! version, and if it is accepted the running process starts the new binary and hands its sockets over
//! (SIGUSR2, `zhamen run --upgrade`): no request is lost. A database of an older version is migrated at
//! the start. The way back is the older package and the backup: a migrated database is
//! not read by an older version, which says so and does not start.
//!
//! What was running, before and after:
//!
//! ```sh
//! curl -s http://127.0.0.1:9900/metrics | grep zhamen_build_info
//! # → version=
//! ```

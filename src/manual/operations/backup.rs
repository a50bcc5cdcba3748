//! Backup and restore, and upgrades.
//!
//! # Backup
//!
//! Database, evidence, spool and keys, consistent, while it runs, into a directory that is empty or not there
//! yet. What is no part of the record is copied beside it: zhamen.toml, the registry's file, rules, and
//! certificates where there are any.
//!
//! ```sh
//! day=$(date +%F)
//! zhamen store backup backup-$day
//! # → is copied to backup-
//! tar -czf backup-$day/etc.tar.gz zhamen.toml sites.csv rules
//! ls backup-$day
//! # → etc.tar.gz
//! # → evidence
//! # → zhamen.db
//! ```
//!
//! Every night on an installed edge, kept for two weeks, and brought to another machine: a disk that dies takes
//! both with it otherwise. Put your machine in the place of `backup.example.cn`; the user `zhamen` needs an ssh
//! key that it is let in with.
//!
//! ```text
//! install -d -m 700 -o zhamen -g zhamen /var/backups/zhamen
//! cat > /etc/cron.d/zhamen-backup <<'END'
//! PATH=/usr/sbin:/usr/bin:/sbin:/bin
//! 30 3 * * * zhamen umask 077; to=/var/backups/zhamen/$(date +\%F); zhamen store backup $to && tar -C /etc -czf $to/etc.tar.gz zhamen
//! 45 3 * * * zhamen rsync -a /var/backups/zhamen/ backup.example.cn:zhamen-$(hostname)/
//! 0 4 * * * zhamen find /var/backups/zhamen -mindepth 1 -maxdepth 1 -mtime +14 -exec rm -r {} +
//! END
//! ```
//!
//! The copy holds the signing key: keep it as safe as the original. /etc/default/zhamen holds secrets, is read by
//! root alone, and is not in it.
//!
//! # Restore
//!
//! The record is never overwritten: it is put where there is none, while nothing runs. The backup is looked at
//! before anything is copied; a damaged file is named, and what was copied is removed again. The drill, on this
//! machine, in another directory:
//!
//! ```sh
//! mkdir -p restored && tar -C restored -xzf backup-$day/etc.tar.gz
//! zhamen store restore backup-$day --config restored/zhamen.toml
//! # → is restored
//! zhamen evidence verify --config restored/zhamen.toml
//! # → Everything is as it was written
//! ```
//!
//! In earnest, on an edge with the package, as the user that the record belongs to:
//!
//! ```text
//! systemctl stop zhamen zhamen.socket zhamen-https.socket
//! tar -C /etc -xzf /var/backups/zhamen/2026-11-22/etc.tar.gz
//! mv /var/lib/zhamen /var/lib/zhamen.before
//! install -d -m 750 -o zhamen -g zhamen /var/lib/zhamen
//! runuser -u zhamen -- zhamen store restore /var/backups/zhamen/2026-11-22
//! runuser -u zhamen -- zhamen evidence verify
//! systemctl start zhamen
//! ```
//!
//! What was found since the backup is in /var/lib/zhamen.before: keep it. `zhamen store restore` says so where
//! the backup's database cannot be read: take the one of the day before.
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

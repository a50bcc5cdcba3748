//! Where the record is, what makes it hold up, and how an outsider checks it.
//!
//! # What is kept where
//!
//! | what | where |
//! | --- | --- |
//! | the record: findings, notices, reviews, locks, suspensions, incidents, every change and every view | the database (`store.url`), table `entry` |
//! | what can be computed again from it: findings as they stand | the database, table `finding` |
//! | tokens, webhooks, answers by idempotency key, unfiled hosts, rows of the registry | the database |
//! | what was served when something was found | `store.dir`: `00000001.seg`, … |
//! | what was seen and is not in the database yet | `store.dir`/`spool` |
//! | signed heads of both chains | the database, table `head`, and `store.dir`/`heads.log` |
//! | the key that signs, and its public half | `store.dir`/`signing.key` (mode 0600), `public.pem` |
//!
//! The database is SQLite with a write-ahead log and `synchronous = FULL`: what a call returned for is on
//! disk. Everything goes through traits by entity ([`crate::store::Entries`] and its neighbours), so that
//! another database can follow. The command line opens the same files while the server runs.
//!
//! # From the response to the record
//!
//! A finding goes up through a bounded queue; the data plane waits for nothing. The recorder puts it in the
//! [spool](crate::store::Spool), where it is on disk, then the response in
//! [evidence](crate::store::Evidence), then the finding on the record. How far the spool has been taken in is
//! stored in the same transaction as what was taken in: after a crash nothing is missing, and nothing is
//! there twice. What was torn is cut off (in evidence: set aside as `.torn`), because nobody was told that
//! it is there.
//!
//! A finding that is seen again is counted, not recorded again; what was served is kept again after
//! `store.again`. A body is kept up to `store.body`; the head is kept without `Set-Cookie`, and nothing of
//! who asked is kept at all.
//!
//! # The chain
//!
//! Each entry is a line of JSON, `{"seq":…,"recorded":"…","by":"…","fact":{…}}`. Its SHA-256 is the CONTENT
//! of a link, which is a line, too: `PREV SEQ CONTENT`. PREV is the SHA-256 of the link before. So a link can
//! be shown, and the chain followed, without showing what is linked. Evidence has a chain of its own, made
//! the same way. Every minute or 1,000 entries, and at the end of a segment, the ends of the chains are signed
//! with Ed25519. Triggers keep the database from changing or deleting entries; times of recording never fall,
//! even where the clock is set back.
//!
//! `zhamen evidence verify` walks all of it and names what was altered, taken out, put in or moved. What it
//! cannot see: entries behind the last signed head that somebody cuts off before a minute is over, together
//! with their evidence; and anything done by somebody who has the signing key and everything else on the
//! machine. Against the latter, give the public key (`zhamen evidence key`) and a signed head now and then to
//! somebody else: a copy of `heads.log` is enough.
//!
//! # For an outsider
//!
//! `zhamen evidence export --from 2026-03-01 --to 2026-04-01 OUT.tar`, with `--unit` or `--incident` for a part.
//! In the tar are the entries, a link for every entry of the range (also of those that are left out), the
//! evidence with the bodies as served, signed heads, the public key, and `verify.sh`, which needs `sha256sum`
//! and `openssl` and not Zhamen. It says whether anything was altered, and prints the SHA-256 of the key, to
//! be compared with the one that was given away before.
//!
//! # Starting
//!
//! What the ledger is computed from is read at the start of every process, commands as well. Findings that
//! nobody reviewed or withdrew are left out unless bare ones are strikes: there may be millions of them. They
//! are recalled when a fact names them. Where another process wrote between a check and an entry, both are
//! done again, so that of two commands that do not go together one is refused.
//!
//! # Retention and legal hold
//!
//! Evidence goes after `store.retention` (180 days), in whole segments. A segment stays if it has anything of
//! a finding, site or unit of an open incident. That a segment goes is put on the record first; its links and
//! its seal stay, so that the chain can still be followed. Entries of the record never go.
//!
//! # When something breaks
//!
//! - **The disk is full**: requests are served on. What was found waits in the queue and is tried again every
//!   second; calls that put something on the record fail and say so. Nothing that was acknowledged is lost.
//! - **The database cannot be written**: it is opened for reading, and the log says so; what is on the record
//!   stays in force, requests are served on, calls that put something on the record are refused with 503,
//!   and what was found waits on disk until Zhamen starts with a database that it may write.
//!   `zhamen_store_writable` is 0 then, as it is whenever the last attempt failed.
//! - **The database is damaged**: up to 64 MiB it is read whole at start, and refused with what to do.
//! - **A newer Zhamen wrote it**: refused, with both versions.
//! - **The clock is set back**: recording goes on at the last entry's time until the clock has caught up.
//!
//! # Backup
//!
//! `zhamen store backup DIR` copies everything while Zhamen runs; `zhamen store restore DIR` puts it in the
//! place of a store that is not there. The copy has the signing key in it.

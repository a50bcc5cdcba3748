//! `zhamen ledger lock` and `unlock`.

use std::io::{self, Write};

use super::{EXIT_STATUS, Exit, PutArgs, host_and_path};
use crate::domain::record::{Fact, LockFact, LockScope, Unlock};

/// Lock a page, directory or site: in force when this returns.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct LockArgs {
    #[command(flatten)]
    put: PutArgs,
    /// HOST/PATH of a page, HOST/DIRECTORY/ or HOST/FILE of a directory or file, HOST of a site.
    address: String,
    /// What it is on; default: a site without path, a directory with a path that ends in /, else a page.
    #[arg(long, value_enum)]
    scope: Option<Scope>,
    /// Why.
    #[arg(long)]
    why: String,
}

/// Take a lock off: a page is read again when it is asked for next, and stays locked if it is not clean.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct UnlockArgs {
    #[command(flatten)]
    put: PutArgs,
    /// HOST/PATH of a page, HOST/DIRECTORY/ or HOST/FILE of a directory or file, HOST of a site.
    address: String,
    /// What the lock is on; default: a site without path, a directory with a path that ends in /, else a page.
    #[arg(long, value_enum)]
    scope: Option<Scope>,
    /// Why.
    #[arg(long, required_unless_present = "owner", default_value = "owner")]
    why: String,
    /// The owner asks for it: the page is read again at once, or after a delay that grows with what was
    /// found on the host in the last two days (`ledger.unlock_delays`).
    #[arg(long)]
    owner: bool,
}

pub(super) fn unlock(args: &UnlockArgs, out: &mut dyn Write) -> io::Result<Exit> {
    let (host, path) = host_and_path(&args.address);
    let scope = scope_of(args.scope, &path);
    let facts = |opened: &super::Opened| {
        let now = opened.now;
        let at = match (args.owner, scope) {
            (false, _) => now,
            (true, LockScope::Page) => opened.record.with_ledger(|ledger| ledger.owner_unlock_at(&host, now)),
            (true, LockScope::Directory | LockScope::Site) => {
                return Err("an owner takes locks off pages; a directory or site is unlocked by the operator".into());
            }
        };
        Ok(vec![Fact::Unlock(Unlock { host, path, scope, at, why: args.why.clone() })])
    };
    args.put.put(facts, out)
}

pub(super) fn lock(args: &LockArgs, out: &mut dyn Write) -> io::Result<Exit> {
    let (host, path) = host_and_path(&args.address);
    let scope = scope_of(args.scope, &path);
    let facts = |opened: &super::Opened| {
        if args.why.trim().is_empty() {
            return Err("say why: the reason stays on the record".into());
        }
        let (at, rules, why) = (opened.now, Vec::new(), args.why.clone());
        Ok(vec![Fact::Lock(LockFact { host, path, scope, at, rules, why })])
    };
    args.put.put(facts, out)
}

/// What is said, or what an address looks like.
fn scope_of(said: Option<Scope>, path: &str) -> LockScope {
    match said {
        Some(Scope::Page) => LockScope::Page,
        Some(Scope::Directory) => LockScope::Directory,
        Some(Scope::Site) => LockScope::Site,
        None if path.is_empty() => LockScope::Site,
        None if path.ends_with('/') && path != "/" => LockScope::Directory,
        None => LockScope::Page,
    }
}

/// What a lock is on.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Scope {
    /// One path and query.
    Page,
    /// Everything below a path, or every query of a file.
    Directory,
    /// The host.
    Site,
}

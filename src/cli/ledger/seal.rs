//! `zhamen ledger seal` and `zhamen ledger unseal`.

use std::io::{self, Write};

use super::{EXIT_STATUS, Exit, PutArgs};
use crate::domain::record::{Fact, Sealing, Unsealing};

/// Seal a server (封存, second letter, 11.2): nothing on it is served.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct SealArgs {
    #[command(flatten)]
    put: PutArgs,
    /// The server's address, as the registry has it.
    server_ip: String,
    /// Why.
    #[arg(long)]
    why: String,
}

/// Take the seal off a server.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct UnsealArgs {
    #[command(flatten)]
    put: PutArgs,
    /// The server's address.
    server_ip: String,
    /// Why.
    #[arg(long)]
    why: String,
}

pub(super) fn seal(args: &SealArgs, out: &mut dyn Write) -> io::Result<Exit> {
    let (server_ip, why) = (args.server_ip.clone(), args.why.clone());
    args.put.put(|opened| Ok(vec![Fact::Sealing(Sealing { server_ip, at: opened.now, why })]), out)
}

pub(super) fn unseal(args: &UnsealArgs, out: &mut dyn Write) -> io::Result<Exit> {
    let (server_ip, why) = (args.server_ip.clone(), args.why.clone());
    args.put.put(|opened| Ok(vec![Fact::Unsealing(Unsealing { server_ip, at: opened.now, why })]), out)
}

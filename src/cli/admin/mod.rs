//! `zhamen admin`: the admin API from the command line: who may use it, and all that it does.

mod call;
mod token;

use std::io::{self, Write};

use super::Exit;

/// The admin API: tokens, and everything that it does, by hand.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Call(call::Args),
    Routes(call::RoutesArgs),
    #[command(subcommand)]
    Token(token::Command),
}

pub(super) fn run(command: &Command, out: &mut dyn Write) -> io::Result<Exit> {
    match command {
        Command::Call(args) => call::run(args, out),
        Command::Routes(args) => call::routes(args, out),
        Command::Token(command) => token::run(command, out),
    }
}

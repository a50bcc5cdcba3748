//! `zhamen admin token`: who may use the admin API. Works on the store directly, so that it needs no token
//! itself: whoever may write the database decides.

use std::{
    io::{self, Write},
    sync::Arc,
};

use serde_json::json;

use crate::{
    base::{Clock, Date, Problem, Timestamp},
    cli::{Exit, place::Place, problems, table::Table},
    control_plane::{PutError, Record, Role, SystemClock, TokenError, create_token, revoke_token},
    domain::standing::Ledger,
    store::{Sqlite, Token},
};

/// Tokens of the admin API: make, list, revoke.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    Create(CreateArgs),
    List(ListArgs),
    Revoke(RevokeArgs),
}

/// Make a token and print it: it is not shown again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  made\n  1  the name is taken or cannot be used\n  2  an error")]
pub(in crate::cli) struct CreateArgs {
    /// Its name, which stands on the record as the author of what it does.
    name: String,
    /// What it may do: operator | reviewer | rules | inspector | metrics.
    #[arg(long, value_parser = role)]
    role: Role,
    /// The last day on which it opens something: YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    expires: Option<Date>,
    #[command(flatten)]
    place: Place,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// List all tokens, without their secrets.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  listed\n  2  an error")]
pub(in crate::cli) struct ListArgs {
    #[command(flatten)]
    place: Place,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Revoke a token: from now on it opens nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  revoked\n  1  there is no such token in force\n  2  an error")]
pub(in crate::cli) struct RevokeArgs {
    /// Its name.
    name: String,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(command: &Command, out: &mut dyn Write) -> io::Result<Exit> {
    let place = match command {
        Command::Create(args) => &args.place,
        Command::List(args) => &args.place,
        Command::Revoke(args) => &args.place,
    };
    let record = match open(place) {
        Ok(record) => record,
        Err(found) => return problems::give_up(&found),
    };
    match command {
        Command::Create(args) => create(args, &record, out),
        Command::List(args) => list(args, &record, out),
        Command::Revoke(args) => revoke(args, &record, out),
    }
}

fn create(args: &CreateArgs, record: &Record, out: &mut dyn Write) -> io::Result<Exit> {
    // The day is its last: it ends with the next one's beginning.
    let expires = args.expires.map(|day| Timestamp::local_midnight(Date::from_days(day.days() + 1)));
    let now = SystemClock.now();
    if expires.is_some_and(|expires| expires <= now) {
        return no("that day is over: the token would open nothing");
    }
    let is_first = record.store().tokens().is_ok_and(|tokens| tokens.is_empty());
    match create_token(record, &author(), &args.name, args.role, expires, now) {
        Ok(token) if args.json => {
            let role = args.role.as_str();
            writeln!(out, "{}", json!({"name": args.name, "role": role, "expires": expires, "token": token}))?;
            Ok(Exit::Ok)
        }
        Ok(token) => {
            writeln!(out, "{token}")?;
            writeln!(io::stderr(), "Keep it: it is not shown again. Send it as `Authorization: Bearer {token}`.")?;
            if is_first {
                let note = "This is the first token: from now on /metrics wants one, too. For Prometheus: `zhamen admin \
                            token create prometheus --role metrics`.";
                writeln!(io::stderr(), "{note}")?;
            }
            Ok(Exit::Ok)
        }
        Err(TokenError::Name(why)) => no(&why),
        Err(TokenError::Put(error)) => broken(&error),
    }
}

fn list(args: &ListArgs, record: &Record, out: &mut dyn Write) -> io::Result<Exit> {
    let tokens = match record.store().tokens() {
        Ok(tokens) => tokens,
        Err(error) => return broken(&PutError::Store(error)),
    };
    if args.json {
        for Token { name, role, created, expires, revoked, hash: _ } in tokens {
            let line = json!({"name": name, "role": role, "created": created, "expires": expires, "revoked": revoked});
            writeln!(out, "{line}")?;
        }
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(["name", "role", "created", "expires", "revoked"]);
    let shown = |at: Option<Timestamp>| at.map_or_else(String::new, Timestamp::to_local);
    for token in tokens {
        table.row([token.name, token.role, token.created.to_local(), shown(token.expires), shown(token.revoked)]);
    }
    table.write(out)?;
    Ok(Exit::Ok)
}

fn revoke(args: &RevokeArgs, record: &Record, out: &mut dyn Write) -> io::Result<Exit> {
    match revoke_token(record, &author(), &args.name, SystemClock.now()) {
        Ok(true) => {
            writeln!(out, "Revoked: {}", args.name)?;
            Ok(Exit::Ok)
        }
        Ok(false) => no(&format!("there is no token {:?} in force; `zhamen admin token list` lists all", args.name)),
        Err(error) => broken(&error),
    }
}

fn open(place: &Place) -> Result<Record, Vec<Problem>> {
    let config = place.config()?;
    let failed = |error: crate::store::StoreError| {
        vec![Problem::error(&config.store.database.display().to_string(), 0, 0, error.to_string())]
    };
    let store = Sqlite::open(&config.store.database).map_err(failed)?;
    Record::open(Arc::new(store), Ledger::new(config.ledger.clone()), None, None, Arc::new(SystemClock)).map_err(failed)
}

/// Who puts something on the record from here.
fn author() -> String {
    let user = std::env::var("USER").ok().filter(|user| !user.is_empty());
    user.map_or_else(|| "command line".to_owned(), |user| format!("command line ({user})"))
}

fn role(word: &str) -> Result<Role, String> {
    let known = || Role::ALL.map(Role::as_str).join(", ");
    Role::named(word).ok_or_else(|| format!("{word:?} is no role; there are {}", known()))
}

fn no(why: &str) -> io::Result<Exit> {
    writeln!(io::stderr(), "zhamen: {why}")?;
    Ok(Exit::No)
}

fn broken(error: &PutError) -> io::Result<Exit> {
    writeln!(io::stderr(), "zhamen: {error}")?;
    Ok(Exit::Error)
}

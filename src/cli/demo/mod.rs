//! `zhamen demo`: the whole house on one machine. Origins on loopback, the proxy in front of them,
//! the shipped rules and a registry in a directory of its own; then either suggestions to paste and
//! a line for each request, or (`--check`) every suggestion tried and compared.
//!
//! The proxy is started by the code that `run` uses. What is special here stands outside of it.

mod cases;
mod check;
mod client;
mod house;
mod live;
mod origins;
mod packs;
mod pages;
mod sites;

use std::{
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    time::Instant,
};

use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
};

use self::{cases::CASES, check::Bench, house::House, origins::Origins};
use super::{Exit, problems, table::Table};
use crate::{app, app::App, data_plane::Listeners, telemetry};

/// Where the demonstration listens if it may.
const PORT: u16 = 8080;
/// Where its admin listener listens if it may.
const ADMIN_PORT: u16 = 9900;
/// How many ports after these are tried.
const PORTS_TRIED: u16 = 100;

/// See everything work: origins, proxy, rules and registry on this machine, and what to try.
///
/// Nothing outside of a temporary directory is written; Ctrl-C ends it and removes the directory.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  ended by Ctrl-C; with --check: all is as expected\n  \
                        1  with --check: something differs\n  \
                        2  could not start: an address, the temporary directory")]
pub(super) struct Args {
    /// Try everything and print a table of what happened, instead of waiting for visitors.
    #[arg(long)]
    check: bool,
    /// Listen on this port. Default: 8080 or the next one that is free; with --check, any.
    #[arg(long, value_name = "N")]
    port: Option<u16>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let exit = runtime.block_on(demonstrate(args, out));
    runtime.shutdown_background();
    exit
}

async fn demonstrate(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    // From here on a signal does not leave the directory behind.
    let signals = Signals::listen()?;
    let (proxy, admin) = match (args.port, args.check) {
        (Some(port), false) => (loopback(port), free(ADMIN_PORT)?),
        (None, false) => (free(PORT)?, free(ADMIN_PORT)?),
        (port, true) => (loopback(port.unwrap_or(0)), loopback(0)),
    };
    let origins = Origins::start().await?;
    let house = House::furnish(proxy, admin, &sites::registry(|site| origins.address(site)))?;
    let start = match app::load(&house.configuration()) {
        Ok(start) => start,
        Err(found) => return problems::give_up(&found),
    };
    if !args.check {
        telemetry::init_operational_log(start.config.log.level, start.config.log.format);
    }
    let app = match App::start(start, (!args.check).then(live::observer)) {
        Ok(app) => app,
        Err(found) => return problems::give_up(&found),
    };
    let proxy = app.http_addresses().first().copied().unwrap_or(proxy);
    let admin = app.admin_address().unwrap_or(admin);
    let ended = if args.check {
        let bench = Bench { proxy, admin, origins: &origins, house: &house };
        tokio::select! {
            ended = try_everything(&bench, out) => ended,
            () = signals.wait(&app) => Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted")),
        }
    } else {
        match invite(args.port.unwrap_or(PORT), proxy, admin, &house, out) {
            Ok(()) => {
                signals.wait(&app).await;
                Ok(Exit::Ok)
            }
            Err(error) => Err(error),
        }
    };
    tokio::task::spawn_blocking(move || app.stop(Listeners::Closing)).await?;
    ended
}

/// Tries each case and prints the table.
async fn try_everything(bench: &Bench<'_>, out: &mut dyn Write) -> io::Result<Exit> {
    let started = Instant::now();
    let mut table = Table::new(["case", "expected", "got", "ms", "ok"]);
    let mut failed = 0;
    for case in &CASES {
        let tried = bench.try_out(case).await;
        let as_expected = tried.got == case.expect;
        failed += usize::from(!as_expected);
        let ok = if as_expected { "ok" } else { "NO" };
        let millis = tried.took.as_millis().to_string();
        table.row([case.what.into(), case.expect.into(), tried.got, millis, ok.into()]);
    }
    table.write(out)?;
    let seconds = started.elapsed().as_secs_f64();
    writeln!(out, "\n{} cases, {failed} not as expected, {seconds:.1} s", CASES.len())?;
    Ok(if failed == 0 { Exit::Ok } else { Exit::No })
}

/// Prints where everything is, and what to try. `wanted` is the port that the proxy would have had.
fn invite(wanted: u16, proxy: SocketAddr, admin: SocketAddr, house: &House, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "闸门 · a demonstration. Ctrl-C ends it.\n")?;
    let mut places = Table::new(["what", "where", ""]);
    let taken = |wanted: u16, got: SocketAddr| match wanted == got.port() {
        true => String::new(),
        false => format!("port {wanted} is taken"),
    };
    places.row(["proxy".into(), format!("http://{proxy}"), taken(wanted, proxy)]);
    places.row(["metrics".into(), format!("http://{admin}/metrics"), taken(ADMIN_PORT, admin)]);
    places.row(["configuration".into(), house.configuration().display().to_string(), "watched".into()]);
    places.row(["registry".into(), house.registry().display().to_string(), "watched".into()]);
    places.row(["rules".into(), house.rules().display().to_string(), "watched".into()]);
    places.row(["access log".into(), house.access_log().display().to_string(), "one JSON object a line".into()]);
    places.write(out)?;

    writeln!(out, "\nTo try, in another terminal (or in a browser: http://{}:{}/):\n", sites::TEAHOUSE, proxy.port())?;
    let mut suggestions = Table::new(["what", "expect", "command"]);
    for case in &CASES {
        if let Some(command) = case.command(proxy) {
            suggestions.row([case.what.into(), case.expect.into(), command]);
        }
    }
    suggestions.write(out)?;

    writeln!(out, "\nTo change while it runs; a second later it is in force:\n")?;
    let mut changes = Table::new(["expect", "command"]);
    for (command, expect) in cases::changes(proxy, house) {
        changes.row([expect, command]);
    }
    changes.write(out)?;
    writeln!(out, "\n{}", live::HEAD)?;
    out.flush()
}

/// The signals that a person sends.
struct Signals {
    hang_up: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the signal to end; reloads on SIGHUP, as `run` does.
    async fn wait(mut self, app: &App) {
        loop {
            tokio::select! {
                _ = self.hang_up.recv() => app.reload(),
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
            }
        }
    }
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// The first free port from `first` on; it may be taken by another before it is used.
fn free(first: u16) -> io::Result<SocketAddr> {
    let mut ports = (first..first.saturating_add(PORTS_TRIED)).map(loopback);
    ports.find(|address| TcpListener::bind(address).is_ok()).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::AddrInUse,
            format!("ports {first} to {} are taken", first.saturating_add(PORTS_TRIED) - 1),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_as_expected() {
        let mut table = Vec::new();
        let exit = run(&Args { check: true, port: None }, &mut table).unwrap();
        assert_eq!(exit, Exit::Ok, "{}", String::from_utf8_lossy(&table));
    }

    #[test]
    fn a_taken_port_is_passed_over() {
        let taken = TcpListener::bind(loopback(0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_ne!(free(port).map(|address| address.port()).ok(), Some(port));
    }
}

//! Zhamen beside nginx and HAProxy, as proxies only: CPU per request over HTTP/1.1, TLS and HTTP/2, CPU
//! per full handshake, memory per idle connection.
//!
//! `cargo bench --bench peers -- --rounds 5 --seconds 2 --record` installs Debian's nginx-light and haproxy
//! where they are missing and it may. One worker each, one origin (nginx, static pages), 64 keep-alive
//! connections from this process (HTTP/2: 16 connections of 4 streams), rounds interleaved; the CPU is user
//! and system time of the proxy's process tree. Zhamen runs its gate and its metrics, and scans nothing.
//! `--only TEXT` measures the cases whose names have it. Only the ratios of one run mean anything, and they are taken round by round. Without `--bench` it only
//! smokes, and skips what is not installed.

#[path = "../support/mod.rs"]
mod support;

mod client;
mod servers;

use std::{fmt::Write as _, path::Path, time::Duration};

use client::Client;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use servers::{Peer, Server};
use support::{
    clock::median,
    cpu_micros, nginx,
    record::{Conditions, machine, verdict},
    resident_kib,
    texts::Writer,
};

/// What a peer is asked to do, and what Zhamen may cost by whom.
struct Case {
    name: &'static str,
    client: Client,
    /// Ratio to this peer, at most.
    targets: &'static [(Peer, f64)],
}

const CASES: [Case; 7] = [
    Case { name: "1 KiB, HTTP/1.1", client: Client::Plain("/1.html"), targets: &[(Peer::Nginx, 1.0)] },
    Case { name: "16 KiB, HTTP/1.1", client: Client::Plain("/16.html"), targets: &[(Peer::Nginx, 0.9)] },
    Case { name: "100 KiB, HTTP/1.1", client: Client::Plain("/100.html"), targets: &[(Peer::Nginx, 1.0)] },
    Case { name: "1 MiB, HTTP/1.1", client: Client::Plain("/1024.html"), targets: &[(Peer::Nginx, 1.2)] },
    Case { name: "16 KiB, HTTP/1.1 over TLS", client: Client::Tls("/16.html"), targets: &[(Peer::Nginx, 0.8)] },
    Case { name: "16 KiB, HTTP/2 over TLS", client: Client::Http2("/16.html"), targets: &[(Peer::HaProxy, 0.9)] },
    Case { name: "full handshake, TLS 1.3", client: Client::Handshake, targets: &[(Peer::Nginx, 0.55)] },
];

/// Idle connections, and the KiB of each that the issue allows.
const IDLE: usize = 10_000;
const IDLE_KIB_MAX: f64 = 8.0;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let smoke = !arguments.iter().any(|argument| argument == "--bench");
    let value = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let number = |name: &str, normal: f64| value(name).map_or(normal, |text| text.parse().expect("a number"));
    let only = value("--only").map_or("", String::as_str);
    let (rounds, seconds) = if smoke { (1, 0.1) } else { (number("--rounds", 5.0) as usize, number("--seconds", 2.0)) };
    if !smoke {
        servers::install();
    }
    // Ten thousand connections are as many descriptors, here and in the proxies, which inherit the limit.
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
    if !nginx::is_installed() {
        println!("skipped: nginx is not there (Debian: apt-get install nginx-light)");
        return;
    }
    let before = Conditions::now();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let writer = Writer::new();
    std::fs::create_dir_all(folder.path().join("www")).expect("www");
    for kib in [1, 16, 100, 1024] {
        std::fs::write(folder.path().join(format!("www/{kib}.html")), writer.page(kib << 10)).expect("a page");
    }
    let origin_port = support::free_port();
    let _origin = nginx::origin(folder.path(), origin_port);
    let identity = servers::Identity::new(folder.path());
    let peers = servers::start(folder.path(), origin_port, &identity);
    // CPU µs a request: for each peer, for each case, a list of rounds.
    let mut micros = vec![vec![Vec::new(); CASES.len()]; peers.len()];
    let time = Duration::from_secs_f64(seconds);
    for _ in 0..rounds {
        for (at, case) in CASES.iter().enumerate().filter(|(_, case)| case.name.contains(only)) {
            for (peer, micros) in peers.iter().zip(&mut micros) {
                let before = cpu_micros(peer.id());
                let done = client::load(peer, case.client, &identity, time);
                micros[at].push((cpu_micros(peer.id()) - before) as f64 / done.max(1) as f64);
            }
        }
    }
    let connections = if smoke { 64 } else { IDLE.min(servers::connections_max().saturating_sub(100)) };
    let idle: Vec<f64> = peers.iter().map(|peer| idle_kib(peer, connections)).collect();
    let options: Vec<&str> = arguments.iter().map(String::as_str).filter(|argument| *argument != "--bench").collect();
    let report = report(&peers, &micros, &idle, &before, &options.join(" "));
    println!("{report}");
    if arguments.iter().any(|argument| argument == "--record") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("benches/record/peers-{}.md", before.date));
        std::fs::write(&path, report).expect("the record");
        println!("written: benches/record/peers-{}.md", before.date);
    }
}

/// KiB of resident memory that a connection costs which has carried one request and waits for another.
fn idle_kib(server: &Server, connections: usize) -> f64 {
    let before = server.resident_kib();
    let open = client::idle(server, connections);
    std::thread::sleep(Duration::from_millis(500));
    let kib = server.resident_kib().saturating_sub(before) as f64 / open.len().max(1) as f64;
    drop(open);
    kib
}

impl Server {
    fn resident_kib(&self) -> u64 {
        let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.id())).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|child| child.parse().ok());
        children.chain([self.id()]).map(resident_kib).sum()
    }
}

fn report(peers: &[Server], micros: &[Vec<Vec<f64>>], idle: &[f64], before: &Conditions, options: &str) -> String {
    let mut out = format!(
        "# Zhamen beside other proxies, CPU µs a request, {}\n\n- Machine: {}\n- Command: `cargo bench --bench peers -- {options}`\n\
         - Load of the machine before: {}\n\nOne worker each; medians of interleaved rounds, in brackets the ratio to \
         nginx round by round.\n\n",
        before.date,
        machine(),
        before.load
    );
    let of = |kind: Peer| peers.iter().position(|peer| peer.kind == kind);
    let names: Vec<&str> = peers.iter().map(|peer| peer.kind.name()).collect();
    let _ = writeln!(out, "| | {} |\n| --- |{}", names.join(" | "), " --- |".repeat(names.len()));
    for (at, case) in CASES.iter().enumerate() {
        let nginx = of(Peer::Nginx).map(|nginx| &micros[nginx][at]);
        let cells: Vec<String> = micros
            .iter()
            .map(|cases| match nginx.and_then(|nginx| by(&cases[at], nginx)) {
                Some(ratio) => format!("{:.1} ({ratio:.2})", median(&cases[at])),
                None => "–".into(),
            })
            .collect();
        let _ = writeln!(out, "| {} | {} |", case.name, cells.join(" | "));
    }
    let cells: Vec<String> = idle.iter().map(|kib| format!("{kib:.1}")).collect();
    let _ = writeln!(out, "| KiB an idle connection | {} |", cells.join(" | "));
    let _ = writeln!(out, "\n| | measured | at most | |\n| --- | --- | --- | --- |");
    let mut line = |what: &str, measured: f64, target: f64| {
        let met = verdict(measured <= target, measured / target - 1.0);
        let _ = writeln!(out, "| {what} | {measured:.2} | {target} | {met} |");
    };
    let Some(ours) = of(Peer::Zhamen) else { return out };
    for (at, case) in CASES.iter().enumerate() {
        for &(kind, target) in case.targets {
            if let Some(ratio) = of(kind).and_then(|other| by(&micros[ours][at], &micros[other][at])) {
                line(&format!("{}, by {}", case.name, kind.name()), ratio, target);
            }
        }
    }
    line("KiB an idle connection", idle[ours], IDLE_KIB_MAX);
    out
}

/// The median of the ratios of the rounds; `None` where one of them was not measured.
fn by(one: &[f64], other: &[f64]) -> Option<f64> {
    let pairs: Vec<f64> =
        one.iter().zip(other).filter(|(_, other)| **other > 0.0).map(|(one, other)| one / other).collect();
    (!pairs.is_empty() && one.iter().any(|micros| *micros > 0.0)).then(|| median(&pairs))
}

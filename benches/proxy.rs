//! Zhamen beside nginx, plain and with ModSecurity, in one run: CPU per request.
//!
//! `cargo bench --bench proxy -- --rounds 5 --seconds 2 --record` wants Debian's nginx-light, and for
//! the comparison with ModSecurity libnginx-mod-http-modsecurity. One worker each, one origin (nginx,
//! static Chinese pages of 16 and 100 KiB, plain and gzip'd), 64 keep-alive connections from this
//! process, rounds interleaved; the CPU is user + system time of the proxy's process tree. Only the
//! ratios of one run mean anything, and they are taken round by round. Without `--bench` it only smokes.

mod support;

use std::{fmt::Write as _, path::Path, time::Duration};

use bytes::Bytes;
use support::{
    Child,
    clock::{median, seconds_a_call},
    cpu_micros, free_port, gzip,
    judge::{Judge, LANES_DEFAULT, inflate, rule_set},
    load, nginx,
    record::{Conditions, machine, verdict},
    texts::Writer,
    wait_for, zhamen_config,
};

const HOST: &str = "bench.example.com";
const COUNTS: [usize; 3] = [1_000, 10_000, 100_000];
/// The list that everything has that is not measured with several.
const USUAL: usize = 10_000;

struct Peer {
    kind: Kind,
    child: Child,
    port: u16,
    /// CPU µs a request: a list of rounds for each page.
    micros: Vec<Vec<f64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Nginx,
    ModSecurity,
    Off,
    Cold(usize),
    Repeated,
}

impl Kind {
    fn name(self) -> String {
        match self {
            Self::Nginx => "nginx, plain proxy".into(),
            Self::ModSecurity => format!("nginx + ModSecurity @pmFromFile, {USUAL}"),
            Self::Off => "zhamen, scan off".into(),
            Self::Cold(count) => format!("zhamen, scan, no verdict remembered, {count}"),
            Self::Repeated => format!("zhamen, scan, repeated, {USUAL}"),
        }
    }
}

struct Page {
    name: &'static str,
    path: &'static str,
    kib: usize,
    zipped: bool,
}

const PAGES: [Page; 4] = [
    Page { name: "16 KiB", path: "/16.html", kib: 16, zipped: false },
    Page { name: "100 KiB", path: "/100.html", kib: 100, zipped: false },
    Page { name: "16 KiB gzip", path: "/gz/16.html", kib: 16, zipped: true },
    Page { name: "100 KiB gzip", path: "/gz/100.html", kib: 100, zipped: true },
];

/// What is measured in this process: µs of one judgement, a list of rounds for each page.
#[derive(Default)]
struct Alone {
    inflate: Vec<Vec<f64>>,
    cold: Vec<Vec<f64>>,
    repeated: Vec<Vec<f64>>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let smoke = !arguments.iter().any(|argument| argument == "--bench");
    let value = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let number = |name: &str, normal: f64| value(name).map_or(normal, |text| text.parse().expect("a number"));
    let (rounds, seconds) = if smoke { (1, 0.1) } else { (number("--rounds", 5.0) as usize, number("--seconds", 2.0)) };
    if !nginx::is_installed() {
        println!("skipped: nginx is not there (Debian: apt-get install nginx-light)");
        return;
    }
    let before = Conditions::now();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let writer = Writer::new();
    let bodies = serve(folder.path(), &writer);
    let origin_port = free_port();
    let _origin = nginx::origin(folder.path(), origin_port);
    let mut peers = start(folder.path(), origin_port, &writer, if smoke { &COUNTS[..1] } else { &COUNTS });
    for peer in &peers {
        for (page, body) in PAGES.iter().zip(&bodies) {
            let warm = load(peer.port, HOST, page.path, 4, Duration::from_millis(if smoke { 20 } else { 200 }));
            let whole = warm.requests > 0 && warm.body_bytes == warm.requests * body.len() as u64;
            assert!(whole, "{}, {}: {warm:?} of {} bytes", peer.kind.name(), page.name, body.len());
        }
    }
    let mut alone = Alone::default();
    let rules = rule_set(&writer.dictionary.phrases(USUAL), LANES_DEFAULT);
    let mut cold = Judge::new(rules.clone(), 0);
    let mut repeated = Judge::new(rules, 16);
    for list in [&mut alone.inflate, &mut alone.cold, &mut alone.repeated] {
        list.resize(PAGES.len(), Vec::new());
    }
    for _ in 0..rounds {
        for (at, (page, body)) in PAGES.iter().zip(&bodies).enumerate() {
            for peer in &mut peers {
                let before = cpu_micros(peer.child.id());
                let done = load(peer.port, HOST, page.path, 64, Duration::from_secs_f64(seconds));
                let spent = cpu_micros(peer.child.id()) - before;
                peer.micros[at].push(spent as f64 / done.requests.max(1) as f64);
            }
            if page.zipped {
                let at_least = Duration::from_secs_f64(seconds / 10.0);
                let html = Some("gzip");
                alone.inflate[at].push(
                    1e6 * seconds_a_call(at_least, || {
                        std::hint::black_box(inflate(body));
                    }),
                );
                alone.cold[at].push(1e6 * seconds_a_call(at_least, || drop(cold.judge(HTML, html, body))));
                alone.repeated[at].push(1e6 * seconds_a_call(at_least, || drop(repeated.judge(HTML, html, body))));
            }
        }
    }
    let options: Vec<&str> = arguments.iter().map(String::as_str).filter(|argument| *argument != "--bench").collect();
    let report = report(&peers, &alone, &before, &options.join(" "));
    println!("{report}");
    if arguments.iter().any(|argument| argument == "--record") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("benches/record/proxy-{}.md", before.date));
        std::fs::write(&path, report).expect("the record");
        println!("written: benches/record/proxy-{}.md", before.date);
    }
}

const HTML: &str = "text/html; charset=utf-8";

/// Writes the origin's files; the bodies as sent, page by page.
fn serve(folder: &Path, writer: &Writer) -> Vec<Bytes> {
    std::fs::create_dir_all(folder.join("www/gz")).expect("www");
    let write = |page: &Page| {
        let body = writer.page(page.kib << 10).into_bytes();
        let body = if page.zipped { gzip(&body) } else { body.into() };
        std::fs::write(folder.join("www").join(&page.path[1..]), &body).expect("a page");
        body
    };
    PAGES.iter().map(write).collect()
}

fn start(folder: &Path, origin: u16, writer: &Writer, counts: &[usize]) -> Vec<Peer> {
    let kinds = [Kind::Nginx, Kind::Off].into_iter().chain(counts.iter().map(|count| Kind::Cold(*count)));
    let kinds = kinds.chain([Kind::Repeated]).chain(nginx::has_modsecurity().then_some(Kind::ModSecurity));
    let launch = |kind: Kind| {
        let port = free_port();
        let zhamen = |count: usize, extra: &str| {
            let list = writer.dictionary.phrases(count);
            let config = zhamen_config(folder, &kind.name(), port, origin, HOST, &list, extra);
            Child::start(env!("CARGO_BIN_EXE_zhamen"), &["run", "--config", &config.display().to_string()])
        };
        let child = match kind {
            Kind::Nginx => nginx::proxy(folder, port, origin),
            Kind::ModSecurity => nginx::modsecurity(folder, port, origin, &writer.dictionary.phrases(USUAL)),
            Kind::Off => zhamen(1, "[scan]\nenabled = false\n"),
            Kind::Cold(count) => zhamen(count, "[scan]\nverdict_cache = 0\n"),
            Kind::Repeated => zhamen(USUAL, ""),
        };
        // One after the other, so that building the rules takes none of them too long.
        wait_for(port);
        Peer { kind, child, port, micros: vec![Vec::new(); PAGES.len()] }
    };
    kinds.map(launch).collect()
}

fn report(peers: &[Peer], alone: &Alone, before: &Conditions, options: &str) -> String {
    let mut out = format!(
        "# Zhamen beside nginx, CPU µs a request, {}\n\n- Machine: {}\n- Command: `cargo bench --bench proxy -- {options}`\n\
         - Load of the machine before: {}\n\n64 connections, one worker; medians of interleaved rounds, in brackets the \
         ratio to nginx round by round.\n\n",
        before.date,
        machine(),
        before.load
    );
    let rounds =
        |kind: Kind, page: usize| peers.iter().find(|peer| peer.kind == kind).map(|peer| &peer.micros[page][..]);
    let _ = writeln!(out, "| | {} |", PAGES.map(|page| page.name).join(" | "));
    let _ = writeln!(out, "| --- |{}", " --- |".repeat(PAGES.len()));
    for peer in peers {
        let cells: Vec<String> = (0..PAGES.len())
            .map(|page| {
                let ratio = by(&peer.micros[page], rounds(Kind::Nginx, page).unwrap_or_default());
                format!("{:.1} ({ratio:.2})", median(&peer.micros[page]))
            })
            .collect();
        let _ = writeln!(out, "| {} | {} |", peer.kind.name(), cells.join(" | "));
    }
    if !nginx::has_modsecurity() {
        out.push_str("\nModSecurity is not installed (Debian: apt-get install libnginx-mod-http-modsecurity).\n");
    }
    let _ = writeln!(out, "\n| ratio | measured | at most | |\n| --- | --- | --- | --- |");
    let mut line = |what: &str, ratio: Option<f64>, target: f64| {
        if let Some(ratio) = ratio {
            let met = verdict(ratio <= target, ratio / target - 1.0);
            let _ = writeln!(out, "| {what} | {ratio:.3} | {target} | {met} |");
        }
    };
    for (page, targets) in [(0, [1.4, 1.6, 1.9]), (1, [2.2, 3.0, 5.0])] {
        for (count, target) in COUNTS.into_iter().zip(targets) {
            let ratio = rounds(Kind::Cold(count), page).zip(rounds(Kind::Off, page)).map(|(on, off)| by(on, off));
            line(&format!("{}, {count} phrases: scan on by scan off", PAGES[page].name), ratio, target);
        }
    }
    for page in [2, 3] {
        for count in COUNTS {
            let ratio = apart(&rounds, alone, count, page);
            line(&format!("{}, {count} phrases: by pass + inflate + scan apart", PAGES[page].name), ratio, 1.15);
        }
        let ratio = by(&alone.repeated[page], &alone.cold[page]);
        line(
            &format!("{}, {USUAL} phrases: a repeated judgement by a cold one, engine alone", PAGES[page].name),
            Some(ratio),
            0.1,
        );
    }
    let ratio = rounds(Kind::Cold(USUAL), 1).zip(rounds(Kind::ModSecurity, 1)).map(|(ours, theirs)| by(ours, theirs));
    line(&format!("100 KiB, {USUAL} phrases: by nginx + ModSecurity"), ratio, 0.05);
    let _ = writeln!(
        out,
        "\nThe engine alone, {USUAL} phrases, µs a page:\n\n| | inflate | judge, cold | judge, repeated |\n| --- | --- | --- | --- |"
    );
    for page in [2, 3] {
        let [one, two, three] = [&alone.inflate, &alone.cold, &alone.repeated].map(|list| median(&list[page]));
        let _ = writeln!(out, "| {} | {one:.1} | {two:.1} | {three:.1} |", PAGES[page].name);
    }
    out
}

/// A gzip'd page by what its parts cost: passing it on unread, inflating it, and scanning the same
/// page plain.
fn apart<'r>(
    rounds: &impl Fn(Kind, usize) -> Option<&'r [f64]>,
    alone: &Alone,
    count: usize,
    page: usize,
) -> Option<f64> {
    let plain = page - 2;
    let whole = rounds(Kind::Cold(count), page)?;
    let pass = rounds(Kind::Off, page)?;
    let (on, off) = (rounds(Kind::Cold(count), plain)?, rounds(Kind::Off, plain)?);
    let parts = (0..whole.len()).map(|round| pass[round] + alone.inflate[page][round] + on[round] - off[round]);
    Some(by(whole, &parts.collect::<Vec<f64>>()))
}

/// The median of the ratios of the rounds, so that a drift of the machine's speed cancels out.
fn by(one: &[f64], other: &[f64]) -> f64 {
    median(&one.iter().zip(other).map(|(one, other)| one / other).collect::<Vec<f64>>())
}

//! The registry at its normal size: import, memory, look-up, changes, the way through the store.
//!
//! `ZHAMEN_BENCH_SITES` sets the number of sites (default 1,000,000). Without `--bench`, or with
//! `--test`, it is a smoke run with 1,000.

use std::{env, fmt::Write, fs, hint::black_box, sync::Arc, time::Instant};

use criterion::{Criterion, Throughput};
use zhamen::{
    base::{HostName, Timestamp},
    config::Config,
    control_plane::registry::begin,
    domain::registry::{FilingState, Registry, RowChange, SiteRow, import_csv},
    store::{SiteSource, Sites, Sqlite},
};

/// Hosts looked up one after the other, far apart in the file, so that caches do not flatter.
const PROBES: usize = 100_000;

/// Name, host of a site by its number, whether a row covers it.
type Case = (&'static str, fn(usize) -> String, bool);

fn main() {
    let is_measured =
        env::args().any(|argument| argument == "--bench") && !env::args().any(|argument| argument == "--test");
    let wished = env::var("ZHAMEN_BENCH_SITES").ok().and_then(|sites| sites.parse().ok());
    let sites = if is_measured { wished.unwrap_or(1_000_000) } else { 1_000 };
    let registry = import(sites);
    let mut criterion = Criterion::default().configure_from_args();
    look_up(&mut criterion, &registry, sites, "look_up");
    let changed = change(&mut criterion, &registry);
    look_up(&mut criterion, &changed, sites, "look_up_under_changes");
    through_store(&registry);
    criterion.final_summary();
}

fn import(sites: usize) -> Arc<Registry> {
    let before = memory_bytes("VmRSS:");
    let file = sites_csv(sites);
    let with_file = memory_bytes("VmRSS:");
    let start = Instant::now();
    let imported = import_csv("sites.csv", file.as_bytes());
    let seconds = start.elapsed().as_secs_f64();
    let peak = memory_bytes("VmHWM:");
    let file_bytes = file.len();
    drop(file);
    let registry = Arc::new(imported.registry.expect("the rows are good"));
    assert_eq!((registry.len(), imported.problems.len()), (sites, 0));
    assert_eq!(FilingState::ALL.map(|filing| registry.count(filing)).iter().sum::<usize>(), sites);
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    println!(
        "{sites} sites: a file of {:.1} MB imported in {seconds:.2} s; resident {:.1} MB before, {:.1} MB with the file, \
         {:.1} MB at its peak, {:.1} MB without the file: {:.0} bytes a site",
        megabytes(file_bytes),
        megabytes(before),
        megabytes(with_file),
        megabytes(peak),
        megabytes(memory_bytes("VmRSS:")),
        memory_bytes("VmRSS:").saturating_sub(before) as f64 / sites as f64,
    );
    registry
}

/// Changes one row over and over, under a thousand that have changed already.
fn change(criterion: &mut Criterion, registry: &Arc<Registry>) -> Arc<Registry> {
    let closed = |row: SiteRow| RowChange::Put(Box::new(SiteRow { origin: "http://10.255.255.1".into(), ..row }));
    let rows: Vec<SiteRow> =
        registry.sites().step_by((registry.len() / 1_000).max(1)).map(|site| site.to_row()).collect();
    let changed = Arc::new(registry.with(rows.iter().cloned().map(closed)));
    assert_eq!(changed.len(), registry.len());
    let mut next = 0;
    criterion.bench_function("change", |bencher| {
        bencher.iter(|| {
            next = (next + 1) % rows.len();
            changed.with([closed(rows[next].clone())])
        });
    });
    changed
}

/// Writes all rows into a new store, and builds the registry from it, as a start does.
fn through_store(registry: &Arc<Registry>) {
    let dir = tempfile::tempdir().expect("there is room");
    let store = Sqlite::open(&dir.path().join("zhamen.db")).expect("it opens");
    let start = Instant::now();
    let mut rows = registry.sites().map(|site| RowChange::Put(Box::new(site.to_row()))).peekable();
    while rows.peek().is_some() {
        let batch = &mut rows.by_ref().take(20_000);
        store.change_sites(SiteSource::File, Timestamp(0), batch).expect("it writes");
    }
    let written = start.elapsed().as_secs_f64();
    let before = memory_bytes("VmRSS:");
    let start = Instant::now();
    let config = Config::parse(&dir.path().join("zhamen.toml"), "", &|_| None).config.expect("defaults");
    let begun = begin(&store, &config.registry, Timestamp(0).local_date());
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(begun.registry.len(), registry.len());
    println!(
        "{} sites: written into the store in {written:.2} s, built from it in {seconds:.2} s; resident {:.1} MB more",
        registry.len(),
        memory_bytes("VmRSS:").saturating_sub(before) as f64 / 1e6,
    );
}

fn look_up(criterion: &mut Criterion, registry: &Arc<Registry>, sites: usize, name: &str) {
    let probes = |name: fn(usize) -> String| -> Vec<HostName> {
        (0..PROBES.min(sites))
            .map(|probe| probe.wrapping_mul(7_919) % sites)
            .map(|site| HostName::parse(&name(site)).expect("it is a host"))
            .collect()
    };
    let cases: [Case; 3] = [
        ("hit", host, true),
        ("subdomain", |site| format!("cdn.img.{}", host(site)), true),
        ("miss", |site| format!("www.nobody{site}.com.cn"), false),
    ];
    let mut group = criterion.benchmark_group(name);
    for (name, make, is_hit) in cases {
        let probes = probes(make);
        assert!(probes.iter().all(|host| registry.covering(host).is_some() == is_hit), "{name}");
        group.throughput(Throughput::Elements(1));
        let mut next = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                next = (next + 1) % probes.len();
                registry.look_up(black_box(&probes[next]))
            });
        });
    }
    group.finish();
}

/// A registry as a datacenter has it: ten sites a unit, fifty a server, one in twenty not filed.
fn sites_csv(sites: usize) -> String {
    let mut text = String::from("host,origin,unit,service,kind,icp,filing,server_ip,interactive\n");
    for site in 0..sites {
        let server = site / 50;
        let (a, b) = (server / 250 % 250, server % 250);
        let _ = write!(text, "{},http://10.{}.{a}.{b}:8080,unit-{},", host(site), server / 62_500, site / 10);
        let _ = match site % 20 {
            0 => writeln!(text, "vhost-{},virtual_host,,,,", site / 5),
            1 => writeln!(text, "vhost-{},virtual_host,京ICP备{:08}号,elsewhere,,", site / 5, site),
            _ => writeln!(text, "vhost-{},virtual_host,蜀ICP备{:08}号-{},,,", site / 5, site / 3, site % 3 + 1),
        };
    }
    text
}

fn host(site: usize) -> String {
    match site % 4 {
        0 => format!("www.shop-{site}.com.cn"),
        1 => format!("company{site}.com"),
        2 => format!("news{site}.example-hosting.cn"),
        _ => format!("商店{site}.cn"),
    }
}

/// Memory of this process that is (`VmRSS:`) or at most was (`VmHWM:`) in RAM, from the operating
/// system; 0 where it does not say.
fn memory_bytes(field: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.trim().strip_suffix(" kB"))
        .and_then(|kilobytes| kilobytes.parse::<usize>().ok())
        .unwrap_or(0)
        * 1024
}

//! The record at its normal size: findings a second with what is synced, bytes of evidence for a finding,
//! and at 1,000,000 findings of 10,000 units, a tenth of which somebody reviewed: pages of lists, the start,
//! the standing of a unit, reports.
//!
//! `ZHAMEN_BENCH_FINDINGS` sets the number of findings (default 1,000,000). Without `--bench`, or with
//! `--test`, it is a smoke run with 2,000. `--record` writes benches/record/record-DATE.md. The disk is that of the temporary directory: `TMPDIR` moves it.

mod support;

use std::{
    env, fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use support::record::{Conditions, machine};
use zhamen::{
    base::{Clock, Timestamp},
    control_plane::{
        Record, SystemClock,
        report::{Format, Gather, Letterhead, RectificationWishes, Report, print},
    },
    domain::{
        record::{Decision, Fact, Finding, Review, ServiceFact, UnitFact},
        registry::{Registry, ServiceKind},
        report::Month,
        standing::{Ledger, LedgerPolicy},
    },
    engine::rules::Class,
    store::{
        Append, Entries, Evidence, EvidenceLimits, FindingQuery, Findings, PublicKey, Query, ReviewState, Sealer, Seen,
        Sighting, SigningKey, Spool, Sqlite, verify,
    },
};

/// A page as it is blocked: 16 KiB of HTML, of which no two are the same.
const PAGE_BYTES: usize = 16 << 10;

fn main() {
    let is_measured =
        env::args().any(|argument| argument == "--bench") && !env::args().any(|argument| argument == "--test");
    let wished = env::var("ZHAMEN_BENCH_FINDINGS").ok().and_then(|findings| findings.parse().ok());
    let findings: u64 = if is_measured { wished.unwrap_or(1_000_000) } else { 2_000 };
    let directory = tempfile::tempdir().expect("a directory");
    let store = Sqlite::open(&directory.path().join("zhamen.db")).expect("a store");
    let mut told = Told::default();
    recorder(&store, directory.path(), if is_measured { 5_000 } else { 200 }, &mut told);
    lists(&store, findings, &mut told);
    drop(store);
    house(&directory.path().join("zhamen.db"), findings, &mut told);
    if env::args().any(|argument| argument == "--record") {
        told.keep(findings);
    }
}

/// What was measured, line by line.
#[derive(Default)]
struct Told(Vec<String>);

impl Told {
    fn line(&mut self, text: String) {
        println!("{text}");
        self.0.push(text);
    }

    fn keep(&self, findings: u64) {
        let now = Conditions::now();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("benches/record/record-{}.md", now.date));
        let lines: String = self.0.iter().map(|line| format!("- {line}\n")).collect();
        let text = format!(
            "# The record at {findings} findings of 10,000 units, {}\n\n- Machine: {}\n- Load of the machine: {}\n- Profile: {}\n\n{lines}",
            now.date,
            machine(),
            now.load,
            if cfg!(debug_assertions) { "dev (the crate at opt-level 1)" } else { "release" },
        );
        fs::write(path, text).expect("room");
    }
}

/// What a process does that starts on it: the ledger, standings, reports.
fn house(database: &Path, findings: u64, told: &mut Told) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let start = Instant::now();
    let store = Arc::new(Sqlite::open(database).expect("a store"));
    let record = Record::open(store, Ledger::new(LedgerPolicy::default()), None, None, clock).expect("a record");
    told.line(format!("a record of {findings} findings is opened in {:.2} s", start.elapsed().as_secs_f64()));
    let now = at(findings);
    let standing = || {
        let kind = ServiceKind::VirtualHost;
        record.with_ledger(|ledger| ledger.unit_standing("unit-80", kind, now)).year.other as usize + 1
    };
    timed("the standing of a unit", standing, told);
    timed("the standing of all units and kinds", || record.with_ledger(|ledger| ledger.standings(now)).len(), told);
    let registry = Arc::new(Registry::unavailable());
    let gather = Gather { record: &record, registry, now };
    let printed = |report: Report| {
        let document = report.document(&Letterhead::default(), now);
        print(&document, Format::Html, "").expect("a page").len()
    };
    let rectification = || {
        let report = gather.rectification("unit-80", &RectificationWishes::default()).expect("a report");
        printed(Report::Rectification(report))
    };
    timed("a rectification report, bytes of HTML", rectification, told);
    let month: Month = "2026-02".parse().expect("a month");
    let of_unit = || printed(Report::Statistics(gather.statistics(month, Some("unit-80")).expect("statistics")));
    timed("a month's statistics of a unit, bytes of HTML", of_unit, told);
    let of_all = || printed(Report::Statistics(gather.statistics(month, None).expect("statistics")));
    timed("a month's statistics of all units, bytes of HTML", of_all, told);
}

/// Spool, evidence and record, batch by batch, as the recorder drives them.
fn recorder(store: &Sqlite, directory: &Path, count: u64, told: &mut Told) {
    let evidence_directory = directory.join("evidence");
    let key = Arc::new(SigningKey::open(&evidence_directory).expect("a key"));
    let limits = EvidenceLimits {
        body_bytes: 4 << 20,
        segment_bytes: 64 << 20,
        segment_age: Duration::from_secs(86_400),
        again: Duration::from_secs(86_400),
    };
    let evidence = Evidence::open(&evidence_directory, Arc::clone(&key), limits).expect("evidence");
    let spool = Spool::open(&evidence_directory.join("spool"), None).expect("a spool");
    for batch in [1, 16, 256_u64] {
        let rounds = (count / batch).clamp(1, 500);
        let first = batch << 40;
        let sightings: Vec<Vec<Sighting>> =
            (0..rounds).map(|round| (0..batch).map(|n| sighting(first + round * batch + n)).collect()).collect();
        let start = Instant::now();
        for sightings in &sightings {
            spool.append(sightings).expect("room");
            spool
                .drain(&mut |sightings, position| {
                    let kept = evidence.append(Timestamp(0), &sightings)?;
                    store.record_findings("edge", Timestamp(0), &Seen::of(sightings, kept), Some(position)).map(drop)
                })
                .expect("room");
        }
        let seconds = start.elapsed().as_secs_f64();
        told.line(format!(
            "recorder, {batch} responses at a time: {:.0} findings a second, each on disk three times over",
            (rounds * batch) as f64 / seconds
        ));
    }
    let segments = fs::read_dir(&evidence_directory).expect("a directory").filter_map(Result::ok);
    let segments = segments.filter(|entry| entry.path().extension().is_some_and(|suffix| suffix == "seg"));
    let bytes: u64 = segments.map(|entry| entry.metadata().map_or(0, |file| file.len())).sum();
    let rows = store.findings(&FindingQuery { limit: usize::MAX, ..FindingQuery::default() }).expect("findings").len();
    told.line(format!("evidence: {} bytes a finding, for a page of {PAGE_BYTES} bytes", bytes / rows as u64));
    let start = Instant::now();
    Sealer::new(&evidence_directory, Arc::clone(&key)).seal(store, Some(&evidence), Timestamp(0)).expect("a signature");
    let found = verify(store, &evidence_directory, &PublicKey::of_store(&evidence_directory).expect("a key"));
    assert!(found.expect("it can be read").is_sound());
    told.line(format!("verify: {rows} findings with their evidence in {:.2} s", start.elapsed().as_secs_f64()));
}

/// Pages of lists.
fn lists(store: &Sqlite, count: u64, told: &mut Told) {
    let start = Instant::now();
    let units: Vec<Fact> = (0..10_000).flat_map(customer).collect();
    store.append(&Append::new("import", at(0), &units)).expect("room");
    for first in (0..count).step_by(1_000) {
        let findings: Vec<_> = (first..count.min(first + 1_000)).map(finding).collect();
        store.record_findings("edge", at(first), &Seen::from(findings), None).expect("room");
        // Of ten one is reviewed, and of these half are confirmed.
        let reviews: Vec<Fact> = (first..count.min(first + 1_000)).step_by(10).map(review).collect();
        store.append(&Append::new("reviewer", at(first), &reviews)).expect("room");
    }
    let seconds = start.elapsed().as_secs_f64();
    told.line(format!(
        "{count} findings of 10,000 units, {} reviews, recorded in {seconds:.1} s, {:.0} a second",
        count / 10,
        count as f64 / seconds
    ));
    let unit = Some("unit-77".to_owned());
    let entries = |query: Query| store.entries(&query).expect("entries").len();
    let findings = |query: FindingQuery| store.findings(&query).expect("findings").len();
    let middle = count / 2;
    timed("the first page of everything", || entries(Query::default()), told);
    timed("the last page of everything", || entries(Query { descending: true, ..Query::default() }), told);
    timed("a page in the middle", || entries(Query { after: Some(middle), ..Query::default() }), told);
    timed("a page from a time on", || entries(Query { from: Some(at(middle)), ..Query::default() }), told);
    timed("a page of a unit", || entries(Query { unit: unit.clone(), descending: true, ..Query::default() }), told);
    timed(
        "a page of a unit and kind",
        || entries(Query { unit: unit.clone(), kinds: vec!["finding"], ..Query::default() }),
        told,
    );
    timed("a page of a host", || entries(Query { host: Some("site-77.cn".into()), ..Query::default() }), told);
    timed("a page of a kind", || entries(Query { kinds: vec!["finding"], descending: true, ..Query::default() }), told);
    timed(
        "what belongs to a finding",
        || entries(Query { subject: Some(finding(middle).id), ..Query::default() }),
        told,
    );
    timed("the review queue", || store.pending(None, 100).expect("findings").len(), told);
    timed("findings of a unit", || findings(FindingQuery { unit: unit.clone(), ..FindingQuery::default() }), told);
    timed("one finding", || usize::from(store.finding(&finding(middle).id).expect("a finding").is_some()), told);
    timed("how many are pending", || store.count_findings(ReviewState::Pending).expect("a count") as usize, told);
}

/// The slowest of a few runs, the first of which finds nothing prepared.
fn timed(what: &str, ask: impl Fn() -> usize, told: &mut Told) {
    let mut slowest = Duration::ZERO;
    let mut found = 0;
    for _ in 0..20 {
        let start = Instant::now();
        found = ask();
        slowest = slowest.max(start.elapsed());
    }
    assert!(found > 0, "{what}: nothing is found");
    told.line(format!("{what}: {found} in {:.2} ms at most", slowest.as_secs_f64() * 1e3));
}

/// When a finding was served: a year for a million.
fn at(number: u64) -> Timestamp {
    Timestamp(1_751_299_200_000 + number as i64 * 31_536)
}

fn customer(number: u64) -> [Fact; 2] {
    let (unit, (name, identity, contact)) = (format!("unit-{number}"), Default::default());
    let (service, server_ips) = (format!("service-{number}"), vec!["10.0.0.1".to_owned()]);
    let fact = ServiceFact { service, unit: unit.clone(), kind: ServiceKind::VirtualHost, server_ips };
    [Fact::Unit(UnitFact { unit, parent: None, name, identity, contact }), Fact::Service(fact)]
}

fn review(number: u64) -> Fact {
    let decision = if number.is_multiple_of(20) { Decision::Confirmed } else { Decision::Dismissed };
    let (finding, why) = (finding(number).id, String::new());
    Fact::Review(Review { finding, decision, by: "reviewer".to_owned(), at: at(number), why })
}

fn finding(number: u64) -> Finding {
    let unit = number % 10_000;
    Finding {
        id: format!("f-{number:020x}"),
        service: format!("service-{unit}"),
        class: Class::Other,
        page: format!("http://www.site-{unit}.cn/forum/thread-{number}.html"),
        rule: "gambling.online-casino".to_owned(),
        content: format!("{number:064x}"),
        at: at(number),
        unit: format!("unit-{unit}"),
        site: format!("site-{unit}.cn"),
        server_ip: "10.0.0.1".to_owned(),
        category: "gambling".to_owned(),
        phrase: "百家乐".to_owned(),
        excerpt: "…欢迎各位新老朋友来玩百 家 乐，注册就送彩金，提款三分钟到账…".to_owned(),
        start: 1_000,
        end: 1_011,
        action: "block".to_owned(),
        origin: Default::default(),
        evidence: String::new(),
    }
}

/// A response with text that compresses about as HTML does.
fn sighting(number: u64) -> Sighting {
    let mut body = String::with_capacity(PAGE_BYTES + 128);
    let mut word = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while body.len() < PAGE_BYTES {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let character = char::from_u32(0x4e00 + (word >> 33) as u32 % 3_000).unwrap_or('一');
        match word >> 60 {
            0 => body.push_str("</p>\n<p class=\"text\">"),
            _ => body.push(character),
        }
    }
    body.truncate(body.floor_char_boundary(PAGE_BYTES));
    Sighting {
        findings: vec![finding(number)],
        url: finding(number).page,
        status: 200,
        at: at(number),
        edge: "edge-1".to_owned(),
        packs: "8f3a generation 7".to_owned(),
        head: b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nServer: nginx\r\n\r\n".to_vec(),
        body: body.into_bytes(),
        body_complete: true,
    }
}

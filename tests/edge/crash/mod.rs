//! What is acknowledged survives: `kill -9` at any moment, a power cut that loses what was not synced, a
//! full disk. A writer process takes findings, notices and suspensions in as fast as it can, and says
//! what is on disk; what it said must be there afterwards, once.
//!
//! `ZHAMEN_CRASH_ROUNDS` sets the number of rounds (default 50; of those that kill the whole proxy
//! `ZHAMEN_CRASH_HOUSE_ROUNDS`, default 4), `ZHAMEN_CRASH_SEED` repeats them.

mod disk;
mod house;
mod power;
mod writer;

use std::{
    collections::HashMap,
    env,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use zhamen::{
    domain::record::Fact,
    store::{Entries, FindingQuery, Findings, PublicKey, Query, Sqlite, verify},
};

use writer::Office;

use crate::harness::PATIENCE;

/// Numbers that repeat when the seed does.
pub(super) struct Dice(u64);

impl Dice {
    /// A seed that the environment sets, or a new one; it is printed.
    fn new(what: &str) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
        let seed = env::var("ZHAMEN_CRASH_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(now | 1);
        println!("{what}: ZHAMEN_CRASH_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, limit: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit.max(1)
    }
}

/// A process of this test binary that runs [`writer::writer`].
struct Writer {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Writer {
    fn start(directory: &Path, first: u64, environment: &[(&str, PathBuf)]) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "crash::writer::writer", "--nocapture", "--test-threads", "1"])
            .env(writer::DIRECTORY, directory)
            .env(writer::FIRST, first.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        for (name, value) in environment {
            command.env(name, value);
        }
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in said.split(b'\n').map_while(Result::ok) {
                let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
            }
        });
        Self { child, lines }
    }

    /// Waits until it says something that begins so; everything that it said on the way.
    fn until(&self, beginning: &str) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE * 3;
        let mut said = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("the writer does not say {beginning:?}:\n{}", said.join("\n")));
            let found = line.starts_with(beginning);
            said.push(line);
            if found {
                return said;
            }
        }
    }

    /// SIGKILL; what it had said.
    fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.lines.iter().collect()
    }
}

/// The ids in lines `ack ID`; a line that the kill tore off is none.
fn acknowledged<'l>(lines: impl IntoIterator<Item = &'l String>) -> Vec<String> {
    let ids = lines.into_iter().filter_map(|line| line.strip_prefix("ack ")?.strip_suffix(" .")).map(str::to_owned);
    ids.collect()
}

/// Starts as Zhamen does, and checks that all of these are there, nothing is twice, and the chain
/// verifies. How long the start took.
fn check(directory: &Path, acknowledged: &[String]) -> Duration {
    let began = Instant::now();
    let office = Office::open(directory);
    office.settle();
    let took = began.elapsed();
    let store = Sqlite::open(&directory.join("zhamen.db")).unwrap();
    let mut times: HashMap<String, u32> = HashMap::new();
    let mut query = Query { limit: 10_000, ..Query::default() };
    loop {
        let entries = store.entries(&query).unwrap();
        for entry in &entries {
            let id = match &entry.fact {
                Fact::Finding(finding) => finding.id.clone(),
                Fact::Notice(notice) => notice.id.clone(),
                Fact::Suspension(suspension) => suspension.unit.clone(),
                other => panic!("nobody put this on the record: {other:?}"),
            };
            *times.entry(id).or_default() += 1;
        }
        let Some(last) = entries.last() else { break };
        query.after = Some(last.seq);
    }
    for id in acknowledged {
        assert!(times.contains_key(id), "{id} was acknowledged and is not there");
    }
    let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "on the record twice: {twice:?}");
    let counted = store.findings(&FindingQuery { limit: usize::MAX, ..FindingQuery::default() }).unwrap();
    assert!(counted.iter().all(|row| row.count == 1), "a finding was taken in twice");
    let lost: Vec<_> = counted.iter().filter(|row| row.finding.evidence.is_empty()).collect();
    assert!(lost.is_empty(), "findings without evidence: {lost:?}");
    let evidence = directory.join("evidence");
    let verified = verify(&store, &evidence, &PublicKey::of_store(&evidence).unwrap()).unwrap();
    assert!(verified.is_sound(), "{:#?}", verified.faults);
    took
}

#[test]
fn whatever_was_acknowledged_survives_kill_9_at_any_moment() {
    let rounds = env::var("ZHAMEN_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(50);
    let mut dice = Dice::new("kill -9");
    let (mut slowest, mut total) = (Duration::ZERO, 0);
    let mut house = tempfile::tempdir().unwrap();
    let mut acks: Vec<String> = Vec::new();
    for round in 0..rounds {
        if round % 50 == 49 {
            house = tempfile::tempdir().unwrap();
            acks.clear();
        }
        let writer = Writer::start(house.path(), round * 10_000_000, &[]);
        // Mostly under load, sometimes while it starts.
        let mut said = if dice.below(8) == 0 { Vec::new() } else { writer.until("ack ") };
        thread::sleep(Duration::from_micros(dice.below(120_000)));
        said.extend(writer.kill());
        let news = acknowledged(&said);
        total += news.len();
        acks.extend(news);
        slowest = slowest.max(check(house.path(), &acks));
    }
    println!("{rounds} rounds: {total} acknowledged, none lost, none twice; slowest start {slowest:?}");
    assert!(total > rounds as usize, "the writer was hardly heard");
}

//! The process that is killed: the store as Zhamen drives it, under as much load as it takes.

use std::{
    env,
    io::{Write, stderr},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use zhamen::{
    base::Timestamp,
    domain::record::{Fact, Finding, Notice, Suspension},
    engine::rules::Class,
    store::{Append, Entries, Evidence, EvidenceLimits, Findings, Sealer, Seen, Sighting, SigningKey, Spool, Sqlite},
};

/// Names the directory of the store; without it [`writer`] is no writer.
pub(super) const DIRECTORY: &str = "ZHAMEN_CRASH_DIRECTORY";
/// The number of the first finding.
pub(super) const FIRST: &str = "ZHAMEN_CRASH_FIRST";

/// A store, opened as Zhamen opens it.
pub(super) struct Office {
    store: Sqlite,
    spool: Spool,
    evidence: Evidence,
    sealer: Sealer,
}

impl Office {
    pub(super) fn open(directory: &Path) -> Self {
        let evidence = directory.join("evidence");
        let store = Sqlite::open(&directory.join("zhamen.db")).unwrap();
        let key = Arc::new(SigningKey::open(&evidence).unwrap());
        let limits = EvidenceLimits {
            body_bytes: 1 << 20,
            segment_bytes: 256 << 10,
            segment_age: Duration::from_secs(86_400),
            again: Duration::from_secs(86_400),
        };
        Self {
            spool: Spool::open(&evidence.join("spool"), store.spooled().unwrap()).unwrap(),
            evidence: Evidence::open(&evidence, Arc::clone(&key), limits).unwrap(),
            sealer: Sealer::new(&evidence, key),
            store,
        }
    }

    /// Takes what waits in the spool to the record, as the recorder does.
    pub(super) fn settle(&self) {
        self.try_settle().unwrap();
    }

    fn try_settle(&self) -> Result<u64, zhamen::store::StoreError> {
        self.spool.drain(&mut |sightings, position| {
            let kept = self.evidence.append(now(), &sightings)?;
            self.store.record_findings("edge", now(), &Seen::of(sightings, kept), Some(position)).map(drop)
        })
    }
}

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp(now.as_millis() as i64)
}

fn say(what: &str, text: &str) {
    // One write: a line is there or not.
    stderr().lock().write_all(format!("{what} {text} .\n").as_bytes()).unwrap();
}

fn sighting(number: u64) -> Sighting {
    let finding = Finding {
        id: format!("f-{number:020x}"),
        service: "s1".into(),
        class: Class::Other,
        page: format!("http://filed.cn/{number}"),
        rule: "test.phrase".into(),
        content: format!("{number:064x}"),
        at: now(),
        unit: "u1".into(),
        site: "filed.cn".into(),
        server_ip: String::new(),
        category: "test".into(),
        phrase: "百家乐".into(),
        excerpt: "…百家乐…".into(),
        start: 0,
        end: 9,
        action: "block".into(),
        origin: Default::default(),
        evidence: String::new(),
    };
    Sighting {
        url: finding.page.clone(),
        findings: vec![finding],
        status: 200,
        at: now(),
        edge: "edge".into(),
        packs: String::new(),
        head: b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
        body: format!("<p>百家乐 {number}</p>").repeat(30).into_bytes(),
        body_complete: true,
    }
}

/// No test where nobody names a directory: the process that [`super::Writer`] starts, and kills.
#[test]
fn writer() {
    let Some(directory) = env::var_os(DIRECTORY) else { return };
    let first = env::var(FIRST).unwrap().parse().unwrap();
    let office = Office::open(&PathBuf::from(directory));
    office.settle();
    let numbers = AtomicU64::new(first);
    let next = || numbers.fetch_add(1, Ordering::Relaxed);
    thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                let sightings: Vec<_> = (0..1 + next() % 7).map(|_| sighting(next())).collect();
                match office.spool.append(&sightings) {
                    Ok(()) => {
                        sightings.iter().for_each(|sighting| say("ack", &sighting.findings[0].id));
                        if let Err(error) = office.try_settle() {
                            say("settle-error", &error.to_string());
                            thread::sleep(Duration::from_millis(20));
                        }
                    }
                    Err(error) => {
                        say("spool-error", &error.to_string());
                        thread::sleep(Duration::from_millis(20));
                    }
                }
            }
        });
        for what in ["notice", "suspension"] {
            let (office, next) = (&office, &next);
            scope.spawn(move || {
                loop {
                    let id = format!("{what}-{}", next());
                    match office.store.append(&Append::new(what, now(), &[fact(what, &id)])) {
                        Ok(_) => say("ack", &id),
                        Err(error) => {
                            say("record-error", &error.to_string());
                            thread::sleep(Duration::from_millis(20));
                        }
                    }
                }
            });
        }
        scope.spawn(|| {
            loop {
                thread::sleep(Duration::from_millis(10));
                if let Err(error) = office.sealer.seal(&office.store, Some(&office.evidence), now()) {
                    say("seal-error", &error.to_string());
                }
            }
        });
    });
}

fn fact(what: &str, id: &str) -> Fact {
    if what == "notice" {
        Fact::Notice(Notice {
            id: id.to_owned(),
            service: "s1".into(),
            class: Class::Vulgar,
            at: now(),
            recorded: None,
            authority: "网信办".into(),
            document: String::new(),
            url: String::new(),
            deadline: None,
            note: String::new(),
        })
    } else {
        Fact::Suspension(Suspension { unit: id.to_owned(), kind: None, at: now(), why: "test".into() })
    }
}

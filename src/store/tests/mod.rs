//! The store as a whole: what is acknowledged is there, what is altered is seen.

mod evidence;
mod export;
mod record;
mod spool;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    Append, Entries, Evidence, EvidenceLimits, Findings, PublicKey, Sealer, Seen, Sighting, SigningKey, Sqlite,
    Verified, verify,
};
use crate::{
    base::Timestamp,
    domain::record::{Fact, Finding, Notice, ServiceFact},
    domain::registry::ServiceKind,
    engine::rules::Class,
};

/// 2026-03-15T02:00:00Z and so many seconds.
fn second(number: i64) -> Timestamp {
    Timestamp(1_773_540_000_000 + number * 1_000)
}

fn finding(number: u64) -> Finding {
    Finding {
        id: format!("f-{number:020x}"),
        service: format!("s{}", number % 3),
        class: Class::Other,
        page: format!("http://site{}.cn/{number}", number % 5),
        rule: "gambling.casino".to_owned(),
        content: format!("{number:064x}"),
        at: second(number as i64),
        unit: format!("u{}", number % 3),
        site: format!("site{}.cn", number % 5),
        server_ip: "10.0.0.1".to_owned(),
        category: "gambling".to_owned(),
        phrase: "百家乐".to_owned(),
        excerpt: "…来玩百 家 乐…".to_owned(),
        start: 10,
        end: 19,
        action: "block".to_owned(),
        origin: Default::default(),
        evidence: String::new(),
    }
}

fn sighting(number: u64) -> Sighting {
    Sighting {
        findings: vec![finding(number)],
        url: format!("http://site{}.cn/{number}?q=\"body_sha256\":\"00\"", number % 5),
        status: 200,
        at: second(number as i64),
        edge: "edge-1".to_owned(),
        packs: "8f3a at generation 7".to_owned(),
        head: b"HTTP/1.1 200 OK\r\nSet-Cookie: session=secret;\r\n path=/\r\nServer: test\r\n\r\n".to_vec(),
        body: format!("<p>来玩百 家 乐 {number}").repeat(20).into_bytes(),
        body_complete: true,
    }
}

fn notice(id: &str, service: &str) -> Fact {
    Fact::Notice(Notice {
        id: id.to_owned(),
        service: service.to_owned(),
        class: Class::Vulgar,
        at: second(0),
        recorded: None,
        authority: "网信办".to_owned(),
        document: "2026-114".to_owned(),
        url: "http://site1.cn:8080/x".to_owned(),
        deadline: None,
        note: "with \"quotes\", a \\ and a\nline feed".to_owned(),
    })
}

fn service(service: &str, unit: &str) -> Fact {
    Fact::Service(ServiceFact {
        service: service.to_owned(),
        unit: unit.to_owned(),
        kind: ServiceKind::Server,
        server_ips: Vec::new(),
    })
}

/// A store in a directory of its own.
struct House {
    dir: tempfile::TempDir,
    store: Sqlite,
    evidence: Evidence,
    sealer: Sealer,
    key: Arc<SigningKey>,
}

impl House {
    fn new() -> Self {
        Self::with(EvidenceLimits {
            body_bytes: 1 << 20,
            segment_bytes: 4_096,
            segment_age: Duration::from_secs(86_400),
            again: Duration::from_secs(3_600),
        })
    }

    fn with(limits: EvidenceLimits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = Arc::new(SigningKey::open(&dir.path().join("evidence")).unwrap());
        Self {
            store: Sqlite::open(&dir.path().join("zhamen.db")).unwrap(),
            evidence: Evidence::open(&dir.path().join("evidence"), Arc::clone(&key), limits).unwrap(),
            sealer: Sealer::new(&dir.path().join("evidence"), Arc::clone(&key)),
            key,
            dir,
        }
    }

    /// Takes sightings in as the recorder does.
    fn take(&self, now: Timestamp, sightings: &[Sighting]) {
        let kept = self.evidence.append(now, sightings).unwrap();
        self.store.record_findings("edge", now, &Seen::of(sightings.to_vec(), kept), None).unwrap();
    }

    /// Findings, notices, and signatures between them.
    fn lived_in() -> Self {
        let house = Self::new();
        house.store.append(&Append::new("import", second(0), &[service("s0", "u0"), service("s1", "u1")])).unwrap();
        for round in 0..6 {
            let sightings: Vec<_> = (round * 4..round * 4 + 4).map(sighting).collect();
            house.take(second(round as i64 * 10), &sightings);
            house
                .store
                .append(&Append::new("安全员", second(round as i64 * 10 + 1), &[notice(&format!("n{round}"), "s1")]))
                .unwrap();
            house.sealer.seal(&house.store, Some(&house.evidence), second(round as i64 * 10 + 2)).unwrap();
        }
        house
    }

    fn directory(&self) -> PathBuf {
        self.dir.path().join("evidence")
    }

    fn verify(&self) -> Verified {
        self.verify_in(&self.directory())
    }

    fn verify_in(&self, directory: &Path) -> Verified {
        verify(&self.store, directory, &PublicKey::of_store(&self.directory()).unwrap()).unwrap()
    }
}

//! Two processes on one record, and a start that leaves out what does not count.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use proptest::prelude::*;

use super::*;
use crate::{
    config,
    control_plane::{NewIncident, close_incident, incident, note_incident, open_incident},
    domain::{
        record::{Decision, Finding, Notice, Review, ServiceFact, Suspension, Termination, UnitFact, Withdrawal},
        registry::ServiceKind,
        standing::LedgerPolicy,
    },
    engine::rules::Class,
    store::{Remembered, Seen},
};

/// Noon on 2026-03-15 in Shanghai.
const NOON: Timestamp = Timestamp(1_773_547_200_000);
const KIND: ServiceKind = ServiceKind::VirtualHost;

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        NOON
    }
}

fn open(path: &Path) -> Record {
    let store = Arc::new(Sqlite::open(path).unwrap());
    Record::open(store, Ledger::new(LedgerPolicy::default()), None, None, Arc::new(Stopped)).unwrap()
}

fn unit(id: &str) -> [Fact; 2] {
    let (name, identity, contact) = Default::default();
    let unit = Fact::Unit(UnitFact { unit: id.to_owned(), parent: None, name, identity, contact });
    let (service, server_ips) = (format!("s-{id}"), Vec::new());
    [unit, Fact::Service(ServiceFact { service, unit: id.to_owned(), kind: KIND, server_ips })]
}

fn notice(id: String) -> Fact {
    let (authority, document, url, note) = Default::default();
    let (service, class) = ("s-u".to_owned(), Class::Vulgar);
    Fact::Notice(Notice {
        id,
        service,
        class,
        at: NOON,
        recorded: None,
        authority,
        document,
        url,
        deadline: None,
        note,
    })
}

fn finding(number: u64, at: Timestamp) -> Finding {
    Finding {
        id: format!("f-{number}"),
        service: "s-u".into(),
        class: Class::Vulgar,
        page: format!("http://a.cn/{number}"),
        rule: "r".into(),
        content: String::new(),
        at,
        unit: "u".into(),
        site: "a.cn".into(),
        server_ip: String::new(),
        category: String::new(),
        phrase: String::new(),
        excerpt: String::new(),
        start: 0,
        end: 0,
        action: String::new(),
        origin: Default::default(),
        evidence: String::new(),
    }
}

fn review(number: u64, decision: Decision, at: Timestamp) -> Fact {
    Fact::Review(Review { finding: format!("f-{number}"), decision, by: "r".into(), at, why: String::new() })
}

#[test]
fn of_two_processes_that_put_the_same_thing_one_is_refused() {
    const ROUNDS: u64 = 40;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("zhamen.db");
    let first = open(&path);
    first.put("test", &unit("u")).unwrap();
    for round in 0..ROUNDS {
        first.put("test", &unit(&format!("t{round}"))).unwrap();
    }
    let settings = config::Incidents::default();
    let incidents: Vec<String> = (0..ROUNDS)
        .map(|round| {
            let new = NewIncident { title: format!("t{round}"), units: vec!["u".into()], ..NewIncident::default() };
            open_incident(&first, &settings, "test", &new, NOON, None).unwrap().open.id
        })
        .collect();
    let put = AtomicU64::new(0);
    let work = |record: &Record, name: &str| {
        for round in 0..ROUNDS {
            let (unit, why) = (format!("t{round}"), "w".to_owned());
            let ended = Fact::Termination(Termination { unit, at: NOON, why });
            for fact in [notice(format!("n{round}")), ended] {
                put.fetch_add(u64::from(record.put(name, &[fact]).is_ok()), Ordering::Relaxed);
            }
            let id = &incidents[round as usize];
            // What is noted after the end is refused, whoever ended it.
            let _ = note_incident(record, name, id, "note", name, NOON, None);
            put.fetch_add(u64::from(close_incident(record, name, id, "over", NOON, None).is_ok()), Ordering::Relaxed);
            assert!(note_incident(record, name, id, "note", "late", NOON, None).is_err());
            let (unit, why) = (format!("t{round}"), name.to_owned());
            // Never refused: both are there.
            record.put(name, &[Fact::Suspension(Suspension { unit, kind: None, at: NOON, why })]).unwrap();
        }
    };
    // A connection of its own: to the database it is another process.
    let second = open(&path);
    thread::scope(|scope| {
        scope.spawn(|| work(&first, "first"));
        scope.spawn(|| work(&second, "second"));
    });
    assert_eq!(put.load(Ordering::Relaxed), 3 * ROUNDS);
    for id in &incidents {
        let incident = incident(&first, id).unwrap().unwrap();
        let closed = incident.closed.unwrap().seq;
        assert!(incident.notes.iter().all(|note| note.seq < closed), "{id}");
    }
    let count = |kind| {
        let query = Query { kinds: vec![kind], limit: 1_000, ..Query::default() };
        first.store().entries(&query).unwrap().len() as u64
    };
    let counts = ["notice", "termination", "incident_close", "suspension"].map(count);
    assert_eq!(counts, [ROUNDS, ROUNDS, ROUNDS, 2 * ROUNDS]);
    first.refresh().unwrap();
    second.refresh().unwrap();
    assert_eq!(first.with_ledger(|it| it.standings(NOON)), second.with_ledger(|it| it.standings(NOON)));
}

#[test]
fn an_answer_is_there_if_and_only_if_its_entries_are() {
    let dir = tempfile::tempdir().unwrap();
    let record = open(&dir.path().join("zhamen.db"));
    record.put("test", &unit("u")).unwrap();
    let answer = |entries: &[Entry]| {
        let body = entries.last()?.seq.to_string().into_bytes();
        Some(("key".to_owned(), Remembered { request: "r".into(), status: 201, body, at: NOON }))
    };
    let facts = [notice("n1".into())];
    let put = || record.put_drawn("test", &|| Ok(Cow::Borrowed(&facts)), Some(&answer));
    let entries = put().unwrap();
    let kept = record.store().recall("key").unwrap().unwrap();
    assert_eq!(kept.body, entries[0].seq.to_string().into_bytes());
    assert!(matches!(put(), Err(PutError::Refused(_))));
    assert_eq!(record.store().recall("key").unwrap(), Some(kept));
}

/// What is put on the record in the next test.
#[derive(Clone, Debug)]
enum Step {
    Found(u64),
    Review(u64, bool),
    Withdraw(u64),
    Notice(u64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..12_u64).prop_map(Step::Found),
        3 => (0..12_u64, any::<bool>()).prop_map(|(number, confirmed)| Step::Review(number, confirmed)),
        1 => (0..12_u64).prop_map(Step::Withdraw),
        1 => (0..6_u64).prop_map(Step::Notice),
        2 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However often it starts again without the findings that nobody reviewed, the ledger says what one
    /// says that saw every entry, and accepts what that one accepts.
    #[test]
    fn a_ledger_that_leaves_out_what_nobody_reviewed_says_the_same(steps in steps()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("zhamen.db");
        let mut record = open(&path);
        let mut whole = Ledger::new(LedgerPolicy::default());
        record.put("test", &unit("u")).unwrap().iter().for_each(|entry| whole.apply(entry));
        for step in steps {
            let fact = match step {
                Step::Found(number) => {
                    // Some were found more than two days ago.
                    let hours = number as i64 * 7;
                    let seen = Seen::from(vec![finding(number, NOON.plus_millis(-hours * 3_600_000))]);
                    let entries = record.store().record_findings("edge", NOON, &seen, None).unwrap();
                    entries.iter().for_each(|entry| whole.apply(entry));
                    continue;
                }
                Step::Review(number, true) => review(number, Decision::Confirmed, NOON),
                Step::Review(number, false) => review(number, Decision::Dismissed, NOON),
                Step::Withdraw(number) => {
                    Fact::Withdrawal(Withdrawal { of: format!("f-{number}"), at: NOON, why: String::new() })
                }
                Step::Notice(number) => notice(format!("n{number}")),
                Step::Restart => {
                    drop(record);
                    record = open(&path);
                    continue;
                }
            };
            let accepts = whole.check(&fact);
            match record.put("test", &[fact]) {
                Ok(entries) => {
                    prop_assert_eq!(accepts, Ok(()));
                    entries.iter().for_each(|entry| whole.apply(entry));
                }
                Err(error) => prop_assert_eq!(accepts, Err(error.to_string())),
            }
            let says = record.with_ledger(|ledger| (ledger.standings(NOON), ledger.recent_findings("a.cn", NOON)));
            prop_assert_eq!(says, (whole.standings(NOON), whole.recent_findings("a.cn", NOON)));
            let strikes = record.with_ledger(|ledger| ledger.strikes_put().collect::<Vec<_>>());
            prop_assert_eq!(strikes, whole.strikes_put().collect::<Vec<_>>());
        }
    }
}

//! The record: chain, pages, findings.

use rusqlite::Connection;

use super::{House, finding, notice, second, service};
use crate::{
    domain::record::{Decision, Fact, IncidentKind, IncidentOpen, Review, Withdrawal},
    store::{Append, Entries, FindingQuery, Findings, Heads, Query, ReviewState, Sqlite},
};

fn review(id: &str, decision: Decision) -> Fact {
    Fact::Review(Review { finding: id.to_owned(), decision, by: "李".into(), at: second(1), why: String::new() })
}

#[test]
fn what_is_put_on_the_record_is_read_back_and_verifies() {
    let house = House::lived_in();
    let all = house.store.entries(&Query { limit: 1_000, ..Query::default() }).unwrap();
    assert_eq!(all.len(), 2 + 24 + 6);
    assert!(all.iter().map(|entry| entry.seq).eq(1..=32));
    let verified = house.verify();
    assert_eq!(verified.faults, []);
    assert_eq!((verified.entries, verified.signed, verified.records), (32, 32, 24));
    assert!(verified.segments > 1, "{verified:?}");
}

#[test]
fn a_page_holds_what_a_query_asks_for_and_nothing_else() {
    let house = House::lived_in();
    let open = Fact::IncidentOpen(IncidentOpen {
        id: "i1".into(),
        kind: IncidentKind::Content,
        title: "t".into(),
        at: second(90),
        deadline: second(99),
        units: vec!["u2".into(), "u1".into()],
        sites: vec![],
        because: vec!["n1".into()],
        locked: vec![],
    });
    house.store.append(&Append::new("op", second(90), &[open])).unwrap();
    let all = house.store.entries(&Query { limit: 1_000, ..Query::default() }).unwrap();
    let ask = |query: Query| -> Vec<u64> {
        house.store.entries(&query).unwrap().into_iter().map(|entry| entry.seq).collect()
    };
    // A notice names a service only; the service's unit is found all the same.
    let of_unit = |fact: &Fact| match fact {
        Fact::Finding(finding) => finding.unit == "u1",
        Fact::Notice(_) => true,
        Fact::Service(service) => service.unit == "u1",
        Fact::IncidentOpen(_) => true,
        other => panic!("{other:?}"),
    };
    let wanted: Vec<u64> = all.iter().filter(|entry| of_unit(&entry.fact)).map(|entry| entry.seq).collect();
    let unit = Query { unit: Some("u1".into()), ..Query::default() };
    assert_eq!(ask(unit.clone()), wanted);
    let mut down = wanted.clone();
    down.reverse();
    assert_eq!(ask(Query { descending: true, limit: 3, ..unit.clone() }), down[..3]);
    assert_eq!(ask(Query { descending: true, limit: 3, after: Some(down[2]), ..unit.clone() }), down[3..6]);
    assert_eq!(ask(Query { limit: 4, after: Some(wanted[3]), ..unit.clone() }), wanted[4..8]);
    let notices: Vec<u64> = all.iter().filter(|entry| entry.fact.kind() == "notice").map(|entry| entry.seq).collect();
    assert_eq!(ask(Query { kinds: vec!["notice"], ..unit.clone() }), notices);
    assert_eq!(ask(Query { kinds: vec!["notice"], host: Some("site1.cn".into()), ..Query::default() }), notices);
    assert_eq!(ask(Query { subject: Some("n3".into()), ..Query::default() }), [notices[3]]);
    assert_eq!(ask(Query { kinds: vec!["incident_open"], ..unit }), [all.len() as u64]);
    let from = all.iter().filter(|entry| entry.recorded >= second(20) && entry.recorded < second(31));
    let from: Vec<u64> = from.map(|entry| entry.seq).collect();
    assert_eq!(ask(Query { from: Some(second(20)), to: Some(second(31)), ..Query::default() }), from);
}

#[test]
fn a_finding_that_is_seen_again_is_counted_and_a_review_holds() {
    let house = House::new();
    let store = &house.store;
    let findings = [finding(1), finding(2), finding(1)];
    assert_eq!(store.record_findings("edge", second(1), &findings.to_vec().into(), None).unwrap().len(), 2);
    let mut later = finding(1);
    later.at = second(500);
    assert_eq!(store.record_findings("edge", second(500), &vec![later].into(), None).unwrap(), []);
    let row = store.finding(&finding(1).id).unwrap().unwrap();
    assert_eq!((row.count, row.first, row.last, row.state), (3, second(1), second(500), ReviewState::Pending));
    store.append(&Append::new("李", second(600), &[review(&finding(1).id, Decision::Confirmed)])).unwrap();
    let pending: Vec<_> = store.pending(None, 10).unwrap().into_iter().map(|row| row.finding).collect();
    assert_eq!(pending, [finding(2)]);
    let withdrawal = Withdrawal { of: finding(1).id, at: second(700), why: String::new() };
    store.append(&Append::new("李", second(700), &[Fact::Withdrawal(withdrawal)])).unwrap();
    store.append(&Append::new("李", second(701), &[review(&finding(1).id, Decision::Confirmed)])).unwrap();
    assert_eq!(store.finding(&finding(1).id).unwrap().unwrap().state, ReviewState::Withdrawn);
    let of_unit = FindingQuery { unit: Some("u2".into()), ..FindingQuery::default() };
    assert_eq!(store.findings(&of_unit).unwrap()[0].finding, finding(2));
    assert_eq!(store.count_findings(ReviewState::Pending).unwrap(), 1);
    // What belongs to a finding is about its unit, too.
    let about = store.entries(&Query { kinds: vec!["review"], unit: Some("u1".into()), ..Query::default() }).unwrap();
    assert_eq!(about.len(), 2);
}

#[test]
fn where_the_clock_is_set_back_the_record_stands_still() {
    let house = House::new();
    house.store.append(&Append::new("op", second(3_600), &[service("s0", "u0")])).unwrap();
    let entries = house.store.append(&Append::new("op", second(0), &[service("s0", "u1")])).unwrap().unwrap();
    assert_eq!(entries[0].recorded, second(3_600));
    assert_eq!(
        house.store.append(&Append::new("op", second(3_601), &[service("s0", "u2")])).unwrap().unwrap()[0].recorded,
        second(3_601)
    );
    assert_eq!(house.verify().faults, []);
}

#[test]
fn nothing_is_changed_or_taken_out_through_the_database() {
    let house = House::lived_in();
    let raw = Connection::open(house.dir.path().join("zhamen.db")).unwrap();
    for sql in ["update entry set by = 'x' where seq = 3", "delete from entry where seq = 3", "delete from head"] {
        assert!(raw.execute(sql, []).is_err(), "{sql}");
    }
}

#[test]
fn whatever_is_altered_behind_its_back_is_named() {
    let alterations = [
        ("update entry set by = 'x' where seq = 5", "entry 5"),
        ("update entry set recorded = recorded + 1 where seq = 5", "entry 5"),
        ("update entry set fact = replace(fact, 'vulgar', 'other ') where seq = 7", "entry 7"),
        ("update entry set unit = 'u9' where seq = 4", "entry 4"),
        ("update entry set kind = 'notice' where seq = 4", "entry 4"),
        ("update entry set hash = prev where seq = 9", "entry 9"),
        ("delete from entry where seq = 9", "entry 9 is missing"),
        ("delete from entry where seq >= 30", "it was signed over 32 entries, but there are 29"),
        (
            "update entry set seq = 1000 where seq = 9; update entry set seq = 9 where seq = 10;
          update entry set seq = 10 where seq = 1000",
            "entry 9",
        ),
        (
            "insert into entry select 33, recorded, by, kind, fact, prev, hash, unit, service, host, subject
          from entry where seq = 32",
            "entry 33",
        ),
        ("update head set hash = zeroblob(32) where seq = 32", "signed head 32"),
        ("delete from head where seq = (select min(seq) from head)", "heads.log"),
    ];
    for (sql, place) in alterations {
        let house = House::lived_in();
        assert_eq!(house.verify().faults, []);
        let raw = Connection::open(house.dir.path().join("zhamen.db")).unwrap();
        raw.execute_batch(
            "drop trigger entry_stays; drop trigger entry_remains; drop trigger head_stays; drop trigger head_remains",
        )
        .unwrap();
        raw.execute_batch(sql).unwrap();
        drop(raw);
        let faults = house.verify().faults;
        assert!(faults.iter().any(|fault| fault.to_string().contains(place)), "{sql}: {faults:#?}");
    }
}

#[test]
fn a_newer_a_damaged_and_a_foreign_database_are_refused_with_words() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    drop(Sqlite::open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = Sqlite::open(&path).err().unwrap().to_string();
    assert!(error.contains("newer zhamen") && error.contains("99"), "{error}");

    let path = dir.path().join("b.db");
    let store = Sqlite::open(&path).unwrap();
    for number in 0..50 {
        store.append(&Append::new("op", second(number), &[notice(&format!("n{number}"), "s0")])).unwrap();
    }
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    for page in bytes.chunks_mut(4_096).skip(2) {
        page[..64].fill(0xa5);
    }
    std::fs::write(&path, bytes).unwrap();
    let error = Sqlite::open(&path).err().unwrap().to_string();
    assert!(error.contains("zhamen store restore"), "{error}");

    let path = dir.path().join("c.db");
    std::fs::write(&path, "no database, but a text that is long enough to be taken for something".repeat(100)).unwrap();
    let error = Sqlite::open(&path).err().unwrap().to_string();
    assert!(error.contains("c.db"), "{error}");
}

#[test]
fn two_processes_append_to_one_chain() {
    let house = House::new();
    let other = Sqlite::open(&house.dir.path().join("zhamen.db")).unwrap();
    std::thread::scope(|scope| {
        for (name, store) in [("a", &house.store), ("b", &other)] {
            scope.spawn(move || {
                for number in 0..40 {
                    store
                        .append(&Append::new(name, second(number), &[notice(&format!("{name}{number}"), "s0")]))
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(house.store.head().unwrap().0, 80);
    assert_eq!(house.verify().faults, []);
}

//! What persons decide, and what it is refused for; how far a suspension reaches; letters that are wanted.

use std::sync::Arc;

use super::{at, finding, notice};
use crate::{
    base::{HostName, Timestamp},
    domain::{
        record::{
            Commitment, CommitmentForm, Decision, Entry, Fact, Rectification, Reinstatement, Review, ServiceFact,
            Suspension, Termination, UnitFact,
        },
        registry::{Filing, Registry, ServiceKind, Site, import_csv},
        standing::{Ground, Ledger, LedgerPolicy, SuspensionScope},
    },
    engine::rules::Class,
};

const SITES: &str = "host,origin,unit,service,kind,icp\n\
                     one.cn,http://127.0.0.1:1,u,s1,virtual_host,蜀ICP备12345678号\n\
                     two.cn,http://127.0.0.1:1,u,s1,virtual_host,蜀ICP备12345678号\n\
                     three.cn,http://127.0.0.1:1,u,s2,virtual_host,蜀ICP备12345678号\n\
                     four.cn,http://127.0.0.1:1,u,s3,server,蜀ICP备12345678号\n\
                     five.cn,http://127.0.0.1:1,other,s4,virtual_host,蜀ICP备12345678号\n";
const HOSTS: [&str; 5] = ["one.cn", "two.cn", "three.cn", "four.cn", "five.cn"];

fn customers() -> Vec<Fact> {
    let unit = |id: &str| {
        let (name, identity, contact) = Default::default();
        Fact::Unit(UnitFact { unit: id.to_owned(), parent: None, name, identity, contact })
    };
    let service = |service: &str, unit: &str, kind| {
        let (service, unit, server_ips) = (service.to_owned(), unit.to_owned(), Vec::new());
        Fact::Service(ServiceFact { service, unit, kind, server_ips })
    };
    let (hosting, server) = (ServiceKind::VirtualHost, ServiceKind::Server);
    let services = [("s1", "u", hosting), ("s2", "u", hosting), ("s3", "u", server), ("s4", "other", hosting)];
    let services = services.map(|(id, unit, kind)| service(id, unit, kind));
    [unit("u"), unit("other")].into_iter().chain(services).collect()
}

fn ledger_of(policy: LedgerPolicy, facts: Vec<Fact>) -> Ledger {
    let mut ledger = Ledger::new(policy);
    for (seq, fact) in (1..).zip(customers().into_iter().chain(facts)) {
        // Each is put on the record when it happens.
        let recorded = fact.at().unwrap_or_default();
        ledger.apply(&Entry { seq, recorded, by: "t".into(), fact });
    }
    ledger
}

fn ground(ledger: &mut Ledger, host: &str, now: Timestamp) -> Option<Ground> {
    let registry = Arc::new(import_csv("sites.csv", SITES.as_bytes()).registry.unwrap());
    let site: Site = match Registry::look_up(&registry, &HostName::parse(host).unwrap()) {
        Filing::Filed(site) => site,
        other => panic!("{other:?}"),
    };
    ledger.in_force(now).against(&site, host, "/").map(|(ground, _)| ground)
}

fn refused(ledger: &mut Ledger, now: Timestamp) -> Vec<&'static str> {
    HOSTS.into_iter().filter(|host| ground(ledger, host, now).is_some()).collect()
}

fn confirmed(number: usize, service: &str, host: &str, day: &str) -> [Fact; 2] {
    let mut found = finding(format!("f{number}"), service.into(), Class::Vulgar, number, at(day));
    found.site = host.to_owned();
    let (finding, by, why) = (found.id.clone(), "r".to_owned(), String::new());
    let review = Review { finding, decision: Decision::Confirmed, by, at: at(day), why };
    [Fact::Finding(found), Fact::Review(review)]
}

#[test]
fn a_suspension_reaches_as_far_as_is_wanted() {
    let now = at("2026-03-16T00:00:00+08:00");
    let strikes = || {
        let one = confirmed(1, "s1", "one.cn", "2026-03-14T00:00:00+08:00");
        let same = confirmed(2, "s1", "one.cn", "2026-03-15T00:00:00+08:00");
        one.into_iter().chain(same).collect::<Vec<_>>()
    };
    for (suspends, expected) in [
        (SuspensionScope::Unit, &["one.cn", "two.cn", "three.cn", "four.cn"][..]),
        (SuspensionScope::Kind, &["one.cn", "two.cn", "three.cn"][..]),
        (SuspensionScope::Service, &["one.cn", "two.cn"][..]),
        (SuspensionScope::Site, &["one.cn"][..]),
    ] {
        let policy = LedgerPolicy { suspends, ..LedgerPolicy::default() };
        let mut ledger = ledger_of(policy, strikes());
        assert_eq!(refused(&mut ledger, now), expected, "{}", suspends.as_str());
    }
    // A notice that names no URL stands for its service.
    let policy = LedgerPolicy { suspends: SuspensionScope::Site, ..LedgerPolicy::default() };
    let [one, confirmation] = confirmed(1, "s2", "three.cn", "2026-03-14T00:00:00+08:00");
    let told = notice("n", "s1", Class::Vulgar, at("2026-03-15T00:00:00+08:00"), None);
    let mut ledger = ledger_of(policy, vec![one, confirmation, told]);
    assert_eq!(refused(&mut ledger, now), ["one.cn", "two.cn", "three.cn"]);
}

fn letter(signed: &str, until: Option<&str>) -> Fact {
    let (unit, form, signatory) = ("u".to_owned(), CommitmentForm::Hosting, String::new());
    let until = until.map(|day| day.parse().unwrap());
    Fact::Commitment(Commitment { unit, form, signed: signed.parse().unwrap(), until, signatory })
}

#[test]
fn where_letters_are_wanted_a_unit_is_refused_outside_of_its_own() {
    let policy = LedgerPolicy { require_commitment: true, ..LedgerPolicy::default() };
    let mut ledger = ledger_of(policy, vec![letter("2026-03-01", Some("2026-03-31"))]);
    for (moment, expected) in [
        ("2026-02-28T23:59:59+08:00", Some(Ground::NoCommitment)),
        ("2026-03-01T00:00:00+08:00", None),
        ("2026-03-31T23:59:59+08:00", None),
        ("2026-04-01T00:00:00+08:00", Some(Ground::NoCommitment)),
    ] {
        // Moments never go back; each is later than the one before.
        assert_eq!(ground(&mut ledger, "one.cn", at(moment)), expected, "{moment}");
        assert_eq!(ground(&mut ledger, "five.cn", at(moment)), Some(Ground::NoCommitment), "{moment}");
    }
    let mut asks_nobody = ledger_of(LedgerPolicy::default(), Vec::new());
    assert_eq!(ground(&mut asks_nobody, "one.cn", at("2026-03-01T00:00:00+08:00")), None);
}

fn reinstatement(at: Timestamp, rectification: &str) -> Fact {
    let (unit, kind, why) = ("u".to_owned(), ServiceKind::VirtualHost, String::new());
    Fact::Reinstatement(Reinstatement { unit, kind, at, why, rectification: rectification.to_owned() })
}

fn report(id: &str, day: &str) -> Fact {
    let (problem, measures, signatory) = Default::default();
    Fact::Rectification(Rectification { id: id.into(), unit: "u".into(), at: at(day), problem, measures, signatory })
}

fn suspension(day: &str) -> Fact {
    Fact::Suspension(Suspension { unit: "u".into(), kind: None, at: at(day), why: "w".into() })
}

#[track_caller]
fn says(ledger: &Ledger, fact: &Fact, words: &str) {
    let error = ledger.check(fact).unwrap_err();
    assert!(error.contains(words), "{error}");
}

#[test]
fn a_reinstatement_is_refused_for_what_stands_against_it() {
    let (noon, later) = (at("2026-03-15T12:00:00+08:00"), at("2026-03-16T12:00:00+08:00"));
    let nothing = ledger_of(LedgerPolicy::default(), vec![report("r1", "2026-03-14T00:00:00+08:00")]);
    says(&nothing, &reinstatement(noon, "r1"), "nothing to lift");
    let suspended = vec![suspension("2026-03-15T00:00:00+08:00"), report("r1", "2026-03-15T10:00:00+08:00")];
    let ledger = ledger_of(LedgerPolicy::default(), suspended.clone());
    says(&ledger, &reinstatement(noon, ""), "wants the rectification report");
    says(&ledger, &reinstatement(noon, "r2"), "no rectification report \"r2\"");
    says(&ledger, &reinstatement(at("2026-03-14T12:00:00+08:00"), "r1"), "is the clock right?");
    assert_eq!(ledger.check(&reinstatement(noon, "r1")), Ok(()));
    let lax = LedgerPolicy { require_rectification: false, ..LedgerPolicy::default() };
    assert_eq!(ledger_of(lax, suspended.clone()).check(&reinstatement(noon, "")), Ok(()));
    // The report of the last time does for one reinstatement only.
    let again = [reinstatement(noon, "r1"), suspension("2026-03-16T00:00:00+08:00")];
    let ledger = ledger_of(LedgerPolicy::default(), suspended.iter().cloned().chain(again).collect());
    says(&ledger, &reinstatement(later, "r1"), "older than the last reinstatement");
    let both = [report("r2", "2026-03-16T10:00:00+08:00"), reinstatement(later, "r2")];
    assert_eq!(ledger.check_all(&both), Ok(()));
    let ended = Fact::Termination(Termination { unit: "u".into(), at: noon, why: "11.4".into() });
    let ledger = ledger_of(LedgerPolicy::default(), suspended.into_iter().chain([ended]).collect());
    says(&ledger, &reinstatement(later, "r1"), "the contract of \"u\" was ended");
}

#[test]
fn a_review_that_says_nothing_new_or_comes_before_the_last_one_is_refused() {
    let facts = confirmed(1, "s1", "one.cn", "2026-03-15T00:00:00+08:00");
    let ledger = ledger_of(LedgerPolicy::default(), facts.into_iter().collect());
    let review = |decision, day: &str| {
        let (finding, by, why) = ("f1".to_owned(), "r".to_owned(), String::new());
        Fact::Review(Review { finding, decision, by, at: at(day), why })
    };
    says(&ledger, &review(Decision::Confirmed, "2026-03-16T00:00:00+08:00"), "was confirmed already");
    assert_eq!(ledger.check(&review(Decision::Dismissed, "2026-03-16T00:00:00+08:00")), Ok(()));
    // The record's present is never before its last entry: the review that is there counts.
    says(&ledger, &review(Decision::Dismissed, "2026-03-14T00:00:00+08:00"), "is the clock right?");
}

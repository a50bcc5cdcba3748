//! The ledger against the naive one, on random records; and the letter's table, case by case.

mod decisions;

use proptest::prelude::*;

use super::{Ledger, LedgerPolicy, Replay, Rows, StandingWord, StrikeSources, Threshold, naive, replay};
use crate::{
    base::Timestamp,
    domain::{
        record::{
            ControlPeriod, Decision, Entry, Fact, Finding, Notice, Reinstatement, Review, ServiceFact, Suspension,
            UnitFact, Withdrawal,
        },
        registry::ServiceKind,
    },
    engine::rules::Class,
};

const UNITS: usize = 4;
const SERVICES: usize = 4;

/// One thing that happens. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Op {
    Move { unit: usize, parent: usize },
    Hand { service: usize, unit: usize, kind: ServiceKind },
    Notice { service: usize, class: Class, at: Timestamp, recorded: Option<Timestamp> },
    Finding { service: usize, class: Class, same: usize, at: Timestamp },
    Review { finding: usize, decision: Decision, at: Timestamp },
    Withdraw { case: usize, at: Timestamp },
    Reinstate { unit: usize, kind: ServiceKind, at: Timestamp },
    Suspend { unit: usize, kind: Option<ServiceKind>, at: Timestamp },
    Period { unit: usize, from: Timestamp, days: u8, divisor: u32 },
}

/// Moments about which windows differ: around the ends of months, leap days, and midnight in Shanghai.
fn moment() -> impl Strategy<Value = Timestamp> {
    let days = prop::sample::select(vec![
        "2023-02-28",
        "2023-03-01",
        "2023-12-31",
        "2024-01-28",
        "2024-01-29",
        "2024-01-31",
        "2024-02-15",
        "2024-02-28",
        "2024-02-29",
        "2024-03-01",
        "2024-03-15",
        "2024-03-28",
        "2024-03-29",
        "2024-03-30",
        "2024-03-31",
        "2024-04-01",
        "2024-04-30",
        "2024-05-31",
        "2024-12-31",
        "2025-01-31",
        "2025-02-28",
        "2025-03-01",
        "2025-03-31",
    ]);
    let hours = prop::sample::select(vec!["00:00:00", "00:00:00.001", "12:00:00", "23:59:59.999"]);
    (days, hours, prop::sample::select(vec!["+08:00", "Z"]))
        .prop_map(|(day, hour, zone)| format!("{day}T{hour}{zone}").parse().unwrap())
}

fn kind() -> impl Strategy<Value = ServiceKind> {
    prop::sample::select(ServiceKind::ALL.to_vec())
}

fn op() -> impl Strategy<Value = Op> {
    let class = || {
        prop::sample::select(vec![
            Class::Political,
            Class::Vulgar,
            Class::Vulgar,
            Class::Other,
            Class::Other,
            Class::Filing,
        ])
    };
    let (unit, service) = (0..UNITS, 0..SERVICES);
    let decision = prop::sample::select(vec![Decision::Confirmed, Decision::Confirmed, Decision::Dismissed]);
    prop_oneof![
        1 => (unit.clone(), 0..UNITS + 2).prop_map(|(unit, parent)| Op::Move { unit, parent }),
        1 => (service.clone(), unit.clone(), kind()).prop_map(|(service, unit, kind)| Op::Hand { service, unit, kind }),
        6 => (service.clone(), class(), moment(), prop::option::of(moment()))
            .prop_map(|(service, class, at, recorded)| Op::Notice { service, class, at, recorded }),
        6 => (service, class(), 0..4_usize, moment())
            .prop_map(|(service, class, same, at)| Op::Finding { service, class, same, at }),
        7 => (0..20_usize, decision, moment()).prop_map(|(finding, decision, at)| Op::Review { finding, decision, at }),
        1 => (0..20_usize, moment()).prop_map(|(case, at)| Op::Withdraw { case, at }),
        2 => (unit.clone(), kind(), moment()).prop_map(|(unit, kind, at)| Op::Reinstate { unit, kind, at }),
        1 => (unit.clone(), prop::option::of(kind()), moment()).prop_map(|(unit, kind, at)| Op::Suspend { unit, kind, at }),
        1 => (unit, moment(), 1..90_u8, 1..4_u32)
            .prop_map(|(unit, from, days, divisor)| Op::Period { unit, from, days, divisor }),
    ]
}

fn policy() -> impl Strategy<Value = LedgerPolicy> {
    let threshold = || (1..4_u32, 0..3_u32).prop_map(|(month, more)| Threshold { month, year: month + more });
    let rows =
        move || (threshold(), threshold()).prop_map(|(political_vulgar, other)| Rows { political_vulgar, other });
    let sources = (any::<[bool; 2]>(), prop::bool::weighted(0.2))
        .prop_map(|([notices, confirmed], bare)| StrikeSources { notices, confirmed, bare });
    let drawn = (rows(), rows(), any::<bool>(), sources, any::<bool>());
    drawn.prop_map(|(virtual_host, server, separate_counters, sources, letter)| {
        let mut policy = LedgerPolicy { separate_counters, ..LedgerPolicy::default() };
        if !letter {
            (policy.thresholds.virtual_host, policy.thresholds.server) = (virtual_host, server);
            policy.strikes = sources;
        }
        policy
    })
}

fn unit_fact(unit: usize, parent: Option<String>) -> Fact {
    let (name, identity, contact) = (String::new(), String::new(), String::new());
    Fact::Unit(UnitFact { unit: format!("u{unit}"), parent, name, identity, contact })
}

fn finding(id: String, service: String, class: Class, same: usize, at: Timestamp) -> Finding {
    let text = format!(
        r#"{{"id":"{id}","service":"{service}","class":"other","page":"http://a.cn/{}","rule":"r{}","content":"c","at":"{at}"}}"#,
        same % 2,
        same / 2
    );
    Finding { class, ..serde_json::from_str(&text).unwrap() }
}

fn notice(id: &str, service: &str, class: Class, at: Timestamp, recorded: Option<Timestamp>) -> Fact {
    let text = format!(r#"{{"id":"{id}","service":"{service}","class":"other","at":"{at}"}}"#);
    Fact::Notice(Notice { class, recorded, ..serde_json::from_str(&text).unwrap() })
}

/// The facts that ops mean, in their order; what makes no sense is left out.
fn facts(ops: &[Op]) -> Vec<Fact> {
    let mut facts: Vec<Fact> =
        (0..UNITS).map(|unit| unit_fact(unit, unit.checked_sub(1).map(|it| format!("u{it}")))).collect();
    for service in 0..SERVICES {
        let (kind, unit) = (ServiceKind::ALL[service % 2], format!("u{}", service % UNITS));
        facts.push(Fact::Service(ServiceFact { service: format!("s{service}"), unit, kind, server_ips: Vec::new() }));
    }
    let mut parents: Vec<Option<usize>> = (0..UNITS).map(|unit| unit.checked_sub(1)).collect();
    let (mut findings, mut cases) = (Vec::new(), Vec::new());
    for op in ops {
        let number = facts.len();
        facts.push(match *op {
            Op::Move { unit, parent } => {
                let parent = Some(parent).filter(|parent| *parent < UNITS);
                let (mut at, mut circle) = (parent, false);
                while let Some(above) = at {
                    circle |= above == unit;
                    at = if circle { None } else { parents[above] };
                }
                if circle {
                    continue;
                }
                parents[unit] = parent;
                unit_fact(unit, parent.map(|it| format!("u{it}")))
            }
            Op::Hand { service, unit, kind } => {
                let (service, unit) = (format!("s{service}"), format!("u{unit}"));
                Fact::Service(ServiceFact { service, unit, kind, server_ips: Vec::new() })
            }
            Op::Notice { service, class, at, recorded } => {
                let id = format!("n{number}");
                let fact = notice(&id, &format!("s{service}"), class, at, recorded);
                cases.push(id);
                fact
            }
            Op::Finding { service, class, same, at } => {
                let id = format!("f{number}");
                findings.push(id.clone());
                cases.push(id.clone());
                Fact::Finding(finding(id, format!("s{service}"), class, same, at))
            }
            Op::Review { finding, decision, at } if !findings.is_empty() => {
                let finding = findings[finding % findings.len()].clone();
                Fact::Review(Review { finding, decision, by: "r".into(), at, why: String::new() })
            }
            Op::Withdraw { case, at } if !cases.is_empty() => {
                Fact::Withdrawal(Withdrawal { of: cases[case % cases.len()].clone(), at, why: String::new() })
            }
            Op::Review { .. } | Op::Withdraw { .. } => continue,
            Op::Reinstate { unit, kind, at } => {
                let (unit, why, rectification) = (format!("u{unit}"), String::new(), String::new());
                Fact::Reinstatement(Reinstatement { unit, kind, at, why, rectification })
            }
            Op::Suspend { unit, kind, at } => {
                Fact::Suspension(Suspension { unit: format!("u{unit}"), kind, at, why: "w".into() })
            }
            Op::Period { unit, from, days, divisor } => Fact::ControlPeriod(ControlPeriod {
                id: format!("p{number}"),
                title: String::new(),
                from,
                to: from.plus_millis(i64::from(days) * 86_400_000),
                units: if unit == 0 { Vec::new() } else { vec![format!("u{unit}")] },
                freeze_admissions: false,
                close_interactive: false,
                threshold_divisor: divisor,
            }),
        });
    }
    facts
}

/// The entries that a replay of the facts means: each known from its own time on.
fn entries(facts: &[Fact]) -> Vec<Entry> {
    let recorded = |fact: &Fact| match fact {
        Fact::Notice(it) => it.at,
        Fact::Finding(it) => it.at,
        _ => Timestamp(0),
    };
    let entry = |(seq, fact): (u64, &Fact)| Entry { seq, recorded: recorded(fact), by: "t".into(), fact: fact.clone() };
    (1..).zip(facts).map(entry).collect()
}

/// What the ledger says, in the words of the naive one.
fn said(ledger: &Ledger, unit: &str, kind: ServiceKind, now: Timestamp) -> naive::NaiveStanding {
    let it = ledger.unit_standing(unit, kind, now);
    let pair = |counts: super::Counts| (counts.political_vulgar(), counts.other);
    naive::NaiveStanding {
        suspended: it.standing == StandingWord::Suspended,
        because: it.because,
        month: pair(it.month),
        year: pair(it.year),
        below_month: pair(it.below.month),
        below_year: pair(it.below.year),
    }
}

proptest! {
    #[test]
    fn a_replay_says_what_the_naive_ledger_says(
        ops in prop::collection::vec(op(), 0..40),
        policy in policy(),
        moments in prop::collection::vec(moment(), 1..4),
    ) {
        let facts = facts(&ops);
        let lines: Vec<(u32, Fact)> = (1..).zip(facts.iter().cloned()).collect();
        let Replay { ledger, last } = replay("events", lines, policy.clone()).unwrap();
        let entries = entries(&facts);
        for now in moments.into_iter().chain([last]) {
            let all = ledger.standings(now);
            prop_assert!(all.windows(2).all(|pair| (&pair[0].unit, pair[0].kind.as_str()) < (&pair[1].unit, pair[1].kind.as_str())));
            for one in all {
                let expected = naive::standing(&entries, &policy, &one.unit, one.kind, now);
                prop_assert_eq!(&said(&ledger, &one.unit, one.kind, now), &expected, "{} {:?} {}", one.unit, one.kind, now);
                let below = |counts: super::Counts| (counts.political_vulgar(), counts.other);
                prop_assert_eq!((below(one.below.month), below(one.below.year)), (expected.below_month, expected.below_year));
            }
        }
    }

    #[test]
    fn what_is_in_force_follows_the_record_and_the_clock(
        steps in prop::collection::vec((op(), 0..3_u8, moment()), 1..40),
        policy in policy(),
    ) {
        let facts = facts(&steps.iter().map(|(op, ..)| op.clone()).collect::<Vec<_>>());
        let mut clock = "2023-12-01T00:00:00Z".parse::<Timestamp>().unwrap();
        let mut ledger = Ledger::new(policy.clone());
        let mut entries = Vec::new();
        for (seq, fact) in (1..).zip(facts) {
            let (_, step, jump) = steps[seq as usize % steps.len()].clone();
            clock = match step {
                0 => clock,
                1 => clock.plus_millis(40_000_000),
                _ => clock.max(jump),
            };
            let entry = Entry { seq, recorded: clock, by: "t".into(), fact };
            ledger.apply(&entry);
            entries.push(entry);
            let standing = ledger.in_force(clock);
            let mut suspended = 0;
            for unit in 0..UNITS {
                let unit = format!("u{unit}");
                let kinds = ServiceKind::ALL.map(|kind| naive::standing(&entries, &policy, &unit, kind, clock).suspended);
                suspended += usize::from(kinds.contains(&true));
                for (kind, expected) in ServiceKind::ALL.into_iter().zip(kinds) {
                    prop_assert_eq!(ledger.is_suspended(&unit, kind, clock), expected, "{} {:?} {}", unit, kind, clock);
                    prop_assert_eq!(standing.suspends(&unit, kind), expected, "in force: {} {:?} {}", unit, kind, clock);
                }
            }
            prop_assert_eq!(standing.suspended_units(), suspended);
            // Nothing happens between now and the next change.
            if let Some(next) = standing.next_change() {
                prop_assert!(next > clock);
                for unit in ["u0", "u3"] {
                    for kind in ServiceKind::ALL {
                        let before = naive::standing(&entries, &policy, unit, kind, next.plus_millis(-1)).suspended;
                        prop_assert_eq!(before, standing.suspends(unit, kind));
                    }
                }
            }
        }
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// One unit with a service of each kind, and notices of these days.
fn with_notices(kind: ServiceKind, class: Class, days: &[&str]) -> Ledger {
    let mut facts = vec![unit_fact(1, None)];
    facts.push(Fact::Service(ServiceFact { service: "s".into(), unit: "u1".into(), kind, server_ips: Vec::new() }));
    for (number, day) in days.iter().enumerate() {
        facts.push(notice(&format!("n{number}"), "s", class, at(&format!("{day}T10:00:00+08:00")), None));
    }
    replay("events", (1..).zip(facts).collect(), LedgerPolicy::default()).unwrap().ledger
}

#[test]
fn the_letters_table_holds_to_the_number() {
    let day = |number: usize| format!("2026-03-{:02}", number + 1);
    for (kind, class, month, year) in [
        (ServiceKind::VirtualHost, Class::Political, 2, 5),
        (ServiceKind::VirtualHost, Class::Vulgar, 2, 5),
        (ServiceKind::VirtualHost, Class::Other, 4, 10),
        (ServiceKind::Server, Class::Political, 3, 6),
        (ServiceKind::Server, Class::Vulgar, 3, 6),
        (ServiceKind::Server, Class::Other, 5, 10),
    ] {
        let now = at("2027-01-01T00:00:00Z");
        for (count, expected) in [(month - 1, false), (month, true)] {
            let days: Vec<String> = (0..count).map(day).collect();
            let days: Vec<&str> = days.iter().map(String::as_str).collect();
            assert_eq!(with_notices(kind, class, &days).is_suspended("u1", kind, now), expected, "{kind:?} {class:?}");
        }
        // One a month and a bit: only the year adds up.
        for (count, expected) in [(year - 1, false), (year, true)] {
            let first = at("2025-03-01T00:00:00+08:00");
            let days: Vec<String> =
                (0..count).map(|it| first.plus_millis(it * 34 * 86_400_000).local_date().to_string()).collect();
            let days: Vec<&str> = days.iter().map(String::as_str).collect();
            assert_eq!(with_notices(kind, class, &days).is_suspended("u1", kind, now), expected, "{kind:?} {class:?}");
        }
    }
    let filing = with_notices(ServiceKind::VirtualHost, Class::Filing, &["2026-03-01"; 9]);
    assert!(!filing.is_suspended("u1", ServiceKind::VirtualHost, at("2027-01-01T00:00:00Z")), "never a strike");
}

#[test]
fn what_cannot_be_is_told_with_its_line() {
    let lines = |text: &str| -> Vec<(u32, Fact)> {
        (1..).zip(text.lines().map(|line| serde_json::from_str(line).unwrap())).collect()
    };
    for (text, line, part) in [
        (r#"{"type":"unit","unit":"u1","parent":"u9"}"#, 1, "\"u9\""),
        (
            "{\"type\":\"unit\",\"unit\":\"a\",\"parent\":\"b\"}\n{\"type\":\"unit\",\"unit\":\"b\",\"parent\":\"a\"}",
            1,
            "circle",
        ),
        (r#"{"type":"unit","unit":"a","parent":"a"}"#, 1, "circle"),
        (r#"{"type":"service","service":"s","unit":"u","kind":"server"}"#, 1, "no unit \"u\""),
        (
            r#"{"type":"notice","id":"n","service":"s","class":"other","at":"2026-01-01T00:00:00Z"}"#,
            1,
            "no service \"s\"",
        ),
        (
            r#"{"type":"review","finding":"f","decision":"confirmed","by":"r","at":"2026-01-01T00:00:00Z"}"#,
            1,
            "no finding",
        ),
        (r#"{"type":"withdrawal","of":"f","at":"2026-01-01T00:00:00Z"}"#, 1, "to withdraw"),
        (
            "{\"type\":\"unit\",\"unit\":\"u\"}\n{\"type\":\"reinstatement\",\"unit\":\"v\",\"kind\":\"server\",\"at\":\"2026-01-01T00:00:00Z\"}",
            2,
            "no unit \"v\"",
        ),
    ] {
        let problems = replay("e.jsonl", lines(text), LedgerPolicy::default()).unwrap_err();
        assert_eq!(problems[0].line, line, "{:?}", problems);
        assert!(problems[0].message.contains(part), "{:?}", problems);
    }
    let twice = "{\"type\":\"unit\",\"unit\":\"u\"}\n{\"type\":\"service\",\"service\":\"s\",\"unit\":\"u\",\"kind\":\"server\"}\n\
                 {\"type\":\"notice\",\"id\":\"n\",\"service\":\"s\",\"class\":\"other\",\"at\":\"2026-01-01T00:00:00Z\"}\n\
                 {\"type\":\"notice\",\"id\":\"n\",\"service\":\"s\",\"class\":\"other\",\"at\":\"2026-01-02T00:00:00Z\"}";
    assert_eq!(replay("e", lines(twice), LedgerPolicy::default()).unwrap_err()[0].line, 4);
}

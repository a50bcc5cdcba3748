//! Reports to look at and to test with.

use super::{Letterhead, Report};
use crate::{
    base::Timestamp,
    domain::{
        apportion::{Fen, apportion},
        incident::{Incident, Note},
        record::{CommitmentForm, IncidentKind, IncidentOpen, IncidentScope, LockScope},
        registry::{FilingState, ServiceKind},
        report::{
            ApportionmentReport, IncidentReport, LetterOfCommitment, Limit, Month, Party, RectificationReport, SiteRow,
            Source, Statistics, SuspensionCause, SuspensionNotice, Tally, TimelineEntry, UnitRow, Verdict, Violation,
            WrittenNotice,
        },
    },
    engine::rules::Class,
};

pub(super) const MADE: Timestamp = Timestamp(1_773_547_200_000);

pub(super) fn letterhead() -> Letterhead {
    Letterhead {
        provider: "蜀云数据中心有限公司".into(),
        address: "四川省成都市某某区某某路1号".into(),
        telephone: "028-12345678".into(),
        mail: "infosec@example.cn".into(),
        authority: "市公安局网监分局".into(),
    }
}

fn party(unit: &str) -> Party {
    Party {
        unit: unit.into(),
        name: "成都某某网络科技有限公司".into(),
        identity: "91510100MA00000000".into(),
        contact: "成都市某某路2号".into(),
    }
}

pub(super) fn violation(at: usize) -> Violation {
    let notice = at.is_multiple_of(3);
    let long = if at.is_multiple_of(7) { "/a-rather-long-part".repeat(15) } else { String::new() };
    Violation {
        id: format!("f-{at:020x}"),
        at: MADE.plus_millis(-86_400_000 * (60 - (at as i64 % 60))),
        class: [Class::Vulgar, Class::Other, Class::Political][at % 3],
        source: if notice {
            Source::Notice {
                authority: "省通信管理局".into(), document: format!("川通管函〔2026〕{at}号")
            }
        } else {
            Source::Finding { rule: "gambling.online-casino".into(), verdict: Verdict::Confirmed }
        },
        url: format!("http://www.site{at}.example.cn/bbs/forum.php?mod=viewthread&tid={at}{long}"),
        what: if notice { "网站存在赌博类有害信息".into() } else { "百家乐".into() },
        excerpt: if notice {
            String::new()
        } else {
            "……本站提供真人百家乐、时时彩，注册即送……".into()
        },
        evidence: format!("{at:064x}"),
        server_ip: "10.0.0.5".into(),
    }
}

fn site(at: usize) -> SiteRow {
    let filing = FilingState::ALL[at % 4];
    let icp =
        if filing == FilingState::Unfiled { String::new() } else { format!("蜀ICP备{:08}号-1", 12_345_678 + at) };
    let (server_ip, host) = (format!("10.0.0.{}", 5 + at / 50), format!("www.site{at}.example.cn"));
    SiteRow { server_ip, host, unit: "u1".into(), icp, filing }
}

fn limits() -> Vec<Limit> {
    let limit = |kind, other, month, year| Limit { kind, other, month, year };
    vec![
        limit(ServiceKind::VirtualHost, false, 2, 5),
        limit(ServiceKind::VirtualHost, true, 4, 10),
        limit(ServiceKind::Server, false, 3, 6),
        limit(ServiceKind::Server, true, 5, 10),
    ]
}

pub(super) fn rectification(violations: usize, sites: usize) -> Report {
    Report::Rectification(RectificationReport {
        party: party("u1"),
        ips: vec!["10.0.0.5".into(), "10.0.0.6".into()],
        violations: (0..violations).map(violation).collect(),
        omitted: 0,
        sites: (0..sites).map(site).collect(),
        measures: if violations == 0 {
            vec![]
        } else {
            vec!["关闭论坛新用户发贴功能，全部贴子由管理员审核后再显示。".into()]
        },
        signatory: String::new(),
        signatory_identity: String::new(),
        date: None,
    })
}

fn incident() -> Incident {
    let note = |seq, hours: i64, step: &str, text: &str| Note {
        seq,
        at: MADE.plus_millis(3_600_000 * hours),
        by: "wang".into(),
        step: step.into(),
        text: text.into(),
    };
    Incident {
        open: IncidentOpen {
            id: "i-20260315-3fa91c".into(),
            kind: IncidentKind::Content,
            title: "论坛出现大量赌博信息，被上级主管部门通报".into(),
            at: MADE.plus_millis(-36_000_000),
            deadline: MADE.plus_millis(-36_000_000 + 86_400_000),
            units: vec!["u1".into()],
            sites: vec!["www.site1.example.cn".into()],
            because: vec!["n1".into()],
            locked: vec![IncidentScope {
                host: "www.site1.example.cn".into(),
                path: "/bbs/".into(),
                scope: LockScope::Directory,
            }],
        },
        by: "wang".into(),
        recorded: MADE,
        notes: vec![note(7, -2, "measure", "要求单位立即关闭发贴功能"), note(9, -1, "notified", "已书面通知单位")],
        reported: None,
        closed: None,
    }
}

pub(super) fn all() -> Vec<(&'static str, Report)> {
    let violations = |count| (0..count).map(violation).collect::<Vec<_>>();
    let timeline = (0..14)
        .map(|at| TimelineEntry {
            seq: 100 + at,
            at: MADE.plus_millis(600_000 * at as i64),
            by: ["edge", "command line (wang)", "policy"][at as usize % 3].into(),
            step: ["finding", "notice", "incident_open", "lock", "measure", "reminder"][at as usize % 6].into(),
            text: "http://www.site1.example.cn/bbs/forum.php?mod=viewthread&tid=1".into(),
        })
        .collect();
    let counts = [("a", 3), ("b", 7), ("u1", 1)].map(|(unit, count)| (unit.to_owned(), count)).into();
    let shares = apportion(Fen(5_000_000), &counts).unwrap();
    vec![
        ("rectification", rectification(5, 60)),
        ("rectification-blank", rectification(0, 0)),
        (
            "commitment-hosting",
            Report::Commitment(LetterOfCommitment {
                form: CommitmentForm::Hosting,
                party: party("u1"),
                limits: limits(),
            }),
        ),
        (
            "commitment-datacenter",
            Report::Commitment(LetterOfCommitment {
                form: CommitmentForm::Datacenter,
                party: party("u1"),
                limits: limits(),
            }),
        ),
        (
            "suspension",
            Report::Suspension(SuspensionNotice {
                party: party("u1"),
                kind: ServiceKind::VirtualHost,
                since: MADE,
                cause: SuspensionCause::Threshold { other: false, year: false, count: 3, limit: 2 },
                strikes: violations(60),
                limits: limits()[..2].to_vec(),
            }),
        ),
        (
            "suspension-decision",
            Report::Suspension(SuspensionNotice {
                party: party("u1"),
                kind: ServiceKind::Server,
                since: MADE,
                cause: SuspensionCause::Decision("擅自开通未备案网站".into()),
                strikes: vec![],
                limits: limits()[2..].to_vec(),
            }),
        ),
        (
            "incident",
            Report::Incident(IncidentReport {
                incident: incident(),
                parties: vec![party("u1")],
                sites: vec![site(1), site(2)],
                unregistered: vec!["other.cn".into()],
                violations: violations(4),
                timeline,
            }),
        ),
        (
            "notice",
            Report::Notice(WrittenNotice {
                party: party("u1"),
                incident: incident(),
                violations: violations(2),
                sites: vec!["www.site1.example.cn".into()],
            }),
        ),
        (
            "statistics",
            Report::Statistics(Statistics {
                month: Month { year: 2026, month: 3 },
                units: (0..40)
                    .map(|at| UnitRow {
                        party: party(&format!("u{at}")),
                        sites: at * 3,
                        filed: at * 2,
                        tally: Tally {
                            findings: [at, 2 * at, 3, 1],
                            notices: [0, 1, 0, 0],
                            confirmed: 3,
                            ..Tally::default()
                        },
                    })
                    .collect(),
                total: Tally { findings: [1, 2, 3, 4], ..Tally::default() },
            }),
        ),
        (
            "apportionment",
            Report::Apportionment(ApportionmentReport {
                amount: Fen(5_000_000),
                incident: "i-20260315-3fa91c".into(),
                shares: shares.into_iter().map(|share| (party(&share.unit), share)).collect(),
            }),
        ),
    ]
}

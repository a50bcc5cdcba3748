//! The words of the reports for what the domain knows by type.

use crate::{
    base::{Date, Timestamp},
    domain::{
        incident::Phase,
        record::{IncidentKind, LockScope},
        registry::{FilingState, ServiceKind},
        report::{Month, SiteRow, Source, Verdict, Violation},
    },
    engine::rules::Class,
};

/// `2026年3月15日 10:00`, in Asia/Shanghai.
pub(super) fn time(at: Timestamp) -> String {
    let date = at.local_date();
    let minutes = (at.0 - Timestamp::local_midnight(date).0).div_euclid(60_000);
    format!("{} {:02}:{:02}", day(date), minutes / 60, minutes % 60)
}

/// `2026-03-15 10:00:00`, for tables.
pub(super) fn stamp(at: Timestamp) -> String {
    let date = at.local_date();
    let seconds = (at.0 - Timestamp::local_midnight(date).0).div_euclid(1_000);
    format!("{date} {:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// `2026年3月15日`.
pub(super) fn day(date: Date) -> String {
    format!("{}年{}月{}日", date.year, date.month, date.day)
}

/// `2026年3月`.
pub(super) fn month(month: Month) -> String {
    format!("{}年{}月", month.year, month.month)
}

/// What the letter calls a class.
pub(super) const fn class(class: Class) -> &'static str {
    match class {
        Class::Political => "政治类",
        Class::Vulgar => "低俗类",
        Class::Other => "其他类非法信息",
        Class::Filing => "备案类",
    }
}

/// What the letter calls a kind of service.
pub(super) const fn kind(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::VirtualHost => "虚拟主机",
        ServiceKind::Server => "VPS、云主机、主机租用托管",
    }
}

/// What kind of incident it is.
pub(super) const fn incident_kind(kind: IncidentKind) -> &'static str {
    match kind {
        IncidentKind::Content => "有害信息传播",
        IncidentKind::Security => "网络安全攻击",
        IncidentKind::Malware => "传播计算机病毒等破坏性程序",
    }
}

/// Where an incident stands.
pub(super) const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Open => "处置中，尚未报告",
        Phase::Reported => "已报告，处置中",
        Phase::Closed => "已办结",
    }
}

/// What was done: the kind of a fact, or the step of an incident's note.
pub(super) fn step(step: &str) -> &str {
    match step {
        "finding" => "发现",
        "notice" => "通报",
        "review" => "审查",
        "withdrawal" => "撤销",
        "lock" => "锁定",
        "unlock" => "解锁",
        "suspension" => "中止服务",
        "reinstatement" => "恢复服务",
        "termination" => "终止合同",
        "rectification" => "整改报告",
        "evidence_view" => "调阅证据",
        "incident_open" => "立案",
        "measure" => "措施",
        "note" => "记录",
        "notified" => "书面通知",
        "reported" => "报告主管部门",
        "reminder" => "时限提醒",
        "closed" => "办结",
        other => other,
    }
}

/// What is locked.
pub(super) const fn scope(scope: LockScope) -> &'static str {
    match scope {
        LockScope::Page => "页面",
        LockScope::Directory => "目录",
        LockScope::Site => "整站",
    }
}

/// 是否ICP备案.
pub(super) fn filed(site: &SiteRow) -> String {
    match site.filing {
        FilingState::Filed if site.icp.is_empty() => "是".to_owned(),
        FilingState::Filed => format!("是（{}）", site.icp),
        FilingState::Elsewhere => format!("否（{}，在其他接入商备案，未接入）", site.icp),
        FilingState::Cancelled => format!("否（{}，备案已注销）", site.icp),
        FilingState::Unfiled => "否（未备案）".to_owned(),
    }
}

/// Who says so.
pub(super) fn source(violation: &Violation) -> String {
    match &violation.source {
        Source::Notice { authority, document } => {
            let authority = if authority.is_empty() { "上级主管部门" } else { authority };
            let document = if document.is_empty() { String::new() } else { format!("（{document}）") };
            format!("{authority}通报{document}")
        }
        Source::Finding { verdict, .. } => match verdict {
            Verdict::Confirmed => "监控发现，已审查确认".to_owned(),
            Verdict::Dismissed => "监控发现，审查排除".to_owned(),
            Verdict::Pending => "监控发现，待审查".to_owned(),
        },
    }
}

/// What was seen, with the text around it.
pub(super) fn what(violation: &Violation) -> String {
    let what = match &violation.source {
        Source::Notice { .. } => violation.what.clone(),
        Source::Finding { rule, .. } if violation.what.is_empty() => format!("规则 {rule}"),
        Source::Finding { .. } => format!("“{}”", violation.what),
    };
    if violation.excerpt.is_empty() { what } else { format!("{what}\n{}", violation.excerpt) }
}

/// A small number as the letter writes it: 两次, 十次.
pub(super) fn numeral(number: u32) -> String {
    const DIGITS: [&str; 10] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let digit = |value: u32| DIGITS.get(value as usize).copied().unwrap_or_default();
    match number {
        2 => "两".to_owned(),
        0..10 => digit(number).to_owned(),
        10..20 => format!("十{}", if number == 10 { "" } else { digit(number - 10) }),
        20..100 => {
            format!("{}十{}", digit(number / 10), if number.is_multiple_of(10) { "" } else { digit(number % 10) })
        }
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_local_and_numbers_are_spelt() {
        let at: Timestamp = "2026-03-14T16:05:09Z".parse().unwrap();
        assert_eq!((time(at).as_str(), stamp(at).as_str()), ("2026年3月15日 00:05", "2026-03-15 00:05:09"));
        let spelt: Vec<String> = [1, 2, 4, 10, 12, 20, 35, 120].map(numeral).to_vec();
        assert_eq!(spelt, ["一", "两", "四", "十", "十二", "二十", "三十五", "120"]);
    }
}

//! An incident on paper: the report to the authority, and the written notice to a unit (second letter 9,
//! first letter 8).

use super::{
    Letterhead,
    document::{Block, Document, Field, Table},
    rectification::violations,
    words,
};
use crate::{
    base::Timestamp,
    domain::report::{IncidentReport, TimelineEntry, WrittenNotice},
};

/// The report to the authority.
pub(super) fn report(letterhead: &Letterhead, report: &IncidentReport, made: Timestamp) -> Document {
    let mut blocks = vec![Block::Line(format!("{}：", letterhead.authority))];
    blocks.push(Block::paragraph(format!(
        "根据《计算机信息网络国际联网安全保护管理办法》关于二十四小时内报告的规定，现将{}发现的一起事件（{}）报告如下。",
        words::time(report.incident.open.at),
        words::incident_kind(report.incident.open.kind),
    )));
    blocks.push(Block::heading("一、基本情况"));
    blocks.push(Block::Table(basics(report, made)));
    blocks.push(Block::heading("二、涉及网站"));
    blocks.push(Block::Table(sites(report)));
    if !report.violations.is_empty() {
        blocks.push(Block::heading("三、发现的有害信息"));
        blocks.push(Block::Table(violations(&report.violations)));
    }
    let numbered = if report.violations.is_empty() { ["三", "四", "五"] } else { ["四", "五", "六"] };
    blocks.push(Block::heading(format!("{}、已采取的应急措施", numbered[0])));
    measures(report, &mut blocks);
    blocks.push(Block::heading(format!("{}、处置经过", numbered[1])));
    blocks.push(Block::Table(timeline(&report.timeline)));
    blocks.push(Block::heading(format!("{}、原始记录的保全", numbered[2])));
    records(report, &mut blocks);
    blocks.push(Block::Fields(vec![
        Field::new("报告单位", letterhead.provider.as_str()),
        Field::new("单位地址", letterhead.address.as_str()),
        Field::new("联系方式", letterhead.contact()),
        Field::new("联系人", ""),
    ]));
    blocks.push(Block::Signed(vec![format!("{}（盖章）", letterhead.provider), words::day(made.local_date())]));
    Document {
        title: "网络安全事件报告".to_owned(),
        number: report.incident.open.id.clone(),
        made,
        blocks,
        signatures: vec!["报告人签字", "单位盖章", "日期"],
    }
}

/// The notice to a unit.
pub(super) fn notice(letterhead: &Letterhead, notice: &WrittenNotice, made: Timestamp) -> Document {
    let open = &notice.incident.open;
    let mut blocks = vec![Block::Line(format!("{}（{}）：", notice.party.name, notice.party.unit))];
    blocks.push(Block::paragraph(format!(
        "{}，我公司发现贵单位（本人）所经营、管理的网站发生一起事件（{}）：{}。根据贵单位（本人）签署的承诺书，现书面通知如下。",
        words::time(open.at),
        words::incident_kind(open.kind),
        open.title,
    )));
    if !notice.sites.is_empty() {
        blocks.push(Block::heading("一、涉及网站"));
        for (at, site) in notice.sites.iter().enumerate() {
            blocks.push(Block::Item { mark: format!("{}.", at + 1), text: site.clone() });
        }
    }
    let mut numbers = ["二", "三", "四"].into_iter().skip(usize::from(notice.sites.is_empty()));
    let mut heading = |text: &str| Block::heading(format!("{}、{text}", numbers.next().unwrap_or("一")));
    if !notice.violations.is_empty() {
        blocks.push(heading("发现的有害信息"));
        blocks.push(Block::Table(violations(&notice.violations)));
    }
    blocks.push(heading("要求"));
    for (mark, text) in [
        ("1.", "立即采取应急措施，清除有害信息或停止有关网络活动，防止扩散；"),
        ("2.", "保留有关原始记录，不得删除、篡改日志及数据；"),
        ("3.", "提交每页签名、加盖公章的《整改报告》，写明问题、站点备案情况和具体整改措施；"),
        ("4.", "配合主管部门的调查。"),
    ] {
        blocks.push(Block::Item { mark: mark.to_owned(), text: text.to_owned() });
    }
    let locked: Vec<String> = open
        .locked
        .iter()
        .map(|lock| format!("{}{}（{}）", lock.host, lock.path, words::scope(lock.scope)))
        .filter(|lock| notice.sites.iter().any(|site| lock.starts_with(site.as_str())))
        .collect();
    if !locked.is_empty() {
        blocks.push(Block::paragraph(format!("我公司已对下列内容采取紧急锁定措施：{}。", locked.join("；"))));
    }
    blocks.push(Block::paragraph(format!(
        "我公司将依法于{}前向{}报告本事件。",
        words::time(open.deadline),
        letterhead.authority
    )));
    if !letterhead.contact().is_empty() {
        blocks.push(Block::paragraph(format!("联系方式：{}。", letterhead.contact())));
    }
    blocks.push(Block::Signed(vec![format!("{}（盖章）", letterhead.provider), words::day(made.local_date())]));
    blocks.push(Block::Fields(vec![Field::new("签收人", ""), Field::new("签收日期", "")]));
    Document {
        title: "书面通知".to_owned(),
        number: format!("{}-{}", open.id, notice.party.unit),
        made,
        blocks,
        signatures: vec!["经办人签字", "单位盖章", "日期"],
    }
}

fn basics(report: &IncidentReport, made: Timestamp) -> Table {
    let incident = &report.incident;
    let mut table = Table::new([("项目", 30), ("内容", 120)]);
    let mut row = |what: &str, text: String| table.row([what.to_owned(), text]);
    row("事件编号", incident.open.id.clone());
    row("事件类型", words::incident_kind(incident.open.kind).to_owned());
    row("事件概述", incident.open.title.clone());
    row("发现时间", words::time(incident.open.at));
    row("报告期限", words::time(incident.open.deadline));
    let late = if incident.overdue(made) { "（已超过报告期限）" } else { "" };
    row("当前状态", format!("{}{late}", words::phase(incident.phase())));
    let parties: Vec<String> = report
        .parties
        .iter()
        .map(|party| match party.identity.as_str() {
            "" => format!("{}（{}）", party.name, party.unit),
            identity => format!("{}（{}，{identity}）", party.name, party.unit),
        })
        .collect();
    row("涉及单位", parties.join("\n"));
    table
}

fn sites(report: &IncidentReport) -> Table {
    let mut table = Table::new([("IP地址", 30), ("网站", 50), ("所属单位", 30), ("是否ICP备案", 50)]);
    for site in &report.sites {
        table.row([site.server_ip.clone(), site.host.clone(), site.unit.clone(), words::filed(site)]);
    }
    for host in &report.unregistered {
        table.row([String::new(), host.clone(), String::new(), "否（不在登记册内）".to_owned()]);
    }
    if table.rows.is_empty() {
        table.blank_rows(1);
    }
    table
}

fn measures(report: &IncidentReport, blocks: &mut Vec<Block>) {
    let open = &report.incident.open;
    let locked = open
        .locked
        .iter()
        .map(|lock| format!("{}起锁定{}：{}{}", words::time(open.at), words::scope(lock.scope), lock.host, lock.path));
    let suspended = report
        .timeline
        .iter()
        .filter(|entry| entry.step == "suspension")
        .map(|entry| format!("{}中止接入服务：{}", words::time(entry.at), entry.text));
    let noted = report
        .incident
        .notes
        .iter()
        .filter(|note| matches!(note.step.as_str(), "measure" | "notified"))
        .map(|note| format!("{}：{}", words::time(note.at), note.text));
    let all: Vec<String> = locked.chain(suspended).chain(noted).collect();
    if all.is_empty() {
        blocks.extend((1..=3).map(|at| Block::Item { mark: format!("{at}."), text: String::new() }));
    }
    for (at, text) in all.into_iter().enumerate() {
        blocks.push(Block::Item { mark: format!("{}.", at + 1), text });
    }
}

fn timeline(entries: &[TimelineEntry]) -> Table {
    let mut table = Table::new([("记录号", 14), ("时间", 28), ("操作人", 28), ("事项", 24), ("内容", 80)]);
    for entry in entries {
        table.row([
            entry.seq.to_string(),
            words::stamp(entry.at),
            entry.by.clone(),
            words::step(&entry.step).to_owned(),
            entry.text.clone(),
        ]);
    }
    table
}

fn records(report: &IncidentReport, blocks: &mut Vec<Block>) {
    blocks.push(Block::paragraph(
        "有关原始记录（网页原文、响应头、命中规则及时间）已保存并由哈希链和数字签名保护，自事件立案之日起不受保存期限限制，直至办结。\
         可应要求导出，供独立核验。",
    ));
    let kept: Vec<_> = report.violations.iter().filter(|violation| !violation.evidence.is_empty()).collect();
    if kept.is_empty() {
        return;
    }
    let mut table = Table::new([("记录", 40), ("证据哈希（SHA-256）", 110)]);
    for violation in kept {
        table.row([violation.id.clone(), violation.evidence.clone()]);
    }
    blocks.push(Block::Table(table));
}

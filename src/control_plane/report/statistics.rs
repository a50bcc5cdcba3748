//! A month in numbers, and a fine shared: tables for the provider's own files.

use super::{
    Letterhead,
    document::{Block, Document, Table},
    words,
};
use crate::{
    base::Timestamp,
    domain::report::{ApportionmentReport, Statistics, Tally},
};

/// 月度统计.
pub(super) fn monthly(letterhead: &Letterhead, statistics: &Statistics, made: Timestamp) -> Document {
    let total = &statistics.total;
    let mut blocks = vec![
        Block::paragraph(format!(
            "{}{}，共记录有害信息{}条（确认{}条，排除{}条）、上级主管部门通报{}次；锁定{}次，解锁{}次；人工中止服务{}次，恢复服务{}\
             次；立案事件{}起。",
            letterhead.provider,
            words::month(statistics.month),
            total.findings.iter().sum::<u64>(),
            total.confirmed,
            total.dismissed,
            total.notices.iter().sum::<u64>(),
            total.locks,
            total.unlocks,
            total.suspensions,
            total.reinstatements,
            total.incidents,
        )),
        Block::heading("一、有害信息与通报（次）"),
    ];
    let mut table = Table::new([
        ("单位", 44),
        ("站点", 14),
        ("已备案", 14),
        ("发现\n政治类", 15),
        ("发现\n低俗类", 15),
        ("发现\n其他类", 15),
        ("发现\n备案类", 15),
        ("通报", 12),
        ("确认", 12),
        ("排除", 12),
        ("撤销", 12),
    ]);
    let row = |name: String, sites: String, filed: String, tally: &Tally| {
        let [political, vulgar, other, filing] = tally.findings.map(|count| count.to_string());
        [
            name,
            sites,
            filed,
            political,
            vulgar,
            other,
            filing,
            tally.notices.iter().sum::<u64>().to_string(),
            tally.confirmed.to_string(),
            tally.dismissed.to_string(),
            tally.withdrawn.to_string(),
        ]
    };
    for unit in &statistics.units {
        table.row(row(
            name(&unit.party.name, &unit.party.unit),
            unit.sites.to_string(),
            unit.filed.to_string(),
            &unit.tally,
        ));
    }
    let sites: u64 = statistics.units.iter().map(|unit| unit.sites).sum();
    let filed: u64 = statistics.units.iter().map(|unit| unit.filed).sum();
    table.row(row("合计".to_owned(), sites.to_string(), filed.to_string(), total));
    blocks.push(Block::Table(table));

    blocks.push(Block::heading("二、处置（次）"));
    let mut table = Table::new([
        ("单位", 44),
        ("锁定", 16),
        ("解锁", 16),
        ("人工中止", 18),
        ("恢复服务", 18),
        ("整改报告", 18),
        ("事件", 16),
    ]);
    let row = |name: String, tally: &Tally| {
        [
            name,
            tally.locks.to_string(),
            tally.unlocks.to_string(),
            tally.suspensions.to_string(),
            tally.reinstatements.to_string(),
            tally.rectifications.to_string(),
            tally.incidents.to_string(),
        ]
    };
    for unit in &statistics.units {
        table.row(row(name(&unit.party.name, &unit.party.unit), &unit.tally));
    }
    table.row(row("合计".to_owned(), total));
    blocks.push(Block::Table(table));
    blocks.push(Block::Note(
        "说明：按记录入库时间（北京时间）统计；一起事件涉及多个单位的，各单位分别计数，合计只计一次；站点及备案情况为生成时的数据。"
            .to_owned(),
    ));
    Document {
        title: "月度信息安全统计".to_owned(),
        number: format!("TJ-{}", statistics.month),
        made,
        blocks,
        signatures: vec!["审核人签字", "单位盖章", "日期"],
    }
}

/// 罚款分担明细 (second letter, 11.3).
pub(super) fn apportionment(letterhead: &Letterhead, report: &ApportionmentReport, made: Timestamp) -> Document {
    let sites: u64 = report.shares.iter().map(|(_, share)| share.sites).sum();
    let cause = if report.incident.is_empty() { String::new() } else { format!("因事件{}，", report.incident) };
    let mut table = Table::new([("单位", 60), ("涉及网站（个）", 30), ("分担金额（元）", 36), ("备注", 30)]);
    for (party, share) in &report.shares {
        let note = if share.rounded_up { "含尾差0.01元" } else { "" };
        table.row([name(&party.name, &party.unit), share.sites.to_string(), share.amount.to_string(), note.to_owned()]);
    }
    table.row(["合计".to_owned(), sites.to_string(), report.amount.to_string(), String::new()]);
    let blocks = vec![
        Block::paragraph(format!(
            "{cause}{}被相关部门处罚，罚款金额为人民币{}元。依据《互联网安全承诺书》第十一条第3款，由下列单位根据所涉及的网站数量比例分担。",
            letterhead.provider, report.amount
        )),
        Block::Table(table),
        Block::Note(
            "计算规则（最大余数法）：各单位先按“罚款金额×本单位网站数÷网站总数”计算至分，分以下舍去；余下的分按被舍去部分由大到小逐一分\
             配，每单位至多一分，被舍去部分相同的按单位编号顺序。各单位分担金额之和等于罚款金额。"
                .to_owned(),
        ),
        Block::Signed(vec![format!("{}（盖章）", letterhead.provider), words::day(made.local_date())]),
    ];
    Document {
        title: "罚款分担明细".to_owned(),
        number: format!("FD-{}", super::compact(made)),
        made,
        blocks,
        signatures: vec!["经办人签字", "单位盖章", "日期"],
    }
}

fn name(name: &str, unit: &str) -> String {
    if name == unit { unit.to_owned() } else { format!("{name}（{unit}）") }
}

//! 中止接入服务通知书: why a unit is suspended, by which strikes, and what it takes to come back.

use super::{
    Letterhead,
    document::{Block, Document, Field, Table},
    rectification::violations,
    words,
};
use crate::{
    base::Timestamp,
    domain::report::{SuspensionCause, SuspensionNotice},
};

/// The notice, from the provider to the unit.
pub(super) fn document(letterhead: &Letterhead, notice: &SuspensionNotice, made: Timestamp) -> Document {
    let mut blocks = vec![Block::Line(format!("{}（{}）：", notice.party.name, notice.party.unit))];
    let kind = words::kind(notice.kind);
    let since = words::time(notice.since);
    blocks.push(Block::paragraph(match &notice.cause {
        SuspensionCause::Threshold { other, year, count, limit } => format!(
            "贵单位（本人）名下的{kind}服务因存在{}被通报或经审查确认，{}已达{count}次，达到贵单位（本人）签署的《互联网安全承诺\
             书》第十一条第1款约定的频率（{}次（含）以上）。依据该条约定，我公司自{since}起中止该类服务的接入。",
            row(*other),
            period(*year),
            words::numeral(*limit),
        ),
        SuspensionCause::Decision(why) => {
            format!("依据贵单位（本人）签署的《互联网安全承诺书》，我公司自{since}起中止贵单位（本人）名下{kind}服务的接入。原因：{why}")
        }
    }));
    blocks.push(Block::paragraph(
        "根据承诺书第十一条第1款，中止接入服务后，余额不予退还。该类服务项下全部站点自上述时间起停止访问。",
    ));
    if !notice.strikes.is_empty() {
        blocks.push(Block::heading("一、据以中止服务的通报及确认记录"));
        blocks.push(Block::Table(violations(&notice.strikes)));
    }
    blocks.push(Block::heading(if notice.strikes.is_empty() {
        "一、承诺书约定的频率"
    } else {
        "二、承诺书约定的频率"
    }));
    let mut table =
        Table::new([("服务类型", 50), ("信息类别", 60), ("一月内（含）以上", 30), ("一年内（含）以上", 30)]);
    for limit in &notice.limits {
        table.row([
            words::kind(limit.kind).to_owned(),
            row(limit.other).to_owned(),
            format!("{}次", limit.month),
            format!("{}次", limit.year),
        ]);
    }
    blocks.push(Block::Table(table));
    blocks.push(Block::heading(if notice.strikes.is_empty() { "二、恢复服务" } else { "三、恢复服务" }));
    blocks.push(Block::paragraph(
        "申请恢复服务，须先清除全部有害信息，并提交每页签名、加盖公章的《整改报告》。我公司收到并审核后，由专人决定是否恢复；是否\
         恢复及恢复时间另行书面通知。",
    ));
    if !letterhead.contact().is_empty() {
        blocks.push(Block::paragraph(format!("如有异议，请联系：{}。", letterhead.contact())));
    }
    blocks.push(Block::Signed(vec![format!("{}（盖章）", letterhead.provider), words::day(made.local_date())]));
    blocks.push(Block::heading("签收"));
    blocks.push(Block::Fields(vec![Field::new("签收人", ""), Field::new("签收日期", "")]));
    Document {
        title: "中止接入服务通知书".to_owned(),
        number: format!("ZZ-{}-{}-{}", notice.party.unit, notice.kind.as_str(), super::compact(made)),
        made,
        blocks,
        signatures: vec!["经办人签字", "单位盖章", "日期"],
    }
}

/// The two rows of the letter's table.
pub(super) fn row(other: bool) -> &'static str {
    if other { "代考、气枪、代迷魂药等其他类非法信息" } else { "政治类、低俗类信息" }
}

fn period(year: bool) -> &'static str {
    if year { "一年内" } else { "一月内" }
}

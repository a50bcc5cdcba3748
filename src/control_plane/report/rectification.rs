//! 整改报告, as part two of the second letter has it: field by field.

use super::{
    Letterhead,
    document::{Block, Document, Field, Table},
    words,
};
use crate::{
    base::Timestamp,
    domain::report::{RectificationReport, Source, Violation},
};

/// The letter's own form has so many measures and so many empty rows.
const MEASURES: usize = 4;
const BLANK_ROWS: usize = 5;

/// The letter's examples of measures.
const EXAMPLES: &str = "（整改措施举例：论坛新注册的会员需要24小时后才能发贴、所发贴子必须经管理员审核后再显示、加强审核杜绝可能会\
                        有问题或有争议的贴子、升级系统加强验证码等防止发贴机、关闭发贴功能、将经常出问题的网站移出白名单等。）";

/// The report, to be signed by the unit.
pub(super) fn document(letterhead: &Letterhead, report: &RectificationReport, made: Timestamp) -> Document {
    let mut blocks = vec![Block::Line(format!("{}：", letterhead.provider))];
    problem(report, &mut blocks);
    sites(report, &mut blocks);
    measures(report, &mut blocks);
    blocks.push(Block::Fields(vec![
        Field::new("整改所属IP", report.ips.join("、")),
        Field::new("负责人签字", report.signatory.as_str()),
        Field::new("负责人身份证号", report.signatory_identity.as_str()),
        Field::new("整改单位名称（盖章）", report.party.name.as_str()),
        Field::new("整改日期", report.date.map(words::day).unwrap_or_default()),
    ]));
    let mail = if letterhead.mail.is_empty() {
        String::new()
    } else {
        format!("\n本承诺书请发邮件至：{}", letterhead.mail)
    };
    blocks.push(Block::Note(format!("【备注】互联网安全承诺书及整改报告每页均要签名（单位需加盖公章）。{mail}")));
    Document {
        title: "整改报告".to_owned(),
        number: format!("ZG-{}-{}", report.party.unit, super::compact(made)),
        made,
        blocks,
        signatures: vec!["负责人签字", "单位盖章", "日期"],
    }
}

fn problem(report: &RectificationReport, blocks: &mut Vec<Block>) {
    blocks.push(Block::heading("1．本单位（本人）服务器出现问题"));
    let (Some(first), Some(last)) = (report.violations.first(), report.violations.last()) else {
        blocks.push(Block::Item { mark: "　".to_owned(), text: String::new() });
        blocks.push(Block::Item { mark: "　".to_owned(), text: String::new() });
        return;
    };
    let notices =
        report.violations.iter().filter(|violation| matches!(violation.source, Source::Notice { .. })).count();
    let findings = report.violations.len() - notices;
    let mut parts = Vec::new();
    if notices > 0 {
        parts.push(format!("被上级主管部门通报{notices}次"));
    }
    if findings > 0 {
        parts.push(format!("被不良信息监控管理系统发现有害信息{findings}处"));
    }
    let (from, to) = (words::day(first.at.local_date()), words::day(last.at.local_date()));
    let when = if from == to { from } else { format!("{from}至{to}") };
    blocks.push(Block::paragraph(format!("{when}，本单位（本人）服务器上的网站{}，明细如下：", parts.join("，"))));
    blocks.push(Block::Table(violations(&report.violations)));
    if report.omitted > 0 {
        blocks.push(Block::Note(format!("另有较早的{}条未列出。", report.omitted)));
    }
}

/// What was found, where and when.
pub(super) fn violations(violations: &[Violation]) -> Table {
    let mut table = Table::new([("序号", 13), ("时间", 23), ("类别", 18), ("地址", 52), ("内容", 52), ("来源", 30)]);
    for (at, violation) in violations.iter().enumerate() {
        table.row([
            (at + 1).to_string(),
            words::stamp(violation.at),
            words::class(violation.class).to_owned(),
            violation.url.clone(),
            words::what(violation),
            words::source(violation),
        ]);
    }
    table
}

fn sites(report: &RectificationReport, blocks: &mut Vec<Block>) {
    blocks.push(Block::heading("2．本单位（本人）服务器内所有站点及网站是否ICP备案情况列表"));
    let mut table = Table::new([("IP地址", 30), ("站点列表", 60), ("是否ICP备案", 60)]);
    for site in &report.sites {
        table.row([site.server_ip.clone(), site.host.clone(), words::filed(site)]);
    }
    if report.sites.is_empty() {
        table.blank_rows(BLANK_ROWS);
    }
    blocks.push(Block::Table(table));
}

fn measures(report: &RectificationReport, blocks: &mut Vec<Block>) {
    blocks.push(Block::heading("3．具体的整改措施："));
    for at in 0..report.measures.len().max(MEASURES) {
        let text = report.measures.get(at).cloned().unwrap_or_default();
        blocks.push(Block::Item { mark: format!("{}.", at + 1), text });
    }
    blocks.push(Block::Note(EXAMPLES.to_owned()));
}

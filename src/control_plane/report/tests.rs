//! What every report says, whatever it is printed as.

use super::*;

fn text(name: &str) -> String {
    let report = samples::all().into_iter().find(|(other, _)| *other == name).unwrap().1;
    let document = report.document(&samples::letterhead(), samples::MADE);
    String::from_utf8(print(&document, Format::Html, "").unwrap()).unwrap()
}

#[test]
fn a_rectification_report_has_every_field_of_the_letter() {
    let text = text("rectification");
    for field in [
        "本单位（本人）服务器出现问题",
        "本单位（本人）服务器内所有站点及网站是否ICP备案情况列表",
        "IP地址",
        "站点列表",
        "是否ICP备案",
        "具体的整改措施：",
        "整改所属IP：",
        "负责人签字：",
        "负责人身份证号：",
        "整改单位名称（盖章）：",
        "整改日期：",
        "每页均要签名（单位需加盖公章）",
        "是（蜀ICP备12345680号-1）",
        "否（未备案）",
        "未接入",
        "备案已注销",
    ] {
        assert!(text.contains(field), "{field}");
    }
}

#[test]
fn a_suspension_notice_says_what_did_it_and_that_nothing_is_returned() {
    let text = text("suspension");
    for part in ["余额不予退还", "一月内已达3次", "两次（含）以上", "第十一条第1款", "2次", "5次", "虚拟主机"]
    {
        assert!(text.contains(part), "{part}");
    }
    assert_eq!(text.matches("viewthread").count(), 60, "every strike is listed");
}

#[test]
fn the_letters_carry_the_numbers_by_which_the_ledger_counts() {
    let text = text("commitment-hosting");
    for part in [
        "虚拟主机：政治类、低俗类：一月内两次（含）以上或一年内五次（含）以上的。",
        "虚拟主机：代考、气枪、代迷魂药等其他类非法信息：一月内四次（含）以上或一年内十次（含）以上的。",
        "VPS、云主机、主机租用托管：政治类、低俗类：一月内三次（含）以上或一年内六次（含）以上的。",
        "VPS、云主机、主机租用托管：代考、气枪、代迷魂药等其他类非法信息：一月内五次（含）以上或一年内十次（含）以上的。",
        "先备案，再接入",
        "十二、",
        "承诺人身份证号码：",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains("十三、"));
}

#[test]
fn an_incident_report_has_its_measures_timeline_and_evidence() {
    let text = text("incident");
    for part in [
        "市公安局网监分局：",
        "锁定目录：www.site1.example.cn/bbs/",
        "已书面通知单位",
        "记录号",
        "other.cn",
        "证据哈希",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(text.contains(&format!("{:064x}", 3)));
}

#[test]
fn every_report_has_its_place_to_sign() {
    for (name, report) in samples::all() {
        let document = report.document(&samples::letterhead(), samples::MADE);
        assert_eq!(document.signatures.len(), 3, "{name}");
        assert!(document.signatures.contains(&"单位盖章"), "{name}");
    }
}

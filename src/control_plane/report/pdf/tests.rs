//! What a PDF is: the same bytes for the same document, pages of the right number, text that is text.

use std::{fs, process::Command};

use super::*;
use crate::control_plane::report::{
    document::{Block, Table},
    samples,
};

/// The font, where one is installed; the rest of a test is skipped, with a note, where none is.
fn face() -> Option<Face> {
    match Face::find("") {
        Ok(face) => Some(face),
        Err(why) => {
            println!("skipped: {why}");
            None
        }
    }
}

fn document(blocks: Vec<Block>) -> Document {
    Document {
        title: "整改报告".into(),
        number: "ZG-u1-20260315".into(),
        made: samples::MADE,
        blocks,
        signatures: vec!["负责人签字", "单位盖章", "日期"],
    }
}

/// The text of every page, by pdftotext; `None` where it is not installed.
fn texts(pdf: &[u8]) -> Option<Vec<String>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), pdf).unwrap();
    let Ok(output) = Command::new("pdftotext").arg("-layout").arg(file.path()).arg("-").output() else {
        println!("skipped: no pdftotext (package poppler-utils)");
        return None;
    };
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.split_terminator('\u{c}').map(str::to_owned).collect())
}

#[test]
fn the_same_document_is_the_same_bytes() {
    let Some(face) = face() else { return };
    for (name, report) in samples::all() {
        let document = report.document(&samples::letterhead(), samples::MADE);
        let again = Face::find("").unwrap();
        assert_eq!(render(&document, &face).unwrap(), render(&document, &again).unwrap(), "{name}");
    }
}

#[test]
fn every_page_has_signature_seal_and_number() {
    let Some(face) = face() else { return };
    let document = samples::rectification(60, 200).document(&samples::letterhead(), samples::MADE);
    let Some(pages) = texts(&render(&document, &face).unwrap()) else { return };
    assert!(pages.len() > 5, "{}", pages.len());
    for (at, page) in pages.iter().enumerate() {
        let bare: String = page.split_whitespace().collect();
        for part in ["负责人签字：", "单位盖章：", "日期：", &format!("第{}页共{}页", at + 1, pages.len())]
        {
            assert!(bare.contains(part), "page {}: no {part} in\n{page}", at + 1);
        }
    }
    let heads = pages.iter().filter(|page| page.contains("站点列表") && page.contains("是否ICP备案")).count();
    assert!(heads > 3, "the head of the table stands on every page that it reaches");
}

#[test]
fn all_that_is_said_is_text_and_on_paper() {
    let Some(face) = face() else { return };
    let long = "http://a.example.cn/".to_owned() + &"very-long-part/".repeat(400);
    let mut table = Table::new([("甲", 1), ("乙", 3)]);
    table.row(["一格".into(), long.clone()]);
    table.row(["<b>&\u{202e}\u{0}".into(), "末行".into()]);
    let blocks = vec![Block::heading("标题"), Block::paragraph("正文，".repeat(300)), Block::Table(table)];
    let Some(pages) = texts(&render(&document(blocks), &face).unwrap()) else { return };
    let bare: String = pages.concat().split_whitespace().collect();
    assert!(bare.contains("标题") && bare.contains("末行") && bare.contains("<b>&"));
    assert_eq!(bare.matches("正文，").count(), 300);
    assert_eq!(bare.matches("long").count(), 400, "a cell longer than a page goes on on the next");
}

#[test]
fn a_document_without_anything_is_a_page() {
    let Some(face) = face() else { return };
    let pdf = render(&document(Vec::new()), &face).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
    let empty = Table::new([("甲", 1)]);
    render(&document(vec![Block::Table(empty), Block::Signed(Vec::new()), Block::Fields(Vec::new())]), &face).unwrap();
}

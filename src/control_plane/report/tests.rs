//! What every report is, whatever it says.

use std::{fs, process::Command};

use super::*;

#[test]
fn show() {
    for (name, report) in samples::all() {
        let document = report.document(&samples::letterhead(), samples::MADE);
        let pdf = print(&document, Format::Pdf, "").unwrap();
        fs::write(format!("/tmp/zr/{name}.pdf"), &pdf).unwrap();
        fs::write(format!("/tmp/zr/{name}.html"), print(&document, Format::Html, "").unwrap()).unwrap();
    }
    let _ = Command::new("true");
}

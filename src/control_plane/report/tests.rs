//! What every report says, whatever it is printed as.

use std::fs;

use super::*;

#[test]
fn show() {
    for (name, report) in samples::all() {
        let document = report.document(&samples::letterhead(), samples::MADE);
        let pdf = print(&document, Format::Pdf, "").unwrap();
        fs::write(format!("/tmp/zr/{name}.pdf"), &pdf).unwrap();
        fs::write(format!("/tmp/zr/{name}.html"), print(&document, Format::Html, "").unwrap()).unwrap();
    }
    let report = samples::rectification(60, 200);
    let document = report.document(&samples::letterhead(), samples::MADE);
    fs::write("/tmp/zr/long.pdf", print(&document, Format::Pdf, "").unwrap()).unwrap();
    fs::write("/tmp/zr/long.html", print(&document, Format::Html, "").unwrap()).unwrap();
    let started = std::time::Instant::now();
    let report = samples::rectification(1000, 10000);
    let document = report.document(&samples::letterhead(), samples::MADE);
    let bytes = print(&document, Format::Pdf, "").unwrap();
    println!("10000 sites: {:?} {} bytes", started.elapsed(), bytes.len());
    fs::write("/tmp/zr/huge.pdf", bytes).unwrap();
}

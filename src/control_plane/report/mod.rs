//! Reports in Chinese, printable: HTML and PDF from the same data and the same words.
//!
//! [`gather`](Gather) asks the record and the registry for the data (`domain::report`), one file a report
//! turns it into a [`Document`], and `html` and `pdf` print that. A report depends on nothing else than
//! its data, the letterhead, the time and, as PDF, the font: the same again gives the same bytes.

mod commitment;
mod document;
mod gather;
mod html;
mod incident;
mod pdf;
mod rectification;
#[cfg(test)]
mod samples;
mod statistics;
mod suspension;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;

pub use document::Document;
pub use gather::{Gather, RectificationWishes};

use crate::{
    base::Timestamp,
    config,
    domain::report::{
        ApportionmentReport, IncidentReport, LetterOfCommitment, RectificationReport, Statistics, SuspensionNotice,
        WrittenNotice,
    },
};

/// Who sends the letters, and to which authority.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letterhead {
    /// The provider's name.
    pub provider: String,
    /// Its address.
    pub address: String,
    /// Its telephone.
    pub telephone: String,
    /// Where signed letters are sent.
    pub mail: String,
    /// Whom incidents are reported to.
    pub authority: String,
}

/// What a report is printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One page without anything from elsewhere, for a browser to print.
    Html,
    /// A4, with the font in it.
    Pdf,
}

/// Any of the reports.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// 罚款分担明细.
    Apportionment(ApportionmentReport),
    /// 承诺书.
    Commitment(LetterOfCommitment),
    /// 网络安全事件报告.
    Incident(IncidentReport),
    /// 书面通知.
    Notice(WrittenNotice),
    /// 整改报告.
    Rectification(RectificationReport),
    /// 月度信息安全统计.
    Statistics(Statistics),
    /// 中止接入服务通知书.
    Suspension(SuspensionNotice),
}

/// Why a report could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportError(pub String);

impl Report {
    /// What is printed.
    pub fn document(&self, letterhead: &Letterhead, made: Timestamp) -> Document {
        match self {
            Self::Apportionment(report) => statistics::apportionment(letterhead, report, made),
            Self::Commitment(letter) => commitment::document(letterhead, letter, made),
            Self::Incident(report) => incident::report(letterhead, report, made),
            Self::Notice(notice) => incident::notice(letterhead, notice, made),
            Self::Rectification(report) => rectification::document(letterhead, report, made),
            Self::Statistics(statistics) => statistics::monthly(letterhead, statistics, made),
            Self::Suspension(notice) => suspension::document(letterhead, notice, made),
        }
    }
}

/// Prints a document. `font` is what the configuration names; it is asked for only where it is needed.
pub fn print(document: &Document, format: Format, font: &str) -> Result<Vec<u8>, ReportError> {
    let pdf = || pdf::render(document, &pdf::Face::find(font)?);
    match format {
        Format::Html => Ok(html::render(document).into_bytes()),
        Format::Pdf => pdf().map_err(|error| ReportError(error.to_string())),
    }
}

impl Letterhead {
    /// As the configuration has it; without a provider's name the operator's.
    pub fn of(report: &config::Report, operator: &str) -> Self {
        let provider = if report.provider.is_empty() { operator } else { &report.provider };
        Self {
            provider: provider.to_owned(),
            address: report.address.clone(),
            telephone: report.telephone.clone(),
            mail: report.mail.clone(),
            authority: report.authority.clone(),
        }
    }

    /// How to reach the provider; may be empty.
    fn contact(&self) -> String {
        let parts = [&self.telephone, &self.mail];
        parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("，")
    }
}

impl Format {
    /// What a browser is told.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Pdf => "application/pdf",
        }
    }
}

/// `20260315`, of the local day.
fn compact(at: Timestamp) -> String {
    at.local_date().to_string().replace('-', "")
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ReportError {}

//! `[report]`: who sends letters, to whom, and in which font.

use super::raw::{Reader, Section};

/// What stands in letters and reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The provider's name; empty: `gate.operator`.
    pub provider: String,
    /// Its address.
    pub address: String,
    /// Its telephone.
    pub telephone: String,
    /// Where signed letters are sent.
    pub mail: String,
    /// Whom incidents are reported to.
    pub authority: String,
    /// The font of PDFs: a file, or `file#number` in a collection; empty: one is looked for.
    pub font: String,
}

pub(super) fn report(reader: &Reader<'_>, root: &Section<'_, '_>) -> Report {
    let section = root.section("report");
    let line = |key: &'static str| -> Option<String> {
        let (text, at) = section.string(key)?;
        if text.chars().any(char::is_control) || text.chars().count() > 200 {
            reader.error(at, format!("report.{key} must be one line of at most 200 characters"));
            return None;
        }
        Some(text)
    };
    let report = Report {
        provider: line("provider").unwrap_or_default(),
        address: line("address").unwrap_or_default(),
        telephone: line("telephone").unwrap_or_default(),
        mail: line("mail").unwrap_or_default(),
        authority: line("authority").unwrap_or_else(|| "市公安局网监分局".to_owned()),
        font: section.string("font").map(|(font, _)| font).unwrap_or_default(),
    };
    section.close();
    report
}

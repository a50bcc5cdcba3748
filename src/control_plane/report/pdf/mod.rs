//! A document as PDF: laid out on A4 pages first, drawn afterwards, when the number of pages is known.
//!
//! The same document and font always give the same bytes, so that their hash can be put on the record.
//! Text stays text: it can be searched and copied.

mod draw;
mod face;
mod flow;
mod line;
mod page;

use std::fmt;

pub(super) use face::Face;

use super::document::Document;

/// Why there is no PDF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PdfError(pub(super) String);

/// The bytes of the PDF.
pub(super) fn render(document: &Document, face: &Face) -> Result<Vec<u8>, PdfError> {
    let glyphs = face.glyphs()?;
    let pages = flow::lay_out(document, &glyphs);
    draw::draw(document, pages, face, &glyphs)
}

impl fmt::Display for PdfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;

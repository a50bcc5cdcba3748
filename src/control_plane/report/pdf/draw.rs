//! Pages drawn into a PDF, each with the line for signature and seal at its foot.

use krilla::{
    Document as Pdf, SerializeSettings,
    color::rgb,
    geom::{PathBuilder, Point, Rect},
    metadata::{DateTime, Metadata},
    num::NormalizedF32,
    page::PageSettings,
    paint::{Fill, FillRule, Stroke},
    surface::Surface,
    text::{Font, KrillaGlyph},
};

use super::{
    Face, PdfError,
    face::Glyphs,
    page::{HEIGHT, MARGIN, Mark, Page, Style, TEXT_WIDTH, WIDTH},
};
use crate::{
    base::Timestamp,
    control_plane::report::document::{Document, printable},
};

/// Draws everything.
pub(super) fn draw(
    document: &Document,
    pages: Vec<Page>,
    face: &Face,
    glyphs: &Glyphs<'_>,
) -> Result<Vec<u8>, PdfError> {
    let mut pdf = Pdf::new_with(SerializeSettings { enable_tagging: false, ..SerializeSettings::default() });
    pdf.set_metadata(
        Metadata::new()
            .title(printable(&document.title))
            .language("zh-CN".to_owned())
            .creator("Zhamen".to_owned())
            .document_id(printable(&document.number))
            .creation_date(date_time(document.made)),
    );
    let count = pages.len();
    let size = PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| PdfError("A4 is no page".to_owned()))?;
    for (number, mut page) in pages.into_iter().enumerate() {
        foot(document, &mut page, number + 1, count, glyphs);
        let mut sheet = pdf.start_page_with(size.clone());
        {
            // A surface goes onto its sheet when it is dropped.
            let mut pen = Pen { surface: sheet.surface(), font: face.font(), glyphs };
            page.marks.iter().for_each(|mark| pen.draw(mark));
        }
        sheet.finish();
    }
    pdf.finish().map_err(|error| PdfError(format!("the PDF cannot be written: {error}")))
}

/// Signature, seal and date, and which page of how many it is.
fn foot(document: &Document, page: &mut Page, number: usize, count: usize, glyphs: &Glyphs<'_>) {
    page.marks.push(Mark::Rectangle { x: MARGIN, y: HEIGHT - 82.0, width: TEXT_WIDTH, height: 0.4, grey: 150 });
    let style = Style::new(10.0);
    let y = HEIGHT - 56.0;
    let share = TEXT_WIDTH / document.signatures.len().max(1) as f32;
    for (at, label) in document.signatures.iter().enumerate() {
        let x = MARGIN + share * at as f32;
        let label = format!("{label}：");
        let width = glyphs.width(&label) * style.size;
        page.text(x, y, style, label);
        page.rule(x + width, y + 3.0, share - width - 8.0);
    }
    let small = Style { grey: 90, ..Style::new(8.0) };
    page.text(MARGIN, HEIGHT - 34.0, small, printable(&format!("{}　编号：{}", document.title, document.number)));
    let text = format!("第 {number} 页　共 {count} 页");
    page.text(WIDTH - MARGIN - glyphs.width(&text) * small.size, HEIGHT - 34.0, small, text);
}

struct Pen<'s, 'f> {
    surface: Surface<'s>,
    font: Font,
    glyphs: &'f Glyphs<'f>,
}

impl Pen<'_, '_> {
    fn draw(&mut self, mark: &Mark) {
        match mark {
            Mark::Text { x, y, style, text } => self.text(*x, *y, *style, text),
            Mark::Rectangle { x, y, width, height, grey } => {
                let Some(rectangle) = Rect::from_xywh(*x, *y, *width, *height) else { return };
                let mut path = PathBuilder::new();
                path.push_rect(rectangle);
                if let Some(path) = path.finish() {
                    self.surface.set_stroke(None);
                    self.surface.set_fill(Some(fill(*grey)));
                    self.surface.draw_path(&path);
                }
            }
        }
    }

    fn text(&mut self, x: f32, y: f32, style: Style, text: &str) {
        if text.is_empty() {
            return;
        }
        let glyphs: Vec<KrillaGlyph> = text
            .char_indices()
            .map(|(at, c)| {
                let glyph = self.glyphs.glyph(c);
                KrillaGlyph::new(glyph.id, glyph.advance, 0.0, 0.0, 0.0, at..at + c.len_utf8(), None)
            })
            .collect();
        self.surface.set_fill(Some(fill(style.grey)));
        self.surface.set_stroke(style.bold.then(|| Stroke {
            paint: color(style.grey).into(),
            width: style.size * 0.035,
            ..Stroke::default()
        }));
        self.surface.draw_glyphs(Point::from_xy(x, y), &glyphs, self.font.clone(), text, style.size, false);
    }
}

fn color(grey: u8) -> rgb::Color {
    rgb::Color::new(grey, grey, grey)
}

fn fill(grey: u8) -> Fill {
    Fill { paint: color(grey).into(), opacity: NormalizedF32::ONE, rule: FillRule::NonZero }
}

/// Local time, as the reports write it.
fn date_time(at: Timestamp) -> DateTime {
    let date = at.local_date();
    let seconds = (at.0 - Timestamp::local_midnight(date).0).div_euclid(1_000);
    let part = |number: i64| u8::try_from(number).unwrap_or(0);
    DateTime::new(date.year)
        .month(date.month)
        .day(date.day)
        .hour(part(seconds / 3_600))
        .minute(part(seconds / 60 % 60))
        .second(part(seconds % 60))
        .utc_offset_hour(8)
}

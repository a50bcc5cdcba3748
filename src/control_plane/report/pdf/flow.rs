//! Blocks, one below the other, over as many pages as they need.

use super::{
    face::Glyphs,
    line::lines,
    page::{BOTTOM, MARGIN, Page, Style, TEXT_WIDTH, TOP, WIDTH},
};
use crate::control_plane::report::{
    document::{Block, Document, Field, Table, printable},
    words,
};

const TITLE: Style = Style::bold(18.0);
const HEADING: Style = Style::bold(12.0);
const BODY: Style = Style::new(11.0);
const NOTE: Style = Style { grey: 50, ..Style::new(9.0) };
const CELL: Style = Style::new(9.0);
const CELL_HEAD: Style = Style::bold(9.0);
/// Between a cell's text and its borders.
const PADDING: f32 = 4.0;
/// A row of this height is not broken over two pages; of a taller one so much stays together.
const WHOLE: f32 = 110.0;
/// Least width of a line to write on.
const BLANK: f32 = 250.0;

/// The pages of a document, without their feet.
pub(super) fn lay_out(document: &Document, glyphs: &Glyphs<'_>) -> Vec<Page> {
    let mut flow = Flow { glyphs, pages: vec![Page::default()], y: TOP };
    flow.title(document);
    let mut blocks = document.blocks.iter().peekable();
    while let Some(block) = blocks.next() {
        match block {
            Block::Heading(text) => flow.heading(text, blocks.peek().is_some()),
            Block::Paragraph(text) => flow.paragraph(text, BODY, 2.0),
            Block::Line(text) => flow.paragraph(text, BODY, 0.0),
            Block::Note(text) => flow.paragraph(text, NOTE, 0.0),
            Block::Item { mark, text } => flow.item(mark, text),
            Block::Fields(fields) => flow.fields(fields),
            Block::Signed(lines) => flow.signed(lines),
            Block::Table(table) => flow.table(table),
        }
    }
    flow.pages
}

struct Flow<'f> {
    glyphs: &'f Glyphs<'f>,
    pages: Vec<Page>,
    /// The lower end of what is on the last page.
    y: f32,
}

impl Flow<'_> {
    fn page(&mut self) -> &mut Page {
        if self.pages.is_empty() {
            self.pages.push(Page::default());
        }
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }

    /// Begins a page unless so much room is left on this one.
    fn need(&mut self, height: f32) {
        if self.y + height > BOTTOM && self.y > TOP {
            self.pages.push(Page::default());
            self.y = TOP;
        }
    }

    /// The base line of a line that begins here.
    fn base(&self, style: Style) -> f32 {
        self.y + (style.leading() + style.size * 0.72) / 2.0
    }

    /// One line; the page must have room for it.
    fn line(&mut self, x: f32, style: Style, text: String) {
        let y = self.base(style);
        self.page().text(x, y, style, text);
        self.y += style.leading();
    }

    fn centred(&mut self, style: Style, text: &str) {
        for text in lines(&printable(text), TEXT_WIDTH / style.size, 0.0, self.glyphs) {
            let x = (WIDTH - self.glyphs.width(&text) * style.size) / 2.0;
            self.need(style.leading());
            self.line(x, style, text);
        }
    }

    fn title(&mut self, document: &Document) {
        self.centred(TITLE, &document.title);
        let small = Style { grey: 90, ..Style::new(9.0) };
        self.centred(small, &format!("编号：{}　生成时间：{}", document.number, words::time(document.made)));
        self.y += 10.0;
    }

    fn heading(&mut self, text: &str, followed: bool) {
        if self.y > TOP {
            self.y += 8.0;
        }
        let texts = lines(&printable(text), TEXT_WIDTH / HEADING.size, 0.0, self.glyphs);
        // A heading does not stand alone at the end of a page.
        let next = if followed { BODY.leading() * 2.5 } else { 0.0 };
        self.need(HEADING.leading() * texts.len() as f32 + next);
        for text in texts {
            self.need(HEADING.leading());
            self.line(MARGIN, HEADING, text);
        }
        self.y += 2.0;
    }

    /// `indent` in characters.
    fn paragraph(&mut self, text: &str, style: Style, indent: f32) {
        for (at, text) in lines(&printable(text), TEXT_WIDTH / style.size, indent, self.glyphs).into_iter().enumerate()
        {
            let x = if at == 0 { MARGIN + indent * style.size } else { MARGIN };
            self.need(style.leading());
            self.line(x, style, text);
        }
        self.y += 3.0;
    }

    fn item(&mut self, mark: &str, text: &str) {
        let mark = printable(mark);
        let hang = (self.glyphs.width(&mark) + 0.5).max(2.0) * BODY.size;
        self.need(BODY.leading());
        if text.is_empty() {
            let y = self.base(BODY);
            self.page().text(MARGIN, y, BODY, mark);
            self.page().rule(MARGIN + hang, y + 3.0, TEXT_WIDTH - hang);
            self.y += BODY.leading() + 4.0;
            return;
        }
        let y = self.base(BODY);
        self.page().text(MARGIN, y, BODY, mark);
        for text in lines(&printable(text), (TEXT_WIDTH - hang) / BODY.size, 0.0, self.glyphs) {
            self.need(BODY.leading());
            self.line(MARGIN + hang, BODY, text);
        }
        self.y += 3.0;
    }

    /// Together on one page, if they are few.
    fn fields(&mut self, fields: &[Field]) {
        self.need(((BODY.leading() + 4.0) * fields.len() as f32).min(WHOLE * 2.0));
        fields.iter().for_each(|field| self.field(field));
    }

    fn field(&mut self, field: &Field) {
        let label = format!("{}：", printable(&field.label));
        let label_width = self.glyphs.width(&label) * BODY.size;
        let x = MARGIN + label_width;
        let room = (TEXT_WIDTH - label_width).max(TEXT_WIDTH / 3.0);
        let values = lines(&printable(&field.value), room / BODY.size, 0.0, self.glyphs);
        let widest = values.iter().map(|value| self.glyphs.width(value) * BODY.size).fold(0.0, f32::max);
        self.need(BODY.leading() + 4.0);
        let y = self.base(BODY);
        self.page().text(MARGIN, y, BODY, label);
        for value in values {
            self.need(BODY.leading());
            let y = self.base(BODY);
            self.page().text(x + 3.0, y, BODY, value);
            self.page().rule(x, y + 3.5, BLANK.max(widest + 8.0).min(room));
            self.y += BODY.leading() + 4.0;
        }
    }

    fn signed(&mut self, texts: &[String]) {
        self.need(24.0 + BODY.leading() * texts.len() as f32);
        self.y += 24.0;
        let x = MARGIN + TEXT_WIDTH * 0.5;
        for text in texts {
            for text in lines(&printable(text), TEXT_WIDTH * 0.5 / BODY.size, 0.0, self.glyphs) {
                self.need(BODY.leading());
                self.line(x, BODY, text);
            }
        }
    }

    fn table(&mut self, table: &Table) {
        let total: f32 = table.columns.iter().map(|column| f32::from(column.width)).sum();
        let widths: Vec<f32> =
            table.columns.iter().map(|column| TEXT_WIDTH * f32::from(column.width) / total.max(1.0)).collect();
        let cells = |texts: Vec<&str>, style: Style| -> Vec<Vec<String>> {
            let wrap = |(text, width): (&str, &f32)| {
                lines(&printable(text), (width - 2.0 * PADDING) / style.size, 0.0, self.glyphs)
            };
            texts.into_iter().zip(&widths).map(wrap).collect()
        };
        let head = cells(table.columns.iter().map(|column| column.head).collect(), CELL_HEAD);
        let head_height = row_height(&head, CELL_HEAD);
        let rows: Vec<_> = table.rows.iter().map(|row| cells(row.iter().map(String::as_str).collect(), CELL)).collect();
        self.y += 2.0;
        let first = rows.first().map_or(0.0, |row| row_height(row, CELL).min(WHOLE));
        self.need(head_height + first);
        self.row(&widths, head.clone(), CELL_HEAD);
        for mut row in rows {
            let height = row_height(&row, CELL);
            if self.y + height.min(WHOLE) > BOTTOM {
                self.next_page_with(&widths, &head);
            }
            // A tall row goes on on the next page.
            while self.y + row_height(&row, CELL) > BOTTOM {
                let room = ((BOTTOM - self.y - 2.0 * PADDING) / CELL.leading()).floor().max(1.0) as usize;
                let rest: Vec<Vec<String>> = row.iter_mut().map(|cell| cell.split_off(room.min(cell.len()))).collect();
                self.row(&widths, row, CELL);
                self.next_page_with(&widths, &head);
                row = rest;
            }
            self.row(&widths, row, CELL);
        }
        self.y += 8.0;
    }

    fn next_page_with(&mut self, widths: &[f32], head: &[Vec<String>]) {
        self.pages.push(Page::default());
        self.y = TOP;
        self.row(widths, head.to_vec(), CELL_HEAD);
    }

    /// A row with its borders; the upper one is the lower one of the row before it.
    fn row(&mut self, widths: &[f32], cells: Vec<Vec<String>>, style: Style) {
        let height = row_height(&cells, style);
        let top = self.y;
        if style.bold {
            self.page().ground(MARGIN, top, TEXT_WIDTH, height);
        }
        self.page().hairline(MARGIN, top, TEXT_WIDTH);
        let mut x = MARGIN;
        for (cell, width) in cells.into_iter().zip(widths) {
            self.page().upright(x, top, height);
            self.y = top + PADDING;
            for text in cell {
                self.line(x + PADDING, style, text);
            }
            x += width;
        }
        self.page().upright(x, top, height);
        self.page().hairline(MARGIN, top + height, TEXT_WIDTH);
        self.y = top + height;
    }
}

fn row_height(cells: &[Vec<String>], style: Style) -> f32 {
    let count = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
    count as f32 * style.leading() + 2.0 * PADDING
}

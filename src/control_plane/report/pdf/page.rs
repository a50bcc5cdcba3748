//! A page before it is drawn: what stands where. Lengths are in points (1/72 inch), from the upper left.

/// A4.
pub(super) const WIDTH: f32 = 595.28;
/// A4.
pub(super) const HEIGHT: f32 = 841.89;
/// Left and right of the text.
pub(super) const MARGIN: f32 = 62.0;
/// Above the text.
pub(super) const TOP: f32 = 60.0;
/// Where the text ends at the latest; below it stand signature, seal and page number.
pub(super) const BOTTOM: f32 = HEIGHT - 92.0;
/// The width of the text.
pub(super) const TEXT_WIDTH: f32 = WIDTH - 2.0 * MARGIN;

/// What stands on a page.
#[derive(Default)]
pub(super) struct Page {
    pub(super) marks: Vec<Mark>,
}

/// Something on a page.
pub(super) enum Mark {
    /// A line of text, its base line beginning at a point.
    Text { x: f32, y: f32, style: Style, text: String },
    /// A filled rectangle: a rule, or a ground.
    Rectangle { x: f32, y: f32, width: f32, height: f32, grey: u8 },
}

/// How a text looks.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// In points.
    pub(super) size: f32,
    /// Drawn with a stroke around it: one font is enough.
    pub(super) bold: bool,
    /// 0 is black.
    pub(super) grey: u8,
}

impl Style {
    pub(super) const fn new(size: f32) -> Self {
        Self { size, bold: false, grey: 0 }
    }

    pub(super) const fn bold(size: f32) -> Self {
        Self { bold: true, ..Self::new(size) }
    }

    /// From one base line to the next.
    pub(super) fn leading(self) -> f32 {
        self.size * 1.65
    }
}

impl Page {
    pub(super) fn text(&mut self, x: f32, y: f32, style: Style, text: impl Into<String>) {
        self.marks.push(Mark::Text { x, y, style, text: text.into() });
    }

    /// A horizontal line.
    pub(super) fn rule(&mut self, x: f32, y: f32, width: f32) {
        self.marks.push(Mark::Rectangle { x, y, width, height: 0.6, grey: 0 });
    }

    /// A vertical line.
    pub(super) fn upright(&mut self, x: f32, y: f32, height: f32) {
        self.marks.push(Mark::Rectangle { x, y, width: 0.5, height, grey: 90 });
    }

    /// A horizontal line of a table.
    pub(super) fn hairline(&mut self, x: f32, y: f32, width: f32) {
        self.marks.push(Mark::Rectangle { x, y, width, height: 0.5, grey: 90 });
    }

    pub(super) fn ground(&mut self, x: f32, y: f32, width: f32, height: f32) {
        self.marks.push(Mark::Rectangle { x, y, width, height, grey: 236 });
    }
}

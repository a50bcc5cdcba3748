//! The font: found, read, and asked for the width of a character.

use std::{
    cell::RefCell,
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use krilla::text::{Font, GlyphId};
use skrifa::{
    FontRef, MetadataProvider,
    charmap::Charmap,
    instance::{LocationRef, Size},
    metrics::GlyphMetrics,
};

use super::PdfError;

/// Where Debian's packages put fonts with Chinese characters, the best first, and which font of a
/// collection is the one for simplified Chinese.
const KNOWN: [(&str, u32); 7] = [
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc", 2),
    ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", 0),
    ("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc", 0),
    ("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf", 0),
    ("/usr/share/fonts/truetype/droid/DroidSansFallback.ttf", 0),
    ("/usr/share/fonts/truetype/arphic/uming.ttc", 0),
];

/// A font with Chinese characters.
pub(in super::super) struct Face {
    path: PathBuf,
    data: Arc<Vec<u8>>,
    index: u32,
    font: Font,
}

/// The font's characters, as far as they were asked for.
pub(super) struct Glyphs<'f> {
    charmap: Charmap<'f>,
    metrics: GlyphMetrics<'f>,
    units_per_em: f32,
    known: RefCell<HashMap<char, Glyph>>,
}

/// A character's picture.
#[derive(Clone, Copy)]
pub(super) struct Glyph {
    pub(super) id: GlyphId,
    /// In units of the font size.
    pub(super) advance: f32,
}

impl Face {
    /// The font that the configuration names (`file` or `file#number` in a collection), or the first one
    /// that a Debian package has put where it is known to be.
    pub(in super::super) fn find(named: &str) -> Result<Self, PdfError> {
        if named.is_empty() {
            return Self::search(&KNOWN);
        }
        let (path, index) = match named.rsplit_once('#') {
            Some((path, number)) => match number.parse() {
                Ok(index) => (path, index),
                Err(_) => (named, 0),
            },
            None => (named, 0),
        };
        Self::open(Path::new(path), index).map_err(|why| {
            PdfError(format!(
                "report.font = {named:?}: {why}; leave it empty to have one looked for, or print the HTML"
            ))
        })
    }

    fn search(known: &[(&str, u32)]) -> Result<Self, PdfError> {
        for &(path, index) in known {
            if Path::new(path).is_file()
                && let Ok(face) = Self::open(Path::new(path), index)
            {
                return Ok(face);
            }
        }
        Err(PdfError(
            "a PDF needs a font with Chinese characters, and none is found; install the package fonts-noto-cjk or \
             fonts-wqy-microhei, or name a file in [report] font; HTML needs none"
                .to_owned(),
        ))
    }

    fn open(path: &Path, index: u32) -> Result<Self, String> {
        let data = fs::read(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => format!("it cannot be read: {error}"),
        })?;
        let data = Arc::new(data);
        let font = Font::new(Arc::clone(&data).into(), index)
            .ok_or_else(|| format!("it is no TrueType or OpenType font, or has no font number {index}"))?;
        let face = Self { path: path.to_owned(), data, index, font };
        let is_chinese = face.glyphs().is_ok_and(|glyphs| "备案整改报告".chars().all(|c| glyphs.has(c)));
        if is_chinese { Ok(face) } else { Err("it has no Chinese characters".to_owned()) }
    }

    /// For drawing.
    pub(super) fn font(&self) -> Font {
        self.font.clone()
    }

    /// For measuring.
    pub(super) fn glyphs(&self) -> Result<Glyphs<'_>, PdfError> {
        let font = FontRef::from_index(&self.data, self.index)
            .map_err(|error| PdfError(format!("{}: {error}", self.path.display())))?;
        let metrics = font.glyph_metrics(Size::unscaled(), LocationRef::default());
        let units_per_em = self.font.units_per_em().max(1.0);
        Ok(Glyphs { charmap: font.charmap(), metrics, units_per_em, known: RefCell::default() })
    }
}

impl Glyphs<'_> {
    /// The picture of a character; an empty box if the font has none.
    pub(super) fn glyph(&self, c: char) -> Glyph {
        *self.known.borrow_mut().entry(c).or_insert_with(|| {
            let id = self.charmap.map(c).unwrap_or_default();
            let advance = self.metrics.advance_width(id).unwrap_or(self.units_per_em) / self.units_per_em;
            Glyph { id: GlyphId::new(id.to_u32()), advance }
        })
    }

    /// The width of a text in units of the font size.
    pub(super) fn width(&self, text: &str) -> f32 {
        text.chars().map(|c| self.glyph(c).advance).sum()
    }

    fn has(&self, c: char) -> bool {
        self.charmap.map(c).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_font_the_error_names_the_package() {
        let Err(error) = Face::search(&[("/nowhere/font.ttf", 0)]) else { panic!("a font from nowhere") };
        assert!(error.0.contains("fonts-wqy-microhei") && error.0.contains("[report] font"), "{error}");
    }

    #[test]
    fn what_is_no_font_is_named() {
        for (named, says) in
            [("/nowhere/font.ttf", "no such file"), ("/dev/null", "no TrueType"), ("/dev/null#x", "/dev/null#x")]
        {
            let Err(error) = Face::find(named) else { panic!("{named} is a font") };
            assert!(error.0.contains(says), "{error}");
        }
    }
}

//! URLs in attributes: percent-encoding resolved; scripts and documents that the URL itself contains
//! (`javascript:`, `data:`; RFC 2397) told from addresses.

use crate::{
    base::ByteSpan,
    engine::text::{base64::Base64, percent::Percent, scan::find_any},
};

/// Characters of a data URL's media type that are kept.
const HEAD_BYTES_MAX: usize = 128;

/// Reads one URL after another.
#[derive(Debug, Default)]
pub(super) struct UrlText {
    scheme: Scheme,
    /// The scheme, and then a data URL's media type, in lower case.
    head: String,
    percent: Percent,
    base64: Base64,
    /// The data is in Base64.
    coded: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Scheme {
    #[default]
    Unknown,
    Address,
    Script,
    /// `data:` was read, and the media type is being read.
    DataHead,
    Data(Meaning),
    /// Images and the like.
    Binary,
}

/// What a character of a URL is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Meaning {
    /// Part of an address, or of text.
    Text,
    /// Of a script; it comes as text as well.
    Script,
    /// Of a document in HTML.
    Document,
}

impl UrlText {
    /// Offset of the first character that has not been passed on.
    pub(super) fn open_from(&self) -> Option<u64> {
        self.base64.open_from().or(self.percent.open_from())
    }

    /// Whether characters other than `%` stand for themselves from here on.
    pub(super) fn is_plain(&self) -> bool {
        self.scheme == Scheme::Address && self.percent.is_idle()
    }

    /// Says what the next character is: most begin no scheme that matters.
    #[inline]
    pub(super) fn begin(&mut self, first: u8) {
        if self.scheme == Scheme::Unknown && self.head.is_empty() && !may_begin_scheme(first) {
            self.scheme = Scheme::Address;
        }
    }

    /// Whether a whole URL is an address, and all of its characters stand for themselves.
    #[inline]
    pub(super) fn is_itself(url: &[u8]) -> bool {
        url.first().is_none_or(|&first| !may_begin_scheme(first)) && find_any(url, [b'%']) == url.len()
    }

    /// A URL that is plain ends.
    pub(super) fn end_plain(&mut self) {
        self.scheme = Scheme::Unknown;
        self.head.clear();
    }

    /// Whether nothing that follows is read.
    pub(super) fn is_binary(&self) -> bool {
        self.scheme == Scheme::Binary
    }

    /// Whether a script has been read.
    pub(super) fn is_script(&self) -> bool {
        matches!(self.scheme, Scheme::Script | Scheme::Data(Meaning::Script))
    }

    /// Takes the next character.
    pub(super) fn character(
        &mut self,
        c: char,
        span: ByteSpan,
        seen: u64,
        out: &mut impl FnMut(Meaning, char, ByteSpan, u64),
    ) {
        match self.scheme {
            Scheme::Unknown => {
                // Browsers strip white space around URLs, and line breaks and tabs within.
                if !c.is_ascii_whitespace() && !c.is_ascii_control() {
                    self.head.push(c.to_ascii_lowercase());
                    self.scheme = self.known_scheme();
                }
                if self.scheme == Scheme::Address {
                    return self.percent.push(c, span, seen, &mut |c, span, seen| out(Meaning::Text, c, span, seen));
                }
                out(Meaning::Text, c, span, seen);
            }
            Scheme::DataHead => {
                out(Meaning::Text, c, span, seen);
                if c == ',' {
                    self.begin_data();
                } else if self.head.len() < HEAD_BYTES_MAX {
                    self.head.push(c.to_ascii_lowercase());
                }
            }
            Scheme::Address => {
                self.percent.push(c, span, seen, &mut |c, span, seen| out(Meaning::Text, c, span, seen));
            }
            Scheme::Script => self.percent.push(c, span, seen, &mut |c, span, seen| {
                out(Meaning::Text, c, span, seen);
                out(Meaning::Script, c, span, seen);
            }),
            Scheme::Data(meaning) => {
                let base64 = self.coded.then_some(&mut self.base64);
                self.percent.push(c, span, seen, &mut data(meaning, base64, out));
            }
            Scheme::Binary => {}
        }
    }

    /// The URL ends.
    pub(super) fn finish(&mut self, seen: u64, out: &mut impl FnMut(Meaning, char, ByteSpan, u64)) {
        match self.scheme {
            Scheme::Unknown | Scheme::DataHead | Scheme::Binary => {}
            Scheme::Address => self.percent.finish(seen, &mut |c, span, seen| out(Meaning::Text, c, span, seen)),
            Scheme::Script => self.percent.finish(seen, &mut |c, span, seen| {
                out(Meaning::Text, c, span, seen);
                out(Meaning::Script, c, span, seen);
            }),
            Scheme::Data(meaning) => {
                let base64 = self.coded.then_some(&mut self.base64);
                self.percent.finish(seen, &mut data(meaning, base64, out));
                if self.coded {
                    self.base64.finish(seen, &mut data(meaning, None, out));
                    self.base64 = Base64::default();
                }
            }
        }
        self.scheme = Scheme::Unknown;
        self.head.clear();
    }

    fn known_scheme(&mut self) -> Scheme {
        match self.head.as_str() {
            "javascript:" => Scheme::Script,
            "data:" => {
                self.head.clear();
                Scheme::DataHead
            }
            head if "javascript:".starts_with(head) || "data:".starts_with(head) => Scheme::Unknown,
            _ => Scheme::Address,
        }
    }

    fn begin_data(&mut self) {
        let mut parameters = self.head.split(';').map(str::trim);
        let media = parameters.next().unwrap_or("");
        self.coded = parameters.any(|parameter| parameter == "base64");
        self.scheme = match media {
            "text/html" | "application/xhtml+xml" | "text/xml" | "application/xml" | "image/svg+xml" => {
                Scheme::Data(Meaning::Document)
            }
            "text/javascript" | "application/javascript" | "application/x-javascript" => Scheme::Data(Meaning::Script),
            _ if media.is_empty() || media.starts_with("text/") || media.contains("json") => {
                Scheme::Data(Meaning::Text)
            }
            _ => Scheme::Binary,
        };
    }
}

/// Whether a URL that begins so may be a script or a document.
#[inline]
fn may_begin_scheme(first: u8) -> bool {
    matches!(first, 0..=b' ' | b'J' | b'j' | b'D' | b'd')
}

/// Passes on what percent-decoding yields, Base64 undone if it is.
fn data<'d>(
    meaning: Meaning,
    mut base64: Option<&'d mut Base64>,
    out: &'d mut impl FnMut(Meaning, char, ByteSpan, u64),
) -> impl FnMut(char, ByteSpan, u64) + 'd {
    move |c, span, seen| {
        let mut each = |c, span, seen| {
            if meaning == Meaning::Script {
                out(Meaning::Text, c, span, seen);
            }
            out(meaning, c, span, seen);
        };
        match &mut base64 {
            Some(base64) => base64.push(c, span, seen, &mut each),
            None => each(c, span, seen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Meaning, UrlText};
    use crate::base::ByteSpan;

    fn read(url: &str) -> (String, String, String) {
        let mut read = (String::new(), String::new(), String::new());
        let mut out = |meaning, c, _: ByteSpan, _| match meaning {
            Meaning::Text => read.0.push(c),
            Meaning::Script => read.1.push(c),
            Meaning::Document => read.2.push(c),
        };
        let mut text = UrlText::default();
        for _ in 0..2 {
            for (at, c) in url.char_indices() {
                let span = ByteSpan { start: at as u64, end: (at + c.len_utf8()) as u64 };
                text.character(c, span, span.end, &mut out);
            }
            text.finish(url.len() as u64, &mut out);
            assert_eq!(text.open_from(), None);
        }
        read
    }

    #[test]
    fn each_scheme_is_read_as_browsers_read_it() {
        let twice = |text: &str| text.repeat(2);
        assert_eq!(read("/%E8%B5%8C%e5%8d%9a?x").0, twice("/赌博?x"));
        assert_eq!(read(" java\nscript:a('%E8%B5%8C')").1, twice("a('赌')"));
        assert_eq!(read("data:text/html;charset=utf-8,<p>%E8%B5%8C").2, twice("<p>赌"));
        assert_eq!(read("DATA:text/html;base64,6LWM5Y2a").2, twice("赌博"));
        assert_eq!(read("data:,%E8%B5%8C").0, twice("data:,赌"));
        assert_eq!(
            read("data:image/png;base64,6LWM5Y2a"),
            (twice("data:image/png;base64,"), String::new(), String::new())
        );
        assert_eq!(read("javascrip:%E8%B5%8C").0, twice("javascrip:赌"));
    }
}

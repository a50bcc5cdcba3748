//! Content-Type → how a document is read.

use encoding_rs::Encoding;

/// Longest boundary of a multipart body (RFC 2046, section 5.1.1).
const BOUNDARY_BYTES_MAX: usize = 70;

/// How a document is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// A style sheet.
    Css,
    /// `text/event-stream`: never held.
    EventStream,
    /// `application/x-www-form-urlencoded`: names and values, percent-encoded.
    Form,
    /// HTML.
    Html,
    /// JSON: its strings are what a page will show, so rules for the text lane see them too.
    Json,
    /// `text/markdown`: HTML between signs that show nothing.
    Markdown,
    /// `multipart/…`: each part by its own head.
    Multipart(Boundary),
    /// Not text.
    Opaque,
    /// `text/plain` and other text.
    Plain,
    /// A script.
    Script,
    /// No Content-Type, or one that says nothing: HTML, unless it looks binary.
    Unknown,
    /// XML, and what is made of it.
    Xml,
}

/// What separates the parts of a multipart body; empty if the Content-Type does not say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Boundary {
    bytes: [u8; BOUNDARY_BYTES_MAX],
    length: usize,
}

impl Boundary {
    fn new(value: &[u8]) -> Self {
        let mut boundary = Self { bytes: [0; BOUNDARY_BYTES_MAX], length: 0 };
        if let Some(place) = boundary.bytes.get_mut(..value.len()) {
            place.copy_from_slice(value);
            boundary.length = value.len();
        }
        boundary
    }

    /// The bytes behind the two dashes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl std::fmt::Debug for Boundary {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_bytes().escape_ascii().fmt(formatter)
    }
}

/// Reads a Content-Type (all field lines joined by commas): how to read the document, and the
/// charset it names. Of several the last that says something counts (Fetch, "extract a MIME type").
pub fn media_type(content_type: Option<&[u8]>) -> (Media, Option<&'static Encoding>) {
    let mut found = (Media::Unknown, None);
    for value in content_type.unwrap_or_default().split(|&byte| byte == b',') {
        let read = one_media_type(value);
        if read.0 != Media::Unknown {
            found = read;
        }
    }
    found
}

fn one_media_type(value: &[u8]) -> (Media, Option<&'static Encoding>) {
    let mut parts = value.split(|&byte| byte == b';');
    let essence = parts.next().unwrap_or_default().trim_ascii().to_ascii_lowercase();
    let parameter = |wanted: &[u8]| {
        parts.clone().find_map(|part| {
            let at = part.iter().position(|&byte| byte == b'=')?;
            let (name, value) = (part[..at].trim_ascii(), part[at + 1..].trim_ascii());
            name.eq_ignore_ascii_case(wanted).then(|| match value.strip_prefix(b"\"") {
                Some(rest) => rest.strip_suffix(b"\"").unwrap_or(rest),
                None => value,
            })
        })
    };
    let charset = parameter(b"charset").and_then(Encoding::for_label);
    if essence.starts_with(b"multipart/") {
        let boundary = parameter(b"boundary").unwrap_or_default();
        return (Media::Multipart(Boundary::new(boundary)), charset);
    }
    (media(&essence), charset)
}

fn media(essence: &[u8]) -> Media {
    let text = std::str::from_utf8(essence).unwrap_or_default();
    match text {
        "*/*" | "application/unknown" | "unknown/unknown" | "content/unknown" => Media::Unknown,
        // No type at all: browsers look at the body instead.
        _ if text.split_once('/').is_none_or(|(kind, sub)| kind.is_empty() || sub.is_empty()) => Media::Unknown,
        "text/event-stream" => Media::EventStream,
        // Captions know tags and character references as well.
        "text/html" | "text/vtt" => Media::Html,
        "application/json"
        | "text/json"
        | "application/x-ndjson"
        | "application/jsonl"
        | "application/ndjson"
        | "application/stream+json"
        | "application/json-seq" => Media::Json,
        "application/javascript"
        | "application/ecmascript"
        | "application/x-javascript"
        | "text/javascript"
        | "text/ecmascript"
        | "text/x-javascript"
        | "text/jscript"
        | "text/livescript"
        | "application/x-ecmascript"
        | "text/x-ecmascript" => Media::Script,
        "text/css" => Media::Css,
        "application/xml" | "text/xml" => Media::Xml,
        "application/x-www-form-urlencoded" => Media::Form,
        "text/markdown" | "text/x-markdown" => Media::Markdown,
        _ if text.ends_with("+xml") => Media::Xml,
        _ if text.ends_with("+json") => Media::Json,
        _ if text.starts_with("text/") => Media::Plain,
        _ => Media::Opaque,
    }
}

#[cfg(test)]
mod tests {
    use super::{Boundary, Media, media_type};

    #[test]
    fn content_types_as_servers_write_them() {
        let boundary = Media::Multipart(Boundary::new(b"a b"));
        let cases: [(&str, Media, Option<&str>); 20] = [
            ("multipart/mixed; boundary=\"a b\"", boundary, None),
            ("multipart/form-data", Media::Multipart(Boundary::new(b"")), None),
            ("application/x-www-form-urlencoded;charset=gbk", Media::Form, Some("GBK")),
            ("text/markdown", Media::Markdown, None),
            ("text/css", Media::Css, None),
            ("application/x-ndjson", Media::Json, None),
            ("text", Media::Unknown, None),
            ("/", Media::Unknown, None),
            ("image/png, text/html;charset=gbk", Media::Html, Some("GBK")),
            ("text/html, nonsense", Media::Html, None),
            ("application/xhtml+xml", Media::Xml, None),
            ("text/html", Media::Html, None),
            ("TEXT/HTML ; Charset=\"gb2312\"", Media::Html, Some("GBK")),
            ("text/html;charset=utf-8;charset=gbk", Media::Html, Some("UTF-8")),
            ("text/plain; charset=nonsense", Media::Plain, None),
            ("application/vnd.api+json", Media::Json, None),
            ("image/svg+xml", Media::Xml, None),
            ("image/png", Media::Opaque, None),
            ("", Media::Unknown, None),
            ("text/event-stream", Media::EventStream, None),
        ];
        for (value, media, charset) in cases {
            let read = media_type(Some(value.as_bytes()));
            assert_eq!((read.0, read.1.map(|encoding| encoding.name())), (media, charset), "{value}");
        }
        assert_eq!(media_type(None), (Media::Unknown, None));
    }
}

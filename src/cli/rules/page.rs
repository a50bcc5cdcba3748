//! Pages on disk, and how a response would name them.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// A page of a directory.
pub(super) struct Page {
    /// Where it is.
    pub(super) path: PathBuf,
    /// By its extension; `None`: a browser would look at the content.
    pub(super) content_type: Option<&'static str>,
    /// By its last extension.
    pub(super) content_encoding: Option<&'static str>,
}

/// Directories below one another, at most: a link may lead in a circle.
const DEPTH_MAX: usize = 32;

/// The whole of a file; `-` is standard input.
pub(super) fn read(file: &str) -> io::Result<Vec<u8>> {
    if file != "-" {
        return fs::read(file);
    }
    let mut body = Vec::new();
    io::stdin().lock().read_to_end(&mut body)?;
    Ok(body)
}

/// At most `bytes_max` of a file.
pub(super) fn read_bounded(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    File::open(path)?.take(bytes_max).read_to_end(&mut body)?;
    Ok(body)
}

/// All files of a directory and of those below it, by path; without those whose name begins with a dot.
pub(super) fn list(dir: &Path) -> Result<Vec<Page>, (PathBuf, io::Error)> {
    let mut pages = Vec::new();
    let mut dirs = vec![(dir.to_owned(), 0)];
    while let Some((dir, depth)) = dirs.pop() {
        let failed = |error| (dir.clone(), error);
        for entry in fs::read_dir(&dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().as_encoded_bytes().first() == Some(&b'.') {
                continue;
            }
            let path = entry.path();
            if !path.is_dir() {
                pages.push(Page::new(path));
            } else if depth < DEPTH_MAX {
                dirs.push((path, depth + 1));
            }
        }
    }
    pages.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(pages)
}

impl Page {
    fn new(path: PathBuf) -> Self {
        let extension = |path: &Path| path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
        let last = extension(&path);
        let content_encoding = match last.as_deref() {
            Some("gz") => Some("gzip"),
            Some("br") => Some("br"),
            Some("zst") => Some("zstd"),
            Some(_) | None => None,
        };
        let named = if content_encoding.is_some() { extension(&path.with_extension("")) } else { last };
        let content_type = match named.as_deref() {
            Some("html" | "htm" | "xhtml" | "shtml") => Some("text/html"),
            Some("json" | "map") => Some("application/json"),
            Some("js" | "mjs") => Some("text/javascript"),
            Some("css") => Some("text/css"),
            Some("xml" | "rss" | "atom" | "svg") => Some("application/xml"),
            Some("txt" | "md" | "csv") => Some("text/plain"),
            Some("png" | "jpg" | "jpeg" | "gif" | "webp" | "ico" | "woff" | "woff2" | "mp4" | "pdf" | "zip") => {
                Some("application/octet-stream")
            }
            Some(_) | None => None,
        };
        Self { path, content_type, content_encoding }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_say_what_a_response_would_say() {
        let cases = [
            ("a/b.html", Some("text/html"), None),
            ("b.JSON.gz", Some("application/json"), Some("gzip")),
            ("b.zst", None, Some("zstd")),
            ("b.txt.br", Some("text/plain"), Some("br")),
            ("README", None, None),
        ];
        for (path, content_type, content_encoding) in cases {
            let page = Page::new(path.into());
            assert_eq!((page.content_type, page.content_encoding), (content_type, content_encoding), "{path}");
        }
    }
}

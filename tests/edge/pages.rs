//! Real saved pages, in their own charset and in GBK and Big5, from a stock nginx as Debian ships it:
//! through the proxy they are what they are directly, none is a hit, and all have been read. With a
//! phrase in them they are blocked.
//!
//! The pages are not part of the project: without `../shared/suites/pages` (or `ZHAMEN_SUITES`) there
//! is nothing to serve, and without nginx the test's own origin serves them.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use encoding_rs::{BIG5, Encoding, GBK};

use crate::harness::{Client, Exchange, Origin, PATIENCE, Response, Setup, Zhamen, ask, eventually};

/// What a shipped pack forbids.
const PLANTED: &str = "百家乐开户送彩金";
const PLANTED_TRADITIONAL: &str = "百家樂開戶送彩金";
/// Stands on both sides of it, so that no word of the page is near enough to excuse it.
const AROUND: &str = "天气晴朗适合出门散步湖边的柳树已经发芽远处的山上还有雪";

/// Pages by file name, and where they lie.
struct Site {
    dir: tempfile::TempDir,
    names: Vec<String>,
}

/// A stock nginx that serves a directory; killed when dropped.
struct Nginx {
    child: Child,
    address: SocketAddr,
}

fn suites() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/suites/pages");
    let named = std::env::var_os("ZHAMEN_SUITES").map(|dir| PathBuf::from(dir).join("pages"));
    let found = named.into_iter().chain([beside]).find(|dir| dir.is_dir());
    if found.is_none() {
        println!("skipped: there are no saved pages in ../shared/suites/pages");
    }
    found
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

impl Site {
    /// All pages: as they are, and the Chinese ones in GBK and Big5 too.
    fn new(pages: &Path, change: impl Fn(&str, &str) -> String) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut site = Self { dir, names: Vec::new() };
        for path in files(&pages.join("zh")).iter().chain(&files(&pages.join("other"))) {
            let name = path.file_name().unwrap().to_str().unwrap();
            let bytes = fs::read(path).unwrap();
            let Ok(text) = String::from_utf8(bytes.clone()) else {
                // In a charset of its own: changed byte by byte, with character references.
                let text: String = bytes.iter().copied().map(char::from).collect();
                let changed = change(&text, &references(PLANTED));
                let byte = |character: char| {
                    u8::try_from(character)
                        .map_or_else(|_| references(&character.to_string()).into_bytes(), |byte| vec![byte])
                };
                site.put(name, &changed.chars().flat_map(byte).collect::<Vec<u8>>());
                continue;
            };
            // Saved as UTF-8 with the meta element of before: a browser would show the phrase only as
            // character references.
            let planted = if says_another_charset(&text) { references(PLANTED) } else { PLANTED.to_owned() };
            site.put(name, change(&text, &planted).as_bytes());
            if path.parent().unwrap().ends_with("zh") {
                site.put(&format!("gbk-{name}"), &transcoded(&change(&text, PLANTED), GBK, "gb2312"));
                let big5 = transcoded(&change(&text, PLANTED_TRADITIONAL), BIG5, "big5");
                site.put(&format!("big5-{name}"), &big5);
            }
        }
        site
    }

    fn put(&mut self, name: &str, bytes: &[u8]) {
        fs::write(self.dir.path().join(name), bytes).unwrap();
        self.names.push(name.to_owned());
    }
}

fn says_another_charset(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["charset=gb", "charset=\"gb", "charset='gb"].iter().any(|mark| lower.contains(mark))
}

fn references(text: &str) -> String {
    text.chars().map(|character| format!("&#{};", u32::from(character))).collect()
}

/// A page in another charset, with a meta element that says so. What the charset cannot write becomes
/// a character reference, as a browser would write it into a form.
fn transcoded(text: &str, encoding: &'static Encoding, label: &str) -> Vec<u8> {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    // Every charset that the page declares itself goes.
    while let Some(at) = rest.to_ascii_lowercase().find("charset=") {
        out.push_str(&rest[..at]);
        out.push_str("data-was=");
        rest = &rest[at + "charset=".len()..];
    }
    out.push_str(rest);
    let lower = out.to_ascii_lowercase();
    let head = lower.find("<head").and_then(|at| Some(at + lower[at..].find('>')? + 1)).unwrap_or(0);
    out.insert_str(head, &format!("<meta charset={label}>"));
    encoding.encode(&out).0.into_owned()
}

/// Puts text where a reader sees it: at the beginning of the body.
fn with_planted(text: &str, phrase: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let body = lower.find("<body").and_then(|at| Some(at + lower[at..].find('>')? + 1)).unwrap_or(0);
    let around = AROUND.repeat(3);
    format!("{}<p>{around}。{phrase}。{around}</p>{}", &text[..body], &text[body..])
}

impl Nginx {
    /// Serves `site` with hardly anything changed from the defaults but ports and paths.
    fn serve(site: &Path, gzip: bool) -> Option<Self> {
        let prefix = site.join(".nginx");
        fs::create_dir_all(&prefix).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|name| format!("{name}_temp_path {}/{name};\n", prefix.display()))
            .collect();
        let gzip = if gzip { "gzip on;\ngzip_min_length 1;\n" } else { "" };
        let configuration = format!(
            "daemon off;\npid {0}/pid;\nerror_log {0}/error.log;\nworker_processes 1;\nevents {{}}\nhttp {{\n\
             access_log off;\ntypes {{ text/html html; }}\n{temporary}{gzip}\
             server {{ listen {address}; root {1}; }}\n}}\n",
            prefix.display(),
            site.display(),
        );
        fs::write(prefix.join("nginx.conf"), configuration).unwrap();
        let started = Command::new("nginx")
            .args(["-p", &prefix.display().to_string(), "-c", "nginx.conf", "-e", "error.log"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut child) = started else {
            println!("skipped: nginx is not installed (Debian: nginx); the test's own origin serves the pages");
            return None;
        };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            if let Some(status) = child.try_wait().unwrap() {
                let said = fs::read_to_string(prefix.join("error.log")).unwrap_or_default();
                panic!("nginx ended with {status}: {said}");
            }
            assert!(Instant::now() < deadline, "nginx does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        Some(Self { child, address })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Asked to stop, it takes its worker along.
        let _ = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status();
        let _ = self.child.wait();
    }
}

/// An origin of our own that serves the directory.
fn own_origin(site: &Path, gzip: bool) -> Origin {
    let root = site.to_owned();
    Origin::start(move |exchange: &mut Exchange<'_>| {
        let body = fs::read(root.join(exchange.target().trim_start_matches('/'))).unwrap();
        if !gzip {
            return exchange.respond("200 OK", &[("Content-Type", "text/html")], &body);
        }
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, &body)?;
        let body = encoder.finish()?;
        exchange.begin_chunked(&[("Content-Type", "text/html"), ("Content-Encoding", "gzip")])?;
        for piece in body.chunks(16_000) {
            exchange.chunk(piece)?;
        }
        exchange.send("0\r\n\r\n")
    })
}

fn fetch(address: SocketAddr, name: &str) -> Response {
    ask(address, format!("GET /{name} HTTP/1.1\r\nHost: pages.cn\r\nAccept-Encoding: gzip\r\n\r\n"))
}

fn in_front_of(origin: SocketAddr) -> Zhamen {
    Setup::new().site("pages.cn", origin).shipped_packs().run()
}

fn unchanged(text: &str, _: &str) -> String {
    text.to_owned()
}

/// Every page, direct and through the proxy.
fn all_pages_pass_untouched(site: &Site, origin: SocketAddr, gzip: bool) {
    let zhamen = in_front_of(origin);
    let mut client = Client::connect(zhamen.http);
    for name in &site.names {
        let direct = fetch(origin, name);
        assert_eq!(direct.field("content-encoding"), gzip.then_some("gzip"), "{name}");
        client.send(format!("GET /{name} HTTP/1.1\r\nHost: pages.cn\r\nAccept-Encoding: gzip\r\n\r\n"));
        let through = client.response();
        assert_eq!(through.status(), 200, "{name}: {}", through.reason());
        assert!(direct.body == through.body, "{name} is changed");
        for field in ["content-type", "content-encoding", "etag", "last-modified"] {
            assert_eq!(direct.field(field), through.field(field), "{name}: {field}");
        }
    }
    let pages = site.names.len();
    eventually("all lines", || zhamen.log().len() == pages);
    for line in zhamen.log() {
        assert_eq!((&line["inspection"], &line["verdict"]), (&"inspected".into(), &"pass".into()), "{line}");
    }
    // Far from any threshold, a page may have a word that weighs little.
    let with_findings = zhamen.log().iter().filter(|line| line["rules"] != serde_json::json!([])).count();
    assert!(with_findings <= pages / 50, "{with_findings} of {pages} pages have findings");
    assert_eq!(zhamen.metric("zhamen_responses_total{inspection=\"inspected\",reason=\"none\"}"), pages as f64);
    let charsets: std::collections::BTreeMap<String, usize> =
        zhamen.log().iter().fold(Default::default(), |mut counts, line| {
            *counts.entry(line["charset"].to_string()).or_default() += 1;
            counts
        });
    println!("{pages} pages, gzip {gzip}: untouched, {with_findings} with findings; charsets {charsets:?}");
    assert!(charsets["\"GBK\""] >= 30 && charsets["\"Big5\""] >= 30, "{charsets:?}");
}

/// Every page with the phrase in it, as far as it could be put in.
fn all_pages_with_the_phrase_are_blocked(site: &Site, origin: SocketAddr, gzip: bool) {
    let zhamen = in_front_of(origin);
    let mut blocked = 0;
    for name in &site.names {
        let response = fetch(zhamen.http, name);
        let cut = response.end == crate::harness::End::Cut;
        assert!(
            (response.status(), response.reason()) == (451, "content_blocked") || cut,
            "{name}: {} of {} bytes",
            response.status(),
            response.body.len()
        );
        blocked += 1;
    }
    println!("{blocked} pages with a phrase in them, gzip {gzip}: blocked");
}

#[test]
fn real_pages_from_nginx_pass_untouched() {
    let Some(pages) = suites() else { return };
    let site = Site::new(&pages, unchanged);
    for gzip in [false, true] {
        let Some(nginx) = Nginx::serve(site.dir.path(), gzip) else { return };
        all_pages_pass_untouched(&site, nginx.address, gzip);
    }
}

#[test]
fn real_pages_from_nginx_are_blocked_with_a_phrase_in_them() {
    let Some(pages) = suites() else { return };
    let site = Site::new(&pages, with_planted);
    for gzip in [false, true] {
        let Some(nginx) = Nginx::serve(site.dir.path(), gzip) else { return };
        all_pages_with_the_phrase_are_blocked(&site, nginx.address, gzip);
    }
}

#[test]
fn real_pages_pass_untouched() {
    let Some(pages) = suites() else { return };
    let site = Site::new(&pages, unchanged);
    for gzip in [false, true] {
        let origin = own_origin(site.dir.path(), gzip);
        all_pages_pass_untouched(&site, origin.address(), gzip);
    }
}

#[test]
fn real_pages_are_blocked_with_a_phrase_in_them() {
    let Some(pages) = suites() else { return };
    let site = Site::new(&pages, with_planted);
    for gzip in [false, true] {
        let origin = own_origin(site.dir.path(), gzip);
        all_pages_with_the_phrase_are_blocked(&site, origin.address(), gzip);
    }
}

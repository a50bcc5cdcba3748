//! Every panel of every dashboard asks something that is there: a real Prometheus watches a proxy that
//! has something of everything, and each query is executed against it.
//!
//! `ZHAMEN_PICTURES=120 cargo test --test edge deploy::dashboards -- --nocapture` lets the traffic run
//! for 120 seconds and draws `deploy/grafana/*.svg` from what Prometheus saw meanwhile.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use super::{is_installed, picture, repository, text};
use crate::harness::{Client, Origin, PATIENCE, Setup, Zhamen, eventually, page_of, page_with, text_of, zhamen};

const DASHBOARDS: [&str; 3] = ["edge", "content", "record"];

#[test]
fn every_panel_says_what_it_shows_and_when_it_is_bad() {
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        assert_eq!(dashboard["templating"]["list"][0]["type"], "datasource");
        let mut ids = Vec::new();
        for panel in panels(&dashboard) {
            let title = panel["title"].as_str().unwrap();
            assert!(!panel["description"].as_str().unwrap_or_default().is_empty(), "{name}: {title}: no description");
            let defaults = &panel["fieldConfig"]["defaults"];
            assert!(defaults["unit"].is_string(), "{name}: {title}: no unit");
            assert!(!defaults["thresholds"]["steps"].as_array().unwrap().is_empty(), "{name}: {title}: no thresholds");
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{name}: {title}");
            assert!(!ids.contains(&panel["id"]), "{name}: {title}: id twice");
            ids.push(panel["id"].clone());
        }
    }
}

#[test]
fn every_panel_has_data() {
    if !is_installed("prometheus", "prometheus") {
        return;
    }
    let origins = Origins::start();
    let proxy = origins.proxy();
    let prometheus = Prometheus::start(proxy.admin_address());
    something_on_the_record(&proxy);
    let pictures = std::env::var("ZHAMEN_PICTURES").ok().map(|seconds| seconds.parse().unwrap());
    let time = Duration::from_secs(pictures.unwrap_or(8));
    let began = now();
    with_traffic(proxy.http, time, || eventually("scraped", || prometheus.query("up == 1", now()).len() == 1));
    println!("| dashboard | panel | query | series |\n| --- | --- | --- | --- |");
    let mut empty = Vec::new();
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        for panel in panels(&dashboard) {
            for target in panel["targets"].as_array().unwrap() {
                let series = prometheus.query(&plain(target["expr"].as_str().unwrap()), now());
                let whole = series.iter().filter(|series| number(&series["value"][1]).is_finite()).count();
                let (title, query) = (panel["title"].as_str().unwrap(), target["refId"].as_str().unwrap());
                println!("| {name} | {title} | {query} | {whole} |");
                if whole == 0 {
                    empty.push(format!("{name}: {title}: {}", target["expr"]));
                }
            }
        }
        let drawn = picture::draw(&dashboard, &|expr| prometheus.range(&plain(expr), began, now()));
        assert!(drawn.contains("<polyline"), "{name}: nothing was drawn");
        if pictures.is_some() {
            fs::write(repository(&format!("deploy/grafana/{name}.svg")), drawn).unwrap();
        }
    }
    assert!(empty.is_empty(), "no data:\n{}\nmetrics:\n{}", empty.join("\n"), proxy.metrics());
}

fn dashboard(name: &str) -> Value {
    serde_json::from_str(&text(&format!("deploy/grafana/{name}.json"))).unwrap()
}

/// The panels that show something.
fn panels(dashboard: &Value) -> Vec<&Value> {
    dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row").collect()
}

/// A query as Grafana sends it, for a scrape a second.
fn plain(expr: &str) -> String {
    expr.replace("$__rate_interval", "5s").replace("$datacenter", ".*").replace("$instance", ".*")
}

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Origins that have something of everything.
struct Origins {
    clean: Origin,
    bad: Origin,
    gone: SocketAddr,
    breaking: Origin,
}

impl Origins {
    fn start() -> Self {
        let clean = Origin::start(|exchange| match exchange.target().to_owned().as_str() {
            "/picture" => exchange.respond("200 OK", &[("Content-Type", "image/png")], b"\x89PNG\r\n\x1a\n...."),
            "/coded" => {
                let fields = [("Content-Type", "text/html"), ("Content-Encoding", "secret")];
                exchange.respond("200 OK", &fields, b"????")
            }
            "/slow" => {
                thread::sleep(Duration::from_millis(40));
                exchange.respond("200 OK", &[("Content-Type", "text/html")], page_of(30_000).as_bytes())
            }
            target => {
                let page = format!("{}<p>{target}</p>", page_of(4_000));
                exchange.respond("200 OK", &[("Content-Type", "text/html")], page.as_bytes())
            }
        });
        let bad = Origin::start(|exchange| {
            let fields = [("Content-Type", "text/html; charset=utf-8")];
            match exchange.target() {
                "/shadow" => exchange.respond("200 OK", &fields, page_with("影子测试短语", 300).as_bytes()),
                "/late" => exchange.respond("200 OK", &fields, (page_of(200_000) + "秘密暗号测试").as_bytes()),
                _ => exchange.respond("200 OK", &fields, page_with("秘密暗号测试", 300).as_bytes()),
            }
        });
        let breaking = Origin::start(|exchange| {
            exchange.begin_chunked(&[("Content-Type", "text/html")])?;
            exchange.chunk(text_of(200_000).as_bytes())?;
            exchange.reset()
        });
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        let gone = closed.local_addr().unwrap();
        Self { clean, bad, gone, breaking }
    }

    fn proxy(&self) -> Zhamen {
        let shadow = "[pack]\nid = \"shadowed\"\ntitle = \"s\"\nclause = \"7.7\"\nclass = \"other\"\naction = \"block\"\n\
                      threshold = 100\n\n[[rule]]\nid = \"shadowed.phrase\"\nany = [\"影子测试短语\"]\nmode = \"shadow\"\n";
        let row =
            |host: &str, origin: SocketAddr, rest: &str| format!("{host},http://{origin},u2,s2,virtual_host,{rest}");
        let (clean, filed) = (self.clean.address(), "蜀ICP备12345678号-1,,");
        let setup = Setup::new()
            .site("clean.example.cn", clean)
            .row(row("bad.example.cn", self.bad.address(), filed))
            .row(row("gone.example.cn", self.gone, filed))
            .row(row("breaking.example.cn", self.breaking.address(), filed))
            .row(format!("suspended.example.cn,http://{clean},u9,s9,server,蜀ICP备12345678号,,"))
            .row(row("elsewhere.example.cn", clean, "蜀ICP备12345678号-1,elsewhere,"))
            .pack("shadowed.toml", shadow.to_owned())
            .set("listen.https", "[\"127.0.0.1:0\"]")
            .set("tls.certificates", "\"certs\"");
        let certified = rcgen::generate_simple_self_signed(["clean.example.cn".to_owned()]).unwrap();
        setup
            .file("certs/clean.crt", &certified.cert.pem())
            .file("certs/clean.key", &certified.signing_key.serialize_pem())
            .run()
    }
}

/// An incident with its clock, a suspended unit, a locked site.
fn something_on_the_record(proxy: &Zhamen) {
    let directory = proxy.path("");
    for command in [
        &["incident", "open", "--title", "演练", "--site", "clean.example.cn", "--lock-site", "locked.example.cn"][..],
        &["ledger", "suspend", "u9", "--why", "演练"],
    ] {
        let run = zhamen(&directory, command, b"");
        assert_eq!(run.status, 0, "{command:?}: {}{}", run.out, run.err);
    }
}

/// Visitors of every kind for a time; `first` must hold before the time begins.
fn with_traffic(proxy: SocketAddr, time: Duration, first: impl FnOnce()) {
    let over = Arc::new(AtomicBool::new(false));
    let visit = |asked: &'static [(&'static str, &'static str)], pause: u64| {
        let over = Arc::clone(&over);
        thread::spawn(move || {
            let mut round = 0;
            while !over.load(Ordering::Relaxed) {
                for (host, target) in asked {
                    round += 1;
                    let target = target.replace('N', &(round % 50).to_string());
                    let mut client = Client::connect(proxy);
                    client.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
                    client.response();
                    // A wave, so that the pictures have something to show.
                    let wave = 1.0 + (f64::from(round) / 90.0).sin() / 1.4;
                    thread::sleep(Duration::from_millis((pause as f64 * wave) as u64));
                }
            }
        })
    };
    let visitors = [
        visit(&[("clean.example.cn", "/pN"), ("clean.example.cn", "/"), ("clean.example.cn", "/p1")], 15),
        visit(&[("clean.example.cn", "/slow"), ("clean.example.cn", "/picture"), ("clean.example.cn", "/coded")], 30),
        visit(&[("bad.example.cn", "/dN/a"), ("bad.example.cn", "/shadow"), ("nobody.example.com", "/")], 60),
        visit(
            &[("elsewhere.example.cn", "/"), ("suspended.example.cn", "/"), ("gone.example.cn", "/"), ("a b", "/")],
            120,
        ),
    ];
    first();
    thread::sleep(time);
    over.store(true, Ordering::Relaxed);
    for visitor in visitors {
        visitor.join().unwrap();
    }
}

/// Debian's Prometheus with our rules, looking once a second; killed when dropped.
struct Prometheus {
    child: Child,
    address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Prometheus {
    fn start(target: SocketAddr) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        // As shipped, but for the pace and the place.
        let configuration = text("deploy/prometheus/scrape.yml")
            .replace("scrape_interval: 15s", "scrape_interval: 1s")
            .replace("evaluation_interval: 15s", "evaluation_interval: 1s")
            .replace("127.0.0.1:9900", &target.to_string());
        assert!(configuration.contains(&target.to_string()) && configuration.contains("scrape_interval: 1s"));
        fs::write(at("prometheus.yml"), configuration).unwrap();
        for rules in ["alerts.rules.yml", "recording.rules.yml"] {
            fs::copy(repository("deploy/prometheus").join(rules), at(rules)).unwrap();
        }
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = run_prometheus(directory.path(), address);
        let prometheus = Self { child, address, _directory: directory };
        let deadline = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "prometheus does not listen");
            thread::sleep(Duration::from_millis(50));
        }
        prometheus
    }

    /// The series of a query at a moment.
    fn query(&self, expr: &str, at: f64) -> Vec<Value> {
        self.ask(&format!("/api/v1/query?time={at:.3}&query={}", encoded(expr)), expr)
    }

    /// The series of a query over a time: labels, and values by second.
    fn range(&self, expr: &str, from: f64, to: f64) -> Vec<Value> {
        let step = ((to - from) / 240.0).max(1.0);
        self.ask(
            &format!("/api/v1/query_range?start={from:.3}&end={to:.3}&step={step:.3}&query={}", encoded(expr)),
            expr,
        )
    }

    fn ask(&self, target: &str, expr: &str) -> Vec<Value> {
        let mut client = Client::connect(self.address);
        client.send(format!("GET {target} HTTP/1.1\r\nHost: prometheus\r\nConnection: close\r\n\r\n"));
        let answer: Value = match serde_json::from_str(&client.response().text()) {
            Ok(answer) => answer,
            // Not up yet.
            Err(_) => return Vec::new(),
        };
        if answer["errorType"] == "unavailable" {
            return Vec::new();
        }
        assert_eq!(answer["status"], "success", "{expr}: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }
}

fn run_prometheus(directory: &Path, address: SocketAddr) -> Child {
    Command::new("prometheus")
        .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=error"])
        .arg(format!("--web.listen-address={address}"))
        .current_dir(directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// For a query string.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

//! What people write into zhamen.toml, and what is made of it.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::{
    base::Problem,
    config::{Http2, Limits, Pressure, Rate, Timeouts, Upstreams},
    engine::body_filter::Consequences,
};

fn parse(text: &str) -> Parsed {
    Config::parse(Path::new("/etc/zhamen/zhamen.toml"), text, &|name| (name == "HOME").then(|| "/root".to_owned()))
}

fn config(text: &str) -> Config {
    let parsed = parse(text);
    parsed.config.unwrap_or_else(|| panic!("{:?}", parsed.problems))
}

fn problem(text: &str) -> Problem {
    let parsed = parse(text);
    assert!(parsed.config.is_none());
    assert_eq!(parsed.problems.len(), 1, "{:?}", parsed.problems);
    parsed.problems[0].clone()
}

#[test]
fn nothing_said_is_a_safe_configuration() {
    let config = config("");
    assert_eq!(config.edge.http, ["127.0.0.1:8080".parse().unwrap()]);
    assert_eq!(config.registry.file, Path::new("/etc/zhamen/sites.csv"));
    assert_eq!(config.log.access, AccessTarget::File("/etc/zhamen/access.jsonl".into()));
    assert!(config.scan.enabled);
    assert_eq!(config.scan.hold_bytes, 65_536);
}

#[test]
fn the_reference_says_what_is_so_without_it() {
    let mut reference = config(include_str!("../reference.toml"));
    // Where a key stands is no matter of what it says.
    reference.rules_line = 0;
    assert_eq!(format!("{reference:?}"), format!("{:?}", config("")));
}

#[test]
fn every_key_arrives() {
    let config = config(
        r#"
[listen]
http = ["127.0.0.1:8081", "[::1]:8082"]
https = "127.0.0.1:8443"
[admin]
listen = ""
[admin.tls]
certificate = ""
[tls]
certificates = "certs"
[registry]
file = "/srv/sites.csv"
remove_max = 5
warn_before = "10d"
[registry.pull]
url = "https://crm.example.com/sites.csv"
every = "1m"
timeout = "10s"
max = "1MiB"
ca = "ca.pem"
token = "${HOME}"
[rules]
dir = "${HOME}/rules"
[scan]
enabled = false
hold = "32KiB"
hold_time = "100ms"
max_decoded = 0x100_0000
max_ratio = 50
tail_flush = "1s"
verdict_cache = 7
posts = false
posted_for = "2h"
[scan.on]
decode_error = "block"
memory = "block"
over_budget = "pass"
unknown_charset = "block"
unknown_coding = "block"
upgrade = "block"
opaque_media_type = "block"
engine_fault = "block"
[locks]
recheck = "10m"
hold = "1MiB"
[gate]
statuses = { unfiled = 404, content_blocked = 403 }
operator = "某某机房"
contact = "mailto:abuse@example.com"
[log]
access = "-"
client_address = "truncated"
level = "debug"
format = "json"
[limits]
head = "32KiB"
headers = 64
connections = 1000
origin_idle = 3
held = "64MiB"
locks = 10
drain = 0
event_queue = 100
connections_per_address = 11
requests_per_address = { rate = 12, burst = 13 }
requests_per_site = { rate = 14 }
uri = "1KiB"
handshake_queue = 15
lag = "16s"
min_rate = 17
[timeouts]
slow = "18s"
request = "19s"
drain_idle = "20s"
request_head = "1s"
keep_alive = "2s"
client_idle = "3s"
connect = "4s"
origin_head = "5s"
origin_idle = "6s"
origin_keep_alive = "7s"
tunnel_idle = "8s"
drain = "9s"
[workers]
threads = 3
[http2]
prior_knowledge = true
streams = 10
window = "1MiB"
control_frames = 200
resets = 20
"#,
    );
    let seconds = Duration::from_secs;
    let mut consequences = Consequences::all(Consequence::Block);
    for passes in [body_filter::Reason::OverBudget, body_filter::Reason::Disabled] {
        consequences.set(passes, Consequence::Pass);
    }
    assert_eq!(config.scan.consequences, consequences);
    assert!(!config.scan.enabled);
    assert_eq!((config.scan.hold_bytes, config.scan.decode.decoded_bytes_max), (32_768, 0x100_0000));
    assert_eq!(config.scan.decode.ratio_max, 50);
    assert_eq!(config.admin, None);
    assert_eq!(config.registry.file, Path::new("/srv/sites.csv"));
    assert_eq!((config.registry.remove_max_percent, config.registry.warn_before), (5, DAY * 10));
    let pull = config.registry.pull.unwrap();
    assert_eq!((pull.url.to_string(), pull.token.reveal()), ("https://crm.example.com/sites.csv".into(), "/root"));
    assert_eq!((pull.every, pull.timeout, pull.bytes_max), (seconds(60), seconds(10), 1 << 20));
    assert_eq!(pull.ca.as_deref(), Some(Path::new("/etc/zhamen/ca.pem")));
    assert_eq!(config.rules_dir, Path::new("/root/rules"));
    assert_eq!(config.policy.status(policy::Reason::Unfiled), 404);
    assert_eq!(config.policy.status(policy::Reason::ContentBlocked), 403);
    assert_eq!(config.policy.operator, "某某机房");
    assert_eq!(config.policy.contact, "mailto:abuse@example.com");
    assert_eq!(
        config.log,
        Log {
            access: AccessTarget::Stdout,
            client_address: ClientAddress::Truncated,
            level: Level::Debug,
            format: LogFormat::Json
        }
    );
    assert_eq!(
        config.edge,
        Edge {
            http: vec!["127.0.0.1:8081".parse().unwrap(), "[::1]:8082".parse().unwrap()],
            https: vec!["127.0.0.1:8443".parse().unwrap()],
            certificates: Some("/etc/zhamen/certs".into()),
            client_ca: None,
            workers: 3,
            hold_time: Duration::from_millis(100),
            tail_flush: seconds(1),
            posts: false,
            posted_for: seconds(7_200),
            lock_recheck: seconds(600),
            lock_hold_bytes: 1 << 20,
            verdict_cache_entries: 7,
            http2: Http2 { prior_knowledge: true, streams: 10, window_bytes: 1 << 20, control_frames: 200, resets: 20 },
            limits: Limits {
                head_bytes: 32 << 10,
                headers: 64,
                connections: 1_000,
                origin_idle: 3,
                held_bytes: 64 << 20,
                locks: 10,
                drain_bytes: 0,
                event_queue: 100
            },
            timeouts: Timeouts {
                request_head: seconds(1),
                keep_alive: seconds(2),
                client_idle: seconds(3),
                connect: seconds(4),
                origin_head: seconds(5),
                origin_idle: seconds(6),
                origin_keep_alive: seconds(7),
                tunnel_idle: seconds(8),
                drain: seconds(9)
            },
            upstream: Upstreams { directory: "/etc/zhamen".into(), ..Upstreams::default() },
            proxy_protocol_from: Vec::new(),
            trusted_proxies: Vec::new(),
            pressure: Pressure {
                connections_per_address: 11,
                requests_per_address: Rate { per_second: 12, burst: 13 },
                requests_per_site: Rate { per_second: 14, burst: 14 },
                uri_bytes: 1_024,
                handshake_queue: 15,
                lag: seconds(16),
                min_rate: 17,
                slow: seconds(18),
                request: seconds(19),
                drain_idle: seconds(20),
            },
        }
    );
}

#[test]
fn an_unknown_key_names_the_nearest_one_and_its_place() {
    let found = problem("# 注释\n[scan]\n  hodl = \"1KiB\"\n");
    assert_eq!((found.line, found.column), (3, 3));
    assert!(found.message.contains("\"hodl\"") && found.help.contains("\"hold\""), "{found}");
    let found = problem("[sacn]\n");
    assert!(found.help.contains("\"scan\""), "{found}");
    let found = problem("[gate.statuses]\nunfield = 403\n");
    assert!(found.help.contains("\"unfiled\""), "{found}");
}

#[test]
fn all_problems_come_at_once_in_order_of_place() {
    let parsed = parse(
        "[listen]\nhttp = [\"nonsense\", \"127.0.0.1:1\", \"127.0.0.1:1\"]\nhttps = [\"127.0.0.1:2\"]\n\
         [scan]\nhold = \"64kb\"\nenabled = \"yes\"\nmax_ratio = 0\nhold_time = 5\n[scan.on]\nmemory = \"blok\"\n\
         [gate]\nstatuses = { unfiled = 200 }\ncontact = \"<script>\"\n[rules]\ndir = \"${NOT_SET}\"\n",
    );
    let lines: Vec<u32> = parsed.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [2, 2, 3, 5, 6, 7, 8, 10, 12, 13, 15], "{:#?}", parsed.problems);
    assert!(parsed.problems.iter().all(|problem| problem.column > 0));
}

#[test]
fn broken_toml_is_one_problem_at_its_place() {
    let found = parse("[scan]\nhold = \n[listen]\nhttp = []\n").problems;
    assert_eq!(found[0].line, 2, "{found:?}");
}

#[test]
fn the_store_is_sqlite() {
    assert_eq!(config("[store]\nurl = \"sqlite:a.db\"\n").store.database, Path::new("/etc/zhamen/a.db"));
    assert!(parse("[store]\nurl = \"mysql://x\"\n").config.is_none());
}

#[test]
fn dollar_dollar_is_literal() {
    assert_eq!(config("[gate]\noperator = \"a $${HOME} ${HOME} $\"").policy.operator, "a ${HOME} /root $");
    assert!(parse("[gate]\noperator = \"${HOME\"").config.is_none());
}

#[test]
fn changes_that_need_a_restart_are_named() {
    let running = config("[scan]\nhold = \"1KiB\"");
    let changed = config("[scan]\nhold = \"2KiB\"\n[workers]\nthreads = 2\n[admin]\nlisten = \"127.0.0.1:1\"");
    assert_eq!(changed.keys_needing_restart(&running), ["admin", "workers.threads"]);
    let mut kept = changed;
    kept.keep_until_restart(&running);
    assert!(kept.keys_needing_restart(&running).is_empty());
    assert_eq!(kept.scan.hold_bytes, 2_048, "the rest is applied");
}

proptest! {
    #[test]
    fn any_text_is_answered(text in ".{0,200}") {
        let parsed = parse(&text);
        prop_assert_eq!(parsed.config.is_none(), parsed.problems.iter().any(|it| it.severity == Severity::Error));
    }

    #[test]
    fn any_value_under_any_key_is_answered(
        section in "listen|admin|tls|registry|rules|store|scan|scan.on|locks|gate|gate.statuses|log|limits|timeouts|workers",
        key in "http|https|listen|certificates|file|dir|url|hold|memory|unfiled|statuses|level|head|drain|threads|[a-z]{1,6}",
        value in "-?[0-9]{1,25}|\"[^\"\\\\\\n]{0,12}\"|true|\\[[0-9, ]{0,6}\\]|\\{ ?\\}|1\\.5|2027-01-01|[a-z]{0,4}",
    ) {
        let _ = parse(&format!("[{section}]\n{key} = {value}\n"));
    }

    #[test]
    fn numbers_arrive_as_written(threads in 0..=1024_usize, headers in 8..=256_usize, millis in 1..86_400_000_u64) {
        let config = config(&format!(
            "workers.threads = {threads}\nlimits.headers = {headers}\ntimeouts.connect = \"{millis}ms\""
        ));
        prop_assert_eq!(config.edge.workers, threads);
        prop_assert_eq!(config.edge.limits.headers, headers);
        prop_assert_eq!(config.edge.timeouts.connect, Duration::from_millis(millis));
    }
}

#[test]
fn a_list_that_is_not_closed_is_told_alone_where_it_begins() {
    for (text, line, column) in [
        ("[listen]\nhttp = [\"127.0.0.1:8080\"\n\n[admin]\nlisten = \"127.0.0.1:9900\"\n", 2, 8),
        ("# ]\n[listen]\nhttp = [ # first ]\n  \"[::]:80\",\n", 3, 8),
        ("[scan.on]\nx = {a = 1\n[log]\nlevel = \"info\"\n", 2, 5),
    ] {
        let found = problem(text);
        assert_eq!((found.line, found.column), (line, column), "{text}: {found}");
        assert!(found.message.contains("not closed"), "{found}");
    }
    let found = problem("[listen]\nhttp = [\"127.0.0.1:8080\"]\n[log\nlevel = 5\nnonsense = 1\n");
    assert_eq!(found.line, 3, "{found}");
    let found = problem("operator = \"no end\n[listen]\n");
    assert_eq!(found.line, 1, "{found}");
}

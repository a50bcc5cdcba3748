//! From the document to the [`Config`]: one function a section.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    ops::{Range, RangeInclusive},
    path::{Path, PathBuf},
    time::Duration,
};

use toml::de::DeValue;

use super::{
    AccessTarget, Admin, ClientAddress, Config, Edge, Level, Limits, Log, LogFormat, Parsed, Timeouts,
    admin::admin,
    incident::incident,
    ledger::ledger,
    nearest::nearest,
    raw::{Placed, Reader, Section, integer},
    registry::registry,
    report::report,
    store::store,
};
use crate::{
    base::Severity,
    domain::policy::{self, Policy},
    engine::body_filter::{self, Consequence, ScanPolicy},
};

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const GIB: u64 = 1 << 30;

pub(super) fn parse(path: &Path, text: &str, env: &dyn Fn(&str) -> Option<String>) -> Parsed {
    let shown = path.display().to_string();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let reader = Reader::new(&shown, text, env);
    let document = reader.document();
    let root = Section::root(&reader, &document);
    let base = path.parent().unwrap_or(Path::new(""));

    let mut edge = Edge::default();
    let certificates_at = tls(&root, base, &mut edge);
    let admin = listeners(&reader, &root, base, &mut edge, certificates_at.is_some());
    limits(&root, &mut edge.limits);
    timeouts(&root, &mut edge.timeouts);
    let workers = root.section("workers");
    if let Some(threads) = workers.number("threads", 0..=1_024) {
        edge.workers = threads as usize;
    }
    workers.close();
    let scan = scan(&reader, &root, &mut edge);
    locks(&root, &mut edge);
    let config = Config {
        path: path.to_owned(),
        admin,
        registry: registry(&reader, &root, base),
        rules_dir: file(&reader, &root, base, "rules", "dir", "rules"),
        scan,
        policy: gate(&reader, &root),
        log: log(&root, base),
        store: store(&reader, &root, base),
        incident: incident(&reader, &root),
        report: report(&reader, &root),
        ledger: ledger(&reader, &root),
        edge,
    };
    root.close();

    let problems = reader.into_problems();
    let broken = problems.iter().any(|problem| problem.severity == Severity::Error);
    Parsed { config: (!broken).then_some(config), problems }
}

fn tls(root: &Section<'_, '_>, base: &Path, edge: &mut Edge) -> Option<Range<usize>> {
    let tls = root.section("tls");
    let certificates = tls.string("certificates").filter(|(text, _)| !text.is_empty());
    tls.close();
    let (text, at) = certificates?;
    edge.certificates = Some(base.join(text));
    Some(at)
}

/// All addresses on which Zhamen listens. Without `[listen]` that is 127.0.0.1:8080, so that a
/// configuration that says nothing exposes nothing.
fn listeners(
    reader: &Reader<'_>,
    root: &Section<'_, '_>,
    base: &Path,
    edge: &mut Edge,
    certificates: bool,
) -> Option<Admin> {
    let listen = root.section("listen");
    let http = listen.strings("http");
    let https = listen.strings("https");
    let listen_at = listen.at();
    listen.close();

    let mut taken: BTreeMap<SocketAddr, &str> = BTreeMap::new();
    let mut address = |text: &str, at: Range<usize>, key: &'static str| -> Option<SocketAddr> {
        let Ok(address) = text.parse::<SocketAddr>() else {
            reader.error_with_help(
                at,
                format!("{text:?} is not an address to listen on"),
                "write it as \"127.0.0.1:8080\", \"0.0.0.0:80\" or \"[::]:80\"",
            );
            return None;
        };
        if address.port() != 0 {
            if let Some(other) = taken.get(&address) {
                reader.error(at, format!("{address} is listed twice: in {other} and in {key}"));
                return None;
            }
            taken.insert(address, key);
        }
        Some(address)
    };
    if http.is_none() && https.is_none() {
        edge.http = vec![SocketAddr::from(([127, 0, 0, 1], 8080))];
    }
    let empty = |list: &Option<Vec<Placed<String>>>| list.as_ref().is_none_or(Vec::is_empty);
    if (http.is_some() || https.is_some()) && empty(&http) && empty(&https) {
        reader.error_with_help(
            listen_at,
            "[listen] names no address",
            "name at least one, or leave the section out for 127.0.0.1:8080",
        );
    }
    for (text, at) in http.into_iter().flatten() {
        edge.http.extend(address(&text, at, "listen.http"));
    }
    for (text, at) in https.into_iter().flatten() {
        if !certificates {
            reader.error_with_help(
                at.clone(),
                "listen.https needs certificates",
                "add [tls] certificates = \"certs\", a directory with NAME.crt and NAME.key, or NAME.pem",
            );
        }
        edge.https.extend(address(&text, at, "listen.https"));
    }
    admin(reader, root, base, &mut |text, at| address(text, at, "admin.listen"))
}

fn file(
    reader: &Reader<'_>,
    root: &Section<'_, '_>,
    base: &Path,
    section: &'static str,
    key: &'static str,
    default: &str,
) -> PathBuf {
    let table = root.section(section);
    let value = table.string(key);
    table.close();
    match value {
        Some((text, at)) if text.is_empty() => {
            reader.error(at, format!("{section}.{key} is empty"));
            base.join(default)
        }
        Some((text, _)) => base.join(text),
        None => base.join(default),
    }
}

fn scan(reader: &Reader<'_>, root: &Section<'_, '_>, edge: &mut Edge) -> ScanPolicy {
    let mut policy = ScanPolicy::default();
    let scan = root.section("scan");
    set(&mut policy.enabled, scan.boolean("enabled"));
    set(&mut policy.hold_bytes, scan.size("hold", 0..=GIB).map(bytes));
    set(&mut edge.hold_time, scan.duration("hold_time", Duration::ZERO..=HOUR));
    set(&mut policy.decode.decoded_bytes_max, scan.size("max_decoded", 1..=1 << 50));
    set(&mut policy.decode.ratio_max, scan.number("max_ratio", 1..=1_000_000).map(|ratio| ratio as u32));
    set(&mut edge.tail_flush, scan.duration("tail_flush", MILLISECOND..=HOUR));
    set(&mut edge.verdict_cache_entries, scan.number("verdict_cache", 0..=10_000_000).map(|entries| entries as usize));
    set(&mut edge.posts, scan.boolean("posts"));
    set(&mut edge.posted_for, scan.duration("posted_for", MILLISECOND..=365 * DAY));
    let on = scan.section("on");
    for reason in body_filter::Reason::ALL {
        // What the operator switched off himself has no consequence to choose.
        if reason == body_filter::Reason::Disabled {
            continue;
        }
        let words = [("pass", Consequence::Pass), ("block", Consequence::Block)];
        if let Some(consequence) = on.word(reason.as_str(), &words) {
            policy.consequences.set(reason, consequence);
        }
    }
    on.close();
    let scan_at = scan.at();
    scan.close();
    if policy.enabled && policy.hold_bytes == 0 {
        reader.warn(
            scan_at,
            "scan.hold is 0: no response is held, so nothing can be answered with 451 on its first visit",
            "64KiB is the default",
        );
    }
    policy
}

fn locks(root: &Section<'_, '_>, edge: &mut Edge) {
    let locks = root.section("locks");
    set(&mut edge.lock_recheck, locks.duration("recheck", MILLISECOND..=DAY * 366));
    set(&mut edge.lock_hold_bytes, locks.size("hold", 0..=GIB).map(bytes));
    locks.close();
}

fn gate(reader: &Reader<'_>, root: &Section<'_, '_>) -> Policy {
    let mut policy = Policy::default();
    let gate = root.section("gate");
    let line = |value: Option<Placed<String>>, what: &str| -> Option<Placed<String>> {
        let (text, at) = value?;
        if text.chars().any(char::is_control) || text.chars().count() > 200 {
            reader.error(at, format!("{what} must be one line of at most 200 characters"));
            return None;
        }
        Some((text, at))
    };
    if let Some((operator, _)) = line(gate.string("operator"), "gate.operator") {
        policy.operator = operator;
    }
    if let Some((contact, at)) = line(gate.string("contact"), "gate.contact") {
        // It goes into `Link: <…>; rel="blocked-by"` as it is.
        let web = contact.starts_with("https://") || contact.starts_with("http://");
        let plain = contact.chars().all(|c| c.is_ascii_graphic() && !"<>\"".contains(c));
        if contact.is_empty() || (plain && (web || contact.contains('@'))) {
            policy.contact = contact;
        } else {
            reader.error_with_help(
                at,
                "gate.contact must be a URL or a mail address",
                "for example \"https://example.com/appeal\" or \"abuse@example.com\"",
            );
        }
    }
    let statuses = gate.section("statuses");
    for (word, key_at, value, at) in statuses.entries() {
        let Some(reason) = policy::Reason::ALL.into_iter().find(|reason| reason.as_str() == word) else {
            let help = nearest(word, policy::Reason::ALL.into_iter().map(policy::Reason::as_str))
                .map_or_else(|| "the manual lists the reasons".to_owned(), |meant| format!("did you mean {meant:?}?"));
            reader.error_with_help(key_at, format!("{word:?} is no reason for a refusal"), help);
            continue;
        };
        match status(value) {
            Some(status) => {
                policy.statuses.insert(reason, status);
            }
            None => reader.error(at, format!("the status of {word} must be a number from 400 to 599")),
        }
    }
    gate.close();
    policy
}

fn status(value: &DeValue<'_>) -> Option<u16> {
    integer(value).and_then(|number| u16::try_from(number).ok()).filter(|status| (400..=599).contains(status))
}

fn log(root: &Section<'_, '_>, base: &Path) -> Log {
    let section = root.section("log");
    let access = match section.string("access") {
        None => AccessTarget::File(base.join("access.jsonl")),
        Some((text, _)) => match text.as_str() {
            "" => AccessTarget::Off,
            "-" => AccessTarget::Stdout,
            file => AccessTarget::File(base.join(file)),
        },
    };
    let addresses =
        [("full", ClientAddress::Full), ("truncated", ClientAddress::Truncated), ("none", ClientAddress::None)];
    let levels = [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace].map(|it| (it.as_str(), it));
    let log = Log {
        access,
        client_address: section.word("client_address", &addresses).unwrap_or(ClientAddress::Full),
        level: section.word("level", &levels).unwrap_or(Level::Info),
        format: section
            .word("format", &[("text", LogFormat::Text), ("json", LogFormat::Json)])
            .unwrap_or(LogFormat::Text),
    };
    section.close();
    log
}

fn limits(root: &Section<'_, '_>, limits: &mut Limits) {
    let section = root.section("limits");
    let count = |key, range: RangeInclusive<u64>| section.number(key, range).map(bytes);
    set(&mut limits.head_bytes, section.size("head", 1 << 10..=1 << 20).map(bytes));
    set(&mut limits.headers, count("headers", 8..=256));
    set(&mut limits.connections, count("connections", 1..=10_000_000));
    set(&mut limits.origin_idle, count("origin_idle", 0..=65_536));
    set(&mut limits.held_bytes, section.size("held", 1 << 16..=1 << 40).map(bytes));
    set(&mut limits.locks, count("locks", 1..=100_000_000));
    set(&mut limits.drain_bytes, section.size("drain", 0..=GIB));
    set(&mut limits.event_queue, count("event_queue", 1..=10_000_000));
    section.close();
}

fn timeouts(root: &Section<'_, '_>, timeouts: &mut Timeouts) {
    let section = root.section("timeouts");
    let time = |key| section.duration(key, MILLISECOND..=DAY);
    set(&mut timeouts.request_head, time("request_head"));
    set(&mut timeouts.keep_alive, time("keep_alive"));
    set(&mut timeouts.client_idle, time("client_idle"));
    set(&mut timeouts.connect, time("connect"));
    set(&mut timeouts.origin_head, time("origin_head"));
    set(&mut timeouts.origin_idle, time("origin_idle"));
    set(&mut timeouts.origin_keep_alive, time("origin_keep_alive"));
    set(&mut timeouts.tunnel_idle, time("tunnel_idle"));
    set(&mut timeouts.drain, time("drain"));
    section.close();
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// The ranges above keep every value within 64 bits; a 32-bit machine takes its own maximum.
fn bytes(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::{base::Problem, engine::body_filter::Consequences};

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
        let reference = config(include_str!("reference.toml"));
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
[timeouts]
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
                workers: 3,
                hold_time: Duration::from_millis(100),
                tail_flush: seconds(1),
                posts: false,
                posted_for: seconds(7_200),
                lock_recheck: seconds(600),
                lock_hold_bytes: 1 << 20,
                verdict_cache_entries: 7,
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
}

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
    AccessTarget, Admin, ClientAddress, Config, Edge, Level, Log, LogFormat, Parsed,
    acme::acme,
    admin::admin,
    http2::http2,
    incident::incident,
    ledger::ledger,
    nearest::nearest,
    pressure,
    process::process,
    raw::{Placed, Reader, Section, integer},
    reference::Asked,
    registry::registry,
    report::report,
    store::store,
    upstream::upstream,
    webhooks::webhooks,
};
use crate::{
    base::{Network, Severity},
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
    let config = read(&reader, path);
    let problems = reader.into_problems();
    let broken = problems.iter().any(|problem| problem.severity == Severity::Error);
    Parsed { config: (!broken).then_some(config), problems }
}

/// What is asked for when a text is read.
pub(super) fn asked(text: &str) -> Vec<Asked> {
    let reader = Reader::new("zhamen.toml", text, &|_| None);
    read(&reader, Path::new("zhamen.toml"));
    reader.asked()
}

fn read(reader: &Reader<'_>, path: &Path) -> Config {
    let document = reader.document();
    let root = Section::root(reader, &document);
    let base = path.parent().unwrap_or(Path::new(""));

    let mut edge = Edge::default();
    let has_certificates = tls(&root, base, &mut edge);
    let admin = listeners(reader, &root, base, &mut edge, has_certificates);
    edge.http2 = http2(&root);
    limits(&root, &mut edge);
    timeouts(&root, &mut edge);
    edge.upstream = upstream(reader, &root, base);
    let workers = root.section("workers");
    if let Some(threads) = workers.number("threads", 0..=1_024) {
        edge.workers = threads as usize;
    }
    workers.close();
    let scan = scan(reader, &root, &mut edge);
    locks(&root, &mut edge);
    let store = store(reader, &root, base);
    let (rules_dir, rules_line) = rules(reader, &root, base);
    let config = Config {
        process: process(reader, &root, base, &store.database),
        acme: acme(reader, &root, (base, &store.database), has_certificates),
        path: path.to_owned(),
        admin,
        registry: registry(reader, &root, base),
        rules_dir,
        rules_line,
        scan,
        policy: gate(reader, &root),
        log: log(&root, base),
        store,
        incident: incident(reader, &root),
        report: report(reader, &root),
        webhooks: webhooks(&root, base),
        ledger: ledger(reader, &root),
        edge,
    };
    root.close();
    config
}

/// Whether there is a directory of certificates.
fn tls(root: &Section<'_, '_>, base: &Path, edge: &mut Edge) -> bool {
    let tls = root.section("tls");
    let file = |key| tls.string(key).filter(|(text, _)| !text.is_empty()).map(|(text, _)| base.join(text));
    (edge.certificates, edge.client_ca) = (file("certificates"), file("client_ca"));
    tls.close();
    edge.certificates.is_some()
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
    edge.proxy_protocol_from = networks(reader, &listen, "proxy_protocol_from");
    edge.trusted_proxies = networks(reader, &listen, "trusted_proxies");
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

/// The directory of the rule packs, and the line that names it; 0 if none does.
fn rules(reader: &Reader<'_>, root: &Section<'_, '_>, base: &Path) -> (PathBuf, u32) {
    let table = root.section("rules");
    let value = table.string("dir");
    table.close();
    match value {
        Some((text, at)) if text.is_empty() => {
            reader.error(at, "rules.dir is empty");
            (base.join("rules"), 0)
        }
        Some((text, at)) => (base.join(text), reader.line(&at)),
        None => (base.join("rules"), 0),
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

fn networks(reader: &Reader<'_>, section: &Section<'_, '_>, key: &'static str) -> Vec<Network> {
    let mut networks = Vec::new();
    for (text, at) in section.strings(key).into_iter().flatten() {
        match text.parse() {
            Ok(network) => networks.push(network),
            Err(why) => reader.error_with_help(
                at,
                format!("{text:?} in listen.{key}: {why}"),
                "write it as \"10.0.0.0/8\", \"2001:db8::/32\" or an address alone",
            ),
        }
    }
    networks
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

fn limits(root: &Section<'_, '_>, edge: &mut Edge) {
    let section = root.section("limits");
    let limits = &mut edge.limits;
    let count = |key, range: RangeInclusive<u64>| section.number(key, range).map(bytes);
    set(&mut limits.head_bytes, section.size("head", 1 << 10..=1 << 20).map(bytes));
    set(&mut limits.headers, count("headers", 8..=256));
    set(&mut limits.connections, count("connections", 1..=10_000_000));
    set(&mut limits.origin_idle, count("origin_idle", 0..=65_536));
    set(&mut limits.held_bytes, section.size("held", 1 << 16..=1 << 40).map(bytes));
    set(&mut limits.locks, count("locks", 1..=100_000_000));
    set(&mut limits.drain_bytes, section.size("drain", 0..=GIB));
    set(&mut limits.event_queue, count("event_queue", 1..=10_000_000));
    pressure::limits(&section, &mut edge.pressure);
    section.close();
}

fn timeouts(root: &Section<'_, '_>, edge: &mut Edge) {
    let section = root.section("timeouts");
    let timeouts = &mut edge.timeouts;
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
    pressure::timeouts(&section, &mut edge.pressure);
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
mod tests;

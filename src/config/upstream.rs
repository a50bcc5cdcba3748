//! `[upstream]`: how origins are reached, and which of several.

use std::{
    net::SocketAddr,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use super::raw::{Reader, Section};

const MILLISECOND: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);

/// How origins are reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstreams {
    /// Unused connections kept per worker, all origins together.
    pub idle_total: usize,
    /// Connections in use per origin and worker.
    pub connections: usize,
    /// Requests that wait for a connection, per origin and worker.
    pub queue: usize,
    /// How long they wait.
    pub queue_time: Duration,
    /// Name servers; empty for those of the system.
    pub resolver: Vec<SocketAddr>,
    /// When an origin is left out.
    pub eject: Ejection,
    /// Origins are asked in this way whether they are well; `None`: they are not.
    pub check: Option<Check>,
    /// The directory that files in the registry are relative to.
    pub directory: PathBuf,
    /// Certificates that vouch for origins; `None` for those of the public Web.
    pub ca: Option<PathBuf>,
}

/// When one of several origins is left out, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ejection {
    /// After so many failures in a row.
    pub failures: u32,
    /// For so long the first time; twice as long each time that it fails again.
    pub time: Duration,
    /// For so long at most.
    pub time_max: Duration,
}

/// How origins are asked whether they are well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// With `GET` for this path.
    pub path: String,
    /// Between two checks of an origin.
    pub every: Duration,
    /// For all of a check.
    pub timeout: Duration,
    /// Statuses of an origin that is well.
    pub status: RangeInclusive<u16>,
}

impl Default for Upstreams {
    fn default() -> Self {
        Self {
            idle_total: 4_096,
            connections: 1_024,
            queue: 1_024,
            queue_time: Duration::from_secs(1),
            resolver: Vec::new(),
            eject: Ejection::default(),
            check: None,
            directory: PathBuf::new(),
            ca: None,
        }
    }
}

impl Default for Ejection {
    fn default() -> Self {
        Self { failures: 3, time: Duration::from_secs(10), time_max: Duration::from_secs(300) }
    }
}

pub(super) fn upstream(reader: &Reader<'_>, root: &Section<'_, '_>, base: &Path) -> Upstreams {
    let usual = Upstreams::default();
    let section = root.section("upstream");
    let count = |key, range: RangeInclusive<u64>, usual: usize| {
        section.number(key, range).map_or(usual, |number| usize::try_from(number).unwrap_or(usize::MAX))
    };
    let read = Upstreams {
        idle_total: count("idle_total", 0..=1_000_000, usual.idle_total),
        connections: count("connections", 1..=1_000_000, usual.connections),
        queue: count("queue", 0..=1_000_000, usual.queue),
        queue_time: section.duration("queue_time", MILLISECOND..=DAY).unwrap_or(usual.queue_time),
        resolver: resolver(reader, &section),
        eject: ejection(&section, usual.eject),
        check: check(reader, &section),
        directory: base.to_owned(),
        ca: tls(&section, base),
    };
    section.close();
    read
}

fn resolver(reader: &Reader<'_>, section: &Section<'_, '_>) -> Vec<SocketAddr> {
    let mut servers = Vec::new();
    for (text, at) in section.strings("resolver").into_iter().flatten() {
        let alone = || text.parse().ok().map(|address| SocketAddr::new(address, 53));
        match text.parse().ok().or_else(alone) {
            Some(server) => servers.push(server),
            None => reader.error_with_help(
                at,
                format!("{text:?} is not the address of a name server"),
                "write it as \"10.0.0.53\" or \"10.0.0.53:5353\"",
            ),
        }
    }
    servers
}

fn ejection(section: &Section<'_, '_>, usual: Ejection) -> Ejection {
    let section = section.section("eject");
    let failures = section.number("failures", 1..=1_000_000).and_then(|count| u32::try_from(count).ok());
    let time = section.duration("time", MILLISECOND..=DAY).unwrap_or(usual.time);
    let time_max = section.duration("time_max", MILLISECOND..=DAY).unwrap_or(usual.time_max);
    section.close();
    Ejection { failures: failures.unwrap_or(usual.failures), time, time_max: time_max.max(time) }
}

fn check(reader: &Reader<'_>, section: &Section<'_, '_>) -> Option<Check> {
    let section = section.section("check");
    let path = section.string("path").filter(|(path, _)| !path.is_empty());
    let every = section.duration("every", MILLISECOND * 100..=DAY).unwrap_or(Duration::from_secs(5));
    let timeout = section.duration("timeout", MILLISECOND..=DAY).unwrap_or(Duration::from_secs(2));
    let mut status = 200..=399;
    if let Some((text, at)) = section.string("status") {
        let (first, last) = text.split_once('-').unwrap_or((&text, &text));
        match (first.trim().parse::<u16>(), last.trim().parse::<u16>()) {
            (Ok(first), Ok(last)) if (100..=599).contains(&first) && (first..=599).contains(&last) => {
                status = first..=last;
            }
            _ => reader.error(at, "upstream.check.status must be one status, or a range such as \"200-399\""),
        }
    }
    section.close();
    let (path, at) = path?;
    if !path.starts_with('/') || !path.chars().all(|c| c.is_ascii_graphic()) {
        reader.error_with_help(at, "upstream.check.path is no path", "write it as it goes over the wire: \"/health\"");
        return None;
    }
    Some(Check { path, every, timeout, status })
}

fn tls(section: &Section<'_, '_>, base: &Path) -> Option<PathBuf> {
    let section = section.section("tls");
    let ca = section.string("ca").filter(|(file, _)| !file.is_empty());
    section.close();
    ca.map(|(file, _)| base.join(file))
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use super::{Check, Ejection, Upstreams};
    use crate::{base::Network, config::Config};

    fn parse(text: &str) -> Result<Config, Vec<String>> {
        let parsed = Config::parse(Path::new("/etc/zhamen/zhamen.toml"), text, &|_| None);
        parsed.config.ok_or_else(|| parsed.problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_key_arrives() {
        let edge = parse(
            r#"
[listen]
http = "127.0.0.1:80"
proxy_protocol_from = ["10.0.0.0/8"]
trusted_proxies = "::1"
[upstream]
connections = 5
queue = 6
queue_time = "7s"
idle_total = 8
resolver = ["10.0.0.53", "[::1]:5353"]
[upstream.eject]
failures = 2
time = "1m"
time_max = "1h"
[upstream.check]
path = "/health"
every = "1s"
timeout = "500ms"
status = "204"
[upstream.tls]
ca = "ca.pem"
"#,
        )
        .unwrap()
        .edge;
        let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
        assert_eq!(
            edge.upstream,
            Upstreams {
                idle_total: 8,
                connections: 5,
                queue: 6,
                queue_time: second * 7,
                resolver: vec!["10.0.0.53:53".parse().unwrap(), "[::1]:5353".parse().unwrap()],
                eject: Ejection { failures: 2, time: minute, time_max: minute * 60 },
                check: Some(Check { path: "/health".into(), every: second, timeout: second / 2, status: 204..=204 }),
                directory: "/etc/zhamen".into(),
                ca: Some("/etc/zhamen/ca.pem".into()),
            }
        );
        let network = |text: &str| vec![text.parse::<Network>().unwrap()];
        assert_eq!((edge.proxy_protocol_from, edge.trusted_proxies), (network("10.0.0.0/8"), network("::1/128")));
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for (text, said) in [
            ("[upstream]\nresolver = \"a.cn\"", "name server"),
            ("[upstream.check]\npath = \"health\"", "no path"),
            ("[upstream.check]\nstatus = \"300-200\"", "a range"),
            ("[upstream]\nconections = 1", "connections"),
            ("[listen]\nhttp = \"127.0.0.1:80\"\ntrusted_proxies = \"10.0.0.0/33\"", "no such prefix"),
        ] {
            let problems = parse(text).map(drop).unwrap_err();
            assert!(problems.iter().any(|problem| problem.contains(said)), "{text}: {problems:?}");
        }
    }
}

//! `zhamen explain`: what would happen to a request for a host, step by step, and which line
//! decided. The decision is made by the same functions as in `run`.

use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use serde::Serialize;

use super::{
    Exit,
    place::Place,
    problems,
    registry::existing_store,
    table::{Table, printable},
};
use crate::{
    app,
    base::{Clock, HostName, Problem, Severity, Timestamp},
    config::Config,
    control_plane::{
        Record, SystemClock,
        files::{RuleFiles, read_registry},
        registry::{Feed, in_force},
    },
    domain::{
        message::{ConnectionFacts, Facts, RawHead, Version, normalise},
        record::LockFact,
        registry::{Filing, Registry, Site},
        standing::{Lock, Standing},
    },
    store::Store,
};

/// Say what would happen to a request, step by step, and which line decides.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status:\n  0  the request would reach its origin\n  1  it would be refused\n  2  an error"
)]
pub(super) struct Args {
    /// The host, with or without scheme, port and path.
    #[arg(value_name = "HOST[/PATH]")]
    address: String,
    #[command(flatten)]
    place: Place,
    /// Ask with this method.
    #[arg(long, default_value = "GET")]
    method: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What is printed with `--json`.
#[derive(Serialize)]
struct Explanation {
    host: String,
    target: String,
    admitted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    steps: Vec<Step>,
}

/// One thing that was looked at, in the order of the gate.
#[derive(Serialize)]
struct Step {
    step: &'static str,
    result: String,
    /// The file and line that says so; empty if none does.
    #[serde(skip_serializing_if = "String::is_empty")]
    from: String,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let config = match args.place.config() {
        Ok(config) => config,
        Err(problems) => return problems::give_up(&problems),
    };
    let explanation = match explain(args, &config) {
        Ok(explanation) => explanation,
        Err(problem) => return problems::give_up(&[problem]),
    };
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&explanation).map_err(io::Error::other)?)?;
    } else {
        let mut table = Table::new(["step", "result", "from"]);
        for step in &explanation.steps {
            table.row([step.step.to_owned(), step.result.clone(), step.from.clone()]);
        }
        table.write(out)?;
        match (explanation.reason, explanation.status) {
            (Some(reason), Some(status)) => writeln!(out, "\nRefused: {reason}, status {status}")?,
            _ => writeln!(out, "\nAdmitted: {}", printable(&explanation.host))?,
        }
    }
    Ok(if explanation.admitted { Exit::Ok } else { Exit::No })
}

fn explain(args: &Args, config: &Config) -> Result<Explanation, Problem> {
    let now = SystemClock.now();
    let (authority, target) = split(&args.address);
    let mut steps = Vec::new();
    let mut step = |step, result: String, from: String| steps.push(Step { step, result, from });

    let head = RawHead {
        method: args.method.as_bytes(),
        target: target.as_bytes(),
        version: Version::Http11,
        headers: &[(b"Host", authority.as_bytes())],
    };
    let facts = match normalise(head, ConnectionFacts::default()) {
        Ok(facts) => facts,
        Err((reason, why)) => {
            step("request", format!("not acceptable: {why}"), String::new());
            return Ok(Explanation {
                host: authority.to_owned(),
                target,
                admitted: false,
                reason: Some(reason.as_str()),
                status: Some(config.policy.status(reason)),
                steps,
            });
        }
    };
    let host = &facts.host;
    let registrable = host.registrable().map_or_else(String::new, |domain| format!(" (registrable domain {domain})"));
    step("host", format!("{host}{registrable}"), String::new());

    let shown = config.registry.file.display().to_string();
    let store = existing_store(config).map_err(|mut problems| problems.remove(0))?;
    let store = store.as_ref().map(|store| &**store as &dyn Store);
    let registry = Arc::new(in_force(store, &config.registry, now.local_date()).registry);
    match registry.is_available() {
        true => step("registry", format!("{} sites", registry.len()), shown.clone()),
        false => step("registry", "cannot be used; see `zhamen check`".to_owned(), shown.clone()),
    }
    let filing = registry.look_up(host);
    let site = match &filing {
        Filing::Filed(site) | Filing::Elsewhere(site) | Filing::Unfiled(Some(site)) => Some(site.clone()),
        Filing::Unfiled(None) | Filing::Unknown => None,
    };
    step(
        "row",
        row_result(&registry, host, &filing),
        site.as_ref().map_or_else(String::new, |site| place_of(site, &config.registry.file)),
    );
    if let Some(site) = &site {
        for (name, result) in site_steps(site) {
            step(name, result, String::new());
        }
    }
    if let Some(dir) = &config.edge.certificates {
        let (result, from) = certificate_step(dir, host, now);
        step("certificate", result, from);
    }
    let (result, from) = rules_step(config, now);
    step("rules", result, from);

    let (standing, lock) = match record(config, &facts, now) {
        Ok(found) => found,
        Err(why) => {
            step("record", format!("cannot be read: {why}"), config.store.database.display().to_string());
            (Standing::default(), None)
        }
    };
    if let Some(site) = &site {
        let path = facts.target.split('?').next().unwrap_or("/");
        let against = standing.against(site, host.as_str(), path).map(|(_, why)| why);
        let locked =
            |lock: &Lock| format!("the page is locked since {}: {}", lock.since.to_local(), lock.rules.join(", "));
        let page = lock.as_ref().map(locked);
        step("standing", against.or(page).unwrap_or_else(|| "clear".to_owned()), String::new());
    }

    let decision = config.policy.admit(&facts, filing, &standing, lock.as_ref(), now);
    let reason = decision.err().map(|refusal| refusal.reason);
    Ok(Explanation {
        host: host.to_string(),
        target: facts.target.clone(),
        admitted: reason.is_none(),
        reason: reason.map(|reason| reason.as_str()),
        status: reason.map(|reason| config.policy.status(reason)),
        steps,
    })
}

/// What is in force by the record, and the lock on the page.
fn record(config: &Config, facts: &Facts, now: Timestamp) -> Result<(Standing, Option<Lock>), String> {
    // Looking makes no database.
    if !config.store.database.exists() {
        return Ok((Standing::default(), None));
    }
    let record = Record::beside(config).map_err(|error| error.to_string())?;
    let lock = record.with_ledger(|ledger| {
        let is_page = |lock: &&LockFact| lock.host == facts.host.as_str() && lock.path == facts.target;
        // Where a person or an incident locked it, that stands in the place of the rules.
        let rules = |lock: &LockFact| match lock.rules.is_empty() {
            true => [lock.why.as_str().into()].into(),
            false => lock.rules.iter().map(|rule| rule.as_str().into()).collect(),
        };
        let found = ledger.locked_pages().find(is_page);
        found.map(|lock| Lock { since: lock.at, recheck_at: now.plus_millis(1), rules: rules(lock) })
    });
    Ok((record.standing(), lock))
}

/// The authority and the request target of what somebody typed or pasted.
fn split(address: &str) -> (&str, String) {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let target = target.split('#').next().unwrap_or_default();
    (authority, if target.starts_with('/') { target.to_owned() } else { format!("/{target}") })
}

fn row_result(registry: &Registry, host: &HostName, filing: &Filing) -> String {
    if let Some(barred) = registry.barred(host) {
        return format!("the row of {barred} cannot be applied (see `zhamen check`), so it is refused");
    }
    match filing {
        Filing::Filed(site) | Filing::Elsewhere(site) | Filing::Unfiled(Some(site)) => {
            if site.host() == host.as_str() {
                site.host().to_owned()
            } else {
                format!("{} covers it", site.host())
            }
        }
        Filing::Unfiled(None) => "no row covers it".to_owned(),
        Filing::Unknown => "unknown: there is no registry".to_owned(),
    }
}

/// The line of a row in the registry's file, or the store, if it does not stand there.
fn place_of(site: &Site, file: &Path) -> String {
    let shown = file.display().to_string();
    let line = match site.line() {
        0 => {
            let feed = read_registry(file).ok().and_then(|(bytes, _)| Feed::read(&shown, &bytes).feed);
            let row = feed.and_then(|feed| feed.registry.site(site.host()));
            row.filter(|row| row.to_row() == site.to_row()).map(|row| row.line())
        }
        line => Some(line),
    };
    line.map_or_else(|| "the store".to_owned(), |line| format!("{shown}:{line}"))
}

fn site_steps(site: &Site) -> Vec<(&'static str, String)> {
    let number = if site.icp().is_empty() { "no number".to_owned() } else { site.icp().to_owned() };
    let mut steps = vec![
        ("filing", format!("{} ({number})", site.filing().as_str())),
        ("unit", format!("{} / {} ({})", site.unit(), site.service(), site.kind().as_str())),
        ("server", site.server_ip().to_owned()),
        ("interactive", site.interactive().as_str().to_owned()),
        ("origin", site.upstream().to_string()),
    ];
    let options = site.upstream().options().columns().into_iter().filter(|(_, text)| !text.is_empty());
    steps.extend(options);
    steps
}

fn certificate_step(dir: &Path, host: &HostName, now: Timestamp) -> (String, String) {
    match app::certificate_of(dir, host.as_str(), now) {
        Some((path, not_after)) => (format!("valid to {}", not_after.local_date()), path.display().to_string()),
        None => ("none covers the host: no handshake for it succeeds".to_owned(), dir.display().to_string()),
    }
}

fn rules_step(config: &Config, now: Timestamp) -> (String, String) {
    let from = config.rules_dir.display().to_string();
    if !config.scan.enabled {
        return ("scanning is switched off".to_owned(), config.path.display().to_string());
    }
    let compiled = RuleFiles::of(config).and_then(|files| files.compile(now.local_date()));
    let result = match compiled {
        Ok(compiled) => {
            format!(
                "{} rules, {} phrases in {} packs",
                compiled.rules.rules(),
                compiled.rules.phrases(),
                compiled.packs.len()
            )
        }
        Err(found) => {
            let errors = found.iter().filter(|problem| problem.severity == Severity::Error).count();
            format!("cannot be used: {errors} errors; see `zhamen check`")
        }
    };
    (result, from)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn what_people_paste_is_understood() {
        for (typed, authority, target) in [
            ("a.cn", "a.cn", "/"),
            ("a.cn/x?y#z", "a.cn", "/x?y"),
            ("https://a.cn:8443/x", "a.cn:8443", "/x"),
            ("a.cn?q", "a.cn", "/?q"),
            ("[::1]:80/", "[::1]:80", "/"),
        ] {
            assert_eq!(split(typed), (authority, target.to_owned()), "{typed}");
        }
    }
}

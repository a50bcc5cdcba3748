//! `zhamen incident open`.

use std::{
    io::{self, Write},
    sync::Arc,
};

use super::{Exit, RecordArgs, not_put, problems, to_json};
use crate::{
    base::{HostName, Timestamp},
    cli::{record::Opened, table::printable},
    control_plane::{NewIncident, open_incident, registry::in_force},
    domain::record::{IncidentKind, IncidentScope, LockScope},
};

/// Open an incident: its clock begins, and what is to be locked is locked in the same step.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  it is open, and what it locks is locked\n  1  it makes no sense, and \
                        nothing was done\n  2  an error")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    record: RecordArgs,
    /// What happened, in a line; may be left out with --notice.
    #[arg(long, default_value = "")]
    title: String,
    /// What kind of incident; the clock depends on it.
    #[arg(long, value_enum, default_value = "content")]
    kind: Kind,
    /// A notice that it comes from; its unit and host are concerned. May be repeated.
    #[arg(long, value_name = "ID")]
    notice: Vec<String>,
    /// A finding that it comes from; its unit and host are concerned. May be repeated.
    #[arg(long, value_name = "ID")]
    finding: Vec<String>,
    /// A unit concerned. May be repeated.
    #[arg(long)]
    unit: Vec<String>,
    /// A host concerned. May be repeated.
    #[arg(long, value_name = "HOST")]
    site: Vec<String>,
    /// Lock a page at once: HOST/PATH. May be repeated.
    #[arg(long, value_name = "HOST/PATH")]
    lock_page: Vec<String>,
    /// Lock a site at once. May be repeated.
    #[arg(long, value_name = "HOST")]
    lock_site: Vec<String>,
    /// Suspend a unit with all its services at once. May be repeated.
    #[arg(long, value_name = "UNIT")]
    suspend: Vec<String>,
    /// When it was noticed, if not now: 2026-03-15T10:00:00+08:00.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Until when it must have been reported, if not as the clock says.
    #[arg(long, value_name = "TIME")]
    deadline: Option<Timestamp>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    /// Prohibited content.
    Content,
    /// An attack on network security.
    Security,
    /// Malware was served.
    Malware,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let opened = match args.record.open() {
        Ok(opened) => opened,
        Err(wrong) => return problems::give_up(&wrong),
    };
    let page = |text: &String| {
        let text = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
        let (host, path) = text.split_once('/').unwrap_or((text, ""));
        IncidentScope { host: host.to_owned(), path: format!("/{path}"), scope: LockScope::Page }
    };
    let site = |host: &String| IncidentScope { host: host.clone(), path: String::new(), scope: LockScope::Site };
    let new = NewIncident {
        kind: Some(match args.kind {
            Kind::Content => IncidentKind::Content,
            Kind::Security => IncidentKind::Security,
            Kind::Malware => IncidentKind::Malware,
        }),
        title: args.title.clone(),
        at: args.at,
        deadline: args.deadline,
        units: args.unit.clone(),
        sites: args.site.clone(),
        because: args.notice.iter().chain(&args.finding).cloned().collect(),
        lock: args.lock_page.iter().map(page).chain(args.lock_site.iter().map(site)).collect(),
        suspend: args.suspend.clone(),
    };
    match open_incident(&opened.record, &opened.config.incident, &opened.by, &new, opened.now, None) {
        Ok(incident) if args.json => writeln!(out, "{}", to_json(&incident, opened.now))?,
        Ok(incident) => writeln!(out, "{}: to be reported by {}", incident.open.id, incident.open.deadline.to_local())?,
        Err(error) => return not_put(&error),
    }
    // Afterwards: a large registry takes seconds to read, and what is to be locked does not wait for it.
    for stranger in strangers(&opened, &new) {
        writeln!(io::stderr(), "zhamen: warning: {stranger}: is it spelt right? It is on the record as it is")?;
    }
    Ok(Exit::Ok)
}

/// Units and hosts of an incident that nobody knows: in an emergency a slip must not pass for a lock.
fn strangers(opened: &Opened, new: &NewIncident) -> Vec<String> {
    let units = new.units.iter().chain(&new.suspend);
    let unknown = |unit: &&String| opened.record.with_ledger(|ledger| ledger.unit(unit).is_none());
    let mut strangers: Vec<String> =
        units.filter(unknown).map(|unit| format!("there is no unit {:?}", printable(unit))).collect();
    let begun = in_force(Some(opened.record.store()), &opened.config.registry, opened.now.local_date());
    let registry = Arc::new(begun.registry);
    let covered = |host: &str| HostName::parse(host).is_ok_and(|host| registry.covering(&host).is_some());
    let hosts = new.sites.iter().chain(new.lock.iter().map(|lock| &lock.host));
    strangers.extend(
        hosts.filter(|host| !covered(host)).map(|host| format!("no row of the registry covers {:?}", printable(host))),
    );
    strangers.dedup();
    strangers
}

//! What goes on the record when the registry changes.

use std::collections::{BTreeMap, BTreeSet};

use super::feed::Feed;
use crate::{
    base::Timestamp,
    domain::{
        record::{Change, Fact, ServiceFact, SiteChange, UnitFact},
        registry::{Difference, Site, SiteRow},
        standing::Ledger,
    },
};

/// Sites that are new are put on the record one by one only if they are not more: a whole registry of
/// a million sites is one entry, with its hash.
const SITES_ADDED_MAX: usize = 10_000;
/// Servers of one service that are put on the record.
const SERVERS_MAX: usize = 64;

/// The entry about an import, and one for every filing that it changed.
pub(super) fn of_import(feed: &Feed, difference: &Difference, at: Timestamp) -> Vec<Fact> {
    let Difference { added, changed, removed, barred, waiting, .. } = difference;
    let waits = if waiting.is_empty() { String::new() } else { format!(", {} wait", waiting.len()) };
    let detail = format!(
        "{} added, {} changed, {} removed, {} refused{waits}; {} sites; sha256 {}",
        added.len(),
        changed.len(),
        removed.len(),
        feed.rows_bad,
        feed.registry.len(),
        feed.sha256,
    );
    let change = Change { what: "registry".into(), subject: feed.name.clone(), at, detail };
    let mut facts = vec![Fact::Change(change)];
    if added.len() <= SITES_ADDED_MAX {
        facts.extend(added.iter().filter_map(|site| of_site(None, Some(&site.to_row()), at)));
    }
    facts.extend(changed.iter().filter_map(|(was, is)| of_site(Some(was), Some(&is.to_row()), at)));
    let gone = removed.iter().chain(barred.iter().filter_map(|(_, was)| was.as_ref()));
    facts.extend(gone.filter_map(|was| of_site(Some(was), None, at)));
    facts
}

/// What became of a host's filing; `None` if it is as it was.
pub(super) fn of_site(was: Option<&SiteRow>, is: Option<&SiteRow>, at: Timestamp) -> Option<Fact> {
    let row = is.or(was)?;
    let text = |row: Option<&SiteRow>| row.map_or_else(String::new, SiteRow::filing_text);
    let (was, is) = (text(was), text(is));
    (was != is).then(|| {
        let SiteRow { host, unit, service, .. } = row.clone();
        Fact::Site(SiteChange { host, unit, service, at, was, is })
    })
}

/// Units that the ledger does not know, and services that it does not know, or (`update`) knows otherwise:
/// the units first, because services are said of units that are there.
pub(super) fn of_customers(ledger: &Ledger, sites: impl Iterator<Item = Site>, update: bool) -> (Vec<Fact>, Vec<Fact>) {
    let mut units = BTreeSet::new();
    let mut services: BTreeMap<String, ServiceFact> = BTreeMap::new();
    for site in sites {
        if ledger.unit(site.unit()).is_none() && !units.contains(&**site.unit()) {
            units.insert(site.unit().to_string());
        }
        let known = ledger.service(site.service());
        if known.is_some() && !update {
            continue;
        }
        let service = services.entry(site.service().to_owned()).or_insert_with(|| ServiceFact {
            service: site.service().to_owned(),
            unit: site.unit().to_string(),
            kind: site.kind(),
            server_ips: known.map(|known| known.server_ips.clone()).unwrap_or_default(),
        });
        let server_ip = site.server_ip();
        let is_address = server_ip.parse::<std::net::IpAddr>().is_ok();
        if is_address && service.server_ips.len() < SERVERS_MAX && !service.server_ips.iter().any(|ip| ip == server_ip)
        {
            service.server_ips.push(server_ip.to_owned());
        }
    }
    let unit = |unit| {
        let (name, identity, contact) = Default::default();
        Fact::Unit(UnitFact { unit, parent: None, name, identity, contact })
    };
    let news = services.into_values().filter(|service| ledger.service(&service.service) != Some(service));
    (units.into_iter().map(unit).collect(), news.map(Fact::Service).collect())
}

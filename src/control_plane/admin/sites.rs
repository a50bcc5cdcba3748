//! The registry as it is in force, and hosts that were asked for and are not in it.

use serde_json::{Value, json};

use super::{
    Api,
    call::{Call, Reply},
    problem::Problem,
    records::{self, ENTRY},
    route::{ENTRY_PAGE, Operation, PAGE},
    schema::{Kind, Shape, may, must},
};
use crate::{
    base::HostName,
    domain::registry::Site,
    store::{UnfiledHosts, UnfiledQuery},
};

const TEXT: Kind = Kind::Text(0, 4_000);

const SITE: Shape = Shape {
    name: "Site",
    members: &[
        must("host", TEXT, "covers itself and what is below it until a more specific row"),
        must("origin", TEXT, "where it is served"),
        must("unit", TEXT, "the customer"),
        must("service", TEXT, "the service"),
        must("kind", Kind::Word(&["virtual_host", "server"]), "of the service"),
        must("icp", TEXT, "the filing number; may be empty"),
        must("filing", Kind::Word(&["filed", "unfiled", "elsewhere", "cancelled"]), "what the filing says"),
        must("server_ip", TEXT, "the server"),
        must("interactive", Kind::Word(&["open", "filtered", "review", "closed"]), "interactive sections"),
    ],
};
const UNFILED: Shape = Shape {
    name: "UnfiledHost",
    members: &[
        must("server_ip", TEXT, "the server that it was asked at; empty if that cannot be told"),
        must("host", TEXT, "the host"),
        must("first", Kind::Time, "when it was first asked for"),
        must("last", Kind::Time, "when it was last asked for"),
        must("count", Kind::Integer(0, i64::MAX), "how often"),
    ],
};

pub(super) const LIST: Operation = Operation::list(
    "Sites in force, in the order of the registry",
    &SITE,
    &[
        // The number of the row in this generation of the registry.
        ENTRY_PAGE[0],
        ENTRY_PAGE[1],
        may("unit", Kind::Id, "only those of this unit"),
        may("service", Kind::Id, "only those of this service"),
        may("filing", SITE.members[6].kind, "only those in this state"),
    ],
    list,
);
pub(super) const SHOW: Operation = Operation::show("The row that decides about a host", &SITE, show);
pub(super) const HISTORY: Operation =
    Operation::list("What became of a host's row and filing", &ENTRY, &ENTRY_PAGE, history);
pub(super) const UNFILED_HOSTS: Operation = Operation::list(
    "Hosts that were asked for and are not in the registry, by server and name",
    &UNFILED,
    &[PAGE[0], PAGE[1], may("server_ip", Kind::Text(1, 100), "only those asked for at this server")],
    unfiled,
);

fn list(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let registry = api.snapshot.load().registry.clone();
    let (unit, service, filing) = (call.asked("unit"), call.asked("service"), call.asked("filing"));
    let after = call.after().and_then(|after| usize::try_from(after).ok()).unwrap_or(0);
    let meant = registry.sites().enumerate().skip(after).filter(|(_, site)| {
        unit.is_none_or(|unit| &**site.unit() == unit)
            && service.is_none_or(|service| site.service() == service)
            && filing.is_none_or(|filing| site.filing().as_str() == filing)
    });
    let items = meant.take(call.limit() + 1).map(|(row, site)| ((row + 1).to_string(), one(&site)));
    Ok(Reply::first_of(items.collect(), call.limit()))
}

fn show(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let host = call.place("host");
    let registry = api.snapshot.load().registry.clone();
    let site = HostName::parse(host).ok().and_then(|host| registry.covering(&host));
    Ok(Reply::json(one(&site.ok_or_else(|| Problem::not_found("site for host", host))?)))
}

fn history(api: &Api, call: &Call) -> Result<Reply, Problem> {
    records::list(api, call, vec!["site"])
}

fn unfiled(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let after = call.asked("after").map(|after| {
        serde_json::from_str::<(String, String)>(after)
            .map_err(|_| Problem::parameter("after", "is no `next` of a page of this list"))
    });
    let query = UnfiledQuery {
        server_ip: call.asked("server_ip").map(str::to_owned),
        after: after.transpose()?,
        limit: call.limit() + 1,
    };
    let hosts = api.record.store().unfiled_hosts(&query)?;
    let items = hosts.iter().map(|seen| {
        let value = json!({
            "server_ip": seen.server_ip, "host": seen.host, "first": seen.first, "last": seen.last, "count": seen.count,
        });
        (json!((&seen.server_ip, &seen.host)).to_string(), value)
    });
    Ok(Reply::first_of(items.collect(), call.limit()))
}

pub(super) fn one(site: &Site) -> Value {
    json!({
        "host": site.host(),
        "origin": site.origin().to_string(),
        "unit": &**site.unit(),
        "service": site.service(),
        "kind": site.kind().as_str(),
        "icp": site.icp(),
        "filing": site.filing().as_str(),
        "server_ip": site.server_ip(),
        "interactive": site.interactive().as_str(),
    })
}

//! The registry as it is in force, and hosts that were asked for and are not in it.

use serde_json::{Value, json};

use super::{
    Api,
    call::{Call, Reply},
    problem::{Problem, Word},
    records::{self, ENTRY},
    route::{ENTRY_PAGE, Operation, PAGE},
    schema::{Kind, Shape, may, must},
    secret::digest_hex,
    spelling::{ADDRESS_OR_NONE, CERTIFICATE_NAMES, HOST_OR_NONE, ICP_OR_NONE, ORIGINS},
};
use crate::{
    base::HostName,
    domain::registry::{CertificateNames, OriginOptions, Site, SiteRow, Upstream, normalise_icp},
    store::UnfiledQuery,
};

const TEXT: Kind = Kind::Text(0, 4_000);

const SITE: Shape = Shape {
    name: "Site",
    members: &[
        must("host", TEXT, "covers itself and what is below it until a more specific row"),
        must("origin", TEXT, "where it is served; several origins with ; between them"),
        must("unit", TEXT, "the customer"),
        must("service", TEXT, "the service"),
        must("kind", Kind::Word(&["virtual_host", "server"]), "of the service"),
        must("icp", TEXT, "the filing number; may be empty"),
        must("filing", Kind::Word(&["filed", "unfiled", "elsewhere", "cancelled"]), "what the filing says"),
        must("server_ip", TEXT, "the server"),
        must("interactive", Kind::Word(&["open", "filtered", "review", "closed"]), "interactive sections"),
        must("origin_ca", TEXT, "the file with what vouches for the origins' certificates; may be empty"),
        must("origin_name", TEXT, "the name in the origins' certificates; empty: the origin's host"),
        must("origin_verify", Kind::Word(&["on", "off"]), "whether the origins' certificates are verified"),
        must("proxy_protocol", Kind::Word(&["off", "v2"]), "whether origins are told the client's address below HTTP"),
        must("origin_http", Kind::Word(&["strict", "tolerant"]), "how strictly origins' answers are read"),
        must("acme", TEXT, "the names that a certificate is asked for (ACME); empty: none is"),
    ],
};
const SITE_BODY: Shape = Shape {
    name: "SitePut",
    members: &[
        must(
            "origin",
            Kind::Spelt(&ORIGINS),
            "where it is served: http://10.0.0.5:8080, or several origins with ; between them",
        ),
        must("unit", Kind::Id, "the customer"),
        must("service", Kind::Id, "the service"),
        must("kind", Kind::Word(&["virtual_host", "server"]), "of the service"),
        may("icp", Kind::Spelt(&ICP_OR_NONE), "the filing number; left out: unfiled"),
        may(
            "filing",
            Kind::Word(&["filed", "elsewhere", "cancelled"]),
            "what the filing says; filed where there is a number",
        ),
        may("server_ip", Kind::Spelt(&ADDRESS_OR_NONE), "the server; left out: the origin's host"),
        may(
            "interactive",
            Kind::Word(&["open", "filtered", "review", "closed"]),
            "interactive sections; open if not said",
        ),
        may("origin_ca", Kind::Text(0, 500), "the file with what vouches for the origins' certificates"),
        may(
            "origin_name",
            Kind::Spelt(&HOST_OR_NONE),
            "the name in the origins' certificates; left out: the origin's host",
        ),
        may("origin_verify", Kind::Word(&["on", "off"]), "whether they are verified; on if not said"),
        may(
            "proxy_protocol",
            Kind::Word(&["off", "v2"]),
            "tell origins the client's address below HTTP; off if not said",
        ),
        may("origin_http", Kind::Word(&["strict", "tolerant"]), "how strictly answers are read; strict if not said"),
        may("acme", Kind::Spelt(&CERTIFICATE_NAMES), "ask for a certificate: on, or names with ; between them"),
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
        ENTRY_PAGE[0],
        ENTRY_PAGE[1],
        may("unit", Kind::Id, "only those of this unit"),
        may("service", Kind::Id, "only those of this service"),
        may("filing", Kind::Word(&["filed", "unfiled", "elsewhere", "cancelled"]), "only those in this state"),
    ],
    list,
);
pub(super) const SHOW: Operation = Operation::show("The row that decides about a host", &SITE, show).tagged();
pub(super) const PUT: Operation =
    Operation::put("Put a row of the admin API in the place of the host's row", &SITE_BODY, &SITE, put);
pub(super) const DELETE: Operation =
    Operation::delete("Take the row of the admin API for a host out; what a file or a pull says holds again", delete)
        .tagged();
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
    let site = site.ok_or_else(|| Problem::not_found("site for host", host))?;
    Ok(Reply::tagged(one(&site), tag(&site)))
}

fn put(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let conflict = |why: String| Problem::new(Word::Conflict, why);
    let host = HostName::parse(call.place("host")).map_err(|error| conflict(error.to_string()))?;
    let name = match call.text("origin_name") {
        "" => String::new(),
        text => HostName::parse(text).map_err(|error| Problem::member("/origin_name", error.0))?.as_str().to_owned(),
    };
    let upstream = Upstream::parse(call.text("origin"), OriginOptions::default())
        .map_err(|error| Problem::member("/origin", error))?;
    let icp = match call.text("icp") {
        "" => String::new(),
        text => normalise_icp(text).map_err(|error| Problem::member("/icp", error))?.text,
    };
    let filing = match call.text("filing") {
        "" if icp.is_empty() => "unfiled",
        "" => "filed",
        word => word,
    };
    let server_ip = call.text("server_ip");
    let acme = CertificateNames::parse(&host, call.text("acme")).map_err(conflict)?;
    let mut row = Value::Object(call.body.clone());
    row["host"] = host.as_str().into();
    row["origin"] = upstream.to_string().into();
    row["origin_name"] = name.into();
    row["acme"] = acme.as_str().into();
    row["icp"] = icp.into();
    row["filing"] = filing.into();
    row["server_ip"] = server_ip.into();
    row["interactive"] = call.body.get("interactive").cloned().unwrap_or_else(|| "open".into());
    let row: SiteRow = serde_json::from_value(row).map_err(|error| Problem::member("", error.to_string()))?;
    let known = exactly(api, host.as_str());
    call.precondition(known.as_ref().map(tag))?;
    api.registrar.put_site(&call.caller.name, row)?;
    let site = exactly(api, host.as_str()).ok_or_else(|| Problem::not_found("site for host", host.as_str()))?;
    let status = if known.is_some() { 200 } else { 201 };
    Ok(Reply { status, ..Reply::tagged(one(&site), tag(&site)) })
}

fn delete(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let missing = || Problem::not_found("row of the admin API for host", call.place("host"));
    let host = HostName::parse(call.place("host")).map_err(|_| missing())?;
    let known = exactly(api, host.as_str()).ok_or_else(missing)?;
    call.precondition(Some(tag(&known)))?;
    if api.registrar.remove_site(&call.caller.name, host.as_str())? { Ok(Reply::nothing()) } else { Err(missing()) }
}

/// The row of exactly this host, not of one above it.
fn exactly(api: &Api, host: &str) -> Option<Site> {
    api.snapshot.load().registry.clone().site(host)
}

/// The ETag of a row: rows come from files, too, which have no entry.
fn tag(site: &Site) -> u64 {
    let digits = digest_hex(&[&one(site).to_string()]);
    u64::from_str_radix(digits.get(..12).unwrap_or_default(), 16).unwrap_or_default()
}

fn history(api: &Api, call: &Call) -> Result<Reply, Problem> {
    records::list(api, call, vec!["site"])
}

fn unfiled(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let query = UnfiledQuery {
        server_ip: call.asked("server_ip").map(str::to_owned),
        after: call.cursor(),
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
    let OriginOptions { ca, name, verify, proxy_protocol, http } = site.upstream().options();
    json!({
        "host": site.host(),
        "origin": site.upstream().to_string(),
        "unit": &**site.unit(),
        "service": site.service(),
        "kind": site.kind().as_str(),
        "icp": site.icp(),
        "filing": site.filing().as_str(),
        "server_ip": site.server_ip(),
        "interactive": site.interactive().as_str(),
        "origin_ca": ca,
        "origin_name": name,
        "origin_verify": verify.as_str(),
        "proxy_protocol": proxy_protocol.as_str(),
        "origin_http": http.as_str(),
        "acme": site.acme(),
    })
}

//! One row: every field read, every bad one reported.

use std::net::IpAddr;

use csv::StringRecord;

use super::{
    super::{
        FilingState, Interactive, Origin, ServiceKind, normalise_icp,
        table::{Builder, NewRow},
    },
    columns::SiteColumn,
};
use crate::{
    base::{Date, HostName},
    domain::tabular::{Columns, Complaints, Fault, Fields, RawRecord, read_alias, read_id, read_optional_day},
};

/// A row that is good in itself.
pub(super) struct Row<'a> {
    line: u32,
    host: HostName,
    origin: u32,
    unit: &'a str,
    service: &'a str,
    kind: ServiceKind,
    icp: String,
    filing: FilingState,
    filed_until: Option<Date>,
    server_ip: String,
    interactive: Interactive,
}

impl Row<'_> {
    pub(super) fn to_new(&self) -> NewRow<'_> {
        NewRow {
            host: self.host.as_str(),
            line: self.line,
            origin: self.origin,
            unit: self.unit,
            service: self.service,
            kind: self.kind,
            icp: &self.icp,
            filing: self.filing,
            filed_until: self.filed_until,
            server_ip: &self.server_ip,
            interactive: self.interactive,
        }
    }
}

/// Reads a row, or says everything that is wrong with it; then the host is what could be read of it.
pub(super) fn read<'a>(
    columns: &Columns<SiteColumn>,
    record: &'a StringRecord,
    raw: &RawRecord<'_>,
    complaints: &mut Complaints,
    builder: &mut Builder,
) -> Result<Row<'a>, Option<HostName>> {
    use SiteColumn as Column;
    let Some(mut fields) = Fields::of(columns, record, raw, complaints) else {
        let host = columns.position(Column::Host).and_then(|at| record.get(at)).map(str::trim);
        return Err(host.and_then(|host| HostName::parse(host).ok()));
    };
    let host = fields.read(Column::Host, read_host);
    let origin = fields.read(Column::Origin, |text| {
        builder
            .origin(text, || Origin::parse(text))
            .map_err(|error| Fault::new(error.0).help("for example http://10.0.0.5:8080"))
    });
    let unit = fields.read(Column::Unit, read_id);
    let service = fields.read(Column::Service, read_id);
    let kind = fields.read(Column::Kind, |text| {
        read_alias(text, &ServiceKind::ALL.map(|kind| (kind.as_str(), kind)), ServiceKind::ALIASES)
    });
    let icp = read_icp(&mut fields);
    let filing = fields.read(Column::Filing, |text| read_filing(text, icp.as_deref()));
    let filed_until = fields.read(Column::FiledUntil, read_optional_day);
    let server_ip = fields.read(Column::ServerIp, |text| match text.parse::<IpAddr>() {
        _ if text.is_empty() => Ok(String::new()),
        Ok(address) => Ok(address.to_string()),
        Err(_) => Err(Fault::new("this is not an IP address").help("leave it empty for the origin's host")),
    });
    let interactive = fields.read(Column::Interactive, |text| match text {
        "" => Ok(Interactive::Open),
        _ => read_alias(
            text,
            &Interactive::ALL.map(|state| (state.as_str(), state)),
            &[
                ("开放", Interactive::Open),
                ("过滤", Interactive::Filtered),
                ("先审后贴", Interactive::Review),
                ("关闭", Interactive::Closed),
            ],
        ),
    });
    let Some(host) = host else { return Err(None) };
    let rest = (|| Some((origin?, unit?, service?, kind?, icp?, filing?, filed_until?, server_ip?, interactive?)))();
    let Some((origin, unit, service, kind, icp, filing, filed_until, server_ip, interactive)) = rest else {
        return Err(Some(host));
    };
    let line = raw.line();
    Ok(Row { line, host, origin, unit, service, kind, icp, filing, filed_until, server_ip, interactive })
}

/// The number in its one form; `None` if it is bad.
fn read_icp(fields: &mut Fields<'_, '_, SiteColumn>) -> Option<String> {
    let number = fields.read(SiteColumn::Icp, |text| match text {
        "" => Ok(None),
        _ => normalise_icp(text).map(Some).map_err(|what| {
            Fault::new(what).help("for example 蜀ICP备12345678号-1; leave it empty if the site is not filed")
        }),
    })?;
    let Some(number) = number else { return Some(String::new()) };
    if number.repaired {
        let message = format!("the filing number is read as {}", number.text);
        fields.warn(SiteColumn::Icp, &message, "write it so, without spaces and with 号");
    }
    Some(number.text)
}

fn read_host(text: &str) -> Result<HostName, Fault> {
    if let Some(domain) = text.strip_prefix("*.") {
        let help = format!("write {domain}: it covers its subdomains already");
        return Err(Fault::new("a host has no wildcard").help(help));
    }
    let host = HostName::parse(text).map_err(|error| {
        match text.contains('/') || text.parse::<IpAddr>().is_err() && text.contains(':') {
            true => Fault::new(error.0).help("write the host alone, without http://, port and path"),
            false => Fault::new(error.0),
        }
    })?;
    match host.is_public_suffix() {
        true => Err(Fault::new("this is a public suffix, which nobody can file").help("write the domain below it")),
        false => Ok(host),
    }
}

fn read_filing(text: &str, icp: Option<&str>) -> Result<FilingState, Fault> {
    let words =
        [FilingState::Filed, FilingState::Elsewhere, FilingState::Cancelled].map(|state| (state.as_str(), state));
    match (text, icp) {
        ("", Some("")) | ("未备案", Some("")) => Ok(FilingState::Unfiled),
        ("", _) => Ok(FilingState::Filed),
        ("filed" | "已备案", Some("")) => {
            Err(Fault::new("there is no filing without a number").help("fill in the column icp"))
        }
        _ => read_alias(
            text,
            &words,
            &[
                ("已备案", FilingState::Filed),
                ("未接入", FilingState::Elsewhere),
                ("已注销", FilingState::Cancelled),
                ("注销", FilingState::Cancelled),
            ],
        ),
    }
}

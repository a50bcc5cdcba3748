//! One row: every field read, every bad one reported.

use std::net::IpAddr;

use csv::StringRecord;

use super::{
    super::{
        CertificateNames, FilingState, Interactive, OriginHttp, OriginOptions, OriginVerify, ProxyProtocol,
        ServiceKind, normalise_icp,
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
    upstream: u32,
    unit: &'a str,
    service: &'a str,
    kind: ServiceKind,
    icp: String,
    filing: FilingState,
    filed_until: Option<Date>,
    server_ip: String,
    interactive: Interactive,
    acme: String,
}

impl Row<'_> {
    pub(super) fn to_new(&self) -> NewRow<'_> {
        NewRow {
            host: self.host.as_str(),
            line: self.line,
            upstream: self.upstream,
            unit: self.unit,
            service: self.service,
            kind: self.kind,
            icp: &self.icp,
            filing: self.filing,
            filed_until: self.filed_until,
            server_ip: &self.server_ip,
            interactive: self.interactive,
            acme: &self.acme,
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
    let options = read_options(&mut fields);
    let upstream = fields.read(Column::Origin, |text| {
        let options = options.clone().unwrap_or_default();
        let help = "for example http://10.0.0.5:8080, or several with ; between them";
        builder.upstream(text, &options).map_err(|error| Fault::new(error).help(help))
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
    let acme = fields.read(Column::Acme, |text| {
        let names = CertificateNames::parse(&host, text);
        let help = "write on, or the host and names below it with ; between them; empty for none";
        names.map(|names| names.as_str().to_owned()).map_err(|error| Fault::new(error).help(help))
    });
    let rest = (|| {
        Some((
            upstream?,
            options?,
            unit?,
            service?,
            kind?,
            icp?,
            filing?,
            filed_until?,
            server_ip?,
            interactive?,
            acme?,
        ))
    })();
    let Some((upstream, _, unit, service, kind, icp, filing, filed_until, server_ip, interactive, acme)) = rest else {
        return Err(Some(host));
    };
    let line = raw.line();
    Ok(Row { line, host, upstream, unit, service, kind, icp, filing, filed_until, server_ip, interactive, acme })
}

/// How the origins are spoken to; `None` if something of it is bad.
fn read_options(fields: &mut Fields<'_, '_, SiteColumn>) -> Option<OriginOptions> {
    use SiteColumn as Column;
    let ca = fields.read(Column::OriginCa, |text| Ok(text.to_owned()));
    let name = fields.read(Column::OriginName, |text| match text {
        "" => Ok(String::new()),
        _ => HostName::parse(text).map(|name| name.as_str().to_owned()).map_err(|error| {
            Fault::new(error.0).help("the name in the origin's certificate; empty for the origin's host")
        }),
    });
    let verify =
        fields.read(Column::OriginVerify, |text| read_word(text, &OriginVerify::ALL.map(|it| (it.as_str(), it))));
    if verify == Some(OriginVerify::Off) {
        let help = "name what vouches for it in origin_ca instead";
        fields.warn(Column::OriginVerify, "whoever answers in the origin's place is believed", help);
    }
    let proxy_protocol =
        fields.read(Column::ProxyProtocol, |text| read_word(text, &ProxyProtocol::ALL.map(|it| (it.as_str(), it))));
    let http = fields.read(Column::OriginHttp, |text| read_word(text, &OriginHttp::ALL.map(|it| (it.as_str(), it))));
    Some(OriginOptions { ca: ca?, name: name?, verify: verify?, proxy_protocol: proxy_protocol?, http: http? })
}

/// One of a few words; the usual one where nothing is said.
fn read_word<T: Copy + Default>(text: &str, words: &[(&str, T)]) -> Result<T, Fault> {
    if text.is_empty() { Ok(T::default()) } else { read_alias(text, words, &[]) }
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

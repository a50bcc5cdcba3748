//! One row: every field read, every bad one reported.

use std::net::IpAddr;

use csv::StringRecord;

use super::{
    super::{
        FilingState, Interactive, Origin, ServiceKind, normalise_icp,
        table::{Builder, NewRow},
    },
    columns::{Column, Columns, shorten},
    complaints::Complaints,
    raw::RawRecord,
};
use crate::base::HostName;

/// Characters of a unit's or service's id at most.
const ID_CHARACTERS_MAX: usize = 128;

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
            server_ip: &self.server_ip,
            interactive: self.interactive,
        }
    }
}

/// Reads a row, or says everything that is wrong with it; then the host is what could be read of it.
pub(super) fn read<'a>(
    columns: &Columns,
    record: &'a StringRecord,
    raw: &RawRecord<'_>,
    complaints: &mut Complaints,
    builder: &mut Builder,
) -> Result<Row<'a>, Option<HostName>> {
    if record.len() != columns.count() {
        let (line, column) = raw.place(record.len().min(columns.count()));
        let message = format!("the row has {} fields, the header {}", record.len(), columns.count());
        complaints.error(line, column, &message, "a field with a comma stands in quotation marks");
        let host = record.get(columns.host()).map(str::trim);
        return Err(host.and_then(|host| HostName::parse(host).ok()));
    }
    let mut fields = Fields { columns, record, raw, complaints };
    let host = fields.read(Column::Host, read_host);
    let origin = fields.read(Column::Origin, |text| {
        builder
            .origin(text, || Origin::parse(text))
            .map_err(|error| Fault::new(error.0).help("for example http://10.0.0.5:8080"))
    });
    let unit = fields.read(Column::Unit, read_id);
    let service = fields.read(Column::Service, read_id);
    let kind = fields.read(Column::Kind, |text| read_word(text, &ServiceKind::ALL.map(|kind| (kind.as_str(), kind))));
    let icp = fields.read_icp();
    let filing = fields.read(Column::Filing, |text| read_filing(text, icp.as_deref()));
    let server_ip = fields.read(Column::ServerIp, |text| match text.parse::<IpAddr>() {
        _ if text.is_empty() => Ok(String::new()),
        Ok(address) => Ok(address.to_string()),
        Err(_) => Err(Fault::new("this is not an IP address").help("leave it empty for the origin's host")),
    });
    let interactive = fields.read(Column::Interactive, |text| match text {
        "" => Ok(Interactive::Open),
        _ => read_word(text, &Interactive::ALL.map(|state| (state.as_str(), state))),
    });
    let Some(host) = host else { return Err(None) };
    let rest = (|| Some((origin?, unit?, service?, kind?, icp?, filing?, server_ip?, interactive?)))();
    let Some((origin, unit, service, kind, icp, filing, server_ip, interactive)) = rest else {
        return Err(Some(host));
    };
    Ok(Row { line: raw.line(), host, origin, unit, service, kind, icp, filing, server_ip, interactive })
}

/// What is wrong with a field.
struct Fault {
    message: String,
    help: String,
}

impl Fault {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: String::new() }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: help.into(), ..self }
    }
}

/// The fields of one record by column.
struct Fields<'a, 'b> {
    columns: &'b Columns,
    record: &'a StringRecord,
    raw: &'b RawRecord<'b>,
    complaints: &'b mut Complaints,
}

impl<'a> Fields<'a, '_> {
    /// Reads a field, trimmed; empty where there is no such column. Says what is wrong with it.
    fn read<T>(&mut self, column: Column, read: impl FnOnce(&'a str) -> Result<T, Fault>) -> Option<T> {
        let text = self.text(column);
        let result = match text.contains(|c: char| c.is_control() || c == '\u{fffd}') {
            true => Err(Fault::new("the field has control characters or bytes that are no text")
                .help("a stray quotation mark draws the following rows into one")),
            false => read(text),
        };
        result.map_err(|fault| self.complain(column, &fault)).ok()
    }

    /// The number in its one form; `None` if it is bad.
    fn read_icp(&mut self) -> Option<String> {
        let number = self.read(Column::Icp, |text| match text {
            "" => Ok(None),
            _ => normalise_icp(text).map(Some).map_err(|what| {
                Fault::new(what).help("for example 蜀ICP备12345678号-1; leave it empty if the site is not filed")
            }),
        })?;
        let Some(number) = number else { return Some(String::new()) };
        if number.repaired {
            let (line, column) = self.place(Column::Icp);
            let message = format!("the filing number is read as {}", number.text);
            self.complaints.warn(line, column, &message, "write it so, without spaces and with 号");
        }
        Some(number.text)
    }

    fn text(&self, column: Column) -> &'a str {
        self.columns.position(column).and_then(|at| self.record.get(at)).unwrap_or_default().trim()
    }

    fn place(&self, column: Column) -> (u32, u32) {
        self.raw.place(self.columns.position(column).unwrap_or_default())
    }

    fn complain(&mut self, column: Column, fault: &Fault) {
        let (line, place) = self.place(column);
        let message = match self.text(column) {
            "" => format!("{}: {}", column.as_str(), fault.message),
            text => format!("{} {:?}: {}", column.as_str(), shorten(text), fault.message),
        };
        self.complaints.error(line, place, &message, &fault.help);
    }
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

fn read_id(text: &str) -> Result<&str, Fault> {
    match text.chars().count() {
        0 => Err(Fault::new("the field is empty").help("write the id that your own systems use")),
        1..=ID_CHARACTERS_MAX => Ok(text),
        _ => Err(Fault::new("the id is too long").help("an id has at most 128 characters")),
    }
}

fn read_filing(text: &str, icp: Option<&str>) -> Result<FilingState, Fault> {
    let words =
        [FilingState::Filed, FilingState::Elsewhere, FilingState::Cancelled].map(|state| (state.as_str(), state));
    match (text, icp) {
        ("", Some("")) => Ok(FilingState::Unfiled),
        ("", _) => Ok(FilingState::Filed),
        ("filed", Some("")) => Err(Fault::new("there is no filing without a number").help("fill in the column icp")),
        _ => read_word(text, &words),
    }
}

fn read_word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, Fault> {
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        Fault::new("this word is not known here").help(format!("one of: {}", words.join(", ")))
    })
}

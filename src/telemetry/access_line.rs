//! One line of the access log: what became of a request, as one JSON object.

use std::net::IpAddr;

use serde::Serialize;

use super::words;
use crate::{
    config::ClientAddress,
    domain::event::{Exchange, Outcome},
    engine::body_filter::{Inspection, Judgement},
};

/// The fields, in the order in which they are written. Fields that do not apply are left out.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    /// As on the refusal page.
    id: String,
    protocol: &'static str,
    tls: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<IpAddr>,
    method: &'a str,
    host: &'a str,
    target: &'a str,
    status: u16,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    generation: u64,
    #[serde(flatten)]
    scan: Option<ScanFields<'a>>,
    request_bytes: u64,
    response_bytes: u64,
    seconds: Seconds,
    origin_connection: &'static str,
}

#[derive(Serialize)]
struct ScanFields<'a> {
    inspection: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    inspection_reason: Option<&'static str>,
    verdict: &'static str,
    rules: Vec<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    charset: &'static str,
    raw_bytes: u64,
    decoded_bytes: u64,
    cached: bool,
}

#[derive(Serialize)]
struct Seconds {
    total: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<f64>,
    scan: f64,
}

/// The line of an exchange, with its line feed.
pub(super) fn access_line(exchange: &Exchange, addresses: ClientAddress) -> Vec<u8> {
    let line = Line {
        time: rfc3339(exchange.at.0),
        id: format!("{:016x}", exchange.id),
        protocol: exchange.protocol,
        tls: exchange.tls,
        client: exchange.client.and_then(|client| kept(client, addresses)),
        method: &exchange.method,
        host: &exchange.host,
        target: &exchange.target,
        status: exchange.status,
        outcome: words::outcome(exchange.outcome),
        reason: match exchange.outcome {
            Outcome::Refused(reason) => Some(reason.as_str()),
            Outcome::Aborted
            | Outcome::ClientGone
            | Outcome::Forwarded
            | Outcome::OriginBroke
            | Outcome::Proved
            | Outcome::Tunnelled => None,
        },
        detail: &exchange.detail,
        unit: exchange.unit.as_deref(),
        generation: exchange.generation,
        scan: exchange.judgement.as_ref().map(scan_fields),
        request_bytes: exchange.request_bytes,
        response_bytes: exchange.response_bytes,
        seconds: Seconds {
            total: seconds(exchange.total_micros),
            origin: exchange.origin_micros.map(seconds),
            scan: seconds(exchange.scan_micros),
        },
        origin_connection: words::origin_connection(exchange.origin_connection),
    };
    let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

fn scan_fields(judgement: &Judgement) -> ScanFields<'_> {
    let (inspection, inspection_reason) = match judgement.inspection {
        Inspection::Inspected => ("inspected", None),
        Inspection::Partial(reason) => ("partial", Some(reason.as_str())),
        Inspection::Uninspected(reason) => ("uninspected", Some(reason.as_str())),
    };
    let mut rules: Vec<&str> = judgement.findings_against().map(|finding| &*finding.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    ScanFields {
        inspection,
        inspection_reason,
        verdict: judgement.verdict.map_or("pass", |action| action.as_str()),
        rules,
        charset: judgement.charset,
        raw_bytes: judgement.raw_bytes,
        decoded_bytes: judgement.decoded_bytes,
        cached: judgement.cached,
    }
}

/// What the operator wants kept of an address: a network of 256 (IPv4) or a /48 (IPv6) when truncated.
fn kept(address: IpAddr, how_much: ClientAddress) -> Option<IpAddr> {
    match (how_much, address.to_canonical()) {
        (ClientAddress::Full, address) => Some(address),
        (ClientAddress::Truncated, IpAddr::V4(v4)) => Some(IpAddr::V4((u32::from(v4) & !0xff).into())),
        (ClientAddress::Truncated, IpAddr::V6(v6)) => Some(IpAddr::V6((u128::from(v6) & !(u128::MAX >> 48)).into())),
        (ClientAddress::None, _) => None,
    }
}

fn rfc3339(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).map_or_else(|_| String::new(), |time| format!("{time:.3}"))
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        base::Timestamp,
        domain::{event::OriginConnection, policy::Reason},
    };

    /// A refused request, for the tests of this room.
    pub(crate) fn refused() -> Exchange {
        Exchange {
            id: 0xab,
            at: Timestamp(1_773_540_000_123),
            protocol: "http/1.1",
            tls: false,
            client: Some("203.0.113.77".parse().unwrap()),
            server: None,
            method: "GET".into(),
            host: "a.cn".into(),
            target: "/\"\n".into(),
            status: 403,
            outcome: Outcome::Refused(Reason::Unfiled),
            detail: String::new(),
            unit: Some(Arc::from("u1")),
            generation: 3,
            judgement: None,
            request_bytes: 0,
            response_bytes: 10,
            total_micros: 1_500,
            origin_micros: None,
            scan_micros: 0,
            origin_connection: OriginConnection::None,
        }
    }

    #[test]
    fn a_line_is_one_json_object() {
        let line = String::from_utf8(access_line(&refused(), ClientAddress::Truncated)).unwrap();
        assert_eq!(line.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["time"], "2026-03-15T02:00:00.123Z");
        assert_eq!(value["id"], "00000000000000ab");
        assert_eq!(value["client"], "203.0.113.0");
        assert_eq!((&value["outcome"], &value["reason"]), (&"refused".into(), &"unfiled".into()));
        assert_eq!(value["seconds"]["total"], 0.0015);
        assert!(value.get("inspection").is_none(), "no body passed");
    }

    #[test]
    fn addresses_are_kept_as_the_operator_wants() {
        for (address, truncated) in [
            ("203.0.113.77", "203.0.113.0"),
            ("::ffff:203.0.113.77", "203.0.113.0"),
            ("2001:db8:1:2::3", "2001:db8:1::"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(kept(address, ClientAddress::Truncated), Some(truncated.parse().unwrap()));
            assert_eq!(kept(address, ClientAddress::Full), Some(address.to_canonical()));
            assert_eq!(kept(address, ClientAddress::None), None);
        }
    }
}

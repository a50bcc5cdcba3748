//! Letters and reports, as HTML or PDF: what `zhamen report` writes.

use std::{str::FromStr, sync::Arc};

use super::{
    Api,
    call::{Body, Call, Reply},
    problem::{Problem, Word},
    route::Operation,
    schema::{Kind, Member, REASON, TEXT, may, must},
};
use crate::{
    control_plane::report::{Format, Gather, RectificationWishes, Report, ReportError, print},
    domain::{apportion::Fen, record::CommitmentForm, registry::ServiceKind, report::Month},
};

const MEDIA: &[&str] = &["text/html", "application/pdf"];
const FORMAT: Member = may("format", Kind::Word(&["html", "pdf"]), "how it is printed, html if it is not said");
const UNIT: Member = must("unit", Kind::Id, "the unit");
const INCIDENT: Member = must("incident", Kind::Id, "the incident");

pub(super) const APPORTIONMENT: Operation =
    Operation::raw("罚款分担明细: a fine shared by the sites of an incident", MEDIA, apportionment).query(&[
        must("amount", Kind::Amount, "the fine in yuan: 50000.00"),
        INCIDENT,
        FORMAT,
    ]);
pub(super) const COMMITMENT: Operation =
    Operation::raw("承诺书: the letter of commitment, for signing", MEDIA, commitment).query(&[
        UNIT,
        may("form", Kind::Word(&["hosting", "datacenter"]), "which of the two letters, hosting if it is not said"),
        FORMAT,
    ]);
pub(super) const INCIDENT_REPORT: Operation =
    Operation::raw("网络安全事件报告: an incident, for the authority", MEDIA, incident).query(&[INCIDENT, FORMAT]);
pub(super) const NOTICE: Operation =
    Operation::raw("书面通知: the written notice of an incident to a unit", MEDIA, notice)
        .query(&[UNIT, INCIDENT, FORMAT]);
pub(super) const RECTIFICATION: Operation =
    Operation::raw("整改报告: a unit's rectification report, as far as the record goes", MEDIA, rectification).query(
        &[
            UNIT,
            may("ip", Kind::Text(1, 100), "only this server"),
            may("measures", REASON, "the measures, one a line; left out: lines to write on"),
            may("signatory", TEXT, "who signs"),
            FORMAT,
        ],
    );
pub(super) const STATISTICS: Operation =
    Operation::raw("月度信息安全统计: a month in numbers, by unit", MEDIA, statistics).query(&[
        must("month", Kind::Month, "2026-03"),
        may("unit", Kind::Id, "only this unit"),
        FORMAT,
    ]);
pub(super) const SUSPENSION: Operation =
    Operation::raw("中止接入服务通知书: why a unit is suspended, with the strikes that did it", MEDIA, suspension)
        .query(&[UNIT, must("kind", Kind::Word(&["virtual_host", "server"]), "which services"), FORMAT]);

fn rectification(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let lines = call.asked("measures").unwrap_or_default().lines().map(str::trim);
    let wishes = RectificationWishes {
        ip: call.asked("ip").map(str::to_owned),
        measures: lines.filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        signatory: call.asked("signatory").unwrap_or_default().to_owned(),
    };
    printed(api, call, |gather| gather.rectification(unit(call), &wishes).map(Report::Rectification))
}

fn commitment(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let form = match call.asked("form") {
        Some("datacenter") => CommitmentForm::Datacenter,
        Some(_) | None => CommitmentForm::Hosting,
    };
    printed(api, call, |gather| gather.commitment(unit(call), form).map(Report::Commitment))
}

fn suspension(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let kind = ServiceKind::ALL.into_iter().find(|kind| Some(kind.as_str()) == call.asked("kind"));
    let kind = kind.ok_or_else(|| Problem::parameter("kind", "is no kind of services"))?;
    printed(api, call, |gather| gather.suspension(unit(call), kind).map(Report::Suspension))
}

fn notice(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let incident = call.asked("incident").unwrap_or_default();
    printed(api, call, |gather| gather.notice(unit(call), incident).map(Report::Notice))
}

fn incident(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let incident = call.asked("incident").unwrap_or_default();
    printed(api, call, |gather| gather.incident(incident).map(Report::Incident))
}

fn statistics(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let month: Month = parameter(call, "month")?;
    printed(api, call, |gather| gather.statistics(month, call.asked("unit")).map(Report::Statistics))
}

fn apportionment(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let amount: Fen = parameter(call, "amount")?;
    let incident = call.asked("incident").unwrap_or_default();
    printed(api, call, |gather| gather.apportionment(amount, incident).map(|(report, _)| Report::Apportionment(report)))
}

fn unit(call: &Call) -> &str {
    call.asked("unit").unwrap_or_default()
}

fn parameter<T: FromStr<Err: std::fmt::Display>>(call: &Call, name: &str) -> Result<T, Problem> {
    let read = call.asked(name).unwrap_or_default().parse();
    read.map_err(|why: T::Err| Problem::parameter(name, why.to_string()))
}

fn printed(
    api: &Api,
    call: &Call,
    report: impl FnOnce(&Gather<'_>) -> Result<Report, ReportError>,
) -> Result<Reply, Problem> {
    let format = if call.asked("format") == Some("pdf") { Format::Pdf } else { Format::Html };
    let gather = Gather { record: &api.record, registry: Arc::clone(&api.snapshot.load().registry), now: call.now };
    let nothing = |error: ReportError| Problem::new(Word::NotFound, error.to_string());
    let document = report(&gather).map_err(nothing)?.document(&api.letterhead, call.now);
    let bytes = print(&document, format, &api.font);
    let bytes = bytes.map_err(|error| Problem::new(Word::Internal, error.to_string()))?;
    Ok(Reply { body: Body::Raw(format.media_type().to_owned(), bytes), ..Reply::json(serde_json::Value::Null) })
}

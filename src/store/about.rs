//! What a fact is about, as far as the fact itself says.

use crate::domain::record::Fact;

/// What a fact is about. Where it only names something that is on the record already (`subject`,
/// `service`), the rest follows from there.
#[derive(Debug, Default)]
pub(in crate::store) struct About<'a> {
    pub(in crate::store) units: Vec<&'a str>,
    pub(in crate::store) service: Option<&'a str>,
    pub(in crate::store) hosts: Vec<&'a str>,
    pub(in crate::store) subject: Option<&'a str>,
}

impl<'a> About<'a> {
    pub(in crate::store) fn of(fact: &'a Fact) -> Self {
        let about = match fact {
            Fact::Change(change) => Self::subject(&change.subject),
            Fact::Commitment(commitment) => Self::unit(&commitment.unit),
            Fact::ControlPeriod(period) => Self { units: all(&period.units), ..Self::subject(&period.id) },
            Fact::EvidenceView(view) => Self::subject(&view.evidence),
            Fact::Finding(finding) => Self {
                units: vec![&finding.unit],
                service: Some(&finding.service),
                hosts: vec![if finding.site.is_empty() { host_of(&finding.page) } else { &finding.site }],
                subject: Some(&finding.id),
            },
            Fact::IncidentClose(close) => Self::subject(&close.incident),
            Fact::IncidentNote(note) => Self::subject(&note.incident),
            Fact::IncidentOpen(open) => {
                Self { units: all(&open.units), hosts: all(&open.sites), ..Self::subject(&open.id) }
            }
            Fact::Lock(lock) => Self::host(&lock.host),
            Fact::Notice(notice) => {
                Self { service: Some(&notice.service), hosts: vec![host_of(&notice.url)], ..Self::subject(&notice.id) }
            }
            Fact::PeriodEnd(end) => Self::subject(&end.id),
            Fact::Person(person) => Self::unit(&person.unit),
            Fact::Rectification(report) => Self { units: vec![&report.unit], ..Self::subject(&report.id) },
            Fact::Reinstatement(reinstatement) => Self::unit(&reinstatement.unit),
            Fact::Review(review) => Self::subject(&review.finding),
            Fact::Sealing(sealing) => Self::subject(&sealing.server_ip),
            Fact::Service(service) => Self { service: Some(&service.service), ..Self::unit(&service.unit) },
            Fact::Site(change) => {
                Self { service: Some(&change.service), hosts: vec![&change.host], ..Self::unit(&change.unit) }
            }
            Fact::Suspension(suspension) => Self::unit(&suspension.unit),
            Fact::Termination(termination) => Self::unit(&termination.unit),
            Fact::Unit(unit) => Self::unit(&unit.unit),
            Fact::Unlock(unlock) => Self::host(&unlock.host),
            Fact::Unsealing(unsealing) => Self::subject(&unsealing.server_ip),
            Fact::Withdrawal(withdrawal) => Self::subject(&withdrawal.of),
        };
        about.without_empty()
    }

    fn unit(unit: &'a str) -> Self {
        Self { units: vec![unit], ..Self::default() }
    }

    fn host(host: &'a str) -> Self {
        Self { hosts: vec![host], ..Self::default() }
    }

    fn subject(subject: &'a str) -> Self {
        Self { subject: Some(subject), ..Self::default() }
    }

    fn without_empty(mut self) -> Self {
        self.units.retain(|unit| !unit.is_empty());
        self.hosts.retain(|host| !host.is_empty());
        self.service = self.service.filter(|service| !service.is_empty());
        self.subject = self.subject.filter(|subject| !subject.is_empty());
        self
    }
}

fn all(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// The host of a URL, without its port; empty if there is none.
fn host_of(url: &str) -> &str {
    let Some((_, rest)) = url.split_once("://") else { return "" };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    match authority.rfind(':') {
        Some(at) if !authority[at..].contains(']') => &authority[..at],
        _ => authority,
    }
}

//! Who asks for a certificate, and whether one is due.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::Failed;
use crate::{
    base::{HostName, Timestamp},
    domain::{
        acme::{CHALLENGE_PATH, Validity, renewal_due, spread},
        registry::{Filing, Registry, Site},
        standing::Standing,
    },
};

/// How long names are covered by what is in force; `None`: one of them is not.
pub type Covering = Box<dyn Fn(&[HostName]) -> Option<Validity> + Send + Sync>;

/// A site that asks for a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The host of its row.
    pub host: String,
    /// The names that the certificate is to cover.
    pub names: Vec<HostName>,
    /// What it has now.
    pub validity: Option<Validity>,
    /// What is to be done.
    pub state: WantedState,
}

/// What is to be done for a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedState {
    /// It is not served, so nothing is asked for: why.
    Barred(String),
    /// A certificate is to be had now.
    Due,
    /// It failed, and is tried again later.
    Failing(Failed),
    /// It has one, and this is when it is renewed.
    Held(Timestamp),
}

/// What is known when it is decided.
pub struct Known<'a> {
    /// Who is filed.
    pub registry: &'a Arc<Registry>,
    /// Who is suspended; `None`: nobody is asked.
    pub standing: Option<&'a Standing>,
    /// What is in force.
    pub covering: &'a Covering,
    /// What failed, by host.
    pub failed: &'a HashMap<String, Failed>,
    /// So long before its end a certificate is renewed.
    pub renew_before: Duration,
    /// The time.
    pub now: Timestamp,
}

impl WantedState {
    /// The words of [`WantedState::as_str`].
    pub const WORDS: [&'static str; 4] = ["barred", "due", "failing", "held"];

    /// The word for it: a label of metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Barred(_) => "barred",
            Self::Due => "due",
            Self::Failing(_) => "failing",
            Self::Held(_) => "held",
        }
    }
}

/// All sites that ask for certificates.
pub fn wanted(known: &Known<'_>) -> Vec<Wanted> {
    known.registry.asking_for_certificates().map(|site| one(known, &site)).collect()
}

fn one(known: &Known<'_>, site: &Site) -> Wanted {
    let names = site.certificate_names();
    let validity = (known.covering)(&names);
    let state = match bar(known, site, &names) {
        Some(why) => WantedState::Barred(why),
        None => {
            let due = validity.map(|validity| renewal_due(validity, known.renew_before, spread(site.host())));
            match (due, known.failed.get(site.host())) {
                (Some(due), _) if due > known.now => WantedState::Held(due),
                (_, Some(failed)) if failed.next > known.now => WantedState::Failing(failed.clone()),
                (_, Some(_) | None) => WantedState::Due,
            }
        }
    };
    Wanted { host: site.host().to_owned(), names, validity, state }
}

/// Why the authority would not find the proof.
fn bar(known: &Known<'_>, site: &Site, names: &[HostName]) -> Option<String> {
    names.iter().find_map(|name| match known.registry.look_up(name) {
        Filing::Filed(found) if found.host() == site.host() => {
            let against = known.standing.and_then(|standing| standing.against(&found, name.as_str(), CHALLENGE_PATH));
            against.map(|(_, why)| if why.is_empty() { "not in good standing".to_owned() } else { why })
        }
        Filing::Filed(other) => Some(format!("{} has the row {} of its own", name.as_str(), other.host())),
        Filing::Unfiled(_) | Filing::Elsewhere(_) | Filing::Unknown => {
            Some(format!("{} is not filed here", name.as_str()))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::registry::import_csv;

    const DAY: i64 = 86_400_000;

    #[test]
    fn a_site_that_is_filed_and_has_no_good_certificate_is_due() {
        let rows = "host,origin,unit,service,kind,icp,acme\n\
            none.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,on\n\
            fresh.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,fresh.cn;www.fresh.cn\n\
            old.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,on\n\
            failing.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,on\n\
            retried.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,on\n\
            unfiled.cn,http://10.0.0.1,u,s,server,,on\n\
            two.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,two.cn;other.two.cn\n\
            other.two.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,\n\
            silent.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,\n";
        let registry = Arc::new(import_csv("sites.csv", rows.as_bytes()).registry.unwrap());
        let covering: Covering = Box::new(|names| {
            let of = |from: i64, to: i64| {
                Some(Validity { not_before: Timestamp(from * DAY), not_after: Timestamp(to * DAY) })
            };
            match names.first()?.as_str() {
                "fresh.cn" => of(90, 180),
                "old.cn" => of(20, 110),
                _ => None,
            }
        });
        let failed =
            |next| Failed { failures: 1, at: Timestamp(99 * DAY), next: Timestamp(next * DAY), why: "x".into() };
        let failures = HashMap::from([("failing.cn".to_owned(), failed(101)), ("retried.cn".to_owned(), failed(100))]);
        let known = Known {
            registry: &registry,
            standing: None,
            covering: &covering,
            failed: &failures,
            renew_before: Duration::from_secs(30 * 86_400),
            now: Timestamp(100 * DAY),
        };
        let all = wanted(&known);
        let states: Vec<_> = all.iter().map(|site| (site.host.as_str(), site.state.as_str())).collect();
        assert_eq!(
            states,
            [
                ("none.cn", "due"),
                ("fresh.cn", "held"),
                ("old.cn", "due"),
                ("failing.cn", "failing"),
                ("retried.cn", "due"),
                ("unfiled.cn", "barred"),
                ("two.cn", "barred"),
            ]
        );
        assert_eq!(all[1].names.len(), 2);
    }
}

//! `admit`: from facts, filing and standing to a [`Permit`] or a [`Refusal`].

mod reason;

pub use reason::Reason;

use crate::{
    base::Timestamp,
    domain::{
        message::Facts,
        registry::{Filing, FilingState, Interactive, Site},
        standing::{Lock, Standing},
    },
};

/// What the gate and the refusals do. From the configuration.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Status per reason where the operator changed it.
    pub statuses: std::collections::BTreeMap<Reason, u16>,
    /// Who blocks: shown on refusal pages.
    pub operator: String,
    /// Where to appeal: a URL or mail address, shown on refusal pages and in `Link: rel="blocked-by"`.
    pub contact: String,
}

/// The proof that a request passed the gate. Only [`Policy::admit`] makes one, and
/// `upstream::send` takes one: no origin is reached without it.
///
/// ```
/// use zhamen::domain::{policy::Permit, registry::Site};
///
/// fn use_one(permit: &Permit) -> &Site {
///     permit.site()
/// }
/// ```
///
/// Nobody else can make one, not from a site that is known to be filed either:
///
/// ```compile_fail,E0451
/// use zhamen::domain::{policy::Permit, registry::Site};
///
/// fn forge(site: Site) -> Permit {
///     Permit { site, recheck: false }
/// }
/// ```
#[derive(Debug)]
pub struct Permit {
    site: Site,
    recheck: bool,
}

impl Permit {
    /// The site that was admitted.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The page is locked, and this request reads it again: hold it whole.
    pub fn is_recheck(&self) -> bool {
        self.recheck
    }
}

/// A request that is answered by us.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// What more there is to say to the reader: the rule's category, the filing; may be empty.
    pub detail: String,
    /// The covering site, if there was one (for the log).
    pub site: Option<Site>,
}

impl Policy {
    /// Decides whether a request may reach the origin of its site. `lock` is the lock on the page asked
    /// for, if there is one.
    ///
    /// The filing comes first: what is not filed here is refused whatever else holds. Then the standing:
    /// of the server, the unit, the site, the directory. Then what the site allows, then what was found on
    /// the page.
    pub fn admit(
        &self,
        facts: &Facts,
        filing: Filing,
        standing: &Standing,
        lock: Option<&Lock>,
        now: Timestamp,
    ) -> Result<Permit, Refusal> {
        let site = match filing {
            Filing::Filed(site) => site,
            Filing::Unknown => return Err(Refusal::new(Reason::RegistryUnavailable, "", None)),
            Filing::Elsewhere(site) => return Err(Refusal::of_site(Reason::FiledElsewhere, site)),
            Filing::Unfiled(Some(site)) if site.filing() == FilingState::Cancelled => {
                return Err(Refusal::of_site(Reason::FilingCancelled, site));
            }
            Filing::Unfiled(site) => return Err(Refusal::new(Reason::Unfiled, "", site)),
        };
        let path = facts.target.split('?').next().unwrap_or("/");
        if let Some((ground, why)) = standing.against(&site, facts.host.as_str(), path) {
            return Err(Refusal::new(Reason::from(ground), why, Some(site)));
        }
        let accepts_changes = match site.interactive() {
            Interactive::Open | Interactive::Filtered => true,
            Interactive::Review | Interactive::Closed => false,
        };
        if facts.state_changing && (!accepts_changes || standing.closes_interactive(site.unit())) {
            return Err(Refusal::new(Reason::InteractiveClosed, "", Some(site)));
        }
        match lock {
            Some(lock) if !lock.recheck_due(now) => {
                Err(Refusal::new(Reason::PageLocked, lock.rules.join(", "), Some(site)))
            }
            Some(_) => Ok(Permit { site, recheck: true }),
            None => Ok(Permit { site, recheck: false }),
        }
    }

    /// The status that a reason is answered with.
    pub fn status(&self, reason: Reason) -> u16 {
        self.statuses.get(&reason).copied().unwrap_or_else(|| reason.default_status())
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self { statuses: std::collections::BTreeMap::new(), operator: "Zhamen".into(), contact: String::new() }
    }
}

impl Refusal {
    fn new(reason: Reason, detail: impl Into<String>, site: Option<Site>) -> Self {
        Self { reason, detail: detail.into(), site }
    }

    /// With the filing number as detail.
    fn of_site(reason: Reason, site: Site) -> Self {
        Self { reason, detail: site.icp().into(), site: Some(site) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::{Permit, Policy, Reason, Refusal};
    use crate::{
        base::{HostName, Timestamp},
        domain::{
            message::{ConnectionFacts, RawHead, Version, normalise},
            registry::{Registry, import_csv},
            standing::{Lock, Standing},
        },
    };

    const SITES: &str = "host,origin,unit,service,kind,icp,filing,interactive
filed.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,,
filtered.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,,filtered
review.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,,review
closed.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,,closed
unfiled.cn,http://10.0.0.1,u,s,server,,,
elsewhere.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,elsewhere,
cancelled.cn,http://10.0.0.1,u,s,server,蜀ICP备12345678号,cancelled,
";

    fn admit(
        registry: &Arc<Registry>,
        method: &str,
        host: &str,
        lock: Option<&Lock>,
        now: i64,
    ) -> Result<Permit, Refusal> {
        let headers = [(&b"host"[..], host.as_bytes())];
        let head = RawHead { method: method.as_bytes(), target: b"/", version: Version::Http11, headers: &headers };
        let facts = normalise(head, ConnectionFacts::default()).unwrap();
        let filing = registry.look_up(&HostName::parse(host).unwrap());
        Policy::default().admit(&facts, filing, &Standing::default(), lock, Timestamp(now))
    }

    fn registry() -> Arc<Registry> {
        Arc::new(import_csv("sites.csv", SITES.as_bytes()).registry.unwrap())
    }

    #[test]
    fn the_filing_decides_first() {
        let registry = registry();
        let lock = Lock { since: Timestamp(0), recheck_at: Timestamp(100), rules: vec!["a.b".into()] };
        for (host, reason, detail, has_site) in [
            ("unfiled.cn", Reason::Unfiled, "", true),
            ("nobody.cn", Reason::Unfiled, "", false),
            ("www.elsewhere.cn", Reason::FiledElsewhere, "蜀ICP备12345678号", true),
            ("cancelled.cn", Reason::FilingCancelled, "蜀ICP备12345678号", true),
        ] {
            let refusal = admit(&registry, "POST", host, Some(&lock), 0).unwrap_err();
            assert_eq!(
                (refusal.reason, refusal.detail.as_str(), refusal.site.is_some()),
                (reason, detail, has_site),
                "{host}"
            );
        }
        let refusal = admit(&Arc::new(Registry::unavailable()), "GET", "filed.cn", None, 0).unwrap_err();
        assert_eq!(refusal.reason, Reason::RegistryUnavailable);
        assert_eq!(admit(&registry, "GET", "www.filed.cn", None, 0).unwrap().site().host(), "filed.cn");
    }

    #[test]
    fn closed_sites_are_read_only() {
        let registry = registry();
        for (host, open) in [("filed.cn", true), ("filtered.cn", true), ("review.cn", false), ("closed.cn", false)] {
            assert!(admit(&registry, "GET", host, None, 0).is_ok(), "{host}");
            let reason = admit(&registry, "POST", host, None, 0).map_err(|refusal| refusal.reason).err();
            assert_eq!(reason, (!open).then_some(Reason::InteractiveClosed), "{host}");
        }
    }

    proptest! {
        #[test]
        fn a_lock_holds_until_its_page_is_due(now: i64, recheck_at: i64) {
            let lock = Lock { since: Timestamp(0), recheck_at: Timestamp(recheck_at), rules: vec!["a.b".into(), "c".into()] };
            match admit(&registry(), "GET", "filed.cn", Some(&lock), now) {
                Ok(permit) => prop_assert!(now >= recheck_at && permit.is_recheck()),
                Err(refusal) => {
                    prop_assert!(now < recheck_at);
                    prop_assert_eq!(refusal.reason, Reason::PageLocked);
                    prop_assert_eq!(refusal.detail, "a.b, c");
                }
            }
            prop_assert!(!admit(&registry(), "GET", "filed.cn", None, now).unwrap().is_recheck());
        }
    }
}

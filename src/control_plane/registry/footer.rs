//! Home pages that passed are looked at: does the filing number stand at their bottom?

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::feed::sha256;
use crate::{
    base::Timestamp,
    control_plane::{PutError, Record},
    domain::{
        observation::HomePage,
        record::{Fact, Finding, FindingOrigin},
        registry::{Footer, check_footer, read_numbers},
    },
    engine::rules::Class,
    telemetry::Metrics,
};

/// A site is looked at once in this time.
const LOOK_EVERY_MILLIS: i64 = 3_600_000;
/// Sites of which it is remembered when they were looked at.
const SITES_MAX: usize = 1_000_000;
/// The category of findings about filings, and the beginning of their rules' ids.
const CATEGORY: &str = "filing";

/// Checks the footers of home pages.
pub struct FooterChecks {
    record: Arc<Record>,
    metrics: Arc<Metrics>,
    looked: Mutex<HashMap<String, Looked>>,
}

/// When a site was looked at, and what was said of it.
#[derive(Clone, Copy)]
struct Looked {
    at: Timestamp,
    footer: Option<Footer>,
}

impl FooterChecks {
    /// Checks that put what they find on a record.
    pub fn new(record: Arc<Record>, metrics: Arc<Metrics>) -> Self {
        Self { record, metrics, looked: Mutex::default() }
    }

    /// Looks at a home page, unless its site was looked at within the hour. What is wrong and was not said
    /// last time becomes a finding. Blocks while it is put on the record.
    pub fn look(&self, page: &HomePage) -> Result<Option<Footer>, PutError> {
        if page.icp.is_empty() || page.response.status != 200 || !page.response.is_whole {
            return Ok(None);
        }
        let before = {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            let before = looked.get(&page.host).copied();
            if before.is_some_and(|before| page.at.0.saturating_sub(before.at.0) < LOOK_EVERY_MILLIS) {
                return Ok(None);
            }
            if looked.len() >= SITES_MAX {
                looked.clear();
            }
            let footer = before.and_then(|before| before.footer);
            looked.insert(page.host.clone(), Looked { at: page.at, footer });
            footer
        };
        let body = page.response.body.concat();
        let said = |value: &Vec<u8>| (!value.is_empty()).then(|| value.clone());
        let (content_type, coding) = (said(&page.content_type), said(&page.content_encoding));
        let Some(shown) = read_numbers(content_type.as_deref(), coding.as_deref(), &body) else { return Ok(None) };
        let check = check_footer(&shown, &page.icp);
        self.metrics.footer_checked(check.footer);
        for remark in &check.remarks {
            tracing::info!(host = page.host, remark, "the footer of a home page is odd");
        }
        if check.footer != Footer::Ok && before != Some(check.footer) {
            let finding = finding(page, check.footer, &check.detail);
            match self.record.put("edge", &[Fact::Finding(finding)]) {
                // It is on the record already, or its service is not.
                Ok(_) | Err(PutError::Refused(_)) => {}
                Err(error @ PutError::Store(_)) => return Err(error),
            }
        }
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looked.insert(page.host.clone(), Looked { at: page.at, footer: Some(check.footer) });
        Ok(Some(check.footer))
    }
}

fn finding(page: &HomePage, footer: Footer, detail: &str) -> Finding {
    let url = format!("http://{}/", page.host);
    let rule = format!("{CATEGORY}.footer-{}", footer.as_str());
    let content = sha256(detail.as_bytes());
    let id = sha256(format!("{url}\n{rule}\n{content}").as_bytes());
    Finding {
        id: format!("f-{}", id.get(..20).unwrap_or(&id)),
        service: page.server.service.clone(),
        class: Class::Filing,
        page: url,
        rule,
        content,
        at: page.at,
        unit: page.server.unit.to_string(),
        site: page.server.site.clone(),
        server_ip: page.server.server_ip.clone(),
        category: CATEGORY.into(),
        phrase: page.icp.clone(),
        excerpt: detail.to_owned(),
        start: 0,
        end: 0,
        action: "observe".into(),
        origin: FindingOrigin::Published,
        evidence: String::new(),
    }
}

//! What a refusal looks like: a small page in Chinese and English, or JSON. No external resources.

use std::fmt::Write;

use super::words::{Words, words};
use crate::domain::policy::{Policy, Reason};

/// What a refusal shows.
pub(super) struct Shown<'a> {
    pub(super) reason: Reason,
    pub(super) status: u16,
    /// Empty if there was none.
    pub(super) host: &'a str,
    /// What more there is to say; may be empty.
    pub(super) detail: &'a str,
    pub(super) policy: &'a Policy,
    /// The request's number.
    pub(super) request: String,
    /// When, as in `Date`.
    pub(super) at: String,
}

/// The page.
pub(super) fn html(shown: &Shown<'_>) -> String {
    let Words { title_zh, title_en, visitor_zh, visitor_en, owner_zh, owner_en } = words(shown.reason);
    let (status, reason) = (shown.status, shown.reason.as_str());
    let mut page = String::with_capacity(3072);
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><title>{status} {title_zh}</title>\
         <style>body{{font:16px/1.7 system-ui,sans-serif;max-width:42em;margin:8vh auto;padding:0 1.2em;color:#222}}\
         h1{{font-size:1.5em;line-height:1.3}}h2{{font-size:1em;margin:1.6em 0 .2em}}p{{margin:.2em 0}}\
         hr{{border:0;border-top:1px solid #ccc;margin:2em 0}}\
         dl{{font-size:.85em;color:#666;display:grid;grid-template-columns:max-content 1fr;gap:0 1em}}dd{{margin:0;\
         overflow-wrap:anywhere}}</style></head><body>\n",
    );
    let mut section = |lang: &str, title: &str, heads: [&str; 2], texts: [&str; 2]| {
        let _ = write!(page, "<section lang=\"{lang}\"><h1>{title}</h1>");
        for (head, text) in heads.into_iter().zip(texts) {
            let _ = write!(page, "<h2>{head}</h2><p>{text}</p>");
        }
        page.push_str("</section>\n");
    };
    section("zh-CN", title_zh, ["如果您是访问者", "如果您是网站主办者"], [visitor_zh, owner_zh]);
    section("en", title_en, ["If you are a visitor", "If this is your site"], [visitor_en, owner_en]);
    page.push_str("<hr><dl>");
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = write!(page, "<dt>{name}</dt><dd>{}</dd>", escape_html(value));
        }
    };
    row("网站 Host", shown.host);
    row("原因 Reason", &format!("{status} {reason}"));
    row("详情 Detail", shown.detail);
    row("实施者 Operator", &shown.policy.operator);
    row("时间 Time", &shown.at);
    row("请求编号 Request", &shown.request);
    if !shown.policy.contact.is_empty() {
        let contact = escape_html(&shown.policy.contact);
        let _ = match contact_url(&shown.policy.contact) {
            Some(url) => write!(page, "<dt>申诉 Appeal</dt><dd><a href=\"{}\">{contact}</a></dd>", escape_html(&url)),
            None => write!(page, "<dt>申诉 Appeal</dt><dd>{contact}</dd>"),
        };
    }
    page.push_str("</dl></body></html>\n");
    page
}

/// The same for programs.
pub(super) fn json(shown: &Shown<'_>) -> String {
    let words = words(shown.reason);
    let mut text = serde_json::json!({
        "reason": shown.reason.as_str(),
        "status": shown.status,
        "host": shown.host,
        "title": words.title_en,
        "message": words.visitor_en,
        "detail": shown.detail,
        "operator": shown.policy.operator,
        "contact": shown.policy.contact,
        "request": shown.request,
    })
    .to_string();
    text.push('\n');
    text
}

/// The contact as a URL: as it is, or a mail address; `None` if it is neither.
pub(super) fn contact_url(contact: &str) -> Option<String> {
    let is_plain = contact.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"".contains(&byte));
    if !is_plain || contact.is_empty() {
        return None;
    }
    let has_scheme = ["https://", "http://", "mailto:", "tel:"].iter().any(|scheme| contact.starts_with(scheme));
    match contact {
        _ if has_scheme => Some(contact.to_owned()),
        _ if contact.contains('@') => Some(format!("mailto:{contact}")),
        _ => None,
    }
}

fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(character),
        }
    }
    out
}

/// Who blocks, as a URI (RFC 7725 section 4): the contact, or a `data:` URI with the operator's name.
pub(super) fn blocked_by(policy: &Policy) -> String {
    contact_url(&policy.contact).unwrap_or_else(|| {
        let mut uri = String::from("data:,");
        for byte in policy.operator.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                uri.push(char::from(byte));
            } else {
                uri.push_str(&format!("%{byte:02X}"));
            }
        }
        uri
    })
}

#[cfg(test)]
mod tests {
    use super::{Policy, Reason, Shown, contact_url, html, json};

    fn shown<'a>(policy: &'a Policy, reason: Reason) -> Shown<'a> {
        let status = reason.default_status();
        Shown { reason, status, host: "a.cn", detail: "<b>&", policy, request: "00ff".into(), at: "now".into() }
    }

    #[test]
    fn every_reason_has_a_page_and_nothing_is_taken_for_markup() {
        let policy = Policy { operator: "\"x\"<script>".into(), contact: "abuse@a.cn".into(), ..Policy::default() };
        for reason in Reason::ALL {
            let page = html(&shown(&policy, reason));
            assert!(page.contains(reason.as_str()) && page.contains("href=\"mailto:abuse@a.cn\""));
            assert!(!page.contains("<script>") && !page.contains("<b>"));
            let parsed: serde_json::Value = serde_json::from_str(&json(&shown(&policy, reason))).unwrap();
            assert_eq!(parsed["reason"], reason.as_str());
        }
    }

    #[test]
    fn a_contact_is_a_link_or_plain_text() {
        assert_eq!(contact_url("https://a.cn/appeal").as_deref(), Some("https://a.cn/appeal"));
        assert_eq!(contact_url("abuse@a.cn").as_deref(), Some("mailto:abuse@a.cn"));
        for bad in ["", "javascript:alert(1)", "https://a.cn/>\r\nX: y", "电话 12345"] {
            assert_eq!(contact_url(bad), None, "{bad}");
        }
    }
}

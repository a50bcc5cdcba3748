//! An answer to a client from which nothing was read: short, and made without a request.

use super::{super::http1::http_date, RETRY_AFTER_SECONDS, phrase, words::words};
use crate::{
    base::Timestamp,
    domain::policy::{Policy, Reason},
};

/// All of the response, after which the connection closes.
pub(in crate::data_plane) fn short(reason: Reason, policy: &Policy, at: Timestamp) -> Vec<u8> {
    let status = policy.status(reason);
    let (phrase, date, words) = (phrase(status), http_date(at), words(reason));
    let retry = String::from_utf8_lossy(RETRY_AFTER_SECONDS);
    let body = format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>{status} {}</title>\n<h1>{}</h1>\n<p>{}</p>\n\
         <div lang=\"en\"><h2>{}</h2>\n<p>{}</p></div>\n",
        words.title_zh, words.title_zh, words.visitor_zh, words.title_en, words.visitor_en
    );
    format!(
        "HTTP/1.1 {status} {phrase}\r\nDate: {date}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nZhamen-Reason: {}\r\nRetry-After: {retry}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len(),
        reason.as_str(),
    )
    .into_bytes()
}

//! The pull: the registry is asked for at the operator's own system. An answer that cannot be used
//! changes nothing.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, header};
use tokio::{task::spawn_blocking, time::sleep};

use super::{Feed, Registrar};
use crate::{
    config,
    control_plane::{http_client::HttpClient, log_problems},
    store::SiteSource,
    telemetry::Part,
};

/// Under which name the store keeps what was pulled last: the URL and its ETag.
const PULLED: &str = "registry.pull";
/// How soon it is looked again whether there is something to pull.
const IDLE: Duration = Duration::from_secs(1);

/// What a pull came to.
#[derive(Debug, PartialEq, Eq)]
enum Pulled {
    /// New rows are in force.
    Changed,
    /// The answer is what it was.
    Unchanged,
}

/// Pulls for ever, as the configuration says at each time.
pub async fn keep_pulling(registrar: Arc<Registrar>) {
    loop {
        let Some(pull) = registrar.settings().pull else {
            sleep(IDLE).await;
            continue;
        };
        let result = pull_once(&registrar, &pull).await;
        if let Some(shown) = registrar.shown() {
            shown.metrics.reloaded(Part::Registry, result.is_ok(), registrar.now());
        }
        match result {
            Ok(Pulled::Changed) => tracing::info!(url = %pull.url, "the registry was pulled"),
            Ok(Pulled::Unchanged) => tracing::debug!(url = %pull.url, "the registry is what it was"),
            Err(error) => tracing::error!(
                url = %pull.url, error, "the registry was not pulled; what was in force before stays in force"
            ),
        }
        // Another configuration is taken up at once.
        let mut waited = Duration::ZERO;
        while waited < pull.every && registrar.settings().pull.as_ref() == Some(&pull) {
            let step = IDLE.min(pull.every - waited);
            sleep(step).await;
            waited += step;
        }
    }
}

async fn pull_once(registrar: &Arc<Registrar>, pull: &config::Pull) -> Result<Pulled, String> {
    let url = pull.url.to_string();
    let working = Arc::clone(registrar);
    let read = spawn_blocking(move || working.record().store().meta(PULLED));
    let known = read.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    let known_tag = known.as_deref().and_then(|known| known.split_once('\n')).filter(|(of, _)| *of == url);
    let mut request = Request::get("/")
        .header(header::ACCEPT, "text/csv, application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
        .header(header::USER_AGENT, concat!("zhamen/", env!("CARGO_PKG_VERSION")));
    if !pull.token.reveal().is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", pull.token.reveal()));
    }
    if let Some((_, tag)) = known_tag {
        request = request.header(header::IF_NONE_MATCH, tag);
    }
    let request = request.body(Full::default()).map_err(|error| error.to_string())?;
    let client = HttpClient::new(pull.ca.as_deref()).map_err(|error| error.to_string())?;
    let bytes_max = usize::try_from(pull.bytes_max).unwrap_or(usize::MAX);
    let answer = client.send(&pull.url, request, pull.timeout, bytes_max).await.map_err(|error| error.to_string())?;
    match answer.status() {
        StatusCode::NOT_MODIFIED if known_tag.is_some() => Ok(Pulled::Unchanged),
        StatusCode::OK => {
            let registrar = Arc::clone(registrar);
            let taken = spawn_blocking(move || take_in(&registrar, &url, &answer));
            taken.await.map_err(|error| error.to_string())?
        }
        status => Err(format!("the answer has the status {status}")),
    }
}

/// Takes an answer over, if it may be.
fn take_in(registrar: &Registrar, url: &str, answer: &Response<Bytes>) -> Result<Pulled, String> {
    let read = Feed::read(url, answer.body());
    log_problems(&read.problems);
    let Some(feed) = read.feed else {
        return Err(format!("{} rows are bad and {} are good, or there is no header", read.rows_bad, read.rows_good));
    };
    let plan = registrar.plan(SiteSource::Pull, feed).map_err(|error| error.to_string())?;
    if let Some(objection) = plan.difference.objection(registrar.settings().remove_max_percent) {
        return Err(format!("{objection}; raise registry.remove_max if this is meant"));
    }
    for host in &plan.contested {
        tracing::warn!(host, "another source says something else of this host; the pull changed it last, and holds");
    }
    let is_change = !plan.difference.is_empty();
    // What is not on disk is not in force after a restart: the ETag is kept only then.
    registrar.keep("pull", plan, true).map_err(|error| error.to_string())?;
    let tag = answer.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default();
    let known = if tag.is_empty() { String::new() } else { format!("{url}\n{tag}") };
    registrar.record().store().set_meta(PULLED, &known).map_err(|error| error.to_string())?;
    Ok(if is_change { Pulled::Changed } else { Pulled::Unchanged })
}

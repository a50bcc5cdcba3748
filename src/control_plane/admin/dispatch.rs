//! From an HTTP request to a [`Call`], and from its [`Reply`] to a response: method, token, scope,
//! parameters, body, If-Match, Idempotency-Key, in this order.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    sync::{Arc, PoisonError},
};

use axum::{
    Router,
    body::Body as HttpBody,
    extract::{RawPathParams, Request, rejection::RawPathParamsRejection},
    http::{HeaderMap, HeaderName, HeaderValue, Method as HttpMethod, Response, StatusCode, header},
    routing::any,
};
use bytes::BytesMut;
use futures_util::stream::try_unfold;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};
use tokio::io::AsyncReadExt;

use super::{
    Api,
    call::{Body, Call, Caller, Reply, etag, names_tag},
    idempotency, inspection,
    problem::{Fault, Problem, Word},
    role::Scope,
    route::{Answer, Method, Route},
    routes::ROUTES,
    schema::unknown,
    tokens::forbidden,
};

/// Bytes of a file that are sent at a time.
const PIECE_BYTES: usize = 64 << 10;
/// A body's bytes, at most.
const BODY_MAX: usize = 1 << 20;
/// Characters of an Idempotency-Key, or of an If-Match, at most.
pub(super) const FIELD_MAX: usize = 128;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// All routes of a path.
type Path = Vec<&'static Route>;

/// The router over all [`ROUTES`].
pub(super) fn router(api: &Arc<Api>) -> Router {
    let mut paths: Vec<(&'static str, Path)> = Vec::new();
    for route in ROUTES {
        match paths.iter_mut().find(|(path, _)| *path == route.path) {
            Some((_, routes)) => routes.push(route),
            None => paths.push((route.path, vec![route])),
        }
    }
    let mut router = Router::new();
    for (path, routes) in paths {
        let (api, routes) = (Arc::clone(api), Arc::new(routes));
        let handler = move |places: Result<RawPathParams, RawPathParamsRejection>, request: Request| {
            let (api, routes) = (Arc::clone(&api), Arc::clone(&routes));
            async move { answer(api, &routes, places, request).await }
        };
        router = router.route(path, any(handler));
    }
    router.fallback(|request: Request| async move {
        let detail =
            format!("there is no path {}; /api/v1/openapi.json lists those that there are", request.uri().path());
        problem_response(&Problem::new(Word::NotFound, detail))
    })
}

async fn answer(
    api: Arc<Api>,
    routes: &Path,
    places: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Response<HttpBody> {
    let method = match *request.method() {
        HttpMethod::GET | HttpMethod::HEAD => Some(Method::Get),
        HttpMethod::POST => Some(Method::Post),
        HttpMethod::PUT => Some(Method::Put),
        HttpMethod::DELETE => Some(Method::Delete),
        HttpMethod::OPTIONS => {
            let mut response = Response::new(HttpBody::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            allow(&mut response, routes);
            return response;
        }
        _ => None,
    };
    let Some(route) = routes.iter().find(|route| Some(route.method) == method).copied() else {
        let mut response = problem_response(&Problem::new(
            Word::MethodNotAllowed,
            format!("{} allows {}", request.uri().path(), allowed(routes)),
        ));
        allow(&mut response, routes);
        return response;
    };
    match serve(api, route, places, request).await {
        Ok(response) => response,
        Err(problem) => problem_response(&problem),
    }
}

async fn serve(
    api: Arc<Api>,
    route: &'static Route,
    places: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Result<Response<HttpBody>, Problem> {
    let (head, body) = request.into_parts();
    let authorization = text_field(&head.headers, &header::AUTHORIZATION).map(str::to_owned);
    let now = api.clock.now();
    let asking = Arc::clone(&api);
    let caller = blocking(move || asking.caller(route, authorization.as_deref(), now)).await?;
    if caller.role.is_some_and(|role| !role.may(route.scope)) {
        return Err(forbidden(&caller, route.scope));
    }
    let places = places.map_err(|_| Problem::new(Word::BadRequest, "the path is not UTF-8"))?;
    let call = Call {
        route,
        caller,
        target: head.uri.path().to_owned(),
        places: places.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        query: read_query(route, head.uri.query().unwrap_or_default())?,
        body: read_body(route, &head.headers, body).await?,
        if_match: read_if_match(&head.headers)?,
        if_none_match: text_field(&head.headers, &header::IF_NONE_MATCH).map(str::to_owned),
        idempotency_key: read_key(route, &head.headers)?,
        now,
    };
    blocking(move || perform(&api, &call)).await
}

/// Does it, once for every Idempotency-Key. Blocks.
fn perform(api: &Api, call: &Call) -> Result<Response<HttpBody>, Problem> {
    let run = || (call.route.operation.handler)(api, call);
    if !call.route.changes() {
        let reply = run()?;
        inspection::note(api, call)?;
        return Ok(unless_known(call, respond(&reply)));
    }
    // One change after the other: what If-Match was compared with is what is changed.
    let _turn = api.changes.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(reply) = idempotency::recall(api, call)? {
        let mut response = respond(&reply);
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        return Ok(response);
    }
    let reply = run()?;
    // What was put on the record with its answer is kept already.
    if let Some((key, answer)) = idempotency::kept(call, &reply) {
        api.record.store().remember(&key, &answer)?;
    }
    Ok(respond(&reply))
}

/// 304 for who has it as it is.
fn unless_known(call: &Call, response: Response<HttpBody>) -> Response<HttpBody> {
    let tag = text_field(response.headers(), &header::ETAG).map(str::to_owned);
    let known = tag.filter(|tag| call.if_none_match.as_deref().is_some_and(|list| names_tag(list, tag)));
    let Some(tag) = known.and_then(|tag| HeaderValue::from_str(&tag).ok()) else { return response };
    let mut response = Response::new(HttpBody::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().insert(header::ETAG, tag);
    response
}

// ---------------------------------------------------------------------------------------------
// Reading.

fn read_query(route: &Route, query: &str) -> Result<BTreeMap<&'static str, String>, Problem> {
    let (mut read, mut faults) = (BTreeMap::new(), Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(value)) = (decode(name), decode(value)) else {
            return Err(Problem::new(Word::BadRequest, format!("{pair:?} is not percent-encoded UTF-8")));
        };
        let at = format!("?{name}");
        let Some(member) = route.operation.query.iter().find(|member| member.name == name) else {
            faults.push(Fault::new(&at, unknown("parameter", &name, route.operation.query)));
            continue;
        };
        member.kind.check_text(&value, &at, &mut faults);
        if read.insert(member.name, value).is_some() {
            faults.push(Fault::new(&at, "is there twice"));
        }
    }
    for member in route.operation.query.iter().filter(|member| member.required && !read.contains_key(member.name)) {
        faults.push(Fault::new(&format!("?{}", member.name), "is missing"));
    }
    if faults.is_empty() { Ok(read) } else { Err(Problem::faults(Word::BadRequest, faults)) }
}

/// Undoes `application/x-www-form-urlencoded`.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, behind @ ..] = rest {
        rest = behind;
        match (*byte, behind) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, behind @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                bytes.push((digit(high)? << 4 | digit(low)?) as u8);
                rest = behind;
            }
            (b'%', _) => return None,
            (byte, _) => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

async fn read_body(route: &Route, headers: &HeaderMap, body: HttpBody) -> Result<Map<String, Value>, Problem> {
    let Some(shape) = route.operation.body else { return Ok(Map::new()) };
    let media = text_field(headers, &header::CONTENT_TYPE).and_then(|text| text.split(';').next()).unwrap_or_default();
    if !media.trim().eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(Word::UnsupportedMediaType, "send Content-Type: application/json"));
    }
    let bytes = match Limited::new(body, BODY_MAX).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(Problem::new(Word::TooLarge, format!("a body has at most {BODY_MAX} bytes")));
        }
        Err(error) => return Err(Problem::new(Word::BadRequest, format!("the body broke off: {error}"))),
    };
    let value = serde_json::from_slice(&bytes)
        .map_err(|error| Problem::new(Word::BadRequest, format!("the body is not JSON: {error}")))?;
    shape.read(value).map_err(|faults| Problem::faults(Word::Invalid, faults))
}

fn read_key(route: &Route, headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY).filter(|_| route.creates()) else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=FIELD_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(Some(key.to_owned()))
        }
        _ => Err(Problem::new(
            Word::BadRequest,
            format!("an Idempotency-Key has 1 to {FIELD_MAX} ASCII characters without spaces"),
        )),
    }
}

/// An If-Match that cannot be read must not pass for none (RFC 9110, 13.1.1). What is no entity tag matches
/// nothing.
fn read_if_match(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    match value.to_str() {
        Ok(list) if (1..=FIELD_MAX).contains(&list.trim().len()) => Ok(Some(list.to_owned())),
        Ok(_) | Err(_) => {
            Err(Problem::new(Word::BadRequest, "If-Match has entity tags as ETag has them, in double quotes, or *"))
        }
    }
}

fn text_field<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

// ---------------------------------------------------------------------------------------------
// Answering.

fn respond(reply: &Reply) -> Response<HttpBody> {
    let (media, bytes) = match &reply.body {
        Body::Nothing => ("", Vec::new()),
        Body::Json(value) => ("application/json", format!("{value}\n").into_bytes()),
        Body::Raw(media, bytes) => (media.as_str(), bytes.clone()),
        Body::File(media, _) => (*media, Vec::new()),
    };
    let mut response = response(reply.status, media, bytes);
    if let Body::File(_, file) = &reply.body {
        *response.body_mut() = stream(file);
    }
    let fields = [(header::ETAG, reply.etag.map(etag)), (header::LOCATION, reply.location.clone())];
    for (name, value) in fields {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A file, piece by piece.
fn stream(file: &File) -> HttpBody {
    let file = file.try_clone().map(tokio::fs::File::from_std);
    HttpBody::from_stream(try_unfold(file, |file| async {
        let mut file = file?;
        let mut piece = BytesMut::with_capacity(PIECE_BYTES);
        let count = file.read_buf(&mut piece).await?;
        Ok::<_, io::Error>((count > 0).then(|| (piece.freeze(), Ok(file))))
    }))
}

fn problem_response(problem: &Problem) -> Response<HttpBody> {
    let document = format!("{}\n", problem.to_json());
    let mut response = response(problem.word.status(), "application/problem+json", document.into_bytes());
    let field = match problem.word {
        Word::Unauthorized => Some((header::WWW_AUTHENTICATE, "Bearer realm=\"zhamen\"")),
        Word::TooManyAttempts => Some((header::RETRY_AFTER, "60")),
        Word::StoreUnavailable => Some((header::RETRY_AFTER, "5")),
        Word::BadRequest
        | Word::Changed
        | Word::Conflict
        | Word::Forbidden
        | Word::Internal
        | Word::Invalid
        | Word::KeyReused
        | Word::MethodNotAllowed
        | Word::NotFound
        | Word::PreconditionRequired
        | Word::TooLarge
        | Word::UnsupportedMediaType => None,
    };
    if let Some((name, value)) = field {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn response(status: u16, media: &str, bytes: Vec<u8>) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::from(bytes));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Some(media) = HeaderValue::from_str(media).ok().filter(|media| !media.is_empty()) {
        headers.insert(header::CONTENT_TYPE, media);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn allowed(routes: &Path) -> String {
    let mut methods: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    methods.sort_unstable();
    methods.join(", ")
}

fn allow(response: &mut Response<HttpBody>, routes: &Path) {
    if let Ok(methods) = HeaderValue::from_str(&allowed(routes)) {
        response.headers_mut().insert(header::ALLOW, methods);
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => {
            tracing::error!(%error, "a request to the admin API broke off");
            Err(Problem::new(Word::Internal, "the request broke off; the operational log says more"))
        }
    }
}

impl Api {
    /// Who asks for a route, or why nobody may. Blocks.
    fn caller(&self, route: &Route, token: Option<&str>, now: crate::base::Timestamp) -> Result<Caller, Problem> {
        let nobody = || Caller { name: String::new(), role: None };
        if route.scope == Scope::Health {
            return Ok(nobody());
        }
        let open = route.scope == Scope::Metrics || route.path == "/api/v1/status";
        if open && self.loopback && token.is_none() && self.record.store().tokens()?.is_empty() {
            return Ok(nobody());
        }
        self.gatekeeper.check(self.record.store(), token, now)
    }
}

/// The statuses that a route may be answered with when all is well.
pub(super) const fn successes(answer: Answer) -> &'static [u16] {
    match answer {
        Answer::Created(_) => &[201],
        Answer::Nothing => &[204],
        Answer::One(_) | Answer::Page(_) | Answer::Raw(_) => &[200],
        Answer::Put(_) => &[200, 201],
    }
}

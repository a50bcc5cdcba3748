//! What is answered when something cannot be done: application/problem+json (RFC 9457).

use serde_json::{Value, json};

use crate::{control_plane::PutError, store::StoreError};

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    pub(super) word: Word,
    pub(super) detail: String,
    /// What is wrong with single members or parameters.
    pub(super) faults: Vec<Fault>,
}

/// What is wrong with one member or parameter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    /// RFC 6901 for a member of the body; `?name` for a parameter.
    pub(super) pointer: String,
    pub(super) detail: String,
}

/// The kinds of problems: the last part of `type`. Closed; alphabetical.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Word {
    /// The body is no JSON, or a parameter is bad.
    BadRequest,
    /// The resource is not as If-Match says.
    Changed,
    /// It makes no sense after what is on the record.
    Conflict,
    /// The token's role may not do this.
    Forbidden,
    /// A member of the body is bad.
    Invalid,
    /// The Idempotency-Key was used for something else.
    KeyReused,
    /// Something broke here.
    Internal,
    /// The path has no such method.
    MethodNotAllowed,
    /// There is nothing by this name.
    NotFound,
    /// The change must say with If-Match what it changes.
    PreconditionRequired,
    /// The store does not answer.
    StoreUnavailable,
    /// The body is too long.
    TooLarge,
    /// Too many tokens that do not hold.
    TooManyAttempts,
    /// No token, or one that does not hold.
    Unauthorized,
    /// The body is not application/json.
    UnsupportedMediaType,
}

impl Word {
    /// The word, the status, and the title.
    pub(super) const fn facts(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::BadRequest => ("bad-request", 400, "The request cannot be read"),
            Self::Changed => ("changed", 412, "Somebody changed it in the meantime"),
            Self::Conflict => ("conflict", 409, "This makes no sense after what is on the record"),
            Self::Forbidden => ("forbidden", 403, "The token's role may not do this"),
            Self::Internal => ("internal", 500, "Something broke"),
            Self::Invalid => ("invalid", 422, "A member of the body is not as it must be"),
            Self::KeyReused => ("key-reused", 409, "The Idempotency-Key was used for another request"),
            Self::MethodNotAllowed => ("method-not-allowed", 405, "The path has no such method"),
            Self::NotFound => ("not-found", 404, "There is no such thing"),
            Self::PreconditionRequired => ("precondition-required", 428, "Say with If-Match what you change"),
            Self::StoreUnavailable => ("store-unavailable", 503, "The store does not answer"),
            Self::TooLarge => ("too-large", 413, "The body is too long"),
            Self::TooManyAttempts => ("too-many-attempts", 429, "Too many tokens that do not hold"),
            Self::Unauthorized => ("unauthorized", 401, "A token is needed"),
            Self::UnsupportedMediaType => ("unsupported-media-type", 415, "The body must be application/json"),
        }
    }

    /// The status it is answered with.
    pub(super) const fn status(self) -> u16 {
        self.facts().1
    }
}

impl Fault {
    pub(super) fn new(pointer: &str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.to_owned(), detail: detail.into() }
    }
}

impl Problem {
    /// A problem with its explanation.
    pub(super) fn new(word: Word, detail: impl Into<String>) -> Self {
        Self { word, detail: detail.into(), faults: Vec::new() }
    }

    /// There is no such thing.
    pub(super) fn not_found(what: &str, name: &str) -> Self {
        Self::new(Word::NotFound, format!("there is no {what} {name:?}"))
    }

    /// Bad members or parameters.
    pub(super) fn faults(word: Word, faults: Vec<Fault>) -> Self {
        let detail = match faults.as_slice() {
            [] => String::new(),
            [fault, rest @ ..] => {
                let name = if fault.pointer.is_empty() { "the body" } else { &fault.pointer };
                let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
                format!("{name}: {}{more}", fault.detail)
            }
        };
        Self { word, detail, faults }
    }

    /// A bad member of the body.
    pub(super) fn member(pointer: &str, detail: impl Into<String>) -> Self {
        Self::faults(Word::Invalid, vec![Fault::new(pointer, detail)])
    }

    /// A bad parameter of the query.
    pub(super) fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self::faults(Word::BadRequest, vec![Fault::new(&format!("?{name}"), detail)])
    }

    /// The document.
    pub(super) fn to_json(&self) -> Value {
        let (word, status, title) = self.word.facts();
        let mut document = json!({
            "type": format!("urn:zhamen:problem:{word}"),
            "title": title,
            "status": status,
            "detail": self.detail,
        });
        if !self.faults.is_empty() {
            let faults = self.faults.iter().map(|fault| json!({"pointer": fault.pointer, "detail": fault.detail}));
            document["errors"] = faults.collect();
        }
        document
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the admin API could not use the store");
        Self::new(Word::StoreUnavailable, error.to_string())
    }
}

impl From<PutError> for Problem {
    fn from(error: PutError) -> Self {
        match error {
            PutError::Refused(why) => Self::new(Word::Conflict, why),
            PutError::Store(error) => error.into(),
        }
    }
}

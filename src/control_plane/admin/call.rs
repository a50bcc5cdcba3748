//! One request to the admin API, read and checked, and what it is answered.

use std::{collections::BTreeMap, fs::File};

use serde_json::{Map, Value, json};

use super::{
    problem::{Problem, Word},
    role::Role,
    route::Route,
};
use crate::{
    base::Timestamp,
    domain::record::{Entry, Fact},
};

/// Items of a page where the request does not say how many.
const PAGE_DEFAULT: usize = 100;

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// The token's name; on the record as `by`.
    pub(super) name: String,
    /// What it may do; `None`: nobody in particular, on a route that is open.
    pub(super) role: Option<Role>,
}

/// A request whose every part is as its route wants it.
pub(super) struct Call {
    pub(super) route: &'static Route,
    pub(super) caller: Caller,
    /// The path as it was asked for, without the query.
    pub(super) target: String,
    pub(super) places: BTreeMap<String, String>,
    pub(super) query: BTreeMap<&'static str, String>,
    pub(super) body: Map<String, Value>,
    pub(super) if_match: Option<String>,
    pub(super) if_none_match: Option<String>,
    pub(super) idempotency_key: Option<String>,
    pub(super) now: Timestamp,
}

/// What is answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Body,
    pub(super) etag: Option<u64>,
    pub(super) location: Option<String>,
}

/// The body of an answer.
#[derive(Debug)]
pub(super) enum Body {
    Nothing,
    Json(Value),
    /// With its Content-Type.
    Raw(String, Vec<u8>),
    /// With its Content-Type, from the file's beginning.
    File(&'static str, File),
}

impl Call {
    /// A part of the path.
    pub(super) fn place(&self, name: &str) -> &str {
        self.places.get(name).map_or("", String::as_str)
    }

    /// A parameter of the query.
    pub(super) fn asked(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// A time in the query.
    pub(super) fn time(&self, name: &str) -> Option<Timestamp> {
        self.asked(name).and_then(|text| text.parse().ok())
    }

    /// A text in the body; empty if it is not there.
    pub(super) fn text(&self, name: &str) -> &str {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// How many items a page may have.
    pub(super) fn limit(&self) -> usize {
        self.asked("limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE_DEFAULT)
    }

    /// What a page of things with several keys begins behind. What is no `next` of any page is the first
    /// page's, as a name that sorts before all others would be.
    pub(super) fn cursor<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.asked("after")?).ok()
    }

    /// The number of the entry behind which a page begins.
    pub(super) fn after(&self) -> Option<u64> {
        self.asked("after").and_then(|after| after.parse().ok())
    }

    /// The fact that the body is, with members that the body does not have.
    pub(super) fn fact(&self, kind: &str, members: &[(&str, Value)]) -> Result<Fact, Problem> {
        let mut fact = self.body.clone();
        fact.insert("type".into(), kind.into());
        for (name, value) in members {
            fact.insert((*name).to_owned(), value.clone());
        }
        serde_json::from_value(Value::Object(fact)).map_err(|error| Problem::member("", error.to_string()))
    }

    /// Whether a resource whose last entry is `current` may be changed by this request.
    pub(super) fn precondition(&self, current: Option<u64>) -> Result<(), Problem> {
        let changed = |detail: String| Err(Problem::new(Word::Changed, detail));
        match (&self.if_match, &self.if_none_match, current) {
            (None, Some(none), Some(current)) if tags(none).any(|tag| tag == "*" || tag == etag(current)) => {
                changed("it exists already".into())
            }
            (None, _, None) => Ok(()),
            (None, _, Some(current)) => Err(Problem::new(
                Word::PreconditionRequired,
                format!("send If-Match: {} if you mean it as it is now", etag(current)),
            )),
            (Some(_), _, None) => changed("it does not exist".into()),
            (Some(wanted), _, Some(current)) => {
                if tags(wanted).any(|tag| tag == "*" || tag == etag(current)) {
                    return Ok(());
                }
                changed(format!("it is now {}; read it again", etag(current)))
            }
        }
    }

    /// An id for what this request makes: the same for the same Idempotency-Key of the same token, so
    /// that a repeated request cannot make a second one, whatever broke in between.
    pub(super) fn new_id(&self, prefix: &str) -> Result<String, Problem> {
        let digits = match &self.idempotency_key {
            Some(key) => super::secret::digest_hex(&[&self.caller.name, self.route.path, key]),
            None => super::secret::random_hex()?,
        };
        Ok(format!("{prefix}-{}", digits.get(..20).unwrap_or_default()))
    }
}

impl Reply {
    /// What was asked for.
    pub(super) fn json(value: Value) -> Self {
        Self { status: 200, body: Body::Json(value), etag: None, location: None }
    }

    /// A resource and the entry that it stands by.
    pub(super) fn tagged(value: Value, seq: u64) -> Self {
        Self { etag: Some(seq), ..Self::json(value) }
    }

    /// What was made, and where it is found; empty: nowhere by itself.
    pub(super) fn created(value: Value, location: &str) -> Self {
        let location = (!location.is_empty()).then(|| location.to_owned());
        Self { status: 201, location, ..Self::json(value) }
    }

    /// Done, and nothing to show.
    pub(super) fn nothing() -> Self {
        Self { status: 204, body: Body::Nothing, etag: None, location: None }
    }

    /// One page of a list, and where the next one begins.
    pub(super) fn page(items: Vec<Value>, next: Option<String>) -> Self {
        Self::json(json!({"items": items, "next": next}))
    }

    /// Takes one item more than a page has, and makes the page of those that it has.
    pub(super) fn first_of(mut items: Vec<(String, Value)>, limit: usize) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|(cursor, _)| cursor.clone());
        Self::page(items.into_iter().map(|(_, item)| item).collect(), next)
    }
}

/// The entity tag of what stands by an entry.
pub(super) fn etag(seq: u64) -> String {
    format!("\"{seq}\"")
}

/// Whether a list of entity tags has this one.
pub(super) fn names_tag(list: &str, tag: &str) -> bool {
    tags(list).any(|listed| listed == "*" || listed == tag)
}

fn tags(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(|tag| tag.trim().trim_start_matches("W/"))
}

/// An entry as it is shown.
pub(super) fn shown(entry: &Entry) -> Value {
    serde_json::to_value(entry).unwrap_or_default()
}

/// The path of a thing below the path of its list.
pub(super) fn location(list: &str, id: &str) -> String {
    let mut path = format!("{list}/");
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => path.push(char::from(byte)),
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

/// A thing that stands by an entry, as it is shown: its members, and the entry's number.
pub(super) fn standing_by<T: serde::Serialize>(thing: &T, seq: u64) -> Value {
    let mut value = serde_json::to_value(thing).unwrap_or_default();
    if let Value::Object(members) = &mut value {
        members.insert("seq".into(), seq.into());
    }
    value
}

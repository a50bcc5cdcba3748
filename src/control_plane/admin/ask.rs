//! A request to the admin API made of words, as the command line has them: each goes where its route
//! wants it, as what its route wants it to be.

use serde_json::{Map, Value};

use super::{
    route::{Method, Route},
    routes::ROUTES,
    schema::{Kind, Member, unknown},
};
use crate::config::nearest;

/// What the paths of the API begin with.
const PREFIX: &str = "/api/v1";

/// A request that can be sent.
#[derive(Debug, PartialEq, Eq)]
pub struct AdminRequest {
    /// The method.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// The body, JSON, if the route has one.
    pub body: Option<String>,
}

/// A line of the table of routes.
pub struct AdminRoute {
    /// The method.
    pub method: &'static str,
    /// The path; `{…}` stands for a name.
    pub path: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// Parameters and members: name, whether it must be there, what it means.
    pub members: Vec<(&'static str, bool, &'static str)>,
}

impl AdminRequest {
    /// Makes a request of `PUT`, `/units/u1` (`/api/v1` may be left out) and `name=某公司`: names and values.
    /// A list takes a name several times. Says what is wrong, and what is known instead.
    pub fn new(method: &str, path: &str, words: &[(String, String)]) -> Result<Self, String> {
        let path = match path.strip_prefix('/') {
            None => format!("{PREFIX}/{path}"),
            Some(_) if path.starts_with("/api/") || ROUTES.iter().any(|route| route.path == path) => path.to_owned(),
            Some(_) => format!("{PREFIX}{path}"),
        };
        let route = find(method, &path)?;
        let (mut query, mut body) = (String::new(), Map::new());
        let members = route.operation.body.map_or(&[][..], |shape| shape.members);
        for (name, value) in words {
            if let Some(member) = members.iter().find(|member| member.name == name) {
                put(&mut body, member, value)?;
            } else if route.operation.query.iter().any(|member| member.name == name) {
                query.push(if query.is_empty() { '?' } else { '&' });
                query.push_str(&format!("{name}={}", encoded(value, false)));
            } else {
                let known = if members.is_empty() { route.operation.query } else { members };
                return Err(format!("{name:?} {}", unknown("member", name, known)));
            }
        }
        let body = route.operation.body.map(|_| Value::Object(body).to_string());
        Ok(Self { method: route.method.as_str(), target: encoded(&path, true) + &query, body })
    }
}

impl AdminRoute {
    /// All routes whose path or summary has this text.
    pub fn with(text: &str) -> Vec<Self> {
        let wanted = |route: &&Route| route.path.contains(text) || route.operation.summary.contains(text);
        ROUTES.iter().filter(wanted).map(Self::of).collect()
    }

    fn of(route: &Route) -> Self {
        let members = route.operation.body.map_or(&[][..], |shape| shape.members);
        let told = |member: &Member| (member.name, member.required, member.about);
        Self {
            method: route.method.as_str(),
            path: route.path,
            summary: route.operation.summary,
            members: members.iter().chain(route.operation.query).map(told).collect(),
        }
    }
}

fn find(method: &str, path: &str) -> Result<&'static Route, String> {
    let on_path: Vec<&Route> = ROUTES.iter().filter(|route| is_at(route.path, path)).collect();
    if on_path.is_empty() {
        let meant = nearest(path, ROUTES.iter().map(|route| route.path));
        let help = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
        return Err(format!("there is no path {path}{help}"));
    }
    let named = on_path.iter().find(|route| route.method.as_str().eq_ignore_ascii_case(method)).copied();
    named.ok_or_else(|| {
        let methods: Vec<&str> = on_path.iter().map(|route| Method::as_str(route.method)).collect();
        format!("{path} has {}, not {method}", methods.join(", "))
    })
}

fn is_at(pattern: &str, path: &str) -> bool {
    let (mut parts, mut wanted) = (path.split('/'), pattern.split('/'));
    loop {
        match (wanted.next(), parts.next()) {
            (None, None) => return true,
            (Some(wanted), Some(part)) if wanted == part || (wanted.starts_with('{') && !part.is_empty()) => {}
            (Some(_) | None, _) => return false,
        }
    }
}

/// What cannot be read as what it must be is sent as it is: the API says what is wrong with it.
fn put(body: &mut Map<String, Value>, member: &Member, text: &str) -> Result<(), String> {
    let name = member.name.to_owned();
    match member.kind {
        Kind::List(kind, _) => match body.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
            Value::Array(items) => items.push(value(*kind, text)),
            _ => return Err(format!("{:?} is given twice", member.name)),
        },
        kind => {
            if body.insert(name, value(kind, text)).is_some() {
                return Err(format!("{:?} is given twice, and is no list", member.name));
            }
        }
    }
    Ok(())
}

fn value(kind: Kind, text: &str) -> Value {
    match kind {
        Kind::Any | Kind::Bool | Kind::Integer(..) | Kind::List(..) | Kind::Object(_) | Kind::OneOf(_) => {
            serde_json::from_str(text).unwrap_or_else(|_| text.into())
        }
        Kind::Amount
        | Kind::Date
        | Kind::Id
        | Kind::Month
        | Kind::Spelt(_)
        | Kind::Text(..)
        | Kind::Time
        | Kind::Word(_) => text.into(),
    }
}

/// Percent-encoded as far as a path or a value in a query needs it (RFC 3986, 2.3).
fn encoded(text: &str, is_path: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'/' | b':' | b'%' if is_path => encoded.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(method: &str, path: &str, words: &[(&str, &str)]) -> Result<AdminRequest, String> {
        let words: Vec<_> = words.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        AdminRequest::new(method, path, &words)
    }

    #[test]
    fn every_word_goes_where_its_route_wants_it() {
        let put = made("put", "/units/u1", &[("name", "12"), ("parent", "r1")]).unwrap();
        assert_eq!((put.method, put.target.as_str()), ("PUT", "/api/v1/units/u1"));
        assert_eq!(put.body.unwrap(), r#"{"name":"12","parent":"r1"}"#);
        let list = made("GET", "api/v1/findings", &[("host", "a.cn"), ("limit", "3")]);
        assert!(list.is_err(), "the prefix is either there with its slash or left out: {list:?}");
        let list = made("GET", "findings", &[("host", "a.cn"), ("limit", "3")]).unwrap();
        assert_eq!((list.target.as_str(), list.body), ("/api/v1/findings?host=a.cn&limit=3", None));
        let lock = made("DELETE", "/locks/p:1", &[("why", "改 了")]).unwrap();
        assert_eq!(lock.target, "/api/v1/locks/p:1?why=%E6%94%B9%20%E4%BA%86");
        let service = made("PUT", "/services/s1", &[("server_ips", "10.0.0.1"), ("server_ips", "10.0.0.2")]).unwrap();
        assert_eq!(service.body.unwrap(), r#"{"server_ips":["10.0.0.1","10.0.0.2"]}"#);
        assert_eq!(made("GET", "/healthz", &[]).unwrap().target, "/healthz");
    }

    #[test]
    fn what_is_not_known_is_said_with_what_is() {
        assert!(made("GET", "/unit", &[]).unwrap_err().contains("did you mean /api/v1/units?"));
        assert!(made("POST", "/units/u1", &[]).unwrap_err().contains("has GET, PUT"));
        assert!(made("PUT", "/units/u1", &[("nmae", "x")]).unwrap_err().contains("did you mean \"name\"?"));
        assert!(made("PUT", "/units/u1", &[("name", "x"), ("name", "y")]).unwrap_err().contains("twice"));
    }

    #[test]
    fn every_route_can_be_asked_for() {
        for route in ROUTES {
            let path = route.path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
            let path = path.collect::<Vec<_>>().join("/");
            assert_eq!(made(route.method.as_str(), &path, &[]).unwrap().target, path);
        }
    }
}

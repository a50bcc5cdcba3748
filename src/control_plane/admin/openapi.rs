//! The OpenAPI 3.1 document, made from [`ROUTES`].

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    Api,
    call::{Call, Reply},
    dispatch::{FIELD_MAX, successes},
    problem::Problem,
    role::{Role, Scope},
    route::{Answer, Operation, Route},
    routes::ROUTES,
    schema::{Kind, Shape, may, must},
};

const DOCUMENT: Shape = Shape { name: "OpenApi", members: &[must("openapi", Kind::Text(1, 10), "3.1.0")] };

const PROBLEM: Shape = Shape {
    name: "Problem",
    members: &[
        must("type", Kind::Text(1, 100), "urn:zhamen:problem: and a word"),
        must("title", Kind::Text(1, 200), "what the word means"),
        must("status", Kind::Integer(400, 599), "the status"),
        must("detail", Kind::Text(0, 100_000), "what is wrong, and what to do"),
        may("errors", Kind::List(&Kind::Object(&FAULT), 100_000), "what is wrong with single members"),
    ],
};

const FAULT: Shape = Shape {
    name: "Fault",
    members: &[
        must("pointer", Kind::Text(0, 10_000), "RFC 6901 for a member of the body, ?name for a parameter"),
        must("detail", Kind::Text(0, 10_000), "what is wrong with it"),
    ],
};

pub(super) const SHOW: Operation = Operation::show("This document", &DOCUMENT, show);

fn show(_api: &Api, _call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(document()))
}

/// The whole document. The same for the same program.
pub(super) fn document() -> Value {
    let mut shapes = BTreeMap::new();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    collect(&PROBLEM, false, &mut shapes);
    for route in ROUTES {
        let method = route.method.as_str().to_ascii_lowercase();
        paths.entry(route.path).or_default().insert(method, operation(route, &mut shapes));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Zhamen admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What is on the record of a hosting datacenter's filtering proxy, and the way to put something there.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "zhm_NAME_SECRET"}},
            "schemas": shapes,
        },
    })
}

fn operation(route: &Route, shapes: &mut BTreeMap<String, Value>) -> Value {
    let operation = &route.operation;
    let mut described = json!({
        "operationId": operation_id(route),
        "summary": operation.summary,
        "tags": [tag(route.path)],
        "x-roles": Role::ALL.into_iter().filter(|role| role.may(route.scope)).map(Role::as_str).collect::<Vec<_>>(),
        "responses": responses(route, shapes),
    });
    let mut parameters: Vec<Value> = Vec::new();
    for name in route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        parameters.push(json!({"name": name, "in": "path", "required": true, "schema": Kind::Id.schema()}));
    }
    for member in operation.query {
        parameters.push(json!({
            "name": member.name, "in": "query", "required": member.required,
            "description": member.about, "schema": member.kind.schema(),
        }));
    }
    let mut header = |name: &str, about: &str| {
        let schema = json!({"type": "string", "minLength": 1, "maxLength": FIELD_MAX, "pattern": "^[!-~]+$"});
        parameters
            .push(json!({"name": name, "in": "header", "required": false, "description": about, "schema": schema}));
    };
    if route.creates() {
        header("Idempotency-Key", "the same key with the same body gets the same answer for 24 hours");
    }
    if operation.tagged && route.changes() {
        header("If-Match", "the ETag of what is changed, or *; needed if it exists");
    }
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(shape) = operation.body {
        collect(shape, true, shapes);
        let schema = json!({"$ref": format!("#/components/schemas/{}", shape.name)});
        described["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": schema}}});
    }
    if route.scope == Scope::Health {
        described["security"] = json!([]);
    }
    described
}

fn responses(route: &Route, shapes: &mut BTreeMap<String, Value>) -> Value {
    let mut responses = Map::new();
    let mut one = |shape: &Shape| {
        collect(shape, false, shapes);
        json!({"$ref": format!("#/components/schemas/{}", shape.name)})
    };
    let content = match route.operation.answer {
        Answer::Created(shape) | Answer::One(shape) | Answer::Put(shape) => {
            json!({"application/json": {"schema": one(shape)}})
        }
        Answer::Page(shape) => {
            let schema = json!({
                "type": "object",
                "required": ["items", "next"],
                "properties": {
                    "items": {"type": "array", "items": one(shape)},
                    "next": {"type": ["string", "null"], "description": "`after` of the next page; null: there is none"},
                },
            });
            json!({"application/json": {"schema": schema}})
        }
        Answer::Raw(media) => media.iter().map(|media| ((*media).to_owned(), json!({}))).collect::<Map<_, _>>().into(),
        Answer::Nothing => Value::Null,
    };
    for status in successes(route.operation.answer) {
        let mut response = json!({"description": match status {
            201 => "Made",
            204 => "Done",
            _ => "As asked",
        }});
        if !content.is_null() {
            response["content"] = content.clone();
        }
        if route.operation.tagged {
            response["headers"] = json!({"ETag": {"schema": {"type": "string"}}});
        }
        responses.insert(status.to_string(), response);
    }
    let problem = json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
    if route.path == "/readyz" {
        let body = json!({"application/json": {"schema": {"type": "object"}}});
        responses.insert("503".into(), json!({"description": "Not ready", "content": body}));
    }
    // Before anything here is asked, hyper answers these itself.
    for (status, about) in [("414", "The path is longer than 65,534 bytes"), ("431", "The head is too large")] {
        responses.insert(status.into(), json!({"description": about}));
    }
    responses.insert("default".into(), json!({"description": "A problem", "content": problem}));
    Value::Object(responses)
}

/// Adds a shape and all that it is made of; those of bodies are closed.
fn collect(shape: &Shape, closed: bool, shapes: &mut BTreeMap<String, Value>) {
    if shapes.contains_key(shape.name) {
        return;
    }
    shapes.insert(shape.name.to_owned(), shape.schema(closed));
    for member in shape.members {
        let mut kind = &member.kind;
        while let Kind::List(inner, _) = kind {
            kind = inner;
        }
        match kind {
            Kind::Object(inner) => collect(inner, closed, shapes),
            Kind::OneOf(all) => all.iter().for_each(|inner| collect(inner, closed, shapes)),
            Kind::Amount
            | Kind::Any
            | Kind::Bool
            | Kind::Date
            | Kind::Id
            | Kind::Integer(..)
            | Kind::List(..)
            | Kind::Month
            | Kind::Spelt(_)
            | Kind::Text(..)
            | Kind::Time
            | Kind::Word(_) => {}
        }
    }
}

fn operation_id(route: &Route) -> String {
    let mut words = vec![route.method.as_str().to_ascii_lowercase()];
    let path = route.path.trim_start_matches("/api/v1").trim_start_matches('/');
    words.extend(path.split('/').map(|part| part.replace('{', "by_").replace(['}'], "").replace(['.', '-'], "_")));
    words.join("_")
}

/// The first part of the path below the version.
fn tag(path: &str) -> &str {
    path.trim_start_matches("/api/v1").trim_start_matches('/').split('/').next().unwrap_or_default()
}

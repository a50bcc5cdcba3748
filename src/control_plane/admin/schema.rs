//! What may stand in a body, a query or an answer: said once, for checking and for the OpenAPI document.

use serde_json::{Map, Value, json};

use super::{problem::Fault, spelling::Spelling};
use crate::{
    base::{Date, Timestamp},
    config::nearest,
    domain::{apportion::Fen, report::Month},
};

/// What a value is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Yuan and cents as a string: `50000.00`.
    Amount,
    /// Whatever JSON there is; in answers only.
    Any,
    /// `true` or `false`.
    Bool,
    /// `YYYY-MM-DD`.
    Date,
    /// 1 to 128 characters without controls and slashes.
    Id,
    /// A whole number between two, both included.
    Integer(i64, i64),
    /// At most so many of one kind.
    List(&'static Kind, usize),
    /// `YYYY-MM`.
    Month,
    /// An object, of one of these shapes by its first member, `type`.
    OneOf(&'static [&'static Shape]),
    /// An object.
    Object(&'static Shape),
    /// A text with a way of writing of its own.
    Spelt(&'static Spelling),
    /// So many to so many characters.
    Text(usize, usize),
    /// RFC 3339.
    Time,
    /// One of these.
    Word(&'static [&'static str]),
}

/// The members of an object.
pub(super) struct Shape {
    /// Its name in the OpenAPI document.
    pub(super) name: &'static str,
    /// Its members; in a body nothing else may stand.
    pub(super) members: &'static [Member],
}

/// A member of an object, or a parameter of a query.
#[derive(Clone, Copy)]
pub(super) struct Member {
    /// Its name.
    pub(super) name: &'static str,
    /// What it is.
    pub(super) kind: Kind,
    /// Whether it must be there; if not, `null` is the same as nothing.
    pub(super) required: bool,
    /// What it means.
    pub(super) about: &'static str,
}

/// A few words.
pub(super) const TEXT: Kind = Kind::Text(0, 4_000);
/// A few words that must be said.
pub(super) const REASON: Kind = Kind::Text(1, 4_000);

/// A member that must be there.
pub(super) const fn must(name: &'static str, kind: Kind, about: &'static str) -> Member {
    Member { name, kind, required: true, about }
}

/// A member that may be left out.
pub(super) const fn may(name: &'static str, kind: Kind, about: &'static str) -> Member {
    Member { name, kind, required: false, about }
}

impl Shape {
    /// Checks a body and returns its members without those that are `null`.
    pub(super) fn read(&self, body: Value) -> Result<Map<String, Value>, Vec<Fault>> {
        let mut faults = Vec::new();
        self.check(&body, "", &mut faults);
        match body {
            Value::Object(mut members) if faults.is_empty() => {
                members.retain(|_, value| !value.is_null());
                members.values_mut().for_each(write_whole_numbers);
                Ok(members)
            }
            _ => Err(faults),
        }
    }

    fn check(&self, value: &Value, at: &str, faults: &mut Vec<Fault>) {
        let Value::Object(members) = value else {
            faults.push(Fault::new(at, format!("must be an object, not {}", article(value))));
            return;
        };
        for name in members.keys() {
            if !self.members.iter().any(|member| member.name == name) {
                faults.push(Fault::new(&pointer(at, name), unknown("member", name, self.members)));
            }
        }
        for member in self.members {
            let at = pointer(at, member.name);
            match members.get(member.name) {
                None if member.required => faults.push(Fault::new(&at, "is missing")),
                None => {}
                Some(Value::Null) if !member.required => {}
                Some(value) => member.kind.check(value, &at, faults),
            }
        }
    }

    /// The only word that its first member may be.
    fn word(&self) -> Option<&'static str> {
        let Kind::Word([word]) = self.members.first()?.kind else { return None };
        Some(word)
    }

    fn is_named(&self, value: &Value) -> bool {
        self.word().is_some_and(|word| value.get("type").and_then(Value::as_str) == Some(word))
    }

    /// The JSON Schema; in a body nothing else may stand beside the members.
    pub(super) fn schema(&self, closed: bool) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for member in self.members {
            let mut schema = member.kind.schema();
            if member.required {
                required.push(member.name);
            } else {
                schema = nullable(schema);
            }
            schema["description"] = member.about.into();
            properties.insert(member.name.to_owned(), schema);
        }
        let mut schema = json!({"type": "object", "properties": properties});
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if closed {
            schema["additionalProperties"] = false.into();
        }
        schema
    }
}

impl Kind {
    /// Reads a value that was written as plain text, in a query or a path.
    pub(super) fn check_text(&self, text: &str, at: &str, faults: &mut Vec<Fault>) {
        let value = match self {
            Self::Bool => text.parse::<bool>().map_or_else(|_| text.into(), Value::from),
            Self::Integer(..) => {
                // As JSON writes it: no sign, no zeros before it.
                let number = text.parse::<i64>().ok().filter(|number| number.to_string() == text);
                number.map_or_else(|| text.into(), Value::from)
            }
            Self::Amount
            | Self::Any
            | Self::Date
            | Self::Id
            | Self::List(..)
            | Self::Month
            | Self::Object(_)
            | Self::OneOf(_)
            | Self::Spelt(_)
            | Self::Text(..)
            | Self::Time
            | Self::Word(_) => text.into(),
        };
        self.check(&value, at, faults);
    }

    fn check(&self, value: &Value, at: &str, faults: &mut Vec<Fault>) {
        let wrong = |wanted: &str| Fault::new(at, format!("must be {wanted}, not {}", article(value)));
        let text = |wanted: &str| value.as_str().ok_or_else(|| wrong(wanted));
        let found = match self {
            Self::Amount => text("an amount as a string").and_then(|text| {
                said(at, text.parse::<Fen>())?;
                // So many digits always fit.
                match text.split('.').next().is_some_and(|yuan| yuan.len() <= 17) {
                    true => Ok(()),
                    false => Err(Fault::new(at, "is more than there is")),
                }
            }),
            Self::Any => Ok(()),
            Self::Bool => value.as_bool().map(drop).ok_or_else(|| wrong("true or false")),
            Self::Date => text("a date as a string").and_then(|text| said(at, text.parse::<Date>())),
            Self::Time => text("a time as a string").and_then(|text| said(at, text.parse::<Timestamp>())),
            Self::Month => text("a month as a string").and_then(|text| said(at, text.parse::<Month>())),
            Self::Id => text("a string").and_then(|text| {
                let odd = text.chars().any(|c| c.is_control() || c == '/');
                if odd || text.is_empty() || text.chars().count() > 128 {
                    return Err(Fault::new(at, "must be 1 to 128 characters without slashes and control characters"));
                }
                Ok(())
            }),
            Self::Text(least, most) => text("a string").and_then(|text| {
                if (*least..=*most).contains(&text.chars().count()) {
                    return Ok(());
                }
                Err(Fault::new(at, format!("must have {least} to {most} characters")))
            }),
            Self::Integer(least, most) => match integer(value) {
                Some(number) if (*least..=*most).contains(&number) => Ok(()),
                Some(_) => Err(Fault::new(at, format!("must be {least} to {most}"))),
                None => Err(wrong("a whole number")),
            },
            Self::Spelt(spelling) => text("a string").and_then(|text| match (spelling.read)(text) {
                Ok(()) => Ok(()),
                Err(why) => Err(Fault::new(at, why)),
            }),
            Self::Word(words) => text("a string").and_then(|text| {
                if words.contains(&text) {
                    return Ok(());
                }
                Err(Fault::new(at, format!("must be one of {}, not {text:?}", words.join(", "))))
            }),
            Self::List(kind, most) => match value {
                Value::Array(items) if items.len() <= *most => {
                    for (index, item) in items.iter().enumerate() {
                        kind.check(item, &format!("{at}/{index}"), faults);
                    }
                    Ok(())
                }
                Value::Array(_) => Err(Fault::new(at, format!("must have at most {most} items"))),
                _ => Err(wrong("a list")),
            },
            Self::Object(shape) => {
                shape.check(value, at, faults);
                Ok(())
            }
            Self::OneOf(shapes) => match shapes.iter().find(|shape| shape.is_named(value)) {
                Some(shape) => {
                    shape.check(value, at, faults);
                    Ok(())
                }
                None => {
                    let words: Vec<&str> = shapes.iter().filter_map(|shape| shape.word()).collect();
                    Err(Fault::new(&pointer(at, "type"), format!("must be one of {}", words.join(", "))))
                }
            },
        };
        faults.extend(found.err());
    }

    /// The JSON Schema.
    pub(super) fn schema(&self) -> Value {
        match self {
            Self::Amount => json!({"type": "string", "pattern": "^[0-9]{1,17}([.][0-9]{1,2})?$"}),
            Self::Any => json!({}),
            Self::Bool => json!({"type": "boolean"}),
            Self::Date => json!({"type": "string", "format": "date"}),
            Self::Id => json!({"type": "string", "pattern": "^[^/\\x00-\\x1f\\x7f-\\x9f]{1,128}$"}),
            Self::Integer(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
            Self::List(kind, most) => json!({"type": "array", "items": kind.schema(), "maxItems": most}),
            Self::Month => json!({"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"}),
            Self::OneOf(shapes) => {
                let of = |shape: &&Shape| json!({"$ref": format!("#/components/schemas/{}", shape.name)});
                json!({"oneOf": shapes.iter().map(of).collect::<Vec<_>>()})
            }
            Self::Object(shape) => json!({"$ref": format!("#/components/schemas/{}", shape.name)}),
            Self::Spelt(spelling) => {
                let mut schema = json!({"type": "string", "maxLength": 2_000, "pattern": (spelling.pattern)()});
                if let Some(format) = spelling.format {
                    schema["format"] = format.into();
                }
                schema
            }
            Self::Text(least, most) => json!({"type": "string", "minLength": least, "maxLength": most}),
            Self::Time => json!({"type": "string", "format": "date-time"}),
            Self::Word(words) => json!({"type": "string", "enum": words}),
        }
    }
}

/// What to say of a name that is not known.
pub(super) fn unknown(what: &str, name: &str, known: &[Member]) -> String {
    let names = known.iter().map(|member| member.name);
    let help = match nearest(name, names.clone()) {
        Some(meant) => format!("did you mean {meant:?}?"),
        None if known.is_empty() => "there is none here".to_owned(),
        None => format!("known here: {}", names.collect::<Vec<_>>().join(", ")),
    };
    format!("is no known {what}; {help}")
}

fn said<T, E: std::fmt::Display>(at: &str, read: Result<T, E>) -> Result<(), Fault> {
    read.map(drop).map_err(|error| Fault::new(at, error.to_string()))
}

/// No member of a body has a fraction, so that 535.0 is 535 to whoever reads on.
fn write_whole_numbers(value: &mut Value) {
    match value {
        Value::Number(_) => {
            if let Some(whole) = integer(value) {
                *value = whole.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(write_whole_numbers),
        Value::Object(members) => members.values_mut().for_each(write_whole_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// A whole number, however it is written: JSON does not tell 1 from 1.0.
fn integer(value: &Value) -> Option<i64> {
    let whole = |number: &f64| number.fract() == 0.0 && number.abs() < 9e15;
    value.as_i64().or_else(|| value.as_f64().filter(whole).map(|number| number as i64))
}

fn nullable(mut schema: Value) -> Value {
    if schema.get("type").is_some() {
        let kind = schema["type"].take();
        schema["type"] = json!([kind, "null"]);
        if let Some(Value::Array(words)) = schema.get_mut("enum") {
            words.push(Value::Null);
        }
        return schema;
    }
    if schema.get("$ref").is_some() { json!({"anyOf": [schema, {"type": "null"}]}) } else { schema }
}

/// RFC 6901.
fn pointer(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn article(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::control_plane::admin::spelling::HOST;

    const INNER: Shape = Shape { name: "Inner", members: &[must("a/b", Kind::Bool, "")] };
    const SHAPE: Shape = Shape {
        name: "Shape",
        members: &[
            must("unit", Kind::Id, ""),
            may("kind", Kind::Word(&["server", "virtual_host"]), ""),
            may("count", Kind::Integer(1, 9), ""),
            may("list", Kind::List(&Kind::Object(&INNER), 2), ""),
            may("at", Kind::Time, ""),
            may("host", Kind::Spelt(&HOST), ""),
        ],
    };

    fn faults(body: Value) -> Vec<(String, String)> {
        let found = SHAPE.read(body).err().unwrap_or_default();
        found.into_iter().map(|fault| (fault.pointer, fault.detail)).collect()
    }

    #[test]
    fn what_is_good_arrives_without_its_nulls() {
        let read = SHAPE.read(json!({"unit": "u1", "kind": null, "count": 3.0, "host": "例子.cn"})).unwrap();
        assert_eq!(Value::Object(read), json!({"unit": "u1", "count": 3, "host": "例子.cn"}));
    }

    #[test]
    fn every_fault_is_named_at_its_place() {
        let found = faults(json!({
            "kidn": 1, "kind": "serve", "count": 10, "list": [{"a/b": 1}, {}], "at": "yesterday", "host": "a b",
        }));
        let places: Vec<&str> = found.iter().map(|(at, _)| at.as_str()).collect();
        assert_eq!(places, ["/kidn", "/unit", "/kind", "/count", "/list/0/a~1b", "/list/1/a~1b", "/at", "/host"]);
        assert!(found[0].1.contains("\"kind\""), "{found:?}");
        assert_eq!(faults(json!([]))[0].1, "must be an object, not a list");
    }

    proptest! {
        #[test]
        fn any_member_is_answered(name in ".{0,8}", text in ".{0,8}", number: i64) {
            let _ = SHAPE.read(json!({"unit": text, name: number, "at": text, "host": text}));
        }
    }
}

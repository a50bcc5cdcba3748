//! The reference for editors: JSON Schema, draft 2020-12.

use serde_json::{Map, Value, json};

use super::{Key, Kind, Reference};

/// `${NAME}` anywhere in a string is replaced before it is read.
const VARIABLE: &str = r"\$\{";
const DURATION: &str = r"^\s*[0-9]+ *(ms|s|m|h|d)$";
const SIZE: &str = r"^\s*[0-9]+ *(B|KiB|MiB|GiB|TiB|kB|MB|GB|TB)?$";

impl Reference {
    /// The schema of zhamen.toml.
    pub fn schema(&self) -> Value {
        let mut root = object();
        for key in &self.keys {
            let parts: Vec<&str> = key.name.split('.').collect();
            insert(&mut root, &parts, schema_of(key));
        }
        for (section, comment) in self.sections.iter().filter(|(_, comment)| !comment.is_empty()) {
            if let Some(table) = find(&mut root, section) {
                table.insert("description".to_owned(), json!(comment));
            }
        }
        root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        root["title"] = json!("zhamen.toml");
        root
    }
}

fn object() -> Value {
    json!({"type": "object", "additionalProperties": false})
}

/// Puts a key's schema at its place; tables on the way are made.
fn insert(table: &mut Value, parts: &[&str], schema: Value) {
    let Some((first, rest)) = parts.split_first() else { return };
    let place = match *first {
        "*" => &mut table["additionalProperties"],
        name => {
            if table.get("properties").is_none() {
                table["properties"] = Value::Object(Map::new());
            }
            &mut table["properties"][name]
        }
    };
    if rest.is_empty() {
        *place = schema;
        return;
    }
    if !place.is_object() {
        *place = object();
    }
    insert(place, rest, schema);
}

fn find<'t>(root: &'t mut Value, section: &str) -> Option<&'t mut Map<String, Value>> {
    let mut table = root;
    for part in section.split('.') {
        table = table.get_mut("properties")?.get_mut(part)?;
    }
    table.as_object_mut()
}

fn schema_of(key: &Key) -> Value {
    let variable = json!({"type": "string", "pattern": VARIABLE});
    let mut schema = match &key.kind {
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Duration(_) => json!({"anyOf": [{"type": "string", "pattern": DURATION}, variable]}),
        Kind::Number(range) => json!({"type": "integer", "minimum": range.start(), "maximum": range.end()}),
        Kind::Size(range) => json!({"anyOf": [
            {"type": "integer", "minimum": range.start(), "maximum": range.end()},
            {"type": "string", "pattern": SIZE},
            variable,
        ]}),
        Kind::Table => json!({"type": "object"}),
        Kind::Text => json!({"type": "string"}),
        Kind::Texts => json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
        Kind::Word(words) => json!({"anyOf": [{"enum": words}, variable]}),
        Kind::Words(words) => {
            let word = json!({"anyOf": [{"enum": words}, variable]});
            json!({"anyOf": [word, {"type": "array", "items": word}]})
        }
    };
    let change = if key.reloadable { "" } else { " Takes effect after a restart." };
    let takes = key.takes();
    let effect = if key.effect.is_empty() { String::new() } else { format!("{}. ", key.effect) };
    schema["description"] = json!(format!("{effect}Takes: {takes}.{change}"));
    if let Ok(default) = format!("default = {}", key.default).parse::<toml::Table>() {
        schema["default"] = json!(default["default"]);
    }
    schema
}

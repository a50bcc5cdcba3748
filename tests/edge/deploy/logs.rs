//! What log shippers are told of the access log, held against real lines.

use std::collections::BTreeMap;

use serde_json::Value;

use super::text;
use crate::harness::{Origin, PHRASE, Setup, get, page_of, page_with};

/// Real lines of every kind: forwarded, refused, blocked, broken, not read.
fn lines() -> Vec<Value> {
    let clean = Origin::page(page_of(3_000));
    let bad = Origin::page(page_with(PHRASE, 300));
    let picture = Origin::of_type("image/png", "????");
    let zhamen = Setup::new()
        .site("clean.example.cn", clean.address())
        .site("bad.example.cn", bad.address())
        .site("picture.example.cn", picture.address())
        .site("gone.example.cn", "127.0.0.1:1".parse().unwrap())
        .run();
    for host in ["clean", "clean", "bad", "picture", "gone", "nobody"] {
        get(zhamen.http, &format!("{host}.example.cn"), &format!("/{host}"));
    }
    for host in ["clean", "bad", "picture", "gone", "nobody"] {
        zhamen.logged(&format!("/{host}"));
    }
    zhamen.log()
}

#[test]
fn real_lines_have_the_fields_that_are_documented_and_no_others() {
    let table = text("deploy/logs/fields.tsv");
    let rows = table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect::<Vec<_>>());
    let fields: BTreeMap<&str, (&str, &str)> = rows.map(|row| (row[0], (row[1], row[2]))).collect();
    let lines = lines();
    for line in &lines {
        let line = line.as_object().unwrap();
        for (name, value) in line {
            let (kind, _) = fields.get(&**name).unwrap_or_else(|| panic!("fields.tsv does not have {name}"));
            assert_eq!(kind_of(value), *kind, "{name}");
        }
        for (name, _) in fields.iter().filter(|(_, (_, when))| *when == "always") {
            assert!(line.contains_key(*name), "no {name} in {line:?}");
        }
    }
    for name in fields.keys() {
        assert!(lines.iter().any(|line| line.get(*name).is_some()), "{name} was never seen");
    }
}

#[test]
fn what_vector_and_fluent_bit_are_told_holds_of_real_lines() {
    let lines = lines();
    let vector = text("deploy/logs/vector.yaml");
    // Fields that the program takes apart or asks: each is there in the lines.
    let program = vector.split("source: |").nth(1).unwrap().split("\n  #").next().unwrap();
    let taken = program.split("del(.").skip(1).map(|rest| rest.split(')').next().unwrap());
    let asked = program.split(" .").skip(1).map(|rest| rest.split([' ', '\n']).next().unwrap()).filter(|name| {
        !["timestamp", "duration_seconds", "origin_seconds", "scan_seconds", "service", "blocked", ""].contains(name)
    });
    let mut named = 0;
    for path in taken.chain(asked) {
        let pointer = format!("/{}", path.replace('.', "/"));
        assert!(lines.iter().any(|line| line.pointer(&pointer).is_some()), "vector.yaml asks for {path}");
        named += 1;
    }
    assert!(named >= 6, "{named}");
    // %Y-%m-%dT%H:%M:%S.%LZ of Fluent Bit, %+ (RFC 3339) of Vector.
    let parsers = text("deploy/logs/fluent-bit-parsers.conf");
    assert!(parsers.contains("%Y-%m-%dT%H:%M:%S.%LZ") && parsers.contains("Time_Key     time"));
    let shape = regex_automata::meta::Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$").unwrap();
    for line in &lines {
        assert!(shape.is_match(line["time"].as_str().unwrap()), "{}", line["time"]);
        assert!(line["seconds"].as_object().unwrap().values().all(Value::is_number), "{}", line["seconds"]);
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

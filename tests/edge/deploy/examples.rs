//! Configurations for three sizes, and what editors are told of zhamen.toml.

use std::{fs, path::Path};

use regex_automata::meta::Regex;
use serde_json::Value;

use ::zhamen::config::{AccessTarget, Config};

use super::{files, repository, text};
use crate::harness::zhamen;

/// What the examples take from the environment.
const ENVIRONMENT: [(&str, &str); 2] = [("ZHAMEN_REGISTRY_TOKEN", "secret"), ("ZHAMEN_OPERATOR", "某某机房")];

fn examples() -> Vec<String> {
    let mut found: Vec<String> = files("deploy").into_iter().filter(|file| file.ends_with(".toml")).collect();
    found.push("src/config/reference.toml".to_owned());
    found
}

#[test]
fn every_example_is_accepted_by_check() {
    let names = examples();
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        let dir = tempfile::tempdir().unwrap();
        // As installed: absolute paths lead below the directory, certificates are made.
        let mut configuration = text(&name);
        for absolute in ["/var/lib/zhamen", "/var/log/zhamen", "/data", "/certs"] {
            configuration =
                configuration.replace(&format!("\"{absolute}"), &format!("\"{}{absolute}", dir.path().display()));
            configuration = configuration
                .replace(&format!("sqlite:{absolute}"), &format!("sqlite:{}{absolute}", dir.path().display()));
        }
        configuration = configuration.replace("\"/rules\"", "\"rules\"");
        fs::write(dir.path().join("zhamen.toml"), &configuration).unwrap();
        fs::write(
            dir.path().join("sites.csv"),
            "host,origin,unit,service,kind,icp\nexample.cn,http://127.0.0.1:8000,u1,s1,server,蜀ICP备12345678号\n",
        )
        .unwrap();
        for directory in ["rules", "certs", "admin", "var/lib/zhamen", "var/log/zhamen", "data"] {
            fs::create_dir_all(dir.path().join(directory)).unwrap();
        }
        for pack in files("rules") {
            fs::copy(repository(&pack), dir.path().join(&pack)).unwrap();
        }
        let arguments = ["check", "--json", "--config", "zhamen.toml"];
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_zhamen"))
            .args(arguments)
            .current_dir(dir.path())
            .envs(ENVIRONMENT)
            .output()
            .unwrap();
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        println!("{name}: {} errors, {} warnings", said["errors"], said["warnings"]);
        assert_eq!(said["errors"], 0, "{name}: {said:#}");
    }
}

#[test]
fn nothing_is_written_beside_the_configuration_of_a_package() {
    let (etc, written) = (Path::new("/etc/zhamen/zhamen.toml"), ["/var/lib/zhamen", "/var/log/zhamen"]);
    let names: Vec<String> = examples().into_iter().filter(|name| name.starts_with("deploy/examples/")).collect();
    assert!(names.len() >= 4, "{names:?}");
    let rotated = text("deploy/logs/logrotate");
    let is_given = |name: &str| Some(ENVIRONMENT.iter().find(|(known, _)| *known == name)?.1.to_owned());
    for name in names {
        let parsed = Config::parse(etc, &text(&name), &is_given);
        let config = parsed.config.unwrap_or_else(|| panic!("{name}: {:?}", parsed.problems));
        let AccessTarget::File(log) = config.log.access else { panic!("{name} keeps no access log") };
        assert!(rotated.contains(&format!("\n{} {{", log.display())), "{name}: logrotate does not rotate {log:?}");
        let mut paths = vec![config.store.database, config.store.directory, log];
        paths.extend(config.process.upgrade_socket);
        for path in paths {
            assert!(written.iter().any(|place| path.starts_with(place)), "{name}: {path:?} cannot be written");
        }
    }
}

#[test]
fn the_schema_that_is_shipped_is_the_binarys() {
    let dir = tempfile::tempdir().unwrap();
    let run = zhamen(dir.path(), &["config", "schema"], b"");
    assert_eq!(run.status, 0, "{}", run.err);
    let shipped = text("deploy/zhamen.schema.json");
    assert!(run.out == shipped, "zhamen config schema > deploy/zhamen.schema.json");
}

#[test]
fn the_schema_takes_the_examples_and_complains_of_slips() {
    let schema: Value = serde_json::from_str(&text("deploy/zhamen.schema.json")).unwrap();
    for name in examples() {
        let value: toml::Table = text(&name).parse().unwrap();
        let complaints = validate(&schema, &serde_json::to_value(value).unwrap(), "");
        assert!(complaints.is_empty(), "{name}: {complaints:?}");
    }
    for slip in [
        "[scan]\nholt = \"64KiB\"",
        "[scan]\nhold = \"64 kilobytes\"",
        "[scan]\nmax_ratio = 0",
        "[log]\nformat = \"xml\"",
        "[ledger]\nstrikes = [\"notices\"]",
        "[timeouts]\nconnect = 5",
        "[nonsense]\n",
        "[incident.rules.mine]\nlock = \"all\"",
    ] {
        let value: toml::Table = slip.parse().unwrap();
        assert!(!validate(&schema, &serde_json::to_value(value).unwrap(), "").is_empty(), "{slip}");
    }
}

#[test]
fn the_reference_and_the_manual_pages_are_printed() {
    let dir = tempfile::tempdir().unwrap();
    let reference = zhamen(dir.path(), &["config", "reference"], b"");
    assert!(reference.out.contains("| `hold_time` |") && reference.out.contains("| restart |"), "{}", reference.out);
    let run = zhamen(dir.path(), &["man", "--dir", "man"], b"");
    assert_eq!(run.status, 0, "{}", run.err);
    for page in ["zhamen.1", "zhamen-run.1", "zhamen-rules-convert.1", "zhamen.toml.5"] {
        let page =
            fs::read_to_string(dir.path().join("man").join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(page.contains(".TH"), "{page}");
    }
    assert!(zhamen(dir.path(), &["man"], b"").out.contains(".TH zhamen 1"));
}

/// What a value breaks of a schema; knows the words that our schema uses.
fn validate(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(options) = schema["anyOf"].as_array() {
        if !options.iter().any(|option| validate(option, value, at).is_empty()) {
            found.push(format!("{at}: {value} is none of what it may be"));
        }
        return found;
    }
    if let Some(words) = schema["enum"].as_array() {
        if !words.contains(value) {
            found.push(format!("{at}: {value}"));
        }
        return found;
    }
    let is_type = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        other => panic!("{at}: type {other:?}"),
    };
    if !is_type {
        return vec![format!("{at}: {value} is no {}", schema["type"])];
    }
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && !Regex::new(pattern).unwrap().is_match(text)
    {
        found.push(format!("{at}: {text:?} is not {pattern}"));
    }
    if let (Some(least), Some(most), Some(number)) =
        (schema["minimum"].as_u64(), schema["maximum"].as_u64(), value.as_i64())
        && !u64::try_from(number).is_ok_and(|number| (least..=most).contains(&number))
    {
        found.push(format!("{at}: {number} is not {least} to {most}"));
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{key}");
        match (schema["properties"].get(key), &schema["additionalProperties"]) {
            (Some(schema), _) => found.extend(validate(schema, inner, &at)),
            (None, Value::Bool(false)) => found.push(format!("{at}: no such key")),
            (None, schema @ Value::Object(_)) => found.extend(validate(schema, inner, &at)),
            (None, _) => {}
        }
    }
    for inner in value.as_array().into_iter().flatten() {
        found.extend(validate(&schema["items"], inner, at));
    }
    found
}

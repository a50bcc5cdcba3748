//! The rules: what is in force, and what is to be said of the packs on the disk.

use serde_json::{Value, json};

use super::{
    Api,
    call::{Call, Reply},
    problem::{Problem, Word},
    route::Operation,
    schema::{Kind, Shape, must},
};
use crate::{
    base::{self, Severity},
    control_plane::files::RuleFiles,
};

const COUNT: Kind = Kind::Integer(0, i64::MAX);
const TEXT: Kind = Kind::Text(0, 100_000);

const RULES: Shape = Shape {
    name: "Rules",
    members: &[
        must("generation", COUNT, "of what is in force"),
        must("fingerprint", TEXT, "of what was compiled"),
        must("rules", COUNT, "how many"),
        must("phrases", COUNT, "how many"),
        must("categories", Kind::List(&Kind::Object(&CATEGORY), 10_000), "the packs"),
    ],
};
const CATEGORY: Shape = Shape {
    name: "Category",
    members: &[
        must("id", TEXT, "its id"),
        must("title", TEXT, "its title"),
        must("class", TEXT, "what the ledger counts it as"),
        must("action", TEXT, "what happens at its threshold"),
    ],
};
const LINT: Shape = Shape {
    name: "RulesLint",
    members: &[
        must("errors", COUNT, "with one of them the packs would not be applied"),
        must("warnings", COUNT, "what is probably not meant"),
        must("problems", Kind::List(&Kind::Object(&COMPLAINT), 1_000_000), "each at its place"),
    ],
};
const COMPLAINT: Shape = Shape {
    name: "Complaint",
    members: &[
        must("path", TEXT, "the file"),
        must("line", COUNT, "1-based; 0: the whole file"),
        must("column", COUNT, "1-based; 0: the whole line"),
        must("severity", Kind::Word(&["error", "warning"]), "how bad it is"),
        must("message", TEXT, "what is wrong"),
        must("help", TEXT, "what to do; may be empty"),
    ],
};
const TEST: Shape = Shape {
    name: "RulesTest",
    members: &[
        must("packs", COUNT, "how many"),
        must("examples", COUNT, "how many"),
        must("failed", COUNT, "how many do not behave"),
        must("failures", Kind::List(&Kind::Object(&COMPLAINT), 1_000_000), "each at its place"),
    ],
};

pub(super) const SHOW: Operation = Operation::show("The rules in force", &RULES, show);
pub(super) const LINT_SHOW: Operation =
    Operation::show("What is wrong with the packs on the disk, and what is probably not meant", &LINT, lint);
pub(super) const TEST_SHOW: Operation =
    Operation::show("Every hit and pass example of the packs on the disk", &TEST, test);

fn show(api: &Api, _call: &Call) -> Result<Reply, Problem> {
    let snapshot = api.snapshot.load();
    let rules = &snapshot.rules;
    let categories = rules.categories().map(|(id, class, action)| {
        json!({
            "id": &**id,
            "title": rules.category_title(id).unwrap_or_default(),
            "class": class,
            "action": action.to_string(),
        })
    });
    Ok(Reply::json(json!({
        "generation": snapshot.generation,
        "fingerprint": super::secret::hex(rules.fingerprint()),
        "rules": rules.rules(),
        "phrases": rules.phrases(),
        "categories": categories.collect::<Vec<_>>(),
    })))
}

fn lint(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let found = match RuleFiles::read(&(api.rules_dir)()) {
        Ok(files) => files.lint(call.now.local_date()),
        Err(found) => found,
    };
    let errors = found.iter().filter(|problem| problem.severity == Severity::Error).count();
    Ok(Reply::json(json!({
        "errors": errors,
        "warnings": found.len() - errors,
        "problems": found.iter().map(complaint).collect::<Vec<_>>(),
    })))
}

fn test(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let compiled = RuleFiles::read(&(api.rules_dir)()).and_then(|files| files.compile(call.now.local_date()));
    let compiled = compiled.map_err(|_| {
        Problem::new(Word::Conflict, "the packs on the disk cannot be used; /api/v1/rules/lint says why")
    })?;
    let outcomes = compiled.run_examples(&api.snapshot.load().scan);
    let failures: Vec<Value> = outcomes.iter().filter_map(|outcome| Some(complaint(&outcome.problem()?))).collect();
    Ok(Reply::json(json!({
        "packs": compiled.packs.len(),
        "examples": outcomes.len(),
        "failed": failures.len(),
        "failures": failures,
    })))
}

fn complaint(problem: &base::Problem) -> Value {
    json!({
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "severity": match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "message": problem.message,
        "help": problem.help,
    })
}

//! Problems, for people and for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Exit, table::printable};
use crate::base::{Problem, Severity};

/// Writes each problem on a line of its own, errors and warnings as they stand in the files.
pub(super) fn write(problems: &[Problem], out: &mut dyn Write) -> io::Result<()> {
    for problem in problems {
        writeln!(out, "{}", printable(&problem.to_string()))?;
    }
    Ok(())
}

pub(super) fn to_json(problem: &Problem) -> Value {
    json!({
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "severity": match problem.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        },
        "message": problem.message,
        "help": problem.help,
    })
}

pub(super) fn all_to_json(problems: &[Problem]) -> Vec<Value> {
    problems.iter().map(to_json).collect()
}

/// Errors and warnings.
pub(super) fn count(problems: &[Problem]) -> (usize, usize) {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    (errors, problems.len() - errors)
}

/// Says on standard error why a command cannot go on.
pub(super) fn give_up(problems: &[Problem]) -> io::Result<Exit> {
    write(problems, &mut io::stderr().lock())?;
    Ok(Exit::Error)
}

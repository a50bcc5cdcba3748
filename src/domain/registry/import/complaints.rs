//! The problems of one file, as many as a person will read.

use crate::base::Problem;

/// Errors kept; with the warnings, a word on the whole file and the count of the rest this makes 1,000.
const ERRORS_MAX: usize = 798;
/// Warnings kept: a column that is odd in every row must not hide the errors.
const WARNINGS_MAX: usize = 200;

/// Collects problems.
pub(super) struct Complaints {
    path: String,
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
    refusal: Option<Problem>,
    more: usize,
}

impl Complaints {
    pub(super) fn new(path: &str) -> Self {
        Self { path: path.into(), errors: Vec::new(), warnings: Vec::new(), refusal: None, more: 0 }
    }

    /// A row is not applied.
    pub(super) fn error(&mut self, line: u32, column: u32, message: &str, help: &str) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(Problem::error(&self.path, line, column, message).help(help));
        } else {
            self.more += 1;
        }
    }

    /// Something is odd, and applied.
    pub(super) fn warn(&mut self, line: u32, column: u32, message: &str, help: &str) {
        if self.warnings.len() < WARNINGS_MAX {
            self.warnings.push(Problem::warning(&self.path, line, column, message).help(help));
        } else {
            self.more += 1;
        }
    }

    /// The file as a whole is not applied.
    pub(super) fn refuse(&mut self, line: u32, column: u32, message: &str, help: &str) {
        self.refusal = Some(Problem::error(&self.path, line, column, message).help(help));
    }

    /// By line and column; then why the file is refused, if it is; then how many more there are.
    pub(super) fn finish(self) -> Vec<Problem> {
        let mut problems = self.errors;
        problems.extend(self.warnings);
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems.extend(self.refusal);
        if self.more > 0 {
            problems.push(Problem::error(&self.path, 0, 0, format!("{} more problems are not shown", self.more)));
        }
        problems
    }
}

//! The problems of one file, as many as a person will read.

use crate::base::Problem;

/// Errors kept; with the warnings, a word on the whole file and the count of the rest this makes 1,000.
const ERRORS_MAX: usize = 798;
/// Warnings kept: a column that is odd in every row must not hide the errors.
const WARNINGS_MAX: usize = 200;

/// Collects problems.
pub struct Complaints {
    path: String,
    /// Whether columns have letters, as in a workbook.
    lettered: bool,
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
    refusal: Option<Problem>,
    more: usize,
}

impl Complaints {
    /// Of a file, by the name that people know; `lettered`: its columns have letters, as in a workbook.
    pub fn new(path: &str, lettered: bool) -> Self {
        Self { path: path.into(), lettered, errors: Vec::new(), warnings: Vec::new(), refusal: None, more: 0 }
    }

    /// A row is not applied.
    pub fn error(&mut self, line: u32, column: u32, message: &str, help: &str) {
        if self.errors.len() < ERRORS_MAX {
            let message = self.named(line, column, message);
            self.errors.push(Problem::error(&self.path, line, column, message).help(help));
        } else {
            self.more += 1;
        }
    }

    /// Something is odd, and applied.
    pub fn warn(&mut self, line: u32, column: u32, message: &str, help: &str) {
        if self.warnings.len() < WARNINGS_MAX {
            let message = self.named(line, column, message);
            self.warnings.push(Problem::warning(&self.path, line, column, message).help(help));
        } else {
            self.more += 1;
        }
    }

    /// The file as a whole is not applied.
    pub fn refuse(&mut self, line: u32, column: u32, message: &str, help: &str) {
        let message = self.named(line, column, message);
        self.refusal = Some(Problem::error(&self.path, line, column, message).help(help));
    }

    /// The message, with the cell as Excel names it.
    fn named(&self, line: u32, column: u32, message: &str) -> String {
        match self.lettered && line > 0 && column > 0 {
            true => format!("cell {}{line}: {message}", column_letters(column)),
            false => message.to_owned(),
        }
    }

    /// By line and column; then why the file is refused, if it is; then how many more there are.
    pub fn finish(self) -> Vec<Problem> {
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

/// The letters of a 1-based column: A, …, Z, AA, ….
fn column_letters(column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = column;
    while rest > 0 {
        letters.push(char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::column_letters;

    #[test]
    fn columns_have_letters() {
        assert_eq!([1, 26, 27, 52, 53, 702, 703].map(column_letters), ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}

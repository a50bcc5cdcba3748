//! What is wrong with something that a person wrote, and where.

use std::fmt;

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth a look; everything is applied all the same.
    Warning,
    /// The thing at this place is not applied.
    Error,
}

/// One complaint about one place in a file that a person wrote: a rule pack, a registry, a
/// configuration. Says what is wrong and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the operator named it.
    pub path: String,
    /// 1-based line; 0 where the whole file is meant.
    pub line: u32,
    /// 1-based column in characters; 0 where the whole line is meant.
    pub column: u32,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub help: String,
}

impl Problem {
    /// An error at a place.
    pub fn error(path: &str, line: u32, column: u32, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line,
            column,
            severity: Severity::Error,
            message: message.into(),
            help: String::new(),
        }
    }

    /// A warning at a place.
    pub fn warning(path: &str, line: u32, column: u32, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(path, line, column, message) }
    }

    /// The same problem with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// The 1-based line and column (in characters) of a byte offset in a text.
    pub fn place(text: &str, offset: usize) -> (u32, u32) {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, ": {severity}: {}", self.message)?;
        if !self.help.is_empty() {
            write!(f, " (help: {})", self.help)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Problem;

    #[test]
    fn places_count_characters_and_start_at_one() {
        let text = "一二\n三四五";
        assert_eq!(Problem::place(text, 0), (1, 1));
        assert_eq!(Problem::place(text, 3), (1, 2));
        assert_eq!(Problem::place(text, 7), (2, 1));
        assert_eq!(Problem::place(text, 8), (2, 1), "inside a character is that character");
        assert_eq!(Problem::place(text, 999), (2, 4));
    }
}

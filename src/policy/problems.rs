//! Everything that is wrong with a set of policy files, as one error.

use std::fmt;

use crate::yaml::Diagnostic;

/// The most mistakes that are reported at once.
const PROBLEMS_MAX: usize = 100;

/// The mistakes of a load, in the order of the files; at most 100. The authors' fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    diagnostics: Vec<Diagnostic>,
    left_out: usize,
}

impl Problems {
    /// Each mistake with its place.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// How many there are, also those that are not listed.
    #[must_use]
    pub fn count(&self) -> usize {
        self.diagnostics.len().saturating_add(self.left_out)
    }

    /// One mistake of one file as a whole.
    #[must_use]
    pub fn of_file(file: &str, message: impl Into<String>) -> Self {
        let mut problems = Self::default();
        problems.add(Diagnostic::of_file(file, message));
        problems
    }

    pub(crate) fn add(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < PROBLEMS_MAX {
            self.diagnostics.push(diagnostic);
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.diagnostics {
            writeln!(out, "{diagnostic}")?;
        }
        if self.left_out > 0 {
            writeln!(out, "and {} more", self.left_out)?;
        }
        let noun = if self.count() == 1 { "problem" } else { "problems" };
        write!(out, "{} {noun}", self.count())
    }
}

impl std::error::Error for Problems {}

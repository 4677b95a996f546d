//! What a check found, and what to do about it.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Nothing to look at here, with the reason.
    Skipped,
    /// It works today; look at it.
    Warning,
    /// It does not work, or is not safe.
    Failure,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check's name.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skip",
            Self::Warning => "warn",
            Self::Failure => "FAIL",
        }
    }
}

/// The findings of one check, gathered under its name.
pub struct Findings {
    check: &'static str,
    list: Vec<Finding>,
}

impl Findings {
    pub fn of(check: &'static str) -> Self {
        Self { check, list: Vec::new() }
    }

    pub fn ok(&mut self, found: impl Into<String>) {
        self.add(Level::Ok, found.into(), None);
    }

    pub fn skip(&mut self, found: impl Into<String>) {
        self.add(Level::Skipped, found.into(), None);
    }

    pub fn warn(&mut self, found: impl Into<String>, advice: impl Into<String>) {
        self.add(Level::Warning, found.into(), Some(advice.into()));
    }

    pub fn fail(&mut self, found: impl Into<String>, advice: impl Into<String>) {
        self.add(Level::Failure, found.into(), Some(advice.into()));
    }

    fn add(&mut self, level: Level, found: String, advice: Option<String>) {
        self.list.push(Finding { check: self.check, level, found, advice });
    }

    pub fn into_list(self) -> Vec<Finding> {
        self.list
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let first = self.found.lines().next().unwrap_or_default();
        write!(out, "{:<5} {:<13} {first}", self.level.word(), self.check)?;
        for line in self.found.lines().skip(1) {
            write!(out, "\n{:20}{line}", "")?;
        }
        if let Some(advice) = &self.advice {
            write!(out, "\n{:20}→ {advice}", "")?;
        }
        Ok(())
    }
}

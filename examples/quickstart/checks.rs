//! What must be true of everything that was printed.

/// Counts what was checked and keeps what was not as it must be.
#[derive(Default)]
pub struct Checks {
    made: usize,
    failed: Vec<String>,
}

impl Checks {
    pub fn that(&mut self, holds: bool, what: impl Into<String>) {
        self.made += 1;
        if !holds {
            self.failed.push(what.into());
        }
    }

    pub fn made(&self) -> usize {
        self.made
    }

    pub fn failed(&self) -> &[String] {
        &self.failed
    }
}

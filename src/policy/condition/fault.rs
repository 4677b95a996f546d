//! What is wrong with an expression, and where in it.

/// The author's mistake in one expression. `start` and `length` count characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The first character that is wrong, from 0.
    pub(crate) start: usize,
    /// How many characters to underline.
    pub(crate) length: usize,
    /// One sentence without a full stop.
    pub(crate) message: String,
    /// What to write instead.
    pub(crate) suggestion: Option<String>,
}

/// A range of characters in an expression, from 0, the end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Extent {
    pub(crate) fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }

    pub(crate) fn fault(self, message: impl Into<String>) -> Fault {
        Fault {
            start: self.start,
            length: self.end.saturating_sub(self.start).max(1),
            message: message.into(),
            suggestion: None,
        }
    }
}

impl Fault {
    pub(crate) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Adds ``did you mean `x`?``, or the list of what is known where nothing is near.
    pub(crate) fn nearest(self, word: &str, known: &[&str]) -> Self {
        match crate::yaml::nearest(word, known.iter().copied()) {
            Some(near) => self.suggest(format!("did you mean `{near}`?")),
            None => self.suggest(format!("known here: {}", known.join(", "))),
        }
    }
}

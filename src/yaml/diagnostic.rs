//! What is said about a mistake in a file: where it is, what it is, and what to write instead.

use std::fmt;

use serde::Serialize;
use serde_saphyr::Location;

use super::At;

/// The widest source line that is shown, in characters.
const EXCERPT_COLUMNS_MAX: usize = 120;

/// One mistake in one file. Lines and columns count from 1; 0 means that the place is not known.
///
/// `Display` prints the block that an operator reads:
/// ```text
/// error: unknown key `maskk`
///   --> policies/payments.yaml:5:5
///    |     maskk: []
///    |     ^^^^^
///   help: did you mean `mask`?
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct Diagnostic {
    /// The file as the operator named it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do: a whole sentence, printed after `help: `.
    pub suggestion: Option<String>,
    /// The source line and, below it, a line of carets. Secrets are blanked.
    pub excerpt: Option<String>,
}

impl Diagnostic {
    /// A mistake at a value.
    #[must_use]
    pub fn at<T>(file: &str, text: &str, place: &At<T>, message: impl Into<String>) -> Self {
        let location =
            if place.referenced == Location::UNKNOWN { place.defined } else { place.referenced };
        Self::here(file, text, location, message.into())
    }

    /// A mistake of the file as a whole.
    #[must_use]
    pub fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: 0,
            column: 0,
            message: message.into(),
            suggestion: None,
            excerpt: None,
        }
    }

    /// A mistake at a place that the caller knows in lines and columns (both from 1), with the
    /// number of characters to underline: for languages inside a scalar.
    #[must_use]
    pub fn at_position(
        file: &str,
        text: &str,
        (line, column): (u32, u32),
        length: usize,
        message: impl Into<String>,
    ) -> Self {
        let mut diagnostic = Self::of_file(file, message);
        diagnostic.line = line;
        diagnostic.column = column;
        diagnostic.excerpt = excerpt(text, line, column, length);
        diagnostic
    }

    /// Adds what to do, as a whole sentence.
    #[must_use]
    pub fn with_suggestion(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Adds ``did you mean `x`?`` where a candidate is near enough to `word`.
    #[must_use]
    pub fn did_you_mean<'c>(
        self,
        word: &str,
        candidates: impl IntoIterator<Item = &'c str>,
    ) -> Self {
        match nearest(word, candidates) {
            Some(near) => self.with_suggestion(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    pub(super) fn here(file: &str, text: &str, location: Location, message: String) -> Self {
        let position = (narrow(location.line()), narrow(location.column()));
        let length = usize::try_from(location.span().len()).unwrap_or(1);
        Self::at_position(file, text, position, length, message)
    }

    /// Underlines `word` where the excerpt starts with it.
    pub(super) fn pointing_at(mut self, text: &str, word: &str) -> Self {
        self.excerpt = excerpt(text, self.line, self.column, word.chars().count());
        self
    }

    /// ``did you mean `x`?``, or the whole list where nothing is near.
    pub(super) fn help_from(self, word: &str, known: &[&str], lead: &str) -> Self {
        match nearest(word, known.iter().copied()) {
            Some(near) => self.with_suggestion(format!("did you mean `{near}`?")),
            None if known.is_empty() => self,
            None => self.with_suggestion(format!("{lead} {}", known.join(", "))),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "error: {}\n  --> {}", self.message, self.file)?;
        if self.line > 0 {
            write!(out, ":{}:{}", self.line, self.column)?;
        }
        for line in self.excerpt.iter().flat_map(|excerpt| excerpt.lines()) {
            write!(out, "\n   | {line}")?;
        }
        if let Some(suggestion) = &self.suggestion {
            write!(out, "\n  help: {suggestion}")?;
        }
        Ok(())
    }
}

/// The candidate nearest to `word`, if it is near enough to be what was meant: at most two edits
/// (one for words of up to four characters), or one word being the start of the other.
#[must_use]
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let edits_max = if word.chars().count() <= 4 { 1 } else { 2 };
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(edits, _)| *edits <= edits_max)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

fn distance(word: &str, candidate: &str) -> usize {
    let edits = strsim::damerau_levenshtein(word, candidate);
    let shorter = word.len().min(candidate.len());
    let one_starts_the_other = word.starts_with(candidate) || candidate.starts_with(word);
    if shorter >= 4 && one_starts_the_other { edits.min(2) } else { edits }
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The source line and a line of carets below it, cropped around the column.
fn excerpt(text: &str, line: u32, column: u32, length: usize) -> Option<String> {
    let index = usize::try_from(line.checked_sub(1)?).ok()?;
    let source = text.lines().nth(index)?;
    let before = usize::try_from(column.saturating_sub(1)).ok()?;
    let blanked = if shows_secret(text, u64::from(line)) { blank(source) } else { None };
    let shown: Vec<char> = blanked.as_deref().unwrap_or(source).chars().map(printable).collect();
    let start = before.saturating_sub(EXCERPT_COLUMNS_MAX / 2);
    let visible: String = shown.iter().skip(start).take(EXCERPT_COLUMNS_MAX).collect();
    let visible = visible.trim_end();
    let indent = before.saturating_sub(start);
    let room = visible.chars().count().saturating_sub(indent);
    if room == 0 && blanked.is_some() {
        return Some(visible.to_owned());
    }
    let carets = "^".repeat(length.clamp(1, room.max(1)));
    Some(format!("{visible}\n{}{carets}", " ".repeat(indent)))
}

fn printable(character: char) -> char {
    match character {
        '\t' => ' ',
        control if control.is_control() => '\u{fffd}',
        other => other,
    }
}

/// Whether the line holds, or continues, the value of a key whose name says that it is a secret.
pub(super) fn shows_secret(text: &str, line: u64) -> bool {
    let Some(index) = line.checked_sub(1).and_then(|line| usize::try_from(line).ok()) else {
        return false;
    };
    let mut above =
        text.lines().take(index.saturating_add(1)).collect::<Vec<_>>().into_iter().rev();
    let Some(source) = above.next() else { return false };
    if names_secret(source) || source.contains("-----BEGIN") {
        return true;
    }
    // A value on its own line belongs to the nearest line above that is indented less.
    let indent = indent_of(source);
    let parent = above.find(|line| !line.trim().is_empty() && indent_of(line) < indent);
    let written_as_key = source.split_once(": ").is_some() || source.trim_end().ends_with(':');
    !written_as_key && parent.is_some_and(names_secret)
}

fn indent_of(line: &str) -> usize {
    line.len().saturating_sub(line.trim_start().len())
}

fn names_secret(line: &str) -> bool {
    const NAMES: [&str; 9] = [
        "password",
        "passphrase",
        "secret",
        "token",
        "private_key",
        "signing_key",
        // Of a users file: enough to try passwords, or to pass for Lockgate.
        "stored_key",
        "server_key",
        "decoy",
    ];
    let lower = line.to_lowercase();
    lower.split([',', '{', '[']).any(|part| {
        part.split_once(':').is_some_and(|(key, _)| {
            let key = key.trim().trim_start_matches("- ").trim_matches(['"', '\'', ' ']);
            NAMES.iter().any(|name| key.ends_with(name))
        })
    })
}

/// The line with everything behind its first colon blanked; all of it where there is none.
fn blank(source: &str) -> Option<String> {
    match source.split_once(':') {
        Some((key, _)) if names_secret(source) => Some(format!("{key}: (not shown)")),
        Some(_) | None => {
            let indent = indent_of(source);
            Some(format!("{}(not shown)", " ".repeat(indent)))
        }
    }
}

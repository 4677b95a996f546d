//! Documents → rules: every word checked, every default filled in, every mistake with its place.

mod action;
mod people;
mod reach;
mod relief;
mod rules;
mod selectors;

use std::collections::HashMap;
use std::sync::Arc;

use crate::yaml::{At, Diagnostic};

use super::document::{ModeWord, PolicyDocument};
use super::load::{Gathered, Ground, Secrets, Source};
use super::problems::Problems;
use super::rule::{Place, PolicyName};
use super::set::FileSummary;

/// Every id of the set, and where it was written.
pub(super) type Ids = HashMap<Arc<str>, Place>;

/// The longest id, in bytes: it stands in every audit row.
const ID_BYTES_MAX: usize = 128;
/// What the ids of built-in denials start with.
const BUILT_IN: &str = "builtin:";

/// Compiles one file. A mistake is added to `problems` and ends the rule it is in, not the file.
pub(super) struct Compiler<'c> {
    pub(super) source: &'c Source,
    pub(super) secrets: &'c dyn Secrets,
    pub(super) ground: &'c Ground,
    pub(super) problems: &'c mut Problems,
}

/// A mistake ended what was being compiled. It is already among the problems.
pub(super) struct Refused;

type Checked<T> = Result<T, Refused>;

impl Compiler<'_> {
    pub(super) fn file(mut self, document: &PolicyDocument, gathered: &mut Gathered) {
        let metadata = &document.metadata;
        let policy = Arc::new(PolicyName {
            name: metadata.name.value.clone(),
            version: metadata.version.clone(),
            owner: metadata.owner.clone(),
            description: metadata.description.clone(),
            controls: metadata.controls.clone(),
        });
        let spec = &document.spec;
        let mut summary = FileSummary {
            file: self.source.file.as_str().into(),
            policy: Arc::clone(&policy),
            rules: spec.rules.len(),
            shadow: 0,
            disabled: 0,
            exceptions: spec.exceptions.len(),
            permits: spec.permits.len(),
        };
        gathered.written = gathered.written.saturating_add(spec.rules.len());
        if gathered.written > super::load::RULES_MAX {
            return;
        }
        for rule in &spec.rules {
            match rule.value.mode.unwrap_or(spec.mode) {
                ModeWord::Enforce => {}
                ModeWord::Shadow => summary.shadow = summary.shadow.saturating_add(1),
                ModeWord::Disabled => summary.disabled = summary.disabled.saturating_add(1),
            }
            self.rule(rule, spec.mode, &policy, gathered);
        }
        for exception in &spec.exceptions {
            self.exception(exception, gathered);
        }
        for permit in &spec.permits {
            self.permit(permit, gathered);
        }
        gathered.files.push(summary);
    }

    /// Adds a mistake and stands for what it prevented.
    fn refuse<T>(&mut self, place: &At<T>, message: impl Into<String>) -> Refused {
        let diagnostic = Diagnostic::at(&self.source.file, &self.source.text, place, message);
        self.problems.add(diagnostic);
        Refused
    }

    fn refuse_with<T>(
        &mut self,
        place: &At<T>,
        message: impl Into<String>,
        suggestion: impl Into<String>,
    ) -> Refused {
        let diagnostic = Diagnostic::at(&self.source.file, &self.source.text, place, message);
        self.problems.add(diagnostic.with_suggestion(suggestion));
        Refused
    }

    fn place<T>(&self, at: &At<T>) -> Place {
        let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Place {
            file: self.source.file.as_str().into(),
            line: number(at.referenced.line()),
            column: number(at.referenced.column()),
        }
    }

    /// Takes an id in: unique over the whole set, and usable in rows and messages.
    fn id(&mut self, id: &At<String>, ids: &mut Ids) -> Checked<Arc<str>> {
        let text = id.value.as_str();
        let usable = |letter: char| letter.is_ascii_alphanumeric() || "-_.:/".contains(letter);
        if text.is_empty() || text.len() > ID_BYTES_MAX || !text.chars().all(usable) {
            let message = format!("an id has 1 to {ID_BYTES_MAX} letters, digits or -_.:/");
            return Err(self.refuse(id, message));
        }
        if text.starts_with(BUILT_IN) {
            let message = format!("ids that start with `{BUILT_IN}` belong to built-in denials");
            return Err(self.refuse(id, message));
        }
        let place = self.place(id);
        let id_taken: Arc<str> = text.into();
        if let Some(first) = ids.insert(Arc::clone(&id_taken), place) {
            let message = format!("the id `{text}` is used twice");
            let Place { file, line, column } = &first;
            let help =
                format!("the other one is at {file}:{line}:{column}; ids are unique in a set");
            ids.insert(id_taken, first);
            return Err(self.refuse_with(id, message, help));
        }
        Ok(id_taken)
    }
}

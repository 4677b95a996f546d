//! `select` and `except`.

use crate::field::{PathPattern, Scope};
use crate::policy::document::{ScopeWord, SelectorDocument};
use crate::policy::rule::Selector;
use crate::yaml::At;

use super::{Checked, Compiler};

/// The most selectors in one list.
const SELECTORS_MAX: usize = 128;

impl Compiler<'_> {
    pub(super) fn selectors(
        &mut self,
        list: Option<&At<Vec<At<SelectorDocument>>>>,
    ) -> Checked<Vec<Selector>> {
        let Some(list) = list else { return Ok(Vec::new()) };
        if list.value.is_empty() {
            let help = "name a path or a name, or leave the key out";
            return Err(self.refuse_with(list, "an empty list selects nothing", help));
        }
        if list.value.len() > SELECTORS_MAX {
            let message = format!("a rule has at most {SELECTORS_MAX} selectors");
            return Err(self.refuse(list, message));
        }
        let mut selectors = Vec::new();
        for written in &list.value {
            let pattern = self.pattern(written)?;
            for scope in self.scopes(written)? {
                if scope == Scope::Headers {
                    self.header_pattern(written, &pattern)?;
                }
                selectors.push(Selector { scope, pattern: pattern.clone() });
            }
        }
        Ok(selectors)
    }

    fn pattern(&mut self, written: &At<SelectorDocument>) -> Checked<PathPattern> {
        let SelectorDocument { path, name, .. } = &written.value;
        let (text, pattern) = match (path, name) {
            (Some(path), None) => (path, PathPattern::path(&path.value)),
            (None, Some(name)) => (name, PathPattern::name(&name.value)),
            (None, None) => {
                let help = "write path: \"$.card.pan\" or name: \"*email*\"";
                return Err(self.refuse_with(written, "a selector has a path or a name", help));
            }
            (Some(_), Some(_)) => {
                let help = "write two selectors";
                return Err(self.refuse_with(written, "a selector has one of path and name", help));
            }
        };
        pattern.map_err(|error| {
            self.refuse(text, format!("column {}: {}", error.column, error.message))
        })
    }

    fn scopes(&mut self, written: &At<SelectorDocument>) -> Checked<Vec<Scope>> {
        let Some(scopes) = &written.value.r#in else { return Ok(vec![Scope::Value]) };
        if scopes.value.is_empty() {
            let help = "write in: [value], [key] or [headers]";
            return Err(self.refuse_with(scopes, "`in` names no part of the record", help));
        }
        let mut found = Vec::new();
        for word in &scopes.value {
            let scope = match word.value {
                ScopeWord::Value => Scope::Value,
                ScopeWord::Key => Scope::Key,
                ScopeWord::Headers => Scope::Headers,
            };
            if found.contains(&scope) {
                return Err(self.refuse(word, format!("`{}` stands here twice", scope.as_str())));
            }
            found.push(scope);
        }
        Ok(found)
    }

    /// Headers have no depth: a path with more than one step would silently select nothing.
    fn header_pattern(
        &mut self,
        written: &At<SelectorDocument>,
        pattern: &PathPattern,
    ) -> Checked<()> {
        let everything = matches!(pattern.as_str(), "$" | "$.*" | "$.**");
        if written.value.name.is_some() || everything || pattern.single_name().is_some() {
            return Ok(());
        }
        let help = "write name: \"x-*\", or path: \"$['x-customer']\"";
        Err(self.refuse_with(written, "headers are flat: a path has one step there", help))
    }
}

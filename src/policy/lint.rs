//! Mistakes that only show between rules.

use std::collections::HashMap;
use std::sync::Arc;

use crate::field::Scope;
use crate::yaml::{Diagnostic, nearest};

use super::load::Gathered;
use super::principals::Principals;
use super::problems::Problems;
use super::rule::{Place, Rule, RuleAction};

/// How many rules over one pattern are compared with each other; it bounds the time of a load.
const COMPARED_MAX: usize = 256;

type Texts<'t> = HashMap<&'t str, &'t str>;

/// Every rule that an exception names exists.
pub(super) fn references(gathered: &Gathered, texts: &Texts<'_>, problems: &mut Problems) {
    for (place, name) in &gathered.references {
        if gathered.ids.contains_key(name) {
            continue;
        }
        let message = format!("there is no rule `{name}`");
        let diagnostic = at(place, texts, name.chars().count(), message);
        let known = gathered.rules.iter().map(|rule| rule.id.as_ref());
        problems.add(match nearest(name, known) {
            Some(near) => diagnostic.with_suggestion(format!("did you mean `{near}`?")),
            None => diagnostic,
        });
    }
}

/// Two masks of equal strength that certainly meet on one field. Where it is not certain (other
/// topics, other people, a condition), the rule whose id sorts first wins for a record.
pub(super) fn mask_conflicts(rules: &[Arc<Rule>], texts: &Texts<'_>, problems: &mut Problems) {
    let mut seen: HashMap<(&str, Scope), Vec<&Arc<Rule>>> = HashMap::new();
    for rule in rules {
        if rule.when.is_some() || !rule.except.is_empty() {
            continue;
        }
        for selector in &rule.select {
            let others = seen.entry((selector.pattern.as_str(), selector.scope)).or_default();
            let conflict = others.iter().find(|other| conflicts(other, rule));
            if let Some(other) = conflict {
                let (first, second) = (&other.id, &rule.id);
                let message = format!(
                    "`{second}` and `{first}` put different masks of equal strength on {}",
                    selector.pattern.as_str()
                );
                let Place { file, line, column } = &other.place;
                let help = format!(
                    "the other one is at {file}:{line}:{column}; keep one, or use a stronger mask"
                );
                let length = second.chars().count();
                problems.add(at(&rule.place, texts, length, message).with_suggestion(help));
                break;
            }
            if others.len() < COMPARED_MAX {
                others.push(rule);
            }
        }
    }
}

fn conflicts(left: &Rule, right: &Rule) -> bool {
    let (
        RuleAction::Mask { mask: one, spec: one_spec },
        RuleAction::Mask { mask: other, spec: other_spec },
    ) = (&left.action, &right.action)
    else {
        return false;
    };
    left.id != right.id
        && left.direction == right.direction
        && left.mode == right.mode
        && one.strength() == other.strength()
        && one_spec != other_spec
        && topics_meet(left, right)
        && people_meet(left, right)
}

fn topics_meet(left: &Rule, right: &Rule) -> bool {
    let every = |rule: &Rule| rule.reach_written.iter().all(|glob| glob == "**");
    every(left) || every(right) || left.reach == right.reach
}

fn people_meet(left: &Rule, right: &Rule) -> bool {
    let everybody = |rule: &Rule| rule.principals == Principals::default();
    everybody(left) || everybody(right) || left.principals == right.principals
}

fn at(place: &Place, texts: &Texts<'_>, length: usize, message: String) -> Diagnostic {
    let text = texts.get(place.file.as_ref()).copied().unwrap_or("");
    Diagnostic::at_position(&place.file, text, (place.line, place.column), length, message)
}

//! One rule, part by part, and what its parts may not be together.

use std::sync::Arc;

use crate::field::Scope;
use crate::policy::condition::{Condition, Fault, Reads};
use crate::policy::document::{
    DirectionWord, ModeWord, RuleDocument, UndecodableDocument, UndecodableWord,
};
use crate::policy::load::Gathered;
use crate::policy::position;
use crate::policy::principals::Principals;
use crate::policy::query::Action;
use crate::policy::reach::Reach;
use crate::policy::rule::{Direction, Mode, PolicyName, Rule, RuleAction, Selector, Undecodable};
use crate::yaml::{At, Diagnostic};

use super::action::Around;
use super::{Checked, Compiler, Refused};

impl Compiler<'_> {
    pub(super) fn rule(
        &mut self,
        written: &At<RuleDocument>,
        default_mode: ModeWord,
        policy: &Arc<PolicyName>,
        gathered: &mut Gathered,
    ) {
        let Ok(id) = self.id(&written.value.id, &mut gathered.ids) else { return };
        let Ok(rule) = self.checked_rule(written, id, policy, default_mode, gathered) else {
            return;
        };
        if let Some(rule) = rule {
            gathered.rules.push(Arc::new(rule));
        }
    }

    /// The rule, or nothing if it is disabled; a disabled rule is checked all the same.
    fn checked_rule(
        &mut self,
        at: &At<RuleDocument>,
        id: Arc<str>,
        policy: &Arc<PolicyName>,
        default_mode: ModeWord,
        gathered: &mut Gathered,
    ) -> Checked<Option<Rule>> {
        let written = &at.value;
        let direction = match written.r#match.value.direction.value {
            DirectionWord::Produce => Direction::Data(Action::Produce),
            DirectionWord::Consume => Direction::Data(Action::Consume),
            DirectionWord::Admin => Direction::Admin,
        };
        let matched = &written.r#match;
        let principals = match &matched.value.principals {
            None => Principals::default(),
            Some(principals) => self.principals(principals)?,
        };
        let when = match &written.when {
            None => None,
            Some(when) => Some(self.condition(when)?),
        };
        gathered.regexes =
            gathered.regexes.saturating_add(when.as_ref().map_or(0, |when| when.regexes));
        let select = self.selectors(written.select.as_ref())?;
        let except = self.selectors(written.except.as_ref())?;
        let reads = when.as_ref().map(|when| when.reads).unwrap_or_default();
        let (reach, reach_written) = self.reach(matched, direction, reads)?;
        let apis = self.judged_apis(matched, direction, &reach, reads)?;
        let configs = match &matched.value.configs {
            None => None,
            Some(configs) => Some(self.configs(configs)?),
        };
        let around = Around {
            direction,
            is_about_topics_only: matches!(reach, Reach::Topics(_)),
            select: &select,
            reads_records: reads.records() || !select.is_empty(),
            reads_size_only: reads == Reads { size: true, ..Reads::default() } && select.is_empty(),
        };
        let action = self.action(&written.action, &around, gathered)?;
        self.combination(written, direction, &action, reads, &select)?;
        self.whole(written, &reach, reads)?;
        let on_undecodable = self.undecodable(written, direction, reads, &select)?;
        let mode = match written.mode.unwrap_or(default_mode) {
            ModeWord::Enforce => Mode::Enforce,
            ModeWord::Shadow => Mode::Shadow,
            ModeWord::Disabled => return Ok(None),
        };
        Ok(Some(Rule {
            id,
            description: written.description.clone(),
            severity: written.severity,
            policy: Arc::clone(policy),
            place: self.place(&written.id),
            mode,
            direction,
            apis,
            reach,
            reach_written,
            configs,
            principals,
            when,
            select,
            except,
            action,
            on_undecodable,
        }))
    }

    fn condition(&mut self, when: &At<String>) -> Checked<Condition> {
        Condition::compile(&when.value).map_err(|fault| self.fault(when, &fault))
    }

    /// A mistake inside an expression, at its own line and column where they can be told.
    fn fault(&mut self, when: &At<String>, fault: &Fault) -> Refused {
        let (file, text) = (&self.source.file, &self.source.text);
        let diagnostic = match position::of_character(text, when, fault.start) {
            Some(place) => {
                let message = fault.message.clone();
                Diagnostic::at_position(file, text, place, fault.length, message)
            }
            None => {
                let column = fault.start.saturating_add(1);
                let message = format!("character {column} of the expression: {}", fault.message);
                Diagnostic::at(file, text, when, message)
            }
        };
        self.problems.add(match &fault.suggestion {
            Some(suggestion) => diagnostic.with_suggestion(suggestion.clone()),
            None => diagnostic,
        });
        Refused
    }

    /// What a rule may not be, although each part of it is fine.
    fn combination(
        &mut self,
        written: &RuleDocument,
        direction: Direction,
        action: &RuleAction,
        reads: Reads,
        select: &[Selector],
    ) -> Checked<()> {
        let denies = match action {
            RuleAction::Deny { .. } => true,
            RuleAction::Mask { .. } => false,
        };
        if direction == Direction::Admin {
            if let Some(select) = &written.select {
                return Err(self.refuse(select, "an admin rule has no record to select from"));
            }
            if let (Some(when), true) = (&written.when, reads.records()) {
                let help = "use request, topic.name, principal or client";
                return Err(self.refuse_with(when, "an admin rule has no record to look at", help));
            }
        }
        if let (Some(when), true, Direction::Data(_)) = (&written.when, reads.admin, direction) {
            let message = "`request` is what an admin request asks for";
            return Err(self.refuse_with(when, message, "write direction: admin"));
        }
        if direction == Direction::Data(Action::Consume)
            && denies
            && (reads.records() || !select.is_empty())
        {
            let message = "a rule that looks at records cannot deny a consume: the reader would be \
                           stuck at that offset";
            let help = "mask what must not be seen, or drop what cannot be read by on_undecodable";
            return Err(self.refuse_with(&written.action, message, help));
        }
        if let Some(except) = &written.except {
            if denies {
                let help = "select what is refused, path by path";
                let message = "`except` with deny is not built yet";
                return Err(self.refuse_with(except, message, help));
            }
            if select.is_empty() {
                return Err(self.refuse(except, "`except` needs a `select` to take from"));
            }
        }
        Ok(())
    }

    /// A rule over groups or transactional ids decides about them as a whole.
    fn whole(&mut self, written: &RuleDocument, reach: &Reach, reads: Reads) -> Checked<()> {
        let what = match reach {
            Reach::Topics(_) | Reach::Everything => return Ok(()),
            Reach::ConsumerGroups(_) => "consumer groups",
            Reach::TransactionalIds(_) => "transactional ids",
        };
        let message = format!("a rule about {what} has no record to look at");
        let help = "write a second rule with `topics` for what it says of records";
        match (&written.when, &written.select) {
            (Some(when), _) if reads.records() => Err(self.refuse_with(when, message, help)),
            (_, Some(select)) => Err(self.refuse_with(select, message, help)),
            (_, None) => Ok(()),
        }
    }

    fn undecodable(
        &mut self,
        written: &RuleDocument,
        direction: Direction,
        reads: Reads,
        select: &[Selector],
    ) -> Checked<Undecodable> {
        let default = match direction {
            Direction::Data(Action::Consume) => Undecodable::Drop,
            Direction::Data(Action::Produce) | Direction::Admin => Undecodable::Deny,
        };
        let Some(at) = &written.on_undecodable else { return Ok(default) };
        let decodes = Scope::ALL.into_iter().any(|scope| reads.scope(scope)) || !select.is_empty();
        if !decodes {
            let message = "this rule decodes nothing, so `on_undecodable` would never apply";
            return Err(self.refuse_with(at, message, "leave it out"));
        }
        let UndecodableDocument { word, acknowledged } = &at.value;
        match (word, direction) {
            (UndecodableWord::Drop, Direction::Data(Action::Produce)) => {
                let message = "dropping single records breaks idempotent producers";
                Err(self.refuse_with(at, message, "write on_undecodable: deny"))
            }
            (UndecodableWord::Deny, Direction::Data(Action::Consume)) => {
                let message = "a record that is denied to a reader leaves it stuck at that offset";
                Err(self.refuse_with(at, message, "write on_undecodable: drop"))
            }
            (UndecodableWord::Pass, _) if !acknowledged => {
                let message = "`pass` lets through what the rule cannot read";
                let help = "write on_undecodable: {pass: {acknowledge: true}} if that is meant";
                Err(self.refuse_with(at, message, help))
            }
            (UndecodableWord::Drop, _) => Ok(Undecodable::Drop),
            (UndecodableWord::Deny, _) => Ok(Undecodable::Deny),
            (UndecodableWord::RedactValue, _) => Ok(Undecodable::Redact),
            (UndecodableWord::Pass, _) => Ok(Undecodable::Pass),
        }
    }
}

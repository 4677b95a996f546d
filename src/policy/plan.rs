//! What is left to do for one subject, client, topic and action: the rules that are live, with
//! everything decided that needs no record.
//!
//! A plan is a value of its own: it can be kept for as long as its set is current and
//! [`Plan::valid_until_seconds`] has not come, and two plans with the same [`Plan::key`] judge and
//! mask every record alike, whoever they were made for.

use std::sync::Arc;

use crate::field::{Fact, PathSet, PatternBits, PatternIndex, Scope};
use crate::mask::Mask;

use super::condition::{Node, Scene};
use super::decision::{Decision, Denial, Effect};
use super::query::{Action, RecordView};
use super::rule::{Mode, Undecodable};
use super::verdict::{RuleIndex, Verdict};

/// The residual policy for one subject and topic.
#[derive(Debug)]
pub struct Plan {
    pub(super) access: Decision,
    pub(super) shadow_access: Vec<Denial>,
    pub(super) rules: Vec<LiveRule>,
    pub(super) value: PathSet,
    pub(super) key_paths: PathSet,
    pub(super) headers: PathSet,
    pub(super) needs: Needs,
    pub(super) exceptions: Vec<Arc<str>>,
    pub(super) valid_until_seconds: Option<i64>,
    pub(super) reads_identity: bool,
    pub(super) key: Arc<str>,
}

/// Which parts of a record the plan looks at or changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Headers, by name.
    pub headers: bool,
    /// The key, decoded by its format, for `paths(Scope::Key)`.
    pub key: bool,
    /// The key as one text, for `RecordView::key_text`.
    pub key_text: bool,
    /// The value, decoded by its format, for `paths(Scope::Value)`.
    pub value: bool,
}

/// One mask of one rule on one selector.
pub struct MaskRule {
    /// The rule's id.
    pub rule: Arc<str>,
    /// How it masks.
    pub mask: Arc<dyn Mask>,
    /// What it selects, for the evidence: `$.card.pan`, `key:$.id`, `headers:x-email`.
    pub selector: Arc<str>,
    pub(super) scope: Scope,
    pub(super) pattern: PatternIndex,
}

impl std::fmt::Debug for MaskRule {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "MaskRule({} {} {})", self.rule, self.mask.name(), self.selector)
    }
}

/// A rule whose match is open until a record is seen.
#[derive(Debug)]
pub(super) struct LiveRule {
    pub(super) id: Arc<str>,
    pub(super) mode: Mode,
    pub(super) action: Action,
    pub(super) test: Test,
    /// The parts of a record that the test decodes.
    pub(super) test_scopes: Vec<Scope>,
    pub(super) select: Vec<(Scope, PatternIndex)>,
    pub(super) except: Vec<(Scope, PatternBits)>,
    pub(super) act: Act,
    pub(super) on_undecodable: Undecodable,
    /// What the client is told if this rule refuses.
    pub(super) denial: Denial,
}

#[derive(Debug)]
pub(super) enum Test {
    Always,
    /// The condition is known not to be evaluable, so the rule matches.
    Unevaluable,
    When(Node),
}

#[derive(Debug)]
pub(super) enum Act {
    /// The masks, one for each selector.
    Mask(Vec<MaskRule>),
    Deny,
}

/// How a rule matched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    No,
    Yes,
    /// It could not be evaluated, which for a rule that restricts is a yes.
    Unevaluable,
}

impl Plan {
    /// Whether the topic may be touched at all.
    #[must_use]
    pub fn access(&self) -> &Decision {
        &self.access
    }

    /// The refusals that shadow rules would make of the topic as a whole.
    #[must_use]
    pub fn shadow_access(&self) -> &[Denial] {
        &self.shadow_access
    }

    /// Whether records have to be looked at. If not, batches go on as they are.
    #[must_use]
    pub fn reads_records(&self) -> bool {
        !self.rules.is_empty()
    }

    /// What to look for in that part of a record. For headers, `PathPattern::reaches_member` tells
    /// which of these a header's name is reached by ([`Plan::header_patterns`]).
    #[must_use]
    pub fn paths(&self, scope: Scope) -> &PathSet {
        match scope {
            Scope::Value => &self.value,
            Scope::Key => &self.key_paths,
            Scope::Headers => &self.headers,
        }
    }

    /// Which patterns of `paths(Scope::Headers)` reach a header of that name.
    #[must_use]
    pub fn header_patterns(&self, name: &str) -> PatternBits {
        let patterns = self.headers.patterns().iter().zip(0..=PatternIndex::MAX);
        patterns.filter(|(pattern, _)| pattern.reaches_member(name)).map(|(_, n)| n).collect()
    }

    /// Which parts of a record must be provided.
    #[must_use]
    pub fn needs(&self) -> Needs {
        self.needs
    }

    /// Whether some condition was decided, in part, by the principal's name or the client's id. Two
    /// plans with the same [`Plan::key`] are alike even then.
    #[must_use]
    pub fn reads_identity(&self) -> bool {
        self.reads_identity
    }

    /// Equal for two plans that judge and mask every record alike; what a cache of masked batches
    /// is keyed by. It covers the policies, the keys of masks, and the live rules.
    #[must_use]
    pub fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// When it has to be made again, because an exception in it expires; nothing if never.
    #[must_use]
    pub fn valid_until_seconds(&self) -> Option<i64> {
        self.valid_until_seconds
    }

    /// The exceptions that took rules out of this plan.
    #[must_use]
    pub fn exceptions(&self) -> &[Arc<str>] {
        &self.exceptions
    }

    /// The id of a rule that a verdict names.
    #[must_use]
    pub fn rule_id(&self, index: RuleIndex) -> Option<&Arc<str>> {
        self.rules.get(usize::from(index)).map(|rule| &rule.id)
    }

    /// Judges one record under every live rule; `verdict` is cleared first.
    pub fn judge(&self, record: &dyn RecordView, verdict: &mut Verdict) {
        verdict.clear();
        for (rule, index) in self.rules.iter().zip(0..=RuleIndex::MAX) {
            let matched = rule.matches(record);
            if matched == Match::No {
                continue;
            }
            let Some(effect) = rule.effect(record, matched, verdict) else { continue };
            match rule.mode {
                Mode::Enforce => {
                    verdict.rules.push(index);
                    verdict.effect = verdict.effect.max(effect);
                    if effect == Effect::Deny {
                        add_denial(&mut verdict.denial, &rule.denial, matched);
                    }
                }
                Mode::Shadow => {
                    verdict.shadow_rules.push(index);
                    verdict.shadow_effect = verdict.shadow_effect.max(effect);
                }
            }
        }
    }

    /// How to mask a value that is reached by `patterns`: the strongest mask of the rules that
    /// matched, without those that except it. Of equally strong ones the first rule id wins.
    #[must_use]
    pub fn mask_for(
        &self,
        verdict: &Verdict,
        scope: Scope,
        patterns: &PatternBits,
    ) -> Option<&MaskRule> {
        let mut strongest: Option<&MaskRule> = None;
        for index in &verdict.rules {
            let Some(rule) = self.rules.get(usize::from(*index)) else { continue };
            let Act::Mask(masks) = &rule.act else { continue };
            let excepted =
                |(of, bits): &(Scope, PatternBits)| *of == scope && bits.intersects(patterns);
            if rule.except.iter().any(excepted) {
                continue;
            }
            let mut selected = masks.iter();
            let reaches = |mask: &&MaskRule| mask.scope == scope && patterns.contains(mask.pattern);
            let Some(found) = selected.find(reaches) else { continue };
            // The rules are in the order of their ids, so only a stronger one takes over.
            if strongest.is_none_or(|best| found.mask.strength() > best.mask.strength()) {
                strongest = Some(found);
            }
        }
        strongest
    }
}

impl LiveRule {
    fn matches(&self, record: &dyn RecordView) -> Match {
        match &self.test {
            Test::Always => Match::Yes,
            Test::Unevaluable => Match::Unevaluable,
            Test::When(node) => match node.holds(&Scene::of_record(record)) {
                Ok(true) => Match::Yes,
                Ok(false) => Match::No,
                Err(_) => Match::Unevaluable,
            },
        }
    }

    /// What the rule does with a record that it matched; nothing if that is nothing.
    fn effect(
        &self,
        record: &dyn RecordView,
        matched: Match,
        verdict: &mut Verdict,
    ) -> Option<Effect> {
        let unreadable = |scope: &Scope| !record.decodable(*scope);
        let selected = self.select.iter().map(|(scope, _)| scope);
        let mut hidden: [Option<Scope>; 3] = [None; 3];
        let tested: &[Scope] = match matched {
            Match::Unevaluable => &self.test_scopes,
            Match::Yes | Match::No => &[],
        };
        for scope in selected.chain(tested).filter(|scope| unreadable(scope)) {
            let slot = match scope {
                Scope::Value => 0,
                Scope::Key => 1,
                Scope::Headers => 2,
            };
            if let Some(place) = hidden.get_mut(slot) {
                *place = Some(*scope);
            }
        }
        if hidden.iter().all(Option::is_none) {
            if matched == Match::Unevaluable {
                verdict.eval_errors = verdict.eval_errors.saturating_add(1);
            }
            return self.act_on(record);
        }
        verdict.undecodable = verdict.undecodable.saturating_add(1);
        // What the rule still does with the parts that it can read. A test that could not read its
        // part says nothing about them.
        let tested_blind = tested.iter().any(unreadable);
        let readable = if tested_blind { None } else { self.act_on(record) };
        let on_unreadable = self.undecodable_effect(&hidden);
        readable.max(on_unreadable)
    }

    fn undecodable_effect(&self, hidden: &[Option<Scope>; 3]) -> Option<Effect> {
        match self.on_undecodable {
            Undecodable::Drop => Some(Effect::Drop),
            Undecodable::Deny => Some(Effect::Deny),
            Undecodable::Pass => None,
            // Replacing the value does not hide a key or a header.
            Undecodable::Redact if hidden.iter().flatten().all(|s| *s == Scope::Value) => {
                Some(Effect::Redact)
            }
            Undecodable::Redact => Some(self.whole_record()),
        }
    }

    /// The effect on the whole record that this rule's direction allows.
    fn whole_record(&self) -> Effect {
        match self.action {
            Action::Produce => Effect::Deny,
            Action::Consume => Effect::Drop,
        }
    }

    fn act_on(&self, record: &dyn RecordView) -> Option<Effect> {
        match &self.act {
            Act::Mask(masks) => {
                let readable = masks.iter().any(|mask| record.decodable(mask.scope));
                readable.then_some(Effect::Mask)
            }
            Act::Deny if self.select.is_empty() => Some(Effect::Deny),
            Act::Deny => {
                let present = |(scope, pattern): &(Scope, PatternIndex)| {
                    record.decodable(*scope) && record.fact(*scope, *pattern) != Fact::Missing
                };
                self.select.iter().any(present).then_some(Effect::Deny)
            }
        }
    }
}

/// The first refusal is the one the client reads; later ones add their ids.
fn add_denial(denial: &mut Option<Denial>, more: &Denial, matched: Match) {
    let errors = u32::from(matched == Match::Unevaluable);
    match denial {
        None => {
            let mut first = more.clone();
            first.eval_errors = errors;
            *denial = Some(first);
        }
        Some(denial) => {
            denial.rules.push(Arc::clone(&more.rule));
            denial.eval_errors = denial.eval_errors.saturating_add(errors);
        }
    }
}

//! One query → its plan: which rules are live, what is left of their conditions, and one numbering
//! for all their patterns.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use smallvec::smallvec;

use crate::field::{PathPattern, PathSet, PatternBits, PatternIndex, Scope};
use crate::identity::Subject;

use super::builtin;
use super::condition::{Reads, Scene};
use super::decision::{Decision, Denial, DenyCode};
use super::message::{Message, Template};
use super::plan::{Act, LiveRule, MaskRule, Needs, Plan, Test};
use super::query::Query;
use super::rule::{Mode, Rule, RuleAction, Selector};
use super::set::PolicySet;

/// The patterns of one scope, each once.
#[derive(Default)]
struct Patterns {
    list: Vec<PathPattern>,
    numbers: HashMap<PathPattern, PatternIndex>,
}

impl Patterns {
    fn number(&mut self, pattern: &PathPattern) -> PatternIndex {
        if let Some(number) = self.numbers.get(pattern) {
            return *number;
        }
        // Above `PATTERNS_MAX` the set is overfull, and the plan denies the topic.
        let number = PatternIndex::try_from(self.list.len()).unwrap_or(PatternIndex::MAX);
        self.list.push(pattern.clone());
        self.numbers.insert(pattern.clone(), number);
        number
    }
}

pub(super) struct Planner<'p> {
    set: &'p PolicySet,
    query: &'p Query<'p>,
    principal: Arc<str>,
    patterns: [Patterns; 3],
    needs: Needs,
    reads_identity: bool,
    key: String,
    exceptions: Vec<Arc<str>>,
    valid_until_seconds: Option<i64>,
    denials: Vec<(Mode, Denial)>,
    live: Vec<LiveRule>,
}

impl<'p> Planner<'p> {
    pub(super) fn new(set: &'p PolicySet, query: &'p Query<'p>) -> Self {
        Self {
            set,
            query,
            principal: query.subject.principal.to_string().into(),
            patterns: Default::default(),
            needs: Needs::default(),
            reads_identity: false,
            key: set.digest().to_string(),
            exceptions: Vec::new(),
            valid_until_seconds: None,
            denials: Vec::new(),
            live: Vec::new(),
        }
    }

    pub(super) fn plan(mut self) -> Plan {
        let internal = builtin::is_internal(self.query.topic);
        if internal {
            let denial = builtin::internal_topic(&self.principal);
            self.denials.push((Mode::Enforce, denial));
        } else {
            let set = self.set;
            for (rule, number) in set.data_rules(self.query.action) {
                self.consider(rule, number);
            }
        }
        let [value, key_paths, headers] = self.patterns.map(|part| PathSet::new(part.list));
        if value.is_overfull() || key_paths.is_overfull() || headers.is_overfull() {
            self.denials.push((Mode::Enforce, builtin::too_many_patterns(&self.principal)));
        }
        let (enforced, shadow): (Vec<_>, Vec<_>) =
            self.denials.into_iter().partition(|(mode, _)| *mode == Mode::Enforce);
        let access = decide(enforced.into_iter().map(|(_, denial)| denial));
        self.needs.value = !value.is_empty();
        self.needs.key = !key_paths.is_empty();
        self.needs.headers = self.needs.headers || !headers.is_empty();
        Plan {
            access,
            shadow_access: shadow.into_iter().map(|(_, denial)| denial).collect(),
            rules: self.live,
            value,
            key_paths,
            headers,
            needs: self.needs,
            exceptions: self.exceptions,
            valid_until_seconds: self.valid_until_seconds,
            reads_identity: self.reads_identity,
            key: self.key.into(),
        }
    }

    fn consider(&mut self, rule: &Rule, number: usize) {
        let Query { subject, client_id, topic, .. } = *self.query;
        if !rule.reach.topic(topic) || !rule.principals.restrict(subject, client_id) {
            return;
        }
        if let Some((exception, until)) =
            self.set.exception(rule, subject, client_id, self.query.now_seconds)
        {
            if !self.exceptions.contains(exception) {
                self.exceptions.push(Arc::clone(exception));
            }
            let sooner = self.valid_until_seconds.map_or(until, |known| known.min(until));
            self.valid_until_seconds = Some(sooner);
            return;
        }
        let Some(test) = self.test(rule) else { return };
        let per_record = match test {
            Test::When(_) => true,
            Test::Always | Test::Unevaluable => !rule.select.is_empty(),
        };
        let denial = self.denial(rule);
        if !per_record {
            let errors = match test {
                Test::Unevaluable => 1,
                Test::Always | Test::When(_) => 0,
            };
            self.denials.push((rule.mode, Denial { eval_errors: errors, ..denial }));
            return;
        }
        self.describe(rule, number, &test);
        let live = self.live_rule(rule, test, denial);
        self.live.push(live);
    }

    /// What is left of the condition; nothing if it can no longer hold.
    fn test(&mut self, rule: &Rule) -> Option<Test> {
        let Some(condition) = &rule.when else { return Some(Test::Always) };
        let scene = Scene::of_query(self.query);
        // Which fields the residue still looks at is known only when it is there.
        let residue = condition.root.residue(&scene, &|_, pattern| pattern);
        match residue.decided() {
            Some(Ok(true)) => return Some(Test::Always),
            Some(Ok(false)) => return None,
            Some(Err(_)) => return Some(Test::Unevaluable),
            None => {}
        }
        let reads = residue.reads();
        self.needs.headers |= reads.headers;
        self.needs.key_text |= reads.key_text;
        self.reads_identity |= condition.reads.identity;
        let [value, key, _] = &mut self.patterns;
        let mut numbers: HashMap<(Scope, PatternIndex), PatternIndex> = HashMap::new();
        for (scope, old) in residue.fields() {
            let patterns = match scope {
                Scope::Value => &mut *value,
                Scope::Key => &mut *key,
                Scope::Headers => continue,
            };
            if let Some(pattern) = condition.patterns(scope).get(usize::from(old)) {
                numbers.insert((scope, old), patterns.number(pattern));
            }
        }
        let renumber = |scope: Scope, old: PatternIndex| {
            numbers.get(&(scope, old)).copied().unwrap_or(PatternIndex::MAX)
        };
        Some(Test::When(residue.residue(&scene, &renumber)))
    }

    /// Adds to the plan's key what tells this rule's part in it from any other's.
    fn describe(&mut self, rule: &Rule, number: usize, test: &Test) {
        // Writing to a `String` cannot fail.
        let _ = write!(self.key, " {number}");
        let mixed = rule.when.as_ref().is_some_and(|when| {
            let Reads { identity, groups, request, .. } = when.reads;
            identity || groups || request
        });
        match test {
            Test::Always => {}
            Test::Unevaluable => self.key.push('!'),
            Test::When(node) if mixed => {
                let _ = write!(self.key, "{node:?}");
            }
            Test::When(_) => self.key.push('?'),
        }
    }

    fn live_rule(&mut self, rule: &Rule, test: Test, denial: Denial) -> LiveRule {
        let reads = match &test {
            Test::When(node) => node.reads(),
            Test::Always | Test::Unevaluable => Reads::default(),
        };
        let select: Vec<(Scope, PatternIndex)> =
            rule.select.iter().map(|selector| (selector.scope, self.number(selector))).collect();
        let except = self.except(&rule.except);
        let act = match &rule.action {
            RuleAction::Deny { .. } => Act::Deny,
            RuleAction::Mask { mask, .. } => Act::Mask(
                rule.select
                    .iter()
                    .zip(&select)
                    .map(|(selector, (scope, pattern))| MaskRule {
                        rule: Arc::clone(&rule.id),
                        mask: Arc::clone(mask),
                        selector: shown(selector),
                        scope: *scope,
                        pattern: *pattern,
                    })
                    .collect(),
            ),
        };
        LiveRule {
            id: Arc::clone(&rule.id),
            mode: rule.mode,
            action: self.query.action,
            test,
            test_scopes: Scope::ALL.into_iter().filter(|scope| reads.scope(*scope)).collect(),
            select,
            except,
            act,
            on_undecodable: rule.on_undecodable,
            denial,
        }
    }

    fn number(&mut self, selector: &Selector) -> PatternIndex {
        let [value, key, headers] = &mut self.patterns;
        let patterns = match selector.scope {
            Scope::Value => value,
            Scope::Key => key,
            Scope::Headers => headers,
        };
        patterns.number(&selector.pattern)
    }

    fn except(&mut self, selectors: &[Selector]) -> Vec<(Scope, PatternBits)> {
        let mut except: Vec<(Scope, PatternBits)> = Vec::new();
        for selector in selectors {
            let number = self.number(selector);
            match except.iter_mut().find(|(scope, _)| *scope == selector.scope) {
                Some((_, bits)) => bits.insert(number),
                None => except.push((selector.scope, PatternBits::from_iter([number]))),
            }
        }
        except
    }

    fn denial(&self, rule: &Rule) -> Denial {
        let code = match &rule.action {
            RuleAction::Deny { code, .. } => code.unwrap_or(DenyCode::TopicAuthorizationFailed),
            RuleAction::Mask { .. } => DenyCode::InvalidRecord,
        };
        denial_of(rule, code, self.query.subject, 0)
    }
}

/// The refusal of one rule.
pub(super) fn denial_of(rule: &Rule, code: DenyCode, subject: &Subject, errors: u32) -> Denial {
    let template = match &rule.action {
        RuleAction::Deny { message, .. } => Arc::clone(message),
        RuleAction::Mask { .. } => {
            Arc::new(Template::fixed("a part of the record could not be read"))
        }
    };
    let principal = subject.principal.to_string().into();
    let message = Message { template, rule: Arc::clone(&rule.id), principal };
    Denial {
        rule: Arc::clone(&rule.id),
        code,
        message,
        rules: smallvec![Arc::clone(&rule.id)],
        eval_errors: errors,
    }
}

/// Joins refusals, which come in the order of their rules' ids.
pub(super) fn decide(denials: impl Iterator<Item = Denial>) -> Decision {
    let mut first: Option<Denial> = None;
    for denial in denials {
        match &mut first {
            None => first = Some(denial),
            Some(first) => {
                first.rules.extend(denial.rules);
                first.eval_errors = first.eval_errors.saturating_add(denial.eval_errors);
            }
        }
    }
    first.map_or(Decision::Allow, Decision::Deny)
}

fn shown(selector: &Selector) -> Arc<str> {
    let pattern = selector.pattern.as_str();
    match selector.scope {
        Scope::Value => pattern.into(),
        Scope::Key | Scope::Headers => format!("{}:{pattern}", selector.scope.as_str()).into(),
    }
}

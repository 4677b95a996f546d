//! May this subject do this to this resource: rules, permits and the built-in denials.

use std::sync::Arc;

use super::builtin;
use super::condition::Scene;
use super::decision::{Decision, Denial, DenyCode};
use super::operations::{ACCESS, CONFIG_APIS, PERMITTED_APIS, ResourceKind};
use super::planning::{decide, denial_of};
use super::query::{AccessQuery, Action, Operation, Query, Resource, Wanted};
use super::rule::{Mode, Permit, Rule, RuleAction};
use super::set::PolicySet;

/// Left to the access control of a broker that still knows the user.
const LEFT_TO_THE_BROKER: [&str; 3] = ["CreateTopics", "DeleteTopics", "CreatePartitions"];
/// A permit for one of these on a topic shows the topic to whoever has it.
const ADMINISTERING_APIS: [&str; 6] = [
    "CreateTopics",
    "DeleteTopics",
    "DeleteRecords",
    "CreatePartitions",
    "AlterConfigs",
    "IncrementalAlterConfigs",
];
/// Sets every setting that it does not name back to its default.
const REPLACES_CONFIGS: &str = "AlterConfigs";

/// Whether a query says what a resource is to become.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// It does.
    Really,
    /// It asks in general; rules about what a request wants are left for the request itself.
    InGeneral,
}

impl PolicySet {
    /// Whether a request may do what it asks to one resource.
    #[must_use]
    pub fn access(&self, query: &AccessQuery<'_>) -> Decision {
        self.judged(query, Asked::Really)
    }

    /// The refusals that shadow rules would add to [`Self::access`].
    #[must_use]
    pub fn access_shadow(&self, query: &AccessQuery<'_>) -> Vec<Denial> {
        let mut denials = self.admin_denials(query, Mode::Shadow, Asked::Really);
        if let Some(action) = data_action(query) {
            denials.extend(self.data_denials(query, action, Mode::Shadow));
        }
        denials
    }

    /// The operations on a resource that are allowed to a subject, as KIP-430 counts them: bit `n`
    /// is the operation with Kafka's number `n`. Only the query's subject, client, resource and
    /// time are read.
    #[must_use]
    pub fn operations(&self, query: &AccessQuery<'_>) -> i32 {
        let kind = query.resource.kind();
        let allowed = |api: &&str, operation| {
            let query = AccessQuery { api, operation, wanted: Wanted::default(), ..*query };
            self.judged(&query, Asked::InGeneral) == Decision::Allow
        };
        ACCESS
            .iter()
            .filter(|row| row.resource == kind)
            .filter(|row| row.apis.iter().any(|api| allowed(api, row.operation)))
            .fold(0, |bits, row| bits | 1_i32.checked_shl(row.operation.code().into()).unwrap_or(0))
    }

    fn judged(&self, query: &AccessQuery<'_>, asked: Asked) -> Decision {
        let principal: Arc<str> = query.subject.principal.to_string().into();
        if let Resource::Topic(topic) = query.resource
            && builtin::is_internal(topic)
        {
            return Decision::Deny(builtin::internal_topic(&principal));
        }
        let mut refused = self.admin_denials(query, Mode::Enforce, asked);
        match data_action(query) {
            Some(action) => refused.extend(self.data_denials(query, action, Mode::Enforce)),
            None => refused.extend(self.invisible(query)),
        }
        refused.sort_by(|left, right| left.rule.cmp(&right.rule));
        let missing = (!self.permitted(query))
            .then(|| builtin::cluster_change(query.api, query.resource, &principal));
        // A rule says more than the missing permit does, so it comes first.
        decide(refused.into_iter().chain(missing))
    }

    /// Whether permits lift the built-in denial, or there is none. With settings in the request,
    /// each of them needs a permit that covers it.
    fn permitted(&self, query: &AccessQuery<'_>) -> bool {
        let left_to_the_broker = query.broker_knows_user && LEFT_TO_THE_BROKER.contains(&query.api);
        if left_to_the_broker || !PERMITTED_APIS.contains(&query.api) || !changes(query) {
            return true;
        }
        let covering: Vec<&Permit> = self.covering(query).collect();
        let covers = |permit: &&Permit, key: &str| {
            permit.configs.as_ref().is_none_or(|configs| configs.matches(key))
        };
        let mut keys = query.wanted.configs.iter();
        !covering.is_empty()
            && keys.all(|(key, _)| covering.iter().any(|permit| covers(permit, key)))
    }

    /// The permit that lifts the built-in denial for a query without settings, if one does.
    #[must_use]
    pub fn permit(&self, query: &AccessQuery<'_>) -> Option<&Arc<str>> {
        let found = self.covering(query).next();
        found.map(|permit| &permit.id)
    }

    /// The permits of a query's subject for its API and its resource.
    fn covering(&self, query: &AccessQuery<'_>) -> impl Iterator<Item = &Permit> {
        self.permits().iter().filter(|permit| {
            permit.apis.contains(&query.api)
                && permit.reach.covers(query.resource)
                && permit.principals.relieve(query.subject, query.client_id)
        })
    }

    fn admin_denials(&self, access: &AccessQuery<'_>, mode: Mode, asked: Asked) -> Vec<Denial> {
        let AccessQuery { subject, client_id, now_seconds, .. } = *access;
        if PERMITTED_APIS.contains(&access.api) && !changes(access) {
            return Vec::new();
        }
        let topic = access.resource.name();
        // Conditions of admin rules read nothing that depends on the action.
        let query = Query { subject, client_id, action: Action::Produce, topic, now_seconds };
        self.admin_rules()
            .filter(|rule| rule.mode == mode && rule.apis.contains(&access.api))
            .filter(|rule| rule.reach.covers(access.resource) && names_config(rule, access))
            .filter(|rule| asked == Asked::Really || !reads_wanted(rule))
            .filter(|rule| rule.principals.restrict(subject, client_id))
            .filter(|rule| self.exception(rule, subject, client_id, now_seconds).is_none())
            .filter_map(|rule| admin_denial(rule, &query, access))
            .collect()
    }

    /// The refusals of the data rules that deny a resource as a whole.
    fn data_denials(&self, access: &AccessQuery<'_>, action: Action, mode: Mode) -> Vec<Denial> {
        let AccessQuery { subject, client_id, now_seconds, resource, .. } = *access;
        let query = Query { subject, client_id, action, topic: resource.name(), now_seconds };
        self.data_rules(action)
            .map(|(rule, _)| rule)
            .filter(|rule| {
                rule.mode == mode && rule.reach.covers(resource) && rule.may_deny_whole()
            })
            .filter(|rule| rule.principals.restrict(subject, client_id))
            .filter(|rule| self.exception(rule, subject, client_id, now_seconds).is_none())
            .filter_map(|rule| data_denial(rule, &query))
            .collect()
    }

    /// Why a topic is not to be seen: neither readable nor writable, and nothing to administer.
    fn invisible(&self, query: &AccessQuery<'_>) -> Vec<Denial> {
        let looks = match query.operation {
            Operation::Describe | Operation::DescribeConfigs => true,
            Operation::Read
            | Operation::Write
            | Operation::Create
            | Operation::Delete
            | Operation::Alter
            | Operation::AlterConfigs
            | Operation::IdempotentWrite
            | Operation::TwoPhaseCommit => false,
        };
        if !looks || query.resource.kind() != ResourceKind::Topic {
            return Vec::new();
        }
        let mut denials = self.data_denials(query, Action::Consume, Mode::Enforce);
        if denials.is_empty() {
            return denials;
        }
        let unwritable = self.data_denials(query, Action::Produce, Mode::Enforce);
        if unwritable.is_empty() || self.administers(query) {
            return Vec::new();
        }
        denials.extend(unwritable);
        denials
    }

    /// Whether a permit, and no rule that asks for nothing else, lets the subject change the topic.
    fn administers(&self, query: &AccessQuery<'_>) -> bool {
        ADMINISTERING_APIS.into_iter().any(|api| {
            let operation = Operation::Alter;
            let query = AccessQuery { api, operation, wanted: Wanted::default(), ..*query };
            self.covering(&query).next().is_some()
                && self.admin_denials(&query, Mode::Enforce, Asked::InGeneral).is_empty()
        })
    }
}

impl<'q> Resource<'q> {
    /// Its name; empty for the cluster.
    #[must_use]
    pub fn name(&self) -> &'q str {
        match *self {
            Self::Topic(name) | Self::ConsumerGroup(name) | Self::TransactionalId(name) => name,
            Self::Cluster => "",
        }
    }
}

/// Whether the query is about the change that its API is there for. A request that changes topics
/// also looks at them, and who may look at a topic does not depend on who may change it.
fn changes(query: &AccessQuery<'_>) -> bool {
    let looks = match query.operation {
        Operation::Read | Operation::Write | Operation::Describe | Operation::DescribeConfigs => {
            true
        }
        Operation::Create
        | Operation::Delete
        | Operation::Alter
        | Operation::AlterConfigs
        | Operation::IdempotentWrite
        | Operation::TwoPhaseCommit => false,
    };
    !(looks && query.resource.kind() == ResourceKind::Topic)
}

/// The direction whose rules over this resource decide by themselves.
fn data_action(query: &AccessQuery<'_>) -> Option<Action> {
    match (query.resource, query.operation) {
        (Resource::Topic(_), Operation::Read) | (Resource::ConsumerGroup(_), _) => {
            Some(Action::Consume)
        }
        (Resource::Topic(_), Operation::Write) | (Resource::TransactionalId(_), _) => {
            Some(Action::Produce)
        }
        (Resource::Topic(_) | Resource::Cluster, _) => None,
    }
}

/// Whether a rule with `configs` is about a setting of this request.
fn names_config(rule: &Rule, access: &AccessQuery<'_>) -> bool {
    let Some(globs) = &rule.configs else { return true };
    let replaces = access.api == REPLACES_CONFIGS;
    replaces
        || CONFIG_APIS.contains(&access.api)
            && access.wanted.configs.iter().any(|(key, _)| globs.matches(key))
}

fn reads_wanted(rule: &Rule) -> bool {
    rule.configs.is_some() || rule.reads().wanted()
}

fn admin_denial(rule: &Rule, query: &Query<'_>, access: &AccessQuery<'_>) -> Option<Denial> {
    let mut errors = 0;
    if let Some(condition) = &rule.when {
        match condition.root.holds(&Scene::of_access(query, access)) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(_) => errors = 1,
        }
    }
    let RuleAction::Deny { code, .. } = &rule.action else { return None };
    // Kafka's own policies of a broker refuse these with POLICY_VIOLATION, its authorizer the rest.
    let shapes = CONFIG_APIS.contains(&access.api) || access.api == "CreatePartitions";
    let usual = if shapes { DenyCode::PolicyViolation } else { DenyCode::TopicAuthorizationFailed };
    Some(denial_of(rule, code.unwrap_or(usual), query.subject, errors))
}

/// The refusal of one data rule, if it is decided without a record.
fn data_denial(rule: &Rule, query: &Query<'_>) -> Option<Denial> {
    let mut errors = 0;
    if let Some(condition) = &rule.when {
        let scene = Scene::of_query(query);
        match condition.root.residue(&scene, &|_, pattern| pattern).decided()? {
            Ok(true) => {}
            Ok(false) => return None,
            Err(_) => errors = 1,
        }
    }
    // Whatever a producer is told of its records, here it asks as it would ask Kafka's authorizer.
    Some(denial_of(rule, DenyCode::TopicAuthorizationFailed, query.subject, errors))
}

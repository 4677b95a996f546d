//! May this subject do this to this resource: rules, permits and the built-in denials.

use std::sync::Arc;

use super::builtin;
use super::decision::{Decision, Denial};
use super::planning::{admin_denial, decide};
use super::query::{AccessQuery, Action, Operation, Query, Resource};
use super::rule::Mode;
use super::set::{CREATE_TOPICS, PolicySet};

/// APIs that change the cluster, or show what only its keepers should see: denied without a permit.
pub const PERMITTED_APIS: [&str; 22] = [
    "CreateTopics",
    "DeleteTopics",
    "DeleteRecords",
    "DescribeAcls",
    "CreateAcls",
    "DeleteAcls",
    "AlterConfigs",
    "AlterReplicaLogDirs",
    "CreatePartitions",
    "ElectLeaders",
    "IncrementalAlterConfigs",
    "AlterPartitionReassignments",
    "DescribeClientQuotas",
    "AlterClientQuotas",
    "DescribeUserScramCredentials",
    "AlterUserScramCredentials",
    "UpdateFeatures",
    "UnregisterBroker",
    "AddRaftVoter",
    "RemoveRaftVoter",
    "CreateDelegationToken",
    "DescribeDelegationToken",
];

impl PolicySet {
    /// Whether a request may do what it asks to one resource.
    #[must_use]
    pub fn access(&self, query: &AccessQuery<'_>) -> Decision {
        let principal: Arc<str> = query.subject.principal.to_string().into();
        if let Resource::Topic(topic) = query.resource
            && builtin::is_internal(topic)
        {
            return Decision::Deny(builtin::internal_topic(&principal));
        }
        let refused = self.access_denials(query, Mode::Enforce);
        let missing = (!self.permitted(query))
            .then(|| builtin::cluster_change(query.api, query.resource, &principal));
        // A rule says more than the missing permit does, so it comes first.
        decide(refused.into_iter().chain(missing))
    }

    /// The refusals that shadow rules would add to [`Self::access`].
    #[must_use]
    pub fn access_shadow(&self, query: &AccessQuery<'_>) -> Vec<Denial> {
        self.access_denials(query, Mode::Shadow)
    }

    /// The permit that lifts the built-in denial for this query, if one does.
    #[must_use]
    pub fn permit(&self, query: &AccessQuery<'_>) -> Option<&Arc<str>> {
        let found = self.permits().iter().find(|permit| {
            let covered = match query.resource {
                Resource::Topic(topic) => permit.topics.matches(topic),
                Resource::ConsumerGroup(_) | Resource::TransactionalId(_) | Resource::Cluster => {
                    true
                }
            };
            covered
                && permit.apis.iter().any(|api| api == query.api)
                && permit.principals.relieve(query.subject, query.client_id)
        });
        found.map(|permit| &permit.id)
    }

    fn permitted(&self, query: &AccessQuery<'_>) -> bool {
        let left_to_the_broker = query.broker_knows_user && query.api == CREATE_TOPICS;
        left_to_the_broker || !PERMITTED_APIS.contains(&query.api) || self.permit(query).is_some()
    }

    fn access_denials(&self, access: &AccessQuery<'_>, mode: Mode) -> Vec<Denial> {
        let AccessQuery { subject, client_id, now_seconds, .. } = *access;
        let Resource::Topic(topic) = access.resource else { return Vec::new() };
        let action = match access.operation {
            Operation::Read => Action::Consume,
            Operation::Write
            | Operation::Describe
            | Operation::Create
            | Operation::Delete
            | Operation::Alter
            | Operation::DescribeConfigs
            | Operation::AlterConfigs => Action::Produce,
        };
        // Conditions of admin rules read nothing that depends on the action.
        let query = Query { subject, client_id, action, topic, now_seconds };
        self.admin_rules()
            .filter(|rule| rule.mode == mode && rule.topics.matches(topic))
            .filter(|rule| rule.principals.restrict(subject, client_id))
            .filter(|rule| self.exception(rule, subject, client_id, now_seconds).is_none())
            .filter_map(|rule| admin_denial(rule, &query))
            .collect()
    }
}

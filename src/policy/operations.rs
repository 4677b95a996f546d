//! Kafka's access control list, operation by operation, and the rule that says the same.
//!
//! One table: the page `docs/reference/access.md` is written from it, it knows which APIs an admin
//! rule or a permit may name, and `authorizedOperations` (KIP-430) are counted from it. Sources:
//! `AclOperation`, `AclEntry.supportedOperations`, and what `KafkaApis` and `ControllerApis` ask
//! their authorizer for.

use super::query::{Operation, Resource};

/// The kinds of resource that a request can touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResourceKind {
    /// A topic.
    Topic,
    /// A consumer group: classic, consumer, share or streams.
    ConsumerGroup,
    /// A producer's `transactional.id`.
    TransactionalId,
    /// The cluster as a whole.
    Cluster,
}

impl ResourceKind {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 4] =
        [Self::Topic, Self::ConsumerGroup, Self::TransactionalId, Self::Cluster];

    /// What `request.resource` is in a condition.
    pub(super) fn in_conditions(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::ConsumerGroup => "consumer_group",
            Self::TransactionalId => "transactional_id",
            Self::Cluster => "cluster",
        }
    }

    /// What it is called in messages and in the page.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::ConsumerGroup => "consumer group",
            Self::TransactionalId => "transactional id",
            Self::Cluster => "cluster",
        }
    }
}

impl Resource<'_> {
    /// What kind of resource it is.
    #[must_use]
    pub fn kind(&self) -> ResourceKind {
        match self {
            Self::Topic(_) => ResourceKind::Topic,
            Self::ConsumerGroup(_) => ResourceKind::ConsumerGroup,
            Self::TransactionalId(_) => ResourceKind::TransactionalId,
            Self::Cluster => ResourceKind::Cluster,
        }
    }
}

impl Operation {
    /// Kafka's number (`AclOperation.code`), which is also the number of its bit in KIP-430.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Read => 3,
            Self::Write => 4,
            Self::Create => 5,
            Self::Delete => 6,
            Self::Alter => 7,
            Self::Describe => 8,
            Self::DescribeConfigs => 10,
            Self::AlterConfigs => 11,
            Self::IdempotentWrite => 12,
            Self::TwoPhaseCommit => 15,
        }
    }

    /// Kafka's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Write => "Write",
            Self::Create => "Create",
            Self::Delete => "Delete",
            Self::Alter => "Alter",
            Self::Describe => "Describe",
            Self::DescribeConfigs => "DescribeConfigs",
            Self::AlterConfigs => "AlterConfigs",
            Self::IdempotentWrite => "IdempotentWrite",
            Self::TwoPhaseCommit => "TwoPhaseCommit",
        }
    }
}

/// One operation on one kind of resource.
#[derive(Debug)]
pub struct AccessRow {
    /// The kind of resource.
    pub resource: ResourceKind,
    /// The operation.
    pub operation: Operation,
    /// The APIs whose requests ask for it.
    pub apis: &'static [&'static str],
    /// What of the policies says whether it is allowed.
    pub rule: &'static str,
}

const fn row(
    resource: ResourceKind,
    operation: Operation,
    apis: &'static [&'static str],
    rule: &'static str,
) -> AccessRow {
    AccessRow { resource, operation, apis, rule }
}

const PERMIT: &str =
    "Denied unless a permit names the API and the topic, and no admin rule denies.";
const GROUP: &str = "Allowed unless a consume rule with `consumer_groups` denies, or an admin rule \
                     that names the API.";
const TRANSACTION: &str = "Allowed unless a produce rule with `transactional_ids` denies, or an \
                           admin rule that names the API.";
const SEEN: &str = "Allowed unless an admin rule without a resource (or with `topics: [\"**\"]`) \
                    names the API; those of the list below need a permit.";
const KEPT: &str = "Denied unless a permit without `topics` (or with `topics: [\"**\"]`) names the \
                    API, and no admin rule denies.";

/// Everything that can be asked, by resource.
pub static ACCESS: &[AccessRow] = &[
    row(
        ResourceKind::Topic,
        Operation::Read,
        &[
            "Fetch",
            "ShareFetch",
            "ShareAcknowledge",
            "OffsetCommit",
            "TxnOffsetCommit",
            "OffsetDelete",
            "AlterShareGroupOffsets",
            "DeleteShareGroupOffsets",
            "DescribeProducers",
        ],
        "Allowed unless a consume rule with `deny`, which looks at no record, matches; or an admin \
         rule that names the API (but for Fetch and ShareFetch).",
    ),
    row(
        ResourceKind::Topic,
        Operation::Write,
        &["Produce", "AddPartitionsToTxn"],
        "Allowed unless a produce rule with `deny`, which looks at no record, matches; or an admin \
         rule that names AddPartitionsToTxn. Rules over records judge records, not the topic.",
    ),
    row(
        ResourceKind::Topic,
        Operation::Describe,
        &[
            "Metadata",
            "DescribeTopicPartitions",
            "ListOffsets",
            "OffsetForLeaderEpoch",
            "OffsetFetch",
            "ConsumerGroupHeartbeat",
            "ConsumerGroupDescribe",
            "ShareGroupHeartbeat",
            "ShareGroupDescribe",
            "StreamsGroupHeartbeat",
            "StreamsGroupDescribe",
            "DescribeShareGroupOffsets",
            "DescribeTransactions",
            "DeleteTopics",
        ],
        "Allowed for whoever may read it, write it, or has a permit to create, delete or alter it, \
         unless an admin rule names the API. A topic that may not be described is invisible.",
    ),
    row(ResourceKind::Topic, Operation::Create, &["CreateTopics"], PERMIT),
    row(ResourceKind::Topic, Operation::Delete, &["DeleteTopics", "DeleteRecords"], PERMIT),
    row(ResourceKind::Topic, Operation::Alter, &["CreatePartitions"], PERMIT),
    row(
        ResourceKind::Topic,
        Operation::DescribeConfigs,
        &["DescribeConfigs", "CreateTopics"],
        "As Describe, unless an admin rule names DescribeConfigs.",
    ),
    row(
        ResourceKind::Topic,
        Operation::AlterConfigs,
        &["IncrementalAlterConfigs", "AlterConfigs"],
        "Denied unless permits name the API, the topic and every key of the request, and no admin \
         rule denies.",
    ),
    row(
        ResourceKind::ConsumerGroup,
        Operation::Read,
        &[
            "JoinGroup",
            "SyncGroup",
            "Heartbeat",
            "LeaveGroup",
            "OffsetCommit",
            "TxnOffsetCommit",
            "AddOffsetsToTxn",
            "ConsumerGroupHeartbeat",
            "ShareGroupHeartbeat",
            "ShareFetch",
            "ShareAcknowledge",
            "StreamsGroupHeartbeat",
            "AlterShareGroupOffsets",
        ],
        GROUP,
    ),
    row(
        ResourceKind::ConsumerGroup,
        Operation::Describe,
        &[
            "FindCoordinator",
            "OffsetFetch",
            "DescribeGroups",
            "ListGroups",
            "ConsumerGroupDescribe",
            "ShareGroupDescribe",
            "StreamsGroupDescribe",
            "DescribeShareGroupOffsets",
        ],
        GROUP,
    ),
    row(
        ResourceKind::ConsumerGroup,
        Operation::Delete,
        &["DeleteGroups", "OffsetDelete", "DeleteShareGroupOffsets"],
        GROUP,
    ),
    row(ResourceKind::ConsumerGroup, Operation::DescribeConfigs, &["DescribeConfigs"], GROUP),
    row(
        ResourceKind::ConsumerGroup,
        Operation::AlterConfigs,
        &["IncrementalAlterConfigs", "AlterConfigs"],
        "Denied unless a permit without `topics` (or with `topics: [\"**\"]`) names the API and \
         every key, and no rule denies the group.",
    ),
    row(
        ResourceKind::TransactionalId,
        Operation::Write,
        &[
            "Produce",
            "InitProducerId",
            "AddPartitionsToTxn",
            "AddOffsetsToTxn",
            "TxnOffsetCommit",
            "EndTxn",
        ],
        TRANSACTION,
    ),
    row(
        ResourceKind::TransactionalId,
        Operation::Describe,
        &["FindCoordinator", "DescribeTransactions", "ListTransactions"],
        TRANSACTION,
    ),
    row(ResourceKind::TransactionalId, Operation::TwoPhaseCommit, &["InitProducerId"], TRANSACTION),
    row(ResourceKind::Cluster, Operation::Create, &["CreateTopics"], KEPT),
    row(
        ResourceKind::Cluster,
        Operation::Alter,
        &[
            "CreateAcls",
            "DeleteAcls",
            "AlterReplicaLogDirs",
            "ElectLeaders",
            "AlterPartitionReassignments",
            "AlterUserScramCredentials",
            "UpdateFeatures",
            "UnregisterBroker",
            "AddRaftVoter",
            "RemoveRaftVoter",
            "CreateDelegationToken",
            "RenewDelegationToken",
            "ExpireDelegationToken",
        ],
        KEPT,
    ),
    row(
        ResourceKind::Cluster,
        Operation::Describe,
        &[
            "ListGroups",
            "DescribeLogDirs",
            "ListPartitionReassignments",
            "DescribeQuorum",
            "DescribeAcls",
            "DescribeUserScramCredentials",
            "DescribeDelegationToken",
        ],
        SEEN,
    ),
    row(
        ResourceKind::Cluster,
        Operation::DescribeConfigs,
        &["DescribeConfigs", "ListConfigResources", "DescribeClientQuotas"],
        SEEN,
    ),
    row(
        ResourceKind::Cluster,
        Operation::AlterConfigs,
        &["IncrementalAlterConfigs", "AlterConfigs", "AlterClientQuotas"],
        KEPT,
    ),
    row(
        ResourceKind::Cluster,
        Operation::IdempotentWrite,
        &["InitProducerId"],
        "Allowed unless an admin rule without a resource names InitProducerId.",
    ),
];

/// APIs that change the cluster, or show what only its keepers should see: denied without a permit.
/// Tokens of delegation have no operation of their own here: they count as the cluster's.
pub const PERMITTED_APIS: [&str; 24] = [
    "CreateTopics",
    "DeleteTopics",
    "DeleteRecords",
    "DescribeAcls",
    "CreateAcls",
    "DeleteAcls",
    "AlterConfigs",
    "AlterReplicaLogDirs",
    "CreatePartitions",
    "CreateDelegationToken",
    "RenewDelegationToken",
    "ExpireDelegationToken",
    "DescribeDelegationToken",
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
];

/// Those that change consumer groups: what an admin rule over groups is about if it names no API.
pub(super) const GROUP_APIS: [&str; 6] = [
    "DeleteGroups",
    "OffsetDelete",
    "AlterConfigs",
    "IncrementalAlterConfigs",
    "AlterShareGroupOffsets",
    "DeleteShareGroupOffsets",
];

/// Those that are judged by rules of the data directions only.
pub(super) const DATA_APIS: [&str; 3] = ["Produce", "Fetch", "ShareFetch"];

/// Those whose requests give values to settings.
pub(super) const CONFIG_APIS: [&str; 3] =
    ["CreateTopics", "AlterConfigs", "IncrementalAlterConfigs"];

/// The name of an API as the table has it, if an admin rule may name it.
pub(super) fn nameable(api: &str) -> Option<&'static str> {
    nameable_apis().find(|known| *known == api)
}

/// Every API that an admin rule may name; some come more than once.
pub(super) fn nameable_apis() -> impl Iterator<Item = &'static str> {
    let apis = ACCESS.iter().flat_map(|row| row.apis.iter().copied());
    apis.filter(|api| !DATA_APIS.contains(api))
}

/// Whether requests of an API touch a kind of resource.
pub(super) fn touches(api: &str, kind: ResourceKind) -> bool {
    ACCESS.iter().any(|row| row.resource == kind && row.apis.contains(&api))
}

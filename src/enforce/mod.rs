//! The policy enforcement point: one file for each Kafka API that is judged.
//!
//! An enforcement is a pure function: a frame and what is known go in, an [`Outcome`] comes out.
//! What is missing is asked for with [`Outcome::Wait`], and the same function runs again from the
//! start.
//!
//! [`ENFORCEMENTS`] has a row for every API key of Kafka's message definitions; `tests/tables.rs`
//! holds it to that. What has no row is never forwarded.

use std::ops::RangeInclusive;

pub mod access;
mod acls;
mod add_partitions_to_txn;
pub mod addresses;
mod alter_configs;
mod api_versions;
mod authorized;
mod beyond;
pub mod broker_login;
mod client_quotas;
mod cluster_members;
mod config_resource;
mod consume;
mod create_partitions;
mod create_topics;
mod delegation_tokens;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_quorum;
mod describe_share_group_offsets;
mod describe_topic_partitions;
mod describe_transactions;
mod elect_leaders;
mod endpoints;
pub mod errand;
mod evidence;
mod exchange;
pub mod facts;
mod fetch;
mod find_coordinator;
mod group_describe;
mod group_heartbeat;
mod group_spans;
pub mod hidden;
mod list_config_resources;
mod list_offsets;
mod listings;
mod log_dirs;
mod membership;
mod metadata;
mod naming;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod operations;
pub mod outcome;
mod plans;
mod produce;
mod reassignments;
mod records;
mod refused;
mod reservations;
mod sasl;
mod scram_credentials;
pub mod seats;
mod share;
mod share_group_offsets;
mod spans;
mod splice;
mod streams_groups;
mod topics;
mod transactions;
mod whole;

pub use access::{Access, Decisions, Refusal};
pub use addresses::{Address, Addresses, NameLayout, Named, PortLayout};
pub use api_versions::unknown_version_answer;
pub use evidence::{Evidence, session_row};
pub use facts::{Cluster, Connection, Effects, Facts, Issuer, Login, Notice};
pub use outcome::{Answer, CloseReason, Forward, Judge, Need, Outcome, Request, Response};
pub use outcome::{ResponseOutcome, Slices};
pub use plans::Plans;
pub use records::{ToolPool, Workshop};
pub use sasl::{enter, take_seat};
pub use share::ShareSessions;
pub use topics::{NameCache, TopicNames};

use kafka_protocol::messages;

use self::exchange::Of;
use self::whole::{AsWhole, Whole};
use crate::policy::DenyCode;
use crate::wire::{ApiKey, ErrorCode, shape};

/// One Kafka API, judged.
pub trait Enforcement: Sync {
    /// Judges one request. Pure; runs again from the start after an [`Outcome::Wait`].
    fn request(&self, facts: &mut Facts<'_>, request: &Request) -> Outcome;
}

/// What Lockgate does with one API key.
pub struct Row {
    pub key: ApiKey,
    pub treatment: Treatment,
    /// The versions that are judged; `None`: those that Kafka's own definitions call stable.
    pub versions: Option<RangeInclusive<i16>>,
}

/// Whether an API is judged, or not there.
pub enum Treatment {
    Enforced(&'static dyn Enforcement),
    /// Not offered; a request closes the connection.
    Hidden {
        why: &'static str,
    },
}

/// Whether a request that goes on leaves a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Evident {
    Row,
    /// Sent every few seconds by every client to stay alive or to find its way.
    Quiet,
}

/// The range of an API that no message definition has.
#[allow(clippy::reversed_empty_ranges)] // It is meant to be empty.
const NO_VERSIONS: RangeInclusive<i16> = 0..=-1;

impl Row {
    /// The versions that a client may use, before the broker's own range narrows them.
    #[must_use]
    pub fn versions(&self) -> RangeInclusive<i16> {
        match &self.versions {
            Some(versions) => versions.clone(),
            None => shape::api(self.key.0).map_or(NO_VERSIONS, |api| api.versions_stable.clone()),
        }
    }
}

const fn enforced(
    key: ApiKey,
    enforcement: &'static dyn Enforcement,
    versions: RangeInclusive<i16>,
) -> Row {
    Row { key, treatment: Treatment::Enforced(enforcement), versions: Some(versions) }
}

/// A request that one error refuses whole.
const fn whole<M: Whole>() -> Of<AsWhole<M>> {
    Of::new()
}

/// The judged APIs. Those that decode with the protocol crate stop at the crate's newest version.
pub static ENFORCEMENTS: &[Row] = &[
    enforced(ApiKey::PRODUCE, &produce::Produce, 3..=13),
    enforced(ApiKey::FETCH, &fetch::Fetch, 4..=18),
    enforced(ApiKey::LIST_OFFSETS, &Of::<list_offsets::ListOffsets>::new(), 1..=11),
    enforced(ApiKey::METADATA, &metadata::Metadata, 0..=13),
    enforced(ApiKey::OFFSET_COMMIT, &Of::<offset_commit::OffsetCommit>::new(), 2..=10),
    enforced(ApiKey::OFFSET_FETCH, &Of::<offset_fetch::OffsetFetch>::new(), 1..=10),
    enforced(ApiKey::FIND_COORDINATOR, &Of::<find_coordinator::FindCoordinator>::new(), 0..=6),
    enforced(ApiKey::JOIN_GROUP, &whole::<messages::JoinGroupRequest>(), 0..=9),
    enforced(ApiKey::HEARTBEAT, &whole::<messages::HeartbeatRequest>(), 0..=4),
    enforced(ApiKey::LEAVE_GROUP, &whole::<messages::LeaveGroupRequest>(), 0..=5),
    enforced(ApiKey::SYNC_GROUP, &whole::<messages::SyncGroupRequest>(), 0..=5),
    enforced(ApiKey::DESCRIBE_GROUPS, &Of::<describe_groups::DescribeGroups>::new(), 0..=6),
    enforced(ApiKey::LIST_GROUPS, &Of::<listings::ListGroups>::new(), 0..=5),
    enforced(ApiKey::SASL_HANDSHAKE, &sasl::SaslHandshake, 1..=1),
    enforced(ApiKey::API_VERSIONS, &api_versions::ApiVersions, 0..=4),
    enforced(ApiKey::CREATE_TOPICS, &Of::<create_topics::CreateTopics>::new(), 2..=7),
    enforced(ApiKey::DELETE_TOPICS, &Of::<delete_topics::DeleteTopics>::new(), 1..=6),
    enforced(ApiKey::DELETE_RECORDS, &Of::<delete_records::DeleteRecords>::new(), 0..=2),
    enforced(ApiKey::INIT_PRODUCER_ID, &whole::<messages::InitProducerIdRequest>(), 0..=5),
    enforced(
        ApiKey::OFFSET_FOR_LEADER_EPOCH,
        &Of::<list_offsets::OffsetForLeaderEpoch>::new(),
        2..=4,
    ),
    enforced(
        ApiKey::ADD_PARTITIONS_TO_TXN,
        &Of::<add_partitions_to_txn::AddPartitionsToTxn>::new(),
        0..=3,
    ),
    enforced(ApiKey::ADD_OFFSETS_TO_TXN, &whole::<messages::AddOffsetsToTxnRequest>(), 0..=4),
    enforced(ApiKey::END_TXN, &whole::<messages::EndTxnRequest>(), 0..=5),
    enforced(ApiKey::TXN_OFFSET_COMMIT, &Of::<offset_commit::TxnOffsetCommit>::new(), 0..=5),
    enforced(ApiKey::DESCRIBE_ACLS, &Of::<acls::DescribeAcls>::new(), 1..=3),
    enforced(ApiKey::CREATE_ACLS, &Of::<acls::CreateAcls>::new(), 1..=3),
    enforced(ApiKey::DELETE_ACLS, &Of::<acls::DeleteAcls>::new(), 1..=3),
    enforced(ApiKey::DESCRIBE_CONFIGS, &Of::<describe_configs::DescribeConfigs>::new(), 1..=4),
    enforced(ApiKey::ALTER_CONFIGS, &Of::<alter_configs::AlterConfigs>::new(), 0..=2),
    enforced(ApiKey::ALTER_REPLICA_LOG_DIRS, &Of::<log_dirs::AlterReplicaLogDirs>::new(), 1..=2),
    enforced(ApiKey::DESCRIBE_LOG_DIRS, &Of::<log_dirs::DescribeLogDirs>::new(), 1..=5),
    enforced(ApiKey::SASL_AUTHENTICATE, &sasl::SaslAuthenticate, 0..=2),
    enforced(ApiKey::CREATE_PARTITIONS, &Of::<create_partitions::CreatePartitions>::new(), 0..=3),
    enforced(
        ApiKey::CREATE_DELEGATION_TOKEN,
        &Of::<delegation_tokens::CreateDelegationToken>::new(),
        1..=3,
    ),
    enforced(
        ApiKey::RENEW_DELEGATION_TOKEN,
        &Of::<delegation_tokens::RenewDelegationToken>::new(),
        1..=2,
    ),
    enforced(
        ApiKey::EXPIRE_DELEGATION_TOKEN,
        &Of::<delegation_tokens::ExpireDelegationToken>::new(),
        1..=2,
    ),
    enforced(
        ApiKey::DESCRIBE_DELEGATION_TOKEN,
        &Of::<delegation_tokens::DescribeDelegationToken>::new(),
        1..=3,
    ),
    enforced(ApiKey::DELETE_GROUPS, &Of::<delete_groups::DeleteGroups>::new(), 0..=2),
    enforced(ApiKey::ELECT_LEADERS, &Of::<elect_leaders::ElectLeaders>::new(), 0..=2),
    enforced(
        ApiKey::INCREMENTAL_ALTER_CONFIGS,
        &Of::<alter_configs::IncrementalAlterConfigs>::new(),
        0..=1,
    ),
    enforced(
        ApiKey::ALTER_PARTITION_REASSIGNMENTS,
        &Of::<reassignments::AlterPartitionReassignments>::new(),
        0..=1,
    ),
    enforced(
        ApiKey::LIST_PARTITION_REASSIGNMENTS,
        &Of::<reassignments::ListPartitionReassignments>::new(),
        0..=0,
    ),
    enforced(ApiKey::OFFSET_DELETE, &Of::<offset_delete::OffsetDelete>::new(), 0..=0),
    enforced(
        ApiKey::DESCRIBE_CLIENT_QUOTAS,
        &Of::<client_quotas::DescribeClientQuotas>::new(),
        0..=1,
    ),
    enforced(ApiKey::ALTER_CLIENT_QUOTAS, &Of::<client_quotas::AlterClientQuotas>::new(), 0..=1),
    enforced(
        ApiKey::DESCRIBE_USER_SCRAM_CREDENTIALS,
        &Of::<scram_credentials::DescribeUserScramCredentials>::new(),
        0..=0,
    ),
    enforced(
        ApiKey::ALTER_USER_SCRAM_CREDENTIALS,
        &Of::<scram_credentials::AlterUserScramCredentials>::new(),
        0..=0,
    ),
    enforced(ApiKey::DESCRIBE_QUORUM, &Of::<describe_quorum::DescribeQuorum>::new(), 0..=2),
    enforced(ApiKey::UPDATE_FEATURES, &Of::<cluster_members::UpdateFeatures>::new(), 0..=2),
    enforced(ApiKey::DESCRIBE_CLUSTER, &Of::<describe_cluster::DescribeCluster>::new(), 0..=2),
    enforced(
        ApiKey::DESCRIBE_PRODUCERS,
        &Of::<describe_transactions::DescribeProducers>::new(),
        0..=0,
    ),
    enforced(ApiKey::UNREGISTER_BROKER, &Of::<cluster_members::UnregisterBroker>::new(), 0..=0),
    enforced(
        ApiKey::DESCRIBE_TRANSACTIONS,
        &Of::<describe_transactions::DescribeTransactions>::new(),
        0..=0,
    ),
    enforced(ApiKey::LIST_TRANSACTIONS, &Of::<listings::ListTransactions>::new(), 0..=2),
    enforced(
        ApiKey::CONSUMER_GROUP_HEARTBEAT,
        &whole::<messages::ConsumerGroupHeartbeatRequest>(),
        0..=1,
    ),
    enforced(
        ApiKey::CONSUMER_GROUP_DESCRIBE,
        &Of::<group_describe::ConsumerGroupDescribe>::new(),
        0..=1,
    ),
    enforced(
        ApiKey::LIST_CONFIG_RESOURCES,
        &Of::<list_config_resources::ListConfigResources>::new(),
        0..=1,
    ),
    enforced(
        ApiKey::DESCRIBE_TOPIC_PARTITIONS,
        &Of::<describe_topic_partitions::DescribeTopicPartitions>::new(),
        0..=0,
    ),
    enforced(
        ApiKey::SHARE_GROUP_HEARTBEAT,
        &whole::<messages::ShareGroupHeartbeatRequest>(),
        1..=1,
    ),
    enforced(ApiKey::SHARE_GROUP_DESCRIBE, &Of::<group_describe::ShareGroupDescribe>::new(), 1..=1),
    enforced(ApiKey::ADD_RAFT_VOTER, &Of::<cluster_members::AddRaftVoter>::new(), 0..=0),
    enforced(ApiKey::REMOVE_RAFT_VOTER, &Of::<cluster_members::RemoveRaftVoter>::new(), 0..=0),
    enforced(ApiKey::STREAMS_GROUP_HEARTBEAT, &streams_groups::StreamsGroupHeartbeat, 0..=0),
    enforced(ApiKey::STREAMS_GROUP_DESCRIBE, &streams_groups::StreamsGroupDescribe, 0..=0),
    enforced(
        ApiKey::DESCRIBE_SHARE_GROUP_OFFSETS,
        &describe_share_group_offsets::DescribeShareGroupOffsets,
        0..=1,
    ),
    enforced(
        ApiKey::ALTER_SHARE_GROUP_OFFSETS,
        &Of::<share_group_offsets::AlterShareGroupOffsets>::new(),
        0..=0,
    ),
    enforced(
        ApiKey::DELETE_SHARE_GROUP_OFFSETS,
        &Of::<share_group_offsets::DeleteShareGroupOffsets>::new(),
        0..=0,
    ),
    // Read in place, so at versions that the protocol crate does not know.
    enforced(ApiKey::SHARE_FETCH, &share::Share, 1..=2),
    enforced(ApiKey::SHARE_ACKNOWLEDGE, &share::Share, 1..=2),
];

/// Every row: judged, hidden.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    ENFORCEMENTS.iter().chain(hidden::HIDDEN)
}

/// The row of one API key, if it has one.
#[must_use]
pub fn row(key: ApiKey) -> Option<&'static Row> {
    rows().find(|row| row.key == key)
}

/// The APIs of a login that ends here, offered whatever the broker offers.
pub(crate) fn login_keys() -> [ApiKey; 2] {
    [ApiKey::SASL_HANDSHAKE, ApiKey::SASL_AUTHENTICATE]
}

/// The APIs that a connection may use before its login.
#[must_use]
pub fn is_open_before_login(key: ApiKey) -> bool {
    key == ApiKey::API_VERSIONS || login_keys().contains(&key)
}

/// Kafka's code for a refusal.
#[must_use]
pub fn error_code(code: DenyCode) -> ErrorCode {
    match code {
        DenyCode::InvalidRecord => ErrorCode::INVALID_RECORD,
        DenyCode::PolicyViolation => ErrorCode::POLICY_VIOLATION,
        DenyCode::MessageTooLarge => ErrorCode::MESSAGE_TOO_LARGE,
        DenyCode::TopicAuthorizationFailed => ErrorCode::TOPIC_AUTHORIZATION_FAILED,
    }
}

/// A judge's work that may fail in the codec; then the connection ends.
type Judged = Result<ResponseOutcome, CloseReason>;

/// Ends the connection where judging failed.
fn settled(judged: Judged) -> ResponseOutcome {
    judged.unwrap_or_else(ResponseOutcome::Close)
}

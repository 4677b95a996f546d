//! The table: one case for each API, and what is known to differ.

use crate::run::Run;
use crate::{cluster, data, groups, share, topics, transactions};

pub type Case = fn(&mut Run<'_>);

/// By the name of the API.
pub static CASES: &[(&str, Case)] = &[
    ("Produce", data::produce),
    ("Fetch", data::fetch),
    ("ListOffsets", data::list_offsets),
    ("OffsetForLeaderEpoch", data::offset_for_leader_epoch),
    ("DeleteRecords", data::delete_records),
    ("DescribeProducers", data::describe_producers),
    ("FindCoordinator", groups::find_coordinator),
    ("JoinGroup", groups::join_group),
    ("SyncGroup", groups::sync_group),
    ("Heartbeat", groups::heartbeat),
    ("LeaveGroup", groups::leave_group),
    ("OffsetCommit", groups::offset_commit),
    ("OffsetFetch", groups::offset_fetch),
    ("DescribeGroups", groups::describe_groups),
    ("ListGroups", groups::list_groups),
    ("DeleteGroups", groups::delete_groups),
    ("OffsetDelete", groups::offset_delete),
    ("ConsumerGroupHeartbeat", groups::consumer_group_heartbeat),
    ("ConsumerGroupDescribe", groups::consumer_group_describe),
    ("ShareGroupHeartbeat", share::share_group_heartbeat),
    ("ShareGroupDescribe", share::share_group_describe),
    ("ShareFetch", share::share_fetch),
    ("ShareAcknowledge", share::share_acknowledge),
    ("DescribeShareGroupOffsets", share::describe_share_group_offsets),
    ("AlterShareGroupOffsets", share::alter_share_group_offsets),
    ("DeleteShareGroupOffsets", share::delete_share_group_offsets),
    ("StreamsGroupHeartbeat", share::streams_group_heartbeat),
    ("StreamsGroupDescribe", share::streams_group_describe),
    ("InitProducerId", transactions::init_producer_id),
    ("AddPartitionsToTxn", transactions::add_partitions_to_txn),
    ("AddOffsetsToTxn", transactions::add_offsets_to_txn),
    ("TxnOffsetCommit", transactions::txn_offset_commit),
    ("EndTxn", transactions::end_txn),
    ("DescribeTransactions", transactions::describe_transactions),
    ("ListTransactions", transactions::list_transactions),
    ("Metadata", topics::metadata),
    ("DescribeTopicPartitions", topics::describe_topic_partitions),
    ("CreateTopics", topics::create_topics),
    ("DeleteTopics", topics::delete_topics),
    ("CreatePartitions", topics::create_partitions),
    ("DescribeConfigs", topics::describe_configs),
    ("AlterConfigs", topics::alter_configs),
    ("IncrementalAlterConfigs", topics::incremental_alter_configs),
    ("ElectLeaders", topics::elect_leaders),
    ("AlterPartitionReassignments", topics::alter_partition_reassignments),
    ("ListPartitionReassignments", topics::list_partition_reassignments),
    ("ListConfigResources", topics::list_config_resources),
    ("DescribeAcls", cluster::describe_acls),
    ("CreateAcls", cluster::create_acls),
    ("DeleteAcls", cluster::delete_acls),
    ("DescribeClientQuotas", cluster::describe_client_quotas),
    ("AlterClientQuotas", cluster::alter_client_quotas),
    ("DescribeUserScramCredentials", cluster::describe_user_scram_credentials),
    ("AlterUserScramCredentials", cluster::alter_user_scram_credentials),
    ("DescribeQuorum", cluster::describe_quorum),
    ("UpdateFeatures", cluster::update_features),
    ("DescribeCluster", cluster::describe_cluster),
    ("UnregisterBroker", cluster::unregister_broker),
    ("AddRaftVoter", cluster::add_raft_voter),
    ("RemoveRaftVoter", cluster::remove_raft_voter),
    ("AlterReplicaLogDirs", cluster::alter_replica_log_dirs),
    ("DescribeLogDirs", cluster::describe_log_dirs),
    ("CreateDelegationToken", cluster::create_delegation_token),
    ("RenewDelegationToken", cluster::renew_delegation_token),
    ("ExpireDelegationToken", cluster::expire_delegation_token),
    ("DescribeDelegationToken", cluster::describe_delegation_token),
];

/// APIs that no authorizer judges and that are Lockgate's own.
pub static NOT_COMPARED: &[(&str, &str)] = &[
    ("SaslHandshake", "the login ends at Lockgate"),
    ("SaslAuthenticate", "the login ends at Lockgate"),
    ("ApiVersions", "the ranges are narrowed to what is judged"),
];

/// For all three.
pub const EVERYBODY: &str = "everybody";

/// API, who, and why the answers differ.
pub static DIFFERENCES: &[(&str, &str, &str)] = &[
    ("ListGroups", "bob", "a rule that hides a group hides it from keepers of the cluster too"),
    ("ListConfigResources", "bob", "and a topic that is hidden is in no listing"),
    ("ShareFetch", "alice", "Kafka writes broker 0 for a leader that it does not tell, not -1"),
    ("AlterShareGroupOffsets", "alice", "Kafka tells the id of a topic that it refuses"),
    (
        "Metadata",
        "alice",
        "only the broker knows whether it creates topics by itself, so one that \
                           may not be created is unknown and not refused",
    ),
    ("DeleteTopics", "alice", "who may not delete is not told which names are free"),
    ("DescribeAcls", "bob", "this broker has no access lists"),
    ("CreateAcls", "bob", "this broker has no access lists"),
    ("DeleteAcls", "bob", "this broker has no access lists"),
    ("DescribeQuorum", "bob", "the controllers' addresses are left out"),
    ("CreateDelegationToken", EVERYBODY, "Lockgate's login at the broker asks for no tokens"),
    ("RenewDelegationToken", EVERYBODY, "Lockgate's login at the broker asks for no tokens"),
    ("ExpireDelegationToken", EVERYBODY, "Lockgate's login at the broker asks for no tokens"),
    ("DescribeDelegationToken", EVERYBODY, "Lockgate's login at the broker asks for no tokens"),
];

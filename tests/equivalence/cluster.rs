//! The cluster itself: access lists, quotas, logins, members, disks.

use bytes::Bytes;
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::alter_replica_log_dirs_request::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic,
};
use kafka_protocol::messages::alter_user_scram_credentials_request::ScramCredentialUpsertion;
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::describe_user_scram_credentials_request::UserName;
use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::{
    AddRaftVoterRequest, AlterClientQuotasRequest, AlterReplicaLogDirsRequest,
    AlterUserScramCredentialsRequest, BrokerId, CreateAclsRequest, CreateDelegationTokenRequest,
    DeleteAclsRequest, DescribeAclsRequest, DescribeClientQuotasRequest, DescribeClusterRequest,
    DescribeDelegationTokenRequest, DescribeLogDirsRequest, DescribeQuorumRequest,
    DescribeUserScramCredentialsRequest, ExpireDelegationTokenRequest, RemoveRaftVoterRequest,
    RenewDelegationTokenRequest, UnregisterBrokerRequest, UpdateFeaturesRequest,
};
use uuid::Uuid;

use crate::run::{OTHER, Run, TEAM};
use crate::world::{text, topic_name};

/// A broker that is not there.
const NO_BROKER: i32 = 77;

pub fn describe_acls(run: &mut Run<'_>) {
    let request = DescribeAclsRequest::default()
        .with_resource_type_filter(2)
        .with_resource_name_filter(Some(text("team.nothing")))
        .with_pattern_type_filter(3)
        .with_operation(1)
        .with_permission_type(1);
    run.ask(&request);
}

pub fn create_acls(run: &mut Run<'_>) {
    let creation = AclCreation::default()
        .with_resource_type(2)
        .with_resource_name(text(&run.own("acl")))
        .with_resource_pattern_type(3)
        .with_principal(text("User:dave"))
        .with_host(text("*"))
        .with_operation(3)
        .with_permission_type(3);
    run.ask(&CreateAclsRequest::default().with_creations(vec![creation]));
}

pub fn delete_acls(run: &mut Run<'_>) {
    let filter = DeleteAclsFilter::default()
        .with_resource_type_filter(2)
        .with_resource_name_filter(Some(text("team.nothing")))
        .with_pattern_type_filter(3)
        .with_operation(1)
        .with_permission_type(1);
    run.ask(&DeleteAclsRequest::default().with_filters(vec![filter]));
}

pub fn describe_client_quotas(run: &mut Run<'_>) {
    run.ask(&DescribeClientQuotasRequest::default());
}

pub fn alter_client_quotas(run: &mut Run<'_>) {
    let entity =
        EntityData::default().with_entity_type(text("user")).with_entity_name(Some(text(run.who)));
    let quota = OpData::default().with_key(text("producer_byte_rate")).with_value(1e9);
    let entry = EntryData::default().with_entity(vec![entity]).with_ops(vec![quota]);
    run.ask(&AlterClientQuotasRequest::default().with_entries(vec![entry]));
}

pub fn describe_user_scram_credentials(run: &mut Run<'_>) {
    let users = vec![UserName::default().with_name(text("nobody"))];
    run.ask(&DescribeUserScramCredentialsRequest::default().with_users(Some(users)));
}

pub fn alter_user_scram_credentials(run: &mut Run<'_>) {
    let credential = ScramCredentialUpsertion::default()
        .with_name(text(run.who))
        .with_mechanism(1)
        .with_iterations(4_096)
        .with_salt(Bytes::from_static(b"salt-of-the-test"))
        .with_salted_password(Bytes::from_static(&[7; 32]));
    run.ask(&AlterUserScramCredentialsRequest::default().with_upsertions(vec![credential]));
}

pub fn describe_quorum(run: &mut Run<'_>) {
    let topic = TopicData::default()
        .with_topic_name(topic_name("__cluster_metadata"))
        .with_partitions(vec![PartitionData::default()]);
    run.ask(&DescribeQuorumRequest::default().with_topics(vec![topic]));
}

pub fn update_features(run: &mut Run<'_>) {
    let update =
        FeatureUpdateKey::default().with_feature(text("no.such.feature")).with_max_version_level(1);
    run.ask(&UpdateFeaturesRequest::default().with_feature_updates(vec![update]));
}

pub fn describe_cluster(run: &mut Run<'_>) {
    let request = DescribeClusterRequest::default();
    run.ask(&request.clone());
    run.ask(&request.with_include_cluster_authorized_operations(true));
}

pub fn unregister_broker(run: &mut Run<'_>) {
    run.ask(&UnregisterBrokerRequest::default().with_broker_id(BrokerId(NO_BROKER)));
}

pub fn add_raft_voter(run: &mut Run<'_>) {
    let request = AddRaftVoterRequest::default()
        .with_cluster_id(None)
        .with_voter_id(NO_BROKER)
        .with_voter_directory_id(Uuid::from_u128(77));
    run.ask(&request);
}

pub fn remove_raft_voter(run: &mut Run<'_>) {
    let request = RemoveRaftVoterRequest::default()
        .with_cluster_id(None)
        .with_voter_id(NO_BROKER)
        .with_voter_directory_id(Uuid::from_u128(77));
    run.ask(&request);
}

pub fn alter_replica_log_dirs(run: &mut Run<'_>) {
    let topics = [TEAM, OTHER, "team.absent"].map(|name| {
        AlterReplicaLogDirTopic::default().with_name(topic_name(name)).with_partitions(vec![0])
    });
    let place = AlterReplicaLogDir::default().with_path(text("/nowhere"));
    let place = place.with_topics(topics.into());
    run.ask(&AlterReplicaLogDirsRequest::default().with_dirs(vec![place]));
}

pub fn describe_log_dirs(run: &mut Run<'_>) {
    run.ask(&DescribeLogDirsRequest::default().with_topics(Some(Vec::new())));
}

pub fn create_delegation_token(run: &mut Run<'_>) {
    run.ask(&CreateDelegationTokenRequest::default().with_max_lifetime_ms(-1));
}

pub fn renew_delegation_token(run: &mut Run<'_>) {
    let request = RenewDelegationTokenRequest::default().with_hmac(Bytes::from_static(b"none"));
    run.ask(&request);
}

pub fn expire_delegation_token(run: &mut Run<'_>) {
    let request = ExpireDelegationTokenRequest::default().with_hmac(Bytes::from_static(b"none"));
    run.ask(&request);
}

pub fn describe_delegation_token(run: &mut Run<'_>) {
    run.ask(&DescribeDelegationTokenRequest::default().with_owners(None));
}

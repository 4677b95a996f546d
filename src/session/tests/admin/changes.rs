//! Changes that are judged whole: one permit, one answer.

use kafka_protocol::messages::*;

use super::{creatable, goes_on, refused_whole, text, topic};
use crate::wire::ApiKey;

const CLUSTER: i16 = 31;
const TOPIC: i16 = 29;

#[test]
fn topics_are_created_with_a_permit_only() {
    let message = CreateTopicsRequest::default().with_topics(vec![creatable("a"), creatable("b")]);
    refused_whole(
        ApiKey::CREATE_TOPICS,
        &message,
        &[TOPIC, TOPIC],
        |_, a: &CreateTopicsResponse| a.topics.iter().map(|t| t.error_code).collect(),
    );
    let result =
        |name| create_topics_response::CreatableTopicResult::default().with_name(topic(name));
    let answer = CreateTopicsResponse::default()
        .with_topics(vec![result("b").with_error_code(36), result("a")]);
    let key = ApiKey::CREATE_TOPICS;
    goes_on(key, (&message, &["a", "b"]), (&answer, &[36, 0]));
}

#[test]
fn topics_are_deleted_by_name_with_a_permit_only() {
    let key = ApiKey::DELETE_TOPICS;
    for version in [1, 5] {
        let message = DeleteTopicsRequest::default().with_topic_names(vec![topic("a")]);
        let mut talk = super::Talk::begun(super::CLOSED);
        talk.client(&super::request(key, version, 1, &message));
        let answer: DeleteTopicsResponse = talk.answer(key, version);
        assert_eq!(answer.responses[0].error_code, TOPIC);
        assert_eq!(answer.responses[0].error_message.is_some(), version == 5);
        let mut talk = super::Talk::begun(&super::permitting("DeleteTopics"));
        let frame = super::request(key, version, 1, &message);
        talk.client(&frame);
        assert_eq!(talk.to_broker(), [frame.slice(4..)]);
        let result = delete_topics_response::DeletableTopicResult::default()
            .with_name(Some(topic("a")))
            .with_error_code(3);
        let answer = DeleteTopicsResponse::default().with_responses(vec![result]);
        talk.broker(&super::response(key, version, 1, &answer));
        assert_eq!(super::codes(&talk), [3]);
    }
}

#[test]
fn partitions_are_added_with_a_permit_only() {
    let wanted = create_partitions_request::CreatePartitionsTopic::default()
        .with_name(topic("a"))
        .with_count(3)
        .with_assignments(None);
    let message = CreatePartitionsRequest::default().with_topics(vec![wanted]);
    refused_whole(
        ApiKey::CREATE_PARTITIONS,
        &message,
        &[TOPIC],
        |_, a: &CreatePartitionsResponse| a.results.iter().map(|r| r.error_code).collect(),
    );
    let result = create_partitions_response::CreatePartitionsTopicResult::default()
        .with_name(topic("a"))
        .with_error_code(37);
    let answer = CreatePartitionsResponse::default().with_results(vec![result]);
    goes_on(ApiKey::CREATE_PARTITIONS, (&message, &["a"]), (&answer, &[37]));
}

#[test]
fn records_are_deleted_with_a_permit_only() {
    use delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
    let partition = |index| DeleteRecordsPartition::default().with_partition_index(index);
    let asked = DeleteRecordsTopic::default()
        .with_name(topic("a"))
        .with_partitions(vec![partition(0), partition(1)]);
    let message = DeleteRecordsRequest::default().with_topics(vec![asked]);
    refused_whole(
        ApiKey::DELETE_RECORDS,
        &message,
        &[TOPIC, TOPIC],
        |_, a: &DeleteRecordsResponse| {
            let parts = a.topics.iter().flat_map(|topic| &topic.partitions);
            parts.inspect(|part| assert_eq!(part.low_watermark, -1)).map(|p| p.error_code).collect()
        },
    );
    use delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
    let done = |code| DeleteRecordsPartitionResult::default().with_error_code(code);
    let result = DeleteRecordsTopicResult::default()
        .with_name(topic("a"))
        .with_partitions(vec![done(0), done(1)]);
    let answer = DeleteRecordsResponse::default().with_topics(vec![result]);
    goes_on(ApiKey::DELETE_RECORDS, (&message, &["a"]), (&answer, &[1]));
}

#[test]
fn access_lists_are_changed_with_a_permit_only() {
    let acl = create_acls_request::AclCreation::default()
        .with_resource_type(2)
        .with_resource_name(text("a"))
        .with_resource_pattern_type(4)
        .with_principal(text("User:x"))
        .with_host(text("*"))
        .with_operation(3)
        .with_permission_type(3);
    let message = CreateAclsRequest::default().with_creations(vec![acl.clone(), acl]);
    refused_whole(ApiKey::CREATE_ACLS, &message, &[CLUSTER; 2], |_, a: &CreateAclsResponse| {
        a.results.iter().map(|r| r.error_code).collect()
    });
    let result = |code| create_acls_response::AclCreationResult::default().with_error_code(code);
    let answer = CreateAclsResponse::default().with_results(vec![result(0), result(42)]);
    let told = "allow User:x from *: read on topic a*";
    goes_on(ApiKey::CREATE_ACLS, (&message, &[told, told]), (&answer, &[0, 42]));

    let filter = delete_acls_request::DeleteAclsFilter::default()
        .with_resource_type_filter(2)
        .with_resource_name_filter(Some(text("a")))
        .with_pattern_type_filter(3)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(1)
        .with_permission_type(1);
    let message = DeleteAclsRequest::default().with_filters(vec![filter]);
    refused_whole(ApiKey::DELETE_ACLS, &message, &[CLUSTER], |_, a: &DeleteAclsResponse| {
        let results = a.filter_results.iter();
        results.inspect(|r| assert!(r.matching_acls.is_empty())).map(|r| r.error_code).collect()
    });
    let result = delete_acls_response::DeleteAclsFilterResult::default().with_error_code(7);
    let answer = DeleteAclsResponse::default().with_filter_results(vec![result]);
    let told = "whatever matches any from any: any on topic a";
    goes_on(ApiKey::DELETE_ACLS, (&message, &[told]), (&answer, &[7]));
}

#[test]
fn quotas_are_changed_with_a_permit_only() {
    use alter_client_quotas_request::{EntityData, EntryData, OpData};
    let part =
        |kind, name| EntityData::default().with_entity_type(text(kind)).with_entity_name(name);
    let entry = EntryData::default()
        .with_entity(vec![part("user", Some(text("x"))), part("client-id", None)])
        .with_ops(vec![OpData::default().with_key(text("producer_byte_rate")).with_value(1.0)]);
    let message = AlterClientQuotasRequest::default().with_entries(vec![entry]);
    refused_whole(
        ApiKey::ALTER_CLIENT_QUOTAS,
        &message,
        &[CLUSTER],
        |_, a: &AlterClientQuotasResponse| a.entries.iter().map(|e| e.error_code).collect(),
    );
    use alter_client_quotas_response as answers;
    let part = |kind, name| {
        answers::EntityData::default().with_entity_type(text(kind)).with_entity_name(name)
    };
    let entry = answers::EntryData::default()
        .with_error_message(None)
        .with_entity(vec![part("client-id", None), part("user", Some(text("x")))]);
    let answer = AlterClientQuotasResponse::default().with_entries(vec![entry]);
    let told = "quotas of client-id=<default>, user=x";
    goes_on(ApiKey::ALTER_CLIENT_QUOTAS, (&message, &[told]), (&answer, &[0]));
}

#[test]
fn t26_broker_users_are_changed_with_a_permit_only() {
    use alter_user_scram_credentials_request::{ScramCredentialDeletion, ScramCredentialUpsertion};
    let message = AlterUserScramCredentialsRequest::default()
        .with_deletions(vec![ScramCredentialDeletion::default().with_name(text("z"))])
        .with_upsertions(vec![ScramCredentialUpsertion::default().with_name(text("a"))]);
    refused_whole(
        ApiKey::ALTER_USER_SCRAM_CREDENTIALS,
        &message,
        &[CLUSTER; 2],
        |_, a: &AlterUserScramCredentialsResponse| a.results.iter().map(|r| r.error_code).collect(),
    );
    use alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
    let result = |user| AlterUserScramCredentialsResult::default().with_user(text(user));
    let answer = AlterUserScramCredentialsResponse::default()
        .with_results(vec![result("a"), result("z").with_error_code(91)]);
    let told = ["SCRAM credentials of user a", "SCRAM credentials of user z"];
    goes_on(ApiKey::ALTER_USER_SCRAM_CREDENTIALS, (&message, &told), (&answer, &[0, 91]));
}

#[test]
fn members_and_features_are_changed_with_a_permit_only() {
    let update = update_features_request::FeatureUpdateKey::default()
        .with_feature(text("metadata.version"))
        .with_max_version_level(20);
    let message = UpdateFeaturesRequest::default().with_feature_updates(vec![update]);
    let key = ApiKey::UPDATE_FEATURES;
    refused_whole(key, &message, &[CLUSTER], |_, a: &UpdateFeaturesResponse| vec![a.error_code]);
    let answer = UpdateFeaturesResponse::default().with_error_code(95);
    goes_on(key, (&message, &["features metadata.version"]), (&answer, &[95]));

    let key = ApiKey::UNREGISTER_BROKER;
    let message = UnregisterBrokerRequest::default().with_broker_id(BrokerId(7));
    refused_whole(key, &message, &[CLUSTER], |_, a: &UnregisterBrokerResponse| vec![a.error_code]);
    let answer = UnregisterBrokerResponse::default();
    goes_on(key, (&message, &["broker 7"]), (&answer, &[0]));

    let key = ApiKey::ADD_RAFT_VOTER;
    let message = AddRaftVoterRequest::default().with_voter_id(3);
    refused_whole(key, &message, &[CLUSTER], |_, a: &AddRaftVoterResponse| vec![a.error_code]);
    goes_on(key, (&message, &["voter 3"]), (&AddRaftVoterResponse::default(), &[0]));

    let key = ApiKey::REMOVE_RAFT_VOTER;
    let message = RemoveRaftVoterRequest::default().with_voter_id(3);
    refused_whole(key, &message, &[CLUSTER], |_, a: &RemoveRaftVoterResponse| vec![a.error_code]);
    goes_on(key, (&message, &["voter 3"]), (&RemoveRaftVoterResponse::default(), &[0]));
}

#[test]
fn leaders_are_elected_with_a_permit_only() {
    let key = ApiKey::ELECT_LEADERS;
    let partitions = elect_leaders_request::TopicPartitions::default()
        .with_topic(topic("a"))
        .with_partitions(vec![0, 1]);
    let message = ElectLeadersRequest::default().with_topic_partitions(Some(vec![partitions]));
    refused_whole(key, &message, &[CLUSTER; 2], |version, a: &ElectLeadersResponse| {
        assert_eq!(a.error_code, if version == 0 { 0 } else { CLUSTER });
        let topics = a.replica_election_results.iter();
        topics.flat_map(|t| &t.partition_result).map(|p| p.error_code).collect()
    });
    use elect_leaders_response::{PartitionResult, ReplicaElectionResult};
    let part = |code| PartitionResult::default().with_error_code(code);
    let result = ReplicaElectionResult::default()
        .with_topic(topic("a"))
        .with_partition_result(vec![part(0), part(84)]);
    let answer = ElectLeadersResponse::default().with_replica_election_results(vec![result]);
    goes_on(key, (&message, &["a"]), (&answer, &[84]));
    let all = ElectLeadersRequest::default().with_topic_partitions(None);
    refused_whole(key, &all, &[], |_, a: &ElectLeadersResponse| {
        a.replica_election_results.iter().map(|_| 0).collect()
    });
    goes_on(key, (&all, &["all partitions"]), (&answer, &[0]));
    let hidden = ReplicaElectionResult::default().with_topic(topic("secret.a"));
    let mut told = answer.clone();
    told.replica_election_results.push(hidden);
    let mut talk = super::Talk::begun(&super::permitting("ElectLeaders"));
    talk.client(&super::request(key, 2, 1, &all));
    talk.broker(&super::response(key, 2, 1, &told));
    assert_eq!(talk.answer::<ElectLeadersResponse>(key, 2), answer);
}

#[test]
fn each_deleted_group_has_its_row_with_the_answer() {
    let key = ApiKey::DELETE_GROUPS;
    let groups = vec![text("a").into(), text("b").into()];
    let message = DeleteGroupsRequest::default().with_groups_names(groups);
    let result = |name, code| {
        delete_groups_response::DeletableGroupResult::default()
            .with_group_id(text(name).into())
            .with_error_code(code)
    };
    let mut talk = super::Talk::begun(super::CLOSED);
    talk.client(&super::request(key, 2, 1, &message));
    let rows = talk.rows();
    let told: Vec<_> = rows.iter().map(|row| row.message.as_deref().unwrap_or("")).collect();
    assert_eq!(told, ["consumer group a", "consumer group b"]);
    let answer =
        DeleteGroupsResponse::default().with_results(vec![result("b", 68), result("a", 0)]);
    let frame = super::response(key, 2, 1, &answer);
    talk.broker(&frame);
    assert_eq!(talk.to_client(), [frame.slice(4..)]);
    assert_eq!(super::codes(&talk), [68, 0]);
}

#[test]
fn partitions_are_moved_with_a_permit_only() {
    let key = ApiKey::ALTER_PARTITION_REASSIGNMENTS;
    use alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
    let partition = |index| ReassignablePartition::default().with_partition_index(index);
    let asked = ReassignableTopic::default()
        .with_name(topic("a"))
        .with_partitions(vec![partition(0), partition(1)]);
    let message = AlterPartitionReassignmentsRequest::default().with_topics(vec![asked]);
    refused_whole(key, &message, &[CLUSTER; 3], |_, a: &AlterPartitionReassignmentsResponse| {
        let parts = a.responses.iter().flat_map(|topic| &topic.partitions);
        parts.map(|p| p.error_code).chain([a.error_code]).collect()
    });
    use alter_partition_reassignments_response::{
        ReassignablePartitionResponse, ReassignableTopicResponse,
    };
    let part = |code| ReassignablePartitionResponse::default().with_error_code(code);
    let result = ReassignableTopicResponse::default()
        .with_name(topic("a"))
        .with_partitions(vec![part(0), part(39)]);
    let answer = AlterPartitionReassignmentsResponse::default().with_responses(vec![result]);
    goes_on(key, (&message, &["a"]), (&answer, &[39]));

    let key = ApiKey::ALTER_REPLICA_LOG_DIRS;
    use alter_replica_log_dirs_request::{AlterReplicaLogDir, AlterReplicaLogDirTopic};
    let moved =
        AlterReplicaLogDirTopic::default().with_name(topic("a")).with_partitions(vec![0, 1]);
    let dir = AlterReplicaLogDir::default().with_path(text("/d")).with_topics(vec![moved]);
    let message = AlterReplicaLogDirsRequest::default().with_dirs(vec![dir]);
    refused_whole(key, &message, &[CLUSTER; 2], |_, a: &AlterReplicaLogDirsResponse| {
        a.results.iter().flat_map(|t| &t.partitions).map(|p| p.error_code).collect()
    });
    use alter_replica_log_dirs_response::AlterReplicaLogDirTopicResult;
    let result = AlterReplicaLogDirTopicResult::default().with_topic_name(topic("a"));
    let answer = AlterReplicaLogDirsResponse::default().with_results(vec![result]);
    goes_on(key, (&message, &["a"]), (&answer, &[0]));
}

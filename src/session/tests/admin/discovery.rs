//! What is shown of topics, settings and the cluster: what may be seen, without an address.

use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, Encodable};

use super::{
    CLOSED, Talk, asked, frames, permitting, refused_whole, request, response, text, topic,
};
use crate::wire::{ApiKey, codec};

const CLUSTER: i16 = 31;
/// Nobody may look at the cluster, either.
const CONCEALED: &str = "    - id: closed-to-readers
      match: {direction: consume, topics: [\"secret.**\"]}
      action: {deny: {}}
    - id: closed-to-writers
      match: {direction: produce, topics: [\"secret.**\"]}
      action: {deny: {}}
    - id: closed-to-lookers
      match:
        direction: admin
        apis: [DescribeLogDirs, ListPartitionReassignments, DescribeQuorum, ListConfigResources,
               DescribeConfigs, ListGroups]
      action: {deny: {}}
";

/// Sends a request and gives what the client is told of the broker's answer.
#[track_caller]
fn through<Q: Encodable, A: Encodable + Decodable>(
    rules: &str,
    (key, version): (ApiKey, i16),
    message: &Q,
    answer: &A,
) -> A {
    let mut talk = Talk::begun(rules);
    talk.client(&request(key, version, 1, message));
    assert_eq!(talk.to_broker().len(), 1, "{key} v{version} goes on: {:?}", talk.done);
    talk.broker(&response(key, version, 1, answer));
    talk.answer(key, version)
}

fn described(name: &'static str) -> metadata_response::MetadataResponseTopic {
    metadata_response::MetadataResponseTopic::default()
        .with_name(Some(topic(name)))
        .with_topic_id(uuid::Uuid::from_bytes([name.len().try_into().unwrap(); 16]))
}

fn named(names: &[&'static str]) -> MetadataRequest {
    let topic = |name: &&'static str| {
        metadata_request::MetadataRequestTopic::default().with_name(Some(topic(name)))
    };
    MetadataRequest::default()
        .with_topics(Some(names.iter().map(topic).collect()))
        .with_allow_auto_topic_creation(true)
}

/// Names, ids and errors of what a client is told.
fn told(answer: &MetadataResponse) -> Vec<(Option<&str>, u8, i16)> {
    let one = |t| -> (Option<&str>, u8, i16) {
        let topic: &metadata_response::MetadataResponseTopic = t;
        let name = topic.name.as_ref().map(|name| name.as_str());
        (name, topic.topic_id.as_bytes()[0], topic.error_code)
    };
    answer.topics.iter().map(one).collect()
}

#[test]
fn a_list_of_all_topics_leaves_out_what_may_not_be_seen() {
    let answer =
        MetadataResponse::default().with_topics(vec![described("a"), described("secret.x")]);
    for (version, topics) in [(0, Some(vec![])), (1, None), (12, None), (13, None)] {
        let message = MetadataRequest::default().with_topics(topics);
        let key = ApiKey::METADATA;
        let got = through(CLOSED, (key, version), &message, &answer);
        let names: Vec<_> = told(&got).iter().map(|(name, ..)| name.unwrap().to_owned()).collect();
        assert_eq!(names, ["a"], "v{version}");
    }
}

#[test]
fn a_named_topic_that_may_not_be_seen_is_never_asked_for() {
    let key = ApiKey::METADATA;
    for version in [0, 1, 3, 4, 9, 13] {
        let permit = permitting("CreateTopics").replace("apis", "topics: [a], apis");
        let mut talk = Talk::begun(&permit);
        let message = named(&["secret.x", "a", "secret.x"]);
        talk.client(&request(key, version, 1, &message));
        let up: MetadataRequest = asked(&talk);
        let names: Vec<_> = up.topics.iter().flatten().map(|t| t.name.clone().unwrap()).collect();
        assert_eq!(names, [topic("a")], "v{version}");
        assert!(up.allow_auto_topic_creation, "v{version}: what is left may be created");
        let answer = MetadataResponse::default().with_topics(vec![described("a")]);
        talk.broker(&response(key, version.max(4), 1, &answer));
        let got: MetadataResponse = talk.answer(key, version);
        let id = if version < 10 { 0 } else { 1 };
        assert_eq!(told(&got), [(Some("a"), id, 0), (Some("secret.x"), 0, 29)], "v{version}");
    }
}

#[test]
fn with_no_topic_left_a_client_still_learns_the_brokers_and_no_topic() {
    let key = ApiKey::METADATA;
    for version in [0, 1, 13] {
        let mut talk = Talk::begun(CLOSED);
        talk.client(&request(key, version, 1, &named(&["secret.x"])));
        let up: MetadataRequest = asked(&talk);
        assert_eq!(up.topics, Some(vec![]), "v{version}");
        let broker = metadata_response::MetadataResponseBroker::default().with_node_id(BrokerId(1));
        let answer = MetadataResponse::default().with_brokers(vec![broker]);
        talk.broker(&response(key, version.max(4), 1, &answer));
        let got: MetadataResponse = talk.answer(key, version);
        assert_eq!(told(&got), [(Some("secret.x"), 0, 29)]);
        assert_eq!(got.brokers.len(), 1);
    }
}

#[test]
fn an_id_of_a_topic_that_may_not_be_seen_gets_no_name() {
    let by_id = |id: u8| {
        metadata_request::MetadataRequestTopic::default()
            .with_name(None)
            .with_topic_id(uuid::Uuid::from_bytes([id; 16]))
    };
    let message = MetadataRequest::default()
        .with_topics(Some(vec![by_id(1), by_id(8), by_id(9)]))
        .with_allow_auto_topic_creation(false);
    let unknown = metadata_response::MetadataResponseTopic::default()
        .with_name(None)
        .with_error_code(100)
        .with_topic_id(uuid::Uuid::from_bytes([9; 16]));
    let answer = MetadataResponse::default().with_topics(vec![
        unknown,
        described("a"),
        described("secret.x"),
    ]);
    for version in [12, 13] {
        let got = through(CLOSED, (ApiKey::METADATA, version), &message, &answer);
        assert_eq!(told(&got), [(None, 9, 100), (Some("a"), 1, 0), (None, 8, 29)]);
    }
}

#[test]
fn operations_that_need_a_permit_are_not_told_without_one() {
    const EVERYTHING: i32 = 0xffff;
    let shown = described("a").with_topic_authorized_operations(EVERYTHING);
    let answer = MetadataResponse::default()
        .with_topics(vec![shown, described("b")])
        .with_cluster_authorized_operations(EVERYTHING);
    let message = MetadataRequest::default()
        .with_topics(None)
        .with_include_topic_authorized_operations(true)
        .with_include_cluster_authorized_operations(true);
    let got = |rules: &str, version| through(rules, (ApiKey::METADATA, version), &message, &answer);
    // Read, Write, Describe and DescribeConfigs.
    let data = (1 << 3) | (1 << 4) | (1 << 8) | (1 << 10);
    for version in [8, 10] {
        let first = got(CLOSED, version);
        assert_eq!(first.topics[0].topic_authorized_operations, data);
        assert_eq!(first.topics[1].topic_authorized_operations, i32::MIN, "nobody asked");
        assert_eq!(first.cluster_authorized_operations & (1 << 7), 0, "no Alter");
        assert_ne!(first.cluster_authorized_operations & (1 << 8), 0, "Describe");
    }
    let message_11 =
        MetadataRequest::default().with_topics(None).with_include_topic_authorized_operations(true);
    let answer_11 = MetadataResponse::default().with_topics(answer.topics.clone());
    let permitted =
        through(&permitting("DeleteTopics"), (ApiKey::METADATA, 11), &message_11, &answer_11);
    assert_eq!(permitted.topics[0].topic_authorized_operations, data | (1 << 6));
}

fn page(names: &[&'static str], cursor: Option<&'static str>) -> DescribeTopicPartitionsResponse {
    use describe_topic_partitions_response::{Cursor, DescribeTopicPartitionsResponseTopic};
    let topics = names
        .iter()
        .map(|name| DescribeTopicPartitionsResponseTopic::default().with_name(Some(topic(name))));
    let cursor = cursor.map(|name| Cursor::default().with_topic_name(topic(name)));
    DescribeTopicPartitionsResponse::default()
        .with_topics(topics.collect())
        .with_next_cursor(cursor)
}

/// What a client asks for, page by page.
fn pages(names: &[&'static str], cursor: Option<&'static str>) -> DescribeTopicPartitionsRequest {
    use describe_topic_partitions_request::{Cursor, TopicRequest};
    let topics = names.iter().map(|name| TopicRequest::default().with_name(topic(name))).collect();
    let cursor = cursor.map(|name| Cursor::default().with_topic_name(topic(name)));
    DescribeTopicPartitionsRequest::default().with_topics(topics).with_cursor(cursor)
}

#[test]
fn pages_of_all_topics_name_none_that_may_not_be_seen() {
    let key = ApiKey::DESCRIBE_TOPIC_PARTITIONS;
    let mut talk = Talk::begun(CLOSED);
    talk.client(&request(key, 0, 1, &pages(&[], Some("b"))));
    let all =
        frames::metadata(&[("c", [3; 16]), ("secret.x", [4; 16]), ("a", [1; 16]), ("b", [2; 16])]);
    talk.done.clear();
    talk.broker(&response(ApiKey::METADATA, 4, -1, &all));
    let up: DescribeTopicPartitionsRequest = asked(&talk);
    assert_eq!(up, pages(&["c", "b"], Some("b")));
    talk.broker(&response(key, 0, 1, &page(&["b"], Some("c"))));
    let got: DescribeTopicPartitionsResponse = talk.answer(key, 0);
    assert_eq!(got, page(&["b"], Some("c")));
}

#[test]
fn a_cursor_on_a_topic_that_may_not_be_seen_goes_to_the_next() {
    let key = ApiKey::DESCRIBE_TOPIC_PARTITIONS;
    let mut talk = Talk::begun(CLOSED);
    talk.client(&request(key, 0, 1, &pages(&["t", "secret.x", "b"], Some("secret.x"))));
    let up: DescribeTopicPartitionsRequest = asked(&talk);
    assert_eq!(up, pages(&["t"], None));
    talk.broker(&response(key, 0, 1, &page(&["t"], None)));
    let got: DescribeTopicPartitionsResponse = talk.answer(key, 0);
    let told: Vec<(&str, i16)> =
        got.topics.iter().map(|t| (t.name.as_ref().unwrap().as_str(), t.error_code)).collect();
    assert_eq!(told, [("t", 0), ("secret.x", 29)]);
    // With nothing left an empty list would ask for all.
    let mut talk = Talk::begun(CLOSED);
    talk.client(&request(key, 0, 1, &pages(&["secret.x"], None)));
    assert!(talk.to_broker().is_empty());
    let got: DescribeTopicPartitionsResponse = talk.answer(key, 0);
    assert_eq!(got.topics.len(), 1);
}

#[test]
fn t06_the_quorum_is_shown_without_its_listeners() {
    let listener = describe_quorum_response::Listener::default().with_host(text("10.0.0.9"));
    let node = describe_quorum_response::Node::default()
        .with_node_id(BrokerId(1))
        .with_listeners(vec![listener]);
    let key = ApiKey::DESCRIBE_QUORUM;
    for version in 0..=2 {
        let nodes = if version < 2 { vec![] } else { vec![node.clone()] };
        let answer = DescribeQuorumResponse::default().with_nodes(nodes.clone());
        let got = through(CLOSED, (key, version), &DescribeQuorumRequest::default(), &answer);
        assert_eq!(got.nodes.len(), nodes.len());
        assert!(got.nodes.iter().all(|node| node.listeners.is_empty()));
    }
}

#[test]
fn listings_leave_out_topics_that_may_not_be_seen() {
    use describe_log_dirs_response::{DescribeLogDirsResult, DescribeLogDirsTopic};
    let dir_topic = |name| DescribeLogDirsTopic::default().with_name(topic(name));
    let dir =
        DescribeLogDirsResult::default().with_topics(vec![dir_topic("secret.x"), dir_topic("a")]);
    let answer = DescribeLogDirsResponse::default().with_results(vec![dir]);
    let message = DescribeLogDirsRequest::default().with_topics(None);
    for version in [1, 4] {
        let got = through(CLOSED, (ApiKey::DESCRIBE_LOG_DIRS, version), &message, &answer);
        assert_eq!(got.results[0].topics, [dir_topic("a")]);
    }
    use list_partition_reassignments_response::OngoingTopicReassignment;
    let ongoing = |name| OngoingTopicReassignment::default().with_name(topic(name));
    let answer = ListPartitionReassignmentsResponse::default()
        .with_topics(vec![ongoing("a"), ongoing("secret.x")]);
    let message = ListPartitionReassignmentsRequest::default().with_topics(None);
    let got = through(CLOSED, (ApiKey::LIST_PARTITION_REASSIGNMENTS, 0), &message, &answer);
    assert_eq!(got.topics, [ongoing("a")]);
    use list_config_resources_response::ConfigResource;
    let listed = |kind, name| {
        ConfigResource::default().with_resource_type(kind).with_resource_name(text(name))
    };
    let answer = ListConfigResourcesResponse::default().with_config_resources(vec![
        listed(2, "secret.x"),
        listed(2, "a"),
        listed(4, "1"),
        listed(32, "group"),
    ]);
    let message = ListConfigResourcesRequest::default();
    let got = through(CLOSED, (ApiKey::LIST_CONFIG_RESOURCES, 1), &message, &answer);
    assert_eq!(got.config_resources, [listed(2, "a"), listed(4, "1"), listed(32, "group")]);
}

#[test]
fn settings_of_what_may_not_be_seen_are_refused_and_the_rest_told() {
    use describe_configs_request::DescribeConfigsResource;
    use describe_configs_response::DescribeConfigsResult;
    let key = ApiKey::DESCRIBE_CONFIGS;
    let resource = |kind, name| {
        DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configuration_keys(None)
    };
    let message = DescribeConfigsRequest::default()
        .with_resources(vec![resource(2, "secret.x"), resource(2, "a")]);
    for version in [1, 4] {
        let mut talk = Talk::begun(CLOSED);
        talk.client(&request(key, version, 1, &message));
        let up: DescribeConfigsRequest = asked(&talk);
        assert_eq!(up.resources, [resource(2, "a")]);
        let result =
            DescribeConfigsResult::default().with_resource_type(2).with_resource_name(text("a"));
        let answer = DescribeConfigsResponse::default().with_results(vec![result]);
        talk.broker(&response(key, version, 1, &answer));
        let got: DescribeConfigsResponse = talk.answer(key, version);
        let told: Vec<(&str, i16)> =
            got.results.iter().map(|r| (&*r.resource_name, r.error_code)).collect();
        assert_eq!(told, [("secret.x", 29), ("a", 0)]);
    }
}

/// At every version, refused whole where a rule denies the API.
#[track_caller]
fn concealed<Q: Encodable, A: Decodable>(
    key: ApiKey,
    message: &Q,
    code: impl Fn(i16, &A) -> i16,
    expected: impl Fn(i16) -> i16,
) {
    for version in super::versions(key) {
        if codec::encode(key, version, message).is_err() {
            // Newer than the protocol crate.
            continue;
        }
        let mut talk = Talk::begun(CONCEALED);
        talk.client(&request(key, version, 1, message));
        assert!(talk.to_broker().is_empty(), "{key} v{version}");
        let answer: A = talk.answer(key, version);
        assert_eq!(code(version, &answer), expected(version), "{key} v{version}");
    }
}

#[test]
fn a_cluster_that_may_not_be_described_is_not() {
    concealed(
        ApiKey::DESCRIBE_LOG_DIRS,
        &DescribeLogDirsRequest::default(),
        |_, a: &DescribeLogDirsResponse| a.error_code,
        // There is no room for it before v3.
        |version| if version < 3 { 0 } else { CLUSTER },
    );
    concealed(
        ApiKey::DESCRIBE_QUORUM,
        &DescribeQuorumRequest::default(),
        |_, a: &DescribeQuorumResponse| a.error_code,
        |_| CLUSTER,
    );
    concealed(
        ApiKey::LIST_CONFIG_RESOURCES,
        &ListConfigResourcesRequest::default(),
        |_, a: &ListConfigResourcesResponse| a.error_code,
        |_| CLUSTER,
    );
    concealed(
        ApiKey::LIST_PARTITION_REASSIGNMENTS,
        &ListPartitionReassignmentsRequest::default().with_topics(None),
        |_, a: &ListPartitionReassignmentsResponse| a.error_code,
        |_| CLUSTER,
    );
    let broker = describe_configs_request::DescribeConfigsResource::default()
        .with_resource_type(4)
        .with_resource_name(text("1"));
    concealed(
        ApiKey::DESCRIBE_CONFIGS,
        &DescribeConfigsRequest::default().with_resources(vec![broker]),
        |_, a: &DescribeConfigsResponse| a.results[0].error_code,
        |_| CLUSTER,
    );
}

#[test]
fn what_only_keepers_should_see_needs_a_permit() {
    refused_whole(
        ApiKey::DESCRIBE_ACLS,
        &DescribeAclsRequest::default().with_pattern_type_filter(3),
        &[CLUSTER],
        |_, a: &DescribeAclsResponse| vec![a.error_code],
    );
    refused_whole(
        ApiKey::DESCRIBE_CLIENT_QUOTAS,
        &DescribeClientQuotasRequest::default(),
        &[CLUSTER],
        |_, a: &DescribeClientQuotasResponse| {
            assert_eq!(a.entries, None);
            vec![a.error_code]
        },
    );
    let user = describe_user_scram_credentials_request::UserName::default().with_name(text("x"));
    refused_whole(
        ApiKey::DESCRIBE_USER_SCRAM_CREDENTIALS,
        &DescribeUserScramCredentialsRequest::default().with_users(Some(vec![user])),
        &[CLUSTER, CLUSTER],
        |_, a: &DescribeUserScramCredentialsResponse| vec![a.error_code, a.results[0].error_code],
    );
    let permitted = permitting("DescribeAcls, DescribeClientQuotas, DescribeUserScramCredentials");
    let answer = DescribeAclsResponse::default();
    through(&permitted, (ApiKey::DESCRIBE_ACLS, 3), &DescribeAclsRequest::default(), &answer);
    let message = DescribeClientQuotasRequest::default();
    let answer = DescribeClientQuotasResponse::default();
    through(&permitted, (ApiKey::DESCRIBE_CLIENT_QUOTAS, 1), &message, &answer);
}

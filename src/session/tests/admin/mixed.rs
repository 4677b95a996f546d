//! Requests that are refused in part: the rest goes on, and the answer has the request's order.

use kafka_protocol::messages::*;

use super::{CLOSED, Talk, asked, codes, creatable, permitting, request, response, text, topic};
use crate::audit::AuditDecision;
use crate::wire::ApiKey;

/// A permit for an API on topics of one prefix, and some settings.
fn prefix(api: &str, more: &str) -> String {
    format!(
        "{CLOSED}  permits:\n    - {{id: part, principals: {{users: [jane]}}, apis: [{api}], \
         topics: [\"mine.**\"]{more}}}\n"
    )
}

#[test]
fn topics_outside_a_permit_are_not_created_and_stand_where_they_were_asked() {
    let key = ApiKey::CREATE_TOPICS;
    for version in [2, 7] {
        let names = ["mine.a", "theirs", "mine.b"];
        let message =
            CreateTopicsRequest::default().with_topics(names.map(creatable).into_iter().collect());
        let mut talk = Talk::begun(&prefix("CreateTopics", ""));
        talk.client(&request(key, version, 1, &message));
        let up: CreateTopicsRequest = asked(&talk);
        let up: Vec<&str> = up.topics.iter().map(|topic| &**topic.name).collect();
        assert_eq!(up, ["mine.a", "mine.b"]);
        let decisions: Vec<_> = talk.rows().iter().map(|row| row.decision.unwrap()).collect();
        use AuditDecision::{Allow, Deny};
        assert_eq!(decisions, [Deny, Allow, Allow]);
        let result =
            |name| create_topics_response::CreatableTopicResult::default().with_name(topic(name));
        let answer =
            CreateTopicsResponse::default().with_topics(vec![result("mine.b"), result("mine.a")]);
        talk.broker(&response(key, version, 1, &answer));
        let answer: CreateTopicsResponse = talk.answer(key, version);
        let told: Vec<(&str, i16)> =
            answer.topics.iter().map(|topic| (&**topic.name, topic.error_code)).collect();
        assert_eq!(told, [("mine.a", 0), ("theirs", 29), ("mine.b", 0)]);
        let message = answer.topics[1].error_message.as_deref().unwrap();
        assert!(message.contains("permits"), "{message}");
        assert_eq!(codes(&talk), [0, 0]);
    }
}

#[test]
fn a_topic_named_twice_is_left_to_the_broker_and_refused_once() {
    let key = ApiKey::CREATE_TOPICS;
    let message = CreateTopicsRequest::default().with_topics(vec![
        creatable("theirs"),
        creatable("mine.a"),
        creatable("theirs"),
    ]);
    let mut talk = Talk::begun(&prefix("CreateTopics", ""));
    talk.client(&request(key, 7, 1, &message));
    let up: CreateTopicsRequest = asked(&talk);
    assert_eq!(up.topics.len(), 1);
    talk.broker(&response(key, 7, 1, &CreateTopicsResponse::default()));
    let answer: CreateTopicsResponse = talk.answer(key, 7);
    assert_eq!(answer.topics.len(), 1, "one refusal");
}

#[test]
fn deletions_by_id_are_judged_by_name_and_tell_no_name_that_may_not_be_seen() {
    let key = ApiKey::DELETE_TOPICS;
    let by_id = |id: u8| {
        delete_topics_request::DeleteTopicState::default()
            .with_name(None)
            .with_topic_id(uuid::Uuid::from_bytes([id; 16]))
    };
    let by_name =
        delete_topics_request::DeleteTopicState::default().with_name(Some(topic("other")));
    let message = DeleteTopicsRequest::default().with_topics(vec![
        by_id(1),
        by_id(2),
        by_id(3),
        by_name,
        by_id(4),
    ]);
    let mut talk = Talk::begun(&prefix("DeleteTopics", ""));
    talk.client(&request(key, 6, 1, &message));
    // The names of the ids are asked first.
    let names =
        super::frames::metadata(&[("mine.a", [1; 16]), ("secret.x", [2; 16]), ("shown", [3; 16])]);
    talk.done.clear();
    talk.broker(&response(ApiKey::METADATA, 12, -1, &names));
    let up: DeleteTopicsRequest = asked(&talk);
    assert_eq!(up.topics, [by_id(1)]);
    let done = delete_topics_response::DeletableTopicResult::default()
        .with_name(Some(topic("mine.a")))
        .with_topic_id(uuid::Uuid::from_bytes([1; 16]));
    let answer = DeleteTopicsResponse::default().with_responses(vec![done]);
    talk.broker(&response(key, 6, 1, &answer));
    let answer: DeleteTopicsResponse = talk.answer(key, 6);
    let told: Vec<(Option<&str>, u8, i16)> = answer
        .responses
        .iter()
        .map(|r| (r.name.as_ref().map(|n| n.as_str()), r.topic_id.as_bytes()[0], r.error_code))
        .collect();
    let expected = [
        (Some("mine.a"), 1, 0),
        (None, 2, 29),
        (Some("shown"), 3, 29),
        (Some("other"), 0, 29),
        (None, 4, 100),
    ];
    assert_eq!(told, expected);
    assert_eq!(codes(&talk), [0]);
}

#[test]
fn records_of_topics_outside_a_permit_stay() {
    use delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
    let key = ApiKey::DELETE_RECORDS;
    let asked_for = |name| {
        let partition = DeleteRecordsPartition::default().with_offset(7);
        DeleteRecordsTopic::default().with_name(topic(name)).with_partitions(vec![partition])
    };
    for version in [0, 2] {
        let message = DeleteRecordsRequest::default()
            .with_topics(vec![asked_for("theirs"), asked_for("mine.a")]);
        let mut talk = Talk::begun(&prefix("DeleteRecords", ""));
        talk.client(&request(key, version, 1, &message));
        let up: DeleteRecordsRequest = asked(&talk);
        assert_eq!(up.topics, [asked_for("mine.a")]);
        use delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
        let part = DeleteRecordsPartitionResult::default().with_low_watermark(7);
        let done = DeleteRecordsTopicResult::default()
            .with_name(topic("mine.a"))
            .with_partitions(vec![part]);
        let answer = DeleteRecordsResponse::default().with_topics(vec![done]);
        talk.broker(&response(key, version, 1, &answer));
        let answer: DeleteRecordsResponse = talk.answer(key, version);
        let told: Vec<(&str, i64, i16)> = answer
            .topics
            .iter()
            .flat_map(|t| t.partitions.iter().map(|p| (&**t.name, p.low_watermark, p.error_code)))
            .collect();
        assert_eq!(told, [("theirs", -1, 29), ("mine.a", 7, 0)]);
    }
}

#[test]
fn t40_resources_outside_a_permit_keep_their_settings() {
    use alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let key = ApiKey::ALTER_CONFIGS;
    let resource = |kind, name, setting| {
        let config =
            AlterableConfig::default().with_name(text(setting)).with_value(Some(text("1")));
        AlterConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configs(vec![config])
    };
    for version in [0, 2] {
        let message = AlterConfigsRequest::default().with_resources(vec![
            resource(4, "0", "segment.bytes"),
            resource(2, "theirs", "segment.bytes"),
            resource(2, "mine.b", "segment.bytes"),
            resource(32, "g", "segment.bytes"),
        ]);
        let mut talk = Talk::begun(&prefix("AlterConfigs", ""));
        talk.client(&request(key, version, 1, &message));
        let up: AlterConfigsRequest = asked(&talk);
        assert_eq!(up.resources, [resource(2, "mine.b", "segment.bytes")]);
        let allowed = talk.rows().pop().unwrap();
        assert_eq!(allowed.topic.as_deref(), Some("mine.b"));
        assert_eq!(allowed.message.as_deref(), Some("sets segment.bytes"));
        let done = alter_configs_response::AlterConfigsResourceResponse::default()
            .with_resource_type(2)
            .with_resource_name(text("mine.b"));
        let answer = AlterConfigsResponse::default().with_responses(vec![done]);
        talk.broker(&response(key, version, 1, &answer));
        let answer: AlterConfigsResponse = talk.answer(key, version);
        let told: Vec<(&str, i16)> =
            answer.responses.iter().map(|r| (&*r.resource_name, r.error_code)).collect();
        assert_eq!(told, [("0", 31), ("theirs", 29), ("mine.b", 0), ("g", 30)]);
        assert_eq!(codes(&talk), [0]);
    }
}

#[test]
fn t40_one_setting_too_many_keeps_its_resource_as_it_is() {
    use incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let key = ApiKey::INCREMENTAL_ALTER_CONFIGS;
    let config =
        |name| AlterableConfig::default().with_name(text(name)).with_value(Some(text("1")));
    let resource = |name, settings: &[&'static str]| {
        AlterConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name(text(name))
            .with_configs(settings.iter().copied().map(config).collect())
    };
    for version in [0, 1] {
        let message = IncrementalAlterConfigsRequest::default().with_resources(vec![
            resource("mine.a", &["segment.bytes", "compression.type"]),
            resource("mine.b", &["segment.bytes"]),
        ]);
        let policy = prefix("IncrementalAlterConfigs", ", configs: [segment.bytes]");
        let mut talk = Talk::begun(&policy);
        talk.client(&request(key, version, 1, &message));
        let up: IncrementalAlterConfigsRequest = asked(&talk);
        assert_eq!(up.resources, [resource("mine.b", &["segment.bytes"])]);
        let done = incremental_alter_configs_response::AlterConfigsResourceResponse::default()
            .with_resource_type(2)
            .with_resource_name(text("mine.b"))
            .with_error_code(40);
        let answer = IncrementalAlterConfigsResponse::default().with_responses(vec![done]);
        talk.broker(&response(key, version, 1, &answer));
        let answer: IncrementalAlterConfigsResponse = talk.answer(key, version);
        let told: Vec<(&str, i16)> =
            answer.responses.iter().map(|r| (&*r.resource_name, r.error_code)).collect();
        assert_eq!(told, [("mine.a", 29), ("mine.b", 40)]);
        assert_eq!(codes(&talk), [40]);
    }
}

#[test]
fn t40_a_setting_that_goes_back_to_its_default_has_no_value_for_rules() {
    use incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let key = ApiKey::INCREMENTAL_ALTER_CONFIGS;
    let policy = "    - id: two-in-sync
      match: {direction: admin, apis: [IncrementalAlterConfigs], topics: [\"**\"]}
      when: \"request.configs['min.insync.replicas'] != '2'\"
      action: {deny: {}}
  permits:
    - {id: keeper, principals: {users: [jane]}, apis: [IncrementalAlterConfigs]}
";
    // SET, DELETE, APPEND, SUBTRACT.
    for (operation, goes_on) in [(0, true), (1, false), (2, false), (3, false)] {
        let config = AlterableConfig::default()
            .with_name(text("min.insync.replicas"))
            .with_config_operation(operation)
            .with_value(Some(text("2")));
        let resource = AlterConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name(text("a"))
            .with_configs(vec![config]);
        let message = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
        let mut talk = Talk::begun(policy);
        talk.client(&request(key, 1, 1, &message));
        assert_eq!(talk.to_broker().len() == 1, goes_on, "operation {operation}");
    }
}

#[test]
fn t40_a_topic_is_created_with_the_settings_of_a_permit_only() {
    use create_topics_request::CreatableTopicConfig;
    let key = ApiKey::CREATE_TOPICS;
    let with = |name, setting| {
        let config =
            CreatableTopicConfig::default().with_name(text(setting)).with_value(Some(text("1")));
        creatable(name).with_configs(vec![config])
    };
    let message = CreateTopicsRequest::default()
        .with_topics(vec![with("mine.a", "retention.ms"), with("mine.b", "segment.bytes")]);
    let mut talk = Talk::begun(&prefix("CreateTopics", ", configs: [segment.bytes]"));
    talk.client(&request(key, 7, 1, &message));
    let up: CreateTopicsRequest = asked(&talk);
    assert_eq!(up.topics, [with("mine.b", "segment.bytes")]);
}

#[test]
fn a_rule_sees_partitions_and_replicas_also_where_they_are_assigned() {
    use create_topics_request::CreatableReplicaAssignment;
    let rules = "    - id: not-too-many
      match: {direction: admin, apis: [CreateTopics], topics: [\"**\"]}
      when: \"request.partitions > 2\"
      action: {deny: {code: POLICY_VIOLATION}}
  permits:
    - {id: p, principals: {users: [jane]}, apis: [CreateTopics]}
";
    let assigned = (0..3)
        .map(|index| {
            CreatableReplicaAssignment::default()
                .with_partition_index(index)
                .with_broker_ids(vec![BrokerId(0)])
        })
        .collect();
    let many = creatable("a").with_num_partitions(3);
    let placed = creatable("b")
        .with_num_partitions(-1)
        .with_replication_factor(-1)
        .with_assignments(assigned);
    let message = CreateTopicsRequest::default().with_topics(vec![many, placed]);
    let mut talk = Talk::begun(rules);
    talk.client(&request(ApiKey::CREATE_TOPICS, 7, 1, &message));
    let answer: CreateTopicsResponse = talk.answer(ApiKey::CREATE_TOPICS, 7);
    assert_eq!(answer.topics.iter().map(|t| t.error_code).collect::<Vec<_>>(), [44, 44]);
}

#[test]
fn settings_of_a_new_topic_are_told_to_those_who_may_read_them() {
    let rules = "    - id: no-settings
      match: {direction: admin, apis: [DescribeConfigs], topics: [\"**\"]}
      action: {deny: {}}
  permits:
    - {id: p, principals: {users: [jane]}, apis: [CreateTopics]}
";
    let key = ApiKey::CREATE_TOPICS;
    let result = create_topics_response::CreatableTopicResult::default()
        .with_name(topic("a"))
        .with_num_partitions(3)
        .with_replication_factor(1);
    let answer = CreateTopicsResponse::default().with_topics(vec![result]);
    let message = CreateTopicsRequest::default().with_topics(vec![creatable("a")]);
    for (policy, shown) in [(permitting("CreateTopics"), (3, 0)), (rules.to_owned(), (-1, 29))] {
        let mut talk = Talk::begun(&policy);
        talk.client(&request(key, 7, 1, &message));
        talk.broker(&response(key, 7, 1, &answer));
        let answer: CreateTopicsResponse = talk.answer(key, 7);
        let [topic] = answer.topics.as_slice() else { panic!("{answer:?}") };
        assert_eq!((topic.num_partitions, topic.topic_config_error_code), shown);
    }
}

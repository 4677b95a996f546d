//! T40: nobody neutralises a policy by changing what a broker keeps.

use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::{
    DeleteRecordsRequest, DeleteRecordsResponse, DescribeConfigsRequest, DescribeConfigsResponse,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, TopicName,
};

use crate::frames::{self, request};
use crate::stage::stage;
use crate::wire::{ApiKey, codec};

/// `ConfigSource` of a setting of the topic itself.
const OF_THE_TOPIC: i8 = 1;
const TOPIC: i8 = 2;

#[test]
fn t40_no_setting_is_changed_and_no_record_deleted_without_a_permit() {
    let stage = stage();
    let topic = "open.t40";
    stage.topic(topic, 1);
    let mut client = stage.client();
    let config = |name, value| {
        AlterableConfig::default().with_name(codec::text(name)).with_value(Some(codec::text(value)))
    };
    let resource = AlterConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(codec::text(topic))
        .with_configs(vec![
            config("retention.ms", "1"),
            config("compression.type", "gzip"),
            config("message.timestamp.type", "LogAppendTime"),
        ]);
    let message = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    let key = ApiKey::INCREMENTAL_ALTER_CONFIGS;
    for version in [0, 1] {
        client.send(&request(key, version, 1, &message));
        let answer: IncrementalAlterConfigsResponse =
            frames::decoded(key, version, &client.receive().expect("an answer"));
        assert_eq!(answer.responses[0].error_code, 29);
        let why = answer.responses[0].error_message.as_deref().unwrap_or_default();
        assert!(why.contains("permits"), "{why}");
    }
    let partition = DeleteRecordsPartition::default().with_offset(-1);
    let deleted = DeleteRecordsTopic::default()
        .with_name(TopicName(codec::text(topic)))
        .with_partitions(vec![partition]);
    let message = DeleteRecordsRequest::default().with_topics(vec![deleted]);
    let key = ApiKey::DELETE_RECORDS;
    client.send(&request(key, 2, 1, &message));
    let answer: DeleteRecordsResponse =
        frames::decoded(key, 2, &client.receive().expect("an answer"));
    assert_eq!(answer.topics[0].partitions[0].error_code, 29);
    let asked = DescribeConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(codec::text(topic))
        .with_configuration_keys(None);
    let key = ApiKey::DESCRIBE_CONFIGS;
    let mut broker = stage.broker();
    let message = DescribeConfigsRequest::default().with_resources(vec![asked]);
    broker.send(&request(key, 4, 1, &message));
    let answer: DescribeConfigsResponse =
        frames::decoded(key, 4, &broker.receive().expect("an answer"));
    assert!(answer.results[0].configs.iter().all(|config| config.config_source != OF_THE_TOPIC));
    stage.unharmed();
}
